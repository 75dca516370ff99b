/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Base64, three bytes as four digits. */
#include "base/base64.h"
#include "base/cleanup.h"

#include <stdlib.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int ingot_base64_encode(struct ingot_span data, char **ret, ingot_error *reterr)
{
        char *out = malloc(data.size / 3 * 4 + 5), *o = out;
        if (!out)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < data.size; i += 3) {
                size_t n = data.size - i < 3 ? data.size - i : 3;
                uint32_t v = (uint32_t) data.data[i] << 16;
                v |= n > 1 ? (uint32_t) data.data[i + 1] << 8 : 0;
                v |= n > 2 ? data.data[i + 2] : 0;
                *o++ = digits[v >> 18];
                *o++ = digits[v >> 12 & 63];
                *o++ = n > 1 ? digits[v >> 6 & 63] : '=';
                *o++ = n > 2 ? digits[v & 63] : '=';
        }
        *o = 0;
        *ret = out;
        return 0;
}

/* Four digits, of which the last PADS are padding, as 3 - PADS bytes. */
static int put(struct ingot_buffer *ret, uint32_t bits, unsigned pads, ingot_error *reterr)
{
        const uint8_t bytes[3] = {(uint8_t) (bits >> 16), (uint8_t) (bits >> 8), (uint8_t) bits};
        if ((bits & ((1u << pads * 8) - 1)) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "bits behind the end of base64");
        return ingot_buffer_append(ret, bytes, 3 - pads, reterr);
}

int ingot_base64_decode(struct ingot_span text, struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer out = {0};
        uint32_t bits = 0;
        unsigned count = 0, pads = 0;
        bool ended = false;
        for (size_t i = 0; i < text.size; i++) {
                uint8_t c = text.data[i];
                const char *digit = c ? strchr(digits, c) : NULL;
                if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
                        continue;
                if (ended || (c == '=' ? count < 2 : !digit || pads > 0))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "no base64 at byte %zu", i);
                pads += c == '=';
                bits = bits << 6 | (digit ? (uint32_t) (digit - digits) : 0);
                if (++count < 4)
                        continue;
                int r = put(&out, bits, pads, reterr);
                if (r < 0)
                        return r;
                ended = pads > 0;
                bits = count = 0;
        }
        if (count != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "base64 that ends too early");
        return ingot_buffer_append(ret, out.data, out.size, reterr);
}
