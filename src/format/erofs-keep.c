/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a new image keeps of the one before: records of inodes by their paths, extents and pieces by
 * the digest of their bytes.
 *
 * An extent of the packed inode stays whole or goes whole. One that stays holds bytes of files that
 * have changed since: nobody refers to them, and a share of the image is allowed for them. When
 * there would be more, the extents with the largest part of such bytes are dissolved. Blocks that
 * fall free are filled with what is new; where too many would stay free, all move together.
 */
#include "format/erofs-write.h"
#include "base/parallel.h"

#define DEAD_SHARE 64 /* one part in so many of the packed blocks may be unwanted bytes */
#define FREE_SHARE 64 /* one part in so many of the image's blocks may stay free */

static int reserve_blocks(struct ingot_erofs_plan *plan, uint64_t first, uint32_t count,
                          ingot_error *reterr)
{
        return ingot_erofs_space_reserve(&plan->space, plan->metadata_block + first, count, reterr);
}

/* Place and size of an inode's record in the image before. */
static int old_record(const struct ingot_erofs_plan *plan, uint64_t nid, uint64_t *ret_at,
                      uint32_t *ret_size, struct ingot_erofs_file *f, ingot_error *reterr)
{
        int r = ingot_erofs_file_open(plan->like->image, nid, f, reterr);
        if (r < 0)
                return r;
        uint64_t at = nid * INGOT_EROFS_SLOT;
        uint64_t size = f->end - at - (uint64_t) plan->metadata_block * INGOT_EROFS_BLOCK;
        uint64_t blocks = ingot_div_up(f->inode.size, INGOT_EROFS_BLOCK);
        if (f->inode.layout == INGOT_EROFS_FLAT_INLINE)
                size += f->inode.size % INGOT_EROFS_BLOCK;
        else if (f->inode.layout == INGOT_EROFS_COMPRESSED_COMPACT && f->inode.size > 0)
                size += ingot_erofs_index_size(
                        f->tail == 0 && f->advise & INGOT_EROFS_ADVISE_FRAGMENT ? 0 : blocks,
                        (uint32_t) size);
        if (size > UINT32_MAX || at + size > plan->like->image->size)
                return 0;
        *ret_at = at;
        *ret_size = (uint32_t) size;
        return 0;
}

static int keep_record(struct ingot_erofs_plan *plan, struct ingot_erofs_node *node,
                       const struct ingot_inode *old, ingot_error *reterr)
{
        struct ingot_erofs_file f;
        int r = old_record(plan, old->mark, &node->old_at, &node->old_size, &f, reterr);
        if (r < 0)
                return r;
        /* A directory's blocks, when it has as many as before. */
        if (old->type != INGOT_FILE_DIRECTORY || node->inode->type != INGOT_FILE_DIRECTORY ||
            node->blocks == 0 ||
            f.inode.size / INGOT_EROFS_BLOCK != node->size / INGOT_EROFS_BLOCK ||
            f.inode.layout != node->layout || f.inode.address < plan->metadata_block)
                return 0;
        node->address = f.inode.address - plan->metadata_block;
        r = reserve_blocks(plan, node->address, node->blocks, reterr);
        node->blocks_kept = r == 0;
        return r;
}

/* Both directories have their entries in one order. */
static int pair_entries(struct ingot_erofs_plan *plan, const struct ingot_inode *new,
                        const struct ingot_inode *old, ingot_error *reterr)
{
        size_t i = 0, k = 0;
        while (i < new->entry_count && k < old->entry_count) {
                int c = strcmp(new->entries[i].name, old->entries[k].name);
                if (c != 0) {
                        i += c < 0;
                        k += c > 0;
                        continue;
                }
                const struct ingot_inode *a = new->entries[i++].inode, *b = old->entries[k++].inode;
                struct ingot_erofs_node *node = plan->nodes + ingot_erofs_node_index(a);
                int r = node->old_size == 0 ? keep_record(plan, node, b, reterr) : 0;
                if (r >= 0 && a->type == INGOT_FILE_DIRECTORY && b->type == INGOT_FILE_DIRECTORY)
                        r = pair_entries(plan, a, b, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int compare_u32(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
        return x < y ? -1 : x > y;
}

/* The numbers of the blocks of [at, at + size) of the metadata area. Records that overlap are none:
 * the image bounds how many blocks all of them have. */
static int add_blocks(struct ingot_erofs_plan *plan, uint64_t at, uint32_t *size,
                      ingot_error *reterr)
{
        uint64_t first = at / INGOT_EROFS_BLOCK, end = ingot_div_up(at + *size, INGOT_EROFS_BLOCK);
        uint64_t most = plan->like->image->super.blocks + 2 * (uint64_t) plan->node_count;
        if (plan->inode_block_count + (end - first) > most)
                *size = 0;
        for (uint64_t block = first; *size > 0 && block < end; block++) {
                int r = ingot_erofs_grow(&plan->inode_blocks, plan->inode_block_count,
                                         &plan->inode_block_allocated, sizeof(*plan->inode_blocks),
                                         reterr);
                if (r < 0)
                        return r;
                plan->inode_blocks[plan->inode_block_count++] = (uint32_t) block;
        }
        return 0;
}

/* The blocks that hold records of the image before that have an heir. */
static int reserve_records(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        int r = add_blocks(plan, plan->packed_old_at, &plan->packed_old_size, reterr);
        for (size_t i = 0; r >= 0 && i < plan->node_count; i++)
                r = add_blocks(plan, plan->nodes[i].old_at, &plan->nodes[i].old_size, reterr);
        if (r < 0)
                return r;
        uint32_t *blocks = plan->inode_blocks;
        size_t kept = 0, count = plan->inode_block_count;
        if (count > 0)
                qsort(blocks, count, sizeof(*blocks), compare_u32);
        for (size_t i = 0; i < count; i++) {
                if (kept > 0 && blocks[i] == blocks[kept - 1])
                        continue;
                r = reserve_blocks(plan, blocks[i], 1, reterr);
                if (r < 0)
                        return r;
                if (r == 0)
                        blocks[kept++] = blocks[i];
        }
        plan->inode_block_count = kept;
        return 0;
}

int ingot_erofs_keep_records(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        const struct ingot_inode *root = plan->like->tree->root;
        const struct ingot_erofs_image *image = plan->like->image;
        struct ingot_erofs_file f;
        plan->metadata_block = image->super.metadata_block;
        int r = 0;
        if (image->packed.image)
                r = old_record(plan, image->packed.nid, &plan->packed_old_at,
                               &plan->packed_old_size, &f, reterr);
        if (r >= 0)
                r = keep_record(plan, plan->nodes, root, reterr);
        if (r >= 0)
                r = pair_entries(plan, plan->nodes[0].inode, root, reterr);
        return r < 0 ? r : reserve_records(plan, reterr);
}

struct hashing {
        struct ingot_erofs_plan *plan;
        uint8_t *buffers; /* one extent for each slot */
        uint8_t (*digests)[INGOT_SHA256_SIZE];
        uint32_t *owners; /* of each extent: its node */
};

static int hash_extent(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        struct hashing *h = context;
        const struct ingot_erofs_extent *e = h->plan->extents + index;
        uint8_t *data = h->buffers + slot * h->plan->options.extent;
        int r = ingot_erofs_read_node(h->plan, h->plan->nodes + h->owners[index], e->at, data,
                                      e->size, reterr);
        if (r >= 0)
                ingot_sha256_of(data, e->size, h->digests[index]);
        return r;
}

/* The first unit of a file with that size and digest, or the place where it would be. */
static size_t find_unit(const struct ingot_erofs_like *like, uint32_t size, const uint8_t *digest)
{
        size_t low = 0, high = like->file_unit_count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const struct ingot_erofs_unit *u = like->units + middle;
                if (u->size < size ||
                    (u->size == size && memcmp(u->digest, digest, INGOT_SHA256_SIZE) < 0))
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static void keep_unit(struct ingot_erofs_extent *e, const struct ingot_erofs_unit *u)
{
        e->kept = true;
        e->plain = u->plain;
        e->source = u->address;
        e->blocks = (uint16_t) u->blocks;
}

/* Equal extents take the units of that digest one after the other. */
static int keep_extent(struct ingot_erofs_plan *plan, struct ingot_erofs_extent *e,
                       const uint8_t *digest, ingot_error *reterr)
{
        const struct ingot_erofs_like *like = plan->like;
        for (size_t i = find_unit(like, e->size, digest); i < like->file_unit_count; i++) {
                const struct ingot_erofs_unit *u = like->units + i;
                if (u->size != e->size || memcmp(u->digest, digest, INGOT_SHA256_SIZE) != 0)
                        break;
                int r = ingot_erofs_space_reserve(&plan->space, u->address, u->blocks, reterr);
                if (r < 0)
                        return r;
                if (r == 0) {
                        keep_unit(e, u);
                        break;
                }
        }
        return 0;
}

static int hash_extents(struct hashing *h, ingot_error *reterr)
{
        struct ingot_erofs_plan *plan = h->plan;
        struct ingot_parallel p = {.threads = plan->options.threads,
                                   .count = plan->extent_count,
                                   .work = hash_extent,
                                   .context = h};
        p.window = 2 * (size_t) ingot_parallel_threads(p.threads);
        _cleanup_free_ uint8_t *buffers = malloc(p.window * plan->options.extent);
        if (!buffers)
                return ingot_fail_nomem(reterr);
        h->buffers = buffers;
        for (size_t i = 0; i < plan->data_node_count; i++) {
                const struct ingot_erofs_node *node = plan->nodes + plan->data_nodes[i];
                for (uint32_t k = 0; k < node->extent_count; k++)
                        h->owners[node->first_extent + k] = plan->data_nodes[i];
        }
        return ingot_parallel_run(&p, reterr);
}

int ingot_erofs_keep_extents(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        if (plan->extent_count == 0)
                return 0;
        _cleanup_free_ uint8_t(*digests)[INGOT_SHA256_SIZE] =
                calloc(plan->extent_count, sizeof(*digests));
        _cleanup_free_ uint32_t *owners = calloc(plan->extent_count, sizeof(*owners));
        struct hashing h = {.plan = plan, .digests = digests, .owners = owners};
        if (!digests || !owners)
                return ingot_fail_nomem(reterr);
        int r = hash_extents(&h, reterr);
        for (size_t i = 0; r >= 0 && i < plan->extent_count; i++)
                r = keep_extent(plan, plan->extents + i, digests[i], reterr);
        return r;
}

static int compare_pieces(const void *key, const void *item)
{
        const struct ingot_erofs_piece *a = key;
        const struct ingot_erofs_old_piece *b = item;
        if (a->size != b->size)
                return a->size < b->size ? -1 : 1;
        return memcmp(a->digest, b->digest, INGOT_SHA256_SIZE);
}

static const struct ingot_erofs_old_piece *find_piece(const struct ingot_erofs_like *like,
                                                      const struct ingot_erofs_piece *piece)
{
        const struct ingot_erofs_old_piece *p =
                like->piece_count == 0 ? NULL
                                       : bsearch(piece, like->pieces, like->piece_count,
                                                 sizeof(*like->pieces), compare_pieces);
        while (p && p > like->pieces && compare_pieces(piece, p - 1) == 0)
                p--;
        return p;
}

/* The blocks of a unit that its dead bytes take, in 1/256 of a block. */
static uint64_t dead_of(const struct ingot_erofs_unit *u)
{
        uint32_t used = u->size - u->zeros;
        return used <= u->live ? 0 : (uint64_t) u->blocks * 256 * (used - u->live) / used;
}

/* qsort_r of unit numbers: the largest part of dead bytes first. */
static int compare_dead(const void *a, const void *b, void *context)
{
        const struct ingot_erofs_unit *units = context;
        uint32_t i = *(const uint32_t *) a, k = *(const uint32_t *) b;
        uint64_t x = dead_of(units + i) * units[k].blocks, y = dead_of(units + k) * units[i].blocks;
        if (x != y)
                return x < y ? 1 : -1;
        return i < k ? -1 : i > k;
}

/* Reserves the units of the packed inode that stay, and drops the others by making nothing of them
 * live. */
static int choose_units(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        struct ingot_erofs_like *like = plan->like;
        size_t count = like->unit_count - like->file_unit_count;
        _cleanup_free_ uint32_t *order = calloc(count + 1, sizeof(*order));
        uint64_t dead = 0, wanted = 0; /* in 1/256 of a block */
        if (!order)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < count; i++) {
                order[i] = (uint32_t) (like->file_unit_count + i);
                const struct ingot_erofs_unit *u = like->units + order[i];
                if (u->live == 0)
                        continue;
                dead += dead_of(u);
                wanted += (uint64_t) u->blocks * 256 - dead_of(u);
        }
        qsort_r(order, count, sizeof(*order), compare_dead, like->units);
        for (size_t i = 0; i < count; i++) {
                struct ingot_erofs_unit *u = like->units + order[i];
                if (u->live == 0)
                        continue;
                int r = 1;
                if (dead > wanted / DEAD_SHARE)
                        dead -= dead_of(u);
                else
                        r = ingot_erofs_space_reserve(&plan->space, u->address, u->blocks, reterr);
                if (r < 0)
                        return r;
                if (r == 1)
                        u->live = 0;
        }
        return 0;
}

/* Would too many blocks stay free, or hold zeros of the packed inode's gaps, when what is new
 * compresses as what the image before has? */
static bool is_sparse(const struct ingot_erofs_plan *plan)
{
        const struct ingot_erofs_like *like = plan->like;
        uint64_t input = 0, blocks = 0, gaps = like->image->packed.inode.size, new_input = 0,
                 free_blocks = 0;
        for (size_t i = 0; i < like->unit_count; i++) {
                const struct ingot_erofs_unit *u = like->units + i;
                input += u->size;
                blocks += u->blocks;
                gaps -= u->packed && u->live > 0 ? u->size : 0;
        }
        for (size_t i = 0; i < plan->extent_count; i++)
                new_input += plan->extents[i].kept ? 0 : plan->extents[i].size;
        for (size_t i = 0; i < plan->piece_count; i++)
                if (plan->pieces[i].same_as == i && !plan->pieces[i].kept) {
                        new_input += plan->pieces[i].size;
                        gaps -= ingot_min_u64(gaps, plan->pieces[i].size);
                }
        for (size_t i = 0; i + 1 < plan->space.count; i++)
                free_blocks += plan->space.ranges[i].end - plan->space.ranges[i].start;
        uint64_t needed = input > 0 ? new_input / INGOT_EROFS_BLOCK * blocks /
                                              ingot_div_up(input, INGOT_EROFS_BLOCK)
                                    : 0;
        return free_blocks + gaps / plan->options.extent >
               needed + like->image->super.blocks / FREE_SHARE;
}

int ingot_erofs_keep_places(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        plan->in_place = !is_sparse(plan);
        if (plan->in_place)
                return 0;
        for (size_t i = 0; i < plan->node_count; i++) {
                plan->nodes[i].old_size = 0;
                plan->nodes[i].blocks_kept = false;
        }
        plan->packed_old_size = 0;
        plan->inode_block_count = 0;
        return ingot_erofs_space_init(&plan->space, reterr);
}

static void count_live(const struct ingot_erofs_plan *plan)
{
        for (size_t i = 0; i < plan->piece_count; i++) {
                const struct ingot_erofs_old_piece *old =
                        plan->pieces[i].same_as == i ? find_piece(plan->like, plan->pieces + i)
                                                     : NULL;
                if (old)
                        plan->like->units[old->unit].live += old->size;
        }
}

/* Extents of the packed inode for the units that stay: where they were, or moved together. The
 * first of all has another size than those behind it, so it stays the first. */
static int add_units(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        struct ingot_erofs_like *like = plan->like;
        uint32_t extent = plan->options.extent;
        uint64_t next = INGOT_EROFS_APART - (extent - ingot_erofs_first_extent(extent, 0));
        for (size_t i = like->file_unit_count; i < like->unit_count; i++) {
                struct ingot_erofs_unit *u = like->units + i;
                struct ingot_erofs_extent *e;
                if (u->live == 0)
                        continue;
                u->new_at = plan->in_place || u->at == 0 ? u->at : next;
                next = u->new_at + u->size;
                int r = ingot_erofs_plan_add_extent(plan, u->new_at, u->size, &e, reterr);
                if (r < 0)
                        return r;
                keep_unit(e, u);
        }
        return 0;
}

int ingot_erofs_keep_pieces(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        const struct ingot_erofs_like *like = plan->like;
        count_live(plan);
        int r = choose_units(plan, reterr);
        for (size_t i = 0; r >= 0 && i < plan->piece_count; i++) {
                const struct ingot_erofs_old_piece *old =
                        plan->pieces[i].same_as == i ? find_piece(like, plan->pieces + i) : NULL;
                plan->pieces[i].kept = old && like->units[old->unit].live > 0;
        }
        if (r >= 0)
                r = ingot_erofs_keep_places(plan, reterr);
        if (r >= 0)
                r = add_units(plan, reterr);
        for (size_t i = 0; r >= 0 && i < plan->piece_count; i++) {
                struct ingot_erofs_piece *piece = plan->pieces + i;
                if (!piece->kept)
                        continue;
                const struct ingot_erofs_old_piece *old = find_piece(like, piece);
                const struct ingot_erofs_unit *u = like->units + old->unit;
                piece->at = old->at - u->at + u->new_at;
        }
        return r;
}
