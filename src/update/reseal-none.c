/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where ingot was built without tpm2-tss. */
#include "update/reseal.h"

#include <stddef.h>

struct ingot_reseal *ingot_reseal_free(struct ingot_reseal *s)
{
        (void) s;
        return NULL;
}

int ingot_reseal_plan(const struct ingot_reseal_request *q, struct ingot_reseal **ret,
                      ingot_error *reterr)
{
        (void) q;
        (void) ret;
        return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "this ingot was built without tpm2-tss");
}

const struct ingot_pcr_sets *ingot_reseal_sets(const struct ingot_reseal *s)
{
        (void) s;
        return NULL;
}

int ingot_reseal_run(struct ingot_reseal *s, const struct ingot_pcrlock_policy *old,
                     ingot_error *reterr)
{
        (void) s;
        (void) old;
        return ingot_fail(reterr, INGOT_E_INTERNAL, "no policy was planned");
}
