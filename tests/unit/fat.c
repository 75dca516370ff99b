/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "base/sha256.h"
#include "format/fat-name.h"
#include "format/fat.h"
#include "oracle.h"
#include "test.h"

#define MIB (1024 * 1024)
#define TIME 1700000000

struct memory {
        uint8_t *bytes;
        size_t size;
};

static int write_memory(void *context, uint64_t offset, const void *data, size_t size,
                        ingot_error *reterr)
{
        struct memory *m = context;
        if (offset > m->size || size > m->size - offset)
                return ingot_fail(reterr, INGOT_E_SPACE, "behind the end");
        memcpy(m->bytes + offset, data, size);
        return 0;
}

static void done(struct memory *m)
{
        free(m->bytes);
}

static const struct ingot_fat_options *options(uint64_t size)
{
        static struct ingot_fat_options o;
        o = (struct ingot_fat_options){
                .size = size, .volume_id = 0x1234abcd, .label = "ESP", .time = TIME};
        return &o;
}

static int write_volume(const struct ingot_tree *tree, const struct ingot_fat_options *o,
                        struct memory *ret, ingot_error *reterr)
{
        struct ingot_writer w = {.write_at = write_memory, .context = ret};
        free(ret->bytes);
        ret->size = o->size;
        ret->bytes = calloc(1, o->size);
        return ingot_fat_write(tree, o, &w, reterr);
}

/* SPAN must outlive the tree. */
static int read_volume(const struct memory *m, struct ingot_span *span, struct ingot_tree **ret,
                       struct ingot_fat_info *info, ingot_error *reterr)
{
        *span = INGOT_SPAN(m->bytes, m->size);
        struct ingot_reader reader = ingot_reader_of_span(span);
        return ingot_fat_read(&reader, ret, info, reterr);
}

static int put(struct ingot_tree *tree, const char *path, size_t size, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = malloc(size + 1);
        uint64_t state = size;
        for (size_t i = 0; i < size; i++)
                data[i] = (uint8_t) (i % 64 == 0 ? test_random(&state) : i);
        return ingot_tree_put_bytes(tree, path, 0644, TIME, data, size, reterr);
}

/* What an ESP holds, and names of every kind. */
static int make_tree(struct ingot_tree **ret, ingot_error *reterr)
{
        static const char *const paths[] = {
                "EFI/BOOT/BOOTX64.EFI",
                "EFI/systemd/systemd-bootx64.efi",
                "EFI/Linux/appliance_1.efi",
                "EFI/Linux/appliance_2+3.efi",
                "EFI/Linux/appliance_2+3-0.efi",
                "loader/loader.conf",
                "loader/.keep",
                "loader/größe und 𝄞 Ж.txt",
                "loader/a.b.c.d",
                "loader/a b",
                "loader/exactly-thirteen+exactly-thirte",
                "loader/exactlythirt1",
                "UPPER.TXT",
                "lower.txt",
                "Mixed.Txt",
                "empty",
        };
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        int r = ingot_tree_new(&tree, reterr);
        for (size_t i = 0; i < ARRAY_SIZE(paths) && r >= 0; i++)
                r = put(tree, paths[i], i + 1 < ARRAY_SIZE(paths) ? i * i * 777 : 0, reterr);
        for (int i = 0; i < 200 && r >= 0; i++) {
                char path[64];
                snprintf(path, sizeof(path), "many/a long name number %d.entry", i);
                r = put(tree, path, (size_t) i, reterr);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(tree);
        return 0;
}

struct compare {
        const struct ingot_tree *other;
        size_t count;
        bool same;
};

static int compare_one(void *context, const char *path, struct ingot_inode *inode,
                       ingot_error *reterr)
{
        struct compare *c = context;
        struct ingot_inode *other = ingot_tree_lookup(c->other, path);
        _cleanup_free_ uint8_t *a = NULL, *b = NULL;
        size_t n, m;
        c->count++;
        c->same &= other && other->type == inode->type && other->mtime == TIME;
        if (!c->same || inode->type != INGOT_FILE_REGULAR)
                return 0;
        int r = ingot_inode_read(inode, 64 * MIB, &a, &n, reterr);
        if (r >= 0)
                r = ingot_inode_read(other, 64 * MIB, &b, &m, reterr);
        if (r >= 0)
                c->same &= n == m && memcmp(a, b, n) == 0;
        return r;
}

static int count_one(void *context, const char *path, struct ingot_inode *inode,
                     ingot_error *reterr)
{
        (void) path, (void) inode, (void) reterr;
        ++*(size_t *) context;
        return 0;
}

/* The same paths, types, contents; in OTHER all times are TIME. */
static bool same_tree(const struct ingot_tree *tree, const struct ingot_tree *other)
{
        struct compare c = {.other = other, .same = true};
        size_t count = 0;
        return ingot_tree_walk(tree, compare_one, &c, NULL) >= 0 &&
               ingot_tree_walk(other, count_one, &count, NULL) >= 0 && c.same && count == c.count;
}

TEST(what_is_written_is_read_with_either_sector_size)
{
        static const uint32_t sizes[] = {512, 4096};
        for (size_t i = 0; i < 2; i++) {
                ingot_error error = {0};
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL, *back = NULL;
                _cleanup_(done) struct memory m = {0};
                struct ingot_fat_info info;
                struct ingot_span span;
                CHECK_OK(make_tree(&tree, &error));
                struct ingot_fat_options o = *options(0);
                o.sector_size = sizes[i];
                CHECK_OK(ingot_fat_size_needed(tree, &o, &o.size, &error));
                CHECK_OK(write_volume(tree, &o, &m, &error));
                CHECK_OK(read_volume(&m, &span, &back, &info, &error));
                CHECK(same_tree(tree, back));
                CHECK_EQ(info.bits, 32);
                CHECK_EQ(info.sector_size, sizes[i]);
                CHECK_EQ(info.cluster_size, sizes[i]);
                CHECK_EQ(info.volume_id, 0x1234abcd);
                CHECK_EQ(info.free_clusters, ingot_le32_load(m.bytes + sizes[i] + 488));
                CHECK_STR(info.label, "ESP");
                o.size -= 4096;
                CHECK_FAILS(write_volume(tree, &o, &m, &error), INGOT_E_SPACE, "too small");
        }
}

TEST(the_volume_is_a_function_of_the_tree)
{
        ingot_error error = {0};
        uint8_t digest[2][32];
        for (int i = 0; i < 2; i++) {
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
                _cleanup_(done) struct memory m = {0};
                CHECK_OK(ingot_tree_new(&tree, &error));
                for (int k = 0; k < 20; k++) {
                        char path[64];
                        snprintf(path, sizeof(path), "a long name %d.txt", i ? k : 19 - k);
                        CHECK_OK(ingot_tree_put_bytes(tree, path, 0600, i, path, 20, &error));
                }
                CHECK_OK(write_volume(tree, options(40 * MIB), &m, &error));
                ingot_sha256_of(m.bytes, m.size, digest[i]);
        }
        CHECK(memcmp(digest[0], digest[1], 32) == 0);
}

TEST(random_trees_survive)
{
        static const char *const words[] = {"a",   "Bc",    "x.y", "longer word", "ünï", "Z~1",
                                            "conf", "0", ".dot", "k.e.y",        "日本", "_"};
        uint64_t state = test_seed();
        for (int round = 0; round < 6; round++) {
                ingot_error error = {0};
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL, *back = NULL;
                _cleanup_(done) struct memory m = {0};
                struct ingot_span span;
                CHECK_OK(ingot_tree_new(&tree, &error));
                for (int i = 0; i < 300; i++) {
                        char path[256] = "";
                        int depth = 1 + (int) (test_random(&state) % 5);
                        for (int d = 0; d < depth; d++) {
                                size_t n = strlen(path);
                                snprintf(path + n, sizeof(path) - n, "%s%s%" PRIu64, d ? "/" : "",
                                         words[test_random(&state) % ARRAY_SIZE(words)],
                                         test_random(&state) % 9);
                        }
                        /* What is a directory already, or goes through a file, stays out. */
                        struct ingot_inode *there = ingot_tree_lookup(tree, path);
                        if (!there)
                                put(tree, path, (size_t) (test_random(&state) % 9000), NULL);
                }
                CHECK_OK(write_volume(tree, options(64 * MIB), &m, &error));
                CHECK_OK(read_volume(&m, &span, &back, NULL, &error));
                struct compare c = {.other = back, .same = true};
                CHECK_OK(ingot_tree_walk(tree, compare_one, &c, &error));
                CHECK(c.same && c.count > 100);
        }
}

TEST(what_fat_cannot_hold_is_refused_by_name)
{
        static const struct {
                const char *path, *words;
        } cases[] = {
                {"dir/a:b", "dir/a:b: FAT cannot hold a name with the character 0x3a"},
                {"dir/tab\t", "character 0x9"},
                {"dir/dot.", "ends with a dot"},
                {"dir/space ", "space"},
                {"dir/\xff", "no UTF-8"},
        };
        ingot_error error = {0};
        _cleanup_(done) struct memory m = {0};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
                CHECK_OK(ingot_tree_new(&tree, &error));
                CHECK_OK(put(tree, cases[i].path, 1, &error));
                CHECK_FAILS(write_volume(tree, options(40 * MIB), &m, &error),
                            INGOT_E_UNSUPPORTED, cases[i].words);
        }
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_OK(put(tree, "a/File.txt", 1, &error));
        CHECK_OK(put(tree, "a/fILE.TXT", 1, &error));
        CHECK_FAILS(write_volume(tree, options(40 * MIB), &m, &error), INGOT_E_CONFLICT,
                    "are the same name on FAT");
        CHECK_EQ(ingot_tree_remove(tree, "a/fILE.TXT", &error), 1);
        CHECK_OK(ingot_tree_put_symlink(tree, "a/link", "File.txt", 1, &error));
        CHECK_FAILS(write_volume(tree, options(40 * MIB), &m, &error), INGOT_E_UNSUPPORTED,
                    "a/link: FAT cannot hold a");
        CHECK_EQ(ingot_tree_remove(tree, "a/link", &error), 1);
        ingot_tree_lookup(tree, "a/File.txt")->content.size = 1ULL << 32;
        CHECK_FAILS(write_volume(tree, options(40 * MIB), &m, &error), INGOT_E_UNSUPPORTED,
                    "a/File.txt: FAT cannot hold a file of 4 GiB");
        ingot_tree_lookup(tree, "a/File.txt")->content.size = 64 * MIB;
        CHECK_FAILS(write_volume(tree, options(40 * MIB), &m, &error), INGOT_E_SPACE,
                    "too small for its files");
        struct ingot_fat_options o = *options(40 * MIB);
        o.label = "lower";
        CHECK_FAILS(write_volume(tree, &o, &m, &error), INGOT_E_USAGE, "FAT label 'lower'");
}

TEST(hard_links_become_copies)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL, *back = NULL;
        _cleanup_(done) struct memory m = {0};
        struct ingot_span span;
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_OK(put(tree, "one", 9999, &error));
        CHECK_OK(ingot_tree_link(tree->root, "two", ingot_tree_lookup(tree, "one"), &error));
        CHECK_OK(write_volume(tree, options(40 * MIB), &m, &error));
        CHECK_OK(read_volume(&m, &span, &back, NULL, &error));
        CHECK(same_tree(tree, back));
}

static bool short_name_is(const struct ingot_fat_name *name, const char *text)
{
        return memcmp(name->short_name, text, 11) == 0;
}

TEST(short_names_have_tails_only_where_needed)
{
        static const struct {
                const char *text, *want;
                bool only_short;
        } cases[] = {
                {"BOOTX64.EFI", "BOOTX64 EFI", true},   {"bootx64.efi", NULL, false},
                {"loader.conf", "LOADER~1CON", false},  {"loader.config", "LOADER~2CON", false},
                {"LOADER~1.CON", NULL, false},          {".keep", "KEEP~1     ", false},
                {"a b", "AB~1       ", false},          {"größe", "GR__E~1    ", false},
                {"a+b", "A_B~1      ", false},          {"a.b.c", "AB~1    C  ", false},
                {"12345678.123", "12345678123", true},  {"123456789", "123456~1   ", false},
        };
        ingot_error error = {0};
        struct ingot_fat_name all[ARRAY_SIZE(cases)], *names[ARRAY_SIZE(cases)];
        size_t count = 0;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                if (!cases[i].want)
                        continue;
                CHECK_OK(ingot_fat_name_init(&all[count], cases[i].text, &error));
                names[count] = &all[count];
                count++;
        }
        CHECK_OK(ingot_fat_names_settle(names, count, &error));
        for (size_t i = 0, k = 0; i < ARRAY_SIZE(cases); i++) {
                if (!cases[i].want)
                        continue;
                if (!short_name_is(names[k], cases[i].want))
                        test_report(__FILE__, __LINE__, "%s is '%.11s', not '%s'", cases[i].text,
                                    (char *) names[k]->short_name, cases[i].want);
                CHECK_EQ(names[k]->only_short, cases[i].only_short);
                ingot_fat_name_done(names[k++]);
        }
}

/* A small volume with two files of several clusters; where the first FAT and their chains are. */
static int make_small(struct memory *ret, uint32_t *fat, uint32_t *one, uint32_t *two,
                      ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        int r = ingot_tree_new(&tree, reterr);
        if (r >= 0)
                r = put(tree, "DIR/ONE", 5000, reterr);
        if (r >= 0)
                r = put(tree, "DIR/TWO", 5000, reterr);
        if (r >= 0)
                r = write_volume(tree, options(40 * MIB), ret, reterr);
        if (r < 0)
                return r;
        *fat = (uint32_t) ingot_le16_load(ret->bytes + 14) * 512;
        *one = 2 + 16; /* root and DIR are before it, each at a multiple of 4096 */
        *two = *one + 16;
        return 0;
}

TEST(malformed_volumes_are_told)
{
        static const struct {
                int entry; /* of the FAT: 1 and 2 are the files' first clusters; 0 a byte */
                uint32_t at, value;
                const char *words;
        } cases[] = {
                {1, 0, 18, "DIR: ONE: cluster 18 is used twice"},
                {1, 1, 34, "DIR: TWO: cluster 34 is used twice"},
                {2, 0, 18, "is used twice"},
                {1, 2, 0x0fffffff, "clusters end before its 5000 bytes"},
                {1, 2, 0, "cluster 0 is behind the end"},
                {1, 2, 0x0ffffff0, "is behind the end"},
                {0, 510, 0, "no FAT volume"},
                {0, 13, 3, "no FAT volume"},
                {0, 12, 0, "no FAT volume"},
                {0, 16, 0, "makes no sense"},
                {0, 35, 0xff, "in 41943040"},
                {0, 36, 1, "FAT is too small"},
                {0, 44, 0xff, "clusters"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ingot_error error = {0};
                _cleanup_(done) struct memory m = {0};
                _cleanup_(ingot_tree_free_p) struct ingot_tree *back = NULL;
                struct ingot_span span;
                uint32_t fat, first[3] = {0};
                CHECK_OK(make_small(&m, &fat, first + 1, first + 2, &error));
                if (cases[i].entry > 0)
                        ingot_le32_store(m.bytes + fat +
                                                 4 * (first[cases[i].entry] + cases[i].at),
                                         cases[i].value);
                else
                        m.bytes[cases[i].at] = (uint8_t) cases[i].value;
                if (i + 1 == ARRAY_SIZE(cases)) /* a root that is free: no chain */
                        m.bytes[45] = 0xff;
                int r = read_volume(&m, &span, &back, NULL, &error);
                if (r != -INGOT_E_FORMAT || (i + 1 < ARRAY_SIZE(cases) &&
                                             !strstr(error.text, cases[i].words)))
                        test_report(__FILE__, __LINE__, "case %zu: %d '%s'", i, r, error.text);
        }
}

TEST(fsck_finds_nothing_wrong)
{
        static const uint64_t sizes[] = {40 * MIB, 300 * MIB};
        if (!oracle_found("fsck.vfat"))
                SKIP("no fsck.vfat");
        for (size_t i = 0; i < 3; i++) {
                ingot_error error = {0};
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
                _cleanup_(done) struct memory m = {0};
                _cleanup_free_ char *out = NULL;
                CHECK_OK(make_tree(&tree, &error));
                struct ingot_fat_options o = *options(i < 2 ? sizes[i] : 0);
                if (i == 2) {
                        o.sector_size = 4096;
                        CHECK_OK(ingot_fat_size_needed(tree, &o, &o.size, &error));
                }
                CHECK_OK(write_volume(tree, &o, &m, &error));
                const char *path = oracle_file("esp", m.bytes, m.size);
                int r = oracle_run(&out, "fsck.vfat -n -v %s 2>&1", path);
                if (r != 0)
                        test_report(__FILE__, __LINE__, "%s", out);
                CHECK(strstr(out, " files, "));
        }
}

TEST(mtools_read_every_file)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_(done) struct memory m = {0};
        _cleanup_free_ char *out = NULL, *text = NULL;
        if (!oracle_found("mdir") || !oracle_found("mcopy"))
                SKIP("no mtools");
        CHECK_OK(make_tree(&tree, &error));
        CHECK_OK(put(tree, "many/big", 3000000, &error));
        CHECK_OK(write_volume(tree, options(40 * MIB), &m, &error));
        const char *path = oracle_file("esp", m.bytes, m.size);
        CHECK_EQ(oracle_run(&out, "mdir -i %s -/ -b ::", path), 0);
        CHECK(strstr(out, "::/EFI/systemd/systemd-bootx64.efi"));
        CHECK(strstr(out, "::/EFI/BOOT/BOOTX64.EFI"));
        CHECK(strstr(out, "::/many/a long name number 199.entry"));
        _cleanup_free_ uint8_t *want = NULL;
        size_t size;
        CHECK_OK(ingot_inode_read(ingot_tree_lookup(tree, "many/big"), 4 * MIB, &want, &size,
                                  &error));
        const char *whole = oracle_file("want", want, size);
        CHECK_EQ(oracle_run(&text, "mcopy -i %s ::many/big - | cmp - %s", path, whole), 0);
}

TEST(volumes_of_mkfs_are_read)
{
        static const struct {
                unsigned bits;
                const char *options, *kilobytes;
        } cases[] = {{12, "-F 12", "4096"}, {16, "-F 16 -s 2", "32768"}, {32, "-F 32", "65536"}};
        if (!oracle_found("mkfs.vfat") || !oracle_found("mcopy"))
                SKIP("no mkfs.vfat or no mtools");
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ingot_error error = {0};
                struct ingot_fat_info info;
                struct ingot_span span;
                char path[200];
                _cleanup_(ingot_tree_free_p) struct ingot_tree *back = NULL;
                _cleanup_(done) struct memory m = {0};
                snprintf(path, sizeof(path), "%s/mkfs-%u", test_folder(), cases[i].bits);
                CHECK_EQ(oracle_run(NULL, "mkfs.vfat -n VOLUME -i 89abcdef %s -C %s %s",
                                    cases[i].options, path, cases[i].kilobytes),
                         0);
                const char *file = oracle_file("content", "hello world\n", 12);
                CHECK_EQ(oracle_run(NULL,
                                    "mmd -i %s ::sub; for i in $(seq 12); do mcopy -i %s %s "
                                    "\"::sub/A long name $i\"; done; mcopy -i %s %s ::lower.txt",
                                    path, path, file, path, file),
                         0);
                FILE *f = fopen(path, "rb");
                CHECK(f);
                m.bytes = malloc(65 * MIB);
                m.size = fread(m.bytes, 1, 65 * MIB, f);
                fclose(f);
                CHECK_OK(read_volume(&m, &span, &back, &info, &error));
                CHECK_EQ(info.bits, cases[i].bits);
                CHECK_EQ(info.volume_id, 0x89abcdef);
                CHECK_STR(info.label, "VOLUME");
                _cleanup_free_ uint8_t *text = NULL;
                size_t size;
                CHECK(ingot_tree_lookup(back, "sub/A long name 12"));
                CHECK(ingot_tree_lookup(back, "lower.txt"));
                CHECK_OK(ingot_inode_read(ingot_tree_lookup(back, "sub/A long name 7"), 99, &text,
                                          &size, &error));
                CHECK_STR((char *) text, "hello world\n");
        }
}
