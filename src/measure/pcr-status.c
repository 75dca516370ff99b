/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/pcr-status.h"
#include "base/cleanup.h"
#include "measure/event.h"
#include "measure/pcr-mask.h"

#include <string.h>

/* ---- the log and the values ---- */

/* A log of user space alone has the banks of its records. */
static unsigned banks_of(const struct ingot_boot_log *log, const struct ingot_replay *replay)
{
        unsigned banks = replay->banks;
        for (size_t i = 0; replay->banks == 0 && i < log->userspace.count; i++)
                banks |= log->userspace.events[i].record.banks;
        return banks;
}

static enum ingot_pcr_standing stand(const struct ingot_replay *replay, unsigned banks,
                                     const struct ingot_tpm_state *tpm, unsigned pcr)
{
        bool compared = false;
        for (enum ingot_bank bank = 0; bank < INGOT_BANK_MAX; bank++) {
                if (!(banks >> bank & 1) || !(tpm->have[bank] >> pcr & 1))
                        continue;
                compared = true;
                if (memcmp(replay->pcrs[pcr].value[bank], tpm->values[pcr].value[bank],
                           ingot_bank_size(bank)) != 0)
                        return INGOT_PCR_DIFFERS;
        }
        if (!compared)
                return INGOT_PCR_UNREAD;
        return replay->touched >> pcr & 1 ? INGOT_PCR_EXPLAINED : INGOT_PCR_EMPTY;
}

int ingot_pcr_stand(const struct ingot_boot_log *log, const struct ingot_tpm_state *tpm,
                    enum ingot_pcr_standing ret[INGOT_PCR_COUNT], ingot_error *reterr)
{
        struct ingot_replay replay = {0};
        int r = log ? ingot_boot_log_replay(log, &replay, reterr) : 0;
        if (r < 0)
                return r;
        unsigned banks = log ? banks_of(log, &replay) : 0;
        for (unsigned i = 0; i < INGOT_PCR_COUNT; i++)
                ret[i] = log ? stand(&replay, banks, tpm, i) : INGOT_PCR_UNLOGGED;
        return 0;
}

/* ---- what is locked ---- */

static int add(struct ingot_buffer *words, ingot_error *reterr, const char *more)
{
        return ingot_buffer_printf(words, reterr, "%s%s", words->size ? "; " : "", more);
}

/* The worse of two: a certain no is worse than what is not known. */
static void worsen(enum ingot_unlock *ret, enum ingot_unlock other)
{
        if (*ret == INGOT_UNLOCK_YES || other == INGOT_UNLOCK_NO)
                *ret = other;
}

static bool have(const struct ingot_tpm_state *tpm, enum ingot_bank bank, uint32_t mask)
{
        return (tpm->have[bank] & mask) == mask;
}

int ingot_policy_unlocks(const struct ingot_unlock_facts *f, enum ingot_unlock *ret,
                         struct ingot_buffer *ret_why, ingot_error *reterr)
{
        char text[INGOT_PCR_MASK_TEXT_MAX];
        uint32_t wrong = 0;
        int r = 0;
        *ret = INGOT_UNLOCK_YES;
        for (size_t i = 0; i < f->policy->sets.count; i++) {
                const struct ingot_pcr_values *set = f->policy->sets.items + i;
                if (!have(f->tpm, set->bank, 1u << set->pcr))
                        worsen(ret, INGOT_UNLOCK_UNKNOWN);
                else if (ingot_pcr_values_find(set, f->tpm->values[set->pcr].value[set->bank]) < 0)
                        wrong |= 1u << set->pcr;
        }
        if (*ret == INGOT_UNLOCK_UNKNOWN)
                r = add(ret_why, reterr, "the TPM's values are not known");
        if (r >= 0 && wrong) {
                worsen(ret, INGOT_UNLOCK_NO);
                r = ingot_buffer_printf(ret_why, reterr, "%sPCR %s: a value that it does not have",
                                        ret_why->size ? "; " : "",
                                        ingot_pcr_mask_text(wrong, text));
        }
        if (r >= 0 && f->tpm->policy_asked && !f->tpm->policy_held) {
                worsen(ret, INGOT_UNLOCK_NO);
                r = add(ret_why, reterr,
                        f->tpm->policy_problem ? f->tpm->policy_problem
                                               : "the NV index holds another policy");
        }
        return r;
}

static int by_signature(const struct ingot_sealed *s, const struct ingot_unlock_facts *f,
                        enum ingot_unlock *ret, struct ingot_buffer *why, ingot_error *reterr)
{
        uint32_t mask = s->public_key_pcrs;
        _cleanup_buffer_ struct ingot_buffer values = {0};
        struct ingot_policy p = {0};
        int r = 0;
        if (!f->signatures || !have(f->tpm, s->bank, mask)) {
                worsen(ret, INGOT_UNLOCK_UNKNOWN);
                return add(why, reterr,
                           f->signatures ? "the TPM's values are not known"
                                         : "there is no tpm2-pcr-signature.json");
        }
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++)
                if (mask >> i & 1)
                        r = ingot_buffer_append(&values, f->tpm->values[i].value[s->bank],
                                                ingot_bank_size(s->bank), reterr);
        if (r < 0)
                return r;
        ingot_policy_pcr(&p, s->bank, mask, ingot_buffer_span(&values));
        for (size_t i = 0; i < f->signatures->count; i++)
                if (memcmp(f->signatures->entries[i].policy, p.digest, sizeof(p.digest)) == 0)
                        return 0;
        worsen(ret, INGOT_UNLOCK_NO);
        return add(why, reterr, "no signature is for the value of now");
}

/* The digest of a policy that is nothing but PCRs, and perhaps a PIN, can be computed. */
static int by_pcrs(const struct ingot_sealed *s, const struct ingot_unlock_facts *f,
                   enum ingot_unlock *ret, struct ingot_buffer *why, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer values = {0};
        struct ingot_policy p = {0};
        int r = 0;
        if (s->public_key.size > 0 || s->pcrlock || !have(f->tpm, s->bank, s->pcrs)) {
                worsen(ret, INGOT_UNLOCK_UNKNOWN);
                return add(why, reterr, "the values that PCRs must have are not written down");
        }
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++)
                if (s->pcrs >> i & 1)
                        r = ingot_buffer_append(&values, f->tpm->values[i].value[s->bank],
                                                ingot_bank_size(s->bank), reterr);
        if (r < 0)
                return r;
        ingot_policy_pcr(&p, s->bank, s->pcrs, ingot_buffer_span(&values));
        if (s->pin)
                ingot_policy_auth_value(&p);
        if (memcmp(p.digest, s->policies[0].digest, sizeof(p.digest)) == 0)
                return 0;
        worsen(ret, INGOT_UNLOCK_NO);
        return add(why, reterr, "a PCR changed since it was sealed");
}

static int by_policy(const struct ingot_sealed *s, const struct ingot_unlock_facts *f,
                     enum ingot_unlock *ret, struct ingot_buffer *why, ingot_error *reterr)
{
        enum ingot_unlock policy;
        const struct ingot_pcrlock_policy *p = f->policy;
        if (!p || (s->nv.size > 0 && (s->nv.size != p->nv_handle.size ||
                                      memcmp(s->nv.data, p->nv_handle.data, s->nv.size) != 0))) {
                worsen(ret, p ? INGOT_UNLOCK_NO : INGOT_UNLOCK_UNKNOWN);
                return add(why, reterr,
                           p ? "it is sealed by another NV index than pcrlock.json has"
                             : "there is no pcrlock.json");
        }
        int r = ingot_policy_unlocks(f, &policy, why, reterr);
        if (r >= 0)
                worsen(ret, policy);
        return r;
}

int ingot_sealed_unlocks(const struct ingot_sealed *s, const struct ingot_unlock_facts *f,
                         enum ingot_unlock *ret, struct ingot_buffer *ret_why, ingot_error *reterr)
{
        int r = 0;
        *ret = INGOT_UNLOCK_YES;
        if (s->public_key.size > 0)
                r = by_signature(s, f, ret, ret_why, reterr);
        if (r >= 0 && s->pcrlock)
                r = by_policy(s, f, ret, ret_why, reterr);
        if (r >= 0 && s->pcrs)
                r = by_pcrs(s, f, ret, ret_why, reterr);
        return r;
}

int ingot_sealed_text(const struct ingot_sealed *s, struct ingot_buffer *ret, ingot_error *reterr)
{
        char text[INGOT_PCR_MASK_TEXT_MAX];
        size_t start = ret->size;
        int r = 0;
        if (s->public_key.size > 0)
                r = ingot_buffer_printf(ret, reterr, "values of PCR %s that a key signs",
                                        ingot_pcr_mask_text(s->public_key_pcrs, text));
        if (r >= 0 && s->pcrlock)
                r = ingot_buffer_printf(ret, reterr, "%sthe policy of pcrlock.json",
                                        ret->size > start ? ", and " : "");
        if (r >= 0 && s->pcrs)
                r = ingot_buffer_printf(ret, reterr, "%sPCR %s", ret->size > start ? ", and " : "",
                                        ingot_pcr_mask_text(s->pcrs, text));
        if (r >= 0 && s->pin)
                r = ingot_buffer_printf(ret, reterr, "%sa PIN", ret->size > start ? ", and " : "");
        if (r >= 0 && ret->size == start)
                r = ingot_buffer_printf(ret, reterr, "no PCR at all");
        return r;
}

/* ---- the next boot ---- */

static bool is_measured(unsigned pcr)
{
        for (size_t i = 0; i < INGOT_MEASURED_PCR_COUNT; i++)
                if (ingot_measured_pcrs[i] == pcr)
                        return true;
        return false;
}

/* 1 on, 0 off, -1: the log does not have it. */
static int secure_boot(const struct ingot_boot_log *log)
{
        static const uint8_t name[] = {'S', 0, 'e', 0, 'c', 0, 'u', 0, 'r', 0,
                                       'e', 0, 'B', 0, 'o', 0, 'o', 0, 't', 0};
        for (size_t i = 0; log && i < log->firmware.count; i++) {
                const struct ingot_event *e = log->firmware.events + i;
                struct ingot_event_variable v;
                if (e->type == INGOT_EV_EFI_VARIABLE_DRIVER_CONFIG &&
                    ingot_event_variable_decode(e->data, &v) && v.name.size == sizeof(name) &&
                    memcmp(v.name.data, name, sizeof(name)) == 0)
                        return v.data.size > 0 && v.data.data[0] == 1;
        }
        return -1;
}

static int compare_next(const struct ingot_pcr_values *set, const struct ingot_next_boot *next,
                        enum ingot_unlock *ret, const char **ret_why, ingot_error *reterr)
{
        const struct ingot_measured_event *event = NULL;
        int on = secure_boot(next->log);
        struct ingot_pcr value;
        *ret = INGOT_UNLOCK_UNKNOWN;
        *ret_why = "it depends on Secure Boot, of which no log tells";
        if (on < 0 && ingot_measured_depends(next->profile, set->pcr))
                return 0;
        int r = ingot_measured_value(next->profile, set->pcr, INGOT_PHASE_ENTER_INITRD, on > 0,
                                     &value, &event, reterr);
        *ret_why = event && event->reason ? event->reason : "its value is none of the policy's";
        if (r < 0 || r == INGOT_MEASURED_UNKNOWN)
                return r;
        bool found = ingot_pcr_values_find(set, value.value[set->bank]) >= 0;
        *ret = found ? INGOT_UNLOCK_YES : INGOT_UNLOCK_NO;
        *ret_why = "its value is none of the policy's";
        return 0;
}

int ingot_policy_unlocks_next(const struct ingot_pcrlock_policy *policy,
                              const struct ingot_next_boot *next, enum ingot_unlock *ret,
                              struct ingot_buffer *ret_why, ingot_error *reterr)
{
        *ret = INGOT_UNLOCK_YES;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < policy->sets.count; i++) {
                const struct ingot_pcr_values *set = policy->sets.items + i;
                enum ingot_unlock one;
                const char *why;
                if (!is_measured(set->pcr))
                        continue;
                r = compare_next(set, next, &one, &why, reterr);
                if (r < 0 || one == INGOT_UNLOCK_YES)
                        continue;
                worsen(ret, one);
                r = ingot_buffer_printf(ret_why, reterr, "%sPCR %u: %s", ret_why->size ? "; " : "",
                                        set->pcr, why);
        }
        return r;
}
