/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a lock: what is taken is written back byte for byte. */
#include "package/lock.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_lock_ struct ingot_lock lock = {0};
        _cleanup_buffer_ struct ingot_buffer again = {0};
        ingot_error error;
        if (ingot_lock_decode(INGOT_SPAN(data, size), &lock, &error) < 0)
                return 0;
        if (ingot_lock_encode(&lock, &again, &error) < 0)
                return 0;
        if (again.size != size || memcmp(again.data, data, size) != 0)
                abort();
        for (size_t i = 0; i < lock.count; i++)
                if (lock.packages[i].source >= lock.sources.count || lock.packages[i].path[0] == '/')
                        abort();
        return 0;
}
