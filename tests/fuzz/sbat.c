/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as .sbat: never a crash, and nothing is below its own generations. */
#include "format/sbat.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_sbat_ struct ingot_sbat s = {0};
        ingot_error error;
        if (ingot_sbat_decode(INGOT_SPAN(data, size), &s, &error) < 0)
                return 0;
        if (s.count > size / 3)
                abort();
        struct ingot_sbat first = {.items = s.items, .count = s.count > 0};
        if (s.count == 1 && ingot_sbat_check(&s, &first, &error) < 0)
                abort();
        return 0;
}
