/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a signature and as a key of minisign or signify. */
#include "format/minisign.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_span text = INGOT_SPAN(data, size);
        struct ingot_minisign_key key;
        struct ingot_minisign m;
        ingot_error error;
        (void) ingot_minisign_decode_key(text, &key, &error);
        if (ingot_minisign_decode(text, &m, &error) < 0)
                return 0;
        if (!ingot_minisign_recognise(text) || (m.prehashed && !m.has_comment))
                abort();
        if (m.has_comment && m.comment.size > 0 &&
            (m.comment.data < data || m.comment.data + m.comment.size > data + size))
                abort();
        return 0;
}
