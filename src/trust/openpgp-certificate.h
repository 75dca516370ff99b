/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an OpenPGP certificate says, read by librnp: nothing is verified by it here. Only in a build
 * with packages.
 */
#pragma once

#include "base/bytes.h"
#include "base/text.h"

#include <stdint.h>

struct ingot_openpgp_key {
        char *fingerprint; /* lower-case hexadecimal */
        char *algorithm;   /* "RSA", "EdDSA" */
        uint32_t bits;
        uint64_t created, expires; /* seconds since 1970; expires 0: never */
        bool revoked;
        bool can_sign, can_certify;
};
void ingot_openpgp_key_done(struct ingot_openpgp_key *k);

struct ingot_openpgp_certificate {
        struct ingot_openpgp_key primary;
        struct ingot_openpgp_key *subkeys;
        size_t subkey_count;
        struct ingot_strings user_ids; /* with those that are revoked or not valid */
        size_t certificate_count;      /* in the file; VOA allows one */
};
void ingot_openpgp_certificate_done(struct ingot_openpgp_certificate *c);
#define _cleanup_openpgp_certificate_ __attribute__((cleanup(ingot_openpgp_certificate_done)))

/* The first certificate of a file, armoured or not. FORMAT: there is none that librnp can read. */
int ingot_openpgp_certificate_decode(struct ingot_span content,
                                     struct ingot_openpgp_certificate *ret, ingot_error *reterr);
