/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The NV index that systemd-pcrlock keeps its policy in, and the PIN that lets it be written:
 * public areas and policies, without a TPM.
 *
 * The index holds the algorithm and the digest of the policy (TPMT_HA), 34 bytes. Who knows the PIN
 * may write it: a key for HMAC-SHA256 is made from it, which TPM2_PolicySigned asks for. The PIN
 * itself is sealed under the policy in the index.
 *
 * Source: TPM 2.0 Library, part 2, 12.2.4 (TPMT_PUBLIC), 13.4 (TPMA_NV), 13.5 (TPMS_NV_PUBLIC); the
 * values are those that systemd-pcrlock 262 uses.
 */
#pragma once

#include "measure/policy.h"

#define INGOT_PCRLOCK_NV_DATA_SIZE (2 + INGOT_SHA256_SIZE)
#define INGOT_PCRLOCK_NV_PUBLIC_SIZE 46
/* POLICYWRITE, WRITEALL, OWNERREAD; and that it has been written, which the TPM adds. */
#define INGOT_PCRLOCK_NV_ATTRIBUTES 0x00021008u
#define INGOT_NV_WRITTEN 0x20000000u

/* The secret of the key: SHA-256 of the PIN as it is written, without zeros at its end. */
struct ingot_pcrlock_pin {
        uint8_t secret[INGOT_SHA256_SIZE];
        size_t size;
};
void ingot_pcrlock_pin_of(const char *text, struct ingot_pcrlock_pin *ret);

/* TPMT_PUBLIC of the key. Its sensitive area's seed is 32 zeros. */
#define INGOT_PCRLOCK_PIN_PUBLIC_SIZE 48
void ingot_pcrlock_pin_public(const struct ingot_pcrlock_pin *pin,
                              uint8_t ret[INGOT_PCRLOCK_PIN_PUBLIC_SIZE]);

/* The policy that the index is written by. */
void ingot_pcrlock_write_policy(const struct ingot_pcrlock_pin *pin, struct ingot_policy *ret);

/* TPMS_NV_PUBLIC of the index, with that policy; its name is ingot_policy_name() of this. */
void ingot_pcrlock_nv_public(uint32_t index, uint32_t attributes, const struct ingot_policy *write,
                             uint8_t ret[INGOT_PCRLOCK_NV_PUBLIC_SIZE]);

/* What is written into it. */
void ingot_pcrlock_nv_data(const struct ingot_policy *policy,
                           uint8_t ret[INGOT_PCRLOCK_NV_DATA_SIZE]);

/* The policy of what is sealed by the index: TPM2_PolicyAuthorizeNV, once it has been written.
 * FORMAT when PUBLIC_AREA (TPMS_NV_PUBLIC, whether WRITTEN is set in it or not) is none. */
int ingot_pcrlock_sealed_policy(struct ingot_span public_area, struct ingot_policy *ret,
                                ingot_error *reterr);
