/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the extended attributes of an inode: places in the shared area, then its own. */
#include "format/erofs-image.h"

static int set(struct ingot_inode *inode, uint8_t index, struct ingot_span rest,
               struct ingot_span value, ingot_error *reterr)
{
        char name[64 + UINT8_MAX + 1];
        const char *prefix = ingot_erofs_xattr_prefix_name(index);
        if (!prefix)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "xattr prefix %u is not known",
                                  index);
        size_t size = strlen(prefix);
        memcpy(name, prefix, size);
        if (rest.size > 0)
                memcpy(name + size, rest.data, rest.size);
        name[size + rest.size] = 0;
        if (strlen(name) != size + rest.size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "an xattr's name holds a NUL");
        return ingot_inode_set_xattr(inode, name, value.data, value.size, reterr);
}

static int read_shared(const struct ingot_erofs_image *image, uint32_t id,
                       struct ingot_inode *inode, uint64_t *bytes, ingot_error *reterr)
{
        uint8_t head[INGOT_EROFS_XATTR_ENTRY_SIZE];
        uint64_t at = (uint64_t) image->super.xattr_block * image->block_size + (uint64_t) id * 4;
        int r = ingot_read_at(&image->reader, at, head, sizeof(head), reterr);
        if (r < 0)
                return r;
        size_t name_size = head[0], size = name_size + ingot_le16_load(head + 2);
        _cleanup_free_ uint8_t *data = malloc(size ? size : 1);
        if (!data)
                return ingot_fail_nomem(reterr);
        *bytes += size;
        r = ingot_read_at(&image->reader, at + sizeof(head), data, size, reterr);
        if (r < 0)
                return r;
        return set(inode, head[1], INGOT_SPAN(data, name_size),
                   INGOT_SPAN(data + name_size, size - name_size), reterr);
}

static int read_own(struct ingot_cursor *c, struct ingot_inode *inode, ingot_error *reterr)
{
        while (ingot_cursor_left(c) >= INGOT_EROFS_XATTR_ENTRY_SIZE) {
                uint8_t name_size = ingot_cursor_u8(c), index = ingot_cursor_u8(c);
                uint16_t value_size = ingot_cursor_le16(c);
                if (name_size == 0 && index == 0 && value_size == 0)
                        return 0; /* zeros fill the rest */
                struct ingot_span name = ingot_cursor_take(c, name_size);
                struct ingot_span value = ingot_cursor_take(c, value_size);
                if (c->failed)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "an xattr leaves its inode");
                int r = set(inode, index, name, value, reterr);
                if (r < 0)
                        return r;
                ingot_cursor_skip(c, ingot_min_u64(-c->at & 3, ingot_cursor_left(c)));
        }
        return 0;
}

int ingot_erofs_read_xattrs(const struct ingot_erofs_file *file, struct ingot_inode *inode,
                            uint64_t *bytes, ingot_error *reterr)
{
        uint32_t size = ingot_erofs_xattr_area(file->inode.xattr_count);
        if (size == 0)
                return 0;
        _cleanup_free_ uint8_t *area = malloc(size);
        if (!area)
                return ingot_fail_nomem(reterr);
        *bytes += size;
        int r = ingot_read_at(&file->image->reader, file->end - size, area, size, reterr);
        if (r < 0)
                return r;
        struct ingot_cursor c = ingot_cursor_over(INGOT_SPAN(area, size));
        ingot_cursor_skip(&c, INGOT_EROFS_XATTR_HEADER_SIZE);
        for (unsigned i = 0; i < area[4]; i++) {
                uint32_t id = ingot_cursor_le32(&c);
                if (c.failed)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "shared xattrs leave the inode");
                r = read_shared(file->image, id, inode, bytes, reterr);
                if (r < 0)
                        return r;
        }
        return read_own(&c, inode, reterr);
}
