/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as an initrd: never a crash; and what is taken can be written and read again. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "format/cpio.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static int count(void *context, const char *path, struct ingot_inode *inode, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        if (!*path || path[0] == '/')
                abort();
        if (inode->type == INGOT_FILE_REGULAR &&
            ingot_inode_read(inode, 1 << 20, &data, &size, reterr) < 0)
                abort();
        (*(size_t *) context)++;
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_cpio_limits limits = {.entries = 200, .expanded = 1 << 20};
        struct ingot_cpio_options options = {.data_align = size % 2 ? 0 : 512};
        struct ingot_span span = INGOT_SPAN(data, size);
        struct ingot_reader r = ingot_reader_of_span(&span);
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL, *again = NULL;
        _cleanup_buffer_ struct ingot_buffer out = {0};
        struct ingot_writer w = {.write_at = write_buffer, .context = &out};
        ingot_error error;
        uint64_t written;
        size_t before = 0, after = 0;
        if (ingot_cpio_read(&r, &limits, &tree, &error) < 0)
                return 0;
        if (ingot_cpio_write(tree, &options, &w, &written, &error) < 0)
                return 0; /* a path that is too long with all its links followed */
        span = ingot_buffer_span(&out);
        r = ingot_reader_of_span(&span);
        if (ingot_cpio_read(&r, NULL, &again, &error) < 0)
                abort();
        if (ingot_tree_walk(tree, count, &before, &error) < 0 ||
            ingot_tree_walk(again, count, &after, &error) < 0 || before != after)
                abort();
        return 0;
}
