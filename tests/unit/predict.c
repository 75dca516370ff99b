/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "format/edk2-variables.h"
#include "format/tree.h"
#include "make-pe.h"
#include "measure/boot-chain.h"
#include "measure/component-predict.h"
#include "measure/measurement-components.h"
#include "measure/predict.h"
#include "measure/stub-archive.h"
#include "measure/stub-rules.h"
#include "test.h"
#include "trust/secure-boot.h"

/* Digests of an archive, and of bytes. */
static int archive_sha256(const struct ingot_stub_archive *a, struct ingot_record *ret,
                          ingot_error *reterr)
{
        _cleanup_digests_ struct ingot_digests d = {0};
        ingot_digests_start(&d);
        int r = ingot_stub_archive_digest(a, &d, reterr);
        return r < 0 ? r : ingot_digests_finish(&d, ret, reterr);
}

#define NUMBERS(inode, mode, links, size, name_size)                                               \
        "070701" inode mode "00000000"                                                             \
        "00000000" links "00000000" size "00000000"                                                \
        "00000000"                                                                                 \
        "00000000"                                                                                 \
        "00000000" name_size "00000000"

TEST(the_stub_s_archives_are_known_to_the_byte)
{
        static const char expected[] = NUMBERS("00000001", "0000416d", "00000001", "00000000", "00000007") ".extra\0\0\0\0" NUMBERS(
                "00000002", "00004140", "00000001", "00000000",
                "00000013") ".extra/credentials\0\0\0\0" NUMBERS("00000003", "00008100", "00000001",
                                                                 "00000005",
                                                                 "0000001a") ".extra/credentials/"
                                                                             "a.cred\0"
                                                                             "hello\0\0\0" NUMBERS(
                                                                                     "00000004",
                                                                                     "00008100",
                                                                                     "00000001",
                                                                                     "00000000",
                                                                                     "0000001b") "."
                                                                                                 "e"
                                                                                                 "x"
                                                                                                 "t"
                                                                                                 "r"
                                                                                                 "a"
                                                                                                 "/"
                                                                                                 "c"
                                                                                                 "r"
                                                                                                 "e"
                                                                                                 "d"
                                                                                                 "e"
                                                                                                 "n"
                                                                                                 "t"
                                                                                                 "i"
                                                                                                 "a"
                                                                                                 "l"
                                                                                                 "s"
                                                                                                 "/"
                                                                                                 "b"
                                                                                                 "b"
                                                                                                 "."
                                                                                                 "c"
                                                                                                 "r"
                                                                                                 "e"
                                                                                                 "d"
                                                                                                 "\0\0\0\0" NUMBERS(
                                                                                                         "00000000",
                                                                                                         "00000000",
                                                                                                         "00000001",
                                                                                                         "00000000",
                                                                                                         "0000000B") "TRAILER!!!\0\0\0";
        static const struct ingot_span hello = {(const uint8_t *) "hello", 5};
        ingot_error error = {0};
        _cleanup_stub_archive_ struct ingot_stub_archive a = {0};
        struct ingot_reader content = ingot_reader_of_span(&hello), nothing = {0};
        struct ingot_record record = {0};
        uint8_t digest[INGOT_BANK_SIZE_MAX];
        CHECK_OK(ingot_stub_archive_start(&a, ".extra/credentials", 0500, 0400, &error));
        CHECK_OK(ingot_stub_archive_add(&a, "a.cred", &content, &error));
        CHECK_OK(ingot_stub_archive_add(&a, "bb.cred", &nothing, &error));
        CHECK_OK(ingot_stub_archive_finish(&a, &error));
        CHECK_EQ(ingot_stub_archive_size(&a), sizeof(expected));
        CHECK_OK(archive_sha256(&a, &record, &error));
        CHECK_OK(ingot_bank_digest(INGOT_BANK_SHA256, INGOT_SPAN(expected, sizeof(expected)),
                                   digest, &error));
        CHECK(memcmp(record.digest[INGOT_BANK_SHA256], digest, 32) == 0);
}

/* A PE image of these sections, in memory until the test ends. */
struct made {
        struct ingot_buffer bytes;
        struct ingot_span span;
};

static void made_done(struct made *m)
{
        ingot_buffer_done(&m->bytes);
}
#define _cleanup_made_ _cleanup_(made_done)

static int write_made(void *context, uint64_t offset, const void *data, size_t size,
                      ingot_error *reterr)
{
        struct ingot_buffer *b = context;
        int r = 0;
        if (offset + size > b->size)
                r = ingot_buffer_append_zeros(b, (size_t) offset + size - b->size, reterr);
        if (r >= 0)
                memcpy(b->data + offset, data, size);
        return r;
}

/* A program of systemd, and what stands in it. */
#define STUB(version) "#### LoaderInfo: systemd-stub " version " ####"
#define LOADER(version) "#### LoaderInfo: systemd-boot " version " ####"

struct part {
        enum ingot_uki_kind kind;
        const char *text; /* of .linux: of a section in the kernel */
};

#define PARTS_MAX 16

static int make_uki(struct made *m, const char *magic, const struct part *parts, size_t count,
                    ingot_error *reterr)
{
        const struct made_section stub[] = {{".sdmagic", magic},
                                            {".sbat", "sbat,1,SBAT Version,sbat,1,url\n"}};
        struct ingot_span program = make_pe(INGOT_PE_MACHINE_X86_64, stub, 2);
        struct ingot_span spans[PARTS_MAX];
        struct ingot_uki_input inputs[PARTS_MAX];
        struct ingot_writer out = {.write_at = write_made, .context = &m->bytes};
        _cleanup_free_ uint8_t *kernel = NULL;
        uint64_t size;
        for (size_t i = 0; i < count; i++) {
                const struct made_section text = {".text", parts[i].text};
                spans[i] = INGOT_SPAN(parts[i].text, strlen(parts[i].text));
                if (parts[i].kind == INGOT_UKI_LINUX) {
                        spans[i] = make_pe(INGOT_PE_MACHINE_X86_64, &text, 1);
                        kernel = (uint8_t *) spans[i].data;
                }
                inputs[i] =
                        (struct ingot_uki_input){parts[i].kind, ingot_reader_of_span(spans + i)};
        }
        int r = ingot_uki_build(program, inputs, count, &out, &size, reterr);
        free((uint8_t *) program.data);
        m->span = ingot_buffer_span(&m->bytes);
        return r;
}

static int put(struct ingot_tree *esp, const char *path, struct ingot_span bytes,
               ingot_error *reterr)
{
        return ingot_tree_put_bytes(esp, path, 0644, 0, bytes.data, bytes.size, reterr);
}

static int put_text(struct ingot_tree *esp, const char *path, const char *text, ingot_error *reterr)
{
        return put(esp, path, INGOT_SPAN(text, strlen(text)), reterr);
}

/* An addon, or another PE image that is made of texts. */
static int put_pe(struct ingot_tree *esp, const char *path, const struct made_section *sections,
                  size_t count, ingot_error *reterr)
{
        struct ingot_span pe = make_pe(INGOT_PE_MACHINE_X86_64, sections, count);
        int r = put(esp, path, pe, reterr);
        free((uint8_t *) pe.data);
        return r;
}

#define OSREL "ID=test\nIMAGE_ID=appliance\nIMAGE_VERSION=\"7\"\n"
static const struct part plain[] = {{INGOT_UKI_LINUX, "the kernel"},
                                    {INGOT_UKI_OSREL, OSREL},
                                    {INGOT_UKI_CMDLINE, "quiet console=ttyS0 \n"},
                                    {INGOT_UKI_INITRD, "INITRD"}};

/* An ESP with a loader and a UKI of these versions. */
static int make_esp(struct ingot_tree **ret, const char *loader, const char *stub,
                    const struct part *parts, size_t count, ingot_error *reterr)
{
        _cleanup_made_ struct made uki = {0};
        const struct made_section sections[] = {{".text", "loader"}, {".sdmagic", loader}};
        int r = ingot_tree_new(ret, reterr);
        if (r >= 0)
                r = make_uki(&uki, stub, parts, count, reterr);
        if (r >= 0 && loader)
                r = put_pe(*ret, "EFI/BOOT/BOOTX64.EFI", sections, 2, reterr);
        return r < 0 ? r : put(*ret, "EFI/Linux/a+3-0.efi", uki.span, reterr);
}

static int predict(const struct ingot_tree *esp, struct ingot_measurement *ret, ingot_error *reterr)
{
        static const struct ingot_predict_options options;
        return ingot_measurement_predict(esp, &options, ret, reterr);
}

/* The events of one PCR, as words: "what|what|", "?" in front of what is unknown. */
static int words(const struct ingot_measured_profile *p, uint32_t pcr, struct ingot_buffer *ret,
                 ingot_error *reterr)
{
        int r = ingot_buffer_printf(ret, reterr, "%s", "");
        for (size_t i = 0; r >= 0 && i < p->count; i++) {
                const struct ingot_measured_event *e = p->events + i;
                const char *mark = e->state == INGOT_MEASURED_UNKNOWN       ? "?"
                                   : e->state == INGOT_MEASURED_PROVISIONAL ? "~"
                                                                            : "";
                if (e->record.pcr == pcr)
                        r = ingot_buffer_printf(ret, reterr, "%s%s|", mark, e->what);
        }
        return r;
}

#define CHECK_WORDS(p, pcr, expected)                                                              \
        do {                                                                                       \
                _cleanup_buffer_ struct ingot_buffer w_ = {0};                                     \
                CHECK_OK(words(p, pcr, &w_, &error));                                              \
                CHECK_STR((char *) w_.data, expected);                                             \
        } while (0)

/* A PCR is what these measurements give. */
#define CHECK_PCR(p, number, ...)                                                                  \
        do {                                                                                       \
                const struct ingot_span all_[] = {__VA_ARGS__};                                    \
                struct ingot_pcr expected_ = {0}, value_;                                          \
                for (size_t i_ = 0; i_ < ARRAY_SIZE(all_); i_++)                                   \
                        CHECK_OK(ingot_pcr_extend(&expected_, all_[i_], &error));                  \
                CHECK_EQ(ingot_measured_value(p, number, INGOT_PHASE_READY, false, &value_, NULL,  \
                                              &error),                                             \
                         INGOT_MEASURED_FINAL);                                                    \
                CHECK(memcmp(&value_, &expected_, sizeof(value_)) == 0);                           \
        } while (0)

/* Texts as EFI has them; the NUL of the literal is one half of that of UTF-16. */
#define WIDE(text) INGOT_SPAN(text, sizeof(text))

#define ARCHIVE_EXTRA                                                                              \
        NUMBERS("00000001", "0000416d", "00000001", "00000000", "00000007") ".extra\0\0\0\0"
#define ARCHIVE_END                                                                                \
        NUMBERS("00000000", "00000000", "00000001", "00000000", "0000000B") "TRAILER!!!\0\0\0"

TEST(kernel_measures_the_command_line_and_the_combined_initrd)
{
        static const char line[] = "q\0u\0i\0e\0t\0 \0c\0o\0n\0s\0o\0l\0e\0=\0t\0t\0y\0S\0"
                                   "0\0\0";
        static const char initrd[] =
                "INITRD\0\0" ARCHIVE_EXTRA NUMBERS("00000002", "00008124", "00000001", "0000002d",
                                                   "00000012") ".extra/os-release\0" OSREL
                                                               "\0\0\0" ARCHIVE_END;
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0};
        CHECK_EQ(sizeof(OSREL) - 1, 0x2d);
        CHECK_OK(make_esp(&esp, LOADER("257.1"), STUB("257.1"), plain, 4, &error));
        CHECK_OK(predict(esp, &m, &error));
        CHECK_EQ(m.notes.count, 0);
        CHECK_STR(m.name, "appliance");
        CHECK_STR(m.version, "7");
        CHECK_STR(m.architecture, "x86-64");
        CHECK_STR(m.uki.path, "EFI/Linux/a+3-0.efi");
        CHECK_STR(m.loader.info, "systemd-boot 257.1");
        CHECK_EQ(m.profile_count, 1);
        CHECK_WORDS(m.profiles, 9, "command line of the kernel|the initrd, of 2 parts|");
        CHECK_PCR(m.profiles, 9, INGOT_SPAN(line, sizeof(line)),
                  INGOT_SPAN(initrd, sizeof(initrd)));
        CHECK_WORDS(m.profiles, 12, "");
        CHECK_WORDS(m.profiles, 13, "");
}

TEST(older_stubs_have_firmware_load_the_kernel)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *old = NULL, *new = NULL;
        _cleanup_measurement_ struct ingot_measurement a = {0}, b = {0};
        CHECK_OK(make_esp(&old, LOADER("257.1"), STUB("257.1"), plain, 4, &error));
        CHECK_OK(make_esp(&new, LOADER("262.1"), STUB("262.1"), plain, 4, &error));
        CHECK_OK(put_text(old, "loader/loader.conf", "timeout 0\n", &error));
        CHECK_OK(predict(old, &a, &error));
        CHECK_OK(predict(new, &b, &error));
        CHECK_WORDS(a.profiles, 4,
                    "Calling EFI Application from Boot Option|separator|EFI/BOOT/BOOTX64.EFI|"
                    "EFI/Linux/a+3-0.efi|section .linux, the kernel (Secure Boot off)|");
        CHECK_WORDS(b.profiles, 4,
                    "Calling EFI Application from Boot Option|separator|EFI/BOOT/BOOTX64.EFI|"
                    "EFI/Linux/a+3-0.efi|");
        struct ingot_pcr off, on;
        CHECK(ingot_measured_depends(a.profiles, 4) && !ingot_measured_depends(b.profiles, 4));
        CHECK_OK(ingot_measured_value(a.profiles, 4, INGOT_PHASE_READY, false, &off, NULL, &error));
        CHECK_OK(ingot_measured_value(a.profiles, 4, INGOT_PHASE_READY, true, &on, NULL, &error));
        CHECK(memcmp(&on, &off, sizeof(on)) != 0);
        for (size_t i = 0; i < a.profiles->count; i++)
                if (a.profiles->events[i].insecure)
                        CHECK_OK(ingot_record_extend(&a.profiles->events[i].record, &on, &error));
        CHECK(memcmp(&on, &off, sizeof(on)) == 0);
        CHECK_WORDS(a.profiles, 5,
                    "separator|?the partition table|loader.conf|Exit Boot Services Invocation|"
                    "Exit Boot Services Returned with Success|");
        CHECK_WORDS(a.profiles, 1, "?the firmware's settings|separator|");
        CHECK_WORDS(b.profiles, 1,
                    "?the firmware's settings|separator|?SMBIOS tables 1, 2 and 11|");
}

TEST(a_secret_of_the_machine_makes_pcr_9_unknown)
{
        static const struct part silent[] = {
                {INGOT_UKI_LINUX, "k"}, {INGOT_UKI_OSREL, OSREL}, {INGOT_UKI_CMDLINE, "quiet"}};
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL, *other = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0}, n = {0};
        const struct ingot_measured_event *why;
        struct ingot_pcr value;
        CHECK_OK(make_esp(&esp, LOADER("262.1"), STUB("262.1"), plain, 4, &error));
        CHECK_OK(make_esp(&other, LOADER("262.1"), STUB("262.1"), silent, 3, &error));
        CHECK_OK(predict(esp, &m, &error));
        CHECK_OK(predict(other, &n, &error));
        CHECK_WORDS(m.profiles, 9,
                    "command line of the kernel|?the initrd, as the stub combines it|");
        CHECK_WORDS(n.profiles, 9,
                    "?command line of the kernel|?the initrd, as the stub combines it|");
        CHECK_EQ(
                ingot_measured_value(m.profiles, 9, INGOT_PHASE_READY, false, &value, &why, &error),
                INGOT_MEASURED_UNKNOWN);
        CHECK(strstr(why->reason, "boot-secret"));
        CHECK_EQ(ingot_measurement_state(&m), INGOT_MEASURED_UNKNOWN);
}

static const struct part profiles[] = {{INGOT_UKI_LINUX, "k"},
                                       {INGOT_UKI_OSREL, OSREL},
                                       {INGOT_UKI_CMDLINE, "quiet"},
                                       {INGOT_UKI_PROFILE, "ID=main\n"},
                                       {INGOT_UKI_PROFILE, "ID=rescue\nTITLE=To the rescue\n"},
                                       {INGOT_UKI_CMDLINE, "rescue"}};

TEST(another_profile_is_measured_by_loader_and_stub)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL, *old = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0}, n = {0};
        CHECK_OK(make_esp(&esp, LOADER("257.1"), STUB("257.1"), profiles, 6, &error));
        CHECK_OK(make_esp(&old, LOADER("256.1"), STUB("256.1"), profiles, 6, &error));
        CHECK_OK(predict(esp, &m, &error));
        CHECK_EQ(m.profile_count, 2);
        CHECK_STR(m.profiles[0].title, "main");
        CHECK_STR(m.profiles[1].title, "To the rescue");
        CHECK_WORDS(m.profiles, 12, "");
        CHECK_WORDS(m.profiles + 1, 12, "command line @N|profile 1|");
        CHECK_PCR(m.profiles + 1, 12,
                  WIDE("@\0"
                       "1\0\0"),
                  WIDE("1\0\0"));
        CHECK_EQ(m.profiles[1].events[m.profiles[1].count - 1].phase, INGOT_PHASE_READY);
        CHECK_OK(predict(old, &n, &error));
        CHECK_WORDS(n.profiles, 11,
                    "?what the stub loads and measures|?enter-initrd|"
                    "?leave-initrd|sysinit|ready|");
        struct ingot_predict_options one = {.one = true, .profile = 2};
        CHECK_FAILS(ingot_measurement_predict(esp, &one, &n, &error), INGOT_E_NOTFOUND,
                    "no profile 2, it has 2");
}

/* The vectors were made by systemd-measure 262, one profile at a time. */
TEST(pcr_11_of_each_profile_is_that_of_systemd_measure)
{
        static const struct made_section sections[] = {{".sdmagic", STUB("258")},
                                                       {".uname", "6.12"},
                                                       {".osrel", "ID=foo\nVERSION_ID=1\n"},
                                                       {".linux", "KERNEL"},
                                                       {".initrd", "INITRD"},
                                                       {".ucode", "UCODE"},
                                                       {".profile", "ID=main\n"},
                                                       {".cmdline", "quiet"},
                                                       {".profile", "ID=rescue\nTITLE=R\n"},
                                                       {".cmdline", "rescue"}};
        static const char *const vectors[] = {
                "cd4d4e8911915c85f80c95f41f063c66aa1b31af612458249104f241b21aa5db",
                "090cac17d47fc4b98f0a8c115b1d825e09c2089f30642fd338ee736fe045f859"};
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0};
        CHECK_OK(ingot_tree_new(&esp, &error));
        CHECK_OK(put_pe(esp, "EFI/Linux/a.efi", sections, ARRAY_SIZE(sections), &error));
        CHECK_OK(predict(esp, &m, &error));
        CHECK_EQ(m.profile_count, 2);
        for (size_t i = 0; i < 2; i++) {
                struct ingot_pcr pcr;
                char hex[65];
                CHECK_EQ(ingot_measured_value(m.profiles + i, 11, INGOT_PHASE_BOOT, false, &pcr,
                                              NULL, &error),
                         INGOT_MEASURED_FINAL);
                ingot_hex(hex, pcr.value[INGOT_BANK_SHA256], 32);
                CHECK_STR(hex, vectors[i]);
        }
}

TEST(addons_come_in_order_those_of_every_uki_first)
{
        static const struct made_section a[] = {{".cmdline", "  a=1\n"}, {".ucode", "U1"}},
                                         b[] = {{".cmdline", "b=\t2 "}, {".ucode", "U2"}},
                                         c[] = {{".initrd", "I1"}, {".sbat", "x"}};
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0};
        CHECK_OK(make_esp(&esp, LOADER("257.1"), STUB("257.1"), plain, 4, &error));
        CHECK_OK(put_pe(esp, "EFI/Linux/A.EFI.extra.d/a.addon.efi", a, 2, &error));
        CHECK_OK(put_pe(esp, "loader/addons/z.ADDON.efi", b, 2, &error));
        CHECK_OK(put_pe(esp, "loader/addons/i.addon.efi", c, 2, &error));
        CHECK_OK(predict(esp, &m, &error));
        CHECK_EQ(m.notes.count, 0);
        CHECK_WORDS(m.profiles, 4,
                    "Calling EFI Application from Boot Option|separator|EFI/BOOT/BOOTX64.EFI|"
                    "EFI/Linux/a+3-0.efi|i.addon.efi|z.ADDON.efi|a.addon.efi|"
                    "section .linux, the kernel (Secure Boot off)|");
        CHECK_WORDS(m.profiles, 12,
                    "command line of the addons|.ucode of a.addon.efi|.ucode of z.ADDON.efi|"
                    ".initrd of i.addon.efi|");
        CHECK_PCR(m.profiles, 12,
                  WIDE("b\0=\0 \0"
                       "2\0 \0a\0=\0"
                       "1\0\0"),
                  INGOT_SPAN("U1", 2), INGOT_SPAN("U2", 2), INGOT_SPAN("I1", 2));
        CHECK_WORDS(m.profiles, 9, "command line of the kernel|the initrd, of 5 parts|");
}

TEST(what_the_stub_does_not_take_is_told)
{
        static const struct made_section kernel[] = {{".linux", "K"}, {".cmdline", "x"}},
                                         empty[] = {{".sbat", "x"}},
                                         other[] = {{".uname", "9.9"}, {".cmdline", "y"}};
        static const struct part parts[] = {
                {INGOT_UKI_LINUX, "k"}, {INGOT_UKI_OSREL, OSREL}, {INGOT_UKI_UNAME, "6.12"}};
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0};
        char name[300];
        memset(name, 'n', sizeof(name));
        memcpy(name, "loader/addons/", 14);
        strcpy(name + 14 + 240, ".addon.efi");
        CHECK_OK(make_esp(&esp, LOADER("257.1"), STUB("257.1"), parts, 3, &error));
        CHECK_OK(put_pe(esp, "loader/addons/a.addon.efi", kernel, 2, &error));
        CHECK_OK(put_pe(esp, "loader/addons/b.addon.efi", empty, 1, &error));
        CHECK_OK(put_pe(esp, "loader/addons/c.addon.efi", other, 2, &error));
        CHECK_OK(put_text(esp, "loader/addons/d.addon.efi", "MZ and no more", &error));
        CHECK_OK(put_text(esp, "loader/addons/.e.addon.efi", "hidden", &error));
        CHECK_OK(put_text(esp, "loader/addons/\xc3\xa9.addon.efi", "no ASCII", &error));
        CHECK_OK(put_text(esp, "loader/addons/f.efi", "no addon", &error));
        CHECK_OK(put_text(esp, "loader/addons/g.addon.efi/file", "a folder", &error));
        CHECK_OK(put_text(esp, name, "long, but not too long", &error));
        CHECK_OK(predict(esp, &m, &error));
        CHECK_EQ(m.notes.count, 5);
        CHECK(strstr(m.notes.items[0], "d.addon.efi is broken"));
        CHECK(strstr(m.notes.items[1], "nn.addon.efi is broken"));
        CHECK(strstr(m.notes.items[2], "a.addon.efi: it is a UKI, no addon"));
        CHECK(strstr(m.notes.items[3], "b.addon.efi: it has nothing"));
        CHECK(strstr(m.notes.items[4], "c.addon.efi: it is for another kernel"));
        CHECK_WORDS(m.profiles, 12, "");
        CHECK_WORDS(m.profiles, 4,
                    "Calling EFI Application from Boot Option|separator|EFI/BOOT/BOOTX64.EFI|"
                    "EFI/Linux/a+3-0.efi|a.addon.efi|b.addon.efi|c.addon.efi|"
                    "section .linux, the kernel (Secure Boot off)|");
}

static int put_sidecars(struct ingot_tree *esp, ingot_error *reterr)
{
        static const char *const paths[] = {
                "EFI/Linux/a.efi.extra.d/b.cred",  "EFI/Linux/a.efi.extra.d/a.CRED",
                "EFI/Linux/a.efi.extra.d/s.raw",   "EFI/Linux/a.efi.extra.d/c.confext.raw",
                "EFI/Linux/a.efi.extra.d/.h.cred", "EFI/Linux/other.efi.extra.d/x.cred",
                "loader/credentials/g.cred",       "loader/credentials/g.txt",
                "loader/extensions/gs.sysext.raw", "loader/extensions/gc.confext.raw"};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(paths); i++)
                r = put_text(esp, paths[i], paths[i], reterr);
        return r;
}

TEST(files_beside_a_uki_are_measured_by_their_kind)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *a = NULL, *b = NULL, *c = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0}, n = {0}, o = {0};
        CHECK_OK(make_esp(&a, LOADER("257.1"), STUB("257.1"), plain, 4, &error));
        CHECK_OK(make_esp(&b, LOADER("258"), STUB("258"), plain, 4, &error));
        CHECK_OK(make_esp(&c, LOADER("255"), STUB("255"), plain, 4, &error));
        CHECK_OK(put_sidecars(a, &error));
        CHECK_OK(put_sidecars(b, &error));
        CHECK_OK(put_sidecars(c, &error));
        CHECK_OK(predict(a, &m, &error));
        CHECK_OK(predict(b, &n, &error));
        CHECK_OK(predict(c, &o, &error));
        CHECK_WORDS(m.profiles, 12,
                    "credentials: 2 files|credentials of every UKI: 1 file|"
                    "configuration extensions: 1 file|");
        CHECK_WORDS(m.profiles, 13, "system extensions: 1 file|");
        CHECK_WORDS(n.profiles, 12,
                    "credentials: 2 files|credentials of every UKI: 1 file|"
                    "configuration extensions: 1 file|"
                    "configuration extensions of every UKI: 1 file|");
        CHECK_WORDS(n.profiles, 13,
                    "system extensions: 1 file|system extensions of every UKI: 1 "
                    "file|");
        CHECK_WORDS(o.profiles, 13, "system extensions: 2 files|");
        CHECK_WORDS(o.profiles, 9, "command line of the kernel|the initrd, of 4 parts|");
}

TEST(counters_are_no_part_of_a_uki_s_name)
{
        static const char *const pairs[][2] = {{"EFI/Linux/a+3-0.efi", "EFI/Linux/a.efi"},
                                               {"a+3.efi", "a.efi"},
                                               {"a+3-0", "a"},
                                               {"a+b.efi", "a+b.efi"},
                                               {"a+3-.efi", "a+3-.efi"},
                                               {"a+3x.efi", "a+3x.efi"},
                                               {"1+2+3-0.efi", "1+2+3-0.efi"},
                                               {"a.efi", "a.efi"}};
        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
                char text[32];
                snprintf(text, sizeof(text), "%s", pairs[i][0]);
                ingot_boot_chain_strip_counters(text);
                CHECK_STR(text, pairs[i][1]);
        }
}

static int put_entry(struct ingot_tree *esp, const char *name, const char *release,
                     ingot_error *reterr)
{
        const struct part parts[] = {{INGOT_UKI_LINUX, name}, {INGOT_UKI_OSREL, release}};
        _cleanup_made_ struct made uki = {0};
        char path[64];
        snprintf(path, sizeof(path), "EFI/Linux/%s", name);
        int r = make_uki(&uki, STUB("257"), parts, 2, reterr);
        return r < 0 ? r : put(esp, path, uki.span, reterr);
}

TEST(the_loader_s_choice_is_followed)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL;
        struct ingot_strings notes = {0};
        const char *wanted[] = {"os_10.efi", "os_9.efi", "OS_9+2-1.EFI", "EFI/LINUX/other.efi"};
        const char *found[] = {"os_10.efi", "os_9+2-1.efi", "os_9+2-1.efi", "other.efi"};
        CHECK_OK(ingot_tree_new(&esp, &error));
        CHECK_FAILS(predict(esp, &(struct ingot_measurement){0}, &error), INGOT_E_NOTFOUND,
                    "no UKI in EFI/Linux");
        CHECK_OK(put_entry(esp, "os_9+2-1.efi", "ID=os\nVERSION_ID=9\n", &error));
        CHECK_OK(put_entry(esp, "os_10.efi", "ID=os\nVERSION_ID=10\n", &error));
        CHECK_OK(put_entry(esp, "os_11+0-3.efi", "ID=os\nVERSION_ID=11\n", &error));
        CHECK_OK(put_entry(esp, "other.efi", "ID=zz\nVERSION_ID=99\n", &error));
        CHECK_OK(put_text(esp, "EFI/Linux/broken.efi", "nothing", &error));
        for (size_t i = 0; i <= ARRAY_SIZE(wanted); i++) {
                _cleanup_boot_chain_ struct ingot_boot_chain chain = {0};
                const char *name = i == 0 ? NULL : wanted[i - 1];
                CHECK_OK(ingot_boot_chain_find(esp, name, &chain, &notes, &error));
                CHECK_STR(chain.uki_path + 10, i == 0 ? "os_10.efi" : found[i - 1]);
        }
        CHECK_EQ(notes.count, 2);
        CHECK(strstr(notes.items[0], "broken.efi is no UKI"));
        CHECK(strstr(notes.items[1], "of 4 UKIs os_10.efi"));
        _cleanup_boot_chain_ struct ingot_boot_chain chain = {0};
        CHECK_OK(put_text(esp, "LOADER/Loader.conf", "#x\ndefault   OS_9*  \n", &error));
        CHECK_OK(ingot_boot_chain_find(esp, NULL, &chain, &notes, &error));
        CHECK_STR(chain.uki_path, "EFI/Linux/os_9+2-1.efi");
        CHECK_STR(chain.extra_path, "EFI/Linux/os_9.efi.extra.d");
        ingot_strings_done(&notes);
        CHECK_FAILS(ingot_boot_chain_find(esp, "none.efi", &chain, &notes, &error),
                    INGOT_E_NOTFOUND, "no UKI none.efi");
}

TEST(programs_that_are_not_known_are_not_guessed)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *loader = NULL, *stub = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0}, n = {0};
        CHECK_OK(make_esp(&loader, "shim", STUB("257"), plain, 4, &error));
        CHECK_OK(make_esp(&stub, LOADER("263"), STUB("263"), plain, 4, &error));
        CHECK_OK(predict(loader, &m, &error));
        CHECK_WORDS(m.profiles, 12, "?what the loader loads and measures|");
        CHECK_EQ(m.loader.info == NULL, true);
        CHECK_OK(predict(stub, &n, &error));
        CHECK_WORDS(n.profiles, 13, "?what the stub loads and measures|");
        CHECK_WORDS(n.profiles, 12,
                    "?what the loader loads and measures|?what the stub loads and measures|");
        CHECK(!ingot_stub_rules_of(251) && !ingot_stub_rules_of(0) && !ingot_loader_rules_of(263));
        CHECK_EQ(ingot_stub_rules_of(260)->version, 258);
}

TEST(policies_that_are_not_signed_make_it_provisional)
{
        static const struct part parts[] = {{INGOT_UKI_LINUX, "k"},
                                            {INGOT_UKI_OSREL, OSREL},
                                            {INGOT_UKI_CMDLINE, "quiet"},
                                            {INGOT_UKI_PCRPKEY, "key"},
                                            {INGOT_UKI_PCRSIG, "{}      "}};
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0};
        CHECK_OK(make_esp(&esp, NULL, STUB("257"), parts, 5, &error));
        CHECK_OK(predict(esp, &m, &error));
        CHECK(!m.loader.path);
        CHECK_WORDS(m.profiles, 4,
                    "Calling EFI Application from Boot Option|separator|~EFI/Linux/a+3-0.efi|"
                    "section .linux, the kernel (Secure Boot off)|");
        CHECK_WORDS(m.profiles, 9, "command line of the kernel|~the initrd, of 3 parts|");
        CHECK_EQ(ingot_measurement_state(&m), INGOT_MEASURED_UNKNOWN); /* no initrd: who says? */
}

TEST(registers_of_a_tdx_machine_follow_the_same_events)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0};
        struct ingot_pcr expected = {0};
        uint8_t value[INGOT_RTMR_SIZE];
        CHECK_OK(make_esp(&esp, LOADER("257"), STUB("257"), profiles, 6, &error));
        CHECK_OK(predict(esp, &m, &error));
        CHECK_EQ(ingot_measured_register(m.profiles + 1, 0, value, NULL, &error),
                 INGOT_MEASURED_UNKNOWN);
        CHECK_EQ(ingot_measured_register(m.profiles + 1, 1, value, NULL, &error),
                 INGOT_MEASURED_UNKNOWN);
        CHECK_EQ(ingot_measured_register(m.profiles + 1, 2, value, NULL, &error),
                 INGOT_MEASURED_FINAL);
        /* But for the tagged event of the profile, which stubs before 261 tell the TPM alone. */
        for (size_t i = 0; i < m.profiles[1].count; i++) {
                const struct ingot_measured_event *e = m.profiles[1].events + i;
                if (e->record.pcr >= 8 && e->phase == INGOT_PHASE_BOOT &&
                    e->tag != INGOT_STUB_TAG_PROFILE)
                        CHECK_OK(ingot_record_extend(&e->record, &expected, &error));
        }
        CHECK(memcmp(value, expected.value[INGOT_BANK_SHA384], sizeof(value)) == 0);
}

static int encode_plain(struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0};
        int r = make_esp(&esp, LOADER("257"), STUB("257"), profiles, 6, reterr);
        if (r >= 0)
                r = put_text(esp, "loader/addons/broken.addon.efi", "x", reterr);
        if (r >= 0)
                r = predict(esp, &m, reterr);
        return r < 0 ? r : ingot_measurement_encode(&m, ret, reterr);
}

TEST(a_manifest_reads_as_it_was_written)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0}, again = {0};
        _cleanup_measurement_ struct ingot_measurement m = {0};
        CHECK_OK(encode_plain(&text, &error));
        CHECK_OK(ingot_measurement_decode(ingot_buffer_span(&text), &m, &error));
        CHECK_STR(m.name, "appliance");
        CHECK_EQ(m.notes.count, 1);
        CHECK_EQ(ingot_measurement_profile(&m, 1)->profile, 1);
        CHECK(!ingot_measurement_profile(&m, 2));
        CHECK_OK(ingot_measurement_encode(&m, &again, &error));
        CHECK_EQ(text.size, again.size);
        CHECK(memcmp(text.data, again.data, text.size) == 0);
}

/* The first WHAT in the text becomes WITH, of the same length. */
static bool replace(struct ingot_buffer *text, const char *what, const char *with)
{
        uint8_t *at = memmem(text->data, text->size, what, strlen(what));
        if (at)
                memcpy(at, with, strlen(what));
        return at != NULL;
}

TEST(a_manifest_that_contradicts_itself_is_malformed)
{
        static const struct {
                const char *what, *with;
                int code;
                const char *words;
        } rows[] = {
                {"\"format\":1", "\"format\":2", INGOT_E_UNSUPPORTED, "format 2"},
                {"ingot-measurement", "ingot-measuremenT", INGOT_E_FORMAT, "'type'"},
                {"\"pcr\":0", "\"pcr\":x", INGOT_E_FORMAT, "no JSON"},
                {"\"pcr\":4", "\"pcr\":9", INGOT_E_FORMAT, "does not follow from the events"},
                {"\"firmware\"", "\"firmwarE\"", INGOT_E_FORMAT, "'by' is 'firmwarE'"},
                {"\"unknown\",\"reason\":", "\"unknown\",\"Reason\":", INGOT_E_FORMAT,
                 "no member 'reason'"},
                {"EV_EFI_ACTION", "EV_EFI_ACTIOX", INGOT_E_FORMAT, "'type' is 'EV_EFI_ACTIOX'"},
                {"\"profile\":1", "\"profile\":0", INGOT_E_FORMAT, "does not come behind"},
                {"\"digests\"", "\"digestS\"", INGOT_E_FORMAT, "no member 'digests'"},
        };
        ingot_error error = {0};
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buffer_ struct ingot_buffer text = {0};
                _cleanup_measurement_ struct ingot_measurement m = {0};
                CHECK_OK(encode_plain(&text, &error));
                CHECK(replace(&text, rows[i].what, rows[i].with));
                CHECK_FAILS(ingot_measurement_decode(ingot_buffer_span(&text), &m, &error),
                            rows[i].code, rows[i].words);
        }
}

TEST(profiles_are_variants_of_components)
{
        static const struct {
                const char *id, *first, *second; /* names of variants */
                size_t variants, records;        /* of the last one */
        } rows[] = {
                {"620-loader", "systemd-boot-257", NULL, 1, 1},
                {"650-uki", "a", "a.secure-boot", 4, 13}, /* the kernel's is not among them */
                {"710-kernel", "a", "a@1", 2, 2},
                {"850-sysinit", "850-sysinit", NULL, 1, 1},
                {"900-ready", "900-ready", NULL, 1, 1},
        };
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0};
        _cleanup_components_ struct ingot_components c = {0};
        CHECK_OK(make_esp(&esp, LOADER("257"), STUB("257"), profiles, 6, &error));
        CHECK_OK(predict(esp, &m, &error));
        CHECK_OK(ingot_measurement_components(&m, &c, &error));
        CHECK_EQ(c.count, ARRAY_SIZE(rows));
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const struct ingot_component *one = c.items + i;
                CHECK_STR(one->id, rows[i].id);
                CHECK_EQ(one->count, rows[i].variants);
                CHECK_STR(one->variants[0].id, rows[i].first);
                if (rows[i].second)
                        CHECK_STR(one->variants[1].id, rows[i].second);
                CHECK_EQ(one->variants[one->count - 1].records.count, rows[i].records);
        }
}

/* Three releases with two profiles each, whose kernels the stub has firmware load: more than eight
 * values, if the UKI of one were combined with the kernel of another. */
TEST(releases_do_not_multiply)
{
        static const char *const texts[] = {"a=1", "a=2", "a=3"};
        ingot_error error = {0};
        _cleanup_components_ struct ingot_components all = {0};
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                const struct part parts[] = {
                        {INGOT_UKI_LINUX, texts[i]},      {INGOT_UKI_OSREL, OSREL},
                        {INGOT_UKI_CMDLINE, texts[i]},    {INGOT_UKI_INITRD, texts[i]},
                        {INGOT_UKI_PROFILE, "ID=main\n"}, {INGOT_UKI_PROFILE, "ID=rescue\n"},
                        {INGOT_UKI_CMDLINE, "rescue"}};
                _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL;
                _cleanup_measurement_ struct ingot_measurement m = {0};
                CHECK_OK(make_esp(&esp, LOADER("257"), STUB("257"), parts, ARRAY_SIZE(parts),
                                  &error));
                CHECK_OK(predict(esp, &m, &error));
                free(m.uki.path);
                CHECK_OK(ingot_format(&m.uki.path, &error, "EFI/Linux/a_%zu.efi", i));
                CHECK_OK(ingot_measurement_components(&m, &all, &error));
        }
        static const struct {
                unsigned pcr;
                size_t values;
        } rows[] = {{4, 6}, {9, 6}, {11, 6}};
        const struct ingot_prediction_window moment = {.start = "770", .end = "770"};
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_pcr_values_ struct ingot_pcr_values values = {0};
                CHECK_OK(ingot_components_predict(&all, &moment, rows[i].pcr, INGOT_BANK_SHA256,
                                                  &values, &error));
                CHECK_EQ(values.count, rows[i].values);
        }
}

static int predict_with(const struct ingot_tree *esp, const struct ingot_edk2_variables *variables,
                        struct ingot_measurement *ret, ingot_error *reterr)
{
        const struct ingot_predict_options options = {.variables = variables};
        return ingot_measurement_predict(esp, &options, ret, reterr);
}

/* The value that OVMF has when nobody put keys into it. */
TEST(pcr_7_of_a_firmware_without_keys_is_known)
{
        static const struct ingot_edk2_variables none;
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0}, back = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        struct ingot_pcr pcr;
        char hex[65];
        CHECK_OK(make_esp(&esp, LOADER("257"), STUB("257"), plain, 4, &error));
        CHECK_OK(predict_with(esp, &none, &m, &error));
        CHECK_WORDS(m.profiles, 7, "SecureBoot: off|PK|KEK|db|dbx|separator|");
        CHECK_EQ(ingot_measured_value(m.profiles, 7, INGOT_PHASE_READY, false, &pcr, NULL, &error),
                 INGOT_MEASURED_FINAL);
        ingot_hex(hex, pcr.value[INGOT_BANK_SHA256], 32);
        CHECK_STR(hex, "65caf8dd1e0ea7a6347b635d2b379c93b9a1351edc2afc3ecda700e534eb3068");
        CHECK(!ingot_measured_depends(m.profiles, 4));
        CHECK_OK(ingot_measurement_encode(&m, &text, &error));
        CHECK(strstr((char *) text.data, hex));
        CHECK_OK(ingot_measurement_decode(ingot_buffer_span(&text), &back, &error));
        CHECK(replace(&text, hex,
                      "75caf8dd1e0ea7a6347b635d2b379c93b9a1351edc2afc3ecda700e534eb3068"));
        CHECK_FAILS(ingot_measurement_decode(ingot_buffer_span(&text), &back, &error),
                    INGOT_E_FORMAT, "'7' does not follow from the events");
}

/* A db that lists the digests of loader and UKI; PK is any. */
static int list_programs(const struct ingot_measurement *m, struct ingot_edk2_variables *ret,
                         ingot_error *reterr)
{
        static const struct ingot_efi_time time;
        static const struct ingot_uuid owner = {{1, 2, 3, 4, 5, 6, 7, 8, 9}};
        _cleanup_secure_boot_ struct ingot_secure_boot set = {0};
        struct ingot_efi_signatures *db = &set.variables[INGOT_SECURE_BOOT_DB].list;
        int r = ingot_efi_signatures_add(db, INGOT_EFI_SIGNATURE_SHA256, &owner,
                                         INGOT_SPAN(m->loader.digest, 32), reterr);
        if (r >= 0)
                r = ingot_efi_signatures_add(db, INGOT_EFI_SIGNATURE_SHA256, &owner,
                                             INGOT_SPAN(m->uki.digest, 32), reterr);
        if (r >= 0)
                r = ingot_efi_signatures_add(&set.variables[INGOT_SECURE_BOOT_PK].list,
                                             INGOT_EFI_SIGNATURE_SHA256, &owner,
                                             INGOT_SPAN(m->uki.digest, 32), reterr);
        return r < 0 ? r : ingot_secure_boot_to_store(&set, &time, ret, reterr);
}

TEST(what_vouches_for_a_program_is_measured_and_what_nothing_vouches_for_is_refused)
{
        static const struct made_section a[] = {{".cmdline", "a=1"}};
        /* UEFI_VARIABLE_DATA of db with one EFI_SIGNATURE_DATA, but for the digest at its end. */
        static const char head[] =
                "\xcb\xb2\x19\xd7\x3a\x3d\x96\x45\xa3\xbc\xda\xd0\x0e\x67\x65\x6f"
                "\2\0\0\0\0\0\0\0\x30\0\0\0\0\0\0\0d\0b\0"
                "\4\3\2\1\6\5\x8\x7\x9\0\0\0\0\0\0";
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0}, on = {0};
        _cleanup_edk2_variables_ struct ingot_edk2_variables variables = {0};
        uint8_t data[sizeof(head) + 32], digest[INGOT_BANK_SIZE_MAX];
        size_t found = 0;
        CHECK_OK(make_esp(&esp, LOADER("257"), STUB("257"), plain, 4, &error));
        CHECK_OK(put_pe(esp, "loader/addons/a.addon.efi", a, 1, &error));
        CHECK_OK(predict(esp, &m, &error));
        CHECK_OK(list_programs(&m, &variables, &error));
        CHECK_OK(predict_with(esp, &variables, &on, &error));
        CHECK_EQ(on.notes.count, 1);
        CHECK_STR(on.notes.items[0], "a.addon.efi: Secure Boot refuses it, left out");
        CHECK_WORDS(on.profiles, 7,
                    "SecureBoot: on|PK|KEK|db|dbx|separator|db: the key that vouches for what was "
                    "started|db: the key that vouches for what was started|");
        CHECK_WORDS(on.profiles, 4,
                    "Calling EFI Application from Boot Option|separator|EFI/BOOT/BOOTX64.EFI|"
                    "EFI/Linux/a+3-0.efi|");
        CHECK_WORDS(on.profiles, 12, "");
        memcpy(data, head, sizeof(head));
        memcpy(data + sizeof(head), m.uki.digest, 32);
        CHECK_OK(ingot_bank_digest(INGOT_BANK_SHA256, INGOT_SPAN(data, sizeof(data)), digest,
                                   &error));
        for (size_t i = 0; i < on.profiles->count; i++)
                if (memcmp(on.profiles->events[i].record.digest[INGOT_BANK_SHA256], digest, 32) ==
                    0)
                        found++;
        CHECK_EQ(found, 1);
}

TEST(a_program_that_secure_boot_does_not_start_is_an_error)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL, *other = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0}, on = {0};
        _cleanup_edk2_variables_ struct ingot_edk2_variables variables = {0};
        CHECK_OK(make_esp(&esp, LOADER("257"), STUB("257"), plain, 4, &error));
        CHECK_OK(make_esp(&other, LOADER("257"), STUB("257.1"), plain, 4, &error));
        CHECK_OK(predict(esp, &m, &error));
        CHECK_OK(list_programs(&m, &variables, &error));
        CHECK_FAILS(predict_with(other, &variables, &on, &error), INGOT_E_REFUSED,
                    "EFI/Linux/a+3-0.efi: Secure Boot does not let it start: the image is not "
                    "signed, and its digest is not in db");
}

/* Shim measures into PCR 7, too. */
TEST(with_another_loader_pcr_7_is_unknown)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL, *stub = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0}, on = {0}, s = {0};
        _cleanup_edk2_variables_ struct ingot_edk2_variables variables = {0}, none = {0};
        CHECK_OK(make_esp(&esp, "#### LoaderInfo: shim 1 ####", STUB("257"), plain, 4, &error));
        CHECK_OK(make_esp(&stub, LOADER("257"), STUB("999"), plain, 4, &error));
        CHECK_OK(predict(esp, &m, &error));
        CHECK_OK(list_programs(&m, &variables, &error));
        CHECK_OK(predict_with(esp, &variables, &on, &error));
        CHECK_WORDS(on.profiles, 7,
                    "SecureBoot: on|PK|KEK|db|dbx|separator|db: the key that vouches for what was "
                    "started|?what the loader loads and measures|db: the key that vouches for what "
                    "was started|");
        CHECK_OK(predict_with(stub, &none, &s, &error));
        CHECK_WORDS(s.profiles, 7,
                    "SecureBoot: off|PK|KEK|db|dbx|separator|?what the stub loads and measures|");
}

TEST(dbt_is_measured_where_it_is)
{
        static const struct ingot_efi_time never;
        const struct ingot_secure_boot_fact *db = ingot_secure_boot_facts + INGOT_SECURE_BOOT_DB;
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *esp = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0};
        _cleanup_edk2_variables_ struct ingot_edk2_variables variables = {0};
        CHECK_OK(ingot_edk2_variables_set(&variables, "dbt", &db->vendor, 0, &never,
                                          INGOT_SPAN("x", 1), &error));
        CHECK_OK(make_esp(&esp, LOADER("257"), STUB("257"), plain, 4, &error));
        CHECK_OK(predict_with(esp, &variables, &m, &error));
        CHECK_WORDS(m.profiles, 7, "SecureBoot: off|PK|KEK|db|dbx|dbt|separator|");
}
