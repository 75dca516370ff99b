/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format/efi-signature.h"
#include "base/cleanup.h"
#include "format/efi-time-auth.h"
#include "oracle.h"
#include "test.h"

#include <stdlib.h>
#include <time.h>

static const struct ingot_uuid owner = {{0x77, 0xfa, 0x9a, 0xbd, 0x03, 0x59, 0x4d, 0x32, 0xbd, 0x60,
                                         0x28, 0xf4, 0xe7, 0x8f, 0x78, 0x4b}};
static const uint8_t digest_a[32] = {1, 2, 3}, digest_b[32] = {9};

TEST(neighbours_of_one_size_share_a_list)
{
        ingot_error error = {0};
        _cleanup_efi_signatures_ struct ingot_efi_signatures s = {0}, again = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        CHECK_OK(ingot_efi_signatures_add(&s, INGOT_EFI_SIGNATURE_X509, &owner,
                                          INGOT_SPAN("certificate", 11), &error));
        CHECK_OK(ingot_efi_signatures_add(&s, INGOT_EFI_SIGNATURE_SHA256, &owner,
                                          INGOT_SPAN(digest_a, 32), &error));
        CHECK_OK(ingot_efi_signatures_add(&s, INGOT_EFI_SIGNATURE_SHA256, &owner,
                                          INGOT_SPAN(digest_b, 32), &error));
        CHECK_OK(ingot_efi_signatures_encode(&s, &b, &error));
        CHECK_EQ(b.size, 28 + 16 + 11 + 28 + 2 * (16 + 32));
        CHECK_OK(ingot_efi_signatures_decode(ingot_buffer_span(&b), &again, &error));
        CHECK_EQ(again.count, 3);
        CHECK_EQ(again.items[0].kind, INGOT_EFI_SIGNATURE_X509);
        CHECK(ingot_uuid_equal(&again.items[2].owner, &owner));
        CHECK(memcmp(again.items[2].data.data, digest_b, 32) == 0);
        CHECK_EQ(ingot_efi_signatures_merge(&again, &s.items[1], &error), 1);
        CHECK_EQ(again.count, 3);
}

TEST(every_cut_of_a_list_is_refused)
{
        ingot_error error = {0};
        _cleanup_efi_signatures_ struct ingot_efi_signatures s = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        CHECK_OK(ingot_efi_signatures_add(&s, INGOT_EFI_SIGNATURE_SHA256, &owner,
                                          INGOT_SPAN(digest_a, 32), &error));
        CHECK_OK(ingot_efi_signatures_encode(&s, &b, &error));
        for (size_t size = 1; size < b.size; size++) {
                struct ingot_efi_signatures none = {0};
                CHECK_FAILS(ingot_efi_signatures_decode(INGOT_SPAN(b.data, size), &none, &error),
                            INGOT_E_FORMAT, "list at byte 0");
        }
        b.data[24] = 16 + 31; /* the entries' size */
        b.data[16] = 28 + 16 + 31;
        struct ingot_efi_signatures none = {0};
        CHECK_FAILS(ingot_efi_signatures_decode(INGOT_SPAN(b.data, b.size - 1), &none, &error),
                    INGOT_E_FORMAT, "SHA-256 entries of 31 bytes");
}

TEST(a_digest_of_another_size_cannot_be_added)
{
        ingot_error error = {0};
        struct ingot_efi_signatures s = {0};
        CHECK_FAILS(ingot_efi_signatures_add(&s, INGOT_EFI_SIGNATURE_SHA256, &owner,
                                             INGOT_SPAN(digest_a, 20), &error),
                    INGOT_E_FORMAT, "SHA-256 of 20 bytes");
}

TEST(times_are_those_of_the_c_library)
{
        uint64_t state = test_seed();
        for (int i = 0; i < 20000; i++) {
                uint64_t seconds = test_random(&state) % (i % 2 ? 253402300800u : 4102444800u);
                time_t t = (time_t) seconds;
                struct tm tm;
                struct ingot_efi_time e;
                CHECK(ingot_efi_time_from_unix(seconds, &e));
                CHECK(gmtime_r(&t, &tm));
                CHECK_EQ(e.year, tm.tm_year + 1900);
                CHECK_EQ(e.month, tm.tm_mon + 1);
                CHECK_EQ(e.day, tm.tm_mday);
                CHECK_EQ(e.hour * 3600 + e.minute * 60 + e.second,
                         tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec);
                CHECK_EQ(ingot_efi_time_to_unix(&e), seconds);
        }
        struct ingot_efi_time none;
        CHECK(!ingot_efi_time_from_unix(253402300800u, &none));
}

TEST(an_update_is_decoded_as_it_was_encoded)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        struct ingot_efi_auth back, auth = {.time = {.year = 2026, .month = 2, .day = 28},
                                            .signature = INGOT_SPAN("SIGNATURE", 9),
                                            .payload = INGOT_SPAN("lists", 5)};
        CHECK_OK(ingot_efi_auth_encode(&auth, &b, &error));
        CHECK_OK(ingot_efi_auth_decode(ingot_buffer_span(&b), &back, &error));
        CHECK_EQ(back.time.year, 2026);
        CHECK_EQ(back.signature.size, 9);
        CHECK(memcmp(back.payload.data, "lists", 5) == 0);
        for (size_t size = 0; size < b.size - 5; size++)
                CHECK_FAILS(ingot_efi_auth_decode(INGOT_SPAN(b.data, size), &back, &error),
                            INGOT_E_FORMAT, size < 40 ? "no signed update" : "the file has");
}

TEST(what_is_signed_is_name_vendor_attributes_time_and_content)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        const struct ingot_efi_time time = {.year = 0x07ea, .month = 11};
        CHECK_OK(ingot_efi_auth_signed_bytes("db", &owner, INGOT_EFI_KEY_ATTRIBUTES, &time,
                                             INGOT_SPAN("x", 1), &b, &error));
        CHECK_EQ(b.size, 4 + 16 + 4 + 16 + 1);
        CHECK(memcmp(b.data, "d\0b\0\xbd\x9a\xfa\x77", 8) == 0);
        CHECK_EQ(b.data[20], 0x27);
        CHECK(memcmp(b.data + 24, "\xea\x07\x0b", 3) == 0);
        CHECK_EQ(b.data[40], 'x');
}

/* The host's firmware keys of a distribution, made by others, in its own store: see
 * edk2-variables.c. Here: a list that cert-to-efi-sig-list made. */
TEST(lists_are_those_of_efitools)
{
        ingot_error error = {0};
        _cleanup_efi_signatures_ struct ingot_efi_signatures s = {0}, ours = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_free_ char *theirs = NULL;
        char path[512];
        if (!oracle_found("cert-to-efi-sig-list") || !oracle_found("openssl"))
                SKIP("no cert-to-efi-sig-list");
        snprintf(path, sizeof(path), "%s", test_folder());
        CHECK_EQ(oracle_run(NULL,
                            "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=t -days 9 "
                            "-keyout %s/k -out %s/c 2>/dev/null",
                            path, path),
                 0);
        CHECK_EQ(oracle_run(NULL,
                            "cert-to-efi-sig-list -g 77fa9abd-0359-4d32-bd60-28f4e78f784b %s/c "
                            "%s/list",
                            path, path),
                 0);
        char list[600];
        snprintf(list, sizeof(list), "%s/list", path);
        FILE *f = fopen(list, "r");
        CHECK(f);
        theirs = malloc(8192);
        size_t size = fread(theirs, 1, 8192, f);
        fclose(f);
        CHECK_OK(ingot_efi_signatures_decode(INGOT_SPAN(theirs, size), &s, &error));
        CHECK_EQ(s.count, 1);
        CHECK_EQ(s.items[0].kind, INGOT_EFI_SIGNATURE_X509);
        CHECK_OK(ingot_efi_signatures_add(&ours, INGOT_EFI_SIGNATURE_X509, &owner, s.items[0].data,
                                          &error));
        CHECK_OK(ingot_efi_signatures_encode(&ours, &b, &error));
        CHECK_EQ(b.size, size);
        CHECK(memcmp(b.data, theirs, size) == 0);
}
