/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The metadata area, behind the data: inodes (with small directories, link targets and, in an
 * uncompressed image, tails of files beside them), then larger directories, then shared xattrs. It
 * carries block addresses and so changes from release to release; nothing else does.
 */
#include "format/erofs-write.h"

#define HOLES 16

/* Gives out places for inodes. What must not cross a block leaves a hole behind it when it does not
 * fit; smaller ones fill it. */
struct placer {
        uint64_t next;
        struct {
                uint64_t at, end;
        } holes[HOLES];
        size_t hole; /* the next to be replaced */
};

static uint64_t place(struct placer *p, uint64_t size, bool in_one_block)
{
        uint64_t at, room = INGOT_EROFS_BLOCK - p->next % INGOT_EROFS_BLOCK;
        size = ingot_align_up(size, INGOT_EROFS_SLOT);
        for (size_t i = 0; i < HOLES; i++)
                if (p->holes[i].end - p->holes[i].at >= size) {
                        at = p->holes[i].at;
                        p->holes[i].at += size;
                        return at;
                }
        if (in_one_block && size > room) {
                p->holes[p->hole].at = p->next;
                p->holes[p->hole].end = p->next + room;
                p->hole = (p->hole + 1) % HOLES;
                p->next += room;
        }
        at = p->next;
        p->next += size;
        return at;
}

static uint32_t count_links(const struct ingot_inode *inode)
{
        uint32_t links = 2;
        if (inode->type != INGOT_FILE_DIRECTORY)
                return inode->links;
        for (size_t i = 0; i < inode->entry_count; i++)
                links += inode->entries[i].inode->type == INGOT_FILE_DIRECTORY;
        return links;
}

/* What the node's inode says, but for addresses. */
static struct ingot_erofs_inode inode_of(const struct ingot_erofs_plan *plan,
                                         const struct ingot_erofs_node *node)
{
        const struct ingot_inode *inode = node->inode;
        struct ingot_erofs_inode i = {
                .layout = node->layout,
                .size = node->size,
                .number = (uint32_t) (node - plan->nodes) + 1,
                .mtime = (uint64_t) plan->options.build_time,
                .mode = 0600,
                .links = 1,
        };
        if (inode) {
                i.mode = inode->mode;
                i.links = count_links(inode);
                i.uid = inode->uid;
                i.gid = inode->gid;
                i.mtime = (uint64_t) inode->mtime;
                i.mtime_nsec = inode->mtime_nsec;
        }
        i.mode |= ingot_erofs_mode_type(inode ? inode->type : INGOT_FILE_REGULAR);
        if (node->xattr_size > 0)
                i.xattr_count =
                        (uint16_t) ((node->xattr_size - INGOT_EROFS_XATTR_HEADER_SIZE) / 4 + 1);
        i.extended = i.size > UINT32_MAX || i.links > UINT16_MAX || i.uid > UINT16_MAX ||
                     i.gid > UINT16_MAX || i.mtime_nsec != 0 ||
                     i.mtime != (uint64_t) plan->options.build_time;
        return i;
}

/* Directories and link targets: beside the inode as far as they fit, else in blocks. */
static int lay_out_small(struct ingot_erofs_node *node, uint32_t head, ingot_error *reterr)
{
        if (node->inode->type == INGOT_FILE_DIRECTORY) {
                node->size = ingot_erofs_directory_size(node->inode);
                if (node->size > UINT32_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "a folder takes more than 4 GiB");
        } else {
                node->size = node->inode->target ? strlen(node->inode->target) : 0;
                if (node->size == 0 || node->size >= INGOT_EROFS_BLOCK)
                        return ingot_fail(reterr, INGOT_E_LIMIT,
                                          "a link's target has %zu bytes", (size_t) node->size);
        }
        uint32_t tail = (uint32_t) (node->size % INGOT_EROFS_BLOCK);
        node->blocks = (uint32_t) ingot_div_up(node->size, INGOT_EROFS_BLOCK);
        node->layout = INGOT_EROFS_FLAT_PLAIN;
        if (tail > 0 && head + tail <= INGOT_EROFS_BLOCK) {
                node->layout = INGOT_EROFS_FLAT_INLINE;
                node->tail = tail;
                node->blocks--;
        }
        return 0;
}

static int lay_out_node(struct ingot_erofs_plan *plan, struct ingot_erofs_node *node,
                        struct placer *placer, uint64_t *blocks, ingot_error *reterr)
{
        struct ingot_erofs_inode inode = inode_of(plan, node);
        uint32_t head = ingot_erofs_inode_size(&inode) + node->xattr_size, size = head;
        if (node->inode && (node->inode->type == INGOT_FILE_DIRECTORY ||
                            node->inode->type == INGOT_FILE_SYMLINK)) {
                int r = lay_out_small(node, head, reterr);
                if (r < 0)
                        return r;
                node->address = (uint32_t) *blocks; /* counted from the directories' first */
                *blocks += node->blocks;
        }
        if (node->layout == INGOT_EROFS_COMPRESSED_COMPACT)
                size += ingot_erofs_index_size(node, head);
        node->at = place(placer, size + node->tail, node->layout == INGOT_EROFS_FLAT_INLINE);
        return 0;
}

static int lay_out(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        struct placer placer = {.next = INGOT_EROFS_SLOT}; /* no inode has the number 0 */
        uint64_t directories = 0;
        for (size_t i = 0; i < plan->node_count; i++) {
                int r = lay_out_node(plan, plan->nodes + i, &placer, &directories, reterr);
                if (r < 0) {
                        char path[512];
                        ingot_erofs_node_path(plan, plan->nodes + i, path);
                        return ingot_under(reterr, r, "%s", path);
                }
        }
        plan->inode_area = ingot_align_up(placer.next, INGOT_EROFS_BLOCK);
        uint64_t end = plan->metadata_block + plan->inode_area / INGOT_EROFS_BLOCK;
        plan->directory_block = (uint32_t) end;
        end += directories;
        plan->xattr_block = (uint32_t) end;
        end += ingot_div_up(plan->shared_size, INGOT_EROFS_BLOCK);
        if (end > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "the image is larger than 16 TiB");
        plan->blocks = (uint32_t) end;
        return 0;
}

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
                       uint8_t *area, ingot_error *reterr)
{
        struct ingot_erofs_inode inode = inode_of(plan, node);
        uint8_t *at = area + node->at;
        uint32_t head = ingot_erofs_inode_size(&inode) + node->xattr_size;
        inode.address = node->address;
        if (node->layout == INGOT_EROFS_COMPRESSED_COMPACT)
                inode.address = node->blocks;
        else if (node->inode->type == INGOT_FILE_CHARACTER ||
                 node->inode->type == INGOT_FILE_BLOCK)
                inode.address = ingot_erofs_device_encode(node->inode->major, node->inode->minor);
        else if (node->inode->type == INGOT_FILE_DIRECTORY ||
                 node->inode->type == INGOT_FILE_SYMLINK)
                inode.address += plan->directory_block;
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
        _cleanup_free_ uint8_t *area = calloc(1, plan->inode_area);
        if (!area)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < plan->node_count; i++) {
                int r = encode_node(plan, plan->nodes + i, area, reterr);
                if (r < 0)
                        return r;
        }
        return ingot_write_at(writer, (uint64_t) plan->metadata_block * INGOT_EROFS_BLOCK, area,
                              plan->inode_area, reterr);
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
                                           ((uint64_t) plan->directory_block + node->address) *
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
        return ingot_write_at(writer, (uint64_t) plan->xattr_block * INGOT_EROFS_BLOCK, data, size,
                              reterr);
}

int ingot_erofs_write_metadata(struct ingot_erofs_plan *plan, const struct ingot_writer *writer,
                               ingot_error *reterr)
{
        int r = lay_out(plan, reterr);
        if (r >= 0)
                r = write_inodes(plan, writer, reterr);
        if (r >= 0)
                r = write_directories(plan, writer, reterr);
        if (r >= 0)
                r = write_shared_xattrs(plan, writer, reterr);
        return r;
}
