/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An erofs image: the tree, then the first bytes, some in the middle and the last of each file, up
 * to a fixed number of clusters; then a small image that is to be like it. The superblock's
 * checksum is left out, or no change would pass it. */
#include "base/cleanup.h"
#include "format/erofs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct budget {
        unsigned reads;
};

static int read_some(void *context, const char *path, struct ingot_inode *inode,
                     ingot_error *reterr)
{
        struct budget *b = context;
        uint8_t bytes[512];
        (void) path;
        (void) reterr;
        if (inode->type != INGOT_FILE_REGULAR || inode->content.size == 0 || b->reads == 0)
                return 0;
        uint64_t total = inode->content.size, places[] = {0, total / 2, total - 1};
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                size_t n = total - places[i] < sizeof(bytes) ? (size_t) (total - places[i])
                                                             : sizeof(bytes);
                ingot_read_at(&inode->content, places[i], bytes, n, NULL);
        }
        b->reads--;
        return 0;
}

static int discard(void *context, uint64_t offset, const void *data, size_t size,
                   ingot_error *reterr)
{
        (void) context, (void) offset, (void) data, (void) size, (void) reterr;
        return 0;
}

static void write_like(const struct ingot_reader *reader)
{
        static const uint32_t extents[] = {65536, 524288};
        const struct ingot_writer writer = {.write_at = discard};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        if (ingot_tree_new(&tree, NULL) < 0 ||
            ingot_tree_put_bytes(tree, "usr/a", 0644, 1, "content", 7, NULL) < 0)
                return;
        for (unsigned i = 0; i < 4; i++) {
                struct ingot_erofs_options o = {.compressor =
                                                        i < 2 ? INGOT_EROFS_LZ4 : INGOT_EROFS_ZSTD,
                                                .extent = extents[i % 2],
                                                .threads = 1,
                                                .like = reader};
                ingot_erofs_write(tree, &o, &writer, NULL, NULL);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_free_ uint8_t *copy = malloc(size ? size : 1);
        struct ingot_erofs_info info;
        struct budget budget = {.reads = 8};
        if (!copy || size > 1 << 20)
                return 0;
        if (size > 0)
                memcpy(copy, data, size);
        if (size > 1024 + 12)
                copy[1024 + 8] &= (uint8_t) ~INGOT_EROFS_COMPAT_CHECKSUM;
        struct ingot_span span = INGOT_SPAN(copy, size);
        struct ingot_reader reader = ingot_reader_of_span(&span);
        if (ingot_erofs_read_tree(&reader, &tree, &info, NULL) >= 0)
                ingot_tree_walk(tree, read_some, &budget, NULL);
        if (tree && size <= 1 << 16)
                write_like(&reader);
        return 0;
}
