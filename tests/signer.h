/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenPGP keys made for a test, and what they sign. */
#pragma once

#include "base/buffer.h"

struct signer;

struct signer_options {
        uint64_t created;  /* seconds since 1970; 0: now */
        uint32_t lifetime; /* seconds; 0: for ever */
        bool revoked;
        uint64_t signs; /* the time of its signatures; 0: now, or `created` */
};

/* NULL when librnp will not. */
struct signer *signer_new(const struct signer_options *options);
void signer_free(struct signer *s);

/* In lower-case hex; NULL when librnp will not. Until the signer is freed. */
const char *signer_fingerprint(struct signer *s);
/* Writes the public key to PATH. */
bool signer_export(struct signer *s, const char *path, bool armour);
/* HASH: "SHA256". */
bool signer_clear(struct signer *s, const char *text, const char *hash, struct ingot_buffer *ret);
bool signer_detached(struct signer *s, const char *text, const char *hash,
                     struct ingot_buffer *ret);
/* The secret key, under a passphrase when there is one. */
bool signer_secret(struct signer *s, const char *passphrase, struct ingot_buffer *ret);
