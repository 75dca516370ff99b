/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of the metadata area, behind the data: inodes, then larger directories, then shared
 * xattrs (erofs-layout.c says where). It carries block addresses and so changes from release to
 * release; nothing else does.
 */
#include "format/erofs-write.h"

static int read_tail(const struct ingot_erofs_plan *plan, const struct ingot_erofs_node *node,
                     uint8_t *ret, ingot_error *reterr)
{
        char path[512];
        int r = ingot_read_at(&node->inode->content, node->size - node->tail, ret, node->tail,
                              reterr);
        if (r >= 0)
                return 0;
        ingot_erofs_node_path(plan, node, path);
        return ingot_under(reterr, r, "%s", path);
}

/* A directory's bytes in a buffer of whole blocks; the caller frees. */
static int encode_directory(const struct ingot_erofs_plan *plan,
                            const struct ingot_erofs_node *node, uint8_t **ret,
                            ingot_error *reterr)
{
        uint8_t *data = calloc(ingot_div_up(node->size, INGOT_EROFS_BLOCK), INGOT_EROFS_BLOCK);
        if (!data)
                return ingot_fail_nomem(reterr);
        ingot_erofs_directory_encode(plan, node, data);
        *ret = data;
        return 0;
}

static int encode_tail(const struct ingot_erofs_plan *plan, const struct ingot_erofs_node *node,
                       uint8_t *ret, ingot_error *reterr)
{
        if (node->inode->type == INGOT_FILE_REGULAR)
                return read_tail(plan, node, ret, reterr);
        if (node->inode->type == INGOT_FILE_SYMLINK) {
                memcpy(ret, node->inode->target, node->tail);
                return 0;
        }
        _cleanup_free_ uint8_t *data = NULL;
        int r = encode_directory(plan, node, &data, reterr);
        if (r < 0)
                return r;
        memcpy(ret, data + node->size - node->tail, node->tail);
        return 0;
}

static int encode_node(const struct ingot_erofs_plan *plan, const struct ingot_erofs_node *node,
                       uint8_t *at, ingot_error *reterr)
{
        struct ingot_erofs_inode inode = ingot_erofs_inode_of(plan, node);
        uint32_t head = ingot_erofs_inode_size(&inode) + node->xattr_size;
        inode.address = node->address;
        if (node->layout == INGOT_EROFS_COMPRESSED_COMPACT)
                inode.address = node->blocks;
        else if (node->inode->type == INGOT_FILE_CHARACTER ||
                 node->inode->type == INGOT_FILE_BLOCK)
                inode.address = ingot_erofs_device_encode(node->inode->major, node->inode->minor);
        else if (node->inode->type == INGOT_FILE_DIRECTORY ||
                 node->inode->type == INGOT_FILE_SYMLINK)
                inode.address += plan->metadata_block;
        ingot_erofs_inode_encode(&inode, at);
        if (node->xattr_size > 0)
                ingot_erofs_xattrs_encode(plan, node, at + ingot_erofs_inode_size(&inode));
        if (node->layout == INGOT_EROFS_COMPRESSED_COMPACT)
                ingot_erofs_index_encode(plan, node, head, at + head);
        return node->tail > 0 ? encode_tail(plan, node, at + head, reterr) : 0;
}

static int write_inodes(const struct ingot_erofs_plan *plan, const struct ingot_writer *writer,
                        ingot_error *reterr)
{
        const uint32_t *blocks = plan->inode_blocks;
        _cleanup_free_ uint8_t *area = calloc(plan->inode_block_count, INGOT_EROFS_BLOCK);
        int r = 0;
        if (!area)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; r >= 0 && i < plan->node_count; i++) {
                size_t at;
                if (!ingot_erofs_inode_place(plan, plan->nodes[i].at, &at))
                        return ingot_fail(reterr, INGOT_E_INTERNAL, "an inode has no block");
                r = encode_node(plan, plan->nodes + i, area + at, reterr);
        }
        for (size_t i = 0, end; r >= 0 && i < plan->inode_block_count; i = end) {
                for (end = i + 1; end < plan->inode_block_count; end++)
                        if (blocks[end] != blocks[i] + (end - i))
                                break;
                r = ingot_write_at(
                        writer, ((uint64_t) plan->metadata_block + blocks[i]) * INGOT_EROFS_BLOCK,
                        area + i * INGOT_EROFS_BLOCK, (end - i) * INGOT_EROFS_BLOCK, reterr);
        }
        return r;
}

static int write_directories(const struct ingot_erofs_plan *plan,
                             const struct ingot_writer *writer, ingot_error *reterr)
{
        for (size_t i = 0; i < plan->node_count; i++) {
                const struct ingot_erofs_node *node = plan->nodes + i;
                _cleanup_free_ uint8_t *data = NULL;
                if (!node->inode || node->blocks == 0 ||
                    (node->inode->type != INGOT_FILE_DIRECTORY &&
                     node->inode->type != INGOT_FILE_SYMLINK))
                        continue;
                int r = 0;
                if (node->inode->type == INGOT_FILE_DIRECTORY)
                        r = encode_directory(plan, node, &data, reterr);
                else if (!(data = calloc(node->blocks, INGOT_EROFS_BLOCK)))
                        return ingot_fail_nomem(reterr);
                else
                        memcpy(data, node->inode->target, node->size);
                if (r >= 0)
                        r = ingot_write_at(writer,
                                           ((uint64_t) plan->metadata_block + node->address) *
                                                   INGOT_EROFS_BLOCK,
                                           data, (size_t) node->blocks * INGOT_EROFS_BLOCK, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int write_shared_xattrs(const struct ingot_erofs_plan *plan,
                               const struct ingot_writer *writer, ingot_error *reterr)
{
        size_t size = ingot_align_up(plan->shared_size, INGOT_EROFS_BLOCK);
        if (size == 0)
                return 0;
        _cleanup_free_ uint8_t *data = calloc(1, size);
        if (!data)
                return ingot_fail_nomem(reterr);
        ingot_erofs_xattrs_encode_shared(plan, data);
        return ingot_write_at(
                writer, ((uint64_t) plan->metadata_block + plan->xattr_block) * INGOT_EROFS_BLOCK,
                data, size, reterr);
}

/* Zeros for what nothing took, so that every block is written. */
static int write_free(const struct ingot_erofs_plan *plan, const struct ingot_writer *writer,
                      ingot_error *reterr)
{
        static const uint8_t zeros[16 * INGOT_EROFS_BLOCK];
        for (size_t i = 0; i + 1 < plan->space.count; i++) {
                const struct ingot_erofs_range *range = plan->space.ranges + i;
                for (uint32_t at = range->start, n; at < range->end; at += n) {
                        n = (uint32_t) ingot_min_u64(range->end - at, 16);
                        int r = ingot_write_at(writer, (uint64_t) at * INGOT_EROFS_BLOCK, zeros,
                                               (size_t) n * INGOT_EROFS_BLOCK, reterr);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

int ingot_erofs_write_metadata(struct ingot_erofs_plan *plan, const struct ingot_writer *writer,
                               ingot_error *reterr)
{
        uint64_t end = ingot_erofs_space_end(&plan->space);
        if (!plan->in_place)
                end = (uint64_t) plan->metadata_block + plan->metadata_blocks;
        if (end > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "the image is larger than 16 TiB");
        plan->blocks = (uint32_t) end;
        int r = write_inodes(plan, writer, reterr);
        if (r >= 0)
                r = write_directories(plan, writer, reterr);
        if (r >= 0)
                r = write_shared_xattrs(plan, writer, reterr);
        return r >= 0 ? write_free(plan, writer, reterr) : r;
}
