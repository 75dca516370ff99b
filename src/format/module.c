/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF section headers, as far as the way to .modinfo needs them. */
#include "format/module.h"
#include "base/size.h"

#define CLASS_64 2
#define LITTLE_ENDIAN_DATA 1
#define SECTION_SIZE_32 40
#define SECTION_SIZE_64 64

struct header {
        bool wide; /* ELF64 */
        uint64_t sections; /* offset of the section headers */
        uint16_t section_size, section_count, names_index;
};

struct section {
        uint32_t name;
        uint64_t offset, size;
};

/* An address or offset: 4 or 8 bytes. */
static uint64_t take_word(struct ingot_cursor *c, bool wide)
{
        return wide ? ingot_cursor_le64(c) : ingot_cursor_le32(c);
}

static int read_header(struct ingot_span file, struct header *ret, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(file);
        struct ingot_span magic = ingot_cursor_take(&c, 4);
        if (!magic.data || memcmp(magic.data, "\x7f""ELF", 4) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no ELF file");
        struct header h = {.wide = ingot_cursor_u8(&c) == CLASS_64};
        uint8_t order = ingot_cursor_u8(&c);
        if (!c.failed && order != LITTLE_ENDIAN_DATA)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "no little-endian ELF file");
        size_t word = h.wide ? 8 : 4;
        ingot_cursor_skip(&c, 10 + 8 + 2 * word); /* ident, type … version; entry, phoff */
        h.sections = take_word(&c, h.wide);
        ingot_cursor_skip(&c, 4 + 3 * 2); /* flags, ehsize, phentsize, phnum */
        h.section_size = ingot_cursor_le16(&c);
        h.section_count = ingot_cursor_le16(&c);
        h.names_index = ingot_cursor_le16(&c);
        uint64_t size = (uint64_t) h.section_size * h.section_count;
        if (c.failed || h.section_size != (h.wide ? SECTION_SIZE_64 : SECTION_SIZE_32) ||
            h.names_index >= h.section_count || !ingot_range_inside(h.sections, size, file.size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "malformed ELF header");
        *ret = h;
        return 0;
}

/* Section INDEX, which lies in the file. */
static struct section read_section(struct ingot_span file, const struct header *h, size_t index)
{
        struct section s;
        struct ingot_cursor c = ingot_cursor_over(file);
        ingot_cursor_skip(&c, (size_t) h->sections + index * h->section_size);
        s.name = ingot_cursor_le32(&c);
        ingot_cursor_skip(&c, h->wide ? 4 + 8 + 8 : 4 + 4 + 4); /* type, flags, addr */
        s.offset = take_word(&c, h->wide);
        s.size = take_word(&c, h->wide);
        return s;
}

static bool name_is(struct ingot_span file, const struct section *names, uint32_t at,
                    const char *wanted)
{
        size_t size = strlen(wanted) + 1;
        return ingot_range_inside(at, size, names->size) &&
               memcmp(file.data + names->offset + at, wanted, size) == 0;
}

int ingot_module_info_split(struct ingot_span section, struct ingot_strings *ret,
                            ingot_error *reterr)
{
        int r = 0;
        for (size_t at = 0; r >= 0 && at < section.size;) {
                const char *text = (const char *) section.data + at;
                size_t size = strnlen(text, section.size - at);
                if (size > 0)
                        r = ingot_strings_add_n(ret, text, size, reterr);
                at += size + 1;
        }
        return r;
}

int ingot_module_info(struct ingot_span file, struct ingot_strings *ret, ingot_error *reterr)
{
        struct header h = {0};
        int r = read_header(file, &h, reterr);
        if (r < 0)
                return r;
        struct section names = read_section(file, &h, h.names_index);
        if (!ingot_range_inside(names.offset, names.size, file.size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "section names outside of the file");
        for (size_t i = 0; i < h.section_count; i++) {
                struct section s = read_section(file, &h, i);
                if (!name_is(file, &names, s.name, ".modinfo"))
                        continue;
                if (!ingot_range_inside(s.offset, s.size, file.size))
                        return ingot_fail(reterr, INGOT_E_FORMAT, ".modinfo outside of the file");
                return ingot_module_info_split(
                        INGOT_SPAN(file.data + s.offset, (size_t) s.size), ret, reterr);
        }
        return 0;
}
