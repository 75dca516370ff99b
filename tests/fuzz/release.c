/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A release file, and a payload: what was read is written as the same again. */
#include "update/release-sign.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void payload(struct ingot_span text)
{
        _cleanup_channel_ struct ingot_channel c = {0}, back = {0};
        _cleanup_buffer_ struct ingot_buffer once = {0}, again = {0};
        if (ingot_channel_decode(text, &c, NULL) < 0)
                return;
        if (ingot_channel_encode(&c, &once, NULL) < 0 ||
            ingot_channel_decode(ingot_buffer_span(&once), &back, NULL) < 0 ||
            ingot_channel_encode(&back, &again, NULL) < 0 || once.size != again.size ||
            memcmp(once.data, again.data, once.size) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_release_envelope_ struct ingot_release_envelope e = {0}, back = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        payload(INGOT_SPAN(data, size));
        if (ingot_release_envelope_decode(INGOT_SPAN(data, size), &e, NULL) < 0)
                return 0;
        payload(ingot_buffer_span(&e.payload));
        if (ingot_release_envelope_encode(&e, &text, NULL) < 0 ||
            ingot_release_envelope_decode(ingot_buffer_span(&text), &back, NULL) < 0 ||
            back.count != e.count || back.payload.size != e.payload.size)
                abort();
        return 0;
}
