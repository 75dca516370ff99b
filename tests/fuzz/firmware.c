/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/firmware.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_firmware_ struct ingot_firmware f = {0};
        if (ingot_firmware_decode(INGOT_SPAN(data, size), &f, NULL) == 0 &&
            (!f.code || !f.vars || f.machines.count == 0))
                __builtin_trap();
        return 0;
}
