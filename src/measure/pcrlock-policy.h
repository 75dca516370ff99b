/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pcrlock.json: what systemd-pcrlock keeps about the policy that it has written into an NV index of
 * this machine's TPM, and what everything that unlocks by it reads. It stands at
 * /var/lib/systemd/pcrlock.json. Nothing in it is secret.
 *
 *     {"pcrBank":"sha256","pcrValues":[{"pcr":7,"values":["…", …]}, …],"nvIndex":N,"nvHandle":"…",
 *      "nvPublic":"…","srkHandle":"…","pinPublic":"…","pinPrivate":"…"}
 *
 * Values are hexadecimal; what comes from the TPM library is base64.
 */
#pragma once

#include "base/buffer.h"
#include "measure/pcr-values.h"

#define INGOT_PCRLOCK_POLICY_PATH "/var/lib/systemd/pcrlock.json"
#define INGOT_PCRLOCK_POLICY_SIZE_MAX ((size_t) 4 << 20)

struct ingot_pcrlock_policy {
        enum ingot_bank bank;
        struct ingot_pcr_sets sets;
        uint32_t nv_index;               /* its handle: 0x01800000 … */
        struct ingot_buffer nv_handle;   /* by Esys_TR_Serialize */
        struct ingot_buffer nv_public;   /* TPM2B_NV_PUBLIC */
        struct ingot_buffer srk_handle;  /* by Esys_TR_Serialize */
        struct ingot_buffer pin_public;  /* TPM2B_PUBLIC of what the PIN is sealed in */
        struct ingot_buffer pin_private; /* TPM2B_PRIVATE of it */
};

void ingot_pcrlock_policy_done(struct ingot_pcrlock_policy *p);
#define _cleanup_pcrlock_policy_ __attribute__((cleanup(ingot_pcrlock_policy_done)))

/* FORMAT, LIMIT. Members that are not known are passed over. */
int ingot_pcrlock_policy_decode(struct ingot_span text, struct ingot_pcrlock_policy *ret,
                                ingot_error *reterr);
/* Appends the text, with a newline, to the byte as systemd-pcrlock writes it. */
int ingot_pcrlock_policy_encode(const struct ingot_pcrlock_policy *p, struct ingot_buffer *ret,
                                ingot_error *reterr);
