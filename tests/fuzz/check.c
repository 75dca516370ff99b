/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's report; the first byte says how large the pieces are in which it comes. */
#include "vm/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_check_ struct ingot_check c = {0};
        if (size == 0)
                return 0;
        size_t piece = (size_t) data[0] + 1;
        for (size_t at = 1; at < size; at += piece) {
                size_t n = size - at < piece ? size - at : piece;
                if (ingot_check_feed(&c, INGOT_SPAN(data + at, n), NULL) < 0)
                        break;
        }
        if (ingot_check_healthy(&c) && (!c.state || !c.ended))
                __builtin_trap();
        return 0;
}
