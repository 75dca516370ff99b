/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PE images: decoding, digests. What is written stands in pe-extend.c. */
#include "format/pe.h"
#include "base/cleanup.h"
#include "base/size.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DOS_HEADER_SIZE 64
#define DOS_PE_OFFSET 0x3c
#define COFF_SIZE 20
#define OPTIONAL_SIZE_PE32 96  /* without data directories */
#define OPTIONAL_SIZE_PLUS 112
#define SECTION_SIZE 40
#define DIRECTORY_CERTIFICATES 4
#define CHUNK 65536
#define ZEROS_MAX (16u << 20)

static int decode_coff(const struct ingot_reader *r, struct ingot_pe *pe, size_t *ret_optional_size,
                       ingot_error *reterr)
{
        uint8_t dos[DOS_HEADER_SIZE], coff[4 + COFF_SIZE];
        if (r->size < sizeof(dos))
                return ingot_fail(reterr, INGOT_E_FORMAT, "not a PE image: too short");
        int e = ingot_read_at(r, 0, dos, sizeof(dos), reterr);
        if (e < 0)
                return e;
        if (memcmp(dos, "MZ", 2) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "not a PE image: no MZ");
        uint64_t at = ingot_le32_load(dos + DOS_PE_OFFSET);
        if (!ingot_range_inside(at, sizeof(coff), r->size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "the PE header lies outside of the file");
        e = ingot_read_at(r, at, coff, sizeof(coff), reterr);
        if (e < 0)
                return e;
        if (memcmp(coff, "PE\0\0", 4) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "not a PE image: no PE header");
        struct ingot_cursor c = ingot_cursor_over(INGOT_SPAN(coff + 4, COFF_SIZE));
        pe->machine = ingot_cursor_le16(&c);
        pe->section_count = ingot_cursor_le16(&c);
        pe->timestamp = ingot_cursor_le32(&c);
        ingot_cursor_skip(&c, 8); /* symbols */
        *ret_optional_size = ingot_cursor_le16(&c);
        pe->coff_offset = (uint32_t) at + 4;
        pe->optional_offset = pe->coff_offset + COFF_SIZE;
        return 0;
}

static void decode_optional_fields(struct ingot_cursor *c, struct ingot_pe *pe)
{
        ingot_cursor_skip(c, 2 + 2 + 4); /* magic, linker version, size of code */
        pe->initialized_data_size = ingot_cursor_le32(c);
        ingot_cursor_skip(c, 4); /* uninitialized data */
        pe->entry = ingot_cursor_le32(c);
        ingot_cursor_skip(c, 4); /* base of code */
        if (pe->plus) {
                pe->image_base = ingot_cursor_le64(c);
        } else {
                ingot_cursor_skip(c, 4); /* base of data */
                pe->image_base = ingot_cursor_le32(c);
        }
        pe->section_alignment = ingot_cursor_le32(c);
        pe->file_alignment = ingot_cursor_le32(c);
        ingot_cursor_skip(c, 16); /* versions */
        pe->image_size = ingot_cursor_le32(c);
        pe->headers_size = ingot_cursor_le32(c);
        pe->checksum_offset = pe->optional_offset + (uint32_t) c->at;
        pe->checksum = ingot_cursor_le32(c);
        pe->subsystem = ingot_cursor_le16(c);
        ingot_cursor_skip(c, 2 + (pe->plus ? 32 : 16) + 4); /* flags, stack, heap, loader flags */
        pe->directory_count = ingot_cursor_le32(c);
}

static bool power_of_two(uint32_t n)
{
        return n != 0 && (n & (n - 1)) == 0;
}

static int decode_optional(const struct ingot_reader *r, struct ingot_pe *pe, size_t size,
                           ingot_error *reterr)
{
        uint8_t header[OPTIONAL_SIZE_PLUS + 8 * INGOT_PE_DIRECTORIES] = {0};
        size_t have = ingot_min_u64(size, sizeof(header));
        int e = ingot_read_at(r, pe->optional_offset, header, have, reterr);
        if (e < 0)
                return ingot_under(reterr, e, "optional header");
        struct ingot_cursor c = ingot_cursor_over(INGOT_SPAN(header, have));
        uint16_t magic = ingot_le16_load(header);
        if (magic != 0x10b && magic != 0x20b)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "optional header: neither PE32 nor PE32+");
        pe->plus = magic == 0x20b;
        decode_optional_fields(&c, pe);
        if (c.failed)
                return ingot_fail(reterr, INGOT_E_FORMAT, "optional header: cut off");
        if (!power_of_two(pe->section_alignment) || !power_of_two(pe->file_alignment))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "optional header: alignment is no power of two");
        if (pe->directory_count > INGOT_PE_DIRECTORIES)
                return ingot_fail(reterr, INGOT_E_FORMAT, "optional header: %" PRIu32 " directories",
                                  pe->directory_count);
        for (uint32_t i = 0; i < pe->directory_count; i++) {
                if (i == DIRECTORY_CERTIFICATES)
                        pe->certificate_entry_offset = pe->optional_offset + (uint32_t) c.at;
                pe->directories[i].address = ingot_cursor_le32(&c);
                pe->directories[i].size = ingot_cursor_le32(&c);
        }
        if (c.failed)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "optional header: the data directories do not fit in it");
        return 0;
}

static int decode_section(struct ingot_cursor *c, const struct ingot_pe *pe,
                          struct ingot_pe_section *ret, ingot_error *reterr)
{
        memcpy(ret->name, ingot_cursor_take(c, 8).data, 8);
        ret->virtual_size = ingot_cursor_le32(c);
        ret->address = ingot_cursor_le32(c);
        ret->raw_size = ingot_cursor_le32(c);
        ret->raw_offset = ingot_cursor_le32(c);
        ingot_cursor_skip(c, 12); /* relocations and line numbers of object files */
        ret->characteristics = ingot_cursor_le32(c);
        if (ret->raw_size == 0)
                ret->raw_offset = 0;
        if (!ingot_range_inside(ret->raw_offset, ret->raw_size, pe->file_size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "section '%s' lies outside of the file",
                                  ret->name);
        if (!ingot_range_inside(ret->address, ret->virtual_size, UINT32_MAX))
                return ingot_fail(reterr, INGOT_E_FORMAT, "section '%s' lies outside of the memory",
                                  ret->name);
        return 0;
}

static int decode_sections(const struct ingot_reader *r, struct ingot_pe *pe, ingot_error *reterr)
{
        size_t size = pe->section_count * SECTION_SIZE;
        if (pe->section_count > INGOT_PE_SECTIONS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%zu sections, more than %d",
                                  pe->section_count, INGOT_PE_SECTIONS_MAX);
        if (pe->headers_size > pe->file_size ||
            !ingot_range_inside(pe->section_table_offset, size, pe->headers_size))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "the section table lies outside of the headers");
        _cleanup_free_ uint8_t *table = malloc(size ? size : 1);
        pe->sections = calloc(pe->section_count ? pe->section_count : 1, sizeof(*pe->sections));
        if (!table || !pe->sections)
                return ingot_fail_nomem(reterr);
        int e = ingot_read_at(r, pe->section_table_offset, table, size, reterr);
        if (e < 0)
                return ingot_under(reterr, e, "section table");
        struct ingot_cursor c = ingot_cursor_over(INGOT_SPAN(table, size));
        for (size_t i = 0; i < pe->section_count; i++) {
                e = decode_section(&c, pe, pe->sections + i, reterr);
                if (e < 0)
                        return e;
        }
        return 0;
}

int ingot_pe_decode(const struct ingot_reader *r, struct ingot_pe *ret, ingot_error *reterr)
{
        _cleanup_pe_ struct ingot_pe pe = {.file_size = r->size};
        size_t optional_size = 0;
        int e = decode_coff(r, &pe, &optional_size, reterr);
        if (e < 0)
                return e;
        e = decode_optional(r, &pe, optional_size, reterr);
        if (e < 0)
                return e;
        pe.section_table_offset = pe.optional_offset + (uint32_t) optional_size;
        e = decode_sections(r, &pe, reterr);
        if (e < 0)
                return e;
        *ret = pe;
        pe.sections = NULL;
        return 0;
}

void ingot_pe_done(struct ingot_pe *pe)
{
        free(pe->sections);
        *pe = (struct ingot_pe){0};
}

const struct ingot_pe_section *ingot_pe_find(const struct ingot_pe *pe, const char *name)
{
        for (size_t i = 0; i < pe->section_count; i++)
                if (strcmp(pe->sections[i].name, name) == 0)
                        return pe->sections + i;
        return NULL;
}

const char *ingot_pe_machine_name(uint16_t machine)
{
        static const struct {
                uint16_t machine;
                const char *name;
        } names[] = {
                {INGOT_PE_MACHINE_I386, "x86"},     {INGOT_PE_MACHINE_X86_64, "x86-64"},
                {INGOT_PE_MACHINE_ARM64, "arm64"},  {0x01c2, "arm"},
                {0x5064, "riscv64"},                {0x5032, "riscv32"},
                {0x6264, "loongarch64"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (names[i].machine == machine)
                        return names[i].name;
        return NULL;
}

struct ingot_pe_directory ingot_pe_certificates(const struct ingot_pe *pe)
{
        if (pe->directory_count <= DIRECTORY_CERTIFICATES)
                return (struct ingot_pe_directory){0};
        return pe->directories[DIRECTORY_CERTIFICATES];
}

static uint32_t size_in_file(const struct ingot_pe_section *section)
{
        return section->virtual_size < section->raw_size ? section->virtual_size
                                                         : section->raw_size;
}

int ingot_pe_section_reader(const struct ingot_reader *r, const struct ingot_pe_section *section,
                            struct ingot_reader *ret, ingot_error *reterr)
{
        int e = ingot_reader_part(r, section->raw_offset, size_in_file(section), ret, reterr);
        return ingot_under(reterr, e, "section '%s'", section->name);
}

int ingot_pe_section_read(const struct ingot_reader *r, const struct ingot_pe_section *section,
                          size_t max, uint8_t **ret, size_t *ret_size, ingot_error *reterr)
{
        size_t size = section->virtual_size;
        if (size > max)
                return ingot_fail(reterr, INGOT_E_LIMIT, "section '%s' has %zu bytes, over %zu",
                                  section->name, size, max);
        _cleanup_free_ uint8_t *data = calloc(1, size + 1);
        if (!data)
                return ingot_fail_nomem(reterr);
        int e = ingot_read_at(r, section->raw_offset, data, size_in_file(section), reterr);
        if (e < 0)
                return ingot_under(reterr, e, "section '%s'", section->name);
        *ret = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}

/* Hands [offset, offset + size) to FN, piece by piece. */
static int each_chunk(const struct ingot_reader *r, uint64_t offset, uint64_t size,
                      ingot_pe_bytes_fn fn, void *context, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *chunk = malloc(CHUNK);
        if (!chunk)
                return ingot_fail_nomem(reterr);
        while (size > 0) {
                size_t n = (size_t) ingot_min_u64(size, CHUNK);
                int e = ingot_read_at(r, offset, chunk, n, reterr);
                if (e < 0)
                        return e;
                fn(context, chunk, n);
                offset += n;
                size -= n;
        }
        return 0;
}

static void hash_chunk(void *context, const uint8_t *data, size_t size)
{
        ingot_sha256_update(context, data, size);
}

int ingot_pe_section_sha256(const struct ingot_reader *r, const struct ingot_pe_section *section,
                            uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        static const uint8_t zeros[4096];
        uint32_t in_file = size_in_file(section), tail = section->virtual_size - in_file;
        if (tail > ZEROS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "section '%s' has %" PRIu32 " bytes of zeros that are not in the "
                                  "file",
                                  section->name, tail);
        struct ingot_sha256 h;
        ingot_sha256_init(&h);
        uint64_t from = section->raw_offset;
        int e = each_chunk(r, from, in_file, hash_chunk, &h, reterr);
        if (e < 0)
                return ingot_under(reterr, e, "section '%s'", section->name);
        for (; tail > 0; tail -= (uint32_t) ingot_min_u64(tail, sizeof(zeros)))
                ingot_sha256_update(&h, zeros, ingot_min_u64(tail, sizeof(zeros)));
        ingot_sha256_final(&h, ret);
        return 0;
}

static int by_raw_offset(const void *a, const void *b)
{
        const struct ingot_pe_section *x = a, *y = b;
        return x->raw_offset < y->raw_offset ? -1 : x->raw_offset > y->raw_offset;
}

/* Whom the bytes go to that an Authenticode digest covers. */
struct covered {
        const struct ingot_reader *reader;
        const struct ingot_pe *pe;
        ingot_pe_bytes_fn fn;
        void *context;
};

static int cover(const struct covered *c, uint64_t from, uint64_t to, ingot_error *reterr)
{
        return each_chunk(c->reader, from, to - from, c->fn, c->context, reterr);
}

/* Headers without the fields that signing changes. */
static int cover_headers(const struct covered *c, ingot_error *reterr)
{
        const struct ingot_pe *pe = c->pe;
        uint64_t behind_checksum = (uint64_t) pe->checksum_offset + 4;
        int e = cover(c, 0, pe->checksum_offset, reterr);
        if (e < 0)
                return e;
        if (pe->certificate_entry_offset == 0)
                return cover(c, behind_checksum, pe->headers_size, reterr);
        e = cover(c, behind_checksum, pe->certificate_entry_offset, reterr);
        if (e < 0)
                return e;
        return cover(c, (uint64_t) pe->certificate_entry_offset + 8, pe->headers_size, reterr);
}

/* Sections in file order; adds to *sum how many bytes they have. A gap between two counts for
 * nothing: that is the rule, and firmware keeps to it. */
static int cover_sections(const struct covered *c, uint64_t *sum, ingot_error *reterr)
{
        const struct ingot_pe *pe = c->pe;
        size_t size = pe->section_count * sizeof(*pe->sections);
        _cleanup_free_ struct ingot_pe_section *sorted = malloc(size ? size : 1);
        if (!sorted)
                return ingot_fail_nomem(reterr);
        memcpy(sorted, pe->sections, size);
        qsort(sorted, pe->section_count, sizeof(*sorted), by_raw_offset);
        uint64_t at = pe->headers_size;
        for (size_t i = 0; i < pe->section_count; i++) {
                uint64_t from = sorted[i].raw_offset;
                if (sorted[i].raw_size == 0)
                        continue;
                if (from < at)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "section '%s' overlaps what stands before it",
                                          sorted[i].name);
                at = from + sorted[i].raw_size;
                *sum += sorted[i].raw_size;
                int e = cover(c, from, at, reterr);
                if (e < 0)
                        return e;
        }
        return 0;
}

int ingot_pe_authenticode_bytes(const struct ingot_reader *r, const struct ingot_pe *pe,
                                ingot_pe_bytes_fn fn, void *context, ingot_error *reterr)
{
        struct covered c = {.reader = r, .pe = pe, .fn = fn, .context = context};
        struct ingot_pe_directory certificates = ingot_pe_certificates(pe);
        uint64_t end = pe->file_size - ingot_min_u64(certificates.size, pe->file_size);
        uint64_t sum = pe->headers_size;
        if (certificates.size > 0 && certificates.address != end)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "the certificate table is not at the end of the file");
        int e = cover_headers(&c, reterr);
        if (e < 0)
                return e;
        e = cover_sections(&c, &sum, reterr);
        if (e < 0)
                return e;
        if (sum > end)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "the certificate table lies within a section");
        return cover(&c, sum, end, reterr);
}

int ingot_pe_authenticode_sha256(const struct ingot_reader *r, const struct ingot_pe *pe,
                                 uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        static const uint8_t zeros[8];
        struct ingot_sha256 h;
        ingot_sha256_init(&h);
        int e = ingot_pe_authenticode_bytes(r, pe, hash_chunk, &h, reterr);
        if (e < 0)
                return e;
        ingot_sha256_update(&h, zeros, -(pe->file_size - ingot_pe_certificates(pe).size) & 7);
        ingot_sha256_final(&h, ret);
        return 0;
}

void ingot_pe_sum_update(struct ingot_pe_sum *sum, const void *data, size_t size)
{
        const uint8_t *p = data;
        for (size_t i = 0; i < size; i++, sum->size++)
                sum->value += (uint64_t) p[i] << (sum->size & 1 ? 8 : 0);
}

uint32_t ingot_pe_sum_final(const struct ingot_pe_sum *sum)
{
        uint64_t value = sum->value;
        while (value >> 16)
                value = (value & 0xffff) + (value >> 16);
        return (uint32_t) (value + sum->size);
}

static void sum_chunk(void *context, const uint8_t *data, size_t size)
{
        ingot_pe_sum_update(context, data, size);
}

int ingot_pe_checksum(const struct ingot_reader *r, const struct ingot_pe *pe, uint32_t *ret,
                      ingot_error *reterr)
{
        struct ingot_pe_sum sum = {0};
        int e = each_chunk(r, 0, pe->file_size, sum_chunk, &sum, reterr);
        if (e < 0)
                return e;
        /* CheckSum itself counts as zeros. */
        for (unsigned i = 0; i < 4; i++)
                sum.value -= (uint64_t) (pe->checksum >> 8 * i & 0xff)
                             << ((pe->checksum_offset + i) & 1 ? 8 : 0);
        *ret = ingot_pe_sum_final(&sum);
        return 0;
}
