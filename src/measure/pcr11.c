/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCR 11 of a UKI, in all banks at once. The digests are OpenSSL's. */
#include "measure/pcr11.h"
#include "base/cleanup.h"
#include "base/size.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t) 64 << 10)
#define ZEROS_MAX (16u << 20)

const char *const ingot_pcr11_paths[] = {
        "enter-initrd",
        "enter-initrd:leave-initrd",
        "enter-initrd:leave-initrd:sysinit",
        "enter-initrd:leave-initrd:sysinit:ready",
        NULL,
};

/* The digests of one thing in all banks. */
struct digests {
        EVP_MD_CTX *contexts[INGOT_BANK_MAX];
        bool failed;
};

static void digests_done(struct digests *d)
{
        for (unsigned i = 0; i < INGOT_BANK_MAX; i++)
                EVP_MD_CTX_free(d->contexts[i]);
}

static void digests_start(struct digests *d)
{
        for (unsigned i = 0; i < INGOT_BANK_MAX; i++) {
                if (!d->contexts[i])
                        d->contexts[i] = EVP_MD_CTX_new();
                if (!d->contexts[i] ||
                    EVP_DigestInit_ex(d->contexts[i], ingot_bank_md(i), NULL) != 1)
                        d->failed = true;
        }
}

static void digests_update(struct digests *d, const void *data, size_t size)
{
        for (unsigned i = 0; i < INGOT_BANK_MAX && !d->failed; i++)
                if (EVP_DigestUpdate(d->contexts[i], data, size) != 1)
                        d->failed = true;
}

/* pcr = H(pcr ‖ what was digested); the next thing may start then. */
static int digests_extend(struct digests *d, struct ingot_pcr *pcr, ingot_error *reterr)
{
        for (unsigned i = 0; i < INGOT_BANK_MAX && !d->failed; i++) {
                uint8_t both[2 * INGOT_BANK_SIZE_MAX];
                size_t size = ingot_bank_size(i);
                memcpy(both, pcr->value[i], size);
                if (EVP_DigestFinal_ex(d->contexts[i], both + size, NULL) != 1 ||
                    EVP_Digest(both, 2 * size, pcr->value[i], NULL, ingot_bank_md(i), NULL) != 1)
                        d->failed = true;
        }
        if (d->failed)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "OpenSSL does not make the digests of all PCR banks (SHA-1 to "
                                  "SHA-512)");
        return 0;
}

static int extend(struct digests *d, struct ingot_pcr *pcr, const void *data, size_t size,
                  ingot_error *reterr)
{
        digests_start(d);
        digests_update(d, data, size);
        return digests_extend(d, pcr, reterr);
}

static int measure_content(struct digests *d, const struct ingot_reader *r,
                           const struct ingot_pe_section *s, struct ingot_pcr *pcr,
                           ingot_error *reterr)
{
        _cleanup_free_ uint8_t *chunk = malloc(CHUNK);
        struct ingot_reader content;
        if (!chunk)
                return ingot_fail_nomem(reterr);
        int e = ingot_pe_section_reader(r, s, &content, reterr);
        if (e < 0)
                return e;
        if (s->virtual_size - content.size > ZEROS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "section '%s' is mostly zeros that are not in the file", s->name);
        digests_start(d);
        for (uint64_t at = 0; at < s->virtual_size;) {
                bool zeros = at >= content.size;
                uint64_t end = zeros ? s->virtual_size : content.size;
                size_t n = (size_t) ingot_min_u64(CHUNK, end - at);
                if (zeros)
                        memset(chunk, 0, n);
                else if ((e = ingot_read_at(&content, at, chunk, n, reterr)) < 0)
                        return ingot_under(reterr, e, "section '%s'", s->name);
                digests_update(d, chunk, n);
                at += n;
        }
        return digests_extend(d, pcr, reterr);
}

static int measure_kind(struct digests *d, const struct ingot_reader *r,
                        const struct ingot_uki *uki, uint32_t profile, enum ingot_uki_kind kind,
                        struct ingot_pcr *pcr, ingot_error *reterr)
{
        const struct ingot_uki_section *s = ingot_uki_find(uki, profile, kind);
        if (!s || s->pe.virtual_size == 0)
                return 0;
        if (kind == INGOT_UKI_DTBAUTO || kind == INGOT_UKI_EFIFW)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "with section '%s' PCR 11 depends on the machine", s->pe.name);
        int e = extend(d, pcr, s->pe.name, strlen(s->pe.name) + 1, reterr);
        return e < 0 ? e : measure_content(d, r, &s->pe, pcr, reterr);
}

int ingot_pcr11_of_uki(const struct ingot_reader *r, const struct ingot_uki *uki, uint32_t profile,
                       struct ingot_pcr *ret, ingot_error *reterr)
{
        _cleanup_(digests_done) struct digests d = {0};
        struct ingot_pcr pcr = {0};
        if (profile >= (uki->profile_count ? uki->profile_count : 1))
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "the UKI has no profile %u", profile);
        for (enum ingot_uki_kind kind = 0; kind < INGOT_UKI_OTHER; kind++) {
                if (kind == INGOT_UKI_PCRSIG)
                        continue;
                int e = measure_kind(&d, r, uki, profile, kind, &pcr, reterr);
                if (e < 0)
                        return e;
        }
        *ret = pcr;
        return 0;
}

int ingot_pcr11_phases(struct ingot_pcr *pcr, const char *path, ingot_error *reterr)
{
        _cleanup_(digests_done) struct digests d = {0};
        struct ingot_pcr extended = *pcr;
        while (*path) {
                size_t n = strcspn(path, ":");
                int e = n == 0 ? ingot_fail(reterr, INGOT_E_USAGE, "an empty word in a phase path")
                               : extend(&d, &extended, path, n, reterr);
                if (e < 0)
                        return e;
                path += n;
                if (*path == ':' && !*++path)
                        return ingot_fail(reterr, INGOT_E_USAGE, "a phase path ends with ':'");
        }
        *pcr = extended;
        return 0;
}
