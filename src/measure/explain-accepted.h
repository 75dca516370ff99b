/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why a policy does not accept what a boot measured. systemd-pcrlock's policy says which values of
 * which PCRs are accepted, not of which measurements they are; so the cause is found by trying, and
 * what is found is only probable where several would do:
 *
 *   1. measurements that are in no variant of any component;
 *   2. one measurement without which the value would be accepted;
 *   3. measurements behind a point of the boot at which the value was accepted;
 *   4. else the measurement that changes most easily.
 */
#pragma once

#include "measure/component.h"
#include "measure/explain.h"
#include "measure/pcrlock-policy.h"

/*
 * The causes, by PCR, of those values of LOG that POLICY does not accept; none when all are
 * accepted. AFTER is the side of LOG, and the causes' `after` point into it. COMPONENTS may be
 * empty. UNSUPPORTED when the log has not the policy's bank.
 */
int ingot_explain_accepted(const struct ingot_pcrlock_policy *policy,
                           const struct ingot_components *components,
                           const struct ingot_boot_log *log, const struct ingot_explain_side *after,
                           struct ingot_causes *ret, ingot_error *reterr);
