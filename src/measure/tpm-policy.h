/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policies, gone through in a session of a TPM. What does not hold is told beforehand where it can
 * be: a TPM says no more than that a policy failed.
 */
#pragma once

#include "measure/pcrlock-policy.h"
#include "measure/pcrsig.h"
#include "os/tpm.h"

/* REFUSED names the PCRs that have a value which is none of their set; FROM says where the sets
 * stand ("the policy in pcrlock.json"). */
int ingot_tpm_pcrs_check(struct ingot_tpm *t, const struct ingot_pcr_sets *sets, const char *from,
                         ingot_error *reterr);

/* Appends to *ret a set for each PCR of MASK that the bank has, with the value that it has now. */
int ingot_tpm_pcrs_now(struct ingot_tpm *t, enum ingot_bank bank, uint32_t mask,
                       struct ingot_pcr_sets *ret, ingot_error *reterr);

/* The policy of measure/super-policy.h, as the PCRs are now. */
int ingot_tpm_super_policy(const struct ingot_tpm_session *s, const struct ingot_pcr_sets *sets,
                           ingot_error *reterr);
/* The same, and that the NV index holds it. */
int ingot_tpm_pcrlock(const struct ingot_tpm_session *s, const struct ingot_pcrlock_policy *policy,
                      ingot_error *reterr);

/* A key of signed policies. */
struct ingot_policy_key {
        struct ingot_buffer pkcs1;              /* RSAPublicKey; what `rsa` points into */
        uint8_t fingerprint[INGOT_SHA256_SIZE]; /* pkfp */
        uint8_t name[INGOT_POLICY_NAME_SIZE];   /* as a TPM names it */
        struct ingot_tpm_rsa rsa;
};
void ingot_policy_key_done(struct ingot_policy_key *k);
#define _cleanup_policy_key_ __attribute__((cleanup(ingot_policy_key_done)))
/* PEM. UNSUPPORTED for a key that is not RSA. */
int ingot_policy_key_decode(struct ingot_span pem, struct ingot_policy_key *ret,
                            ingot_error *reterr);

/* The signed policy over the PCRs as they are now: one of the signatures is over it. REFERENCE may
 * be NULL. */
struct ingot_signed_policy {
        const struct ingot_policy_key *key;
        enum ingot_bank bank;
        uint32_t pcrs;
        const char *reference;
        const struct ingot_pcrsig *signatures;
};
int ingot_tpm_signed_policy(const struct ingot_tpm_session *s, const struct ingot_signed_policy *p,
                            ingot_error *reterr);
