/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenPGP in a build without packages: recognised, and refused by name. */
#include "trust/openpgp-holder.h"

static int without(ingot_error *reterr)
{
        return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "this ingot is built without OpenPGP");
}

int ingot_openpgp_holder_decode(struct ingot_openpgp_holder **ret, struct ingot_span content,
                                ingot_error *reterr)
{
        (void) ret, (void) content;
        return without(reterr);
}

int ingot_openpgp_holder_open(struct ingot_openpgp_holder **ret, struct ingot_span content,
                              const char *name, const struct ingot_key_ask *ask,
                              ingot_error *reterr)
{
        (void) ret, (void) content, (void) name, (void) ask;
        return without(reterr);
}

void ingot_openpgp_holder_free(struct ingot_openpgp_holder *h)
{
        (void) h; /* there never is one */
}

int ingot_openpgp_holder_sign(const struct ingot_openpgp_holder *h, struct ingot_span message,
                              uint64_t time, struct ingot_buffer *ret, ingot_error *reterr)
{
        (void) h, (void) message, (void) time, (void) ret;
        return without(reterr);
}

int ingot_openpgp_holder_verify(const struct ingot_openpgp_holder *h, struct ingot_span message,
                                struct ingot_span signature, ingot_error *reterr)
{
        (void) h, (void) message, (void) signature;
        return without(reterr);
}
