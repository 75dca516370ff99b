/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format/edk2-variables.h"
#include "base/cleanup.h"
#include "format/efi-signature.h"
#include "oracle.h"
#include "test.h"

#include <stdlib.h>

#define STORE_AT 72
#define VARIABLES_AT (STORE_AT + 28)

static const struct ingot_uuid vendor = {{0xd7, 0x19, 0xb2, 0xcb, 0x3d, 0x3a, 0x45, 0x96, 0xa3,
                                          0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f}};
static const struct ingot_efi_time some_time = {.year = 2026, .month = 11, .day = 22};

/* A store of 4 KiB with a spare block of the same size behind. */
static void make_store(uint8_t file[8192])
{
        static const uint8_t volume[] = {0x8d, 0x2b, 0xf1, 0xff, 0x96, 0x76, 0x8b, 0x4c,
                                         0xa9, 0x85, 0x27, 0x47, 0x07, 0x5b, 0x4f, 0x50};
        static const uint8_t store[] = {0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43,
                                        0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92};
        uint16_t sum = 0;
        memset(file, 0xff, 8192);
        memset(file, 0, VARIABLES_AT);
        memcpy(file + 16, volume, 16);
        ingot_le64_store(file + 32, 8192);
        memcpy(file + 40, "_FVH", 4);
        ingot_le16_store(file + 48, STORE_AT);
        for (size_t i = 0; i < STORE_AT; i += 2)
                sum = (uint16_t) (sum + ingot_le16_load(file + i));
        ingot_le16_store(file + 50, (uint16_t) -sum);
        memcpy(file + STORE_AT, store, 16);
        ingot_le32_store(file + STORE_AT + 16, 4096 - STORE_AT);
        file[STORE_AT + 20] = 0x5a;
        file[STORE_AT + 21] = 0xfe;
        memset(file + 4096, 0xa5, 4096);
}

static int put(struct ingot_edk2_variables *v, const char *name, const char *value,
               ingot_error *reterr)
{
        return ingot_edk2_variables_set(v, name, &vendor, INGOT_EFI_KEY_ATTRIBUTES, &some_time,
                                        INGOT_SPAN(value, strlen(value)), reterr);
}

TEST(variables_are_set_replaced_and_removed)
{
        ingot_error error = {0};
        uint8_t file[8192];
        _cleanup_edk2_variables_ struct ingot_edk2_variables v = {0}, again = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        make_store(file);
        struct ingot_span span = INGOT_SPAN(file, sizeof(file));
        CHECK_OK(ingot_edk2_variables_decode(span, &v, &error));
        CHECK_EQ(v.count, 0);
        CHECK_OK(put(&v, "PK", "old", &error));
        CHECK_OK(put(&v, "Umläut", "x", &error));
        CHECK_OK(put(&v, "KEK", "gone", &error));
        CHECK_OK(put(&v, "PK", "newer", &error));
        CHECK_OK(put(&v, "KEK", "", &error));
        CHECK_OK(ingot_edk2_variables_encode(&v, span, &b, &error));
        CHECK_EQ(b.size, sizeof(file));
        CHECK(memcmp(b.data + 4096, file + 4096, 4096) == 0);
        CHECK_OK(ingot_edk2_variables_decode(ingot_buffer_span(&b), &again, &error));
        CHECK_EQ(again.count, 2);
        CHECK_STR(again.items[1].name, "Umläut");
        struct ingot_edk2_variable *pk = ingot_edk2_variables_find(&again, "PK", &vendor);
        CHECK(pk);
        CHECK_EQ(pk->size, 5);
        CHECK(memcmp(pk->data, "newer", 5) == 0);
        CHECK_EQ(pk->attributes, 0x27);
        CHECK_EQ(pk->time.day, 22);
}

/* Three of one name, as firmware leaves them while it replaces one. */
TEST(deleted_and_unfinished_variables_do_not_count)
{
        ingot_error error = {0};
        uint8_t file[8192];
        _cleanup_edk2_variables_ struct ingot_edk2_variables v = {0}, again = {0}, last = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        make_store(file);
        struct ingot_span span = INGOT_SPAN(file, sizeof(file));
        CHECK_OK(ingot_edk2_variables_decode(span, &v, &error));
        CHECK_OK(put(&v, "A1", "deleted.", &error));
        CHECK_OK(put(&v, "A2", "replaced", &error));
        CHECK_OK(put(&v, "A3", "current.", &error));
        CHECK_OK(ingot_edk2_variables_encode(&v, span, &b, &error));
        size_t step = 60 + 6 + 8 + 2;
        uint8_t *first = b.data + VARIABLES_AT;
        first[2] = 0x3d;            /* deleted */
        first[step + 2] = 0x3e;     /* being replaced */
        first[2 * step + 2] = 0x3f; /* added */
        for (size_t i = 0; i < 3; i++)
                first[i * step + 60 + 2] = '1'; /* all are A1 */
        CHECK_OK(ingot_edk2_variables_decode(ingot_buffer_span(&b), &again, &error));
        CHECK_EQ(again.count, 1);
        CHECK(memcmp(again.items[0].data, "current.", 8) == 0);
        first[2 * step + 2] = 0x7f; /* only the header was written: the old one counts */
        CHECK_OK(ingot_edk2_variables_decode(ingot_buffer_span(&b), &last, &error));
        CHECK_EQ(last.count, 1);
        CHECK(memcmp(last.items[0].data, "replaced", 8) == 0);
}

TEST(what_is_no_such_store_is_refused)
{
        ingot_error error = {0};
        uint8_t file[8192];
        struct ingot_edk2_variables v = {0};
        struct ingot_span span = INGOT_SPAN(file, sizeof(file));
        make_store(file);
        file[60] ^= 1;
        CHECK_FAILS(ingot_edk2_variables_decode(span, &v, &error), INGOT_E_FORMAT, "checksum");
        make_store(file);
        CHECK_FAILS(ingot_edk2_variables_decode(INGOT_SPAN(file, 4096), &v, &error), INGOT_E_FORMAT,
                    "does not fit the file");
        file[STORE_AT + 19] = 1;
        CHECK_FAILS(ingot_edk2_variables_decode(span, &v, &error), INGOT_E_FORMAT, "size");
        memcpy(file + STORE_AT, "\x16\x36\xcf\xdd\x75\x32\x64\x41\x98\xb6\xfe\x85\x70\x7f\xfe\x7d",
               16);
        CHECK_FAILS(ingot_edk2_variables_decode(span, &v, &error), INGOT_E_UNSUPPORTED,
                    "no Secure Boot");
        CHECK_FAILS(ingot_edk2_variables_decode(INGOT_SPAN("QFI\xfb", 4), &v, &error),
                    INGOT_E_UNSUPPORTED, "qemu-img convert");
        make_store(file);
        memcpy(file + VARIABLES_AT, "\xaa\x55\x3f", 3);
        memset(file + VARIABLES_AT + 3, 1, 57);
        CHECK_FAILS(ingot_edk2_variables_decode(span, &v, &error), INGOT_E_FORMAT,
                    "variable at byte 100: it does not end in the store");
}

TEST(what_does_not_fit_is_refused)
{
        ingot_error error = {0};
        uint8_t file[8192];
        char large[4000];
        _cleanup_edk2_variables_ struct ingot_edk2_variables v = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        make_store(file);
        struct ingot_span span = INGOT_SPAN(file, sizeof(file));
        memset(large, 'x', sizeof(large));
        large[sizeof(large) - 1] = 0;
        CHECK_OK(ingot_edk2_variables_decode(span, &v, &error));
        CHECK_OK(put(&v, "db", large, &error));
        CHECK_FAILS(ingot_edk2_variables_encode(&v, span, &b, &error), INGOT_E_SPACE,
                    "the store has 4024");
}

/* The store that the distribution's firmware wrote itself, with Microsoft's keys. */
TEST(the_store_of_a_booted_firmware_is_read)
{
        ingot_error error = {0};
        _cleanup_edk2_variables_ struct ingot_edk2_variables v = {0}, again = {0};
        _cleanup_efi_signatures_ struct ingot_efi_signatures s = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        FILE *f = fopen("/usr/share/OVMF/OVMF_VARS_4M.ms.fd", "r");
        if (!f)
                SKIP("no OVMF_VARS_4M.ms.fd");
        _cleanup_free_ uint8_t *file = malloc(1 << 20);
        struct ingot_span span = INGOT_SPAN(file, fread(file, 1, 1 << 20, f));
        fclose(f);
        CHECK_OK(ingot_edk2_variables_decode(span, &v, &error));
        const struct ingot_uuid database = vendor;
        struct ingot_edk2_variable *db = ingot_edk2_variables_find(&v, "db", &database);
        CHECK(db);
        CHECK_OK(ingot_efi_signatures_decode(INGOT_SPAN(db->data, db->size), &s, &error));
        CHECK(s.count >= 2);
        CHECK_EQ(s.items[0].kind, INGOT_EFI_SIGNATURE_X509);
        CHECK_EQ(s.items[0].owner.bytes[0], 0x77);
        CHECK_OK(ingot_edk2_variables_encode(&v, span, &b, &error));
        CHECK_OK(ingot_edk2_variables_decode(ingot_buffer_span(&b), &again, &error));
        CHECK_EQ(again.count, v.count);
}

/* virt-fw-vars (package python3-virt-firmware) sees in what ingot wrote what it sees before. */
TEST(virt_fw_vars_reads_what_is_written)
{
        ingot_error error = {0};
        _cleanup_edk2_variables_ struct ingot_edk2_variables v = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_free_ char *out = NULL;
        uint8_t list[28 + 16 + 32] = {0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40,
                                      0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28};
        list[16] = sizeof(list);
        list[24] = 16 + 32;
        memset(list + 28 + 16, 0xcd, 32);
        FILE *f = fopen("/usr/share/OVMF/OVMF_VARS_4M.fd", "r");
        if (!f || !oracle_found("virt-fw-vars")) {
                if (f)
                        fclose(f);
                SKIP("no virt-fw-vars, or no OVMF_VARS_4M.fd");
        }
        _cleanup_free_ uint8_t *file = malloc(1 << 20);
        struct ingot_span span = INGOT_SPAN(file, fread(file, 1, 1 << 20, f));
        fclose(f);
        CHECK_OK(ingot_edk2_variables_decode(span, &v, &error));
        CHECK_OK(ingot_edk2_variables_set(&v, "dbx", &vendor, INGOT_EFI_KEY_ATTRIBUTES, &some_time,
                                          INGOT_SPAN(list, sizeof(list)), &error));
        CHECK_OK(ingot_edk2_variables_encode(&v, span, &b, &error));
        CHECK_EQ(oracle_run(&out, "virt-fw-vars -i %s --print --verbose 2>&1",
                            oracle_file("vars.fd", b.data, b.size)),
                 0);
        CHECK(strstr(out, "dbx"));
        CHECK(strstr(out, "EfiCertSha256 count=1"));
}
