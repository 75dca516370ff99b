/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What can be known of a machine's TPM: its PCRs, which the kernel shows to everybody in
 * /sys/class/tpm/tpm0/pcr-BANK/, and what it is and can, which only the device tells.
 */
#pragma once

#include "measure/pcrlock-policy.h"
#include "measure/replay.h"

struct ingot_tpm_state {
        bool found;                    /* there is a TPM, or its values were to be read */
        unsigned banks;                /* a bit for each whose values are known */
        uint32_t have[INGOT_BANK_MAX]; /* which PCRs */
        struct ingot_pcr values[INGOT_PCR_COUNT];
        bool asked;    /* the device told what follows */
        char *problem; /* why it did not; or NULL */
        char manufacturer[5];
        uint32_t firmware[2], revision; /* of the specification, times 100 */
        bool nv_policies;               /* TPM2_PolicyAuthorizeNV */
        bool locked_out;
        bool policy_asked; /* … and of a policy: */
        bool policy_held;  /* the NV index holds what pcrlock.json says */
        char *policy_problem;
};
void ingot_tpm_state_done(struct ingot_tpm_state *s);
#define _cleanup_tpm_state_ __attribute__((cleanup(ingot_tpm_state_done)))

struct ingot_tpm_state_request {
        const char
                *where;   /* for ingot_tpm_open(); NULL: the machine's, and what its kernel shows */
        const char *root; /* the folder that is its root; NULL: this machine */
        const struct ingot_pcrlock_policy *policy; /* to be compared with its index; or NULL */
};

/* No TPM is no failure. */
int ingot_tpm_state_read(const struct ingot_tpm_state_request *q, struct ingot_tpm_state *ret,
                         ingot_error *reterr);

/* The part that needs tpm2-tss: fills *s as far as the device tells. < 0: it does not, and why. */
int ingot_tpm_state_ask(const struct ingot_tpm_state_request *q, struct ingot_tpm_state *s,
                        ingot_error *reterr);
