/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small PE32+ image for tests: headers of 0x400 bytes, and sections of 0x200 bytes in the file
 * and 0x1000 in memory each.
 */
#pragma once

#include "base/bytes.h"

#include <stdlib.h>

struct made_section {
        const char *name;
        const char *text;
};

#define MADE_PE_OFFSET 0x40
#define MADE_OPTIONAL (MADE_PE_OFFSET + 24)
#define MADE_TABLE (MADE_OPTIONAL + 240)
#define MADE_HEADERS 0x400

static inline struct ingot_span make_pe(uint16_t machine, const struct made_section *sections,
                                        size_t count)
{
        size_t size = MADE_HEADERS + count * 0x200;
        uint8_t *p = calloc(1, size), *coff = p + MADE_PE_OFFSET + 4, *o = p + MADE_OPTIONAL;
        memcpy(p, "MZ", 2);
        ingot_le32_store(p + 0x3c, MADE_PE_OFFSET);
        memcpy(p + MADE_PE_OFFSET, "PE\0\0", 4);
        ingot_le16_store(coff, machine);
        ingot_le16_store(coff + 2, (uint16_t) count);
        ingot_le32_store(coff + 4, 1700000000);
        ingot_le16_store(coff + 16, 240);
        ingot_le16_store(o, 0x20b);
        ingot_le32_store(o + 8, (uint32_t) count * 0x200);
        ingot_le32_store(o + 32, 0x1000);
        ingot_le32_store(o + 36, 0x200);
        ingot_le32_store(o + 56, 0x1000 + (uint32_t) count * 0x1000);
        ingot_le32_store(o + 60, MADE_HEADERS);
        ingot_le16_store(o + 68, 10);
        ingot_le32_store(o + 108, 16);
        for (size_t i = 0; i < count; i++) {
                uint8_t *s = p + MADE_TABLE + i * 40;
                uint32_t offset = MADE_HEADERS + (uint32_t) i * 0x200;
                strncpy((char *) s, sections[i].name, 8);
                ingot_le32_store(s + 8, (uint32_t) strlen(sections[i].text));
                ingot_le32_store(s + 12, 0x1000 + (uint32_t) i * 0x1000);
                ingot_le32_store(s + 16, 0x200);
                ingot_le32_store(s + 20, offset);
                ingot_le32_store(s + 36, 0x40000040);
                memcpy(p + offset, sections[i].text, strlen(sections[i].text));
        }
        return INGOT_SPAN(p, size);
}
