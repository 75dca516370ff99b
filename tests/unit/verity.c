/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "base/text.h"
#include "format/verity.h"
#include "oracle.h"
#include "test.h"

#define BLOCK 4096

struct memory {
        uint8_t *bytes;
        size_t size;
};

static int write_memory(void *context, uint64_t offset, const void *data, size_t size,
                        ingot_error *reterr)
{
        struct memory *m = context;
        (void) reterr;
        memcpy(m->bytes + offset, data, size);
        return 0;
}

static void done(struct memory *m)
{
        free(m->bytes);
}

/* Block i is 4096 times the byte i % 251. */
static struct memory pattern(size_t blocks)
{
        struct memory m = {.bytes = malloc(blocks * BLOCK), .size = blocks * BLOCK};
        for (size_t i = 0; i < blocks; i++)
                memset(m.bytes + i * BLOCK, (int) (i % 251), BLOCK);
        return m;
}

static const struct ingot_uuid *seed(void)
{
        static struct ingot_uuid u;
        ingot_uuid_parse("00112233-4455-6677-8899-aabbccddeeff", &u);
        return &u;
}

static bool is_hex(const uint8_t *p, size_t size, const char *text)
{
        char hex[65];
        ingot_hex(hex, p, size);
        return strcmp(hex, text) == 0;
}

static int build(const struct memory *m, unsigned threads, uint8_t **ret, size_t *ret_size,
                 uint8_t root[32], ingot_error *reterr)
{
        struct ingot_verity_builder_options o = {.threads = threads};
        struct ingot_span span = INGOT_SPAN(m->bytes, m->size);
        struct ingot_reader reader = ingot_reader_of_span(&span);
        ingot_verity_from_seed(&o.verity, seed());
        return ingot_verity_build(&reader, &o, ret, ret_size, root, reterr);
}

static int check(const struct memory *m, const uint8_t *area, size_t size, const uint8_t root[32],
                 struct ingot_verity_bad *bad, ingot_error *reterr)
{
        struct ingot_span data = INGOT_SPAN(m->bytes, m->size), hash = INGOT_SPAN(area, size);
        struct ingot_reader d = ingot_reader_of_span(&data), h = ingot_reader_of_span(&hash);
        struct ingot_verity_check_options o = {.threads = 2, .ret_bad = bad};
        return ingot_verity_check(&d, &h, root, &o, reterr);
}

TEST(salt_and_uuid_from_a_seed_are_those_of_systemd_repart)
{
        struct ingot_verity v = {0};
        char text[INGOT_UUID_TEXT_SIZE];
        ingot_verity_from_seed(&v, seed());
        CHECK_EQ(v.salt_size, 32);
        CHECK(is_hex(v.salt, 32,
                     "3a46bed60ea28337998f5b5e48176a1fc73ed013804ee7c65db2c5ea63b46da9"));
        ingot_uuid_format(&v.uuid, text);
        CHECK_STR(text, "3a460cbc-bf03-4660-bcd6-3cb9e9b0b168");
}

TEST(partition_uuids_are_halves_of_the_root_hash)
{
        uint8_t root[32];
        char text[INGOT_UUID_TEXT_SIZE];
        for (int i = 0; i < 32; i++)
                root[i] = (uint8_t) i;
        struct ingot_uuid u = ingot_verity_data_uuid(root);
        ingot_uuid_format(&u, text);
        CHECK_STR(text, "00010203-0405-0607-0809-0a0b0c0d0e0f");
        u = ingot_verity_hash_uuid(root);
        ingot_uuid_format(&u, text);
        CHECK_STR(text, "10111213-1415-1617-1819-1a1b1c1d1e1f");
}

TEST(root_hashes_are_those_of_systemd_repart_and_veritysetup)
{
        ingot_error error = {0};
        uint8_t root[32];
        size_t size;
        _cleanup_(done) struct memory m = pattern(256);
        _cleanup_free_ uint8_t *area = NULL, *one = NULL, *many = NULL;
        CHECK_OK(build(&m, 1, &area, &size, root, &error));
        CHECK_EQ(size, 4 * BLOCK);
        CHECK(is_hex(root, 32,
                     "f843157adce84a34866dce23ff153657c7a7b270346a2b360ac7ba56ccee63cd"));

        /* one block: no level; 129 blocks: two */
        struct ingot_verity_builder_options o = {
                .verity = {.salt_size = 4, .salt = {0x00, 0x11, 0x22, 0x33}}, .threads = 1};
        memset(m.bytes, 'A', 129 * BLOCK);
        struct ingot_span span = INGOT_SPAN(m.bytes, BLOCK);
        struct ingot_reader reader = ingot_reader_of_span(&span);
        CHECK_OK(ingot_verity_build(&reader, &o, &one, &size, root, &error));
        CHECK_EQ(size, BLOCK);
        CHECK(is_hex(root, 32,
                     "fb1808ae35500cfbc0b412ff1819ef25cb102afca7aada7ea6546d721dc795f5"));
        m.size = BLOCK;
        CHECK_OK(check(&m, one, size, root, NULL, &error));
        m.bytes[7] ^= 1;
        CHECK_FAILS(check(&m, one, size, root, NULL, &error), INGOT_E_REFUSED, "data block 0");
        m.bytes[7] ^= 1;
        span.size = 129 * BLOCK;
        reader.size = span.size;
        CHECK_OK(ingot_verity_build(&reader, &o, &many, &size, root, &error));
        CHECK_EQ(size, 4 * BLOCK);
        CHECK(is_hex(root, 32,
                     "9707e27bd7459057720bcb3d3c3178bb6723a393d99eefa9f904daa8ec2c7f2f"));
}

TEST(superblocks_survive_encode_and_decode)
{
        uint64_t state = test_seed();
        for (int i = 0; i < 200; i++) {
                ingot_error error = {0};
                struct ingot_verity v = {.data_block_size = 512u << test_random(&state) % 8,
                                         .hash_block_size = 512u << test_random(&state) % 8,
                                         .data_blocks = 1 + (test_random(&state) >> 20),
                                         .salt_size = (uint16_t) (test_random(&state) % 257)};
                struct ingot_verity back;
                uint8_t bytes[INGOT_VERITY_SUPERBLOCK_SIZE];
                for (size_t k = 0; k < v.salt_size; k++)
                        v.salt[k] = (uint8_t) test_random(&state);
                for (size_t k = 0; k < 16; k++)
                        v.uuid.bytes[k] = (uint8_t) test_random(&state);
                ingot_verity_encode(&v, bytes);
                CHECK_OK(ingot_verity_decode(INGOT_SPAN(bytes, sizeof(bytes)), &back, &error));
                CHECK(memcmp(v.salt, back.salt, sizeof(v.salt)) == 0);
                CHECK(ingot_uuid_equal(&v.uuid, &back.uuid));
                CHECK_EQ(v.salt_size, back.salt_size);
                CHECK_EQ(v.data_blocks, back.data_blocks);
                CHECK_EQ(v.data_block_size, back.data_block_size);
                CHECK_EQ(v.hash_block_size, back.hash_block_size);
        }
}

TEST(malformed_superblocks_are_told_from_those_of_others)
{
        static const struct {
                size_t at;
                uint8_t value;
                int code;
                const char *words;
        } cases[] = {
                {0, 'V', INGOT_E_FORMAT, "no verity superblock"},
                {8, 2, INGOT_E_FORMAT, "version 2"},
                {12, 0, INGOT_E_UNSUPPORTED, "hash type 0"},
                {35, '5', INGOT_E_UNSUPPORTED, "algorithm 'sha556'"},
                {65, 0x11, INGOT_E_FORMAT, "blocks of"},
                {68, 1, INGOT_E_FORMAT, "blocks of"},
                {72, 0, INGOT_E_FORMAT, "0 data blocks"},
                {79, 0xff, INGOT_E_FORMAT, "data blocks"},
                {81, 2, INGOT_E_FORMAT, "salt of"},
                {85, 1, INGOT_E_FORMAT, "padding"},
                {300, 1, INGOT_E_FORMAT, "padding"},
                {511, 1, INGOT_E_FORMAT, "padding"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ingot_error error = {0};
                struct ingot_verity v = {
                        .data_block_size = BLOCK, .hash_block_size = BLOCK, .data_blocks = 7};
                uint8_t bytes[INGOT_VERITY_SUPERBLOCK_SIZE];
                ingot_verity_from_seed(&v, seed());
                ingot_verity_encode(&v, bytes);
                bytes[cases[i].at] = cases[i].value;
                CHECK_FAILS(ingot_verity_decode(INGOT_SPAN(bytes, sizeof(bytes)), &v, &error),
                            cases[i].code, cases[i].words);
                CHECK_FAILS(ingot_verity_decode(INGOT_SPAN(bytes, 511), &v, &error),
                            cases[i].at ? INGOT_E_FORMAT : cases[i].code, "superblock");
        }
}

/* Writes M through a builder, in pieces that a generator cuts and shuffles, some of them twice. */
static int write_in_pieces(const struct memory *m, struct memory *to, uint64_t *state,
                           unsigned threads, uint8_t **ret, size_t *ret_size, uint8_t root[32],
                           ingot_error *reterr)
{
        _cleanup_(ingot_verity_builder_free_p) struct ingot_verity_builder *b = NULL;
        struct ingot_span span = INGOT_SPAN(to->bytes, to->size), area;
        struct ingot_reader reread = ingot_reader_of_span(&span);
        struct ingot_verity_builder_options o = {
                .data_size = m->size, .threads = threads, .reread = &reread};
        struct ingot_writer inner = {.write_at = write_memory, .context = to};
        ingot_verity_from_seed(&o.verity, seed());
        int r = ingot_verity_builder_new(&o, &b, reterr);
        if (r < 0)
                return r;
        struct ingot_writer w = ingot_verity_builder_writer(b, &inner);
        size_t unit = test_random(state) % 2 ? BLOCK : 1000 + (size_t) test_random(state) % 20000;
        size_t count = (m->size + unit - 1) / unit, step = 7919;
        for (size_t i = 0; i < count + count / 8 && r >= 0; i++) {
                size_t at = i * step % count * unit;
                size_t n = m->size - at < unit ? m->size - at : unit;
                /* first the wrong bytes, for some */
                if (i % 5 == 0)
                        r = ingot_write_at(&w, at, m->bytes + m->size - n, n, reterr);
                if (r >= 0)
                        r = ingot_write_at(&w, at, m->bytes + at, n, reterr);
        }
        if (r >= 0)
                r = ingot_verity_builder_finish(b, &area, root, NULL, reterr);
        if (r < 0)
                return r;
        *ret_size = area.size;
        *ret = malloc(area.size);
        memcpy(*ret, area.data, area.size);
        return 0;
}

TEST(the_tree_does_not_depend_on_how_data_was_written)
{
        uint64_t state = test_seed();
        for (unsigned round = 0; round < 24; round++) {
                ingot_error error = {0};
                uint8_t root[32], root2[32];
                size_t size, size2;
                _cleanup_(done) struct memory m = pattern(1 + round * 40);
                _cleanup_(done) struct memory to = {calloc(1, m.size), m.size};
                _cleanup_free_ uint8_t *area = NULL, *area2 = NULL;
                for (size_t i = 0; i < m.size; i += 97)
                        m.bytes[i] = (uint8_t) test_random(&state);
                CHECK_OK(build(&m, 1, &area, &size, root, &error));
                CHECK_OK(write_in_pieces(&m, &to, &state, 1 + round % 3, &area2, &size2, root2,
                                         &error));
                CHECK(memcmp(m.bytes, to.bytes, m.size) == 0);
                CHECK_EQ(size, size2);
                CHECK(memcmp(area, area2, size) == 0 && memcmp(root, root2, 32) == 0);
                CHECK_OK(check(&m, area, size, root, NULL, &error));
        }
}

TEST(what_was_never_written_is_zeros)
{
        ingot_error error = {0};
        uint8_t root[32], root2[32];
        size_t size;
        struct ingot_span span;
        _cleanup_(done) struct memory m = {calloc(40, BLOCK), 40 * BLOCK};
        _cleanup_(done) struct memory to = {calloc(40, BLOCK), 40 * BLOCK};
        _cleanup_free_ uint8_t *area = NULL;
        _cleanup_(ingot_verity_builder_free_p) struct ingot_verity_builder *b = NULL;
        struct ingot_verity_builder_options o = {.data_size = m.size, .threads = 1};
        struct ingot_writer inner = {.write_at = write_memory, .context = &to};
        ingot_verity_from_seed(&o.verity, seed());
        memset(m.bytes + 5 * BLOCK + 100, 1, 200);
        CHECK_OK(build(&m, 2, &area, &size, root, &error));
        CHECK_OK(ingot_verity_builder_new(&o, &b, &error));
        struct ingot_writer w = ingot_verity_builder_writer(b, &inner);
        CHECK_OK(ingot_write_at(&w, 5 * BLOCK + 100, m.bytes + 5 * BLOCK + 100, 200, &error));
        CHECK_FAILS(ingot_write_at(&w, 40 * BLOCK - 1, "ab", 2, &error), INGOT_E_INTERNAL,
                    "behind the verity data");
        CHECK_OK(ingot_verity_builder_finish(b, &span, root2, NULL, &error));
        CHECK(memcmp(root, root2, 32) == 0);
        CHECK(memcmp(span.data, area, size) == 0);
}

TEST(a_hashed_block_is_not_changed_in_part_without_a_reader)
{
        ingot_error error = {0};
        _cleanup_(done) struct memory m = pattern(2);
        _cleanup_(ingot_verity_builder_free_p) struct ingot_verity_builder *b = NULL;
        struct ingot_verity_builder_options o = {.data_size = m.size, .threads = 1};
        struct ingot_writer inner = {.write_at = write_memory, .context = &m};
        CHECK_OK(ingot_verity_builder_new(&o, &b, &error));
        struct ingot_writer w = ingot_verity_builder_writer(b, &inner);
        CHECK_OK(ingot_write_at(&w, 0, m.bytes, BLOCK, &error));
        CHECK_FAILS(ingot_write_at(&w, 9, m.bytes + BLOCK, 1, &error), INGOT_E_INTERNAL,
                    "data block 0 is changed");
        o.data_size++;
        CHECK_FAILS(ingot_verity_builder_new(&o, &b, &error), INGOT_E_USAGE, "no whole blocks");
}

TEST(the_bad_block_is_named)
{
        ingot_error error = {0};
        uint8_t root[32];
        size_t size;
        struct ingot_verity_bad bad;
        _cleanup_(done) struct memory m = pattern(3000);
        _cleanup_free_ uint8_t *area = NULL;
        CHECK_OK(build(&m, 2, &area, &size, root, &error));
        CHECK_EQ(size, (1 + 1 + 24) * BLOCK);
        CHECK_OK(check(&m, area, size, root, &bad, &error));
        CHECK(!bad.found);
        m.bytes[2999 * BLOCK] ^= 1;
        m.bytes[1717 * BLOCK + 5] ^= 0x80;
        CHECK_FAILS(check(&m, area, size, root, &bad, &error), INGOT_E_REFUSED, "data block 1717");
        CHECK(bad.found && bad.level == -1);
        CHECK_EQ(bad.block, 1717);
        area[(2 + 13) * BLOCK + 9] ^= 1; /* holds the digest of 1664 */
        CHECK_FAILS(check(&m, area, size, root, &bad, &error), INGOT_E_REFUSED,
                    "hash block 13 of level 0");
        CHECK(bad.found && bad.level == 0 && bad.block == 13);
        area[BLOCK + 4000] ^= 1;
        CHECK_FAILS(check(&m, area, size, root, &bad, &error), INGOT_E_REFUSED,
                    "hash block 0 of level 1");
        CHECK_FAILS(check(&m, area, size - 1, root, &bad, &error), INGOT_E_FORMAT, "there are");
}

TEST(fewer_data_blocks_in_the_superblock_are_refused)
{
        ingot_error error = {0};
        uint8_t root[32];
        size_t size;
        _cleanup_(done) struct memory m = pattern(300);
        _cleanup_free_ uint8_t *area = NULL;
        CHECK_OK(build(&m, 1, &area, &size, root, &error));
        for (uint64_t blocks = 1; blocks < 300; blocks += 13) {
                ingot_le64_store(area + 72, blocks);
                CHECK(check(&m, area, size, root, NULL, &error) == -INGOT_E_REFUSED);
        }
        ingot_le64_store(area + 72, 299);
        CHECK_FAILS(check(&m, area, size, root, NULL, &error), INGOT_E_REFUSED,
                    "more blocks than the superblock says");
}

TEST(no_flipped_bit_passes)
{
        uint64_t state = test_seed();
        ingot_error error = {0};
        uint8_t root[32];
        size_t size;
        _cleanup_(done) struct memory m = pattern(20);
        _cleanup_free_ uint8_t *area = NULL;
        CHECK_OK(build(&m, 1, &area, &size, root, &error));
        for (int i = 0; i < 1200; i++) {
                uint8_t *p = i % 3 == 0   ? m.bytes + test_random(&state) % m.size
                             : i % 3 == 1 ? area + BLOCK + test_random(&state) % (size - BLOCK)
                                          : area + test_random(&state) % 512;
                if (p >= area + 16 && p < area + 32) /* the UUID */
                        continue;
                *p ^= (uint8_t) (1 << i % 8);
                CHECK(check(&m, area, size, root, NULL, &error) < 0);
                *p ^= (uint8_t) (1 << i % 8);
        }
        CHECK_OK(check(&m, area, size, root, NULL, &error));
        root[31] ^= 1;
        CHECK(check(&m, area, size, root, NULL, &error) == -INGOT_E_REFUSED);
}

TEST(veritysetup_makes_the_same_bytes_and_verifies)
{
        static const size_t sizes[] = {1, 2, 128, 129, 1000, 128 * 128 + 1};
        uint64_t state = test_seed();
        if (!oracle_found("veritysetup"))
                SKIP("no veritysetup");
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                ingot_error error = {0};
                uint8_t root[32];
                char hex[65];
                size_t size;
                _cleanup_(done) struct memory m = {calloc(sizes[i], BLOCK), sizes[i] * BLOCK};
                _cleanup_free_ uint8_t *area = NULL;
                _cleanup_free_ char *out = NULL, *same = NULL;
                for (size_t k = 0; k < m.size; k += 4099)
                        m.bytes[k] = (uint8_t) test_random(&state);
                CHECK_OK(build(&m, 2, &area, &size, root, &error));
                ingot_hex(hex, root, 32);
                const char *data = oracle_file("data", m.bytes, m.size);
                const char *hash = oracle_file("hash", area, size);
                const char *theirs = oracle_file("theirs", "", 0);
                CHECK_EQ(oracle_run(NULL, "veritysetup verify %s %s %s", data, hash, hex), 0);
                CHECK_EQ(oracle_run(&out,
                                    "veritysetup format --uuid "
                                    "3a460cbc-bf03-4660-bcd6-3cb9e9b0b168 --salt "
                                    "3a46bed60ea28337998f5b5e48176a1fc73ed013804ee7c65db2c5ea63b46da9"
                                    " %s %s",
                                    data, theirs),
                         0);
                CHECK(strstr(out, hex));
                CHECK_EQ(oracle_run(&same, "cmp %s %s", hash, theirs), 0);
        }
}

TEST(a_builder_made_for_more_data_gives_the_same_tree)
{
        ingot_error error = {0};
        static const size_t counts[] = {1, 2, 128, 129, 1000};
        for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
                uint8_t root[32], root2[32];
                size_t size;
                struct ingot_span area;
                _cleanup_(done) struct memory m = pattern(counts[i]);
                _cleanup_(done) struct memory to = {calloc(counts[i], BLOCK), m.size};
                _cleanup_free_ uint8_t *want = NULL;
                _cleanup_(ingot_verity_builder_free_p) struct ingot_verity_builder *b = NULL;
                struct ingot_verity_builder_options o = {.data_size = 20000 * BLOCK, .threads = 2};
                struct ingot_writer inner = {.write_at = write_memory, .context = &to};
                ingot_verity_from_seed(&o.verity, seed());
                CHECK_OK(build(&m, 1, &want, &size, root, &error));
                CHECK_OK(ingot_verity_builder_new(&o, &b, &error));
                struct ingot_writer w = ingot_verity_builder_writer(b, &inner);
                CHECK_OK(ingot_write_at(&w, 0, m.bytes, m.size, &error));
                CHECK_FAILS(ingot_verity_builder_truncate(b, m.size - BLOCK, &error),
                            INGOT_E_USAGE, "not the verity data");
                CHECK_OK(ingot_verity_builder_truncate(b, m.size, &error));
                CHECK_OK(ingot_verity_builder_finish(b, &area, root2, NULL, &error));
                CHECK(memcmp(root, root2, 32) == 0);
                CHECK_EQ(area.size, size);
                CHECK(memcmp(area.data, want, size) == 0);
        }
}
