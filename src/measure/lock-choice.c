/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/lock-choice.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "measure/policy.h"

#include <stdlib.h>

#define FIRMWARE_UPDATES "a firmware update changes it, and nothing can tell to what"

/* `left`: why it is not taken automatically. */
static const struct {
        const char *meaning, *left;
        bool starts; /* depends on what is started: a policy without such a one protects nothing */
} pcrs[INGOT_PCR_COUNT] = {
        [0] = {"firmware", FIRMWARE_UPDATES, true},
        [1] = {"firmware settings", "the firmware's settings and plugged devices change it", false},
        [2] = {"drivers on cards", "another card, or a docking station, changes it", true},
        [3] = {"settings of cards", "another card, or a docking station, changes it", false},
        [4] = {"boot loader and kernel", NULL, true},
        [5] = {"partition table, boot loader's settings", "growing a partition changes it", false},
        [6] = {"resume from sleep, the manufacturer's own", "what it has is the manufacturer's",
               false},
        [7] = {"Secure Boot: state and keys", NULL, true},
        [8] = {"GRUB's commands", "only GRUB uses it, and nothing predicts that", false},
        [9] = {"initrd, kernel command line", NULL, true},
        [10] = {"IMA: every file that is run", "the running system extends it all the time", false},
        [11] = {"UKI: its sections, phases of the boot", NULL, true},
        [12] = {"command line, addons, credentials",
                "the credential that brings this policy to the initrd is measured into it", true},
        [13] = {"system extensions of the initrd", NULL, false},
        [14] = {"shim's keys and state", NULL, false},
        [15] = {"machine id, file systems, volume keys", NULL, false},
        [16] = {"debugging", "anybody may reset it", false},
        [17] = {"dynamic launch", "only a dynamic launch uses it", false},
        [18] = {"dynamic launch", "only a dynamic launch uses it", false},
        [19] = {"dynamic launch", "only a dynamic launch uses it", false},
        [20] = {"dynamic launch", "only a dynamic launch uses it", false},
        [21] = {"dynamic launch", "only a dynamic launch uses it", false},
        [22] = {"dynamic launch", "only a dynamic launch uses it", false},
        [23] = {"applications", "anybody may reset it", false},
};

const char *ingot_pcr_meaning(unsigned pcr)
{
        return pcr < INGOT_PCR_COUNT ? pcrs[pcr].meaning : NULL;
}

void ingot_lock_choice_done(struct ingot_lock_choice *c)
{
        for (unsigned i = 0; i < INGOT_PCR_COUNT; i++)
                free(c->pcrs[i].reason);
        ingot_pcr_sets_done(&c->sets);
        *c = (struct ingot_lock_choice){0};
}

/* What was measured so far must be one of what components say; else nothing is unsealed by it, even
 * now. 0 with *ret NULL: it can be used. */
static int judge_values(const struct ingot_lock_choice_request *q,
                        const struct ingot_pcr_values *set, char **ret, ingot_error *reterr)
{
        if (set->count == 0)
                return ingot_strdup(ret, "no way through the components has a digest of this bank",
                                    reterr);
        if (ingot_pcr_values_find(set, q->values[set->pcr].value[q->bank]) < 0)
                return ingot_format(ret, reterr,
                                    "it has none of the %zu values that components give "
                                    "at this point of the boot",
                                    set->count);
        if (set->count > INGOT_POLICY_OR_MAX && !q->nested)
                return ingot_format(ret, reterr,
                                    "it may have %zu values, and a policy that systemd can use has "
                                    "%d: remove variants of components that are not needed",
                                    set->count, INGOT_POLICY_OR_MAX);
        return 0;
}

static bool is_wanted(const struct ingot_lock_choice_request *q, unsigned pcr)
{
        return q->automatic ? !pcrs[pcr].left : q->pcrs >> pcr & 1;
}

/* Of what a system may lack, the lack counts, too: an extension that comes later changes it. */
static bool is_empty_in_vain(const struct ingot_claims *claims, unsigned pcr)
{
        return claims->pcrs[pcr].events == 0 && (pcr == 4 || pcr == 7 || pcr == 9 || pcr == 11);
}

static int judge(const struct ingot_lock_choice_request *q, const struct ingot_claims *claims,
                 unsigned pcr, struct ingot_lock_choice *c, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer words = {0};
        _cleanup_pcr_values_ struct ingot_pcr_values set = {.pcr = pcr, .bank = q->bank};
        struct ingot_pcr_values *own;
        char **reason = &c->pcrs[pcr].reason;
        int r = ingot_claims_text(claims, q->components, pcr, &words, reterr);
        if (r >= 0 && words.size > 0)
                return ingot_strdup(reason, (const char *) words.data, reterr);
        if (r >= 0)
                r = ingot_components_predict(q->components, q->window, pcr, q->bank, &set, reterr);
        if (r >= 0)
                r = judge_values(q, &set, reason, reterr);
        c->pcrs[pcr].count = set.count;
        if (r < 0 || *reason)
                return r;
        if (!is_wanted(q, pcr))
                return ingot_strdup(reason, q->automatic ? pcrs[pcr].left : "it was not asked for",
                                    reterr);
        if (q->automatic && is_empty_in_vain(claims, pcr))
                return ingot_strdup(reason, "nothing is measured into it on this machine", reterr);
        r = ingot_pcr_sets_add(&c->sets, pcr, q->bank, &own, reterr);
        for (size_t i = 0; r >= 0 && i < set.count; i++)
                r = ingot_pcr_values_add(own, set.values[i], reterr);
        c->pcrs[pcr].taken = true;
        if (r >= 0 && claims->pcrs[pcr].events == 0)
                return ingot_strdup(reason, "nothing is measured into it, and nothing may be",
                                    reterr);
        return r < 0 ? r
                     : ingot_format(reason, reterr, "components explain all of its %zu event%s",
                                    claims->pcrs[pcr].events,
                                    claims->pcrs[pcr].events == 1 ? "" : "s");
}

int ingot_lock_choose(const struct ingot_lock_choice_request *q, struct ingot_lock_choice *ret,
                      ingot_error *reterr)
{
        _cleanup_lock_choice_ struct ingot_lock_choice c = {0};
        _cleanup_claims_ struct ingot_claims claims = {0};
        int r = ingot_components_claim(q->components, q->events, q->window, q->bank, q->values,
                                       &claims, reterr);
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++)
                r = ingot_under(reterr, judge(q, &claims, i, &c, reterr), "PCR %u", i);
        if (r < 0)
                return r;
        *ret = c;
        c = (struct ingot_lock_choice){0};
        return 0;
}

int ingot_lock_choice_check(const struct ingot_lock_choice *c,
                            const struct ingot_lock_choice_request *q, ingot_error *reterr)
{
        bool protects = false;
        for (unsigned i = 0; i < INGOT_PCR_COUNT; i++) {
                protects = protects || (c->pcrs[i].taken && pcrs[i].starts);
                if (!q->automatic && q->pcrs >> i & 1 && !c->pcrs[i].taken)
                        return ingot_fail(reterr, INGOT_E_REFUSED, "PCR %u cannot be used: %s", i,
                                          c->pcrs[i].reason);
        }
        if (q->automatic && !protects)
                return ingot_fail(
                        reterr, INGOT_E_REFUSED,
                        "of PCRs that depend on what is started none can be used, so the "
                        "policy would protect nothing: components say what a PCR will be, "
                        "and 'ingot pcr predict --pcrlock' writes them");
        return 0;
}
