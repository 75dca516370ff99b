/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The .pcrsig section of a UKI (tpm2-pcr-signature.json): which values of PCR 11 the vendor signed,
 * so that a TPM gives out what it was told to for any release of theirs. As systemd-measure writes
 * it:
 *
 *     {"sha256":[{"pcrs":[11],"pkfp":"…","pol":"…","sig":"…"}, …], …}
 *
 * pkfp is SHA-256 of the public key as PKCS#1 RSAPublicKey (not SubjectPublicKeyInfo), pol the
 * policy's digest, sig RSASSA-PKCS1-v1_5 with SHA-256 over its bytes, whatever the bank; ref names
 * what the policy is for, and then SHA256(ref) is signed behind pol.
 */
#pragma once

#include "base/buffer.h"
#include "measure/pcr11.h"
#include "measure/policy.h"

#define INGOT_PCRSIG_SIZE_MAX ((size_t) 1 << 20)
#define INGOT_PCRSIG_ENTRIES_MAX 4096
#define INGOT_PCRSIG_PCR 11

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

struct ingot_pcrsig_entry {
        enum ingot_bank bank;
        uint32_t pcrs;                  /* a bit for each */
        uint8_t key[INGOT_SHA256_SIZE]; /* pkfp */
        char *reference;                /* or NULL */
        uint8_t policy[INGOT_SHA256_SIZE];
        struct ingot_buffer signature; /* empty: not signed yet */
};

struct ingot_pcrsig {
        struct ingot_pcrsig_entry *entries; /* in the order of the text */
        size_t count;
};

void ingot_pcrsig_done(struct ingot_pcrsig *s);
#define _cleanup_pcrsig_ __attribute__((cleanup(ingot_pcrsig_done)))

/* A new entry, zeros, at the end; good until the next one. */
int ingot_pcrsig_add(struct ingot_pcrsig *s, struct ingot_pcrsig_entry **ret, ingot_error *reterr);

/* Reads it; white space or NULs may stand behind. FORMAT, LIMIT. Banks and members that are not
 * known are passed over. */
int ingot_pcrsig_decode(struct ingot_span text, struct ingot_pcrsig *ret, ingot_error *reterr);

/* Appends the text, banks in the order in which they come first, without a newline. */
int ingot_pcrsig_encode(const struct ingot_pcrsig *s, struct ingot_buffer *ret,
                        ingot_error *reterr);

/* pkfp of a key; UNSUPPORTED for one that is not RSA. */
int ingot_pcrsig_key(struct evp_pkey_st *key, uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr);

/* What is signed of an entry: appended to *ret. */
int ingot_pcrsig_to_be_signed(const struct ingot_pcrsig_entry *e, struct ingot_buffer *ret,
                              ingot_error *reterr);

/* REFUSED: not by this key, or the signature is wrong. */
int ingot_pcrsig_check(const struct ingot_pcrsig_entry *e, struct evp_pkey_st *key,
                       ingot_error *reterr);

/*
 * The policies of one UKI's profile: of each bank (a bit for each in BANKS) and each of
 * ingot_pcr11_paths one entry without signature, KEY as pkfp.
 */
int ingot_pcrsig_of_uki(const struct ingot_reader *r, const struct ingot_uki *uki, uint32_t profile,
                        unsigned banks, const uint8_t key[INGOT_SHA256_SIZE],
                        struct ingot_pcrsig *ret, ingot_error *reterr);
