/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"
#include "base/crc32.h"
#include "base/parallel.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/uuid.h"
#include "test.h"

#include <stdlib.h>

static const char *hex_of(const uint8_t *data, size_t size)
{
        static char hex[129];
        ingot_hex(hex, data, size);
        return hex;
}

TEST(sha256_of_the_standard_examples)
{
        uint8_t d[32];
        ingot_sha256_of("abc", 3, d);
        CHECK_STR(hex_of(d, 32), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        ingot_sha256_of("", 0, d);
        CHECK_STR(hex_of(d, 32), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(sha256_is_the_same_however_the_input_is_cut)
{
        uint8_t data[1000], whole[32], parts[32];
        for (size_t i = 0; i < sizeof(data); i++)
                data[i] = (uint8_t) (i * 7);
        ingot_sha256_of(data, sizeof(data), whole);
        for (size_t step = 1; step < 200; step++) {
                struct ingot_sha256 h;
                ingot_sha256_init(&h);
                for (size_t at = 0; at < sizeof(data); at += step)
                        ingot_sha256_update(&h, data + at,
                                            sizeof(data) - at < step ? sizeof(data) - at : step);
                ingot_sha256_final(&h, parts);
                CHECK(memcmp(whole, parts, 32) == 0);
        }
        CHECK_STR(hex_of(whole, 32),
                  "89f4ff56a25dd1db06a4ce6033603775d705fb96f30f8693733fef602a1ca532");
}

TEST(hmac_of_rfc_4231)
{
        uint8_t d[32];
        ingot_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, d);
        CHECK_STR(hex_of(d, 32), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(crcs_of_the_check_string)
{
        CHECK_EQ(ingot_crc32("123456789", 9), 0xcbf43926u);
        CHECK_EQ(~ingot_crc32c(0xffffffff, "123456789", 9), 0xe3069283u);
}

TEST(uuids_parse_print_and_swap)
{
        struct ingot_uuid u, v;
        char text[INGOT_UUID_TEXT_SIZE];
        uint8_t gpt[16];
        CHECK(ingot_uuid_parse("8484680c-9521-48c6-9c11-b0720656f69e", &u));
        ingot_uuid_format(&u, text);
        CHECK_STR(text, "8484680c-9521-48c6-9c11-b0720656f69e");
        ingot_uuid_gpt_store(gpt, &u);
        CHECK_STR(hex_of(gpt, 16), "0c6884842195c6489c11b0720656f69e");
        v = ingot_uuid_gpt_load(gpt);
        CHECK(ingot_uuid_equal(&u, &v));
        CHECK(!ingot_uuid_parse("8484680c-952148c6-9c11-b0720656f69e-", &u));
        CHECK(!ingot_uuid_parse("8484680c-9521-48c6-9c11-b0720656f69", &u));
}

TEST(derived_uuids_are_those_of_systemd)
{
        struct ingot_uuid key, type, u;
        char text[INGOT_UUID_TEXT_SIZE];
        CHECK(ingot_uuid_parse("4098b3f648d74c13b1f04ccfba7798e8", &key));
        CHECK(ingot_uuid_parse("4d21b016b53445c2a9fb5c16e091fd2d", &type));
        u = ingot_uuid_derive(&key, type.bytes, 16);
        ingot_uuid_format(&u, text);
        CHECK_STR(text, "1e497c32-2006-46dd-a9d5-e66cd9ecc769");
        CHECK(ingot_uuid_parse("00112233-4455-6677-8899-aabbccddeeff", &key));
        u = ingot_uuid_derive(&key, "disk-uuid", 9);
        ingot_uuid_format(&u, text);
        CHECK_STR(text, "cb0e21c2-5b52-46e4-a3d3-f2d2819576b9");
}

TEST(sizes_and_numbers_refuse_what_is_not_one)
{
        uint64_t v;
        CHECK(ingot_parse_size("3G", &v));
        CHECK_EQ(v, 3ull << 30);
        CHECK(!ingot_parse_size("3Q", &v));
        CHECK(!ingot_parse_size("-1", &v));
        CHECK(!ingot_parse_size("", &v));
        CHECK(!ingot_parse_size("99999999999T", &v));
        CHECK(!ingot_parse_u64("18446744073709551616", &v));
        CHECK(ingot_parse_u64("18446744073709551615", &v));
}

TEST(nearest_finds_the_typo_and_nothing_far)
{
        static const char *const names[] = {"Hostname", "Locale", "TimeZone"};
        CHECK_STR(ingot_nearest("Hostnmae", names, 3), "Hostname");
        CHECK_STR(ingot_nearest("timezone", names, 3), "TimeZone");
        CHECK(!ingot_nearest("Compression", names, 3));
}

TEST(escape_leaves_no_control_character)
{
        char *e = ingot_escape("a\x1b[31mb\xff\xc2\x9b\xc3\xbc\n");
        CHECK_STR(e, "a\\x1b[31mb\\xff\\xc2\\x9b\xc3\xbc\\x0a");
        free(e);
}

TEST(context_is_put_in_front)
{
        ingot_error error = {0};
        int r = ingot_fail(&error, INGOT_E_FORMAT, "bad magic");
        r = ingot_under(&error, r, "partition %d", 2);
        CHECK_EQ(r, -INGOT_E_FORMAT);
        CHECK_STR(error.text, "partition 2: bad magic");
        CHECK_EQ(ingot_code_exit_status(INGOT_E_REFUSED), 3);
}

struct squares {
        size_t slots[64];
        size_t order[1000];
        size_t finished;
        size_t fail_at;
};

static int square(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        struct squares *s = context;
        if (index == s->fail_at || index == s->fail_at + 3)
                return ingot_fail(reterr, INGOT_E_FORMAT, "job %zu", index);
        s->slots[slot] = index * index;
        return 0;
}

static int collect(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        struct squares *s = context;
        if (s->slots[slot] != index * index)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "slot %zu was overwritten", slot);
        s->order[s->finished++] = index;
        return 0;
}

TEST(parallel_jobs_finish_in_order_and_the_first_failure_wins)
{
        for (unsigned threads = 1; threads <= 4; threads++) {
                struct squares s = {.fail_at = 700};
                ingot_error error = {0};
                struct ingot_parallel p = {.threads = threads,
                                           .count = 1000,
                                           .window = 8,
                                           .work = square,
                                           .finish = collect,
                                           .context = &s};
                CHECK_FAILS(ingot_parallel_run(&p, &error), INGOT_E_FORMAT, "job 700");
                CHECK_EQ(s.finished, (size_t) 700);
                for (size_t i = 0; i < 700; i++)
                        CHECK_EQ(s.order[i], i);
        }
}
