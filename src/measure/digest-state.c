/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenSSL's EVP does not let a state out, its older functions do; SHA-256 is our own. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "measure/digest-state.h"
#include "base/sha256.h"

#include <openssl/sha.h>
#include <stdlib.h>

struct ingot_digest {
        enum ingot_bank bank;
        union {
                SHA_CTX sha1;
                struct ingot_sha256 sha256;
                SHA512_CTX sha512; /* of SHA-384, too */
        };
};

int ingot_digest_new(enum ingot_bank bank, struct ingot_digest **ret, ingot_error *reterr)
{
        struct ingot_digest *d = calloc(1, sizeof(*d));
        int done = 1;
        if (!d)
                return ingot_fail_nomem(reterr);
        d->bank = bank;
        if (bank == INGOT_BANK_SHA1)
                done = SHA1_Init(&d->sha1);
        else if (bank == INGOT_BANK_SHA256)
                ingot_sha256_init(&d->sha256);
        else
                done = bank == INGOT_BANK_SHA384 ? SHA384_Init(&d->sha512)
                                                 : SHA512_Init(&d->sha512);
        if (done != 1) {
                free(d);
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "OpenSSL does not make %s digests",
                                  ingot_bank_name(bank));
        }
        *ret = d;
        return 0;
}

void ingot_digest_free(struct ingot_digest *d)
{
        free(d);
}

void ingot_digest_update(struct ingot_digest *d, const void *data, size_t size)
{
        if (size == 0)
                return;
        if (d->bank == INGOT_BANK_SHA1)
                SHA1_Update(&d->sha1, data, size);
        else if (d->bank == INGOT_BANK_SHA256)
                ingot_sha256_update(&d->sha256, data, size);
        else
                SHA512_Update(&d->sha512, data, size);
}

void ingot_digest_final(struct ingot_digest *d, uint8_t *ret)
{
        if (d->bank == INGOT_BANK_SHA1)
                SHA1_Final(ret, &d->sha1);
        else if (d->bank == INGOT_BANK_SHA256)
                ingot_sha256_final(&d->sha256, ret);
        else
                SHA512_Final(ret, &d->sha512);
}

size_t ingot_digest_block_size(enum ingot_bank bank)
{
        return bank <= INGOT_BANK_SHA256 ? 64 : 128;
}

size_t ingot_digest_state_size(enum ingot_bank bank)
{
        return bank <= INGOT_BANK_SHA256 ? ingot_bank_size(bank) : 64;
}

/* The words of SHA-1 stand in members of their own. */
static SHA_LONG *sha1_word(SHA_CTX *c, unsigned i)
{
        SHA_LONG *words[] = {&c->h0, &c->h1, &c->h2, &c->h3, &c->h4};
        return words[i];
}

void ingot_digest_export(const struct ingot_digest *d, uint8_t *ret)
{
        SHA_CTX sha1 = d->sha1;
        if (d->bank == INGOT_BANK_SHA256)
                ingot_sha256_export(&d->sha256, ret);
        else if (d->bank == INGOT_BANK_SHA1)
                for (unsigned i = 0; i < 5; i++)
                        ingot_be32_store(ret + 4 * i, *sha1_word(&sha1, i));
        else
                for (unsigned i = 0; i < 8; i++)
                        ingot_be64_store(ret + 8 * i, d->sha512.h[i]);
}

void ingot_digest_import(struct ingot_digest *d, const uint8_t *state, uint64_t size)
{
        uint64_t bits = size * 8;
        if (d->bank == INGOT_BANK_SHA256) {
                ingot_sha256_import(&d->sha256, state, size);
        } else if (d->bank == INGOT_BANK_SHA1) {
                for (unsigned i = 0; i < 5; i++)
                        *sha1_word(&d->sha1, i) = ingot_be32_load(state + 4 * i);
                d->sha1.Nl = (SHA_LONG) bits;
                d->sha1.Nh = (SHA_LONG) (bits >> 32);
        } else {
                for (unsigned i = 0; i < 8; i++)
                        d->sha512.h[i] = ingot_be64_load(state + 8 * i);
                d->sha512.Nl = bits;
        }
}
