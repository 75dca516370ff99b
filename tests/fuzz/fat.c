/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A volume of which the input is the beginning; zeros behind it. Every file is read whole. */
#include "base/cleanup.h"
#include "format/fat.h"

#include <stdlib.h>

#define VOLUME_SIZE (512 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_input(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        const struct ingot_span *span = context;
        (void) reterr;
        if (offset > VOLUME_SIZE || size > VOLUME_SIZE - offset)
                abort();
        size_t n = offset >= span->size          ? 0
                   : size < span->size - offset ? size
                                                : span->size - (size_t) offset;
        if (n > 0)
                memcpy(ret, span->data + offset, n);
        memset((uint8_t *) ret + n, 0, size - n);
        return 0;
}

static int read_file(void *context, const char *path, struct ingot_inode *inode,
                     ingot_error *reterr)
{
        uint8_t *text = NULL;
        size_t size = 0;
        (void) context, (void) path;
        if (inode->type != INGOT_FILE_REGULAR)
                return 0;
        /* No file is larger than its volume, or its clusters were not checked. */
        int r = ingot_inode_read(inode, VOLUME_SIZE, &text, &size, reterr);
        free(text);
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_span span = INGOT_SPAN(data, size < VOLUME_SIZE ? size : VOLUME_SIZE);
        struct ingot_reader reader = {
                .read_at = read_input, .context = &span, .size = VOLUME_SIZE};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        struct ingot_fat_info info;
        ingot_error error = {0};
        if (ingot_fat_read(&reader, &tree, &info, &error) < 0) {
                if (!error.code)
                        abort();
                return 0;
        }
        if (ingot_tree_walk(tree, read_file, NULL, &error) < 0 || info.free_clusters > info.cluster_count)
                abort();
        /* What was read is written, if FAT32 can hold it (damaged names may not be). */
        struct ingot_fat_options o = {0};
        ingot_fat_size_needed(tree, &o, &o.size, NULL);
        return 0;
}
