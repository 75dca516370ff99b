/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* EFI device paths: whatever comes out is text, without what a terminal must not see. */
#include "base/cleanup.h"
#include "base/text.h"
#include "format/device-path.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const struct ingot_buffer *text)
{
        if (!ingot_utf8_valid((const char *) text->data) ||
            strlen((const char *) text->data) != text->size)
                abort();
        for (size_t i = 0; i < text->size; i++)
                if (text->data[i] < ' ' || text->data[i] == 0x7f)
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_free_ char *file = NULL;
        ingot_error error;
        if (ingot_device_path_text(INGOT_SPAN(data, size), &text, &error) >= 0)
                check_text(&text);
        if (ingot_device_path_file(INGOT_SPAN(data, size), &file, &error) >= 0 && file &&
            !ingot_utf8_valid(file))
                abort();
        return 0;
}
