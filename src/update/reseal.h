/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy in the TPM's NV index (measure/lock.h), made anew before an update, so that it opens
 * with what runs, with the other versions that may be started, and with the new one.
 *
 * The new version's components come out of its measurement manifest (update/components.h). Those of
 * firmware, loader and phases are left as they are: an update does not touch them. Variants that
 * are named after a version that cannot be started any more do not count, whoever wrote them, since
 * a policy has eight values a PCR (docs/decisions/132).
 */
#pragma once

#include "base/log.h"
#include "measure/measurement.h"
#include "measure/pcr-status.h"
#include "update/target.h"

struct ingot_reseal_request {
        const struct ingot_machine *machine;
        const struct ingot_update_target *target;
        const char *version;                         /* that is to be installed */
        const struct ingot_measurement *measurement; /* of it */
        const struct ingot_next_boot *next;          /* into it */
        const struct ingot_pcrlock_policy *old;      /* opens now */
        const struct ingot_strings *credentials;     /* names of those on the ESP */
        const char *tpm;                             /* as for ingot_tpm_open() */
        const struct ingot_log *log;
};

/* What is to be written. */
struct ingot_reseal;
struct ingot_reseal *ingot_reseal_free(struct ingot_reseal *s);
static inline void ingot_reseal_free_p(struct ingot_reseal **s)
{
        ingot_reseal_free(*s);
}
#define _cleanup_reseal_ __attribute__((cleanup(ingot_reseal_free_p)))

/*
 * Reads logs, components and TPM, and computes the new policy; writes nothing. The error says why
 * it cannot be made. REFUSED: a PCR of it has no component for what runs, the log does not give the
 * TPM's value, it would have more values than a policy holds, or would still not open with the new
 * version; NOTFOUND: there is no TPM, or no log; UNSUPPORTED: the TPM cannot, or ingot was built
 * without.
 */
int ingot_reseal_plan(const struct ingot_reseal_request *q, struct ingot_reseal **ret,
                      ingot_error *reterr);
/* The values that the policy will have; the rest of it stays. */
const struct ingot_pcr_sets *ingot_reseal_sets(const struct ingot_reseal *s);
/* Writes the components, then NV index and pcrlock.json. OLD is the policy of the plan. When it
 * fails the index is as it was. */
int ingot_reseal_run(struct ingot_reseal *s, const struct ingot_pcrlock_policy *old,
                     ingot_error *reterr);
