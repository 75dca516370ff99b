/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A verifier's content against its place (UAPI.11): it is of the technology, one key or certificate
 * where the name has a fingerprint, and of that fingerprint. A certificate of SSH has that of its
 * key, and is no trust anchor: OpenSSH knows no authorities with authorities above them.
 */
#pragma once

#include "base/bytes.h"
#include "base/text.h"
#include "trust/technology.h"
#include "trust/voa-walk.h"

/* 0: it is right; 1: not, and *ret_fault and *ret_detail (the caller frees) say why. */
int ingot_voa_check(enum ingot_technology technology, const char *name, bool anchor,
                    struct ingot_span content, enum ingot_voa_fault *ret_fault, char **ret_detail,
                    ingot_error *reterr);

/* What the name of a file with that content ends in: of X.509, a certificate and a public key have
 * different ones. */
const char *ingot_voa_suffix(enum ingot_technology technology, struct ingot_span content);

/* The fingerprint by which VOA would name it, in lower-case hexadecimal digits: of the primary key,
 * of the SSH key's blob, a certificate's key too; NULL for technologies that name by none. FORMAT:
 * not one key. UNSUPPORTED: this build cannot read it. */
int ingot_voa_fingerprint(enum ingot_technology technology, struct ingot_span content, char **ret,
                          ingot_error *reterr);
