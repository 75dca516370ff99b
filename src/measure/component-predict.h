/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which values a PCR may have when components run, one after another, each in any of its variants.
 *
 * systemd-pcrlock walks every combination of variants, of all components. Two combinations that
 * have brought a PCR to the same value before the same component go on alike, so here the second is
 * not walked again: the cost is that of components times values, and the values and their order are
 * the same. docs/decisions/098 says why.
 */
#pragma once

#include "measure/component.h"
#include "measure/pcr-values.h"

/* Which moment of the boot the values are of, as systemd-pcrlock --location=START:END. */
struct ingot_prediction_window {
        const char
                *start; /* also the values before each component whose id is greater; NULL: none */
        const char
                *end; /* nothing from the first component on whose id is greater; NULL: all run */
        uint8_t locality; /* at which the TPM was started (the last byte of PCR 0) */
};
/* systemd's own: between "760-" and "940-", locality 0. */
extern const struct ingot_prediction_window ingot_prediction_window_default;

/*
 * The values of PCR in BANK, in the order in which systemd finds them. A variant with a record of
 * PCR that has no digest of BANK leads to no value. LIMIT: there are more than
 * INGOT_PCR_VALUES_MAX; USAGE: there is no such PCR.
 */
int ingot_components_predict(const struct ingot_components *c,
                             const struct ingot_prediction_window *window, unsigned pcr,
                             enum ingot_bank bank, struct ingot_pcr_values *ret,
                             ingot_error *reterr);

/* Of each PCR of MASK. */
int ingot_components_predict_sets(const struct ingot_components *c,
                                  const struct ingot_prediction_window *window, uint32_t mask,
                                  enum ingot_bank bank, struct ingot_pcr_sets *ret,
                                  ingot_error *reterr);

/* How many combinations of variants there are, the cost of walking them all; UINT64_MAX: that many
 * or more. */
uint64_t ingot_components_combinations(const struct ingot_components *c);
