/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy over many PCRs of which some may have one of several values, as systemd-pcrlock makes
 * it ("super PCR" policy): one TPM2_PolicyPCR over all PCRs that have one value; then, for each of
 * the others, ascending, TPM2_PolicyPCR over it and TPM2_PolicyOR over what that gives for each of
 * its values, in their order. The steps below are those that a session runs.
 */
#pragma once

#include "base/buffer.h"
#include "measure/pcr-values.h"
#include "measure/policy.h"

struct ingot_super_policy_options {
        bool nested; /* allow more than 8 values of a PCR, by TPM2_PolicyORs of TPM2_PolicyORs:
                      * systemd cannot use such a policy */
};

/*
 * Into *p, whose digest is what the session had before. LIMIT: a PCR has more than 8 values and
 * nesting is not allowed; USAGE: a PCR has none, or the sets are of several banks.
 */
int ingot_super_policy(struct ingot_policy *p, const struct ingot_pcr_sets *sets,
                       const struct ingot_super_policy_options *options, ingot_error *reterr);

/* The first step: the PCRs with one value, and these, appended to *ret_values (NULL: not wanted).
 * 1; 0: there is no such PCR, and no such step. */
int ingot_super_policy_single(const struct ingot_pcr_sets *sets, uint32_t *ret_mask,
                              struct ingot_buffer *ret_values, ingot_error *reterr);

/* What the session's digest P becomes by TPM2_PolicyPCR over SET's PCR, for each of its values:
 * SET->count of them, which the caller frees. */
int ingot_super_policy_branches(const struct ingot_policy *p, const struct ingot_pcr_values *set,
                                struct ingot_policy **ret, ingot_error *reterr);
