/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/crc32.h"
#include "base/sha256.h"
#include "base/size.h"
#include "base/text.h"
#include "format/erofs.h"
#include "oracle.h"
#include "os/file.h"
#include "os/tree-load.h"
#include "test.h"

#include <fcntl.h>
#include <lz4.h>
#include <stdlib.h>
#include <zstd.h>

/* An image in memory that notes how it was written: each block once, whole, in ascending order but
 * for block 0 at the end. */
struct image {
        struct ingot_buffer bytes;
        uint64_t next;
        bool finished, disordered;
};

static int write_image(void *context, uint64_t offset, const void *data, size_t size,
                       ingot_error *reterr)
{
        struct image *i = context;
        if (offset % 4096 != 0 || size % 4096 != 0 || i->finished)
                i->disordered = true;
        if (offset == 0) {
                i->finished = true;
                memcpy(i->bytes.data, data, size);
                return 0;
        }
        if (i->next == 0)
                i->next = 4096;
        if (offset != i->next)
                i->disordered = true;
        if (offset + size > i->bytes.size) {
                int r = ingot_buffer_append_zeros(&i->bytes, offset + size - i->bytes.size, reterr);
                if (r < 0)
                        return r;
        }
        memcpy(i->bytes.data + offset, data, size);
        i->next = offset + size;
        return 0;
}

static void image_done(struct image *i)
{
        ingot_buffer_done(&i->bytes);
}

static int make(const struct ingot_tree *tree, const struct ingot_erofs_options *o,
                struct image *image, struct ingot_erofs_result *result, ingot_error *reterr)
{
        struct ingot_writer w = {.write_at = write_image, .context = image};
        return ingot_erofs_write(tree, o, &w, result, reterr);
}

static bool same_content(const struct ingot_inode *a, const struct ingot_inode *b)
{
        _cleanup_free_ uint8_t *x = NULL, *y = NULL;
        size_t n = 0, m = 0;
        return ingot_inode_read(a, 64 << 20, &x, &n, NULL) >= 0 &&
               ingot_inode_read(b, 64 << 20, &y, &m, NULL) >= 0 && n == m &&
               (n == 0 || memcmp(x, y, n) == 0);
}

static bool ignore_xattrs;

/* The first difference as a sentence, or NULL. */
static const char *differ(const struct ingot_inode *a, const struct ingot_inode *b)
{
        if (a->type != b->type || a->mode != b->mode || a->uid != b->uid || a->gid != b->gid ||
            a->links != b->links || a->mtime != b->mtime || a->mtime_nsec != b->mtime_nsec)
                return "attributes differ";
        if ((a->type == INGOT_FILE_CHARACTER || a->type == INGOT_FILE_BLOCK) &&
            (a->major != b->major || a->minor != b->minor))
                return "devices differ";
        if (a->type == INGOT_FILE_SYMLINK && strcmp(a->target, b->target) != 0)
                return "targets differ";
        if (a->entry_count != b->entry_count)
                return "entries are missing";
        if (!ignore_xattrs && a->xattr_count != b->xattr_count)
                return "xattrs are missing";
        for (size_t i = 0; i < a->xattr_count && !ignore_xattrs; i++)
                if (strcmp(a->xattrs[i].name, b->xattrs[i].name) != 0 ||
                    a->xattrs[i].size != b->xattrs[i].size ||
                    (a->xattrs[i].size > 0 &&
                     memcmp(a->xattrs[i].value, b->xattrs[i].value, a->xattrs[i].size) != 0))
                        return "xattrs differ";
        if (a->type == INGOT_FILE_REGULAR && !same_content(a, b))
                return "contents differ";
        for (size_t i = 0; i < a->entry_count; i++) {
                if (strcmp(a->entries[i].name, b->entries[i].name) != 0)
                        return "names differ";
                const char *below = differ(a->entries[i].inode, b->entries[i].inode);
                if (below)
                        return below;
        }
        return NULL;
}

static uint8_t *fill(uint64_t *state, size_t size, unsigned kind)
{
        uint8_t *data = malloc(size + 1);
        for (size_t i = 0; i < size; i++)
                data[i] = kind == 0   ? (uint8_t) test_random(state) /* does not compress */
                          : kind == 1 ? (uint8_t) ("ingot erofs "[i % 12] + (i / 4096) % 7)
                          : kind == 2 ? 0
                          : (i / 8192) % 2 ? (uint8_t) test_random(state)
                                           : (uint8_t) (i / 64);
        return data;
}

static int add_file(struct ingot_tree *tree, const char *path, size_t size, uint64_t *state,
                    unsigned kind, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = fill(state, size, kind);
        return ingot_tree_put_bytes(tree, path, (uint16_t) (0600 + test_random(state) % 0200),
                                    (int64_t) (test_random(state) % 3 ? 1700000000
                                                                      : test_random(state) >> 34),
                                    data, size, reterr);
}

static int add_special(struct ingot_tree *tree, const char *name, enum ingot_file_type type,
                       uint32_t major, uint32_t minor, ingot_error *reterr)
{
        struct ingot_inode *inode = NULL;
        int r = ingot_inode_new(type, 0660, &inode, reterr);
        if (r < 0)
                return r;
        inode->major = major;
        inode->minor = minor;
        inode->uid = 70000;
        inode->mtime = -5;
        inode->mtime_nsec = 999999999;
        return ingot_tree_link(tree->root, name, inode, reterr);
}

/* One of everything, the same each time. */
static int sample_tree(struct ingot_tree **ret, uint64_t seed, unsigned files, ingot_error *reterr)
{
        static const size_t sizes[] = {0,     1,     4095,   4096,   4097,   8191,  65536, 131072,
                                       70000, 20000, 262144, 262145, 524288, 530000};
        struct ingot_tree *tree = NULL;
        uint64_t state = seed;
        char path[256];
        int r = ingot_tree_new(&tree, reterr);
        tree->root->mtime = 1700000000;
        for (unsigned i = 0; r >= 0 && i < files; i++) {
                size_t size = i < ARRAY_SIZE(sizes) ? sizes[i] : test_random(&state) % 90000;
                snprintf(path, sizeof(path), "d%u/%s%u/file%u.%u", i % 5, i % 2 ? "x" : "-", i % 3, i,
                         i % 4);
                r = add_file(tree, path, size, &state, i % 4, reterr);
                if (r >= 0 && i % 3 == 0)
                        r = ingot_inode_set_xattr(ingot_tree_lookup(tree, path), "security.selinux",
                                                  "system_u:object_r:x_t:s0", 25, reterr);
                if (r >= 0 && i % 7 == 0)
                        r = ingot_inode_set_xattr(ingot_tree_lookup(tree, path), "user.own", &i,
                                                  sizeof(i), reterr);
        }
        if (r >= 0)
                r = ingot_tree_link(tree->root, "hard link", ingot_tree_lookup(tree, "d1/x1/file1.1"),
                                    reterr);
        if (r >= 0)
                r = ingot_tree_put_symlink(tree, "!link", "d1/x1", 5, reterr);
        memset(path, 'n', 255);
        path[255] = 0;
        if (r >= 0)
                r = ingot_tree_put_symlink(tree, path, path, 1700000000, reterr);
        if (r >= 0)
                r = add_special(tree, "null", INGOT_FILE_CHARACTER, 1, 3, reterr);
        if (r >= 0)
                r = add_special(tree, "disk", INGOT_FILE_BLOCK, 0xfff, 0xfffff, reterr);
        if (r >= 0)
                r = add_special(tree, "fifo", INGOT_FILE_FIFO, 0, 0, reterr);
        if (r >= 0)
                r = add_special(tree, "socket", INGOT_FILE_SOCKET, 0, 0, reterr);
        *ret = tree;
        return r;
}

static const struct ingot_erofs_options variants[] = {
        {.compressor = INGOT_EROFS_NONE},
        {.compressor = INGOT_EROFS_LZ4},
        {.compressor = INGOT_EROFS_LZ4HC, .level = 4},
        {.compressor = INGOT_EROFS_ZSTD},
        {.compressor = INGOT_EROFS_ZSTD, .level = 19, .extent = 65536},
        {.compressor = INGOT_EROFS_LZ4, .extent = 4096},
        {.compressor = INGOT_EROFS_ZSTD, .level = 1, .extent = 8192},
        {.compressor = INGOT_EROFS_ZSTD, .level = 1, .extent = 1048576},
};

TEST(what_is_written_is_read_back_whatever_the_compressor_and_the_threads)
{
        ingot_error error = {0};
        for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL, *back = NULL;
                _cleanup_(image_done) struct image one = {0}, two = {0};
                struct ingot_erofs_options o = variants[i];
                struct ingot_erofs_result result;
                struct ingot_erofs_info info;
                CHECK_OK(sample_tree(&tree, test_seed() + i, 40, &error));
                o.build_time = 1700000000;
                o.volume_name = "ingot";
                o.threads = 1;
                CHECK_OK(make(tree, &o, &one, &result, &error));
                o.threads = 2;
                CHECK_OK(make(tree, &o, &two, &result, &error));
                CHECK(one.finished && !one.disordered);
                CHECK_EQ(one.bytes.size, result.size);
                CHECK_EQ(one.bytes.size, two.bytes.size);
                CHECK(memcmp(one.bytes.data, two.bytes.data, one.bytes.size) == 0);
                struct ingot_span span = ingot_buffer_span(&one.bytes);
                struct ingot_reader reader = ingot_reader_of_span(&span);
                CHECK_EQ(ingot_erofs_probe(&reader, &error), 1);
                CHECK_OK(ingot_erofs_read_tree(&reader, &back, &info, &error));
                const char *difference = differ(tree->root, back->root);
                CHECK_STR(difference ? difference : "same", "same");
                CHECK_EQ(info.inodes, result.inodes);
                CHECK_EQ(info.content_size, result.content_size);
                CHECK_EQ(info.files, 40);
                CHECK_STR(info.volume_name, "ingot");
                CHECK(info.packed_size == result.packed_size);
        }
}

TEST(a_cluster_in_the_middle_can_be_read_alone)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL, *back = NULL;
        _cleanup_(image_done) struct image image = {0};
        struct ingot_erofs_options o = {.compressor = INGOT_EROFS_ZSTD, .extent = 32768};
        uint64_t state = 7;
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_OK(add_file(tree, "f", 1000000, &state, 3, &error));
        CHECK_OK(make(tree, &o, &image, NULL, &error));
        struct ingot_span span = ingot_buffer_span(&image.bytes);
        struct ingot_reader reader = ingot_reader_of_span(&span);
        CHECK_OK(ingot_erofs_read_tree(&reader, &back, NULL, &error));
        const struct ingot_inode *a = ingot_tree_lookup(tree, "f"), *b = ingot_tree_lookup(back, "f");
        for (int i = 0; i < 300; i++) {
                uint8_t x[9000], y[9000];
                uint64_t at = test_random(&state) % 1000000;
                size_t n = ingot_min_u64(test_random(&state) % sizeof(x), 1000000 - at);
                CHECK_OK(ingot_read_at(&a->content, at, x, n, &error));
                CHECK_OK(ingot_read_at(&b->content, at, y, n, &error));
                CHECK(memcmp(x, y, n) == 0);
        }
        uint8_t byte;
        CHECK_FAILS(ingot_read_at(&b->content, 1000000, &byte, 1, &error), INGOT_E_FORMAT, "behind");
}

TEST(equal_small_files_stand_once)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_(image_done) struct image image = {0};
        struct ingot_erofs_options o = {.compressor = INGOT_EROFS_LZ4};
        struct ingot_erofs_result result;
        char path[32];
        CHECK_OK(ingot_tree_new(&tree, &error));
        for (int i = 0; i < 50; i++) {
                uint64_t state = 3;
                snprintf(path, sizeof(path), "f%d", i);
                CHECK_OK(add_file(tree, path, 30000, &state, 0, &error));
        }
        CHECK_OK(make(tree, &o, &image, &result, &error));
        /* with the zeros up to where an extent may end */
        CHECK_EQ(result.packed_size, 24576 + 65536);
        CHECK_EQ(result.content_size, 50 * 30000);
}

/* A file of any size that holds no memory: all bytes of block B are B * 31. */
static int read_huge(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        (void) context;
        (void) reterr;
        for (size_t i = 0, n; i < size; i += n) {
                uint64_t at = offset + i;
                n = ingot_min_u64(size - i, 4096 - at % 4096);
                memset((uint8_t *) ret + i, (uint8_t) (at / 4096 * 31), n);
        }
        return 0;
}

TEST(a_file_over_4_gib_and_a_folder_of_many_entries)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL, *back = NULL;
        _cleanup_(image_done) struct image image = {0};
        struct ingot_erofs_options o = {.compressor = INGOT_EROFS_LZ4, .extent = 1048576};
        struct ingot_inode *huge = NULL;
        const uint64_t size = UINT64_C(4300000123);
        char name[32];
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_OK(ingot_inode_new(INGOT_FILE_REGULAR, 0644, &huge, &error));
        huge->content = (struct ingot_reader){.read_at = read_huge, .size = size};
        CHECK_OK(ingot_tree_link(tree->root, "huge", huge, &error));
        for (int i = 0; i < 100000; i++) {
                snprintf(name, sizeof(name), "entry %06d", i);
                CHECK_OK(ingot_tree_link(tree->root, name, huge, &error));
        }
        CHECK_OK(make(tree, &o, &image, NULL, &error));
        struct ingot_span span = ingot_buffer_span(&image.bytes);
        struct ingot_reader reader = ingot_reader_of_span(&span);
        CHECK_OK(ingot_erofs_read_tree(&reader, &back, NULL, &error));
        CHECK_EQ(back->root->entry_count, 100001);
        struct ingot_inode *b = ingot_tree_lookup(back, "huge");
        CHECK_EQ(b->content.size, size);
        CHECK_EQ(b->links, 100001);
        for (uint64_t at = 4000; at < size; at += size / 50 + 1) {
                uint8_t x[300], y[300];
                size_t n = ingot_min_u64(sizeof(x), size - at);
                CHECK_OK(read_huge(NULL, at, x, n, &error));
                CHECK_OK(ingot_read_at(&b->content, at, y, n, &error));
                CHECK(memcmp(x, y, n) == 0);
        }
}

TEST(what_the_format_cannot_say_is_refused)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_(image_done) struct image image = {0};
        struct ingot_erofs_options o = {.extent = 12345};
        static uint8_t large[70000];
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_FAILS(make(tree, &o, &image, NULL, &error), INGOT_E_USAGE, "no power of two");
        o = (struct ingot_erofs_options){.compressor = INGOT_EROFS_ZSTD, .level = 23};
        CHECK_FAILS(make(tree, &o, &image, NULL, &error), INGOT_E_USAGE, "no level 23");
        o = (struct ingot_erofs_options){.volume_name = "longer than 15 bytes"};
        CHECK_FAILS(make(tree, &o, &image, NULL, &error), INGOT_E_USAGE, "volume name");
        o = (struct ingot_erofs_options){0};
        CHECK_OK(ingot_tree_put_bytes(tree, "a/f", 0644, 1, "x", 1, &error));
        struct ingot_inode *f = ingot_tree_lookup(tree, "a/f");
        CHECK_OK(ingot_inode_set_xattr(f, "system.foo", "x", 1, &error));
        CHECK_FAILS(make(tree, &o, &image, NULL, &error), INGOT_E_UNSUPPORTED,
                    "/a/f: erofs has no place for the xattr system.foo");
        f->xattr_count--;
        free(f->xattrs[0].name);
        free(f->xattrs[0].value);
        CHECK_OK(ingot_inode_set_xattr(f, "user.foo", large, sizeof(large), &error));
        CHECK_FAILS(make(tree, &o, &image, NULL, &error), INGOT_E_LIMIT, "user.foo is too long");
        CHECK_OK(ingot_tree_remove(tree, "a/f", &error));
        CHECK_OK(add_special(tree, "dev", INGOT_FILE_BLOCK, 4096, 0, &error));
        CHECK_FAILS(make(tree, &o, &image, NULL, &error), INGOT_E_LIMIT, "12:20 bits");
}

TEST(a_failing_content_is_named_and_leaves_no_file_system)
{
        ingot_error error = {0};
        for (size_t i = 0; i < 4; i++) {
                _cleanup_(image_done) struct image image = {0};
                _cleanup_(ingot_tree_free_p) struct ingot_tree *t = NULL;
                struct ingot_span nothing = {0};
                struct ingot_inode *f = NULL;
                CHECK_OK(ingot_tree_new(&t, &error));
                CHECK_OK(ingot_tree_put_bytes(t, "usr/lib/broken", 0644, 1, "x", 1, &error));
                f = ingot_tree_lookup(t, "usr/lib/broken");
                CHECK_OK(ingot_inode_set_bytes(f, NULL, 0, &error));
                f->content = ingot_reader_of_span(&nothing);
                f->content.size = 700000;
                CHECK_FAILS(make(t, variants + i, &image, NULL, &error), INGOT_E_FORMAT,
                            "/usr/lib/broken: ");
                CHECK(!image.finished);
                f->content = (struct ingot_reader){0};
        }
}

static void check_golden(const struct ingot_erofs_options *given, const char *want)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_(image_done) struct image image = {0};
        struct ingot_erofs_options o = *given;
        uint8_t digest[INGOT_SHA256_SIZE];
        char hex[2 * INGOT_SHA256_SIZE + 1];
        CHECK_OK(sample_tree(&tree, 42, 30, &error));
        o.build_time = 1700000000;
        CHECK_OK(make(tree, &o, &image, NULL, &error));
        ingot_sha256_of(image.bytes.data, image.bytes.size, digest);
        ingot_hex(hex, digest, sizeof(digest));
        CHECK_STR(hex, want);
}

TEST(golden_uncompressed)
{
        check_golden(&variants[0],
                     "3f4fa87d6a73a1b28d91d43cc5d6ac761fea84547507321b0c376337bfba9602");
}

TEST(golden_lz4)
{
        if (LZ4_versionNumber() != 10904)
                SKIP("the digest is of lz4 1.9.4");
        check_golden(&variants[1],
                     "54c77ab91e0b48fedabc54c463a3134bd4c62b9a806d3906d8b757d2e326efc4");
}

TEST(golden_lz4hc)
{
        if (LZ4_versionNumber() != 10904)
                SKIP("the digest is of lz4 1.9.4");
        check_golden(&variants[2],
                     "edb470a847dd0fd3b5813732d3e423b472113a56b7168fe57742034adcc223e3");
}

TEST(golden_zstd)
{
        if (ZSTD_versionNumber() != 10504)
                SKIP("the digest is of zstd 1.5.4");
        check_golden(&variants[3],
                     "5eae3bd7cd0638569a4df2375966dfe09513412d4a9bbd077cb1bde781b8f0ee");
}

TEST(a_changed_byte_never_makes_the_reader_stumble)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_(image_done) struct image image = {0};
        struct ingot_erofs_result result;
        uint64_t state = test_seed();
        struct ingot_erofs_options o = {.compressor = INGOT_EROFS_ZSTD, .extent = 65536};
        CHECK_OK(sample_tree(&tree, 9, 12, &error));
        CHECK_OK(make(tree, &o, &image, &result, &error));
        struct ingot_span span = ingot_buffer_span(&image.bytes);
        struct ingot_reader reader = ingot_reader_of_span(&span);
        size_t metadata = image.bytes.size - result.metadata_size;
        for (int i = 0; i < 400; i++) {
                _cleanup_(ingot_tree_free_p) struct ingot_tree *back = NULL;
                size_t at = i % 8 == 0 ? 1024 + 8 + test_random(&state) % 120
                                       : metadata + test_random(&state) % result.metadata_size;
                uint8_t before = image.bytes.data[at];
                image.bytes.data[at] = (uint8_t) test_random(&state);
                if (ingot_erofs_read_tree(&reader, &back, NULL, &error) >= 0)
                        (void) differ(back->root, back->root);
                else
                        CHECK(error.code == INGOT_E_FORMAT || error.code == INGOT_E_UNSUPPORTED ||
                              error.code == INGOT_E_LIMIT);
                image.bytes.data[at] = before;
        }
        image.bytes.data[1024 + 20] ^= 1;
        struct ingot_tree *none = NULL;
        CHECK_FAILS(ingot_erofs_read_tree(&reader, &none, NULL, &error), INGOT_E_FORMAT,
                    "checksum differs");
        image.bytes.data[1024 + 20] ^= 1;
        reader.size -= 4096;
        CHECK_FAILS(ingot_erofs_read_tree(&reader, &none, NULL, &error), INGOT_E_FORMAT,
                    "the image ends");
}

/* The blocks of an image that stand nowhere in another. */
static size_t count_new_blocks(const struct image *image, const struct image *before)
{
        size_t count = 0;
        for (size_t i = 0; i < image->bytes.size; i += 4096) {
                bool found = false;
                for (size_t k = 0; !found && k < before->bytes.size; k += 4096)
                        found = memcmp(image->bytes.data + i, before->bytes.data + k, 4096) == 0;
                count += !found;
        }
        return count;
}

/* Writes TREE like BEFORE, with one thread and two, and reads it back. */
static void check_like(const struct ingot_tree *tree, const struct image *before,
                       const struct ingot_erofs_options *given, struct image *image,
                       struct ingot_erofs_result *result)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *back = NULL;
        _cleanup_(image_done) struct image two = {0};
        struct ingot_span old = ingot_buffer_span(&before->bytes);
        struct ingot_reader like = ingot_reader_of_span(&old);
        struct ingot_erofs_options o = *given;
        o.like = &like;
        o.threads = 1;
        CHECK_OK(make(tree, &o, image, result, &error));
        o.threads = 2;
        CHECK_OK(make(tree, &o, &two, NULL, &error));
        CHECK_EQ(image->bytes.size, result->size);
        CHECK_EQ(image->bytes.size, two.bytes.size);
        CHECK(memcmp(image->bytes.data, two.bytes.data, two.bytes.size) == 0);
        struct ingot_span span = ingot_buffer_span(&image->bytes);
        struct ingot_reader reader = ingot_reader_of_span(&span);
        CHECK_OK(ingot_erofs_read_tree(&reader, &back, NULL, &error));
        const char *difference = differ(tree->root, back->root);
        CHECK_STR(difference ? difference : "same", "same");
}

static const struct ingot_erofs_options like_variants[] = {
        {.compressor = INGOT_EROFS_LZ4, .build_time = 1700000000},
        {.compressor = INGOT_EROFS_ZSTD, .build_time = 1700000000},
        {.compressor = INGOT_EROFS_ZSTD, .build_time = 1700000000, .extent = 65536},
        {.compressor = INGOT_EROFS_LZ4HC, .build_time = 1700000000, .extent = 1048576},
};

TEST(a_tree_like_its_own_image_is_the_same_image)
{
        ingot_error error = {0};
        for (size_t i = 0; i < ARRAY_SIZE(like_variants); i++) {
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
                _cleanup_(image_done) struct image one = {0}, two = {0};
                struct ingot_erofs_result result;
                CHECK_OK(sample_tree(&tree, test_seed() + i, 60, &error));
                CHECK_OK(make(tree, &like_variants[i], &one, &result, &error));
                check_like(tree, &one, &like_variants[i], &two, &result);
                CHECK_EQ(one.bytes.size, two.bytes.size);
                CHECK(memcmp(one.bytes.data, two.bytes.data, one.bytes.size) == 0);
        }
}

TEST(a_small_change_touches_few_blocks)
{
        ingot_error error = {0};
        for (size_t i = 0; i < ARRAY_SIZE(like_variants); i++) {
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
                _cleanup_(image_done) struct image one = {0}, two = {0}, plain = {0};
                struct ingot_erofs_result result;
                uint64_t state = test_seed() + i;
                CHECK_OK(sample_tree(&tree, state, 60, &error));
                CHECK_OK(make(tree, &like_variants[i], &one, NULL, &error));
                CHECK_OK(add_file(tree, "d1/x1/file1.1", 30000, &state, 0, &error));
                CHECK_OK(add_file(tree, "!first of all", 3000, &state, 0, &error));
                CHECK_OK(ingot_tree_remove(tree, "d3/x0/file3.3", &error));
                check_like(tree, &one, &like_variants[i], &two, &result);
                CHECK_OK(make(tree, &like_variants[i], &plain, NULL, &error));
                /* 9 of content; the superblock, inodes and directories, the packed inode's index */
                size_t blocks = count_new_blocks(&two, &one);
                CHECK(blocks <= 9 + 8);
                CHECK(blocks < count_new_blocks(&plain, &one));
        }
}

/* One release: some files change, some come, some go. */
static int change_tree(struct ingot_tree *tree, unsigned release, uint64_t *state,
                       ingot_error *reterr)
{
        char path[64];
        int r = 0;
        for (unsigned i = 0; r >= 0 && i < 6; i++) {
                unsigned file = (unsigned) (test_random(state) % 50);
                snprintf(path, sizeof(path), "d%u/new%u", file % 5, file);
                if (test_random(state) % 3 == 0)
                        r = ingot_tree_remove(tree, path, reterr);
                else
                        r = add_file(tree, path, test_random(state) % (i == 0 ? 1500000 : 100000),
                                     state, (unsigned) test_random(state) % 4, reterr);
        }
        snprintf(path, sizeof(path), "d%u/r%u", release % 5, release);
        return r >= 0 ? add_file(tree, path, 100, state, 1, reterr) : r;
}

TEST(releases_in_a_long_row_do_not_grow)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        struct image before = {0};
        struct ingot_erofs_options o = like_variants[1];
        uint64_t state = test_seed();
        o.level = 1;
        CHECK_OK(sample_tree(&tree, state, 60, &error));
        CHECK_OK(make(tree, &o, &before, NULL, &error));
        for (unsigned i = 0; i < 25; i++) {
                _cleanup_(image_done) struct image now = {0}, plain = {0};
                struct ingot_erofs_result result, alone;
                CHECK_OK(change_tree(tree, i, &state, &error));
                check_like(tree, &before, &o, &now, &result);
                CHECK_OK(make(tree, &o, &plain, &alone, &error));
                CHECK(result.size <= alone.size + alone.size / 10 + 20 * 4096);
                image_done(&before);
                before = now;
                now = (struct image){0};
        }
        image_done(&before);
}

TEST(what_moves_together_after_much_was_removed_is_small)
{
        ingot_error error = {0};
        for (size_t i = 0; i < ARRAY_SIZE(like_variants); i++) {
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
                _cleanup_(image_done) struct image one = {0}, two = {0}, plain = {0};
                struct ingot_erofs_result result, alone;
                CHECK_OK(sample_tree(&tree, test_seed() + i, 200, &error));
                CHECK_OK(make(tree, &like_variants[i], &one, NULL, &error));
                CHECK_OK(ingot_tree_remove(tree, "d1", &error));
                CHECK_OK(ingot_tree_remove(tree, "d2", &error));
                CHECK_OK(ingot_tree_remove(tree, "d3", &error));
                check_like(tree, &one, &like_variants[i], &two, &result);
                CHECK_OK(make(tree, &like_variants[i], &plain, &alone, &error));
                CHECK(result.size <= alone.size + alone.size / 10 + 4 * 4096);
        }
}

TEST(an_image_that_is_compressed_otherwise_cannot_be_kept)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_(image_done) struct image one = {0}, two = {0};
        CHECK_OK(sample_tree(&tree, 3, 12, &error));
        CHECK_OK(make(tree, &like_variants[0], &one, NULL, &error));
        struct ingot_span span = ingot_buffer_span(&one.bytes);
        struct ingot_reader like = ingot_reader_of_span(&span);
        struct ingot_erofs_options o = {.compressor = INGOT_EROFS_ZSTD, .like = &like};
        CHECK_FAILS(make(tree, &o, &two, NULL, &error), INGOT_E_CONFLICT,
                    "not compressed as this one");
        o.compressor = INGOT_EROFS_LZ4;
        o.extent = 65536;
        CHECK_FAILS(make(tree, &o, &two, NULL, &error), INGOT_E_CONFLICT,
                    "not compressed as this one");
        o.extent = 4096;
        CHECK_FAILS(make(tree, &o, &two, NULL, &error), INGOT_E_UNSUPPORTED, "64 KiB");
        o.compressor = INGOT_EROFS_NONE;
        CHECK_FAILS(make(tree, &o, &two, NULL, &error), INGOT_E_UNSUPPORTED, "compression");
        o = like_variants[0];
        o.like = &like;
        like.size = 4096;
        CHECK_FAILS(make(tree, &o, &two, NULL, &error), INGOT_E_FORMAT, "the image ends");
}

TEST(a_changed_byte_in_the_image_before_spoils_nothing)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_(image_done) struct image one = {0};
        struct ingot_erofs_options o = like_variants[2];
        struct ingot_erofs_result result;
        uint64_t state = test_seed();
        CHECK_OK(sample_tree(&tree, 9, 14, &error));
        CHECK_OK(make(tree, &o, &one, &result, &error));
        struct ingot_span span = ingot_buffer_span(&one.bytes);
        struct ingot_reader like = ingot_reader_of_span(&span);
        size_t metadata = one.bytes.size - result.metadata_size;
        one.bytes.data[1024 + 8] &= (uint8_t) ~INGOT_EROFS_COMPAT_CHECKSUM;
        o.like = &like;
        for (int i = 0; i < 200; i++) {
                _cleanup_(ingot_tree_free_p) struct ingot_tree *back = NULL;
                _cleanup_(image_done) struct image two = {0};
                size_t at = i % 4 == 0   ? 4096 + test_random(&state) % (metadata - 4096)
                            : i % 8 == 1 ? 1024 + 12 + test_random(&state) % 120
                                         : metadata + test_random(&state) % result.metadata_size;
                uint8_t was = one.bytes.data[at];
                one.bytes.data[at] = (uint8_t) test_random(&state);
                int r = make(tree, &o, &two, NULL, &error);
                one.bytes.data[at] = was;
                if (r < 0)
                        continue;
                struct ingot_span new_span = ingot_buffer_span(&two.bytes);
                struct ingot_reader reader = ingot_reader_of_span(&new_span);
                CHECK_OK(ingot_erofs_read_tree(&reader, &back, NULL, &error));
                const char *difference = differ(tree->root, back->root);
                CHECK_STR(difference ? difference : "same", "same");
        }
}

static int load_folder(const char *path, struct ingot_tree **ret, ingot_error *reterr)
{
        struct ingot_tree_load load = {.dirfd = AT_FDCWD, .path = path, .xattrs = true};
        return ingot_tree_load(&load, ret, reterr);
}

/* Sample images through fsck.erofs, which also unpacks them; then mkfs.erofs packs what it unpacked
 * in each of its ways, for our reader. */
TEST(fsck_erofs_accepts_and_unpacks_what_is_written)
{
        ingot_error error = {0};
        if (!oracle_found_newest("fsck.erofs"))
                SKIP("no fsck.erofs in INGOT_ORACLES");
        for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL, *back = NULL;
                _cleanup_(image_done) struct image image = {0};
                _cleanup_free_ char *out = NULL, *folder = NULL;
                struct ingot_erofs_options o = variants[i];
                CHECK_OK(sample_tree(&tree, 77 + i, 30, &error));
                CHECK_EQ(ingot_tree_remove(tree, "socket", &error), 1);
                CHECK_OK(make(tree, &o, &image, NULL, &error));
                const char *path = oracle_file("image", image.bytes.data, image.bytes.size);
                CHECK_OK(ingot_format(&folder, &error, "%s/out", test_folder()));
                int r = oracle_run_newest(&out, "fsck.erofs --extract=%s --overwrite %s 2>&1",
                                          folder, path);
                if (r != 0)
                        test_report(__FILE__, __LINE__, "variant %zu: %s", i, out);
                CHECK_OK(load_folder(folder, &back, &error));
                ignore_xattrs = true; /* fsck.erofs leaves them out */
                const char *difference = differ(tree->root, back->root);
                ignore_xattrs = false;
                CHECK_STR(difference ? difference : "same", "same");
                CHECK_OK(ingot_remove_tree(AT_FDCWD, folder, &error));
        }
}

/* mkfs.erofs 1.9 with several workers dies by a signal now and then, whatever it is asked for: then
 * it is asked again, a few times. An error that it reports is final. */
static int make_theirs(char **ret, const char *way, const char *target, const char *folder)
{
        int r = -1;
        for (int attempt = 0; attempt < 5 && (r < 0 || r >= 128); attempt++) {
                free(*ret);
                *ret = NULL;
                r = oracle_run_newest(ret, "mkfs.erofs %s --quiet %s %s 2>&1", way, target, folder);
        }
        return r;
}

TEST(what_mkfs_erofs_makes_is_read)
{
        static const char *const ways[] = {
                "",
                "-zlz4",
                "-zlz4hc,12 -C16384 -Eztailpacking",
                "-zzstd,3 -C65536 -Efragments,ztailpacking",
                "-zzstd,3 -C65536 -Eall-fragments,fragdedupe=inode",
                "-zlz4 -C65536 -Ededupe",
                "-zlz4 -Elegacy-compress",
                "--chunksize=4096",
                "-Enoinline_data",
                "-zlz4 --zD=1",
                "-b512",
                "-zlz4:zstd,5 -C16384 -x1",
        };
        ingot_error error = {0};
        if (!oracle_found_newest("mkfs.erofs"))
                SKIP("no mkfs.erofs in INGOT_ORACLES");
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL, *want = NULL;
        _cleanup_(image_done) struct image image = {0};
        _cleanup_free_ char *folder = NULL, *target = NULL;
        struct ingot_erofs_options o = {0};
        size_t compared = 0;
        CHECK_OK(sample_tree(&tree, 5, 30, &error));
        CHECK_EQ(ingot_tree_remove(tree, "socket", &error), 1);
        CHECK_OK(make(tree, &o, &image, NULL, &error));
        const char *path = oracle_file("source", image.bytes.data, image.bytes.size);
        CHECK_OK(ingot_format(&folder, &error, "%s/in", test_folder()));
        CHECK_OK(ingot_format(&target, &error, "%s/theirs", test_folder()));
        CHECK_EQ(oracle_run_newest(NULL, "fsck.erofs --extract=%s %s 2>&1", folder, path), 0);
        CHECK_OK(load_folder(folder, &want, &error));
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                _cleanup_(ingot_tree_free_p) struct ingot_tree *back = NULL;
                _cleanup_free_ char *out = NULL;
                _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
                struct ingot_erofs_info info;
                int r = make_theirs(&out, ways[i], target, folder);
                if (r < 0 || r >= 128) {
                        printf("# mkfs.erofs %s died by a signal: not compared\n", ways[i]);
                        continue;
                }
                compared++;
                if (r != 0)
                        test_report(__FILE__, __LINE__, "mkfs.erofs %s: %s", ways[i], out);
                CHECK_OK(ingot_file_open(&file, target, &error));
                struct ingot_reader reader = ingot_file_reader(&file);
                error.text[0] = 0;
                r = ingot_erofs_read_tree(&reader, &back, &info, &error);
                ignore_xattrs = true;
                const char *difference = r < 0 ? error.text : differ(want->root, back->root);
                ignore_xattrs = false;
                if (difference)
                        test_report(__FILE__, __LINE__, "mkfs.erofs %s: %s", ways[i], difference);
        }
        CHECK(compared > ARRAY_SIZE(ways) / 2);
}
