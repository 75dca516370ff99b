/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Would a release lock a machine's disk? What it will measure stands in its measurement manifest;
 * what unlocks stands in pcrlock.json and in the tokens of LUKS2 volumes. All of it is computed
 * before anything is written; the TPM's values of now are those of the PCRs that no release
 * touches.
 */
#pragma once

#include "measure/luks-token.h"
#include "measure/pcr-status.h"

struct ingot_tpm_lock {
        char *path;              /* of pcrlock.json, or of the volume */
        char *what;              /* "policy over PCR 4+7", "token 3, by PCR 7" */
        enum ingot_unlock opens; /* after the restart into the release */
        char *why;               /* not YES: "PCR 4: …" */
        bool volume;             /* it is a token, and another one of the volume may open it */
        bool policy;             /* the policy in the NV index: 'ingot pcr lock' makes it anew */
        bool stale;              /* it does not open now, so it is not the release that locks it */
        bool resealed;           /* it opens by the policy that is made anew before */
};

struct ingot_tpm_locks {
        struct ingot_tpm_lock *items; /* the tokens of a volume stand together */
        size_t count;
};
void ingot_tpm_locks_done(struct ingot_tpm_locks *l);
#define _cleanup_tpm_locks_ __attribute__((cleanup(ingot_tpm_locks_done)))

struct ingot_tpm_check {
        const struct ingot_measured_profile *profile; /* that starts */
        const struct ingot_unlock_facts *facts;       /* of now */
        const struct ingot_boot_log *log;             /* of now, or NULL */
        bool table; /* the partition table changes, which firmware measures into PCR 5 */
};

/* What is known of that boot. */
struct ingot_next_boot ingot_tpm_check_next(const struct ingot_tpm_check *c);

/* Adds the policy in the NV index, when facts->policy is there, which was read at PATH. */
int ingot_tpm_check_policy(const struct ingot_tpm_check *c, const char *path,
                           struct ingot_tpm_locks *ret, ingot_error *reterr);
/* Adds the tokens of a volume that a TPM unlocks; UNKNOWN those that cannot be read. */
int ingot_tpm_check_volume(const struct ingot_tpm_check *c, const char *path,
                           const struct ingot_luks_tokens *tokens, struct ingot_tpm_locks *ret,
                           ingot_error *reterr);

/* Adds a volume whose tokens cannot be read: UNKNOWN. */
int ingot_tpm_check_unread(const char *path, const char *why, struct ingot_tpm_locks *ret,
                           ingot_error *reterr);
/* The measurement of a release that has no manifest: nothing that a release decides is known. */
int ingot_tpm_check_nothing_known(struct ingot_measurement *ret, ingot_error *reterr);

/* Would the policy in the NV index lock, that opens now? Then it is to be made anew. */
bool ingot_tpm_locks_want_reseal(const struct ingot_tpm_locks *l);

/*
 * Does it lock? A volume is open when one of its tokens opens. What cannot be known, and what is
 * locked now, is no reason. REFUSED says which, by which PCR, and what to do; VERSION is the
 * release's, WHY says why the policy cannot be made anew (NULL: that was not tried).
 */
int ingot_tpm_locks_check(const struct ingot_tpm_locks *l, const char *version, const char *why,
                          ingot_error *reterr);
