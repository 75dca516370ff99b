/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names in a VOA hierarchy (UAPI.11): LOAD PATH/os/purpose/context/technology/file.
 *
 *   os       ID[:VERSION_ID[:VARIANT_ID[:IMAGE_ID[:IMAGE_VERSION]]]], parts of 0-9 a-z . _ -, the
 *            first not empty, no colon at the end
 *   purpose  a role, or "trust-anchor-" and a role; 0-9 a-z . _ -; a role never starts with
 *            "trust-anchor-"
 *   context  0-9 a-z . _ -; "default" where there is nothing to tell
 *   file     by technology: openpgp FINGERPRINT.openpgp (40 or 64 digits), ssh SHA256.pub (of the
 *            key's blob), x509 *-certificate.pem or *-public-key.pem, minisign and signify *.pub;
 *            hexadecimal digits are lower-case
 *
 * "." and ".." are no names, although their characters are allowed.
 */
#pragma once

#include "base/bytes.h"
#include "base/text.h"
#include "trust/technology.h"

#define INGOT_VOA_ANCHOR_PREFIX "trust-anchor-"
enum { INGOT_VOA_OS_PARTS = 5 };

/* NULL when the name is right, else what is wrong with it ("has more than five parts"). */
const char *ingot_voa_os_fault(const char *os);
const char *ingot_voa_purpose_fault(const char *purpose);
const char *ingot_voa_context_fault(const char *context);
const char *ingot_voa_file_fault(enum ingot_technology t, const char *name);
/* Is it the name of a list of what is revoked? SSH: NAME.krl. */
bool ingot_voa_file_revokes(enum ingot_technology t, const char *name);

bool ingot_voa_purpose_is_anchor(const char *purpose);
/* Does the file's name have to start with a fingerprint, and which one is it? 0: none. */
size_t ingot_voa_file_digits(enum ingot_technology t, const char *name);

/* Where in the hierarchy a verifier stands: a path below a load path. */
struct ingot_voa_place {
        char *os, *purpose, *context, *name;
        enum ingot_technology technology;
};
/* "arch/package/default/openpgp/….openpgp". FORMAT says which part is wrong, and how. */
int ingot_voa_place_parse(const char *path, struct ingot_voa_place *ret, ingot_error *reterr);
int ingot_voa_place_format(const struct ingot_voa_place *p, char **ret, ingot_error *reterr);
void ingot_voa_place_done(struct ingot_voa_place *p);

/* The os of an os-release file (ID, VERSION_ID, VARIANT_ID, IMAGE_ID, IMAGE_VERSION); "linux" is
 * the ID of one that has none, as os-release(5) says. FORMAT when a value is no part of an os. */
int ingot_voa_os_of_release(struct ingot_span text, char **ret, ingot_error *reterr);
