/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "format/uki.h"
#include "make-pe.h"
#include "os/file.h"
#include "test.h"

#include <fcntl.h>

#define X64 INGOT_PE_MACHINE_X86_64
#define SBAT_HEAD "sbat,1,SBAT Version,sbat,1,url\n"

static void free_span(struct ingot_span *s)
{
        free((void *) s->data);
}
#define _cleanup_span_ _cleanup_(free_span)

static int write_buffer(void *context, uint64_t offset, const void *data, size_t size,
                        ingot_error *reterr)
{
        struct ingot_buffer *b = context;
        if (offset + size > b->size) {
                int e = ingot_buffer_append_zeros(b, (size_t) offset + size - b->size, reterr);
                if (e < 0)
                        return e;
        }
        memcpy(b->data + offset, data, size);
        return 0;
}

static struct ingot_span stub(void)
{
        static const struct made_section sections[] = {
                {".text", "code"}, {".sbat", SBAT_HEAD "stub,1,S,s,1,u\n"}, {".sdmagic", "magic"}};
        return make_pe(X64, sections, 3);
}

static struct ingot_span kernel(void)
{
        static const struct made_section sections[] = {
                {".text", "kernel"}, {".sbat", SBAT_HEAD "linux,1,L,l,1,u\n"}};
        return make_pe(X64, sections, 2);
}

struct given {
        struct ingot_span spans[16];
        struct ingot_uki_input inputs[16];
        size_t count;
};

static void give(struct given *g, enum ingot_uki_kind kind, const void *data, size_t size)
{
        g->spans[g->count] = INGOT_SPAN(data, size);
        g->inputs[g->count].kind = kind;
        g->inputs[g->count].content = ingot_reader_of_span(g->spans + g->count);
        g->count++;
}

static int build(struct ingot_span s, const struct given *g, struct ingot_buffer *out,
                 ingot_error *reterr)
{
        struct ingot_writer w = {.write_at = write_buffer, .context = out};
        uint64_t size = 0;
        int e = ingot_uki_build(s, g->inputs, g->count, &w, &size, reterr);
        if (e == 0 && size != out->size)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "%zu written, not %zu", out->size,
                                  (size_t) size);
        return e;
}

/* "name=text" of every section but the stub's own. */
static int describe(const struct ingot_reader *r, struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_uki_ struct ingot_uki uki = {0};
        int e = ingot_uki_read(r, &uki, reterr);
        for (size_t i = 0; e == 0 && i < uki.section_count; i++) {
                _cleanup_free_ uint8_t *text = NULL;
                size_t size;
                const struct ingot_uki_section *s = uki.sections + i;
                if (s->kind == INGOT_UKI_OTHER || s->kind == INGOT_UKI_LINUX)
                        continue;
                e = ingot_pe_section_read(r, &s->pe, 65536, &text, &size, reterr);
                if (e == 0)
                        e = ingot_buffer_printf(ret, reterr, "%d%s=%s;", (int) s->profile,
                                                s->pe.name, text);
        }
        return e;
}

TEST(a_uki_has_its_sections_in_the_order_of_ukify)
{
        ingot_error error = {0};
        _cleanup_span_ struct ingot_span s = stub(), k = kernel();
        _cleanup_buffer_ struct ingot_buffer out = {0}, text = {0};
        struct given g = {0};
        give(&g, INGOT_UKI_LINUX, k.data, k.size);
        give(&g, INGOT_UKI_INITRD, "one", 3);
        give(&g, INGOT_UKI_INITRD, "two", 3);
        give(&g, INGOT_UKI_CMDLINE, "quiet", 5);
        give(&g, INGOT_UKI_OSREL, "ID=x\n", 5);
        give(&g, INGOT_UKI_SBAT, SBAT_HEAD "uki,1,U,u,1,u\n", strlen(SBAT_HEAD) + 14);
        CHECK_OK(build(s, &g, &out, &error));
        struct ingot_span span = ingot_buffer_span(&out);
        struct ingot_reader r = ingot_reader_of_span(&span);
        CHECK_OK(describe(&r, &text, &error));
        CHECK_STR((char *) text.data,
                  "-1.sbat=" SBAT_HEAD "stub,1,S,s,1,u\nlinux,1,L,l,1,u\nuki,1,U,u,1,u\n;"
                  "-1.osrel=ID=x\n;-1.cmdline=quiet;-1.initrd=one;");
        _cleanup_uki_ struct ingot_uki uki = {0};
        CHECK_OK(ingot_uki_read(&r, &uki, &error));
        CHECK(ingot_uki_is_uki(&uki) && !ingot_uki_is_addon(&uki));
        CHECK_EQ(ingot_uki_find(&uki, 0, INGOT_UKI_INITRD)->pe.virtual_size, 7u);
        CHECK_EQ(uki.pe.timestamp, 1700000000u);
        CHECK_EQ(uki.pe.image_size, 0x8000u);
        CHECK_EQ(uki.pe.file_size % 0x200, 0u);
        uint32_t checksum;
        CHECK_OK(ingot_pe_checksum(&r, &uki.pe, &checksum, &error));
        CHECK_EQ(checksum, uki.pe.checksum);
}
