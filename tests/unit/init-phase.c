/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/text.h"
#include "init/phase.h"
#include "oracle.h"
#include "test.h"

#include <stdlib.h>

#define SHA1 1U
#define SHA256 2U

TEST(digests_are_those_of_openssl)
{
        if (!oracle_found("openssl"))
                SKIP("no openssl");
        for (size_t i = 0; i < INIT_PHASE_BANKS; i++)
                for (enum init_phase p = INIT_PHASE_ENTER_INITRD; p <= INIT_PHASE_LEAVE_INITRD; p++) {
                        _cleanup_free_ char *out = NULL;
                        const struct init_phase_bank *bank = &init_phase_banks[i];
                        const char *word = init_phase_word(p);
                        const char *file = oracle_file("word", word, strlen(word));
                        char hex[129];
                        ingot_hex(hex, bank->words[p], bank->size);
                        CHECK_EQ(oracle_run(&out, "openssl dgst -%s -r %s", bank->name, file), 0);
                        CHECK_EQ(strcspn(out, " "), 2 * bank->size);
                        out[2 * bank->size] = 0;
                        CHECK_STR(out, hex);
                }
}

TEST(digests_of_sha256_are_our_own_too)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        ingot_sha256_of("leave-initrd", strlen("leave-initrd"), digest);
        CHECK(memcmp(digest, init_phase_banks[1].words[INIT_PHASE_LEAVE_INITRD], 32) == 0);
}

TEST(the_extend_command)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        static const uint8_t start[] = {
                0x80, 0x02, 0, 0, 0, 0x57, 0, 0, 0x01, 0x82, /* sessions, size, TPM2_PCR_Extend */
                0, 0, 0, 11,                                 /* PCR 11 */
                0, 0, 0, 9, 0x40, 0, 0, 0x09, 0, 0, 0, 0, 0, /* an empty password */
                0, 0, 0, 2,                                  /* two digests */
                0, 0x04,                                     /* SHA-1 */
        };
        CHECK_OK(init_phase_extend_command(INIT_PHASE_ENTER_INITRD, SHA1 | SHA256, &b, &error));
        CHECK_EQ(b.size, sizeof(start) + 20 + 2 + 32);
        CHECK_EQ(b.size, 0x57);
        CHECK(memcmp(b.data, start, sizeof(start)) == 0);
        CHECK_EQ(b.data[sizeof(start)], 0xb1);
        CHECK_EQ(ingot_be16_load(b.data + sizeof(start) + 20), 0x0b);
        CHECK_EQ(b.data[sizeof(start) + 22], 0x51);
        CHECK_EQ(b.data[b.size - 1], 0xed);
}

TEST(the_question_for_banks)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        static const uint8_t want[] = {0x80, 0x01, 0, 0, 0, 22, 0, 0, 0x01, 0x7a, 0,
                                       0,    0,    5, 0, 0, 0,  0, 0, 0,    0,    1};
        CHECK_OK(init_phase_banks_command(&b, &error));
        CHECK_EQ(b.size, sizeof(want));
        CHECK(memcmp(b.data, want, sizeof(want)) == 0);
}

/* SHA-1 is not allocated, SHA-256 is, SHA-384 lacks PCR 11, an unknown bank is left out. */
static const uint8_t banks[] = {
        0x80, 0x01, 0, 0, 0, 43, 0, 0, 0, 0, 0,    0,    0,    0,    5,    0, 0, 0,    4,    0, 4, 3,
        0,    0,    0, 0, 11, 3, 0xff, 0xff, 0xff, 0, 12, 3, 0xff, 0xf7, 0xff, 0, 0x12, 3, 0xff, 0xff,
        0xff};

TEST(the_active_banks)
{
        ingot_error error = {0};
        unsigned mask = 0;
        CHECK_OK(init_phase_banks_decode(INGOT_SPAN(banks, sizeof(banks)), &mask, &error));
        CHECK_EQ(mask, SHA256);
}

TEST(a_cut_answer_is_refused)
{
        unsigned mask = 0;
        for (size_t size = 0; size < sizeof(banks); size++) {
                uint8_t copy[sizeof(banks)];
                ingot_error error = {0};
                memcpy(copy, banks, sizeof(banks));
                copy[5] = (uint8_t) size;
                CHECK_FAILS(init_phase_banks_decode(INGOT_SPAN(copy, size), &mask, &error),
                            INGOT_E_FORMAT, "malformed");
        }
        CHECK_EQ(mask, 0);
}

TEST(an_error_of_the_tpm_is_told)
{
        static const uint8_t response[] = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x07};
        ingot_error error = {0};
        CHECK_FAILS(init_tpm_response_check(INGOT_SPAN(response, 10), &error), INGOT_E_REFUSED,
                    "0x907");
}

TEST(the_line_of_the_log)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        CHECK_OK(init_phase_log_line(INIT_PHASE_LEAVE_INITRD, SHA1 | SHA256,
                                     "0123456789abcdef0123456789abcdef", 4294967296, &b, &error));
        CHECK_STR((char *) b.data,
                  "\x1e{\"pcr\":11,\"digests\":[{\"hashAlg\":\"sha1\",\"digest\":"
                  "\"865e1ff2cc5b8db815313b23fe3d8b561212f5d1\"},{\"hashAlg\":\"sha256\","
                  "\"digest\":\"3be261aff7db92bf507eae947f4003ffa2bcad0bffe3524601d62d0bc8be7135\"}"
                  "],\"content_type\":\"systemd\",\"content\":{\"string\":\"leave-initrd\","
                  "\"bootId\":\"0123456789abcdef0123456789abcdef\",\"timestamp\":4294967296,"
                  "\"eventType\":\"phase\"}}\n");
}
