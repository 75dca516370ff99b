/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From an answered signing request and the artifacts of its build to the signed release: UKI and
 * loader, verity signature, manifest, sums and their signatures, and the disk image. All of it is
 * written first and renamed at the end, SHA256SUMS last, as a build does. It may be done again: the
 * same build and answers give the same bytes, also over what is signed already.
 */
#pragma once

#include "image/build.h"
#include "image/sign-request.h"
#include "trust/signer.h"

/* PATH is the request, or the folder that has one. The names of the files, in the order in which
 * they were made, are added to RET_FILES. REFUSED: an answer is missing or wrong, or a file of the
 * folder is not the one that the request was made for. */
int ingot_sign_attach(const char *path, struct ingot_strings *ret_files, ingot_error *reterr);

/*
 * At once, for whoever builds and has the keys: answers the request of a finished build, attaches,
 * and brings what RESULT says of the artifacts up to date.
 */
int ingot_sign_build(const struct ingot_signers *signers, struct ingot_build_result *result,
                     ingot_error *reterr);

/* The request that PATH names: itself, or the only *.sign.json of a folder. NOTFOUND, CONFLICT. */
int ingot_sign_find(const char *path, char **ret, ingot_error *reterr);

/* The file of an answer to a thing of the release: NAME.p7s, by OpenPGP NAME.gpg; of further
 * signers NAME.2.p7s … */
int ingot_sign_signature_name(const struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                              size_t answer, char **ret, ingot_error *reterr);
/* Can NAME be such a file of OF? */
bool ingot_sign_is_signature_of(const char *name, const char *of);
