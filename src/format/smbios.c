/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Structures of SMBIOS, as far as their strings go. */
#include "format/smbios.h"

#include <string.h>

#define HEADER_SIZE 4
#define TYPE_OEM_STRINGS 11
#define TYPE_END 127

/* How many bytes the strings at AT take, with both NULs at their end; 0 when the table ends before. */
static size_t strings_size(struct ingot_span table, size_t at)
{
        for (size_t i = at; table.size - i >= 2; i++)
                if (!table.data[i] && !table.data[i + 1])
                        return i + 2 - at;
        return 0;
}

static int take_strings(const char *text, const char *end,
                        int (*take)(void *context, const char *text, ingot_error *reterr),
                        void *context, ingot_error *reterr)
{
        int r = 0;
        for (; r >= 0 && text < end; text += strlen(text) + 1)
                r = *text ? take(context, text, reterr) : 0;
        return r;
}

int ingot_smbios_oem_strings(struct ingot_span table,
                             int (*take)(void *context, const char *text, ingot_error *reterr),
                             void *context, ingot_error *reterr)
{
        for (size_t at = 0; at < table.size;) {
                uint8_t type = table.data[at];
                size_t length = table.size - at < HEADER_SIZE ? 0 : table.data[at + 1];
                if (length < HEADER_SIZE || table.size - at < length)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "the SMBIOS structure of type %u at %zu is cut short",
                                          type, at);
                if (type == TYPE_END)
                        return 0;
                at += length;
                size_t size = strings_size(table, at);
                if (size == 0)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "the strings of the SMBIOS structure of type %u at %zu "
                                          "do not end",
                                          type, at - length);
                const char *text = (const char *) table.data + at;
                at += size;
                if (type != TYPE_OEM_STRINGS)
                        continue;
                int r = take_strings(text, text + size, take, context, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}
