/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies of a TPM (TPM 2.0 Library, part 3): digests that a TPM computes, computed without one.
 */
#pragma once

#include "base/sha256.h"
#include "measure/pcr11.h"

/*
 * The digest of a policy that starts with TPM2_PolicyPCR over one PCR below 24 of one bank:
 *     SHA256(32 zeros ‖ TPM_CC_PolicyPCR ‖ TPML_PCR_SELECTION ‖ SHA256(value))
 * It is SHA-256 whatever the bank.
 */
void ingot_policy_pcr(enum ingot_bank bank, unsigned pcr, const uint8_t *value,
                      uint8_t ret[INGOT_SHA256_SIZE]);
