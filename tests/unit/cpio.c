/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/size.h"
#include "base/text.h"
#include "format/cpio.h"
#include "oracle.h"
#include "test.h"

#include <zstd.h>

static int write_buffer(void *context, uint64_t offset, const void *data, size_t size,
                        ingot_error *reterr)
{
        struct ingot_buffer *b = context;
        if (offset + size > b->size) {
                int e = ingot_buffer_append_zeros(b, (size_t) offset + size - b->size, reterr);
                if (e < 0)
                        return e;
        }
        memcpy(b->data + offset, data, size);
        return 0;
}

static int pack(const struct ingot_tree *tree, const struct ingot_cpio_options *options,
                struct ingot_buffer *out, ingot_error *reterr)
{
        struct ingot_writer w = {.write_at = write_buffer, .context = out};
        uint64_t size = 0;
        int e = ingot_cpio_write(tree, options, &w, &size, reterr);
        if (e == 0 && size != out->size)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "%zu bytes, not %zu", out->size,
                                  (size_t) size);
        return e;
}

static int print(void *context, const char *path, struct ingot_inode *inode, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size = 0;
        int e = 0;
        if (inode->type == INGOT_FILE_REGULAR)
                e = ingot_inode_read(inode, 1 << 20, &data, &size, reterr);
        if (e < 0)
                return e;
        uint8_t digest[32];
        char hex[17];
        ingot_sha256_of(data, size, digest);
        ingot_hex(hex, digest, 8);
        return ingot_buffer_printf(context, reterr, "%s %s %o %u:%u %u %d %u,%u %s %zu %s\n", path,
                                   ingot_file_type_name(inode->type), inode->mode, inode->uid,
                                   inode->gid,
                                   inode->type == INGOT_FILE_DIRECTORY ? 0 : inode->links,
                                   (int) inode->mtime, inode->major, inode->minor,
                                   inode->target ? inode->target : "-", size, hex);
}

static int list(const struct ingot_tree *tree, struct ingot_buffer *ret, ingot_error *reterr)
{
        int e = ingot_buffer_printf(ret, reterr, "%o %d\n", tree->root->mode,
                                    (int) tree->root->mtime);
        return e < 0 ? e : ingot_tree_walk(tree, print, ret, reterr);
}

static int add_device(struct ingot_tree *tree, ingot_error *reterr)
{
        _cleanup_(ingot_inode_free_p) struct ingot_inode *device = NULL;
        int e = ingot_inode_new(INGOT_FILE_CHARACTER, 0620, &device, reterr);
        if (e < 0)
                return e;
        device->major = 5;
        device->minor = 1;
        device->gid = 5;
        e = ingot_tree_link(tree->root, "console", device, reterr);
        if (e == 0)
                (void) TAKE_PTR(device);
        return e;
}

static int make_tree(struct ingot_tree **ret, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        static uint8_t large[9000];
        memset(large, 'x', sizeof(large));
        int e = ingot_tree_new(&tree, reterr);
        if (e == 0)
                e = ingot_tree_put_bytes(tree, "init", 04755, 1700000000, "program", 7, reterr);
        if (e == 0)
                e = ingot_tree_put_bytes(tree, "usr/lib/large", 0644, 3, large, 9000, reterr);
        if (e == 0)
                e = ingot_tree_put_bytes(tree, "usr/empty", 0600, 4, "", 0, reterr);
        if (e == 0)
                e = ingot_tree_put_symlink(tree, "lib", "usr/lib", 5, reterr);
        if (e == 0)
                e = ingot_tree_link(tree->root, "zlink", ingot_tree_lookup(tree, "init"), reterr);
        if (e == 0)
                e = ingot_tree_link(tree->root, "alink", ingot_tree_lookup(tree, "init"), reterr);
        if (e == 0)
                e = add_device(tree, reterr);
        if (e < 0)
                return e;
        tree->root->mode = 0711;
        tree->root->mtime = 9;
        *ret = TAKE_PTR(tree);
        return 0;
}

TEST(a_tree_comes_back_as_it_was)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL, *back = NULL;
        _cleanup_buffer_ struct ingot_buffer out = {0}, a = {0}, b = {0};
        CHECK_OK(make_tree(&tree, &error));
        CHECK_OK(pack(tree, NULL, &out, &error));
        struct ingot_span span = ingot_buffer_span(&out);
        struct ingot_reader r = ingot_reader_of_span(&span);
        CHECK(ingot_cpio_detect(span));
        CHECK_OK(ingot_cpio_read(&r, NULL, &back, &error));
        CHECK_OK(list(tree, &a, &error));
        CHECK_OK(list(back, &b, &error));
        CHECK_STR((char *) a.data, (char *) b.data);
        CHECK_EQ(out.size % 512, 0u);
}

static int check_aligned(void *context, const char *path, struct ingot_inode *inode,
                         ingot_error *reterr)
{
        const uint32_t *align = context;
        if (inode->type == INGOT_FILE_REGULAR && inode->content.size >= 100 &&
            inode->content.base % *align != 0)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "%s at %zu", path,
                                  (size_t) inode->content.base);
        return 0;
}

TEST(data_is_aligned_whatever_the_lengths_of_names)
{
        ingot_error error = {0};
        for (uint32_t align = 8; align <= 4096; align *= 8) {
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL, *back = NULL;
                _cleanup_buffer_ struct ingot_buffer out = {0}, a = {0}, b = {0};
                uint64_t state = test_seed();
                char path[300];
                CHECK_OK(make_tree(&tree, &error));
                for (int i = 0; i < 60; i++) {
                        size_t n = 1 + test_random(&state) % 250;
                        memset(path, 'a' + i % 26, n);
                        path[n] = 0;
                        CHECK_OK(ingot_tree_put_bytes(tree, path, 0644, 0, path,
                                                      test_random(&state) % n, &error));
                }
                struct ingot_cpio_options options = {.data_align = align, .data_align_from = 100};
                CHECK_OK(pack(tree, &options, &out, &error));
                struct ingot_span span = ingot_buffer_span(&out);
                struct ingot_reader r = ingot_reader_of_span(&span);
                CHECK_OK(ingot_cpio_read(&r, NULL, &back, &error));
                CHECK_OK(ingot_tree_walk(back, check_aligned, &align, &error));
                CHECK_OK(list(tree, &a, &error));
                CHECK_OK(list(back, &b, &error));
                CHECK_STR((char *) a.data, (char *) b.data);
        }
}

TEST(padding_that_a_name_cannot_hold_goes_before_it)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL, *back = NULL;
        _cleanup_buffer_ struct ingot_buffer out = {0};
        char path[1001];
        for (int i = 0; i < 1000; i++)
                path[i] = i % 200 == 199 ? '/' : 'p';
        path[1000] = 0;
        path[999] = 'p';
        CHECK_OK(ingot_tree_new(&tree, &error));
        /* Files of every remainder before it. */
        for (char name[3] = "aa"; name[1] <= 'z'; name[1]++)
                CHECK_OK(ingot_tree_put_bytes(tree, name, 0644, 0, path, 151, &error));
        CHECK_OK(ingot_tree_put_bytes(tree, path, 0644, 0, path, 999, &error));
        struct ingot_cpio_options options = {.data_align = 4096};
        uint32_t align = 4096;
        CHECK_OK(pack(tree, &options, &out, &error));
        struct ingot_span span = ingot_buffer_span(&out);
        struct ingot_reader r = ingot_reader_of_span(&span);
        CHECK_OK(ingot_cpio_read(&r, NULL, &back, &error));
        CHECK_OK(ingot_tree_walk(back, check_aligned, &align, &error));
}

TEST(gnu_cpio_unpacks_what_we_pack)
{
        ingot_error error = {0};
        if (!oracle_found("cpio"))
                SKIP("no cpio");
        for (uint32_t align = 0; align <= 4096; align += 4096) {
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
                _cleanup_buffer_ struct ingot_buffer out = {0};
                _cleanup_free_ char *names = NULL, *files = NULL;
                CHECK_OK(make_tree(&tree, &error));
                CHECK_EQ(ingot_tree_remove(tree, "console", &error), 1);
                struct ingot_cpio_options options = {.data_align = align};
                CHECK_OK(pack(tree, &options, &out, &error));
                const char *path = oracle_file("a.cpio", out.data, out.size);
                CHECK_EQ(oracle_run(&names, "cpio -it --quiet <%s 2>&1 | sort -u", path), 0);
                CHECK_STR(names, ".\nalink\ninit\nlib\nusr\nusr/empty\nusr/lib\nusr/lib/large\n"
                                 "zlink\n");
                CHECK_EQ(oracle_run(&files,
                                    "cpio -iud --quiet --no-preserve-owner -D %s/x%u <%s 2>&1; "
                                    "cd %s/x%u && stat -c '%%n %%h %%s %%a' alink init "
                                    "usr/lib/large usr/empty zlink && readlink lib && cat alink",
                                    test_folder(), align, path, test_folder(), align),
                         0);
                CHECK_STR(files, "alink 3 7 4755\ninit 3 7 4755\nusr/lib/large 1 9000 644\n"
                                 "usr/empty 1 0 600\nzlink 3 7 4755\nusr/lib\nprogram");
        }
}

TEST(we_unpack_what_gnu_cpio_packs)
{
        ingot_error error = {0};
        if (!oracle_found("cpio"))
                SKIP("no cpio");
        for (int crc = 0; crc < 2; crc++) {
                _cleanup_free_ char *none = NULL;
                _cleanup_(ingot_tree_free_p) struct ingot_tree *back = NULL;
                const char *folder = test_folder();
                CHECK_EQ(oracle_run(&none,
                                    "cpio --version >/dev/null; rm -rf %s/in; mkdir -p %s/in/d; "
                                    "cd %s/in; echo one >d/f; ln d/f d/g; ln -s f d/l; "
                                    "find . | sort | cpio -o --quiet -H %s >../out.cpio",
                                    folder, folder, folder, crc ? "crc" : "newc"),
                         0);
                char path[300];
                snprintf(path, sizeof(path), "%s/out.cpio", folder);
                FILE *f = fopen(path, "rb");
                CHECK(f);
                uint8_t data[8192];
                size_t n = fread(data, 1, sizeof(data), f);
                fclose(f);
                struct ingot_span span = INGOT_SPAN(data, n);
                struct ingot_reader r = ingot_reader_of_span(&span);
                CHECK_OK(ingot_cpio_read(&r, NULL, &back, &error));
                CHECK_EQ(ingot_tree_lookup(back, "d/f")->links, 2u);
                CHECK_EQ(ingot_tree_lookup(back, "d/g")->content.size, 4u);
                CHECK_STR(ingot_tree_lookup(back, "d/l")->target, "f");
                if (!crc)
                        continue;
                uint8_t *one = memmem(data, n, "one\n", 4);
                *one = 'O';
                ingot_tree_free(back);
                back = NULL;
                CHECK_FAILS(ingot_cpio_read(&r, NULL, &back, &error), INGOT_E_FORMAT, "checksum");
        }
}

TEST(archives_lie_one_over_the_other_plain_and_compressed)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *one = NULL, *two = NULL, *back = NULL;
        _cleanup_buffer_ struct ingot_buffer a = {0}, b = {0};
        CHECK_OK(ingot_tree_new(&one, &error));
        CHECK_OK(ingot_tree_new(&two, &error));
        CHECK_OK(ingot_tree_put_bytes(one, "kernel/ucode", 0644, 0, "micro", 5, &error));
        CHECK_OK(ingot_tree_put_bytes(one, "f", 0644, 0, "first", 5, &error));
        CHECK_OK(ingot_tree_put_bytes(two, "f", 0600, 0, "second", 6, &error));
        CHECK_OK(ingot_tree_put_symlink(two, "kernel/l", "ucode", 0, &error));
        CHECK_OK(pack(one, NULL, &a, &error));
        CHECK_OK(pack(two, NULL, &b, &error));
        CHECK_OK(ingot_buffer_append_zeros(&a, 44, &error));
        CHECK_OK(ingot_buffer_reserve(&a, ZSTD_compressBound(b.size), &error));
        size_t n = ZSTD_compress(a.data + a.size, a.allocated - a.size, b.data, b.size, 3);
        CHECK(!ZSTD_isError(n));
        a.size += n;
        CHECK_OK(ingot_buffer_align(&a, 16, &error));
        struct ingot_span span = ingot_buffer_span(&a);
        struct ingot_reader r = ingot_reader_of_span(&span);
        CHECK_OK(ingot_cpio_read(&r, NULL, &back, &error));
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        CHECK_OK(ingot_inode_read(ingot_tree_lookup(back, "f"), 100, &text, &size, &error));
        CHECK_STR((char *) text, "second");
        CHECK_EQ(ingot_tree_lookup(back, "f")->mode, 0600);
        CHECK(ingot_tree_lookup(back, "kernel/ucode") && ingot_tree_lookup(back, "kernel/l"));
        struct ingot_cpio_limits limits = {.expanded = 100};
        ingot_tree_free(back);
        back = NULL;
        CHECK_FAILS(ingot_cpio_read(&r, &limits, &back, &error), INGOT_E_LIMIT, "expands");
        limits = (struct ingot_cpio_limits){.entries = 3};
        CHECK_FAILS(ingot_cpio_read(&r, &limits, &back, &error), INGOT_E_LIMIT, "too many");
        span.size -= n / 2 + 16;
        r.size = span.size;
        CHECK_FAILS(ingot_cpio_read(&r, NULL, &back, &error), INGOT_E_FORMAT, "cut off");
}

/* A single member by hand, and a trailer. */
static size_t member(char ret[1024], const char *magic, const char *name, uint32_t mode,
                     const char *data)
{
        memset(ret, 0, 1024);
        size_t n = (size_t) sprintf(ret, "%s%08x%08x%08x%08x%08x%08x%08x%032x%08x%08x%s", magic, 7,
                                    mode, 0, 0, 1, 0, (unsigned) strlen(data), 0,
                                    (unsigned) strlen(name) + 1, 0, name);
        n = ingot_align_up(n + 1, 4);
        memcpy(ret + n, data, strlen(data));
        n = ingot_align_up(n + strlen(data), 4);
        sprintf(ret + n, "070701%0104xTRAILER!!!", 0);
        memcpy(ret + n + 94, "0000000b", 8);
        return n + 124;
}

TEST(malformed_archives_are_refused)
{
        static const struct {
                const char *magic, *name;
                uint32_t mode;
                const char *data;
                int code;
                const char *words;
        } cases[] = {
                {"070701", "../x", 0100644, "d", INGOT_E_FORMAT, "leads out"},
                {"070701", "a/../../x", 0100644, "d", INGOT_E_FORMAT, "leads out"},
                {"070701", "x", 0170644, "d", INGOT_E_FORMAT, "no known type"},
                {"070701", "x", 0120777, "", INGOT_E_FORMAT, "links to 0 bytes"},
                {"070701", ".", 0100644, "d", INGOT_E_FORMAT, "root is not"},
                {"070707", "x", 0100644, "d", INGOT_E_UNSUPPORTED, "old portable"},
                {"07070x", "x", 0100644, "d", INGOT_E_FORMAT, "no cpio header at 0"},
                {"070702", "x", 0100644, "d", INGOT_E_FORMAT, "wrong checksum"},
                {"\xfd" "7zXZ", "x", 0100644, "d", INGOT_E_FORMAT, "no cpio header"},
                {"\x1f\x8b" "xxxx", "x", 0100644, "d", INGOT_E_UNSUPPORTED, "with gzip"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ingot_error error = {0};
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
                char data[1024];
                size_t n = member(data, cases[i].magic, cases[i].name, cases[i].mode,
                                  cases[i].data);
                struct ingot_span span = INGOT_SPAN(data, n);
                struct ingot_reader r = ingot_reader_of_span(&span);
                CHECK_FAILS(ingot_cpio_read(&r, NULL, &tree, &error), cases[i].code,
                            cases[i].words);
        }
}

TEST(paths_are_cleaned_and_every_cut_is_an_error)
{
        ingot_error error = {0};
        char data[1024];
        size_t n = member(data, "070701", "//a/./b//c", 0100644, "text");
        struct ingot_span span = INGOT_SPAN(data, n);
        struct ingot_reader r = ingot_reader_of_span(&span);
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(ingot_cpio_read(&r, NULL, &tree, &error));
        CHECK_EQ(ingot_tree_lookup(tree, "a/b/c")->content.size, 4u);
        for (size_t cut = 1; cut <= n - 4; cut++) { /* the last 3 only pad the trailer's name */
                struct ingot_tree *none = NULL;
                r.size = span.size = cut;
                CHECK_FAILS(ingot_cpio_read(&r, NULL, &none, &error), INGOT_E_FORMAT, "");
        }
}

TEST(what_the_format_cannot_hold_is_refused)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_buffer_ struct ingot_buffer out = {0};
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_OK(ingot_tree_put_bytes(tree, "f", 0644, -1, "x", 1, &error));
        CHECK_FAILS(pack(tree, NULL, &out, &error), INGOT_E_LIMIT, "f: the time -1");
        struct ingot_inode *f = ingot_tree_lookup(tree, "f");
        f->mtime = 0;
        CHECK_OK(ingot_inode_set_xattr(f, "security.capability", "x", 1, &error));
        CHECK_FAILS(pack(tree, NULL, &out, &error), INGOT_E_UNSUPPORTED, "security.capability");
        struct ingot_cpio_options options = {.data_align = 24};
        CHECK_FAILS(pack(tree, &options, &out, &error), INGOT_E_USAGE, "align data to 24");
}
