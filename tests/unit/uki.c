/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "format/uki.h"
#include "make-pe.h"
#include "oracle.h"
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

TEST(sections_of_a_profile_stand_behind_it_and_win_over_the_base)
{
        ingot_error error = {0};
        _cleanup_span_ struct ingot_span s = stub(), k = kernel();
        _cleanup_buffer_ struct ingot_buffer out = {0}, text = {0};
        struct given g = {0};
        give(&g, INGOT_UKI_CMDLINE, "base", 4);
        give(&g, INGOT_UKI_LINUX, k.data, k.size);
        give(&g, INGOT_UKI_PROFILE, "ID=a", 4);
        give(&g, INGOT_UKI_PROFILE, "ID=b", 4);
        give(&g, INGOT_UKI_DTBAUTO, "d1", 2);
        give(&g, INGOT_UKI_DTBAUTO, "d2", 2);
        give(&g, INGOT_UKI_CMDLINE, "own", 3);
        CHECK_OK(build(s, &g, &out, &error));
        struct ingot_span span = ingot_buffer_span(&out);
        struct ingot_reader r = ingot_reader_of_span(&span);
        CHECK_OK(describe(&r, &text, &error));
        CHECK_STR(strstr((char *) text.data, ";") + 1, "-1.cmdline=base;0.profile=ID=a;"
                  "1.profile=ID=b;1.cmdline=own;1.dtbauto=d1;1.dtbauto=d2;");
        _cleanup_uki_ struct ingot_uki uki = {0};
        CHECK_OK(ingot_uki_read(&r, &uki, &error));
        CHECK_EQ(uki.profile_count, 2u);
        CHECK_EQ(ingot_uki_find(&uki, 0, INGOT_UKI_CMDLINE)->pe.virtual_size, 4u);
        CHECK_EQ(ingot_uki_find(&uki, 1, INGOT_UKI_CMDLINE)->pe.virtual_size, 3u);
        CHECK(!ingot_uki_find(&uki, 0, INGOT_UKI_DTBAUTO));
        CHECK(ingot_uki_find(&uki, 1, INGOT_UKI_LINUX));
}

TEST(what_cannot_be_built_is_refused)
{
        ingot_error error = {0};
        static const struct made_section arm[] = {{".text", "arm"}};
        _cleanup_span_ struct ingot_span s = stub(), k = make_pe(INGOT_PE_MACHINE_ARM64, arm, 1);
        _cleanup_buffer_ struct ingot_buffer out = {0};
        struct given g = {0};
        give(&g, INGOT_UKI_LINUX, k.data, k.size);
        CHECK_FAILS(build(s, &g, &out, &error), INGOT_E_CONFLICT, "for arm64, the stub for x86-64");
        g.count = 0;
        give(&g, INGOT_UKI_LINUX, "KERNEL", 6);
        CHECK_FAILS(build(s, &g, &out, &error), INGOT_E_FORMAT, "kernel: not a PE image");
        CHECK_FAILS(build(INGOT_SPAN("#!/bin/sh", 9), &g, &out, &error), INGOT_E_FORMAT, "stub: ");
        g.count = 0;
        give(&g, INGOT_UKI_CMDLINE, "a", 1);
        give(&g, INGOT_UKI_CMDLINE, "b", 1);
        CHECK_FAILS(build(s, &g, &out, &error), INGOT_E_CONFLICT, ".cmdline' is given twice");
        g.count = 0;
        give(&g, INGOT_UKI_CMDLINE, "", 0);
        CHECK_FAILS(build(s, &g, &out, &error), INGOT_E_USAGE, ".cmdline' is empty");
}

TEST(a_header_without_room_for_more_sections_is_refused)
{
        ingot_error error = {0};
        _cleanup_span_ struct ingot_span s = stub();
        _cleanup_buffer_ struct ingot_buffer out = {0};
        struct given g = {0};
        for (int i = 0; i < 14; i++) /* (0x400 - 0x148) / 40 = 17, and 3 are there */
                give(&g, INGOT_UKI_DTBAUTO, "x", 1);
        CHECK_OK(build(s, &g, &out, &error));
        give(&g, INGOT_UKI_DTBAUTO, "x", 1);
        CHECK_FAILS(build(s, &g, &out, &error), INGOT_E_SPACE, "15 more section headers");
}

TEST(sbat_that_outgrows_its_place_moves_what_follows)
{
        ingot_error error = {0};
        _cleanup_span_ struct ingot_span s = stub();
        _cleanup_buffer_ struct ingot_buffer out = {0}, lines = {0};
        struct given g = {0};
        for (int i = 0; i < 60; i++)
                CHECK_OK(ingot_buffer_printf(&lines, &error, "component%d,1,V,p,1,u\n", i));
        give(&g, INGOT_UKI_SBAT, lines.data, lines.size);
        CHECK_OK(build(s, &g, &out, &error));
        struct ingot_span span = ingot_buffer_span(&out);
        struct ingot_reader r = ingot_reader_of_span(&span);
        _cleanup_uki_ struct ingot_uki uki = {0};
        CHECK_OK(ingot_uki_read(&r, &uki, &error));
        const struct ingot_pe_section *magic = ingot_pe_find(&uki.pe, ".sdmagic");
        CHECK_EQ(magic->raw_offset, 0x400u + 0x200 + 0x600);
        CHECK_EQ(memcmp(span.data + magic->raw_offset, "magic", 5), 0);
        CHECK_EQ(magic->address, 0x3000u);
        uint8_t digest[32];
        CHECK_OK(ingot_pe_authenticode_sha256(&r, &uki.pe, digest, &error));
        for (int i = 60; i < 500; i++)
                CHECK_OK(ingot_buffer_printf(&lines, &error, "component%d,1,V,p,1,u\n", i));
        g.count = 0;
        give(&g, INGOT_UKI_SBAT, lines.data, lines.size);
        CHECK_FAILS(build(s, &g, &out, &error), INGOT_E_SPACE, ".sbat");
}

TEST(malformed_images_are_refused)
{
        static const struct {
                size_t at;
                uint32_t value;
                int code;
                const char *words;
        } cases[] = {
                {0, 0, INGOT_E_FORMAT, "no MZ"},
                {0x3c, 0x7fffffff, INGOT_E_FORMAT, "outside of the file"},
                {MADE_PE_OFFSET, 0, INGOT_E_FORMAT, "no PE header"},
                {MADE_PE_OFFSET + 4, 0x8664 | 0xffffu << 16, INGOT_E_LIMIT, "65535 sections"},
                {MADE_PE_OFFSET + 4, 0x8664 | 100u << 16, INGOT_E_FORMAT, "outside of the headers"},
                {MADE_PE_OFFSET + 20, 100, INGOT_E_FORMAT, "cut off"},
                {MADE_PE_OFFSET + 20, 120, INGOT_E_FORMAT, "do not fit"},
                {MADE_OPTIONAL, 0x30b, INGOT_E_FORMAT, "neither"},
                {MADE_OPTIONAL + 32, 3, INGOT_E_FORMAT, "power of two"},
                {MADE_OPTIONAL + 36, 0, INGOT_E_FORMAT, "power of two"},
                {MADE_OPTIONAL + 60, 0x7fffffff, INGOT_E_FORMAT, "outside of the headers"},
                {MADE_OPTIONAL + 108, 17, INGOT_E_FORMAT, "17 directories"},
                {MADE_TABLE + 16, 0x7fffffff, INGOT_E_FORMAT, "'.text' lies outside"},
                {MADE_TABLE + 20, 0xfffffff0, INGOT_E_FORMAT, "'.text' lies outside"},
                {MADE_TABLE + 12, 0xfffffff0, INGOT_E_FORMAT, "outside of the memory"},
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                ingot_error error = {0};
                _cleanup_span_ struct ingot_span s = stub();
                _cleanup_uki_ struct ingot_uki uki = {0};
                ingot_le32_store((uint8_t *) s.data + MADE_TABLE + 8, 0x20);
                ingot_le32_store((uint8_t *) s.data + cases[i].at, cases[i].value);
                struct ingot_reader r = ingot_reader_of_span(&s);
                CHECK_FAILS(ingot_uki_read(&r, &uki, &error), cases[i].code, cases[i].words);
        }
}

TEST(zeros_that_are_not_in_the_file_belong_to_a_section_but_cost_no_unbounded_time)
{
        ingot_error error = {0};
        static const struct made_section one[] = {{".osrel", "ID=x"}};
        _cleanup_span_ struct ingot_span s = make_pe(X64, one, 1);
        struct ingot_reader r = ingot_reader_of_span(&s);
        _cleanup_pe_ struct ingot_pe pe = {0};
        CHECK_OK(ingot_pe_decode(&r, &pe, &error));
        pe.sections[0].virtual_size = 0x300;
        uint8_t digest[32], want[32], data[0x300] = "ID=x";
        CHECK_OK(ingot_pe_section_sha256(&r, pe.sections, digest, &error));
        ingot_sha256_of(data, sizeof(data), want);
        CHECK_EQ(memcmp(digest, want, 32), 0);
        pe.sections[0].virtual_size = 0xf0000000;
        CHECK_FAILS(ingot_pe_section_sha256(&r, pe.sections, digest, &error), INGOT_E_LIMIT,
                    "zeros");
        uint8_t *text = NULL;
        size_t size;
        CHECK_FAILS(ingot_pe_section_read(&r, pe.sections, 4096, &text, &size, &error),
                    INGOT_E_LIMIT, "over 4096");
}

#define STUB_PATH "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"

/* A UKI of the real stub, which must be there; the kernel is the stub again, an EFI program. */
static int build_real(struct ingot_buffer *out, ingot_error *reterr)
{
        const char *root = getenv("INGOT_ORACLES");
        char path[4200];
        snprintf(path, sizeof(path), "%s" STUB_PATH, root ? root : "");
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int e = ingot_file_read(AT_FDCWD, path, 1 << 20, &data, &size, reterr);
        if (e < 0)
                return e;
        struct given g = {0};
        give(&g, INGOT_UKI_LINUX, data, size);
        give(&g, INGOT_UKI_INITRD, "070701initrd", 12);
        give(&g, INGOT_UKI_OSREL, "ID=foo\nVERSION_ID=1\n", 20);
        give(&g, INGOT_UKI_CMDLINE, "quiet", 5);
        give(&g, INGOT_UKI_UNAME, "6.1", 3);
        give(&g, INGOT_UKI_SBAT, ingot_uki_sbat, strlen(ingot_uki_sbat));
        return build(INGOT_SPAN(data, size), &g, out, reterr);
}

TEST(ukify_lays_out_the_same_image)
{
        ingot_error error = {0};
        if (!oracle_found_newest("ukify") || !oracle_found("objdump"))
                SKIP("no ukify or objdump");
        _cleanup_buffer_ struct ingot_buffer out = {0};
        CHECK_OK(build_real(&out, &error));
        char ours[256], osrel[256], initrd[256], theirs[512];
        snprintf(ours, sizeof(ours), "%s", oracle_file("uki.efi", out.data, out.size));
        snprintf(osrel, sizeof(osrel), "%s", oracle_file("osrel", "ID=foo\nVERSION_ID=1\n", 20));
        snprintf(initrd, sizeof(initrd), "%s", oracle_file("initrd", "070701initrd", 12));
        snprintf(theirs, sizeof(theirs), "%s/theirs.efi", test_folder());
        CHECK_EQ(oracle_run_newest(NULL, "ukify build --linux=%s --initrd=%s --os-release=@%s "
                                   "--cmdline=quiet --uname=6.1 --stub=%s --output=%s 2>&1",
                                   STUB_PATH, initrd, osrel, STUB_PATH, theirs), 0);
        _cleanup_free_ char *a = NULL, *b = NULL, *inspect = NULL;
        const char *grep = "| grep -E '^ +[0-9]|^Size|^Time|^Subsystem' | grep -v sbat";
        CHECK_EQ(oracle_run(&a, "objdump -hp %s %s", ours, grep), 0);
        CHECK_EQ(oracle_run(&b, "objdump -hp %s %s", theirs, grep), 0);
        CHECK_STR(a, b);
        CHECK_EQ(oracle_run_newest(&inspect, "ukify inspect %s 2>&1", ours), 0);
        CHECK(strstr(inspect, "uki,1,UKI,uki,1,https://uapi-group.org"));
        CHECK(strstr(inspect, "text:\n    quiet\n.uname:\n  size: 3 bytes\n"));
}

TEST(sbsign_signs_the_digest_that_we_compute)
{
        ingot_error error = {0};
        if (!oracle_found("sbsign") || !oracle_found("openssl"))
                SKIP("no sbsign or openssl");
        _cleanup_buffer_ struct ingot_buffer out = {0};
        int e = build_real(&out, &error);
        if (e == -INGOT_E_NOTFOUND)
                SKIP("no systemd-stub");
        if (e == -INGOT_E_SPACE)
                SKIP("this systemd-stub (252) has no room for more SBAT");
        CHECK_OK(e);
        char path[4200], key[4200], certificate[4200], signed_path[4200];
        snprintf(path, sizeof(path), "%s", oracle_file("sign.efi", out.data, out.size));
        snprintf(key, sizeof(key), "%s/key.pem", test_folder());
        snprintf(certificate, sizeof(certificate), "%s/cert.pem", test_folder());
        snprintf(signed_path, sizeof(signed_path), "%s/signed.efi", test_folder());
        CHECK_EQ(oracle_run(NULL, "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=test "
                            "-keyout %s -out %s 2>/dev/null", key, certificate), 0);
        CHECK_EQ(oracle_run(NULL, "sbsign --key %s --cert %s --output %s %s 2>/dev/null", key,
                            certificate, signed_path, path), 0);
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        CHECK_OK(ingot_file_read(AT_FDCWD, signed_path, 4 << 20, &data, &size, &error));
        struct ingot_span before = ingot_buffer_span(&out), after = INGOT_SPAN(data, size);
        struct ingot_reader r = ingot_reader_of_span(&before), t = ingot_reader_of_span(&after);
        _cleanup_pe_ struct ingot_pe pe = {0}, signed_pe = {0};
        uint8_t unsigned_digest[32], signed_digest[32];
        CHECK_OK(ingot_pe_decode(&r, &pe, &error));
        CHECK_OK(ingot_pe_authenticode_sha256(&r, &pe, unsigned_digest, &error));
        CHECK_OK(ingot_pe_decode(&t, &signed_pe, &error));
        CHECK_OK(ingot_pe_authenticode_sha256(&t, &signed_pe, signed_digest, &error));
        CHECK_EQ(memcmp(unsigned_digest, signed_digest, 32), 0);
        struct ingot_pe_directory table = ingot_pe_certificates(&signed_pe);
        CHECK(table.size > 0);
        CHECK(memmem(data + table.address, table.size, signed_digest, 32));
}
