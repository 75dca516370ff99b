/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy in an NV index: made, and made anew, as systemd-pcrlock does it (measure/pcrlock-nv.h,
 * measure/pcrlock-policy.h). What was sealed by it stays as it is.
 *
 * The index must never hold a policy that nothing can be unsealed by. So a new policy is written
 * into it, the PIN is unsealed by it, and where that fails the index gets back what it had. The
 * caller writes pcrlock.json under another name before, and puts it in its place after:
 *
 *     ingot_lock_prepare()    a new index if there is none; lock->policy is what is to be written
 * down ingot_lock_activate()   the index holds it, and it unseals ingot_lock_keep() pcrlock.json
 * stands in its place
 */
#pragma once

#include "measure/pcrlock-nv.h"
#include "measure/pcrlock-policy.h"
#include "os/tpm.h"

struct ingot_lock_options {
        const struct ingot_pcr_sets *sets;
        const struct ingot_pcrlock_policy *old; /* NULL: there is none */
        /* Of a new policy the PIN that it shall have. Else NULL, and the TPM gives it; or what the
         * user has kept, for when the TPM does not. */
        const char *pin;
        uint32_t nv_index; /* of a new policy; 0: the first that is free */
        bool nested;       /* more than 8 values of a PCR */
};

struct ingot_lock {
        struct ingot_tpm *tpm;
        struct ingot_pcrlock_policy policy;
        struct ingot_policy digest; /* what the index shall hold */
        struct ingot_pcrlock_pin pin;
        struct ingot_buffer before; /* what it held */
        bool defined, written;      /* what is to be undone */
};

/* Undoes what was not kept, as far as the TPM lets it. */
void ingot_lock_discard(struct ingot_lock *lock);
#define _cleanup_lock_ __attribute__((cleanup(ingot_lock_discard)))

/* REFUSED when the PCRs have values that no set has, so that nothing could be unsealed by it now;
 * when the old policy does not give out its PIN and none was given, or a wrong one. LIMIT as for
 * ingot_super_policy(). */
int ingot_lock_prepare(struct ingot_lock *lock, struct ingot_tpm *t,
                       const struct ingot_lock_options *options, ingot_error *reterr);
int ingot_lock_activate(struct ingot_lock *lock, ingot_error *reterr);
void ingot_lock_keep(struct ingot_lock *lock);

/* All of it, with pcrlock.json at PATH. */
int ingot_lock_make(struct ingot_tpm *t, const struct ingot_lock_options *options, const char *path,
                    uint32_t *ret_nv_index, ingot_error *reterr);
