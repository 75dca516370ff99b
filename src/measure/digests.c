/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/digests.h"
#include "base/cleanup.h"
#include "base/size.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t) 64 << 10)
#define ZEROS_MAX (16u << 20)

void ingot_digests_done(struct ingot_digests *d)
{
        for (unsigned i = 0; i < INGOT_BANK_MAX; i++)
                EVP_MD_CTX_free(d->contexts[i]);
        *d = (struct ingot_digests){0};
}

void ingot_digests_start(struct ingot_digests *d)
{
        for (unsigned i = 0; i < INGOT_BANK_MAX; i++) {
                if (!d->contexts[i])
                        d->contexts[i] = EVP_MD_CTX_new();
                if (!d->contexts[i] ||
                    EVP_DigestInit_ex(d->contexts[i], ingot_bank_md(i), NULL) != 1)
                        d->failed = true;
        }
}

void ingot_digests_update(struct ingot_digests *d, const void *data, size_t size)
{
        for (unsigned i = 0; i < INGOT_BANK_MAX && !d->failed; i++)
                if (EVP_DigestUpdate(d->contexts[i], data, size) != 1)
                        d->failed = true;
        if (d->also && size > 0)
                d->also(d->context, INGOT_SPAN(data, size));
}

int ingot_digests_read(struct ingot_digests *d, const struct ingot_reader *r, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *chunk = malloc(CHUNK);
        if (!chunk)
                return ingot_fail_nomem(reterr);
        for (uint64_t at = 0; at < r->size;) {
                size_t n = (size_t) ingot_min_u64(CHUNK, r->size - at);
                int e = ingot_read_at(r, at, chunk, n, reterr);
                if (e < 0)
                        return e;
                ingot_digests_update(d, chunk, n);
                at += n;
        }
        return 0;
}

int ingot_digests_finish(struct ingot_digests *d, struct ingot_record *ret, ingot_error *reterr)
{
        for (unsigned i = 0; i < INGOT_BANK_MAX && !d->failed; i++)
                if (EVP_DigestFinal_ex(d->contexts[i], ret->digest[i], NULL) != 1)
                        d->failed = true;
        if (d->failed)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "OpenSSL does not make the digests of all PCR banks (SHA-1 to "
                                  "SHA-512)");
        ret->banks = (1u << INGOT_BANK_MAX) - 1;
        return 0;
}

int ingot_digests_section(struct ingot_digests *d, const struct ingot_reader *r,
                          const struct ingot_pe_section *s, ingot_error *reterr)
{
        static const uint8_t zeros[4096];
        struct ingot_reader content;
        int e = ingot_pe_section_reader(r, s, &content, reterr);
        if (e < 0)
                return e;
        uint64_t tail = s->virtual_size - content.size;
        if (tail > ZEROS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "section '%s' is mostly zeros that are not in the file", s->name);
        e = ingot_digests_read(d, &content, reterr);
        if (e < 0)
                return ingot_under(reterr, e, "section '%s'", s->name);
        for (; tail > 0; tail -= ingot_min_u64(tail, sizeof(zeros)))
                ingot_digests_update(d, zeros, (size_t) ingot_min_u64(tail, sizeof(zeros)));
        return 0;
}

static void update_with(void *context, const uint8_t *data, size_t size)
{
        ingot_digests_update(context, data, size);
}

int ingot_digests_of_image(const struct ingot_reader *r, const struct ingot_pe *pe,
                           struct ingot_record *ret, ingot_error *reterr)
{
        _cleanup_digests_ struct ingot_digests d = {0};
        ingot_digests_start(&d);
        int e = ingot_pe_authenticode_bytes(r, pe, update_with, &d, reterr);
        return e < 0 ? e : ingot_digests_finish(&d, ret, reterr);
}
