/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who signs: keys and certificates by purpose, as command lines name them: --key PURPOSE=KEY and
 * --certificate PURPOSE=FILE.
 */
#pragma once

#include "trust/certificate.h"
#include "trust/openpgp-holder.h"

/* What a key is for; the words are secure-boot, verity, pcr, release. */
enum ingot_purpose {
        INGOT_PURPOSE_SECURE_BOOT,
        INGOT_PURPOSE_VERITY,
        INGOT_PURPOSE_PCR,
        INGOT_PURPOSE_RELEASE,
        INGOT_PURPOSES
};

const char *ingot_purpose_word(enum ingot_purpose purpose);
/* USAGE, with the nearest word, when it is none. */
int ingot_purpose_parse(const char *word, enum ingot_purpose *ret, ingot_error *reterr);

struct ingot_signer {
        enum ingot_purpose purpose;
        char *name;                            /* where the key is, without secrets: for messages */
        struct ingot_key *key;                 /* NULL where the key is an OpenPGP one */
        struct ingot_certificate *certificate; /* NULL only for pcr, Ed25519 and OpenPGP keys */
        struct ingot_openpgp_holder *openpgp;  /* only of release, or NULL */
};

struct ingot_signers {
        struct ingot_signer *items; /* in the order given */
        size_t count;
};

/*
 * Opens each "PURPOSE=KEY": as ingot_key_open(), or a file with an OpenPGP secret key, which has
 * its certificate in itself and is only for release. Of others the certificate is that of
 * "PURPOSE=FILE" which fits the key, or else stands in the key's file, or beside it (NAME.key:
 * NAME.crt). Purposes may come more than once. USAGE: not of that form; NOTFOUND: no certificate
 * where one is needed; REFUSED: a certificate that fits no key, or a key that cannot serve its
 * purpose (pcr: RSA; secure-boot: RSA; verity: not Ed25519).
 */
int ingot_signers_load(struct ingot_signers *ret, const char *const *keys, size_t key_count,
                       const char *const *certificates, size_t certificate_count,
                       const struct ingot_key_ask *ask, ingot_error *reterr);
void ingot_signers_done(struct ingot_signers *s);

/* The first of that purpose behind AFTER (NULL: of all), or NULL. */
const struct ingot_signer *ingot_signers_find(const struct ingot_signers *s,
                                              enum ingot_purpose purpose,
                                              const struct ingot_signer *after);

#define _cleanup_signers_ __attribute__((cleanup(ingot_signers_done)))
