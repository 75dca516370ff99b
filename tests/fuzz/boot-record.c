/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a record of boots: what was read is written as the same again. */
#include "update/boot-record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_boot_records_ struct ingot_boot_records records = {0}, back = {0};
        _cleanup_buffer_ struct ingot_buffer once = {0}, again = {0};
        if (ingot_boot_records_decode(INGOT_SPAN(data, size), &records, NULL) < 0)
                return 0;
        if (ingot_boot_records_encode(&records, &once, NULL) < 0 ||
            ingot_boot_records_decode(ingot_buffer_span(&once), &back, NULL) < 0 ||
            ingot_boot_records_encode(&back, &again, NULL) < 0 || once.size != again.size ||
            memcmp(once.data, again.data, once.size) != 0)
                abort();
        return 0;
}
