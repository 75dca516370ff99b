/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * New sections behind those of a PE image. The image itself is small (a stub) and is changed in
 * memory; the new sections are streamed behind it, and CheckSum is known when all has passed.
 */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "format/pe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SECTION_SIZE 40
#define CHUNK 65536

/* Offsets of fields, from the COFF header (C) and from the optional header (O). */
#define C_SECTION_COUNT 2
#define C_SYMBOLS 8
#define O_INITIALIZED_DATA 8
#define O_IMAGE_SIZE 56

struct extension {
        struct ingot_pe pe;
        struct ingot_buffer body; /* headers and the image's own sections */
        struct ingot_pe_section *added;
        size_t added_count;
        uint64_t memory_end; /* first address behind all sections, aligned */
        uint64_t initialized;
        const struct ingot_writer *out;
        struct ingot_pe_sum sum;
};

static void extension_done(struct extension *x)
{
        ingot_pe_done(&x->pe);
        ingot_buffer_done(&x->body);
        free(x->added);
}

static int load_image(struct extension *x, struct ingot_span image, ingot_error *reterr)
{
        struct ingot_reader r = ingot_reader_of_span(&image);
        int e = ingot_pe_decode(&r, &x->pe, reterr);
        if (e < 0)
                return e;
        uint64_t end = x->pe.headers_size;
        for (size_t i = 0; i < x->pe.section_count; i++) {
                const struct ingot_pe_section *s = x->pe.sections + i;
                end = ingot_max_u64(end, (uint64_t) s->raw_offset + s->raw_size);
                x->memory_end =
                        ingot_max_u64(x->memory_end, (uint64_t) s->address + s->virtual_size);
        }
        /* Signature rules differ on bytes that belong to no section: leave no such gap. */
        if (end % x->pe.file_alignment != 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "the last section's end is not aligned in the file");
        x->initialized = x->pe.initialized_data_size;
        return ingot_buffer_append(&x->body, image.data, (size_t) end, reterr);
}

/* How many bytes the section may have in memory: up to the one behind it. */
static uint64_t memory_room(const struct extension *x, const struct ingot_pe_section *section)
{
        uint64_t next = UINT32_MAX;
        for (size_t i = 0; i < x->pe.section_count; i++)
                if (x->pe.sections[i].address > section->address)
                        next = ingot_min_u64(next, x->pe.sections[i].address);
        return next - section->address;
}

/* Opens GROWTH bytes in the file at END, where a section ends. */
static int grow_body(struct extension *x, uint64_t end, size_t growth, ingot_error *reterr)
{
        size_t behind = x->body.size - (size_t) end;
        int e = ingot_buffer_append_zeros(&x->body, growth, reterr);
        if (e < 0)
                return e;
        memmove(x->body.data + end + growth, x->body.data + end, behind);
        for (size_t i = 0; i < x->pe.section_count; i++)
                if (x->pe.sections[i].raw_offset >= end)
                        x->pe.sections[i].raw_offset += (uint32_t) growth;
        return 0;
}

static int replace_section(struct extension *x, const struct ingot_pe_replacement *replacement,
                           ingot_error *reterr)
{
        size_t size = replacement->content.size;
        struct ingot_pe_section *section = NULL;
        for (size_t i = 0; i < x->pe.section_count && !section; i++)
                if (strcmp(x->pe.sections[i].name, replacement->name) == 0)
                        section = x->pe.sections + i;
        if (!section || section->raw_size == 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no section '%s' to replace",
                                  replacement->name);
        uint64_t room = memory_room(x, section);
        if (size > room)
                return ingot_fail(reterr, INGOT_E_SPACE,
                                  "section '%s': %zu bytes, but there is room for %" PRIu64,
                                  section->name, size, room);
        if (size > section->raw_size) {
                size_t growth = ingot_align_up(size - section->raw_size, x->pe.file_alignment);
                int e = grow_body(x, (uint64_t) section->raw_offset + section->raw_size, growth,
                                  reterr);
                if (e < 0)
                        return e;
                section->raw_size += (uint32_t) growth;
        }
        memset(x->body.data + section->raw_offset, 0, section->raw_size);
        if (size > 0)
                memcpy(x->body.data + section->raw_offset, replacement->content.data, size);
        section->virtual_size = (uint32_t) size;
        x->memory_end = ingot_max_u64(x->memory_end, (uint64_t) section->address + size);
        return 0;
}

static bool is_zero(const uint8_t *data, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if (data[i] != 0)
                        return false;
        return true;
}

/* Is there room for COUNT more headers behind the section table? */
static int check_header_room(const struct extension *x, size_t count, ingot_error *reterr)
{
        size_t end = x->pe.section_table_offset + x->pe.section_count * SECTION_SIZE;
        uint64_t limit = x->pe.headers_size;
        for (size_t i = 0; i < x->pe.section_count; i++) {
                const struct ingot_pe_section *s = x->pe.sections + i;
                if (s->raw_size > 0)
                        limit = ingot_min_u64(limit, s->raw_offset);
                if (s->virtual_size > 0)
                        limit = ingot_min_u64(limit, s->address);
        }
        if (count > INGOT_PE_SECTIONS_MAX - x->pe.section_count || end > limit ||
            count * SECTION_SIZE > limit - end ||
            !is_zero(x->body.data + end, count * SECTION_SIZE))
                return ingot_fail(reterr, INGOT_E_SPACE,
                                  "no room for %zu more section headers behind the image's %zu",
                                  count, x->pe.section_count);
        return 0;
}

static int addition_size(const struct ingot_pe_addition *a, uint64_t *ret, ingot_error *reterr)
{
        uint64_t size = 0;
        for (size_t i = 0; i < a->part_count; i++)
                if (!ingot_add_u64(ingot_align_up(size, 4), a->parts[i].size, &size) ||
                    size > UINT32_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "section '%s' is over 4 GiB",
                                          a->name);
        if (size == 0)
                return ingot_fail(reterr, INGOT_E_USAGE, "section '%s' is empty", a->name);
        *ret = size;
        return 0;
}

/* Where the new sections stand, in the file and in memory. */
static int place_additions(struct extension *x, const struct ingot_pe_addition *additions,
                           size_t count, ingot_error *reterr)
{
        x->added = calloc(count ? count : 1, sizeof(*x->added));
        if (!x->added)
                return ingot_fail_nomem(reterr);
        uint64_t offset = x->body.size, address = x->memory_end;
        for (size_t i = 0; i < count; i++) {
                struct ingot_pe_section *s = x->added + i;
                uint64_t size = 0, name = strlen(additions[i].name);
                int e = addition_size(additions + i, &size, reterr);
                if (e < 0)
                        return e;
                if (name == 0 || name > 8)
                        return ingot_fail(reterr, INGOT_E_USAGE, "'%s' is no section name",
                                          additions[i].name);
                memcpy(s->name, additions[i].name, name);
                address = ingot_align_up(address, x->pe.section_alignment);
                uint64_t raw = ingot_align_up(size, x->pe.file_alignment);
                if (address + size > UINT32_MAX || offset + raw > UINT32_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT,
                                          "section '%s' would make the image larger than 4 GiB",
                                          s->name);
                s->virtual_size = (uint32_t) size;
                s->address = (uint32_t) address;
                s->raw_size = (uint32_t) raw;
                s->raw_offset = (uint32_t) offset;
                s->characteristics = additions[i].characteristics;
                x->initialized += size;
                offset += raw;
                address += size;
        }
        x->added_count = count;
        x->memory_end = ingot_align_up(address, x->pe.section_alignment);
        if (x->memory_end > UINT32_MAX || x->initialized > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "the image would be larger than 4 GiB");
        return 0;
}

/* The fields that ingot changes; the others stay as the image has them. */
static void encode_section(uint8_t *p, const struct ingot_pe_section *s)
{
        memcpy(p, s->name, 8);
        ingot_le32_store(p + 8, s->virtual_size);
        ingot_le32_store(p + 12, s->address);
        ingot_le32_store(p + 16, s->raw_size);
        ingot_le32_store(p + 20, s->raw_offset);
        ingot_le32_store(p + 36, s->characteristics);
}

static void encode_headers(struct extension *x)
{
        uint8_t *data = x->body.data, *coff = data + x->pe.coff_offset;
        uint8_t *optional = data + x->pe.optional_offset;
        uint8_t *table = data + x->pe.section_table_offset;
        ingot_le16_store(coff + C_SECTION_COUNT,
                         (uint16_t) (x->pe.section_count + x->added_count));
        memset(coff + C_SYMBOLS, 0, 8);
        ingot_le32_store(optional + O_INITIALIZED_DATA, (uint32_t) x->initialized);
        ingot_le32_store(optional + O_IMAGE_SIZE, (uint32_t) x->memory_end);
        memset(data + x->pe.checksum_offset, 0, 4);
        if (x->pe.certificate_entry_offset > 0)
                memset(data + x->pe.certificate_entry_offset, 0, 8);
        for (size_t i = 0; i < x->pe.section_count; i++, table += SECTION_SIZE)
                encode_section(table, x->pe.sections + i);
        for (size_t i = 0; i < x->added_count; i++, table += SECTION_SIZE)
                encode_section(table, x->added + i);
}

static void sum_zeros(struct extension *x, uint64_t size)
{
        x->sum.size += size; /* zeros add to the size only */
}

static int copy_part(struct extension *x, const struct ingot_reader *part, uint64_t offset,
                     ingot_error *reterr)
{
        _cleanup_free_ uint8_t *chunk = malloc(CHUNK);
        if (!chunk)
                return ingot_fail_nomem(reterr);
        for (uint64_t done = 0; done < part->size;) {
                size_t n = (size_t) ingot_min_u64(part->size - done, CHUNK);
                int e = ingot_read_at(part, done, chunk, n, reterr);
                if (e < 0)
                        return e;
                e = ingot_write_at(x->out, offset + done, chunk, n, reterr);
                if (e < 0)
                        return e;
                ingot_pe_sum_update(&x->sum, chunk, n);
                done += n;
        }
        return 0;
}

static int write_zero(const struct extension *x, uint64_t offset, ingot_error *reterr)
{
        return ingot_write_at(x->out, offset, "", 1, reterr);
}

static int write_addition(struct extension *x, const struct ingot_pe_addition *a,
                          const struct ingot_pe_section *s, ingot_error *reterr)
{
        uint64_t done = 0;
        for (size_t i = 0; i < a->part_count; i++) {
                sum_zeros(x, ingot_align_up(done, 4) - done);
                done = ingot_align_up(done, 4);
                int e = copy_part(x, a->parts + i, s->raw_offset + done, reterr);
                if (e < 0)
                        return ingot_under(reterr, e, "section '%s'", s->name);
                done += a->parts[i].size;
        }
        sum_zeros(x, s->raw_size - done);
        if (done == s->raw_size)
                return 0;
        /* A last byte, so that the file is as long as its headers say. */
        return write_zero(x, (uint64_t) s->raw_offset + s->raw_size - 1, reterr);
}

int ingot_pe_extend(struct ingot_span image, const struct ingot_pe_addition *additions,
                    size_t addition_count, const struct ingot_pe_replacement *replacement,
                    const struct ingot_writer *out, uint64_t *ret_size, ingot_error *reterr)
{
        _cleanup_(extension_done) struct extension x = {.out = out};
        int e = load_image(&x, image, reterr);
        if (e < 0)
                return e;
        if (replacement) {
                e = replace_section(&x, replacement, reterr);
                if (e < 0)
                        return e;
        }
        e = check_header_room(&x, addition_count, reterr);
        if (e < 0)
                return e;
        e = place_additions(&x, additions, addition_count, reterr);
        if (e < 0)
                return e;
        encode_headers(&x);
        ingot_pe_sum_update(&x.sum, x.body.data, x.body.size);
        for (size_t i = 0; i < addition_count; i++) {
                e = write_addition(&x, additions + i, x.added + i, reterr);
                if (e < 0)
                        return e;
        }
        ingot_le32_store(x.body.data + x.pe.checksum_offset, ingot_pe_sum_final(&x.sum));
        *ret_size = x.sum.size;
        return ingot_write_at(out, 0, x.body.data, x.body.size, reterr);
}
