/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/seal.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "measure/pcr-mask.h"
#include "measure/pcrlock-nv.h"

#include <string.h>

/* ---- sealing ---- */

static int start_policy(struct ingot_sealed *s, const struct ingot_seal_options *o,
                        struct ingot_policy *ret, ingot_error *reterr)
{
        int r = 0;
        if (o->policy) {
                struct ingot_span public = ingot_buffer_span(&o->policy->nv_public);
                s->pcrlock = true;
                if (public.size < 2)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "pcrlock.json: no NV index");
                r = ingot_pcrlock_sealed_policy(INGOT_SPAN(public.data + 2, public.size - 2), ret,
                                                reterr);
                if (r >= 0)
                        r = ingot_buffer_append(&s->nv, o->policy->nv_handle.data,
                                                o->policy->nv_handle.size, reterr);
        }
        if (r >= 0 && o->public_key.size > 0) {
                _cleanup_policy_key_ struct ingot_policy_key key = {0};
                uint8_t reference[INGOT_SHA256_SIZE];
                struct ingot_span ref = {0};
                if (o->reference) {
                        ingot_sha256_of(o->reference, strlen(o->reference), reference);
                        ref = INGOT_SPAN(reference, sizeof(reference));
                }
                s->public_key_pcrs = o->public_key_pcrs;
                r = ingot_policy_key_decode(o->public_key, &key, reterr);
                if (r >= 0)
                        r = ingot_buffer_append(&s->public_key, o->public_key.data,
                                                o->public_key.size, reterr);
                if (r >= 0 && o->reference)
                        r = ingot_strdup(&s->reference, o->reference, reterr);
                if (r >= 0)
                        ingot_policy_authorize(ret, INGOT_SPAN(key.name, sizeof(key.name)), ref);
        }
        return r;
}

static int bind_pcrs(struct ingot_tpm *t, struct ingot_sealed *s, struct ingot_policy *p,
                     ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer values = {0};
        char text[INGOT_PCR_MASK_TEXT_MAX];
        size_t size = ingot_bank_size(s->bank);
        if (s->pcrs == 0)
                return 0;
        int r = ingot_tpm_pcrs_now(t, s->bank, s->pcrs, &s->values, reterr);
        uint32_t have = 0;
        for (size_t i = 0; r >= 0 && i < s->values.count; i++) {
                have |= 1u << s->values.items[i].pcr;
                r = ingot_buffer_append(&values, s->values.items[i].values[0], size, reterr);
        }
        if (r >= 0 && have != s->pcrs)
                r = ingot_fail(reterr, INGOT_E_UNSUPPORTED, "the TPM has no bank %s of PCR %s",
                               ingot_bank_name(s->bank),
                               ingot_pcr_mask_text(s->pcrs & ~have, text));
        if (r >= 0)
                ingot_policy_pcr(p, s->bank, s->pcrs, ingot_buffer_span(&values));
        return r;
}

static int check_options(const struct ingot_seal_options *o, ingot_error *reterr)
{
        if (o->pcrs == 0 && o->public_key.size == 0 && !o->policy)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "nothing to seal it by: name PCRs, a public key, or a policy");
        if (o->public_key.size > 0 && o->policy)
                return ingot_fail(
                        reterr, INGOT_E_USAGE,
                        "a public key or a policy, not both: a secret of one's own cannot "
                        "be in two shards");
        if (o->public_key.size > 0 && o->public_key_pcrs == 0)
                return ingot_fail(reterr, INGOT_E_USAGE, "a public key for no PCR");
        return 0;
}

int ingot_seal(struct ingot_tpm *t, const struct ingot_seal_options *options,
               struct ingot_span secret, struct ingot_sealed *ret, ingot_error *reterr)
{
        _cleanup_sealed_ struct ingot_sealed s = {
                .bank = options->bank, .pcrs = options->pcrs, .count = 1};
        _cleanup_buffer_ struct ingot_buffer public = {0};
        int r = check_options(options, reterr);
        if (r >= 0)
                r = start_policy(&s, options, s.policies, reterr);
        if (r >= 0)
                r = bind_pcrs(t, &s, s.policies, reterr);
        if (r >= 0)
                r = ingot_tpm_seal(t, s.policies[0].digest, secret, s.blobs, &public, reterr);
        if (r >= 0)
                r = ingot_buffer_append(s.blobs, public.data, public.size, reterr);
        if (r >= 0)
                r = ingot_tpm_srk(t, &s.srk, reterr);
        if (r < 0)
                return r;
        *ret = s;
        s = (struct ingot_sealed){0};
        return 0;
}

/* ---- unsealing ---- */

static int by_signature(const struct ingot_tpm_session *session, const struct ingot_sealed *s,
                        const struct ingot_unseal_options *o, ingot_error *reterr)
{
        _cleanup_policy_key_ struct ingot_policy_key key = {0};
        if (!o->signatures)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "it is sealed by a signed policy: name the file with the "
                                  "signatures (tpm2-pcr-signature.json, or .pcrsig of the UKI)");
        int r = ingot_policy_key_decode(ingot_buffer_span(&s->public_key), &key, reterr);
        if (r < 0)
                return r;
        struct ingot_signed_policy p = {.key = &key,
                                        .bank = s->bank,
                                        .pcrs = s->public_key_pcrs,
                                        .reference = s->reference,
                                        .signatures = o->signatures};
        return ingot_tpm_signed_policy(session, &p, reterr);
}

static int by_pcrlock(const struct ingot_tpm_session *session, const struct ingot_unseal_options *o,
                      ingot_error *reterr)
{
        return o->policy
                       ? ingot_tpm_pcrlock(session, o->policy, reterr)
                       : ingot_fail(reterr, INGOT_E_USAGE,
                                    "it is sealed by the policy in an NV index: name pcrlock.json");
}

static int by_pcrs(const struct ingot_tpm_session *session, const struct ingot_sealed *s,
                   ingot_error *reterr)
{
        int r = ingot_tpm_pcrs_check(session->tpm, &s->values, "the values when it was sealed",
                                     reterr);
        return r < 0 ? r
                     : ingot_tpm_policy_pcr(session, ingot_bank_algorithm(s->bank), s->pcrs,
                                            reterr);
}

/* What the TPM would refuse without a reason. */
static int check_digest(const struct ingot_tpm_session *session, const struct ingot_sealed *s,
                        size_t shard, ingot_error *reterr)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        char text[INGOT_PCR_MASK_TEXT_MAX];
        int r = ingot_tpm_policy_digest(session, digest, reterr);
        if (r < 0 || memcmp(digest, s->policies[shard].digest, sizeof(digest)) == 0)
                return r;
        if (s->pcrs && s->values.count == 0)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "PCR %s are not as they were when it was sealed; which of them "
                                  "differ is not written down",
                                  ingot_pcr_mask_text(s->pcrs, text));
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "it was sealed by another policy: another NV index, or another key");
}

static int unseal_shard(struct ingot_tpm *t, const struct ingot_sealed *s, size_t shard,
                        const struct ingot_unseal_options *o, struct ingot_buffer *ret,
                        ingot_error *reterr)
{
        _cleanup_tpm_session_ struct ingot_tpm_session session = {0};
        bool signed_policy = s->public_key.size > 0 && (s->count == 1 || shard == 0);
        bool pcrlock = s->pcrlock && (s->count == 1 || shard == 1);
        int r = ingot_tpm_session_start(t, &session, reterr);
        if (r >= 0 && signed_policy)
                r = by_signature(&session, s, o, reterr);
        if (r >= 0 && pcrlock)
                r = by_pcrlock(&session, o, reterr);
        if (r >= 0 && s->pcrs)
                r = by_pcrs(&session, s, reterr);
        if (r >= 0)
                r = check_digest(&session, s, shard, reterr);
        return r < 0 ? r
                     : ingot_tpm_unseal(&session, ingot_buffer_span(s->blobs + shard), ret, reterr);
}

static int check_sealed(struct ingot_tpm *t, const struct ingot_sealed *s, ingot_error *reterr)
{
        if (s->pin)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "it needs a PIN: only systemd-cryptsetup can ask for that");
        if (s->count > 1 && (s->public_key.size == 0 || !s->pcrlock))
                return ingot_fail(reterr, INGOT_E_FORMAT, "two blobs, and one policy");
        if (s->count == 1 && s->public_key.size > 0 && s->pcrlock)
                return ingot_fail(reterr, INGOT_E_FORMAT, "two policies, and one blob");
        if (s->rsa || s->srk.size == 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "it was sealed to another key than the ECC storage root key at "
                                  "%#x, by systemd before version 254: seal it anew",
                                  INGOT_TPM_SRK);
        return ingot_tpm_srk_check(t, ingot_buffer_span(&s->srk), reterr);
}

int ingot_unseal(struct ingot_tpm *t, const struct ingot_sealed *sealed,
                 const struct ingot_unseal_options *options, struct ingot_buffer *ret,
                 ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer secret = {0};
        int r = check_sealed(t, sealed, reterr);
        for (size_t i = 0; r >= 0 && i < sealed->count; i++)
                r = unseal_shard(t, sealed, i, options, &secret, reterr);
        if (r >= 0)
                r = ingot_buffer_append(ret, secret.data, secret.size, reterr);
        if (secret.data)
                explicit_bzero(secret.data, secret.size);
        return r;
}
