/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy digests. */
#include "measure/policy.h"
#include "base/bytes.h"

#define CC_POLICY_PCR 0x0000017f
#define SELECT_SIZE 3 /* bytes of a bitmap of 24 PCRs */

void ingot_policy_pcr(enum ingot_bank bank, unsigned pcr, const uint8_t *value,
                      uint8_t ret[INGOT_SHA256_SIZE])
{
        uint8_t message[INGOT_SHA256_SIZE + 4 + 4 + 2 + 1 + SELECT_SIZE + INGOT_SHA256_SIZE] = {0};
        uint8_t *p = message + INGOT_SHA256_SIZE;
        ingot_be32_store(p, CC_POLICY_PCR);
        ingot_be32_store(p + 4, 1); /* one selection */
        ingot_be16_store(p + 8, ingot_bank_algorithm(bank));
        p[10] = SELECT_SIZE;
        if (pcr < 8 * SELECT_SIZE)
                p[11 + pcr / 8] = (uint8_t) (1u << pcr % 8);
        ingot_sha256_of(value, ingot_bank_size(bank), p + 11 + SELECT_SIZE);
        ingot_sha256_of(message, sizeof(message), ret);
}
