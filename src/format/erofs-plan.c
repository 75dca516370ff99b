/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan of an image: which inode stands where in the order, and how files are cut.
 *
 * The children of a directory stand together, in the order of their names, and after them what is
 * below each; data follows the same order. A file is cut at fixed places, so a change in it leaves
 * all extents before it alone, and other files' altogether. What remains behind the last whole
 * extent becomes a piece of the packed inode (when something is compressed) or stands beside the
 * inode (when nothing is).
 */
#include "format/erofs-write.h"

#include <inttypes.h>

/* Positions of tails in the packed inode are 32-bit numbers; what fills gaps there is not counted.
 */
#define PACKED_MAX UINT64_C(0xc0000000)
#define NODES_MAX 0x10000000u

void ingot_erofs_plan_done(struct ingot_erofs_plan *plan)
{
        free(plan->nodes);
        free(plan->pieces);
        free(plan->extents);
        free(plan->data_nodes);
        free(plan->shared);
        free(plan->space.ranges);
        free(plan->inode_blocks);
        ingot_erofs_like_free(plan->like);
}

int ingot_erofs_grow(void *items, size_t count, size_t *allocated, size_t size, ingot_error *reterr)
{
        if (count < *allocated)
                return 0;
        size_t wanted = *allocated ? *allocated * 2 : 256;
        void *p = reallocarray(*(void **) items, wanted, size);
        if (!p)
                return ingot_fail_nomem(reterr);
        *(void **) items = p;
        *allocated = wanted;
        return 0;
}

int ingot_erofs_plan_add_extent(struct ingot_erofs_plan *plan, uint64_t at, uint32_t size,
                                struct ingot_erofs_extent **ret, ingot_error *reterr)
{
        if (plan->extent_count >= UINT32_MAX - 1)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than 2^32 extents");
        int r = ingot_erofs_grow(&plan->extents, plan->extent_count, &plan->extent_allocated,
                                 sizeof(*plan->extents), reterr);
        if (r < 0)
                return r;
        struct ingot_erofs_extent *e = plan->extents + plan->extent_count++;
        *e = (struct ingot_erofs_extent){.at = at,
                                         .size = size,
                                         .first_piece = INGOT_EROFS_NONE_INDEX,
                                         .last_piece = INGOT_EROFS_NONE_INDEX};
        plan->input_size += size;
        if (ret)
                *ret = e;
        return 0;
}

/* FNV-1a, 64 bits: only to find places for cuts that stay the same from release to release. */
static uint64_t hash_name(uint64_t hash, const char *name)
{
        hash = (hash ^ '/') * UINT64_C(0x100000001b3);
        for (; *name; name++)
                hash = (hash ^ (uint8_t) *name) * UINT64_C(0x100000001b3);
        return hash;
}

int ingot_erofs_plan_add_node(struct ingot_erofs_plan *plan, const struct ingot_inode *inode,
                              const char *name, uint32_t parent, ingot_error *reterr)
{
        if (plan->node_count >= NODES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %u inodes", NODES_MAX);
        int r = ingot_erofs_grow(&plan->nodes, plan->node_count, &plan->node_allocated,
                                 sizeof(*plan->nodes), reterr);
        if (r < 0)
                return r;
        uint64_t seed = plan->node_count == 0 ? UINT64_C(0xcbf29ce484222325)
                                              : plan->nodes[parent].path_hash;
        plan->nodes[plan->node_count++] = (struct ingot_erofs_node){
                .inode = inode,
                .name = name,
                .path_hash = hash_name(seed, name),
                .parent = parent,
                .first_extent = INGOT_EROFS_NONE_INDEX,
                .piece = INGOT_EROFS_NONE_INDEX,
        };
        return 0;
}

void ingot_erofs_node_path(const struct ingot_erofs_plan *plan, const struct ingot_erofs_node *node,
                           char ret[512])
{
        size_t at = 511;
        ret[at] = 0;
        for (; node->inode && node != plan->nodes; node = plan->nodes + node->parent) {
                size_t size = strlen(node->name);
                if (size + 1 > at)
                        break;
                at -= size;
                memcpy(ret + at, node->name, size);
                ret[--at] = '/';
        }
        if (ret[at] == 0)
                ret[--at] = '/';
        memmove(ret, ret + at, 512 - at);
}

int ingot_erofs_read_node(const struct ingot_erofs_plan *plan, const struct ingot_erofs_node *node,
                          uint64_t offset, uint8_t *ret, size_t size, ingot_error *reterr)
{
        char path[512];
        int r = ingot_read_at(&node->inode->content, offset, ret, size, reterr);
        if (r >= 0)
                return 0;
        ingot_erofs_node_path(plan, node, path);
        return ingot_under(reterr, r, "%s", path);
}

static int check_limits(const struct ingot_inode *inode, ingot_error *reterr)
{
        if (inode->mode & ~07777)
                return ingot_fail(reterr, INGOT_E_USAGE, "mode %#o is no mode", inode->mode);
        if (inode->major > 0xfff || inode->minor > 0xfffff)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "device %" PRIu32 ":%" PRIu32 " is over 12:20 bits", inode->major,
                                  inode->minor);
        if (inode->type == INGOT_FILE_REGULAR && inode->content.size > INT64_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a file is larger than 2^63 bytes");
        return 0;
}

static int number_directory(struct ingot_erofs_plan *plan, uint32_t directory, unsigned depth,
                            ingot_error *reterr)
{
        const struct ingot_inode *inode = plan->nodes[directory].inode;
        size_t first = plan->node_count;
        if (depth > INGOT_TREE_DEPTH_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "folders are nested deeper than %d",
                                  INGOT_TREE_DEPTH_MAX);
        for (size_t i = 0; i < inode->entry_count; i++) {
                struct ingot_inode *child = inode->entries[i].inode;
                if (child->mark != UINT64_MAX)
                        continue; /* another name of an inode that is numbered */
                child->mark = plan->node_count;
                int r = check_limits(child, reterr);
                if (r >= 0)
                        r = ingot_erofs_plan_add_node(plan, child, inode->entries[i].name,
                                                      directory, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", inode->entries[i].name);
        }
        size_t end = plan->node_count;
        for (size_t i = first; i < end; i++) {
                if (plan->nodes[i].inode->type != INGOT_FILE_DIRECTORY)
                        continue;
                int r = number_directory(plan, (uint32_t) i, depth + 1, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", plan->nodes[i].name);
        }
        return 0;
}

static void clear_marks(struct ingot_inode *directory, unsigned depth)
{
        directory->mark = UINT64_MAX;
        for (size_t i = 0; i < directory->entry_count && depth <= INGOT_TREE_DEPTH_MAX; i++) {
                struct ingot_inode *child = directory->entries[i].inode;
                child->mark = UINT64_MAX;
                if (child->type == INGOT_FILE_DIRECTORY)
                        clear_marks(child, depth + 1);
        }
}

static int add_piece(struct ingot_erofs_plan *plan, uint32_t node, uint32_t size,
                     ingot_error *reterr)
{
        int r = ingot_erofs_grow(&plan->pieces, plan->piece_count, &plan->piece_allocated,
                                 sizeof(*plan->pieces), reterr);
        if (r < 0)
                return r;
        uint32_t index = (uint32_t) plan->piece_count;
        plan->pieces[plan->piece_count++] = (struct ingot_erofs_piece){
                .node = node, .size = size, .same_as = index, .next = INGOT_EROFS_NONE_INDEX};
        plan->nodes[node].piece = index;
        return 0;
}

static uint32_t first_extent(const struct ingot_erofs_plan *plan,
                             const struct ingot_erofs_node *node)
{
        return plan->options.compressor == INGOT_EROFS_NONE
                       ? plan->options.extent
                       : ingot_erofs_first_extent(plan->options.extent, node->xattr_size);
}

/* What remains of a file behind its last whole extent. */
static uint32_t tail_of(const struct ingot_erofs_plan *plan, const struct ingot_erofs_node *node)
{
        uint32_t first = first_extent(plan, node);
        if (plan->options.compressor == INGOT_EROFS_NONE)
                return (uint32_t) (node->size % INGOT_EROFS_BLOCK);
        return (uint32_t) (node->size < first ? node->size
                                              : (node->size - first) % plan->options.extent);
}

static int add_file_extents(struct ingot_erofs_plan *plan, struct ingot_erofs_node *node,
                            ingot_error *reterr)
{
        uint32_t size = first_extent(plan, node);
        node->first_extent = (uint32_t) plan->extent_count;
        for (uint64_t at = 0; at < node->extents_size; at += size, size = plan->options.extent) {
                uint64_t left = node->extents_size - at;
                int r = ingot_erofs_plan_add_extent(plan, at, (uint32_t) ingot_min_u64(left, size),
                                                    NULL, reterr);
                if (r < 0)
                        return r;
        }
        node->extent_count = (uint32_t) (plan->extent_count - node->first_extent);
        plan->data_nodes[plan->data_node_count++] = (uint32_t) (node - plan->nodes);
        return 0;
}

/* Decides by size alone, so that a file's place never hangs on its bytes. */
static int cut_file(struct ingot_erofs_plan *plan, struct ingot_erofs_node *node,
                    uint64_t *packed, ingot_error *reterr)
{
        bool compress = plan->options.compressor != INGOT_EROFS_NONE;
        uint32_t tail = tail_of(plan, node);
        uint32_t record = INGOT_EROFS_EXTENDED_SIZE + node->xattr_size + tail;
        node->extents_size = node->size;
        node->layout = compress && node->size > 0 ? INGOT_EROFS_COMPRESSED_COMPACT
                                                  : INGOT_EROFS_FLAT_PLAIN;
        if (compress && tail > 0 && *packed + tail < PACKED_MAX) {
                int r = add_piece(plan, (uint32_t) (node - plan->nodes), tail, reterr);
                if (r < 0)
                        return r;
                *packed += tail + INGOT_EROFS_BLOCK;
                node->extents_size -= tail;
        }
        if (!compress && tail > 0 && record <= INGOT_EROFS_BLOCK) {
                node->layout = INGOT_EROFS_FLAT_INLINE;
                node->tail = tail;
                node->extents_size -= tail;
        }
        return node->extents_size > 0 ? add_file_extents(plan, node, reterr) : 0;
}

static int cut_files(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        uint64_t packed = 0;
        plan->data_nodes = calloc(plan->node_count + 1, sizeof(*plan->data_nodes));
        if (!plan->data_nodes)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < plan->node_count; i++) {
                struct ingot_erofs_node *node = plan->nodes + i;
                if (node->inode->type != INGOT_FILE_REGULAR)
                        continue;
                node->size = node->inode->content.size;
                int r = cut_file(plan, node, &packed, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int ingot_erofs_plan_tree(struct ingot_erofs_plan *plan, const struct ingot_tree *tree,
                          ingot_error *reterr)
{
        plan->packed = INGOT_EROFS_NONE_INDEX;
        clear_marks(tree->root, 0);
        tree->root->mark = 0;
        int r = ingot_erofs_plan_add_node(plan, tree->root, "", 0, reterr);
        if (r >= 0)
                r = number_directory(plan, 0, 0, reterr);
        if (r >= 0)
                r = ingot_erofs_xattrs_collect(plan, reterr);
        if (r >= 0)
                r = ingot_erofs_measure_small(plan, reterr);
        if (r >= 0 && plan->like)
                r = ingot_erofs_keep_records(plan, reterr);
        if (r >= 0)
                r = cut_files(plan, reterr);
        if (r >= 0 && plan->like)
                r = ingot_erofs_keep_extents(plan, reterr);
        if (r >= 0 && plan->piece_count > 0)
                r = ingot_erofs_plan_pack(plan, reterr);
        else if (r >= 0 && plan->like)
                r = ingot_erofs_keep_places(plan, reterr);
        return r;
}
