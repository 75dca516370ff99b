/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "base/crc32.h"
#include "format/gpt.h"
#include "format/partition-type.h"
#include "oracle.h"
#include "test.h"

#define MIB (1024 * 1024)

/* A disk in memory: only what is written, at both ends. */
struct disk {
        uint8_t *bytes;
        size_t size;
};

static int write_disk(void *context, uint64_t offset, const void *data, size_t size,
                      ingot_error *reterr)
{
        struct disk *d = context;
        if (offset > d->size || size > d->size - offset)
                return ingot_fail(reterr, INGOT_E_SPACE, "behind the end");
        memcpy(d->bytes + offset, data, size);
        return 0;
}

static void done(struct disk *d)
{
        free(d->bytes);
}

static const struct ingot_uuid *type(const char *name)
{
        return &ingot_partition_type_by_name(name)->uuid;
}

static const struct ingot_uuid *seed(void)
{
        static struct ingot_uuid u;
        ingot_uuid_parse("00112233-4455-6677-8899-aabbccddeeff", &u);
        return &u;
}

static bool is(const struct ingot_uuid *u, const char *text)
{
        char have[INGOT_UUID_TEXT_SIZE];
        ingot_uuid_format(u, have);
        return strcmp(have, text) == 0;
}

static int add(struct ingot_gpt *gpt, const char *type_name, const char *name, uint64_t size,
               ingot_error *reterr)
{
        struct ingot_gpt_request r = {
                .type = *type(type_name), .seed = seed(), .size = size, .name = name};
        return ingot_gpt_add(gpt, &r, NULL, reterr);
}

/* Three partitions, on a disk of the smallest size. */
static int make(struct ingot_gpt *gpt, uint32_t sector_size, ingot_error *reterr)
{
        struct ingot_uuid disk = ingot_gpt_disk_uuid_from_seed(seed());
        ingot_gpt_init(gpt, sector_size, &disk);
        int r = add(gpt, "esp", "esp", 3 * MIB, reterr);
        if (r >= 0)
                r = add(gpt, "root-x86-64", "größe_1 𝄞", MIB + 1, reterr);
        if (r >= 0)
                r = add(gpt, "root-x86-64", NULL, 5, reterr);
        gpt->partitions[1].attributes = INGOT_GPT_READ_ONLY | INGOT_GPT_NO_AUTO;
        return r < 0 ? r : ingot_gpt_set_size(gpt, 0, 0, reterr);
}

static int write_new(const struct ingot_gpt *gpt, struct disk *ret, ingot_error *reterr)
{
        ret->size = gpt->disk_sectors * gpt->sector_size;
        ret->bytes = calloc(1, ret->size);
        struct ingot_writer w = {.write_at = write_disk, .context = ret};
        return ingot_gpt_write(gpt, &w, reterr);
}

static int read_back(const struct disk *d, struct ingot_gpt *ret, ingot_error *reterr)
{
        struct ingot_span span = INGOT_SPAN(d->bytes, d->size);
        struct ingot_reader reader = ingot_reader_of_span(&span);
        return ingot_gpt_read(&reader, ret, reterr);
}

static bool same(const struct ingot_gpt *a, const struct ingot_gpt *b)
{
        return ingot_uuid_equal(&a->disk_uuid, &b->disk_uuid) &&
               a->sector_size == b->sector_size && a->disk_sectors == b->disk_sectors &&
               a->first_usable_lba == b->first_usable_lba &&
               a->last_usable_lba_inclusive == b->last_usable_lba_inclusive &&
               a->backup_lba == b->backup_lba && a->partition_count == b->partition_count &&
               memcmp(a->partitions, b->partitions,
                      a->partition_count * sizeof(*a->partitions)) == 0;
}

TEST(uuids_from_a_seed_are_those_of_systemd_repart)
{
        struct ingot_uuid u = ingot_gpt_disk_uuid_from_seed(seed());
        CHECK(is(&u, "cb0e21c2-5b52-46e4-a3d3-f2d2819576b9"));
        u = ingot_gpt_uuid_from_seed(seed(), type("root-x86-64"), 1);
        CHECK(is(&u, "bc2eb51a-ffd8-4838-86fa-afa1821fe4d7"));
        u = ingot_gpt_uuid_from_seed(seed(), type("root-x86-64"), 2);
        CHECK(is(&u, "31dbe6cd-180d-4672-8243-e5256de561ad"));
        u = ingot_gpt_uuid_from_seed(seed(), type("swap"), 1);
        CHECK(is(&u, "644fdf42-6e1c-4856-8c6f-3e5bf37b43bf"));
        u = ingot_gpt_uuid_from_seed(seed(), type("usr-x86-64-verity-sig"), 1);
        CHECK(is(&u, "57f8e83a-00bd-4039-a140-e2c9e399bb1c"));
}

TEST(what_is_written_is_read_with_either_sector_size)
{
        static const uint32_t sizes[] = {512, 4096};
        for (size_t i = 0; i < 2; i++) {
                ingot_error error = {0};
                struct ingot_gpt gpt, back;
                _cleanup_(done) struct disk d = {0};
                CHECK_OK(make(&gpt, sizes[i], &error));
                CHECK_EQ(gpt.disk_sectors * sizes[i], 7 * MIB);
                CHECK_EQ(ingot_gpt_offset(&gpt, gpt.partitions + 1), 4 * MIB);
                CHECK_EQ(ingot_gpt_size(&gpt, gpt.partitions + 1), MIB + 4096);
                CHECK(is(&gpt.partitions[2].uuid, "31dbe6cd-180d-4672-8243-e5256de561ad"));
                CHECK_OK(write_new(&gpt, &d, &error));
                CHECK_OK(read_back(&d, &back, &error));
                CHECK_EQ(back.health, INGOT_GPT_HEALTHY);
                CHECK(same(&gpt, &back));
        }
}

TEST(random_tables_survive_encode_and_decode)
{
        uint64_t state = test_seed();
        for (int round = 0; round < 50; round++) {
                ingot_error error = {0};
                struct ingot_gpt gpt, back;
                struct ingot_uuid id;
                ingot_uuid_parse("cb0e21c2-5b52-46e4-a3d3-f2d2819576b9", &id);
                ingot_gpt_init(&gpt, test_random(&state) % 2 ? 512 : 4096, &id);
                size_t count = test_random(&state) % 12;
                for (size_t i = 0; i < count; i++) {
                        struct ingot_gpt_request r = {.size = 1 + test_random(&state) % 70000,
                                                      .align = 4096,
                                                      .attributes = test_random(&state)};
                        char name[37];
                        snprintf(name, sizeof(name), "%036" PRIu64, test_random(&state));
                        r.name = name + test_random(&state) % 37;
                        for (int k = 0; k < 16; k++) {
                                r.type.bytes[k] = (uint8_t) test_random(&state);
                                r.uuid.bytes[k] = (uint8_t) test_random(&state);
                        }
                        CHECK_OK(ingot_gpt_add(&gpt, &r, NULL, &error));
                }
                CHECK_OK(ingot_gpt_set_size(&gpt, 0, 0, &error));
                _cleanup_(done) struct disk d = {0};
                CHECK_OK(write_new(&gpt, &d, &error));
                CHECK_OK(read_back(&d, &back, &error));
                CHECK(same(&gpt, &back));
        }
}

TEST(no_flipped_bit_of_either_table_goes_unnoticed)
{
        uint64_t state = test_seed();
        ingot_error error = {0};
        struct ingot_gpt gpt, back;
        _cleanup_(done) struct disk d = {0};
        CHECK_OK(make(&gpt, 512, &error));
        CHECK_OK(write_new(&gpt, &d, &error));
        for (int i = 0; i < 3000; i++) {
                /* the header's 92 bytes, and the table, of one of the two */
                bool backup = test_random(&state) % 2, header = i < 2 * 92 * 8;
                size_t at = header ? (backup ? d.size - 512 : 512) + (size_t) i / 8 % 92
                                   : (backup ? d.size - 33 * 512 : 1024) +
                                             (size_t) (test_random(&state) % 16384);
                d.bytes[at] ^= (uint8_t) (1 << i % 8);
                CHECK_OK(read_back(&d, &back, &error));
                CHECK_EQ(back.health,
                         backup ? INGOT_GPT_BACKUP_DAMAGED : INGOT_GPT_PRIMARY_DAMAGED);
                CHECK(strstr(back.damage, backup ? "backup" : "primary"));
                CHECK(same(&gpt, &back));
                d.bytes[at] ^= (uint8_t) (1 << i % 8);
        }
}

TEST(both_tables_damaged_is_malformed_and_none_is_not_found)
{
        ingot_error error = {0};
        struct ingot_gpt gpt, back;
        _cleanup_(done) struct disk d = {0};
        CHECK_OK(make(&gpt, 512, &error));
        CHECK_OK(write_new(&gpt, &d, &error));
        d.bytes[1024 + 60] ^= 1;
        d.bytes[d.size - 512 + 20] ^= 1;
        CHECK_FAILS(read_back(&d, &back, &error), INGOT_E_FORMAT,
                    "primary partition table: checksum of the entries");
        memset(d.bytes + 512, 0, 512);
        CHECK_FAILS(read_back(&d, &back, &error), INGOT_E_FORMAT, "not there");
        memset(d.bytes + d.size - 512, 0, 512);
        CHECK_FAILS(read_back(&d, &back, &error), INGOT_E_NOTFOUND, "no GUID partition table");
        d.size = 0;
        CHECK_FAILS(read_back(&d, &back, &error), INGOT_E_NOTFOUND, "no GUID partition table");
}

/* Makes both checksums of a changed table right again: what is left is what it says. */
static void seal(struct disk *d, size_t header, size_t entries, uint32_t size)
{
        uint8_t *h = d->bytes + header;
        if (entries)
                ingot_le32_store(h + 88, ingot_crc32(d->bytes + entries, size));
        ingot_le32_store(h + 16, 0);
        ingot_le32_store(h + 16, ingot_crc32(h, 92));
}

TEST(tables_with_right_checksums_that_make_no_sense_are_malformed)
{
        static const struct {
                size_t at; /* in the primary area */
                uint64_t value;
                int size;
                const char *words;
        } cases[] = {
                {512 + 80, 0x7fffffff, 4, "entries of"},
                {512 + 80, 0, 4, "0 entries"},
                {512 + 84, 100, 4, "entries of 100"},
                {512 + 84, 0x80000000, 4, "entries of"},
                {512 + 72, 1, 8, "where they cannot be"},
                {512 + 72, UINT64_MAX, 8, "where they cannot be"},
                {512 + 40, 20, 8, "where they cannot be"},
                {512 + 48, 1 << 30, 8, "usable sectors"},
                {1024 + 32, 9000, 8, "ends before"},
                {1024 + 40, 9000, 8, "overlap"},
                {1024 + 32, 3, 8, "not within the usable"},
                {1024 + 256 + 40, UINT64_MAX, 8, "not within the usable"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ingot_error error = {0};
                struct ingot_gpt gpt, back;
                _cleanup_(done) struct disk d = {0};
                CHECK_OK(make(&gpt, 512, &error));
                CHECK_OK(write_new(&gpt, &d, &error));
                memset(d.bytes + d.size - 512, 0, 512);
                if (cases[i].size == 4)
                        ingot_le32_store(d.bytes + cases[i].at, (uint32_t) cases[i].value);
                else
                        ingot_le64_store(d.bytes + cases[i].at, cases[i].value);
                seal(&d, 512, 1024, 16384);
                CHECK_FAILS(read_back(&d, &back, &error), INGOT_E_FORMAT, cases[i].words);
        }
}

TEST(requests_that_cannot_be_met_are_refused)
{
        ingot_error error = {0};
        struct ingot_gpt gpt;
        struct ingot_uuid id = ingot_gpt_disk_uuid_from_seed(seed());
        ingot_gpt_init(&gpt, 512, &id);
        CHECK_FAILS(add(&gpt, "esp", "0123456789012345678901234567890123456", 1, &error),
                    INGOT_E_USAGE, "longer than 36");
        CHECK_FAILS(add(&gpt, "esp", "\xff", 1, &error), INGOT_E_USAGE, "UTF-8");
        CHECK_FAILS(add(&gpt, "esp", "a", 0, &error), INGOT_E_USAGE, "no size");
        CHECK_FAILS(add(&gpt, "esp", "a", UINT64_MAX, &error), INGOT_E_LIMIT, "too large");
        CHECK_OK(add(&gpt, "esp", "012345678901234567890123456789012345", 1, &error));
        struct ingot_gpt_request r = {
                .type = *type("var"), .uuid = gpt.partitions[0].uuid, .size = 1};
        CHECK_FAILS(ingot_gpt_add(&gpt, &r, NULL, &error), INGOT_E_CONFLICT, "has its UUID");
        CHECK_FAILS(ingot_gpt_set_size(&gpt, MIB, 0, &error), INGOT_E_SPACE, "too small");
        for (int i = 1; i < 128; i++)
                CHECK_OK(add(&gpt, "linux-generic", NULL, 1, &error));
        CHECK_FAILS(add(&gpt, "linux-generic", NULL, 1, &error), INGOT_E_LIMIT, "slots are taken");
}

TEST(a_grown_disk_gets_its_table_moved_and_its_last_partition_grown)
{
        ingot_error error = {0};
        struct ingot_gpt gpt, back;
        struct ingot_gpt_partition *last;
        _cleanup_(done) struct disk d = {0};
        CHECK_OK(make(&gpt, 512, &error));
        CHECK_EQ(ingot_gpt_grow(&gpt, 7 * MIB, &last, &error), 0);
        CHECK_OK(write_new(&gpt, &d, &error));
        d.bytes = realloc(d.bytes, 20 * MIB + 100);
        memset(d.bytes + d.size, 0, 20 * MIB + 100 - d.size);
        d.size = 20 * MIB + 100;
        CHECK_OK(read_back(&d, &back, &error));
        CHECK_EQ(back.health, INGOT_GPT_HEALTHY);
        CHECK_EQ(back.backup_lba, 7 * MIB / 512 - 1);
        CHECK_EQ(ingot_gpt_grow(&back, d.size, &last, &error), 1);
        CHECK_EQ(last->number, 3);
        CHECK_EQ(ingot_gpt_offset(&back, last) + ingot_gpt_size(&back, last), 19 * MIB);
        CHECK_EQ(back.backup_lba, 20 * MIB / 512 - 1);
        struct ingot_writer w = {.write_at = write_disk, .context = &d};
        CHECK_OK(ingot_gpt_write(&back, &w, &error));
        struct ingot_gpt again;
        CHECK_OK(read_back(&d, &again, &error));
        CHECK(same(&back, &again));
        CHECK_FAILS(ingot_gpt_grow(&back, 18 * MIB, &last, &error), INGOT_E_SPACE, "too small");
}

TEST(disks_beyond_32_bits_of_sectors_are_encoded)
{
        ingot_error error = {0};
        struct ingot_gpt gpt;
        struct ingot_gpt_area primary, backup;
        struct ingot_uuid id = ingot_gpt_disk_uuid_from_seed(seed());
        ingot_gpt_init(&gpt, 512, &id);
        CHECK_OK(add(&gpt, "home", "home", 5ULL << 40, &error));
        CHECK_OK(ingot_gpt_set_size(&gpt, 0, 0, &error));
        CHECK_OK(ingot_gpt_encode(&gpt, &primary, &backup, &error));
        CHECK_EQ(ingot_le32_load(primary.bytes + 446 + 12), 0xffffffffu);
        CHECK_EQ(backup.offset + backup.size, (5ULL << 40) + 2 * MIB);
}

/* What sfdisk must say of the disk that make() makes. */
static void check_by_sfdisk(uint32_t sector_size)
{
        ingot_error error = {0};
        struct ingot_gpt gpt;
        _cleanup_(done) struct disk d = {0};
        CHECK_OK(make(&gpt, sector_size, &error));
        CHECK_OK(write_new(&gpt, &d, &error));
        const char *path = oracle_file("disk", d.bytes, d.size);
        _cleanup_free_ char *out = NULL, *json = NULL, *verify = NULL;
        if (sector_size == 512) {
                CHECK_EQ(oracle_run(&out, "sfdisk --verify %s 2>&1", path), 0);
                CHECK_EQ(oracle_run(&json, "sfdisk --json %s", path), 0);
                CHECK_EQ(oracle_run(&verify, "sgdisk -v %s 2>&1", path), 0);
                CHECK(strstr(verify, "No problems found"));
        } else {
                CHECK_EQ(oracle_run_newest(&out, "sfdisk --sector-size %u --verify %s 2>&1",
                                           sector_size, path), 0);
                CHECK_EQ(oracle_run_newest(&json, "sfdisk --sector-size %u --json %s", sector_size,
                                           path), 0);
        }
        CHECK(strstr(out, "No errors detected"));
        CHECK(strstr(json, "CB0E21C2-5B52-46E4-A3D3-F2D2819576B9"));
        CHECK(strstr(json, "größe_1 𝄞"));
        CHECK(strstr(json, "\"attrs\": \"GUID:60,63\""));
}

TEST(sfdisk_and_sgdisk_find_nothing_wrong)
{
        if (!oracle_found("sfdisk") || !oracle_found("sgdisk"))
                SKIP("no sfdisk or no sgdisk");
        check_by_sfdisk(512);
}

TEST(sfdisk_finds_nothing_wrong_with_large_sectors)
{
        if (!oracle_found_newest("sfdisk"))
                SKIP("no sfdisk with --sector-size");
        check_by_sfdisk(4096);
}
