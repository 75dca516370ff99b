/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/tpm-policy.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "format/der.h"
#include "measure/pcr-mask.h"
#include "measure/replay.h"
#include "measure/super-policy.h"
#include "trust/key.h"

#include <stdlib.h>

static uint32_t mask_of(const struct ingot_pcr_sets *sets)
{
        uint32_t mask = 0;
        for (size_t i = 0; i < sets->count; i++)
                mask |= 1u << sets->items[i].pcr;
        return mask;
}

static int read_sets(struct ingot_tpm *t, const struct ingot_pcr_sets *sets,
                     struct ingot_tpm_pcrs *ret, ingot_error *reterr)
{
        enum ingot_bank bank = sets->count > 0 ? sets->items[0].bank : INGOT_BANK_SHA256;
        uint32_t mask = mask_of(sets);
        int r = ingot_tpm_pcr_read(t, ingot_bank_algorithm(bank), mask, ret, reterr);
        if (r >= 0 && ret->have != mask) {
                char text[INGOT_PCR_MASK_TEXT_MAX];
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "the TPM has no bank %s of PCR %s: it may be switched on in the "
                                  "firmware's setup",
                                  ingot_bank_name(bank),
                                  ingot_pcr_mask_text(mask & ~ret->have, text));
        }
        return r;
}

static int tell(struct ingot_buffer *words, const struct ingot_pcr_values *set,
                const uint8_t *value, ingot_error *reterr)
{
        char hex[17];
        ingot_hex(hex, value, 8);
        int r = ingot_buffer_printf(words, reterr, "%sPCR %u is %s…, ", words->size ? "; " : "",
                                    set->pcr, hex);
        if (r < 0)
                return r;
        if (set->count != 1)
                return ingot_buffer_printf(words, reterr, "none of %zu values", set->count);
        ingot_hex(hex, set->values[0], 8);
        return ingot_buffer_printf(words, reterr, "not %s…", hex);
}

int ingot_tpm_pcrs_check(struct ingot_tpm *t, const struct ingot_pcr_sets *sets, const char *from,
                         ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer words = {0};
        struct ingot_tpm_pcrs now;
        int r = read_sets(t, sets, &now, reterr);
        for (size_t i = 0; r >= 0 && i < sets->count; i++) {
                const struct ingot_pcr_values *set = sets->items + i;
                if (ingot_pcr_values_find(set, now.value[set->pcr]) < 0)
                        r = tell(&words, set, now.value[set->pcr], reterr);
        }
        if (r >= 0 && words.size > 0)
                r = ingot_fail(reterr, INGOT_E_REFUSED, "%s (by %s)", (const char *) words.data,
                               from);
        return r;
}

int ingot_tpm_pcrs_now(struct ingot_tpm *t, enum ingot_bank bank, uint32_t mask,
                       struct ingot_pcr_sets *ret, ingot_error *reterr)
{
        struct ingot_tpm_pcrs now;
        int r = ingot_tpm_pcr_read(t, ingot_bank_algorithm(bank), mask, &now, reterr);
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++) {
                struct ingot_pcr_values *set;
                if (!(now.have >> i & 1))
                        continue;
                r = ingot_pcr_sets_add(ret, i, bank, &set, reterr);
                if (r >= 0)
                        r = ingot_pcr_values_add(set, now.value[i], reterr);
        }
        return r;
}

/* One PCR with several values: PolicyPCR over it, then PolicyOR, perhaps of PolicyORs. */
static int choose(const struct ingot_tpm_session *s, struct ingot_policy *p,
                  const struct ingot_pcr_values *set, const uint8_t *now, ingot_error *reterr)
{
        _cleanup_free_ struct ingot_policy *branches = NULL;
        struct ingot_policy_or path[INGOT_POLICY_OR_DEPTH_MAX];
        ssize_t at = ingot_pcr_values_find(set, now);
        size_t depth = 0;
        if (at < 0)
                return ingot_fail(reterr, INGOT_E_REFUSED, "PCR %u has none of its %zu values",
                                  set->pcr, set->count);
        int r = ingot_super_policy_branches(p, set, &branches, reterr);
        if (r >= 0)
                r = ingot_policy_or_path(branches, set->count, (size_t) at, path, &depth, reterr);
        if (r >= 0)
                r = ingot_tpm_policy_pcr(s, ingot_bank_algorithm(set->bank), 1u << set->pcr,
                                         reterr);
        for (size_t i = 0; r >= 0 && i < depth; i++) {
                uint8_t digests[INGOT_POLICY_OR_MAX][INGOT_SHA256_SIZE];
                for (size_t k = 0; k < path[i].count; k++)
                        memcpy(digests[k], path[i].branches[k].digest, INGOT_SHA256_SIZE);
                r = ingot_tpm_policy_or(s, (const uint8_t(*)[INGOT_SHA256_SIZE]) digests,
                                        path[i].count, reterr);
        }
        return r < 0 ? r : ingot_policy_or_nested(p, branches, set->count, reterr);
}

int ingot_tpm_super_policy(const struct ingot_tpm_session *s, const struct ingot_pcr_sets *sets,
                           ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer values = {0};
        struct ingot_policy p = {0};
        struct ingot_tpm_pcrs now;
        uint32_t mask = 0;
        int r = read_sets(s->tpm, sets, &now, reterr);
        if (r >= 0)
                r = ingot_super_policy_single(sets, &mask, &values, reterr);
        if (r > 0) {
                enum ingot_bank bank = sets->items[0].bank;
                ingot_policy_pcr(&p, bank, mask, ingot_buffer_span(&values));
                r = ingot_tpm_policy_pcr(s, ingot_bank_algorithm(bank), mask, reterr);
        }
        for (size_t i = 0; r >= 0 && i < sets->count; i++)
                if (sets->items[i].count != 1)
                        r = choose(s, &p, sets->items + i, now.value[sets->items[i].pcr], reterr);
        return r;
}

int ingot_tpm_pcrlock(const struct ingot_tpm_session *s, const struct ingot_pcrlock_policy *policy,
                      ingot_error *reterr)
{
        int r = ingot_tpm_pcrs_check(s->tpm, &policy->sets, "the policy in pcrlock.json", reterr);
        if (r >= 0)
                r = ingot_tpm_super_policy(s, &policy->sets, reterr);
        if (r < 0)
                return r;
        ingot_error error = {0};
        r = ingot_tpm_policy_authorize_nv(s, policy->nv_index, &error);
        if (r == -INGOT_E_REFUSED)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "NV index %#x holds another policy than pcrlock.json: one of the "
                                  "two is older; 'ingot pcr lock' writes both anew",
                                  policy->nv_index);
        if (r < 0 && reterr)
                *reterr = error;
        return r;
}

/* ---- signed policies ---- */

void ingot_policy_key_done(struct ingot_policy_key *k)
{
        ingot_buffer_done(&k->pkcs1);
        *k = (struct ingot_policy_key){0};
}

static struct ingot_span without_zeros(struct ingot_span s)
{
        while (s.size > 0 && s.data[0] == 0)
                s = INGOT_SPAN(s.data + 1, s.size - 1);
        return s;
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017, A.1.1) */
static int take_rsa(struct ingot_policy_key *k, ingot_error *reterr)
{
        struct ingot_cursor outer = ingot_cursor_over(ingot_buffer_span(&k->pkcs1));
        struct ingot_span sequence, modulus, exponent;
        if (!ingot_der_take(&outer, INGOT_DER_SEQUENCE, &sequence))
                return ingot_fail(reterr, INGOT_E_FORMAT, "the key is malformed");
        struct ingot_cursor inner = ingot_cursor_over(sequence);
        if (!ingot_der_take(&inner, INGOT_DER_INTEGER, &modulus) ||
            !ingot_der_take(&inner, INGOT_DER_INTEGER, &exponent))
                return ingot_fail(reterr, INGOT_E_FORMAT, "the key is malformed");
        exponent = without_zeros(exponent);
        if (exponent.size > 4)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "no TPM takes a key with so large an exponent");
        k->rsa.modulus = without_zeros(modulus);
        for (size_t i = 0; i < exponent.size; i++)
                k->rsa.exponent = k->rsa.exponent << 8 | exponent.data[i];
        return 0;
}

int ingot_policy_key_decode(struct ingot_span pem, struct ingot_policy_key *ret,
                            ingot_error *reterr)
{
        _cleanup_policy_key_ struct ingot_policy_key k = {0};
        _cleanup_key_ struct ingot_key *key = NULL;
        _cleanup_buffer_ struct ingot_buffer public = {0};
        int r = ingot_key_decode_public(&key, pem, reterr);
        if (r >= 0)
                r = ingot_key_public_pkcs1(key, &k.pkcs1, reterr);
        if (r >= 0)
                r = take_rsa(&k, reterr);
        if (r >= 0)
                r = ingot_tpm_rsa_public(&k.rsa, &public, reterr);
        if (r < 0)
                return r;
        ingot_sha256_of(k.pkcs1.data, k.pkcs1.size, k.fingerprint);
        ingot_policy_name(ingot_buffer_span(&public), k.name);
        *ret = k;
        k = (struct ingot_policy_key){0};
        return 0;
}

static bool same_reference(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

/* 1: not there; *ret_by_key counts the signatures by that key for these PCRs. */
static int find_signature(const struct ingot_signed_policy *p,
                          const uint8_t digest[INGOT_SHA256_SIZE],
                          const struct ingot_pcrsig_entry **ret, size_t *ret_by_key)
{
        *ret_by_key = 0;
        for (size_t i = 0; i < p->signatures->count; i++) {
                const struct ingot_pcrsig_entry *e = p->signatures->entries + i;
                if (e->bank != p->bank || e->pcrs != p->pcrs || e->signature.size == 0 ||
                    !same_reference(e->reference, p->reference) ||
                    memcmp(e->key, p->key->fingerprint, INGOT_SHA256_SIZE) != 0)
                        continue;
                ++*ret_by_key;
                *ret = e;
                if (memcmp(e->policy, digest, INGOT_SHA256_SIZE) == 0)
                        return 0;
        }
        return 1;
}

int ingot_tpm_signed_policy(const struct ingot_tpm_session *s, const struct ingot_signed_policy *p,
                            ingot_error *reterr)
{
        uint8_t digest[INGOT_SHA256_SIZE], reference[INGOT_SHA256_SIZE];
        char pcrs[INGOT_PCR_MASK_TEXT_MAX];
        const struct ingot_pcrsig_entry *e = NULL;
        size_t by_key = 0;
        int r = ingot_tpm_policy_pcr(s, ingot_bank_algorithm(p->bank), p->pcrs, reterr);
        if (r >= 0)
                r = ingot_tpm_policy_digest(s, digest, reterr);
        if (r < 0)
                return r;
        ingot_pcr_mask_text(p->pcrs, pcrs);
        if (find_signature(p, digest, &e, &by_key) != 0)
                return by_key == 0
                               ? ingot_fail(reterr, INGOT_E_REFUSED,
                                            "none of the %zu PCR signatures is by the key for "
                                            "PCR %s, bank %s",
                                            p->signatures->count, pcrs, ingot_bank_name(p->bank))
                               : ingot_fail(reterr, INGOT_E_REFUSED,
                                            "PCR %s has a value that none of the key's %zu "
                                            "signatures is for: another UKI, or another phase "
                                            "of the boot",
                                            pcrs, by_key);
        struct ingot_span ref = {0};
        if (p->reference) {
                ingot_sha256_of(p->reference, strlen(p->reference), reference);
                ref = INGOT_SPAN(reference, sizeof(reference));
        }
        return ingot_tpm_policy_authorize(s, &p->key->rsa, ref, ingot_buffer_span(&e->signature),
                                          reterr);
}
