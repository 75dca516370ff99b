/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Places in the metadata area: of inodes (with small directories, link targets and, in an
 * uncompressed image, tails of files beside them), of larger directories, of shared xattrs. Places
 * count from the area's first block.
 *
 * With an image before this one a record stays where it was as long as it fits there; others fill
 * gaps between records, or go to new blocks.
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
struct ingot_erofs_inode ingot_erofs_inode_of(const struct ingot_erofs_plan *plan,
                                              const struct ingot_erofs_node *node)
{
        const struct ingot_inode *inode = node->inode;
        struct ingot_erofs_inode i = {
                .layout = node->layout,
                .size = node->size,
                .number = (uint32_t) (node->at / INGOT_EROFS_SLOT),
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
static int measure_small(struct ingot_erofs_node *node, uint32_t head, ingot_error *reterr)
{
        if (node->inode->type == INGOT_FILE_DIRECTORY) {
                node->size = ingot_erofs_directory_size(node->inode);
                if (node->size > UINT32_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "a folder takes more than 4 GiB");
        } else {
                node->size = node->inode->target ? strlen(node->inode->target) : 0;
                if (node->size == 0 || node->size >= INGOT_EROFS_BLOCK)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "a link's target has %zu bytes",
                                          (size_t) node->size);
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

static bool is_small(const struct ingot_erofs_node *node)
{
        return node->inode && (node->inode->type == INGOT_FILE_DIRECTORY ||
                               node->inode->type == INGOT_FILE_SYMLINK);
}

/* Bytes of inode and xattrs. */
static uint32_t head_of(const struct ingot_erofs_plan *plan, const struct ingot_erofs_node *node)
{
        struct ingot_erofs_inode inode = ingot_erofs_inode_of(plan, node);
        return ingot_erofs_inode_size(&inode) + node->xattr_size;
}

int ingot_erofs_measure_small(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        for (size_t i = 0; i < plan->node_count; i++) {
                struct ingot_erofs_node *node = plan->nodes + i;
                int r = is_small(node) ? measure_small(node, head_of(plan, node), reterr) : 0;
                if (r < 0) {
                        char path[512];
                        ingot_erofs_node_path(plan, node, path);
                        return ingot_under(reterr, r, "%s", path);
                }
        }
        return 0;
}

static uint32_t record_size(const struct ingot_erofs_plan *plan,
                            const struct ingot_erofs_node *node)
{
        uint32_t head = head_of(plan, node), size = head + node->tail;
        if (node->layout == INGOT_EROFS_COMPRESSED_COMPACT)
                size += ingot_erofs_index_size(
                        node->extent_count == 0 ? 0 : ingot_div_up(node->size, INGOT_EROFS_BLOCK),
                        head);
        return size;
}

static bool in_one_block(const struct ingot_erofs_node *node)
{
        return node->layout == INGOT_EROFS_FLAT_INLINE;
}

/* Blocks of inodes: [first, first + count) more, behind all that there are. */
static int add_inode_blocks(struct ingot_erofs_plan *plan, uint64_t first, uint64_t count,
                            ingot_error *reterr)
{
        for (uint64_t i = 0; i < count; i++) {
                int r = ingot_erofs_grow(&plan->inode_blocks, plan->inode_block_count,
                                         &plan->inode_block_allocated, sizeof(*plan->inode_blocks),
                                         reterr);
                if (r < 0)
                        return r;
                plan->inode_blocks[plan->inode_block_count++] = (uint32_t) (first + i);
        }
        return 0;
}

#define SLOTS (INGOT_EROFS_BLOCK / INGOT_EROFS_SLOT)

/* Which slots of the inode blocks are taken. */
struct slots {
        const struct ingot_erofs_plan *plan;
        bool *taken;
        size_t count;
        size_t from[SLOTS + 1]; /* by size: before it there is no gap */
};

/* Do the slots [at, at + count) lie behind each other in the image, all free? */
static bool fits(const struct slots *s, size_t at, size_t count)
{
        const uint32_t *blocks = s->plan->inode_blocks;
        if (at + count > s->count)
                return false;
        if (blocks[(at + count - 1) / SLOTS] - blocks[at / SLOTS] !=
            (at + count - 1) / SLOTS - at / SLOTS)
                return false;
        for (size_t i = at; i < at + count; i++)
                if (s->taken[i])
                        return false;
        return true;
}

static void take(struct slots *s, size_t at, size_t count)
{
        memset(s->taken + at, true, count * sizeof(*s->taken));
}

static bool claim(struct slots *s, struct ingot_erofs_node *node, uint32_t size)
{
        size_t at, count = ingot_div_up(size, INGOT_EROFS_SLOT);
        if (node->old_size == 0 || size > ingot_align_up(node->old_size, INGOT_EROFS_SLOT) ||
            (in_one_block(node) && node->old_at % INGOT_EROFS_BLOCK + size > INGOT_EROFS_BLOCK) ||
            !ingot_erofs_inode_place(s->plan, node->old_at, &at) ||
            !fits(s, at / INGOT_EROFS_SLOT, count))
                return false;
        take(s, at / INGOT_EROFS_SLOT, count);
        node->at = node->old_at;
        return true;
}

/* The first gap that is large enough. */
static bool find_gap(struct slots *s, struct ingot_erofs_node *node, uint32_t size)
{
        size_t count = ingot_div_up(size, INGOT_EROFS_SLOT);
        size_t *from = s->from + (count < SLOTS ? count : SLOTS);
        for (; *from + count <= s->count; ++*from) {
                if (!fits(s, *from, count) || (in_one_block(node) && *from % SLOTS + count > SLOTS))
                        continue;
                take(s, *from, count);
                node->at = (uint64_t) s->plan->inode_blocks[*from / SLOTS] * INGOT_EROFS_BLOCK +
                           *from % SLOTS * INGOT_EROFS_SLOT;
                return true;
        }
        return false;
}

/* New blocks for the nodes in ORDER, whose places count from the first of them. The packed inode's
 * index begins a block, so that it looks the same wherever it goes. */
static int place_new(struct ingot_erofs_plan *plan, const uint32_t *order, size_t count,
                     ingot_error *reterr)
{
        struct placer placer = {
                .next = plan->in_place ? 0 : INGOT_EROFS_SLOT}; /* no inode is number 0 */
        uint32_t first = 0;
        for (size_t i = 0; i < count; i++) {
                struct ingot_erofs_node *node = plan->nodes + order[i];
                if (order[i] == plan->packed)
                        placer.next = ingot_align_up(placer.next, INGOT_EROFS_BLOCK);
                node->at = place(&placer, record_size(plan, node), in_one_block(node));
        }
        uint64_t blocks = ingot_div_up(placer.next, INGOT_EROFS_BLOCK);
        if (blocks >= UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "the image is larger than 16 TiB");
        if (plan->in_place && blocks > 0) {
                int r = ingot_erofs_space_take(&plan->space, (uint32_t) blocks,
                                               plan->metadata_block, &first, reterr);
                if (r < 0)
                        return r;
                first -= plan->metadata_block;
        }
        for (size_t i = 0; i < count; i++)
                plan->nodes[order[i]].at += (uint64_t) first * INGOT_EROFS_BLOCK;
        return add_inode_blocks(plan, first, blocks, reterr);
}

static void slots_done(struct slots *s)
{
        free(s->taken);
}

/* Puts into REST, in order, the nodes that find no place in the blocks of inodes that there are. */
static int place_in_old(struct ingot_erofs_plan *plan, uint32_t *rest, size_t *ret_count,
                        ingot_error *reterr)
{
        __attribute__((cleanup(slots_done))) struct slots s = {
                .plan = plan, .count = plan->inode_block_count * SLOTS};
        size_t unclaimed = 0, left = 0;
        s.taken = calloc(s.count + 1, sizeof(*s.taken));
        if (!s.taken)
                return ingot_fail_nomem(reterr);
        if (s.count > 0 && plan->inode_blocks[0] == 0)
                s.taken[0] = true; /* no inode has the number 0 */
        for (uint32_t i = 0; i < plan->node_count; i++)
                if (!claim(&s, plan->nodes + i, record_size(plan, plan->nodes + i)))
                        rest[unclaimed++] = i;
        for (size_t i = 0; i < unclaimed; i++) {
                struct ingot_erofs_node *node = plan->nodes + rest[i];
                if (rest[i] == plan->packed || !find_gap(&s, node, record_size(plan, node)))
                        rest[left++] = rest[i];
        }
        *ret_count = left;
        return 0;
}

/* Blocks for directories and links that have some: where they were, or anywhere. */
static int place_directories(struct ingot_erofs_plan *plan, uint32_t *next, ingot_error *reterr)
{
        for (size_t i = 0; i < plan->node_count; i++) {
                struct ingot_erofs_node *node = plan->nodes + i;
                if (!is_small(node) || node->blocks == 0)
                        continue;
                if (plan->in_place && !node->blocks_kept) {
                        int r = ingot_erofs_space_take(&plan->space, node->blocks,
                                                       plan->metadata_block, &node->address,
                                                       reterr);
                        if (r < 0)
                                return r;
                        node->address -= plan->metadata_block;
                } else if (!plan->in_place) {
                        node->address = *next;
                        *next += node->blocks;
                }
        }
        return 0;
}

static int place_xattrs(struct ingot_erofs_plan *plan, uint32_t *next, ingot_error *reterr)
{
        uint32_t blocks = (uint32_t) ingot_div_up(plan->shared_size, INGOT_EROFS_BLOCK);
        plan->xattr_block = blocks > 0 ? *next : 0;
        *next += blocks;
        if (!plan->in_place || blocks == 0)
                return 0;
        int r = ingot_erofs_space_take(&plan->space, blocks, plan->metadata_block,
                                       &plan->xattr_block, reterr);
        plan->xattr_block -= plan->metadata_block;
        return r;
}

static int compare_blocks(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
        return x < y ? -1 : x > y;
}

int ingot_erofs_lay_out(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        _cleanup_free_ uint32_t *rest = calloc(plan->node_count, sizeof(*rest));
        size_t count = 0;
        if (!rest)
                return ingot_fail_nomem(reterr);
        int r = place_in_old(plan, rest, &count, reterr);
        if (r >= 0)
                r = place_new(plan, rest, count, reterr);
        if (r < 0)
                return r;
        qsort(plan->inode_blocks, plan->inode_block_count, sizeof(*plan->inode_blocks),
              compare_blocks);
        if (plan->nodes[0].at / INGOT_EROFS_SLOT > UINT16_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "the image before leaves no place for the root's inode; "
                                  "write this one without it");
        uint32_t next = (uint32_t) plan->inode_block_count;
        r = place_directories(plan, &next, reterr);
        if (r >= 0)
                r = place_xattrs(plan, &next, reterr);
        plan->metadata_blocks = next;
        return r;
}

bool ingot_erofs_inode_place(const struct ingot_erofs_plan *plan, uint64_t at, size_t *ret)
{
        uint64_t block = at / INGOT_EROFS_BLOCK;
        size_t low = 0, high = plan->inode_block_count;
        while (high - low > 1) {
                size_t middle = low + (high - low) / 2;
                if (plan->inode_blocks[middle] <= block)
                        low = middle;
                else
                        high = middle;
        }
        if (high == 0 || plan->inode_blocks[low] != block)
                return false;
        *ret = low * INGOT_EROFS_BLOCK + (size_t) (at % INGOT_EROFS_BLOCK);
        return true;
}
