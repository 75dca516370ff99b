/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was read is written as the same again, and its values are those of the text. */
#include "measure/measurement.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_measurement_ struct ingot_measurement m = {0}, back = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0}, again = {0};
        if (ingot_measurement_decode(INGOT_SPAN(data, size), &m, NULL) < 0)
                return 0;
        if (ingot_measurement_encode(&m, &text, NULL) < 0 ||
            ingot_measurement_decode(ingot_buffer_span(&text), &back, NULL) < 0 ||
            ingot_measurement_encode(&back, &again, NULL) < 0 || text.size != again.size ||
            memcmp(text.data, again.data, text.size) != 0)
                abort();
        return 0;
}
