/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The packed inode: small files and tails of files, one behind the other, compressed together.
 *
 * Equal pieces are stored once: pieces of one size are read and hashed. Pieces are never cut; an
 * extent of the packed inode holds whole ones, so that reading a small file decompresses one
 * extent, and it begins where a pack of indexes begins (zeros fill the gap; they cost nothing once
 * compressed). Where an extent ends is decided by a hash of the next piece's path: a changed, new
 * or removed file changes the extent it lies in, and those behind it find back to the same cuts.
 *
 * With an image before this one, pieces that it has stay where they are (erofs-keep.c), and the
 * others fill extents of their own, in gaps that are large enough, then behind the last.
 */
#include "format/erofs-write.h"
#include "base/parallel.h"

struct hashing {
        struct ingot_erofs_plan *plan;
        const uint32_t *order;
        uint8_t *buffers; /* one extent for each slot */
};

static int hash_piece(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        struct hashing *h = context;
        struct ingot_erofs_piece *piece = h->plan->pieces + h->order[index];
        const struct ingot_erofs_node *node = h->plan->nodes + piece->node;
        uint8_t *buffer = h->buffers + slot * h->plan->options.extent;
        int r = ingot_erofs_read_node(h->plan, node, node->extents_size, buffer, piece->size,
                                      reterr);
        if (r >= 0)
                ingot_sha256_of(buffer, piece->size, piece->digest);
        return r;
}

/* qsort_r: by size, digest (zeros before they are computed), index. */
static int compare_pieces(const void *a, const void *b, void *context)
{
        const struct ingot_erofs_piece *pieces = context;
        uint32_t i = *(const uint32_t *) a, j = *(const uint32_t *) b;
        if (pieces[i].size != pieces[j].size)
                return pieces[i].size < pieces[j].size ? -1 : 1;
        int c = memcmp(pieces[i].digest, pieces[j].digest, INGOT_SHA256_SIZE);
        return c ? c : i < j ? -1 : 1;
}

static int compare_u32(const void *a, const void *b)
{
        uint32_t i = *(const uint32_t *) a, j = *(const uint32_t *) b;
        return i < j ? -1 : i > j;
}

/* Keeps in ORDER those whose size is not the only one of its kind. */
static size_t keep_candidates(const struct ingot_erofs_piece *pieces, uint32_t *order, size_t count)
{
        size_t kept = 0;
        for (size_t i = 0, end; i < count; i = end) {
                for (end = i + 1; end < count; end++)
                        if (pieces[order[end]].size != pieces[order[i]].size)
                                break;
                for (size_t k = i; end - i > 1 && k < end; k++)
                        order[kept++] = order[k];
        }
        return kept;
}

static int find_equal(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        struct ingot_erofs_piece *pieces = plan->pieces;
        size_t count = plan->piece_count;
        _cleanup_free_ uint32_t *order = calloc(count, sizeof(*order));
        struct hashing h = {.plan = plan, .order = order};
        struct ingot_parallel p = {
                .threads = plan->options.threads, .work = hash_piece, .context = &h};
        p.window = 2 * (size_t) ingot_parallel_threads(p.threads);
        _cleanup_free_ uint8_t *buffers = malloc(p.window * plan->options.extent);
        if (!order || !buffers)
                return ingot_fail_nomem(reterr);
        h.buffers = buffers;
        for (size_t i = 0; i < count; i++)
                order[i] = (uint32_t) i;
        qsort_r(order, count, sizeof(*order), compare_pieces, pieces);
        /* What the image before has is found by its digest, so then all are hashed. */
        p.count = plan->like ? count : keep_candidates(pieces, order, count);
        /* By index again: contents are best read in the order in which they lie. */
        qsort(order, p.count, sizeof(*order), compare_u32);
        int r = p.count > 0 ? ingot_parallel_run(&p, reterr) : 0;
        if (r < 0)
                return r;
        qsort_r(order, p.count, sizeof(*order), compare_pieces, pieces);
        for (size_t i = 1; i < p.count; i++) {
                struct ingot_erofs_piece *a = pieces + order[i - 1], *b = pieces + order[i];
                if (a->size == b->size && memcmp(a->digest, b->digest, INGOT_SHA256_SIZE) == 0)
                        b->same_as = a->same_as;
        }
        return 0;
}

/* The packed inode while it is filled: gaps in it, in ascending order, and the extent that grows.
 */
struct packing {
        struct ingot_erofs_plan *plan;
        struct gap {
                uint64_t start, end;
        } * gaps; /* the last has no end */
        size_t gap_count, gap_allocated;
        size_t gap;      /* the open extent's … */
        uint32_t extent; /* … which is this one, or NONE_INDEX */
        uint32_t room;
};

static void packing_done(struct packing *p)
{
        free(p->gaps);
}

static uint64_t align_extent(const struct ingot_erofs_plan *plan, uint64_t at)
{
        uint32_t extent = plan->options.extent, first = ingot_erofs_first_extent(extent, 0);
        if (extent < INGOT_EROFS_APART)
                return ingot_align_up(at, INGOT_EROFS_BLOCK);
        return at == 0 ? 0
                       : ingot_align_up(at + extent - first, INGOT_EROFS_APART) - extent + first;
}

/* Does a new extent begin before this piece? A quarter of an extent on average between two cuts,
 * after the half that stands anyway. Beside an old image nothing hangs on the cuts. */
static bool cut_before(const struct packing *p, const struct ingot_erofs_piece *piece)
{
        const struct ingot_erofs_plan *plan = p->plan;
        uint32_t extent = plan->options.extent;
        uint64_t hash = plan->nodes[piece->node].path_hash;
        if (p->extent == INGOT_EROFS_NONE_INDEX)
                return true;
        uint32_t size = plan->extents[p->extent].size;
        if (size + piece->size > p->room)
                return true;
        hash ^= hash >> 32;
        hash *= UINT64_C(0x9e3779b97f4a7c15);
        return !plan->like && size >= extent - extent / 4 &&
               (hash >> 32) < ((uint64_t) piece->size << 32) / (extent / 8);
}

/* Zeros up to where the next extent can begin; they also take what is left of a gap, when that is
 * too little for another. */
static void close_extent(struct packing *p)
{
        if (p->extent == INGOT_EROFS_NONE_INDEX)
                return;
        struct ingot_erofs_extent *e = p->plan->extents + p->extent;
        struct gap *gap = p->gaps + p->gap;
        uint64_t end = align_extent(p->plan, e->at + e->size);
        if (gap->end - end < p->plan->options.extent / 4 && gap->end - e->at <= p->room)
                end = gap->end;
        e->size = (uint32_t) (end - e->at);
        gap->start = end;
        p->extent = INGOT_EROFS_NONE_INDEX;
}

static int add_gap(struct packing *p, uint64_t start, uint64_t end, ingot_error *reterr)
{
        int r = ingot_erofs_grow(&p->gaps, p->gap_count, &p->gap_allocated, sizeof(*p->gaps),
                                 reterr);
        if (r >= 0)
                p->gaps[p->gap_count++] = (struct gap){start, end};
        return r;
}

/* The most that an extent at the gap's start can hold. */
static uint32_t room_in(const struct packing *p, const struct gap *gap)
{
        uint32_t most = p->plan->options.extent;
        if (gap->start == 0)
                most = ingot_erofs_first_extent(most, 0);
        return (uint32_t) ingot_min_u64(most, gap->end - gap->start);
}

/* In the first gap that takes SIZE bytes. */
static int open_extent(struct packing *p, uint32_t size, ingot_error *reterr)
{
        struct ingot_erofs_plan *plan = p->plan;
        size_t i = 0;
        int r = 0;
        close_extent(p);
        while (i < p->gap_count && room_in(p, p->gaps + i) < size)
                i++;
        if (i == p->gap_count) { /* the first extent of all is smaller than others */
                uint64_t second = align_extent(plan, 1);
                p->gaps[i - 1].end = second;
                r = add_gap(p, second, UINT64_MAX, reterr);
        }
        if (r >= 0)
                r = ingot_erofs_plan_add_extent(plan, p->gaps[i].start, 0, NULL, reterr);
        if (r < 0)
                return r;
        p->gap = i;
        p->extent = (uint32_t) plan->extent_count - 1;
        p->room = room_in(p, p->gaps + i);
        return 0;
}

static int place_piece(struct packing *p, uint32_t index, ingot_error *reterr)
{
        struct ingot_erofs_piece *piece = p->plan->pieces + index;
        int r = cut_before(p, piece) ? open_extent(p, piece->size, reterr) : 0;
        if (r < 0)
                return r;
        struct ingot_erofs_extent *e = p->plan->extents + p->extent;
        if (e->first_piece == INGOT_EROFS_NONE_INDEX)
                e->first_piece = index;
        else
                p->plan->pieces[e->last_piece].next = index;
        e->last_piece = index;
        piece->at = e->at + e->size;
        e->size += piece->size;
        p->plan->input_size += piece->size;
        return 0;
}

/* Between the extents that are kept, which stand in the plan from FIRST on, and behind them. */
static int find_gaps(struct packing *p, size_t first, ingot_error *reterr)
{
        uint64_t at = 0;
        for (size_t i = first; i < p->plan->extent_count; i++) {
                const struct ingot_erofs_extent *e = p->plan->extents + i;
                int r = e->at > at ? add_gap(p, at, e->at, reterr) : 0;
                if (r < 0)
                        return r;
                at = e->at + e->size;
        }
        return add_gap(p, at, UINT64_MAX, reterr);
}

/* A compressed index has no word for nothing: what is left of the gaps becomes extents of zeros. */
static int fill_gaps(struct packing *p, ingot_error *reterr)
{
        close_extent(p);
        for (size_t i = 0; i + 1 < p->gap_count; i++)
                for (uint64_t at = p->gaps[i].start, size; at < p->gaps[i].end; at += size) {
                        const struct gap left = {at, p->gaps[i].end};
                        size = room_in(p, &left);
                        int r = ingot_erofs_plan_add_extent(p->plan, at, (uint32_t) size, NULL,
                                                            reterr);
                        if (r < 0)
                                return r;
                }
        return 0;
}

static int compare_extents(const void *a, const void *b)
{
        const struct ingot_erofs_extent *x = a, *y = b;
        return x->at < y->at ? -1 : x->at > y->at;
}

static int place_pieces(struct ingot_erofs_plan *plan, size_t first, uint64_t *ret_size,
                        ingot_error *reterr)
{
        __attribute__((cleanup(packing_done))) struct packing p = {
                .plan = plan, .extent = INGOT_EROFS_NONE_INDEX};
        int r = find_gaps(&p, first, reterr);
        for (uint32_t i = 0; r >= 0 && i < plan->piece_count; i++)
                if (plan->pieces[i].same_as == i && !plan->pieces[i].kept)
                        r = place_piece(&p, i, reterr);
        if (r >= 0)
                r = fill_gaps(&p, reterr);
        if (r < 0)
                return r;
        *ret_size = p.gaps[p.gap_count - 1].start;
        if (*ret_size > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "small files take more than 4 GiB");
        qsort(plan->extents + first, plan->extent_count - first, sizeof(*plan->extents),
              compare_extents);
        for (size_t i = 0; i < plan->piece_count; i++)
                plan->pieces[i].at = plan->pieces[plan->pieces[i].same_as].at;
        return 0;
}

/* What follows the last dot of a name, or nothing. */
static const char *suffix(const char *name)
{
        const char *dot = strrchr(name, '.');
        return dot && dot != name ? dot : "";
}

/* qsort_r: by kind, then in the order of the tree. */
static int compare_kinds(const void *a, const void *b, void *context)
{
        const struct ingot_erofs_node *nodes = context;
        uint32_t i = ((const struct ingot_erofs_piece *) a)->node,
                 j = ((const struct ingot_erofs_piece *) b)->node;
        int c = strcmp(suffix(nodes[i].name), suffix(nodes[j].name));
        return c ? c : i < j ? -1 : i > j;
}

/* Files of a kind together: what is alike compresses better side by side. */
static void sort_pieces(struct ingot_erofs_plan *plan)
{
        qsort_r(plan->pieces, plan->piece_count, sizeof(*plan->pieces), compare_kinds, plan->nodes);
        for (size_t i = 0; i < plan->piece_count; i++) {
                plan->nodes[plan->pieces[i].node].piece = (uint32_t) i;
                plan->pieces[i].same_as = (uint32_t) i;
        }
}

int ingot_erofs_plan_pack(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        uint32_t first = (uint32_t) plan->extent_count;
        uint64_t size = 0;
        sort_pieces(plan);
        int r = find_equal(plan, reterr);
        if (r >= 0 && plan->like)
                r = ingot_erofs_keep_pieces(plan, reterr);
        if (r >= 0)
                r = place_pieces(plan, first, &size, reterr);
        if (r >= 0)
                r = ingot_erofs_plan_add_node(plan, NULL, "packed", 0, reterr);
        if (r < 0)
                return r;
        plan->packed = (uint32_t) plan->node_count - 1;
        plan->data_nodes[plan->data_node_count++] = plan->packed;
        struct ingot_erofs_node *node = plan->nodes + plan->packed;
        node->size = node->extents_size = size;
        node->old_at = plan->packed_old_at;
        node->old_size = plan->packed_old_size;
        node->layout = INGOT_EROFS_COMPRESSED_COMPACT;
        node->first_extent = first;
        node->extent_count = (uint32_t) plan->extent_count - first;
        return 0;
}
