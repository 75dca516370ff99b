/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request with answers: what was read can be judged and written, and reads as the same. */
#include "image/sign-request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_sign_request_ struct ingot_sign_request q = {0}, back = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0}, again = {0};
        if (ingot_sign_request_decode(INGOT_SPAN(data, size), &q, NULL) < 0)
                return 0;
        (void) ingot_sign_check_complete(&q, NULL);
        if (ingot_sign_request_encode(&q, &text, NULL) < 0)
                return 0;
        if (ingot_sign_request_decode(ingot_buffer_span(&text), &back, NULL) < 0 ||
            ingot_sign_request_encode(&back, &again, NULL) < 0 || again.size != text.size ||
            memcmp(again.data, text.data, text.size) != 0)
                abort();
        return 0;
}
