/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as INI text: never a crash, and keys and values are trimmed strings. */
#include "format/ini.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check(void *context, const struct ingot_ini_line *line, ingot_error *reterr)
{
        (void) context, (void) reterr;
        size_t n = strlen(line->value);
        if (n > 0 && (line->value[0] == ' ' || line->value[n - 1] == ' '))
                abort();
        if (!line->section || line->line == 0)
                abort();
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        ingot_error error;
        (void) ingot_ini_parse("fuzz", INGOT_SPAN(data, size), check, NULL, &error);
        return 0;
}
