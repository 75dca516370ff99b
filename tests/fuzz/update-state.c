/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as state.json: never a crash; what is accepted is written, and read as the same. */
#include "base/buffer.h"
#include "update/state.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_update_state_ struct ingot_update_state s = {0}, again = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0}, same = {0};
        if (ingot_update_state_decode(INGOT_SPAN(data, size), &s, NULL) < 0)
                return 0;
        if (ingot_update_state_encode(&s, &text, NULL) < 0)
                abort();
        /* Texts that are no UTF-8 are escaped, so it may have become too large. */
        if (ingot_update_state_decode(ingot_buffer_span(&text), &again, NULL) < 0)
                return 0;
        if (ingot_update_state_encode(&again, &same, NULL) < 0 || same.size != text.size ||
            memcmp(same.data, text.data, text.size) != 0)
                abort();
        return 0;
}
