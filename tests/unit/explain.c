/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Twenty changes of a machine, made in the logs of a boot (tests/eventlogs/) as firmware, loader and
 * system would have logged them, and what is said of each: exactly those causes, and no others.
 */
#include "base/text.h"
#include "edit-eventlog.h"
#include "make-userspace-log.h"
#include "measure/explain-accepted.h"
#include "measure/explain-expected.h"
#include "measure/stub-rules.h"
#include "os/file.h"
#include "test.h"
#include "trust/certificate.h"

#include <fcntl.h>

static ingot_error error;

#define SPAN(text) INGOT_SPAN(text, sizeof(text) - 1)

/* One boot, as it was or changed. */
struct boot {
        struct ingot_buffer firmware_bytes, userspace_bytes;
        struct ingot_boot_log log;
        struct ingot_explain_side side;
        bool before; /* of two, it is the earlier one */
};

static void boot_done(struct boot *b)
{
        ingot_explain_side_done(&b->side);
        ingot_boot_log_done(&b->log);
        ingot_buffer_done(&b->firmware_bytes);
        ingot_buffer_done(&b->userspace_bytes);
}
#define _cleanup_boot_ __attribute__((cleanup(boot_done)))

static int boot_decode(struct boot *b)
{
        int r = ingot_eventlog_decode(ingot_buffer_span(&b->firmware_bytes), &b->log.firmware,
                                      &error);
        if (r >= 0)
                r = ingot_userspace_log_decode(ingot_buffer_span(&b->userspace_bytes),
                                               &b->log.userspace, &error);
        return r < 0 ? r : ingot_explain_side_of_log(&b->log, &b->side, &error);
}

static int append_file(const char *name, struct ingot_buffer *ret)
{
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, test_source(name), 1 << 20, &bytes, &size, &error);
        return r < 0 ? r : ingot_buffer_append(ret, bytes, size, &error);
}

/* A boot out of tests/eventlogs/. */
static int boot_load_named(struct boot *b, const char *name)
{
        char path[64];
        snprintf(path, sizeof(path), "tests/eventlogs/%s.firmware", name);
        int r = append_file(path, &b->firmware_bytes);
        snprintf(path, sizeof(path), "tests/eventlogs/%s.userspace", name);
        if (r >= 0)
                r = append_file(path, &b->userspace_bytes);
        return r < 0 ? r : boot_decode(b);
}

static int boot_load(struct boot *b)
{
        return boot_load_named(b, "trixie");
}

/* The identifiers, each once, in the order in which they are told, with their PCR. */
static void ids_of(const struct ingot_causes *causes, struct ingot_buffer *ret)
{
        (void) ingot_buffer_printf(ret, NULL, "%s", "");
        for (size_t i = 0; i < causes->count; i++)
                (void) ingot_buffer_printf(ret, NULL, "%s%u:%s", i ? " " : "",
                                           causes->items[i].at.pcr, causes->items[i].id);
}

static bool says(const struct ingot_causes *causes, const char *text)
{
        for (size_t i = 0; i < causes->count; i++)
                if (strstr(causes->items[i].text, text))
                        return true;
        return false;
}

/* What was changed in the machine; works on the firmware's log. */
typedef void (*edit_fn)(struct edited_log *log);

/* The program of that path is another file. */
static void change_image(struct edited_log *log, const char *path, const char *content)
{
        struct edited_event *e = edit_find(log, 4, path, 0);
        if (e)
                edit_measure(log, e, INGOT_SPAN(content, strlen(content)));
}

/* The stub measures name and content of a section, both under the section's name. */
static void change_section(struct edited_log *log, const char *name, const char *content)
{
        struct edited_event *e = edit_find(log, 11, name, 1);
        if (e)
                edit_measure(log, e, INGOT_SPAN(content, strlen(content)));
        change_image(log, "\\EFI\\Linux\\", content);
}

static void change_tag(struct edited_log *log, uint32_t pcr, const char *words, const char *content)
{
        struct edited_event *e = edit_find(log, pcr, words, 0);
        if (e)
                edit_measure(log, e, INGOT_SPAN(content, strlen(content)));
}

/* The variable gets other content: its event's data, and the digest of what firmware measures. */
static void change_variable(struct edited_log *log, struct edited_event *e,
                            struct ingot_span content)
{
        struct ingot_event_variable v;
        _cleanup_buffer_ struct ingot_buffer data = {0};
        if (!e || !ingot_event_variable_decode(ingot_buffer_span(&e->data), &v))
                return;
        size_t header = (size_t) (v.name.data - e->data.data) + v.name.size;
        bool only_content = e->type == INGOT_EV_EFI_VARIABLE_BOOT;
        (void) ingot_buffer_append(&data, e->data.data, header, NULL);
        ingot_le64_store(data.data + 24, content.size);
        (void) ingot_buffer_append(&data, content.data, content.size, NULL);
        edit_set(&e->data, ingot_buffer_span(&data));
        edit_measure(log, e, only_content ? content : ingot_buffer_span(&data));
}

static void another_loader(struct edited_log *log)
{
        change_image(log, "\\EFI\\BOOT\\BOOTX64.EFI", "another systemd-boot");
}

static void another_kernel(struct edited_log *log)
{
        change_section(log, ".linux", "another kernel");
        change_image(log, "Ven", "another kernel");
}

static void another_uki_command_line(struct edited_log *log)
{
        change_section(log, ".cmdline", "quiet debug");
        change_tag(log, 9, "kernel command line", "quiet debug");
}

static void another_initrd(struct edited_log *log)
{
        change_section(log, ".initrd", "another initrd");
        change_tag(log, 9, "initrd", "another initrd");
}

/* A signature list of COUNT hashes behind what is there. */
static void more_hashes(struct edited_log *log, const char *variable, unsigned count)
{
        struct edited_event *e = edit_find(log, 7, variable, 0);
        struct ingot_event_variable v;
        _cleanup_efi_signatures_ struct ingot_efi_signatures s = {0};
        _cleanup_buffer_ struct ingot_buffer lists = {0};
        static const uint8_t hashes[8][32] = {{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}};
        const struct ingot_uuid owner = {{0}};
        if (!e || !ingot_event_variable_decode(ingot_buffer_span(&e->data), &v) ||
            ingot_efi_signatures_decode(v.data, &s, NULL) < 0)
                return;
        for (unsigned i = 0; i < count; i++)
                (void) ingot_efi_signatures_add(&s, INGOT_EFI_SIGNATURE_SHA256, &owner,
                                                INGOT_SPAN(hashes[i], 32), NULL);
        (void) ingot_efi_signatures_encode(&s, &lists, NULL);
        change_variable(log, e, ingot_buffer_span(&lists));
}

static void another_dbx(struct edited_log *log)
{
        more_hashes(log, "dbx: ", 3);
}

static void another_db(struct edited_log *log)
{
        struct edited_event *e = edit_find(log, 7, "db: ", 0);
        _cleanup_certificate_ struct ingot_certificate *c = NULL;
        _cleanup_efi_signatures_ struct ingot_efi_signatures s = {0};
        _cleanup_buffer_ struct ingot_buffer lists = {0};
        const struct ingot_uuid owner = {{0}};
        struct ingot_event_variable v;
        if (!e || ingot_certificate_load(&c, test_source("tests/signatures/x509-signer.pem"), NULL) < 0 ||
            !ingot_event_variable_decode(ingot_buffer_span(&e->data), &v) ||
            ingot_efi_signatures_decode(v.data, &s, NULL) < 0)
                return;
        (void) ingot_efi_signatures_add(&s, INGOT_EFI_SIGNATURE_X509, &owner,
                                        ingot_certificate_der(c), NULL);
        (void) ingot_efi_signatures_encode(&s, &lists, NULL);
        change_variable(log, e, ingot_buffer_span(&lists));
}

static void secure_boot_off(struct edited_log *log)
{
        struct edited_event *e = edit_find(log, 7, "SecureBoot: ", 0);
        log->before = e && e->data.data[e->data.size - 1] == 0;
        change_variable(log, e, log->before ? SPAN("\1") : SPAN("\0"));
}

/* The last partition has more sectors; the disk's end is elsewhere, too. */
static void another_disk_layout(struct edited_log *log)
{
        struct edited_event *e = edit_find(log, 5, "partition table", 0);
        if (!e)
                return;
        uint64_t count = ingot_le64_load(e->data.data + 92);
        uint8_t *last = e->data.data + 100 + (count - 1) * 128;
        ingot_le64_store(last + 40, ingot_le64_load(last + 40) + 2048);
        ingot_le64_store(e->data.data + 32, ingot_le64_load(e->data.data + 32) + 2048);
        edit_measure(log, e, ingot_buffer_span(&e->data));
}

/* UEFI_VARIABLE_DATA of one of UEFI's own variables. */
static void put_variable(struct ingot_buffer *b, const char *name, struct ingot_span content)
{
        (void) ingot_buffer_append(
                b, "\x61\xdf\xe4\x8b\xca\x93\xd2\x11\xaa\x0d\x00\xe0\x98\x03\x2b\x8c", 16, NULL);
        put64(b, strlen(name));
        put64(b, content.size);
        for (const char *c = name; *c; c++)
                put16(b, (uint8_t) *c);
        (void) ingot_buffer_append(b, content.data, content.size, NULL);
}

/* BootOrder with one number more in front, or its numbers turned round. */
static void change_boot_order(struct edited_log *log, bool more)
{
        struct edited_event *e = edit_find(log, 1, "BootOrder: ", 0);
        struct ingot_event_variable v;
        _cleanup_buffer_ struct ingot_buffer order = {0};
        if (!e || !ingot_event_variable_decode(ingot_buffer_span(&e->data), &v))
                return;
        if (more)
                put16(&order, 0x77);
        for (size_t i = 0; i + 1 < v.data.size; i += 2)
                put16(&order, ingot_le16_load(v.data.data + (more ? i : v.data.size - 2 - i)));
        change_variable(log, e, ingot_buffer_span(&order));
}

static void extra_boot_entry(struct edited_log *log)
{
        _cleanup_buffer_ struct ingot_buffer option = {0}, variable = {0};
        change_boot_order(log, true);
        put32(&option, 1);
        put16(&option, 4);
        edit_put_utf16(&option, "Another System");
        put32(&option, 0x0004ff7f);
        put_variable(&variable, "Boot0077", ingot_buffer_span(&option));
        edit_add(log, edit_find(log, 1, "BootOrder: ", 0), 1, INGOT_EV_EFI_VARIABLE_BOOT,
                 ingot_buffer_span(&option), ingot_buffer_span(&variable));
}

static void another_boot_order(struct edited_log *log)
{
        change_boot_order(log, false);
}

/* UEFI_IMAGE_LOAD_EVENT. */
static void put_image(struct ingot_buffer *b, struct ingot_span path)
{
        put64(b, 0x7e000000);
        put64(b, 0x10000);
        put64(b, 0);
        put64(b, path.size);
        (void) ingot_buffer_append(b, path.data, path.size, NULL);
}

static void another_option_rom(struct edited_log *log)
{
        static const uint8_t path[] = {
                2, 1, 12, 0, 0xd0, 0x41, 0x03, 0x0a, 0, 0, 0, 0, /* PciRoot(0) */
                1, 1, 6, 0, 0, 7,                                /* Pci(7,0) */
                0x7f, 0xff, 4, 0,
        };
        _cleanup_buffer_ struct ingot_buffer image = {0};
        put_image(&image, INGOT_SPAN(path, sizeof(path)));
        edit_add(log, edit_find(log, 2, "", 0), 2, INGOT_EV_EFI_BOOT_SERVICES_DRIVER,
                 SPAN("an option ROM"), ingot_buffer_span(&image));
}

/* What systemd-stub makes of files beside the UKI, told by EV_IPL with a text in UTF-16. */
static void add_stub_initrd(struct edited_log *log, uint32_t pcr, const char *text)
{
        _cleanup_buffer_ struct ingot_buffer data = {0};
        if (edit_take_out(log, pcr, text))
                return;
        edit_put_utf16(&data, text);
        edit_add(log, NULL, pcr, INGOT_EV_IPL, SPAN("a cpio archive"), ingot_buffer_span(&data));
}

static void a_credential(struct edited_log *log)
{
        add_stub_initrd(log, 12, "Credentials initrd");
}

static void a_system_extension(struct edited_log *log)
{
        add_stub_initrd(log, 13, "System extension initrd");
}

static void a_configuration_extension(struct edited_log *log)
{
        add_stub_initrd(log, 12, "Configuration extension initrd");
}

/* Firmware measures the addon's program, the stub the command line in it. */
static void an_addon(struct edited_log *log)
{
        static const char name[] = "\\EFI\\Linux\\appliance_1.efi.extra.d\\a.addon.efi";
        _cleanup_buffer_ struct ingot_buffer path = {0}, image = {0}, line = {0};
        if (edit_take_out(log, 4, ".addon.efi") && edit_take_out(log, 12, "test.addon=1"))
                return;
        put16(&path, 0x0404);
        put16(&path, 4 + 2 * sizeof(name));
        edit_put_utf16(&path, name);
        put32(&path, 0x0004ff7f);
        put_image(&image, ingot_buffer_span(&path));
        edit_add(log, edit_find(log, 4, "\\EFI\\Linux\\", 0), 4,
                 INGOT_EV_EFI_BOOT_SERVICES_APPLICATION, SPAN("an addon"),
                 ingot_buffer_span(&image));
        edit_put_utf16(&line, "addon.word=1");
        edit_add(log, NULL, 12, INGOT_EV_IPL, ingot_buffer_span(&line), ingot_buffer_span(&line));
}

static void put_tag(struct ingot_buffer *b, uint32_t tag, const char *text)
{
        _cleanup_buffer_ struct ingot_buffer content = {0};
        edit_put_utf16(&content, text);
        put32(b, tag);
        put_sized(b, content.data, content.size);
}

static void another_profile(struct edited_log *log)
{
        _cleanup_buffer_ struct ingot_buffer tag = {0};
        put_tag(&tag, INGOT_STUB_TAG_PROFILE, "1");
        edit_add(log, NULL, 12, INGOT_EV_EVENT_TAG, SPAN("1\0\0"), ingot_buffer_span(&tag));
}

static void another_loader_conf(struct edited_log *log)
{
        change_tag(log, 5, "loader.conf", "timeout 10");
}

static void another_firmware_version(struct edited_log *log)
{
        struct edited_event *e = edit_find(log, 0, "", 0);
        _cleanup_buffer_ struct ingot_buffer version = {0};
        edit_put_utf16(&version, "2026.11-1");
        if (!e)
                return;
        edit_set(&e->data, ingot_buffer_span(&version));
        edit_measure(log, e, ingot_buffer_span(&version));
}

static void another_smbios(struct edited_log *log)
{
        change_tag(log, 1, "SMBIOS", "another machine");
}

/* Whose logs are changed, by the names of their files. */
static const char *const machines[] = {"trixie", "sid", "made"};
#define TRIXIE (1u << 0)
#define SID (1u << 1)
#define MADE (1u << 2)

static const struct change {
        const char *name;
        edit_fn edit;     /* of the firmware's log */
        const char *from, *to; /* in the log of user space */
        const char *ids;       /* all causes */
        const char *says;      /* in one of the sentences */
        unsigned without;      /* a bit for each of the machines that has no such thing */
} changes[] = {
        {"another loader", another_loader, NULL, NULL, "4:loader-changed",
         "another boot loader at \\EFI\\BOOT\\BOOTX64.EFI"},
        {"another kernel", another_kernel, NULL, NULL,
         "4:uki-changed 4:program-changed 11:kernel-changed",
         "the UKI has another kernel (section .linux)", SID},
        {"another kernel that the stub loads itself", another_kernel, NULL, NULL,
         "4:uki-changed 11:kernel-changed", "the UKI has another kernel (section .linux)",
         TRIXIE | MADE},
        {"another command line", another_uki_command_line, NULL, NULL,
         "4:uki-changed 9:command-line-changed 11:command-line-changed",
         "the UKI has another command line (section .cmdline)"},
        {"another initrd", another_initrd, NULL, NULL,
         "4:uki-changed 9:initrd-changed 11:initrd-changed",
         "the UKI has another initrd (section .initrd)"},
        {"another dbx", another_dbx, NULL, NULL, "7:dbx-changed",
         "the firmware has another dbx now (3 hashes more)"},
        {"another db", another_db, NULL, NULL, "7:db-changed",
         "the firmware has another db now (1 certificate more: "},
        {"Secure Boot off", secure_boot_off, NULL, NULL, "7:secure-boot-changed",
         "Secure Boot is off now"},
        {"another disk layout", another_disk_layout, NULL, NULL, "5:partition-table-changed",
         ") grew"},
        {"an extra boot entry", extra_boot_entry, NULL, NULL,
         "1:boot-order-changed 1:boot-entry-added",
         "a boot entry was added: Boot0077 'Another System'"},
        {"another boot order", another_boot_order, NULL, NULL, "1:boot-order-changed",
         "the boot order changed: it was "},
        {"an option ROM", another_option_rom, NULL, NULL, "2:option-rom-added",
         "an option ROM is new, of PciRoot(0x0)/Pci(0x7,0x0)"},
        {"a credential", a_credential, NULL, NULL, "12:credentials-added",
         "a credential was added on the ESP"},
        {"a system extension", a_system_extension, NULL, NULL, "13:sysext-added",
         "a system extension was added on the ESP"},
        {"a configuration extension", a_configuration_extension, NULL, NULL, "12:confext-added",
         "a configuration extension was added on the ESP"},
        {"an addon", an_addon, NULL, NULL, "4:addon-added 12:command-line-added",
         "an addon was added on the ESP: \\EFI\\Linux\\appliance_1.efi.extra.d\\"},
        {"another profile", another_profile, NULL, NULL, "12:profile-added", "profile"},
        {"another loader.conf", another_loader_conf, NULL, NULL, "5:loader-conf-changed",
         "loader.conf"},
        {"another firmware version", another_firmware_version, NULL, NULL,
         "0:firmware-version-changed", "is '2026.11-1' now"},
        {"another SMBIOS", another_smbios, NULL, NULL, "1:smbios-changed", "SMBIOS",
         TRIXIE},
        {"another machine id", NULL, "machine-id:", "machine-id:0",
         "15:machine-id-changed", "the system has another machine id", SID},
        {"another file system", NULL, "file-system:/var:ext4:",
         "file-system:/var:btrfs:", "15:file-system-changed",
         "the file system at /var is another: another type", SID},
};

/* Every WORD becomes ANOTHER, of the same length or not. */
static int replace_all(struct ingot_buffer *b, const char *word, const char *another)
{
        _cleanup_buffer_ struct ingot_buffer out = {0};
        size_t n = strlen(word), at = 0;
        int r = 0;
        while (r >= 0 && at < b->size) {
                const uint8_t *next = memmem(b->data + at, b->size - at, word, n);
                size_t plain = next ? (size_t) (next - b->data) - at : b->size - at;
                r = ingot_buffer_append(&out, b->data + at, plain, &error);
                if (r >= 0 && next)
                        r = ingot_buffer_append(&out, another, strlen(another), &error);
                at += plain + (next ? n : 0);
        }
        edit_set(b, ingot_buffer_span(&out));
        return r;
}

/* The record whose string begins with FROM says, and measured, one that begins with TO. */
static int change_userspace(struct ingot_buffer *bytes, const struct ingot_userspace_log *log,
                            const char *from, const char *to)
{
        for (size_t i = 0; i < log->count; i++) {
                const struct ingot_userspace_event *e = log->events + i;
                _cleanup_free_ char *string = NULL;
                if (!e->string || !ingot_starts_with(e->string, from))
                        continue;
                int r = ingot_format(&string, &error, "%s%s", to, e->string + strlen(from));
                for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++) {
                        uint8_t digest[INGOT_BANK_SIZE_MAX];
                        char was[2 * INGOT_BANK_SIZE_MAX + 1], is[2 * INGOT_BANK_SIZE_MAX + 1];
                        if (!(e->record.banks & 1u << bank))
                                continue;
                        r = ingot_bank_digest(bank, INGOT_SPAN(string, strlen(string)), digest,
                                              &error);
                        ingot_hex(was, e->record.digest[bank], ingot_bank_size(bank));
                        ingot_hex(is, digest, ingot_bank_size(bank));
                        if (r >= 0)
                                r = replace_all(bytes, was, is);
                }
                return r < 0 ? r : replace_all(bytes, e->string, string);
        }
        return 0;
}

static const struct change *change_of(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
                if (strcmp(changes[i].name, name) == 0)
                        return changes + i;
        return changes;
}

static int boot_change(const struct boot *base, const struct change *c, struct boot *ret)
{
        struct edited_log log = {0};
        int r = ingot_buffer_append(&ret->userspace_bytes, base->userspace_bytes.data,
                                    base->userspace_bytes.size, &error);
        edit_load(&log, &base->log.firmware);
        if (c->edit)
                c->edit(&log);
        edit_encode(&log, &ret->firmware_bytes);
        ret->before = log.before;
        edit_log_done(&log);
        if (r >= 0 && c->from)
                r = change_userspace(&ret->userspace_bytes, &base->log.userspace, c->from, c->to);
        return r < 0 ? r : boot_decode(ret);
}

static void check_change(const char *machine, const struct boot *base, const struct change *c)
{
        _cleanup_boot_ struct boot now = {.side = {.count = 0}};
        _cleanup_causes_ struct ingot_causes causes = {0};
        _cleanup_buffer_ struct ingot_buffer ids = {0};
        CHECK_OK(boot_change(base, c, &now));
        CHECK_OK(ingot_explain(now.before ? &now.side : &base->side,
                               now.before ? &base->side : &now.side, &causes, &error));
        ids_of(&causes, &ids);
        if (strcmp((const char *) ids.data, c->ids) != 0 || !says(&causes, c->says))
                test_report(__FILE__, __LINE__, "%s, %s: %s: %s", machine, c->name,
                            (const char *) ids.data,
                            causes.count ? causes.items[0].text : "nothing");
}

TEST(the_same_boot_has_no_causes)
{
        _cleanup_boot_ struct boot base = {.side = {.count = 0}}, again = {.side = {.count = 0}};
        _cleanup_causes_ struct ingot_causes causes = {0};
        const struct change nothing = {.name = "nothing"};
        CHECK_OK(boot_load(&base));
        CHECK(base.side.count > 40);
        CHECK_OK(boot_change(&base, &nothing, &again));
        CHECK_OK(ingot_explain(&base.side, &again.side, &causes, &error));
        CHECK_EQ(causes.count, 0);
}

TEST(each_change_of_a_machine_is_named)
{
        for (size_t k = 0; k < ARRAY_SIZE(machines); k++) {
                _cleanup_boot_ struct boot base = {.side = {.count = 0}};
                CHECK_OK(boot_load_named(&base, machines[k]));
                for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
                        if (!(changes[i].without & 1u << k))
                                check_change(machines[k], &base, changes + i);
        }
}

/* The measurement manifest that a prediction of this very boot would have given. */
static int expect(const struct boot *base, struct ingot_measurement *ret)
{
        static const uint32_t pcrs[] = {4, 9, 11, 12, 13};
        struct ingot_measured_profile *profile;
        struct ingot_measured_event *m;
        int r = ingot_measurement_add(ret, &profile, &error);
        for (size_t i = 0; r >= 0 && i < base->side.count; i++) {
                const struct ingot_explain_event *e = base->side.events + i;
                bool wanted = false;
                for (size_t k = 0; k < ARRAY_SIZE(pcrs); k++)
                        wanted |= e->record.nv_index == 0 && e->record.pcr == pcrs[k];
                if (!wanted)
                        continue;
                r = ingot_measured_profile_add(profile, &m, &error);
                if (r < 0)
                        return r;
                m->record = e->record;
                m->type = e->firmware ? e->firmware->type : 0;
                m->tag = m->type == INGOT_EV_EVENT_TAG ? ingot_le32_load(e->firmware->data.data) : 0;
                m->by = e->userspace ? INGOT_MEASURER_SYSTEM : INGOT_MEASURER_STUB;
                (void) ingot_phase_parse(e->name, &m->phase);
                r = e->subject == INGOT_SUBJECT_UKI_SECTION
                            ? ingot_format(&m->what, &error, "section %s, its bytes", e->name)
                    : e->subject == INGOT_SUBJECT_PROGRAM
                            ? ingot_strdup(&m->what, "section .linux, the kernel", &error)
                            : ingot_strdup(&m->what, e->name[0] == '\\' ? e->name + 1 : e->name,
                                           &error);
                for (char *c = m->what; r >= 0 && *c; c++)
                        *c = *c == '\\' ? '/' : *c;
        }
        return r;
}

static void against_manifest(const struct ingot_measurement *m, const struct boot *now,
                             struct ingot_buffer *ret_ids)
{
        _cleanup_explain_side_ struct ingot_explain_side before = {0};
        _cleanup_causes_ struct ingot_causes causes = {0};
        uint32_t profile = 9;
        ret_ids->size = 0;
        if (ingot_explain_expected(m, &now->side, &profile, &before, &causes, &error) < 0)
                (void) ingot_buffer_printf(ret_ids, NULL, "%s", error.text);
        else if (profile == 0)
                ids_of(&causes, ret_ids);
}

/* The identifiers of PCR 4, 9, 11, 12 and 13 alone. */
static void predicted_ids(const char *ids, struct ingot_buffer *ret)
{
        _cleanup_strings_ struct ingot_strings words = {0};
        const char *between = "";
        (void) ingot_strings_split(&words, ids, " ", NULL);
        (void) ingot_buffer_printf(ret, NULL, "%s", "");
        for (size_t i = 0; i < words.count; i++) {
                int pcr = atoi(words.items[i]);
                if (pcr != 4 && (pcr < 9 || pcr > 13))
                        continue;
                (void) ingot_buffer_printf(ret, NULL, "%s%s", between, words.items[i]);
                between = " ";
        }
}

TEST(against_the_manifest_the_same_causes_are_named)
{
        _cleanup_boot_ struct boot base = {.side = {.count = 0}};
        _cleanup_measurement_ struct ingot_measurement m = {0};
        CHECK_OK(boot_load_named(&base, "made"));
        CHECK_OK(expect(&base, &m));
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                _cleanup_boot_ struct boot now = {.side = {.count = 0}};
                _cleanup_buffer_ struct ingot_buffer ids = {0}, want = {0};
                if (changes[i].without & MADE)
                        continue;
                CHECK_OK(boot_change(&base, changes + i, &now));
                against_manifest(&m, &now, &ids);
                predicted_ids(changes[i].ids, &want);
                if (strcmp((const char *) ids.data, (const char *) want.data) != 0)
                        test_report(__FILE__, __LINE__, "%s: %s", changes[i].name,
                                    (const char *) ids.data);
        }
}

/* Events of PCR 4, whose digests are those of their names. */
static int boot_of(struct boot *ret, const char *names)
{
        _cleanup_strings_ struct ingot_strings words = {0};
        int r = ingot_strings_split(&words, names, " ", &error);
        make_eventlog_start(&ret->firmware_bytes);
        for (size_t i = 0; i < words.count; i++) {
                struct ingot_span word = INGOT_SPAN(words.items[i], strlen(words.items[i]));
                make_eventlog_add(&ret->firmware_bytes, 4, INGOT_EV_IPL, word, word);
        }
        return r < 0 ? r : boot_decode(ret);
}

TEST(the_version_that_the_manifest_expects_is_told)
{
        _cleanup_boot_ struct boot base = {.side = {.count = 0}}, now = {.side = {.count = 0}};
        _cleanup_measurement_ struct ingot_measurement m = {0};
        _cleanup_explain_side_ struct ingot_explain_side before = {0};
        _cleanup_causes_ struct ingot_causes causes = {0};
        uint32_t profile;
        CHECK_OK(boot_load_named(&base, "made"));
        CHECK_OK(expect(&base, &m));
        CHECK_OK(ingot_strdup(&m.loader.info, "systemd-boot 257.9-1", &error));
        CHECK_OK(boot_change(&base, changes, &now));
        CHECK_OK(ingot_explain_expected(&m, &now.side, &profile, &before, &causes, &error));
        CHECK_EQ(causes.count, 1);
        CHECK_STR(causes.items[0].text, "another boot loader at \\EFI\\BOOT\\BOOTX64.EFI "
                                        "(expected: systemd-boot 257.9-1)");
}

/* Lines of a script are many: one sentence tells of all. */
TEST(commands_of_grub_are_told_as_one)
{
        _cleanup_boot_ struct boot a = {.side = {.count = 0}}, b = {.side = {.count = 0}};
        _cleanup_causes_ struct ingot_causes causes = {0};
        CHECK_OK(boot_of(&a, "grub_cmd:1 grub_cmd:2 grub_cmd:3"));
        CHECK_OK(boot_of(&b, "grub_cmd:1 grub_cmd:4 grub_cmd:5 grub_cmd:6"));
        CHECK_OK(ingot_explain(&a.side, &b.side, &causes, &error));
        CHECK_EQ(causes.count, 2);
        CHECK_STR(causes.items[0].text, "GRUB ran more commands, first 'grub_cmd:4'");
        CHECK_EQ(causes.items[0].added, 3);
        CHECK_EQ(causes.items[1].removed, 2);
}

/* Of an NV index that is used as a PCR. */
TEST(nv_indexes_are_compared_like_pcrs)
{
        _cleanup_boot_ struct boot a = {.side = {.count = 0}}, b = {.side = {.count = 0}};
        _cleanup_causes_ struct ingot_causes causes = {0};
        _cleanup_free_ char *place = NULL;
        make_eventlog_start(&a.firmware_bytes);
        make_eventlog_start(&b.firmware_bytes);
        make_userspace_add_nv(&a.userspace_bytes, 0x01d10200, "hardware", "product-id",
                              "product-id:missing");
        make_userspace_add_nv(&b.userspace_bytes, 0x01d10200, "hardware", "product-id",
                              "product-id:00ff");
        CHECK_OK(boot_decode(&a));
        CHECK_OK(boot_decode(&b));
        CHECK_OK(ingot_explain(&a.side, &b.side, &causes, &error));
        CHECK_EQ(causes.count, 1);
        CHECK_STR(causes.items[0].id, "product-id-changed");
        CHECK_STR(causes.items[0].text, "the machine has another product id: it was "
                                        "'product-id:missing' and is 'product-id:00ff' now");
        CHECK_OK(ingot_explain_place(&b.side, &causes.items[0].at, &place, &error));
        CHECK_STR(place, "NV index 0x01d10200");
}

TEST(what_the_manifest_does_not_know_is_passed_over)
{
        _cleanup_boot_ struct boot base = {.side = {.count = 0}}, now = {.side = {.count = 0}};
        _cleanup_measurement_ struct ingot_measurement m = {0};
        _cleanup_buffer_ struct ingot_buffer ids = {0};
        CHECK_OK(boot_load_named(&base, "made"));
        CHECK_OK(expect(&base, &m));
        for (size_t i = 0; i < m.profiles[0].count; i++)
                if (m.profiles[0].events[i].tag)
                        m.profiles[0].events[i].record.banks = 0;
        CHECK_OK(boot_change(&base, change_of("another initrd"), &now));
        against_manifest(&m, &now, &ids);
        CHECK_STR((const char *) ids.data, "4:uki-changed 11:initrd-changed");
}

/* A boot that is not yet ready lacks nothing. */
TEST(the_manifest_is_compared_as_far_as_the_boot_has_come)
{
        _cleanup_boot_ struct boot base = {.side = {.count = 0}}, early = {.side = {.count = 0}};
        _cleanup_measurement_ struct ingot_measurement m = {0};
        _cleanup_buffer_ struct ingot_buffer ids = {0};
        CHECK_OK(boot_load(&base));
        CHECK_OK(expect(&base, &m));
        edit_set(&early.firmware_bytes, ingot_buffer_span(&base.firmware_bytes));
        CHECK_OK(boot_decode(&early));
        against_manifest(&m, &early, &ids);
        CHECK_STR((const char *) ids.data, "");
}

/* What systemd-pcrlock would accept after this very boot: the value of each PCR that has one. */
static int accept(const struct boot *base, struct ingot_pcrlock_policy *ret)
{
        struct ingot_replay replay;
        struct ingot_pcr_values *values;
        int r = ingot_boot_log_replay(&base->log, &replay, &error);
        ret->bank = INGOT_BANK_SHA256;
        for (unsigned pcr = 0; r >= 0 && pcr < INGOT_PCR_COUNT; pcr++) {
                if (!(replay.touched & 1u << pcr))
                        continue;
                r = ingot_pcr_sets_add(&ret->sets, pcr, ret->bank, &values, &error);
                if (r >= 0)
                        r = ingot_pcr_values_add(values, replay.pcrs[pcr].value[ret->bank], &error);
        }
        return r;
}

static void against_policy(const struct ingot_pcrlock_policy *policy,
                           const struct ingot_components *components, const struct boot *now,
                           struct ingot_buffer *ret_ids)
{
        _cleanup_causes_ struct ingot_causes causes = {0};
        ret_ids->size = 0;
        if (ingot_explain_accepted(policy, components, &now->log, &now->side, &causes, &error) < 0)
                (void) ingot_buffer_printf(ret_ids, NULL, "%s", error.text);
        else
                ids_of(&causes, ret_ids);
}

/* All that a boot measured, as components: one for each. */
static int component_of_everything(const struct boot *base, struct ingot_components *ret)
{
        struct ingot_variant *variant;
        int r = ingot_components_add(ret, "500-everything", NULL, &variant, &error);
        for (size_t i = 0; r >= 0 && i < base->side.count; i++) {
                struct ingot_record *record;
                r = ingot_records_add(&variant->records, &record, &error);
                if (r >= 0)
                        *record = base->side.events[i].record;
        }
        return r;
}

TEST(with_components_what_is_in_none_is_why_a_policy_refuses)
{
        _cleanup_boot_ struct boot base = {.side = {.count = 0}};
        _cleanup_pcrlock_policy_ struct ingot_pcrlock_policy policy = {0};
        _cleanup_components_ struct ingot_components components = {0};
        static const char *const names[][2] = {
                {"another loader", "4:loader-changed"},
                {"another dbx", "7:dbx-changed"},
                {"Secure Boot off", "7:secure-boot-changed"},
                {"another disk layout", "5:partition-table-changed"},
                {"another firmware version", "0:firmware-version-changed"},
                {"another machine id", "15:machine-id-changed"},
        };
        CHECK_OK(boot_load_named(&base, "made"));
        CHECK_OK(accept(&base, &policy));
        CHECK_OK(component_of_everything(&base, &components));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_boot_ struct boot now = {.side = {.count = 0}};
                _cleanup_buffer_ struct ingot_buffer ids = {0};
                CHECK_OK(boot_change(&base, change_of(names[i][0]), &now));
                against_policy(&policy, &components, &now, &ids);
                CHECK_STR((const char *) ids.data, names[i][1]);
        }
}

TEST(without_components_the_measurement_that_is_too_much_is_found)
{
        _cleanup_boot_ struct boot base = {.side = {.count = 0}};
        _cleanup_pcrlock_policy_ struct ingot_pcrlock_policy policy = {0};
        const struct ingot_components none = {0};
        static const char *const names[][2] = {
                {"nothing", ""},
                {"an option ROM", "2:option-rom-added"},
                {"another dbx", "7:dbx-changed"}, /* by what changes most easily */
        };
        CHECK_OK(boot_load_named(&base, "made"));
        CHECK_OK(accept(&base, &policy));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_boot_ struct boot now = {.side = {.count = 0}};
                _cleanup_buffer_ struct ingot_buffer ids = {0};
                const struct change nothing = {.name = "nothing"};
                CHECK_OK(boot_change(&base, i ? change_of(names[i][0]) : &nothing, &now));
                against_policy(&policy, &none, &now, &ids);
                CHECK_STR((const char *) ids.data, names[i][1]);
        }
}

TEST(a_policy_of_another_bank_is_not_compared)
{
        _cleanup_boot_ struct boot base = {.side = {.count = 0}};
        _cleanup_causes_ struct ingot_causes causes = {0};
        const struct ingot_pcrlock_policy policy = {.bank = INGOT_BANK_SHA512};
        const struct ingot_components none = {0};
        CHECK_OK(boot_load(&base));
        CHECK_FAILS(ingot_explain_accepted(&policy, &none, &base.log, &base.side, &causes, &error),
                    INGOT_E_UNSUPPORTED, "the policy is for sha512");
}

/* The same events, as firmware logs them where there are registers and no TPM. */
static int boot_with_registers(struct boot *ret, const char *line)
{
        struct ingot_buffer *b = &ret->firmware_bytes;
        make_eventlog_start(b);
        ingot_le32_store(b->data, 1);
        make_eventlog_add(b, 1, INGOT_EV_SEPARATOR, SPAN("\0\0\0\0"), SPAN("\0\0\0\0"));
        make_eventlog_add(b, 3, INGOT_EV_IPL, SPAN(".cmdline\0"), SPAN(".cmdline\0"));
        make_eventlog_add(b, 3, INGOT_EV_IPL, INGOT_SPAN(line, strlen(line)), SPAN(".cmdline\0"));
        make_eventlog_add(b, 3, INGOT_EV_EVENT_TAG, INGOT_SPAN(line, strlen(line)),
                          SPAN("LOADED_IMAGE::LoadOptions\0"));
        return boot_decode(ret);
}

TEST(registers_of_a_confidential_machine_are_compared_with_each_other_only)
{
        _cleanup_boot_ struct boot base = {.side = {.count = 0}}, a = {.side = {.count = 0}},
                                   b = {.side = {.count = 0}};
        _cleanup_causes_ struct ingot_causes causes = {0};
        _cleanup_buffer_ struct ingot_buffer ids = {0};
        _cleanup_free_ char *place = NULL;
        CHECK_OK(boot_load(&base));
        CHECK_OK(boot_with_registers(&a, "quiet"));
        CHECK_OK(boot_with_registers(&b, "debug"));
        CHECK(a.side.registers && !base.side.registers);
        CHECK_FAILS(ingot_explain(&base.side, &a.side, &causes, &error), INGOT_E_UNSUPPORTED,
                    "confidential");
        CHECK_OK(ingot_explain(&a.side, &b.side, &causes, &error));
        ids_of(&causes, &ids);
        CHECK_STR((const char *) ids.data, "3:command-line-changed 3:command-line-changed");
        CHECK_OK(ingot_explain_place(&b.side, &causes.items[0].at, &place, &error));
        CHECK_STR(place, "RTMR 2");
}

TEST(what_was_only_moved_is_no_loss)
{
        static const struct {
                const char *before, *after, *ids;
        } cases[] = {
                {"a b c d", "a c b d", "4:order-changed"},
                {"a b c", "a x b c", "4:event-added"},
                {"a b c", "a c", "4:event-removed"},
                {"a a a", "a a", "4:event-removed"},
                {"a b", "b a x", "4:order-changed 4:event-added"},
                {"", "a", "4:event-added"},
                {"a", "", "4:event-removed"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_boot_ struct boot a = {.side = {.count = 0}}, b = {.side = {.count = 0}};
                _cleanup_causes_ struct ingot_causes causes = {0};
                _cleanup_buffer_ struct ingot_buffer ids = {0};
                CHECK_OK(boot_of(&a, cases[i].before));
                CHECK_OK(boot_of(&b, cases[i].after));
                CHECK_OK(ingot_explain(&a.side, &b.side, &causes, &error));
                ids_of(&causes, &ids);
                CHECK_STR((const char *) ids.data, cases[i].ids);
        }
}

TEST(logs_that_have_nothing_in_common_are_refused_within_bounds)
{
        _cleanup_boot_ struct boot a = {.side = {.count = 0}}, b = {.side = {.count = 0}};
        _cleanup_causes_ struct ingot_causes causes = {0};
        for (int k = 0; k < 2; k++) {
                struct boot *boot = k ? &b : &a;
                make_eventlog_start(&boot->firmware_bytes);
                for (uint32_t i = 0; i < 5000; i++) {
                        char name[16];
                        snprintf(name, sizeof(name), "%c%u", 'a' + k, i);
                        make_eventlog_add(&boot->firmware_bytes, 4, INGOT_EV_IPL,
                                          INGOT_SPAN(name, strlen(name)),
                                          INGOT_SPAN(name, strlen(name)));
                }
                CHECK_OK(boot_decode(boot));
        }
        CHECK_FAILS(ingot_explain(&a.side, &b.side, &causes, &error), INGOT_E_LIMIT,
                    "no boot of one machine");
}
