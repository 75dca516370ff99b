/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/pcr-status.h"
#include "base/cleanup.h"
#include "measure/event.h"
#include "measure/pcr-mask.h"

#include <string.h>

#define PCR_OF_IMA 10 /* the kernel keeps a list of its own of what it measures into it */

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
        if (ret[PCR_OF_IMA] == INGOT_PCR_DIFFERS && !(replay.touched >> PCR_OF_IMA & 1))
                ret[PCR_OF_IMA] = INGOT_PCR_UNLOGGED;
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

/* TPM2_PolicyPCR over these values, alone. */
static int policy_of(const struct ingot_pcr *values, enum ingot_bank bank, uint32_t mask,
                     struct ingot_policy *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        int r = 0;
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++)
                if (mask >> i & 1)
                        r = ingot_buffer_append(&bytes, values[i].value[bank],
                                                ingot_bank_size(bank), reterr);
        *ret = (struct ingot_policy){0};
        if (r >= 0)
                ingot_policy_pcr(ret, bank, mask, ingot_buffer_span(&bytes));
        return r;
}

static int by_signature(const struct ingot_sealed *s, const struct ingot_unlock_facts *f,
                        enum ingot_unlock *ret, struct ingot_buffer *why, ingot_error *reterr)
{
        uint32_t mask = s->public_key_pcrs;
        struct ingot_policy p;
        if (!f->signatures || !have(f->tpm, s->bank, mask)) {
                worsen(ret, INGOT_UNLOCK_UNKNOWN);
                return add(why, reterr,
                           f->signatures ? "the TPM's values are not known"
                                         : "there is no tpm2-pcr-signature.json");
        }
        int r = policy_of(f->tpm->values, s->bank, mask, &p, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < f->signatures->count; i++)
                if (memcmp(f->signatures->entries[i].policy, p.digest, sizeof(p.digest)) == 0)
                        return 0;
        worsen(ret, INGOT_UNLOCK_NO);
        return add(why, reterr, "no signature is for the value of now");
}

static const char *const not_written = "the values that PCRs must have are not written down";

/* Of a policy that is nothing but PCRs, and perhaps a PIN, the digest can be computed. */
static int with_values(const struct ingot_sealed *s, const struct ingot_pcr *values,
                       enum ingot_unlock *ret, ingot_error *reterr)
{
        struct ingot_policy p = {0};
        int r = policy_of(values, s->bank, s->pcrs, &p, reterr);
        if (r < 0)
                return r;
        if (s->pin)
                ingot_policy_auth_value(&p);
        *ret = memcmp(p.digest, s->policies[0].digest, sizeof(p.digest)) == 0 ? INGOT_UNLOCK_YES
                                                                              : INGOT_UNLOCK_NO;
        return 0;
}

static int by_pcrs(const struct ingot_sealed *s, const struct ingot_unlock_facts *f,
                   enum ingot_unlock *ret, struct ingot_buffer *why, ingot_error *reterr)
{
        enum ingot_unlock one;
        if (s->public_key.size > 0 || s->pcrlock || !have(f->tpm, s->bank, s->pcrs)) {
                worsen(ret, INGOT_UNLOCK_UNKNOWN);
                return add(why, reterr, not_written);
        }
        int r = with_values(s, f->tpm->values, &one, reterr);
        if (r < 0 || one == INGOT_UNLOCK_YES)
                return r;
        worsen(ret, one);
        return add(why, reterr, "a PCR changed since it was sealed");
}

/* 1: it is not by the policy that is known; why is said. */
static int by_another(const struct ingot_sealed *s, const struct ingot_pcrlock_policy *p,
                      enum ingot_unlock *ret, struct ingot_buffer *why, ingot_error *reterr)
{
        if (p && (s->nv.size == 0 || (s->nv.size == p->nv_handle.size &&
                                      memcmp(s->nv.data, p->nv_handle.data, s->nv.size) == 0)))
                return 0;
        worsen(ret, p ? INGOT_UNLOCK_NO : INGOT_UNLOCK_UNKNOWN);
        int r = add(why, reterr,
                    p ? "it is sealed by another NV index than pcrlock.json has"
                      : "there is no pcrlock.json");
        return r < 0 ? r : 1;
}

static int by_policy(const struct ingot_sealed *s, const struct ingot_unlock_facts *f,
                     enum ingot_unlock *ret, struct ingot_buffer *why, ingot_error *reterr)
{
        enum ingot_unlock policy;
        int r = by_another(s, f->policy, ret, why, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        r = ingot_policy_unlocks(f, &policy, why, reterr);
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

#define CHANGED "the new release gives it another value"

/* The other PCRs are as they are now. */
static uint32_t touched(const struct ingot_next_boot *next)
{
        uint32_t mask = next->changed;
        for (size_t i = 0; i < INGOT_MEASURED_PCR_COUNT; i++)
                mask |= 1u << ingot_measured_pcrs[i];
        return mask;
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

/* In the initrd; 1: it is not known, and why. */
static int next_value(const struct ingot_next_boot *next, unsigned pcr, struct ingot_pcr *ret,
                      const char **ret_why, ingot_error *reterr)
{
        const struct ingot_measured_event *event = NULL;
        int on = secure_boot(next->log);
        *ret_why = "it depends on Secure Boot, of which no log tells";
        if (on < 0 && ingot_measured_depends(next->profile, pcr))
                return 1;
        int r = ingot_measured_value(next->profile, pcr, INGOT_PHASE_ENTER_INITRD, on > 0, ret,
                                     &event, reterr);
        *ret_why = event && event->reason ? event->reason : "it cannot be known before";
        return r < 0 ? r : r == INGOT_MEASURED_UNKNOWN;
}

static int compare_next(const struct ingot_pcr_values *set, const struct ingot_next_boot *next,
                        enum ingot_unlock *ret, const char **ret_why, ingot_error *reterr)
{
        struct ingot_pcr value;
        *ret = INGOT_UNLOCK_NO;
        if (next->changed >> set->pcr & 1) {
                *ret_why = CHANGED;
                return 0;
        }
        int r = next_value(next, set->pcr, &value, ret_why, reterr);
        if (r != 0) {
                *ret = INGOT_UNLOCK_UNKNOWN;
                return r < 0 ? r : 0;
        }
        if (ingot_pcr_values_find(set, value.value[set->bank]) >= 0)
                *ret = INGOT_UNLOCK_YES;
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
                if (!(touched(next) >> set->pcr & 1))
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

/* Was that measured into PCR 11? Only the digest counts. */
static int is_measured(const struct ingot_measured_profile *p, struct ingot_span content, bool *ret,
                       ingot_error *reterr)
{
        const enum ingot_bank bank = INGOT_BANK_SHA256;
        uint8_t digest[INGOT_BANK_SIZE_MAX];
        int r = ingot_bank_digest(bank, content, digest, reterr);
        for (size_t i = 0; r >= 0 && i < p->count; i++) {
                const struct ingot_record *e = &p->events[i].record;
                if (e->pcr == INGOT_PCR11 && e->banks >> bank & 1 &&
                    memcmp(e->digest[bank], digest, ingot_bank_size(bank)) == 0)
                        *ret = true;
        }
        return r;
}

/* The UKI's section .pcrpkey is the key as the token has it, but perhaps for the last newline. */
static int has_key(const struct ingot_measured_profile *p, const struct ingot_buffer *key,
                   bool *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer line = {0};
        size_t size = key->size;
        while (size > 0 && key->data[size - 1] == '\n')
                size--;
        int r = ingot_buffer_append(&line, key->data, size, reterr);
        if (r >= 0)
                r = ingot_buffer_append(&line, "\n", 1, reterr);
        *ret = false;
        if (r >= 0)
                r = is_measured(p, INGOT_SPAN(line.data, size), ret, reterr);
        return r < 0 || *ret ? r : is_measured(p, ingot_buffer_span(&line), ret, reterr);
}

static int by_signature_next(const struct ingot_sealed *s, const struct ingot_next_boot *next,
                             enum ingot_unlock *ret, struct ingot_buffer *why, ingot_error *reterr)
{
        char text[INGOT_PCR_MASK_TEXT_MAX];
        const char *reason;
        struct ingot_pcr value;
        bool found;
        if (s->public_key_pcrs != 1u << INGOT_PCR11) {
                worsen(ret, INGOT_UNLOCK_UNKNOWN);
                return ingot_buffer_printf(why, reterr,
                                           "PCR %s: which values its key signs is not known",
                                           ingot_pcr_mask_text(s->public_key_pcrs, text));
        }
        int r = has_key(next->profile, &s->public_key, &found, reterr);
        if (r < 0 || found)
                return r;
        r = next_value(next, INGOT_PCR11, &value, &reason, reterr);
        if (r < 0)
                return r;
        worsen(ret, r > 0 ? INGOT_UNLOCK_UNKNOWN : INGOT_UNLOCK_NO);
        return ingot_buffer_printf(why, reterr, "PCR 11: %s",
                                   r > 0 ? reason
                                         : "the UKI has no key for signed PCR policies, or another "
                                           "than this one");
}

static int by_policy_next(const struct ingot_sealed *s, const struct ingot_pcrlock_policy *policy,
                          const struct ingot_next_boot *next, enum ingot_unlock *ret,
                          struct ingot_buffer *why, ingot_error *reterr)
{
        enum ingot_unlock one;
        int r = by_another(s, policy, ret, why, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        r = ingot_policy_unlocks_next(policy, next, &one, why, reterr);
        if (r >= 0)
                worsen(ret, one);
        return r;
}

/* Of the PCRs that the release touches. */
struct next_pcrs {
        struct ingot_pcr values[INGOT_PCR_COUNT];
        uint32_t other, unknown; /* than now; not known */
        uint32_t same;           /* as now */
        const char *why;         /* the first is not known */
};

/* PCR 11 has other values later in a boot: it is not compared with the one of now. */
static int compare_pcrs(const struct ingot_sealed *s, const struct ingot_tpm_state *tpm,
                        const struct ingot_next_boot *next, struct next_pcrs *ret,
                        ingot_error *reterr)
{
        memcpy(ret->values, tpm->values, sizeof(ret->values));
        for (unsigned i = 0; i < INGOT_PCR_COUNT; i++) {
                const uint32_t bit = 1u << i;
                const char *why;
                int r = 0;
                if (!(s->pcrs & touched(next) & bit))
                        continue;
                if (!(next->changed & bit))
                        r = next_value(next, i, ret->values + i, &why, reterr);
                if (r < 0)
                        return r;
                if (r > 0 && !ret->unknown)
                        ret->why = why;
                if (r > 0)
                        ret->unknown |= bit;
                else if (next->changed & bit)
                        ret->other |= bit;
                else if (i != INGOT_PCR11 && have(tpm, s->bank, bit))
                        *(memcmp(ret->values[i].value[s->bank], tpm->values[i].value[s->bank],
                                 ingot_bank_size(s->bank)) == 0
                                  ? &ret->same
                                  : &ret->other) |= bit;
        }
        return 0;
}

/* What the firmware measures is in the initrd as it is now. */
#define PCRS_OF_FIRMWARE 0xffu

static int by_pcrs_next(const struct ingot_sealed *s, const struct ingot_tpm_state *tpm,
                        const struct ingot_next_boot *next, enum ingot_unlock *ret,
                        struct ingot_buffer *why, ingot_error *reterr)
{
        const uint32_t ours = s->pcrs & touched(next), rest = s->pcrs & ~ours;
        char text[INGOT_PCR_MASK_TEXT_MAX];
        struct next_pcrs n = {0};
        enum ingot_unlock one = INGOT_UNLOCK_UNKNOWN;
        int r = compare_pcrs(s, tpm, next, &n, reterr);
        if (r < 0 || ours == n.same)
                return r;
        bool alone = s->public_key.size == 0 && !s->pcrlock && !n.unknown &&
                     !(rest & ~PCRS_OF_FIRMWARE) && have(tpm, s->bank, rest);
        if (n.other)
                one = INGOT_UNLOCK_NO;
        else if (alone)
                r = with_values(s, n.values, &one, reterr);
        if (r < 0 || one == INGOT_UNLOCK_YES)
                return r;
        worsen(ret, one);
        return ingot_buffer_printf(why, reterr, "%sPCR %s: %s", why->size ? "; " : "",
                                   ingot_pcr_mask_text(n.other                  ? n.other
                                                       : one == INGOT_UNLOCK_NO ? ours
                                                       : n.unknown              ? n.unknown
                                                                                : s->pcrs,
                                                       text),
                                   one == INGOT_UNLOCK_NO ? CHANGED
                                   : n.unknown            ? n.why
                                                          : not_written);
}

int ingot_sealed_unlocks_next(const struct ingot_sealed *s, const struct ingot_unlock_facts *f,
                              const struct ingot_next_boot *next, enum ingot_unlock *ret,
                              struct ingot_buffer *ret_why, ingot_error *reterr)
{
        int r = 0;
        *ret = INGOT_UNLOCK_YES;
        if (s->public_key.size > 0)
                r = by_signature_next(s, next, ret, ret_why, reterr);
        if (r >= 0 && s->pcrlock)
                r = by_policy_next(s, f->policy, next, ret, ret_why, reterr);
        if (r >= 0 && s->pcrs)
                r = by_pcrs_next(s, f->tpm, next, ret, ret_why, reterr);
        return r;
}
