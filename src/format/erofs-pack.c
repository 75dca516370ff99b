/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The packed inode: small files and tails of files, one behind the other, compressed together.
 *
 * Equal pieces are stored once: pieces of one size are read and hashed. Pieces are never cut; an
 * extent of the packed inode is a run of whole ones, so that reading a small file decompresses one
 * extent, and it begins at a block of its own (zeros fill the gap; they cost nothing once
 * compressed). Where a run ends is decided by a hash of the next piece's path: a changed, new or
 * removed file changes the extent it lies in, and those behind it find back to the same cuts.
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
        int r = ingot_read_at(&node->inode->content, node->extents_size, buffer, piece->size,
                              reterr);
        if (r < 0) {
                char path[512];
                ingot_erofs_node_path(h->plan, node, path);
                return ingot_under(reterr, r, "%s", path);
        }
        ingot_sha256_of(buffer, piece->size, piece->digest);
        return 0;
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
        p.count = keep_candidates(pieces, order, count);
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

/* Does a new extent begin before this piece? A quarter of an extent on average between two cuts,
 * after the half that stands anyway. */
static bool cut_before(const struct ingot_erofs_plan *plan, const struct ingot_erofs_extent *e,
                       const struct ingot_erofs_piece *piece)
{
        uint32_t extent = plan->options.extent;
        uint64_t hash = plan->nodes[piece->node].path_hash;
        if (e->size + piece->size > extent)
                return true;
        hash ^= hash >> 32;
        hash *= UINT64_C(0x9e3779b97f4a7c15);
        return e->size >= extent - extent / 4 &&
               (hash >> 32) < ((uint64_t) piece->size << 32) / (extent / 8);
}

static int place_pieces(struct ingot_erofs_plan *plan, uint64_t *ret_size, ingot_error *reterr)
{
        struct ingot_erofs_extent *e = NULL;
        uint64_t at = 0;
        for (size_t i = 0; i < plan->piece_count; i++) {
                struct ingot_erofs_piece *piece = plan->pieces + i;
                if (piece->same_as != i)
                        continue;
                if (!e || cut_before(plan, e, piece)) {
                        at = ingot_align_up(at, INGOT_EROFS_BLOCK);
                        if (e) /* with the zeros that fill the gap */
                                e->size = (uint32_t) ingot_align_up(e->size, INGOT_EROFS_BLOCK);
                        int r = ingot_erofs_plan_add_extent(plan, 0, &e, reterr);
                        if (r < 0)
                                return r;
                        e->first_piece = (uint32_t) i;
                }
                piece->at = at;
                at += piece->size;
                e->size += piece->size;
                e->piece_count = (uint32_t) (i + 1 - e->first_piece);
                plan->input_size += piece->size;
        }
        for (size_t i = 0; i < plan->piece_count; i++)
                plan->pieces[i].at = plan->pieces[plan->pieces[i].same_as].at;
        *ret_size = at;
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
        if (r >= 0)
                r = place_pieces(plan, &size, reterr);
        if (r >= 0)
                r = ingot_erofs_plan_add_node(plan, NULL, "packed", 0, reterr);
        if (r < 0)
                return r;
        plan->packed = (uint32_t) plan->node_count - 1;
        plan->data_nodes[plan->data_node_count++] = plan->packed;
        struct ingot_erofs_node *node = plan->nodes + plan->packed;
        node->size = node->extents_size = size;
        node->layout = INGOT_EROFS_COMPRESSED_COMPACT;
        node->first_extent = first;
        node->extent_count = (uint32_t) plan->extent_count - first;
        return 0;
}
