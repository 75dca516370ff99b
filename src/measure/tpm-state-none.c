/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where ingot was built without tpm2-tss. */
#include "measure/tpm-state.h"

int ingot_tpm_state_ask(const struct ingot_tpm_state_request *q, struct ingot_tpm_state *s,
                        ingot_error *reterr)
{
        (void) q;
        (void) s;
        return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                          "this ingot was built without tpm2-tss, so it cannot ask a TPM");
}
