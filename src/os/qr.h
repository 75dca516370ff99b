/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QR codes (ISO/IEC 18004), by libqrencode, which is loaded when it is first used. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct ingot_qr {
        unsigned width;   /* squares on each side, without the quiet zone */
        uint8_t *squares; /* width × width, row by row; not 0: dark */
};
void ingot_qr_done(struct ingot_qr *qr);
#define _cleanup_qr_ __attribute__((cleanup(ingot_qr_done)))

/* UNSUPPORTED names the package that is missing; LIMIT when the text is too long for any. */
int ingot_qr_encode(const char *text, struct ingot_qr *ret, ingot_error *reterr);
