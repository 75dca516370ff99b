/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "base/sha256-compress.h"
#include "base/sha256.h"
#include "base/text.h"
#include "oracle.h"
#include "test.h"

static void fill(uint8_t *p, size_t size, uint64_t *state)
{
        for (size_t i = 0; i < size; i++)
                p[i] = (uint8_t) test_random(state);
}

TEST(digests_are_those_of_openssl)
{
        static uint8_t data[64][2000];
        static const char *name[64];
        uint64_t state = test_seed();
        if (!oracle_found("openssl"))
                SKIP("no openssl");
        for (size_t i = 0; i < 64; i++) {
                /* around the borders of pieces and padding, then at random */
                size_t size = i < 40 ? 40 + i + (i > 20 ? 64 : 0)
                                     : (size_t) (test_random(&state) % sizeof(data[0]));
                char file[32];
                fill(data[i], size, &state);
                snprintf(file, sizeof(file), "message-%zu", i);
                name[i] = strdup(oracle_file(file, data[i], size));
        }
        for (size_t i = 0; i < 64; i++) {
                uint8_t digest[32];
                char hex[65];
                _cleanup_free_ char *out = NULL;
                size_t size = i < 40 ? 40 + i + (i > 20 ? 64 : 0) : 0;
                if (i >= 40) {
                        FILE *f = fopen(name[i], "rb");
                        size = f ? fread(data[i], 1, sizeof(data[i]), f) : 0;
                        if (f)
                                fclose(f);
                }
                ingot_sha256_of(data[i], size, digest);
                ingot_hex(hex, digest, 32);
                CHECK_EQ(oracle_run(&out, "openssl dgst -sha256 -r %s", name[i]), 0);
                CHECK(strncmp(out, hex, 64) == 0);
                free((void *) name[i]);
        }
}

TEST(many_at_once_are_the_same_as_one_by_one)
{
        enum { MAX = 4096 * 9 };
        uint64_t state = test_seed();
        _cleanup_free_ uint8_t *data = malloc(MAX);
        fill(data, MAX, &state);
        for (int round = 0; round < 400; round++) {
                uint8_t prefix[256], many[9][32], one[32];
                size_t prefix_size = (size_t) (test_random(&state) % 257);
                size_t size = round % 3 == 0 ? 4096 : (size_t) (test_random(&state) % 700);
                size_t count = (size_t) (test_random(&state) % 10);
                fill(prefix, prefix_size, &state);
                ingot_sha256_of_blocks(prefix, prefix_size, data, size, count, many[0]);
                for (size_t i = 0; i < count; i++) {
                        struct ingot_sha256 h;
                        ingot_sha256_init(&h);
                        ingot_sha256_update(&h, prefix, prefix_size);
                        ingot_sha256_update(&h, data + i * size, size);
                        ingot_sha256_final(&h, one);
                        CHECK(memcmp(one, many[i], 32) == 0);
                }
        }
}

TEST(portable_code_agrees_with_the_instructions)
{
        uint64_t state = test_seed();
        uint8_t data[640];
        uint32_t a[8], b[8];
        if (!ingot_sha256_has_ni())
                SKIP("this CPU has no SHA instructions");
        for (int i = 0; i < 50; i++) {
                fill(data, sizeof(data), &state);
                memcpy(a, data, sizeof(a));
                memcpy(b, data, sizeof(b));
                ingot_sha256_compress(a, data, 10);
                ingot_sha256_compress_portable(b, data, 10);
                CHECK(memcmp(a, b, sizeof(a)) == 0);
        }
}

TEST(another_goes_on_from_a_state)
{
        static const char text[] = "the state behind a whole number of blocks, and then the rest: "
                                   "64 bytes are one block, and these are more than that";
        struct ingot_sha256 first, second;
        uint8_t state[INGOT_SHA256_SIZE], want[INGOT_SHA256_SIZE], got[INGOT_SHA256_SIZE];
        ingot_sha256_of(text, sizeof(text), want);
        ingot_sha256_init(&first);
        ingot_sha256_update(&first, text, 64);
        ingot_sha256_export(&first, state);
        ingot_sha256_import(&second, state, 64);
        ingot_sha256_update(&second, text + 64, sizeof(text) - 64);
        ingot_sha256_final(&second, got);
        CHECK(memcmp(want, got, sizeof(want)) == 0);
}
