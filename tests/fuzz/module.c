/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a kernel module: never a crash, and every string is whole. */
#include "format/module.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_strings_ struct ingot_strings s = {0};
        ingot_error error;
        size_t total = 0;
        if (ingot_module_info(INGOT_SPAN(data, size), &s, &error) < 0)
                return 0;
        for (size_t i = 0; i < s.count; i++)
                total += strlen(s.items[i]);
        if (total > size)
                abort();
        return 0;
}
