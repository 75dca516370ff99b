/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where ingot was built without libqrencode. */
#include "os/qr.h"

void ingot_qr_done(struct ingot_qr *qr)
{
        (void) qr;
}

int ingot_qr_encode(const char *text, struct ingot_qr *ret, ingot_error *reterr)
{
        (void) text;
        (void) ret;
        return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "this ingot was built without QR codes");
}
