/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy over many PCRs, step by step as a session runs it. */
#include "measure/super-policy.h"
#include "base/cleanup.h"

static int check(const struct ingot_pcr_sets *sets, ingot_error *reterr)
{
        for (size_t i = 0; i < sets->count; i++) {
                if (sets->items[i].count == 0)
                        return ingot_fail(reterr, INGOT_E_USAGE, "PCR %u has no value",
                                          sets->items[i].pcr);
                if (sets->items[i].bank != sets->items[0].bank)
                        return ingot_fail(reterr, INGOT_E_USAGE, "PCR %u is of bank %s, not %s",
                                          sets->items[i].pcr, ingot_bank_name(sets->items[i].bank),
                                          ingot_bank_name(sets->items[0].bank));
        }
        return 0;
}

int ingot_super_policy_single(const struct ingot_pcr_sets *sets, uint32_t *ret_mask,
                              struct ingot_buffer *ret_values, ingot_error *reterr)
{
        uint32_t mask = 0;
        int r = check(sets, reterr);
        for (size_t i = 0; r >= 0 && i < sets->count; i++) {
                const struct ingot_pcr_values *set = sets->items + i;
                if (set->count != 1)
                        continue;
                mask |= 1u << set->pcr;
                if (ret_values)
                        r = ingot_buffer_append(ret_values, set->values[0],
                                                ingot_bank_size(set->bank), reterr);
        }
        if (r < 0)
                return r;
        *ret_mask = mask;
        return mask != 0;
}

int ingot_super_policy_branches(const struct ingot_policy *p, const struct ingot_pcr_values *set,
                                struct ingot_policy **ret, ingot_error *reterr)
{
        struct ingot_policy *branches = reallocarray(NULL, set->count, sizeof(*branches));
        if (!branches)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < set->count; i++) {
                branches[i] = *p;
                ingot_policy_pcr(branches + i, set->bank, 1u << set->pcr,
                                 INGOT_SPAN(set->values[i], ingot_bank_size(set->bank)));
        }
        *ret = branches;
        return 0;
}

static int choose(struct ingot_policy *p, const struct ingot_pcr_values *set, bool nested,
                  ingot_error *reterr)
{
        _cleanup_free_ struct ingot_policy *branches = NULL;
        if (set->count > INGOT_POLICY_OR_MAX && !nested)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "PCR %u may have %zu values, and a policy that systemd can use "
                                  "holds %d: remove components or variants that are not needed",
                                  set->pcr, set->count, INGOT_POLICY_OR_MAX);
        int r = ingot_super_policy_branches(p, set, &branches, reterr);
        return r < 0 ? r : ingot_policy_or_nested(p, branches, set->count, reterr);
}

int ingot_super_policy(struct ingot_policy *p, const struct ingot_pcr_sets *sets,
                       const struct ingot_super_policy_options *options, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer values = {0};
        struct ingot_policy policy = *p;
        uint32_t mask;
        int r = ingot_super_policy_single(sets, &mask, &values, reterr);
        if (r < 0)
                return r;
        if (r > 0)
                ingot_policy_pcr(&policy, sets->items[0].bank, mask, ingot_buffer_span(&values));
        for (size_t i = 0; i < sets->count; i++) {
                if (sets->items[i].count == 1)
                        continue;
                r = choose(&policy, sets->items + i, options->nested, reterr);
                if (r < 0)
                        return r;
        }
        *p = policy;
        return 0;
}
