/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCR signatures of UKIs: .pcrsig must sign, by the key in .pcrpkey, values of PCR 11 that this UKI
 * gives; else a TPM that was told to trust the key gives out nothing, or gives it to something
 * else.
 */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "image/verify-state.h"
#include "measure/pcrsig.h"

#include <stdlib.h>
#include <string.h>

#define CHECK "PCR signature"
#define KEY_MAX ((size_t) 64 << 10)

static int read_section(const struct ingot_image *uki, uint32_t profile, enum ingot_uki_kind kind,
                        size_t max, uint8_t **ret, size_t *ret_size, ingot_error *reterr)
{
        const struct ingot_uki_section *s = ingot_uki_find(uki->uki, profile, kind);
        if (!s)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no %s", ingot_uki_section_name(kind));
        return ingot_pe_section_read(&uki->reader, &s->pe, max, ret, ret_size, reterr);
}

/* The key of the UKI, which is the given one where one was given. */
static int read_key(const struct ingot_verify *v, const struct ingot_image *uki, uint32_t profile,
                    struct ingot_key **ret, uint8_t ret_pkfp[INGOT_SHA256_SIZE],
                    ingot_error *reterr)
{
        _cleanup_free_ uint8_t *pem = NULL;
        _cleanup_key_ struct ingot_key *key = NULL;
        _cleanup_buffer_ struct ingot_buffer pkcs1 = {0};
        size_t size;
        int r = read_section(uki, profile, INGOT_UKI_PCRPKEY, KEY_MAX, &pem, &size, reterr);
        while (r >= 0 && size > 0 && pem[size - 1] == 0)
                size--;
        if (r >= 0)
                r = ingot_key_decode_public(&key, INGOT_SPAN(pem, size), reterr);
        if (r >= 0)
                r = ingot_key_public_pkcs1(key, &pkcs1, reterr);
        if (r >= 0 && v->options->pcr_key && !ingot_key_equal(key, v->options->pcr_key))
                r = ingot_fail(reterr, INGOT_E_REFUSED, "its key is not the given one");
        if (r < 0)
                return r;
        ingot_sha256_of(pkcs1.data, pkcs1.size, ret_pkfp);
        *ret = TAKE_PTR(key);
        return 0;
}

static bool is_wanted(const struct ingot_pcrsig *want, const struct ingot_pcrsig_entry *e)
{
        for (size_t i = 0; i < want->count; i++)
                if (want->entries[i].bank == e->bank && want->entries[i].pcrs == e->pcrs &&
                    memcmp(want->entries[i].policy, e->policy, sizeof(e->policy)) == 0)
                        return true;
        return false;
}

/* Every signature by this key holds, and one of each bank is of a value that the UKI gives. */
static int check_entries(const struct ingot_pcrsig *have, const struct ingot_pcrsig *want,
                         const struct ingot_key *key, const uint8_t pkfp[INGOT_SHA256_SIZE],
                         unsigned banks, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < have->count && r >= 0; i++) {
                const struct ingot_pcrsig_entry *e = have->entries + i;
                _cleanup_buffer_ struct ingot_buffer message = {0};
                if (memcmp(e->key, pkfp, INGOT_SHA256_SIZE) != 0)
                        continue;
                r = ingot_pcrsig_to_be_signed(e, &message, reterr);
                if (r >= 0)
                        r = ingot_key_verify(key, ingot_buffer_span(&message),
                                             ingot_buffer_span(&e->signature), reterr);
                if (r >= 0 && is_wanted(want, e))
                        banks &= ~(1u << e->bank);
        }
        if (r >= 0 && banks)
                r = ingot_fail(reterr, INGOT_E_REFUSED,
                               "no value of PCR 11 that this UKI gives is signed by its key");
        return r;
}

static int check_profile(const struct ingot_verify *v, const struct ingot_image *uki,
                         uint32_t profile, char **ret_by, ingot_error *reterr)
{
        _cleanup_pcrsig_ struct ingot_pcrsig have = {0}, want = {0};
        _cleanup_key_ struct ingot_key *key = NULL;
        _cleanup_free_ uint8_t *text = NULL;
        uint8_t pkfp[INGOT_SHA256_SIZE];
        char hex[2 * INGOT_SHA256_SIZE + 1];
        unsigned banks = 0;
        size_t size;
        int r = read_section(uki, profile, INGOT_UKI_PCRSIG, INGOT_PCRSIG_SIZE_MAX, &text, &size,
                             reterr);
        if (r >= 0)
                r = ingot_pcrsig_decode(INGOT_SPAN(text, size), &have, reterr);
        if (r >= 0)
                r = read_key(v, uki, profile, &key, pkfp, reterr);
        for (size_t i = 0; r >= 0 && i < have.count; i++)
                banks |= 1u << have.entries[i].bank;
        if (r >= 0 && banks == 0)
                r = ingot_fail(reterr, INGOT_E_REFUSED, "it signs nothing");
        if (r >= 0)
                r = ingot_pcrsig_of_uki(&uki->reader, uki->uki,
                                        profile == INGOT_UKI_BASE ? 0 : profile, banks, pkfp, &want,
                                        reterr);
        if (r >= 0)
                r = check_entries(&have, &want, key, pkfp, banks, reterr);
        if (r < 0)
                return r;
        free(*ret_by);
        *ret_by = NULL;
        ingot_hex(hex, pkfp, sizeof(pkfp));
        return ingot_format(ret_by, reterr, "%s %s", ingot_key_algorithm(key), hex);
}

static bool has_signature(const struct ingot_image *uki)
{
        for (size_t i = 0; i < uki->uki->section_count; i++)
                if (uki->uki->sections[i].kind == INGOT_UKI_PCRSIG)
                        return true;
        return false;
}

static int visit(struct ingot_verify *v, struct ingot_verify_file *file, struct ingot_image *part,
                 struct ingot_image *program, struct ingot_image *image, ingot_error *reterr)
{
        _cleanup_free_ char *by = NULL;
        ingot_error error = {0};
        char *where;
        if (image->content != INGOT_CONTENT_UKI || image->problem)
                return 0;
        int r = ingot_verify_where(v, file, part, program, &where, reterr), e = 0;
        if (r < 0)
                return r;
        if (!has_signature(image))
                return ingot_verify_add(v, CHECK, where,
                                        v->options->pcr_key ? INGOT_FINDING_REFUSED
                                                            : INGOT_FINDING_NOT_SIGNED,
                                        NULL, "it has no .pcrsig", reterr);
        uint32_t profiles = image->uki->profile_count;
        for (uint32_t i = 0; i < (profiles ? profiles : 1) && e >= 0; i++)
                e = check_profile(v, image, profiles ? i : INGOT_UKI_BASE, &by, &error);
        if (e >= 0 && !v->options->pcr_key)
                return ingot_verify_add(v, CHECK, where, INGOT_FINDING_NO_KEY, by,
                                        "no key was given that says whose it is", reterr);
        return ingot_verify_result(v, CHECK, where, by, e, &error, reterr);
}

int ingot_verify_pcr_signatures(struct ingot_verify *v, ingot_error *reterr)
{
        return ingot_verify_each(v, visit, reterr);
}
