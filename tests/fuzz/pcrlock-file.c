/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was read can be written, and then reads as the same. */
#include "measure/pcrlock-file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_records_ struct ingot_records records = {0}, back = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        if (ingot_pcrlock_file_decode(INGOT_SPAN(data, size), &records, NULL) < 0)
                return 0;
        if (ingot_pcrlock_file_encode(&records, &text, NULL) < 0 ||
            ingot_pcrlock_file_decode(ingot_buffer_span(&text), &back, NULL) < 0 ||
            back.count != records.count)
                abort();
        for (size_t i = 0; i < back.count; i++)
                if (!ingot_record_equal(records.items + i, back.items + i))
                        abort();
        return 0;
}
