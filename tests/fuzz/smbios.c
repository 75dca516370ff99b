/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings of SMBIOS: each lies within the input, and none is empty. */
#include "format/smbios.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *context, const char *text, ingot_error *reterr)
{
        const struct ingot_span *input = context;
        const char *start = (const char *) input->data, *end = start + input->size;
        (void) reterr;
        if (!*text || text < start || text >= end || !memchr(text, 0, (size_t) (end - text)))
                abort();
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_span input = INGOT_SPAN(data, size);
        (void) ingot_smbios_oem_strings(input, take, &input, NULL);
        return 0;
}
