/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets sealed by a TPM and got back (measure/sealed.h has the object). */
#pragma once

#include "measure/sealed.h"
#include "measure/tpm-policy.h"

struct ingot_seal_options {
        enum ingot_bank bank;
        uint32_t pcrs;                /* a bit for each: to have the value of now */
        struct ingot_span public_key; /* PEM: whose signed policies unseal, too; or empty … */
        uint32_t public_key_pcrs;     /* … and for which PCRs */
        const char *reference;        /* of the signed policies; or NULL */
        const struct ingot_pcrlock_policy *policy; /* the policy in its NV index; or NULL */
};

/* USAGE when nothing is to be fulfilled, and for both a public key and a policy. */
int ingot_seal(struct ingot_tpm *t, const struct ingot_seal_options *options,
               struct ingot_span secret, struct ingot_sealed *ret, ingot_error *reterr);

/* What is known of this boot. */
struct ingot_unseal_options {
        const struct ingot_pcrlock_policy *policy; /* or NULL */
        const struct ingot_pcrsig *signatures;     /* or NULL */
};

/* Appends the secret. REFUSED says what is not fulfilled, and which PCR has another value where
 * that can be known; UNSUPPORTED for one that needs a PIN. */
int ingot_unseal(struct ingot_tpm *t, const struct ingot_sealed *sealed,
                 const struct ingot_unseal_options *options, struct ingot_buffer *ret,
                 ingot_error *reterr);
