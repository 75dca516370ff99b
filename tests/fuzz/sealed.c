/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was read can be written, and then reads as the same. */
#include "measure/sealed.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_sealed_ struct ingot_sealed s = {0}, back = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0}, again = {0};
        if (ingot_sealed_decode(INGOT_SPAN(data, size), &s, NULL) < 0)
                return 0;
        if (ingot_sealed_encode(&s, &text, NULL) < 0 ||
            ingot_sealed_decode(ingot_buffer_span(&text), &back, NULL) < 0 ||
            ingot_sealed_encode(&back, &again, NULL) < 0 || text.size != again.size ||
            memcmp(text.data, again.data, text.size) != 0)
                abort();
        return 0;
}
