/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of all OpenPGP key files together, in a keyring of librnp that is of one time: what has
 * expired or is not made yet at that time is not valid in it. Only in a build with packages.
 */
#pragma once

#include "trust/librnp.h"
#include "trust/verdict.h"

struct ingot_openpgp_keyring {
        rnp_ffi_t ffi;
        const struct ingot_key_files *files;
        struct json_object **imported; /* for each file: librnp's report, or NULL */
};

/* A bad file that the caller named is an error; of VOA's it is a warning in V. */
int ingot_openpgp_keyring_load(struct ingot_openpgp_keyring *ret,
                               const struct ingot_key_files *files, uint64_t time,
                               struct ingot_verdict *v, ingot_error *reterr);
void ingot_openpgp_keyring_done(struct ingot_openpgp_keyring *k);
#define _cleanup_openpgp_keyring_ __attribute__((cleanup(ingot_openpgp_keyring_done)))

/* The file by which the primary key FINGERPRINT is a trust anchor, or a verifier (one that the
 * caller named comes first); NULL: it is none. */
const struct ingot_key_file *ingot_openpgp_keyring_file(const struct ingot_openpgp_keyring *k,
                                                        const char *fingerprint, bool anchor);

/* NULL when KEY was good at TIME, else what is wrong with it. */
const char *ingot_openpgp_key_fault(rnp_key_handle_t key, uint64_t time);
/* None of MD5, SHA-1, RIPEMD-160. */
bool ingot_openpgp_hash_strong(const char *hash);
