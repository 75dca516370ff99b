/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs as they will be when they are signed. */
#include "image/sign-program.h"
#include "base/cleanup.h"
#include "base/size.h"

#include <string.h>

static void put(struct ingot_sign_program *p, uint64_t offset, struct ingot_span bytes)
{
        p->patches[p->patch_count++] = (struct ingot_sign_patch){.offset = offset, .bytes = bytes};
}

int ingot_sign_program_open(const struct ingot_reader *source, uint64_t table,
                            struct ingot_sign_program *ret, ingot_error *reterr)
{
        _cleanup_pe_ struct ingot_pe pe = {0};
        struct ingot_sign_program p = {.source = *source, .table = table};
        int r = ingot_pe_decode(source, &pe, reterr);
        if (r < 0)
                return r;
        struct ingot_pe_directory old = ingot_pe_certificates(&pe);
        const struct ingot_pe_section *pcrsig = ingot_pe_find(&pe, ".pcrsig");
        p.source_size = old.size > 0 ? old.address : pe.file_size;
        p.size = ingot_align_up(p.source_size, 8);
        p.checksum_offset = pe.checksum_offset;
        p.entry_offset = pe.certificate_entry_offset;
        if (p.source_size > pe.file_size || p.size + table > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "the certificate table lies outside of the file");
        if (p.entry_offset == 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "its headers have no place for a certificate table");
        if (pcrsig) {
                p.pcrsig_offset = pcrsig->raw_offset;
                p.pcrsig_size = ingot_min_u64(pcrsig->virtual_size, pcrsig->raw_size);
        }
        if (table > 0) {
                ingot_le32_store(p.entry, (uint32_t) p.size);
                ingot_le32_store(p.entry + 4, (uint32_t) table);
        }
        *ret = p;
        return 0;
}

void ingot_sign_program_put_pcrsig(struct ingot_sign_program *p, struct ingot_span bytes)
{
        put(p, p->pcrsig_offset, bytes);
}

void ingot_sign_program_put_table(struct ingot_sign_program *p, struct ingot_span bytes)
{
        put(p, p->size, bytes);
}

/* The part of BYTES, which stand at AT, that is in [offset, offset + size). */
static void overlay(uint8_t *ret, uint64_t offset, size_t size, uint64_t at,
                    struct ingot_span bytes)
{
        uint64_t from = ingot_max_u64(offset, at);
        uint64_t to = ingot_min_u64(offset + size, at + bytes.size);
        if (from < to)
                memcpy(ret + (from - offset), bytes.data + (from - at), (size_t) (to - from));
}

static int read_program(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        const struct ingot_sign_program *p = context;
        size_t have =
                offset < p->source_size ? (size_t) ingot_min_u64(size, p->source_size - offset) : 0;
        int r = have > 0 ? ingot_read_at(&p->source, offset, ret, have, reterr) : 0;
        if (r < 0)
                return r;
        memset((uint8_t *) ret + have, 0, size - have);
        overlay(ret, offset, size, p->checksum_offset, INGOT_SPAN(p->checksum, 4));
        overlay(ret, offset, size, p->entry_offset, INGOT_SPAN(p->entry, 8));
        for (size_t i = 0; i < p->patch_count; i++)
                overlay(ret, offset, size, p->patches[i].offset, p->patches[i].bytes);
        return 0;
}

struct ingot_reader ingot_sign_program_reader(struct ingot_sign_program *p)
{
        return (struct ingot_reader){
                .read_at = read_program, .context = p, .size = p->size + p->table};
}

/* Three pieces: up to CheckSum, up to the directory entry, all behind it. */
static int read_hashed(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        const struct ingot_sign_program *p = context;
        uint64_t second = p->checksum_offset, third = p->entry_offset - 4;
        uint8_t *out = ret;
        while (size > 0) {
                uint64_t skip = offset < second ? 0 : offset < third ? 4 : 12;
                uint64_t end = offset < second ? second : offset < third ? third : UINT64_MAX;
                size_t n = (size_t) ingot_min_u64(size, end - offset);
                int r = read_program(context, offset + skip, out, n, reterr);
                if (r < 0)
                        return r;
                offset += n;
                out += n;
                size -= n;
        }
        return 0;
}

struct ingot_reader ingot_sign_program_hashed(struct ingot_sign_program *p)
{
        return (struct ingot_reader){.read_at = read_hashed, .context = p, .size = p->size - 12};
}
