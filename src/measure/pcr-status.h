/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How it stands with a machine's PCRs: does the log explain what the TPM has, and does what is
 * locked to them unlock? All of it is computed; a TPM is not asked.
 */
#pragma once

#include "measure/boot-log.h"
#include "measure/measurement.h"
#include "measure/pcrsig.h"
#include "measure/sealed.h"
#include "measure/tpm-state.h"

enum ingot_pcr_standing {
        INGOT_PCR_UNREAD,    /* the TPM's value is not known */
        INGOT_PCR_UNLOGGED,  /* there is no log; of PCR 10, IMA's list is not read */
        INGOT_PCR_EMPTY,     /* nothing was measured into it */
        INGOT_PCR_EXPLAINED, /* replayed, the log gives the TPM's value */
        INGOT_PCR_DIFFERS,   /* it does not: something else was measured, or the log lies */
};

/* By all banks that both the log and the TPM have. LOG NULL: there is none. */
int ingot_pcr_stand(const struct ingot_boot_log *log, const struct ingot_tpm_state *tpm,
                    enum ingot_pcr_standing ret[INGOT_PCR_COUNT], ingot_error *reterr);

enum ingot_unlock {
        INGOT_UNLOCK_YES,
        INGOT_UNLOCK_NO,
        INGOT_UNLOCK_UNKNOWN, /* what it depends on cannot be seen here */
};

/* What is known of this boot. */
struct ingot_unlock_facts {
        const struct ingot_tpm_state *tpm;
        const struct ingot_pcrlock_policy *policy; /* pcrlock.json; or NULL */
        const struct ingot_pcrsig *signatures;     /* tpm2-pcr-signature.json; or NULL */
};

/* Does the policy in the NV index hold now? Appends why not, a few words. */
int ingot_policy_unlocks(const struct ingot_unlock_facts *f, enum ingot_unlock *ret,
                         struct ingot_buffer *ret_why, ingot_error *reterr);
/* Would the secret be unsealed now? */
int ingot_sealed_unlocks(const struct ingot_sealed *s, const struct ingot_unlock_facts *f,
                         enum ingot_unlock *ret, struct ingot_buffer *ret_why, ingot_error *reterr);
/* Appends what it is sealed by: "PCR 7, and values of PCR 11 that a key signs". */
int ingot_sealed_text(const struct ingot_sealed *s, struct ingot_buffer *ret, ingot_error *reterr);

/*
 * Will the policy hold in the initrd when that profile of a UKI is started? Compared are the PCRs
 * whose values a manifest has; the others must be as they are now. UNKNOWN: a value cannot be
 * known.
 */
struct ingot_next_boot {
        const struct ingot_measured_profile *profile;
        const struct ingot_boot_log *log; /* tells whether Secure Boot is on; or NULL */
        uint32_t changed; /* a bit for each other PCR that will not be as it is now */
};
int ingot_policy_unlocks_next(const struct ingot_pcrlock_policy *policy,
                              const struct ingot_next_boot *next, enum ingot_unlock *ret,
                              struct ingot_buffer *ret_why, ingot_error *reterr);
/*
 * The same of a secret that unlocks now. One by a signed policy for PCR 11 does as long as the UKI
 * has the same key (its section .pcrpkey, which is measured) and with it signatures.
 */
int ingot_sealed_unlocks_next(const struct ingot_sealed *s, const struct ingot_unlock_facts *f,
                              const struct ingot_next_boot *next, enum ingot_unlock *ret,
                              struct ingot_buffer *ret_why, ingot_error *reterr);
