/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "base/text.h"
#include "format/device-path.h"
#include "format/partition-type.h"
#include "make-eventlog.h"
#include "measure/event.h"
#include "measure/replay.h"
#include "test.h"
#include "trust/certificate.h"

static ingot_error error;

#define SPAN(text) INGOT_SPAN(text, sizeof(text) - 1)

static void start(struct ingot_buffer *b)
{
        make_eventlog_start(b);
        make_eventlog_add(b, 7, INGOT_EV_SEPARATOR, SPAN("\0\0\0\0"), SPAN("\0\0\0\0"));
        make_eventlog_add(b, 5, INGOT_EV_EFI_ACTION, SPAN("Exit Boot Services Invocation"),
                          SPAN("Exit Boot Services Invocation"));
}

/* SecureBoot = 1, as firmware measures it. */
static void add_variable(struct ingot_buffer *b, uint8_t claimed)
{
        _cleanup_buffer_ struct ingot_buffer v = {0};
        (void) ingot_buffer_append(&v, "\x61\xdf\xe4\x8b\xca\x93\xd2\x11\xaa\x0d\x00\xe0\x98\x03\x2b\x8c",
                                   16, NULL);
        put64(&v, 10);
        put64(&v, 1);
        (void) ingot_buffer_append(&v, "S\0e\0c\0u\0r\0e\0B\0o\0o\0t\0", 20, NULL);
        (void) ingot_buffer_append(&v, "\1", 1, NULL);
        _cleanup_buffer_ struct ingot_buffer said = {0};
        (void) ingot_buffer_append(&said, v.data, v.size, NULL);
        said.data[said.size - 1] = claimed;
        make_eventlog_add(b, 7, INGOT_EV_EFI_VARIABLE_DRIVER_CONFIG, ingot_buffer_span(&v),
                          ingot_buffer_span(&said));
}

static const char *text_of(const struct ingot_event *e, struct ingot_buffer *b)
{
        b->size = 0;
        return ingot_event_text(e, b, &error) < 0 ? error.text : (const char *) b->data;
}

TEST(events_are_read_with_all_their_digests)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_eventlog_ struct ingot_eventlog log = {0};
        start(&b);
        CHECK_OK(ingot_eventlog_decode(ingot_buffer_span(&b), &log, &error));
        CHECK(!log.problem && log.crypto_agile);
        CHECK_EQ(log.count, 3);
        CHECK_EQ(log.events[1].index, 7);
        CHECK_EQ(log.events[1].digest_count, 2);
        CHECK(ingot_event_digest_of(log.events + 2, INGOT_TPM_SHA256));
        CHECK(!ingot_event_digest_of(log.events + 2, INGOT_TPM_SHA384));
        CHECK_STR(ingot_event_type_name(log.events[2].type), "EV_EFI_ACTION");
}

TEST(a_log_that_ends_anywhere_is_read_up_to_there)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        start(&b);
        size_t first = 0;
        for (size_t n = 0; n < b.size; n++) {
                _cleanup_eventlog_ struct ingot_eventlog log = {0};
                int r = ingot_eventlog_decode(INGOT_SPAN(b.data, n), &log, &error);
                if (r < 0) {
                        CHECK_EQ(error.code, INGOT_E_FORMAT);
                        CHECK_EQ(log.count, 0);
                        continue;
                }
                first = first ? first : n;
                CHECK(log.count >= 1 && log.count < 3);
                CHECK(log.problem || n == first || log.count == 2);
        }
        CHECK(first > 32);
}

TEST(what_is_filled_up_with_ones_or_zeros_ends_there)
{
        for (int fill = 0; fill < 2; fill++) {
                _cleanup_buffer_ struct ingot_buffer b = {0};
                _cleanup_eventlog_ struct ingot_eventlog log = {0};
                start(&b);
                size_t size = b.size;
                CHECK_OK(ingot_buffer_append_zeros(&b, 1000, &error));
                if (fill)
                        memset(b.data + size, 0xff, 1000);
                CHECK_OK(ingot_eventlog_decode(ingot_buffer_span(&b), &log, &error));
                CHECK(!log.problem);
                CHECK_EQ(log.count, 3);
        }
}

TEST(a_digest_of_unknown_size_stops_the_log_and_says_so)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_eventlog_ struct ingot_eventlog log = {0};
        start(&b);
        put32(&b, 4);
        put32(&b, INGOT_EV_IPL);
        put32(&b, 1);
        put16(&b, 0x27);
        CHECK_OK(ingot_buffer_append(&b, "0123456789", 10, &error));
        CHECK_OK(ingot_eventlog_decode(ingot_buffer_span(&b), &log, &error));
        CHECK_EQ(log.count, 3);
        CHECK(log.problem && strstr(log.problem, "algorithm 0x0027"));
}

TEST(rubbish_is_no_log)
{
        _cleanup_eventlog_ struct ingot_eventlog log = {0};
        uint8_t rubbish[4096];
        uint64_t state = 1;
        for (size_t i = 0; i < sizeof(rubbish); i++)
                rubbish[i] = (uint8_t) test_random(&state);
        CHECK_FAILS(ingot_eventlog_decode(INGOT_SPAN(rubbish, sizeof(rubbish)), &log, &error),
                    INGOT_E_FORMAT, "no event log");
        CHECK_FAILS(ingot_eventlog_decode(INGOT_SPAN(rubbish, (size_t) 64 << 20), &log, &error),
                    INGOT_E_LIMIT, "16 MiB");
}

TEST(an_event_that_lies_about_its_digest_is_found)
{
        _cleanup_buffer_ struct ingot_buffer b = {0}, text = {0};
        _cleanup_eventlog_ struct ingot_eventlog log = {0};
        start(&b);
        add_variable(&b, 1);
        add_variable(&b, 0);
        CHECK_OK(ingot_eventlog_decode(ingot_buffer_span(&b), &log, &error));
        CHECK_EQ(log.count, 5);
        CHECK_STR(text_of(log.events + 3, &text), "SecureBoot: on");
        CHECK_EQ(ingot_event_match(log.events + 3), INGOT_EVENT_MATCHES);
        CHECK_STR(text_of(log.events + 4, &text), "SecureBoot: off");
        CHECK_EQ(ingot_event_match(log.events + 4), INGOT_EVENT_DIFFERS);
}

/* SHA-256(32 zeros ‖ SHA-256(four zeros)): the value of PCR 1 to 6 on many a machine. */
TEST(replay_extends_in_every_bank)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_eventlog_ struct ingot_eventlog log = {0};
        struct ingot_replay replay;
        char hex[65];
        start(&b);
        CHECK_OK(ingot_eventlog_decode(ingot_buffer_span(&b), &log, &error));
        ingot_replay_start(&replay);
        CHECK_OK(ingot_replay_log(&replay, &log, &error));
        CHECK_EQ(replay.touched, 1u << 7 | 1u << 5);
        CHECK_EQ(replay.banks, 1u << INGOT_BANK_SHA1 | 1u << INGOT_BANK_SHA256);
        ingot_hex(hex, replay.pcrs[7].value[INGOT_BANK_SHA256], 32);
        CHECK_STR(hex, "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969");
        ingot_hex(hex, replay.pcrs[7].value[INGOT_BANK_SHA1], 20);
        CHECK_STR(hex, "b2a83b0ebf2f8374299a5b2bdfc31ea955ad7236");
}

/* UEFI_VARIABLE_DATA in an event of that type; its words. */
static const char *words_of_variable(uint32_t type, const char *name, struct ingot_span content,
                                     struct ingot_buffer *text)
{
        _cleanup_buffer_ struct ingot_buffer v = {0};
        const struct ingot_event e = {.type = type};
        (void) ingot_buffer_append_zeros(&v, 16, NULL);
        put64(&v, strlen(name));
        put64(&v, content.size);
        for (const char *c = name; *c; c++)
                put16(&v, (uint8_t) *c);
        (void) ingot_buffer_append(&v, content.data, content.size, NULL);
        struct ingot_event with_data = e;
        with_data.data = ingot_buffer_span(&v);
        return text_of(&with_data, text);
}

TEST(variables_are_told_by_what_they_hold)
{
        _cleanup_certificate_ struct ingot_certificate *c = NULL;
        _cleanup_efi_signatures_ struct ingot_efi_signatures s = {0};
        _cleanup_buffer_ struct ingot_buffer lists = {0}, entry = {0}, text = {0};
        static const struct ingot_uuid owner;
        static const uint8_t hashes[2][32] = {{1}, {2}};
        const uint32_t config = INGOT_EV_EFI_VARIABLE_DRIVER_CONFIG,
                       authority = INGOT_EV_EFI_VARIABLE_AUTHORITY;
        CHECK_OK(ingot_certificate_load(&c, test_source("tests/signatures/x509-self.pem"), &error));
        CHECK_OK(ingot_efi_signatures_add(&s, INGOT_EFI_SIGNATURE_X509, &owner,
                                          ingot_certificate_der(c), &error));
        for (int i = 0; i < 2; i++)
                CHECK_OK(ingot_efi_signatures_add(&s, INGOT_EFI_SIGNATURE_SHA256, &owner,
                                                  INGOT_SPAN(hashes[i], 32), &error));
        CHECK_OK(ingot_efi_signatures_encode(&s, &lists, &error));
        CHECK_STR(words_of_variable(config, "db", ingot_buffer_span(&lists), &text),
                  "db: 1 certificate (CN = self), 2 hashes");
        lists.size--;
        CHECK_STR(words_of_variable(config, "dbx", ingot_buffer_span(&lists), &text),
                  "dbx: malformed, 829 bytes");
        CHECK_OK(ingot_buffer_append_zeros(&entry, 16, &error));
        CHECK_OK(ingot_buffer_append(&entry, ingot_certificate_der(c).data,
                                     ingot_certificate_der(c).size, &error));
        CHECK_STR(words_of_variable(authority, "db", ingot_buffer_span(&entry), &text),
                  "db: CN = self");
        CHECK_STR(words_of_variable(authority, "Shim", ingot_certificate_der(c), &text),
                  "Shim: CN = self");
        CHECK_STR(words_of_variable(authority, "SbatLevel", SPAN("sbat,1,2021030218\n"), &text),
                  "SbatLevel: sbat,1,2021030218");
        CHECK_STR(words_of_variable(config, "SecureBoot", SPAN(""), &text), "SecureBoot: empty");
        CHECK_STR(words_of_variable(config, "Other", SPAN("\x80\x81\x82"), &text),
                  "Other: 3 bytes");
}

TEST(a_partition_table_is_told_with_its_partitions)
{
        _cleanup_buffer_ struct ingot_buffer b = {0}, text = {0};
        struct ingot_event e = {.type = INGOT_EV_EFI_GPT_EVENT};
        const struct ingot_partition_type *type = ingot_partition_type_by_name("root-x86-64");
        struct ingot_gpt gpt;
        CHECK_OK(ingot_buffer_append(&b, "EFI PART", 8, &error));
        CHECK_OK(ingot_buffer_append_zeros(&b, 84, &error));
        ingot_le32_store(b.data + 84, 128);
        put64(&b, 1);
        size_t entry = b.size;
        CHECK_OK(ingot_buffer_append_zeros(&b, 128, &error));
        ingot_uuid_gpt_store(b.data + entry, &type->uuid);
        b.data[entry + 56] = 'a';
        b.data[entry + 58] = 0x1b;
        e.data = ingot_buffer_span(&b);
        CHECK_STR(text_of(&e, &text), "partition table: disk 00000000-0000-0000-0000-000000000000; "
                                      "root-x86-64 'a\\x1b'");
        for (size_t size = 0; size < b.size; size++)
                CHECK(!ingot_event_gpt_decode(INGOT_SPAN(b.data, size), &gpt));
        ingot_le64_store(b.data + 92, 129);
        CHECK(!ingot_event_gpt_decode(ingot_buffer_span(&b), &gpt));
}

TEST(tags_tables_and_texts_have_words)
{
        static const struct {
                uint32_t type;
                struct ingot_span data;
                const char *words;
        } cases[] = {
                {INGOT_EV_EVENT_TAG, {(const uint8_t *) "\xdb\xd6\xae\x13\2\0\0\0\1\0", 10},
                 "UKI profile"},
                {INGOT_EV_EVENT_TAG, {(const uint8_t *) "\1\0\0\0\4\0\0\0word", 12},
                 "tag 0x00000001 word"},
                {INGOT_EV_EFI_HANDOFF_TABLES,
                 {(const uint8_t *) "\1\0\0\0\0\0\0\0\x44\x15\xfd\xf2\x94\x97\x2c\x4a"
                                    "\x99\x2e\xe5\xbb\xcf\x20\xe3\x94\0\0\0\0\0\0\0\0",
                  32},
                 "tables of the firmware: SMBIOS"},
                {INGOT_EV_IPL, {(const uint8_t *) "grub_cmd: menuentry {\n\techo\n}\0", 31},
                 "grub_cmd: menuentry {\\x0a\\x09echo\\x0a}"},
                {INGOT_EV_IPL, {(const uint8_t *) "M\xc3\xbcnchen", 8}, "M\xc3\xbcnchen"},
                {INGOT_EV_IPL, {(const uint8_t *) "\1\2", 2}, "0102"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_buffer_ struct ingot_buffer text = {0};
                const struct ingot_event e = {.type = cases[i].type, .data = cases[i].data};
                CHECK_STR(text_of(&e, &text), cases[i].words);
        }
}

TEST(device_paths_are_written_as_firmware_shells_do)
{
        static const uint8_t path[] = {
                2, 1, 12, 0, 0xd0, 0x41, 0x03, 0x0a, 0, 0, 0, 0, /* PciRoot(0) */
                1, 1, 6, 0, 0, 3,                                /* Pci(3,0) */
                4, 4, 12, 0, '\\', 0, 'A', 0, 0x1b, 0, 0, 0,     /* a file with an escape */
                0x7f, 0xff, 4, 0,
        };
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_free_ char *file = NULL;
        CHECK_OK(ingot_device_path_text(INGOT_SPAN(path, sizeof(path)), &text, &error));
        CHECK_STR((const char *) text.data, "PciRoot(0x0)/Pci(0x3,0x0)/\\A\\x1b");
        CHECK_OK(ingot_device_path_file(INGOT_SPAN(path, sizeof(path)), &file, &error));
        CHECK_STR(file, "\\A\x1b");
        text.size = 0;
        CHECK_OK(ingot_device_path_text(INGOT_SPAN(path, 20), &text, &error));
        CHECK_STR((const char *) text.data, "PciRoot(0x0)/Pci(0x3,0x0)/…");
}

TEST(a_ccel_table_has_its_checksum)
{
        uint8_t table[56] = "CCEL";
        struct ingot_acpi_log ccel;
        table[4] = sizeof(table);
        table[36] = 2;
        ingot_le64_store(table + 40, 65536);
        ingot_le64_store(table + 48, 0x7d649000);
        CHECK_FAILS(ingot_ccel_decode(INGOT_SPAN(table, sizeof(table)), &ccel, &error),
                    INGOT_E_FORMAT, "checksum");
        for (size_t i = 0; i < sizeof(table); i++)
                if (i != 9)
                        table[9] = (uint8_t) (table[9] - table[i]);
        CHECK_OK(ingot_ccel_decode(INGOT_SPAN(table, sizeof(table)), &ccel, &error));
        CHECK_EQ(ccel.type, 2);
        CHECK_EQ(ccel.size, 65536);
        CHECK_EQ(ccel.address, 0x7d649000);
}

TEST(a_tpm2_table_says_where_the_log_is_or_not)
{
        uint8_t table[76] = "TPM2";
        struct ingot_acpi_log log;
        table[4] = sizeof(table);
        ingot_le32_store(table + 64, 65536);
        ingot_le64_store(table + 68, 0x7d649000);
        for (size_t i = 0; i < sizeof(table); i++)
                if (i != 9)
                        table[9] = (uint8_t) (table[9] - table[i]);
        CHECK_OK(ingot_tpm2_table_decode(INGOT_SPAN(table, sizeof(table)), &log, &error));
        CHECK_EQ(log.size, 65536);
        CHECK_EQ(log.address, 0x7d649000);
        for (size_t size = 0; size < sizeof(table); size++)
                CHECK_FAILS(ingot_tpm2_table_decode(INGOT_SPAN(table, size), &log, &error),
                            INGOT_E_FORMAT, "TPM2 table");
        uint8_t old[52] = "TPM2";
        old[4] = sizeof(old);
        for (size_t i = 0; i < sizeof(old); i++)
                if (i != 9)
                        old[9] = (uint8_t) (old[9] - old[i]);
        CHECK_FAILS(ingot_tpm2_table_decode(INGOT_SPAN(old, sizeof(old)), &log, &error),
                    INGOT_E_NOTFOUND, "names no log");
}
