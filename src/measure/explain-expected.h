/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a boot measured, against what the measurement manifest says it would: in PCR 4, 9, 11, 12 and
 * 13, as far as the boot has come; of a confidential machine in RTMR 2. What the manifest marks as unknown is passed over.
 */
#pragma once

#include "measure/explain.h"
#include "measure/measurement.h"

/*
 * The profile whose measurements are most like those of AFTER, in *ret_profile; its measurements in
 * *ret_before, which M must outlive; and what differs. NOTFOUND: the manifest has no profile.
 */
int ingot_explain_expected(const struct ingot_measurement *m, const struct ingot_explain_side *after,
                           uint32_t *ret_profile, struct ingot_explain_side *ret_before,
                           struct ingot_causes *ret, ingot_error *reterr);
