/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was read can be written, and then reads as the same. */
#include "measure/pcrsig.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_pcrsig_ struct ingot_pcrsig s = {0}, back = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        if (ingot_pcrsig_decode(INGOT_SPAN(data, size), &s, NULL) < 0)
                return 0;
        if (ingot_pcrsig_encode(&s, &text, NULL) < 0 ||
            ingot_pcrsig_decode(ingot_buffer_span(&text), &back, NULL) < 0 || back.count != s.count)
                abort();
        return 0;
}
