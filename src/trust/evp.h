/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What verification asks of OpenSSL: digests of content that is larger than memory, and Ed25519. */
#pragma once

#include "base/buffer.h"
#include "base/io.h"

#include <openssl/bio.h>
#include <openssl/evp.h>

#define INGOT_EVP_DIGEST_MAX 64

/* The digest of all of R, piece by piece. ALGORITHM is OpenSSL's name ("SHA256"). */
int ingot_evp_digest_reader(const struct ingot_reader *r, const char *algorithm,
                            uint8_t ret[INGOT_EVP_DIGEST_MAX], size_t *ret_size,
                            ingot_error *reterr);
int ingot_evp_digest(struct ingot_span data, const char *algorithm,
                     uint8_t ret[INGOT_EVP_DIGEST_MAX], size_t *ret_size, ingot_error *reterr);

/* 0: SIGNATURE is of KEY over DATA; 1: it is not. DIGEST is NULL where the algorithm has its own. */
int ingot_evp_verify(EVP_PKEY *key, const char *digest, struct ingot_span data,
                     struct ingot_span signature, ingot_error *reterr);
int ingot_evp_ed25519_verify(const uint8_t key[32], struct ingot_span data,
                             struct ingot_span signature, ingot_error *reterr);

/* The reader as something that OpenSSL reads, from its start. The reader and the error outlive it;
 * what failed while it was read is in *reterr, whose code is 0 otherwise. NULL: out of memory. */
BIO *ingot_evp_bio(const struct ingot_reader *r, ingot_error *reterr);

/* OpenSSL's own words for what it refused last ("no reason" when it has none); empties its queue. */
const char *ingot_evp_reason(void);

static inline void ingot_evp_pkey_free_p(EVP_PKEY **p)
{
        EVP_PKEY_free(*p);
}
#define _cleanup_pkey_ __attribute__((cleanup(ingot_evp_pkey_free_p)))
