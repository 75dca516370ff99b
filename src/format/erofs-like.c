/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The image of the release before, for a writer that keeps what it has: its clusters as units that
 * can be kept whole, and the pieces of its packed inode, each with the digest of its bytes.
 *
 * What is taken over was decompressed and is equal to what the new image must hold, so a malformed
 * image cannot bring anything into the new one; clusters that are not cut as the writer cuts are
 * left out.
 */
#include "format/erofs-write.h"
#include "base/parallel.h"

#include <inttypes.h>

void ingot_erofs_like_free(struct ingot_erofs_like *like)
{
        if (!like)
                return;
        ingot_tree_free(like->tree);
        ingot_erofs_image_unref(like->image);
        free(like->units);
        free(like->pieces);
        free(like);
}

static void like_free_p(struct ingot_erofs_like **like)
{
        ingot_erofs_like_free(*like);
}

/* Are its clusters compressed as these options would have them? Levels may differ. */
static int check_configuration(const struct ingot_erofs_image *image,
                               const struct ingot_erofs_options *o, ingot_error *reterr)
{
        uint8_t want[32], have[32];
        size_t size = ingot_erofs_configuration(o, want);
        const uint32_t features = INGOT_EROFS_INCOMPAT_ZERO_PADDING |
                                  INGOT_EROFS_INCOMPAT_BIG_PCLUSTER |
                                  INGOT_EROFS_INCOMPAT_FRAGMENTS;
        int r = ingot_read_at(&image->reader, INGOT_EROFS_SUPER_OFFSET + INGOT_EROFS_SUPER_SIZE,
                              have, size, reterr);
        if (r < 0)
                return r;
        if (image->block_size != INGOT_EROFS_BLOCK || image->super.feature_incompat & ~features ||
            image->super.algorithms != 1u << ingot_erofs_algorithm_of(o->compressor) ||
            memcmp(want, have, size) != 0)
                return ingot_fail(reterr, INGOT_E_CONFLICT,
                                  "it is not compressed as this one is to be, so nothing of it can "
                                  "be kept; use the same compression, or write without it");
        return 0;
}

static int add_unit(struct ingot_erofs_like *like, const struct ingot_erofs_unit *unit,
                    ingot_error *reterr)
{
        int r = ingot_erofs_grow(&like->units, like->unit_count, &like->unit_allocated,
                                 sizeof(*like->units), reterr);
        if (r >= 0)
                like->units[like->unit_count++] = *unit;
        return r;
}

/* Can the mapping be copied, as whole blocks? Of plain blocks only the last of an extent, which
 * ends at END, may be cut short. */
static bool is_whole(const struct ingot_erofs_file *f, const struct ingot_erofs_mapping *m,
                     uint64_t end, uint32_t extent)
{
        uint64_t size = m->end - m->start;
        if (m->address % INGOT_EROFS_BLOCK != 0 || m->end > end)
                return false;
        if (m->kind == INGOT_EROFS_MAP_RAW)
                return size == INGOT_EROFS_BLOCK || (size < INGOT_EROFS_BLOCK && m->end == end);
        return m->kind == INGOT_EROFS_MAP_COMPRESSED && size <= extent &&
               1u << m->algorithm == f->image->super.algorithms &&
               m->stored % INGOT_EROFS_BLOCK == 0 && m->stored > 0 && m->stored <= extent;
}

/*
 * What stands at byte AT of a file as one unit that ends at END at the latest: a compressed
 * cluster, or plain ones that lie behind each other. 1 when there is none; *ret_end is where the
 * next may be.
 */
static int read_unit(const struct ingot_erofs_file *f, uint64_t at, uint64_t end, uint32_t extent,
                     struct ingot_erofs_unit *ret, uint64_t *ret_end, ingot_error *reterr)
{
        struct ingot_erofs_unit u = {.nid = f->nid, .at = at};
        for (uint64_t next = at; next < end;) {
                struct ingot_erofs_mapping m;
                int r = ingot_erofs_map(f, next, &m, reterr);
                if (r < 0)
                        return r;
                bool plain = m.kind == INGOT_EROFS_MAP_RAW;
                *ret_end = m.end;
                if (m.start != next || !is_whole(f, &m, end, extent) ||
                    (next > at &&
                     (!plain || m.address / INGOT_EROFS_BLOCK != (uint64_t) u.address + u.blocks)))
                        return 1;
                if (next == at)
                        u.address = (uint32_t) (m.address / INGOT_EROFS_BLOCK);
                u.plain = plain;
                u.blocks += plain ? 1 : m.stored / INGOT_EROFS_BLOCK;
                next = m.end;
                if (!plain)
                        break;
        }
        u.size = (uint32_t) (*ret_end - at);
        *ret = u;
        return 0;
}

/* The extents of a file, where the writer would cut it. */
static int add_file(struct ingot_erofs_like *like, const struct ingot_erofs_file *f,
                    uint32_t extent, ingot_error *reterr)
{
        uint32_t size =
                ingot_erofs_first_extent(extent, ingot_erofs_xattr_area(f->inode.xattr_count));
        uint64_t end = f->advise & INGOT_EROFS_ADVISE_FRAGMENT ? f->tail : f->inode.size, last;
        for (uint64_t at = 0; at < end; at += size, size = extent) {
                struct ingot_erofs_unit unit;
                uint64_t stop = ingot_min_u64(at + size, end);
                int r = read_unit(f, at, stop, extent, &unit, &last, reterr);
                if (r == 0 && last == stop)
                        r = add_unit(like, &unit, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_piece(struct ingot_erofs_like *like, const struct ingot_erofs_file *f,
                     ingot_error *reterr)
{
        uint64_t size = f->inode.size - f->tail;
        if (!(f->advise & INGOT_EROFS_ADVISE_FRAGMENT) || size > UINT32_MAX)
                return 0;
        int r = ingot_erofs_grow(&like->pieces, like->piece_count, &like->piece_allocated,
                                 sizeof(*like->pieces), reterr);
        if (r >= 0)
                like->pieces[like->piece_count++] =
                        (struct ingot_erofs_old_piece){.at = f->fragment, .size = (uint32_t) size};
        return r;
}

struct collecting {
        struct ingot_erofs_like *like;
        uint32_t extent;
        uint64_t *nids;
        size_t count, allocated;
};

static int collect_nid(void *context, const char *path, struct ingot_inode *inode,
                       ingot_error *reterr)
{
        (void) path;
        struct collecting *c = context;
        if (inode->type != INGOT_FILE_REGULAR || inode->content.size == 0)
                return 0;
        int r = ingot_erofs_grow(&c->nids, c->count, &c->allocated, sizeof(*c->nids), reterr);
        if (r >= 0)
                c->nids[c->count++] = inode->mark;
        return r;
}

static int compare_u64(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
        return x < y ? -1 : x > y;
}

static int collect_files(struct collecting *c, ingot_error *reterr)
{
        int r = ingot_tree_walk(c->like->tree, collect_nid, c, reterr);
        if (r >= 0 && c->count > 0)
                qsort(c->nids, c->count, sizeof(*c->nids), compare_u64);
        for (size_t i = 0; r >= 0 && i < c->count; i++) {
                struct ingot_erofs_file f;
                if (i > 0 && c->nids[i] == c->nids[i - 1])
                        continue; /* a hard link */
                r = ingot_erofs_file_open(c->like->image, c->nids[i], &f, reterr);
                if (r < 0 || f.inode.layout != INGOT_EROFS_COMPRESSED_COMPACT)
                        continue;
                r = add_file(c->like, &f, c->extent, reterr);
                if (r >= 0)
                        r = add_piece(c->like, &f, reterr);
        }
        c->like->file_unit_count = c->like->unit_count;
        return r;
}

static int compare_places(const void *a, const void *b)
{
        const struct ingot_erofs_old_piece *x = a, *y = b;
        if (x->at != y->at)
                return x->at < y->at ? -1 : 1;
        return x->size < y->size ? -1 : x->size > y->size;
}

/* Can an extent of the packed inode begin or end there? */
static bool is_cut(uint32_t extent, uint64_t at)
{
        return at == 0 ||
               at % INGOT_EROFS_APART == ingot_erofs_first_extent(extent, 0) % INGOT_EROFS_APART;
}

/* The next place behind AT where an extent can begin and no piece is cut; PIECE: the first that
 * ends behind AT. */
static uint64_t next_cut(const struct ingot_erofs_like *like, uint32_t extent, uint64_t at,
                         size_t piece)
{
        uint64_t end = at;
        do {
                end = end + extent - ingot_erofs_first_extent(extent, 0);
                end = ingot_align_up(end + 1, INGOT_EROFS_APART) - extent +
                      ingot_erofs_first_extent(extent, 0);
                for (; piece < like->piece_count && like->pieces[piece].at < end; piece++)
                        if (like->pieces[piece].at + like->pieces[piece].size > end)
                                break;
        } while (piece < like->piece_count && like->pieces[piece].at < end);
        return end;
}

/* The extents of the packed inode; pieces stand in the order of their places. */
static int add_packed(struct ingot_erofs_like *like, uint32_t extent, ingot_error *reterr)
{
        const struct ingot_erofs_file *f = &like->image->packed;
        size_t piece = 0;
        if (!f->image || f->inode.layout != INGOT_EROFS_COMPRESSED_COMPACT)
                return 0;
        for (uint64_t at = 0, end; at < f->inode.size; at = end) {
                struct ingot_erofs_unit unit;
                struct ingot_erofs_mapping m;
                int r = ingot_erofs_map(f, at, &m, reterr);
                if (r < 0)
                        return r;
                while (piece < like->piece_count &&
                       like->pieces[piece].at + like->pieces[piece].size <= at)
                        piece++;
                end = m.kind == INGOT_EROFS_MAP_COMPRESSED
                              ? m.end
                              : ingot_min_u64(next_cut(like, extent, at, piece), f->inode.size);
                uint64_t stop = end;
                r = read_unit(f, at, stop, extent, &unit, &end, reterr);
                unit.packed = true;
                if (r == 0 && end == stop && unit.size <= extent && is_cut(extent, at) &&
                    is_cut(extent, end))
                        r = add_unit(like, &unit, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Each piece's unit; pieces that stand in none that can be kept, or cross its end, go. */
static void assign_pieces(struct ingot_erofs_like *like)
{
        size_t kept = 0, unit = like->file_unit_count;
        for (size_t i = 0; i < like->piece_count; i++) {
                struct ingot_erofs_old_piece p = like->pieces[i];
                while (unit < like->unit_count &&
                       like->units[unit].at + like->units[unit].size <= p.at)
                        unit++;
                if (unit == like->unit_count)
                        break;
                const struct ingot_erofs_unit *u = like->units + unit;
                if (p.at < u->at || p.at + p.size > u->at + u->size ||
                    (kept > 0 && compare_places(&p, like->pieces + kept - 1) == 0))
                        continue;
                p.unit = (uint32_t) unit;
                like->pieces[kept++] = p;
        }
        like->piece_count = kept;
}

struct hashing {
        struct ingot_erofs_like *like;
        uint8_t *buffers;
        uint32_t extent;
};

static void hash_pieces(struct ingot_erofs_like *like, size_t index, const uint8_t *data)
{
        const struct ingot_erofs_unit *u = like->units + index;
        size_t low = 0, high = like->piece_count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (like->pieces[middle].unit < index)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (; low < like->piece_count && like->pieces[low].unit == index; low++)
                ingot_sha256_of(data + (like->pieces[low].at - u->at), like->pieces[low].size,
                                like->pieces[low].digest);
}

static int hash_unit(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        struct hashing *h = context;
        struct ingot_erofs_unit *u = h->like->units + index;
        uint8_t *data = h->buffers + slot * h->extent;
        struct ingot_erofs_file f = h->like->image->packed;
        int r = u->packed ? 0 : ingot_erofs_file_open(h->like->image, u->nid, &f, reterr);
        if (r >= 0)
                r = ingot_erofs_file_read(&f, u->at, data, u->size, reterr);
        if (r < 0)
                return r;
        if (u->packed) {
                while (u->zeros < u->size && data[u->size - 1 - u->zeros] == 0)
                        u->zeros++;
                hash_pieces(h->like, index, data);
        } else {
                ingot_sha256_of(data, u->size, u->digest);
        }
        return 0;
}

static int compare_digests(const void *a, const void *b)
{
        const struct ingot_erofs_old_piece *x = a, *y = b;
        if (x->size != y->size)
                return x->size < y->size ? -1 : 1;
        int c = memcmp(x->digest, y->digest, INGOT_SHA256_SIZE);
        return c ? c : x->at < y->at ? -1 : x->at > y->at;
}

static int compare_units(const void *a, const void *b)
{
        const struct ingot_erofs_unit *x = a, *y = b;
        if (x->size != y->size)
                return x->size < y->size ? -1 : 1;
        int c = memcmp(x->digest, y->digest, INGOT_SHA256_SIZE);
        return c ? c : x->address < y->address ? -1 : x->address > y->address;
}

static int hash(struct ingot_erofs_like *like, const struct ingot_erofs_options *o,
                ingot_error *reterr)
{
        struct hashing h = {.like = like, .extent = o->extent};
        struct ingot_parallel p = {
                .threads = o->threads, .count = like->unit_count, .work = hash_unit, .context = &h};
        p.window = 2 * (size_t) ingot_parallel_threads(p.threads);
        _cleanup_free_ uint8_t *buffers = malloc(p.window * o->extent);
        if (!buffers)
                return ingot_fail_nomem(reterr);
        h.buffers = buffers;
        int r = p.count > 0 ? ingot_parallel_run(&p, reterr) : 0;
        if (r < 0)
                return r;
        if (like->file_unit_count > 0)
                qsort(like->units, like->file_unit_count, sizeof(*like->units), compare_units);
        if (like->piece_count > 0)
                qsort(like->pieces, like->piece_count, sizeof(*like->pieces), compare_digests);
        return 0;
}

static int load(struct ingot_erofs_like *like, const struct ingot_erofs_options *o,
                ingot_error *reterr)
{
        struct collecting c = {.like = like, .extent = o->extent};
        struct ingot_erofs_info info;
        int r = ingot_erofs_image_open(o->like, &like->image, reterr);
        if (r >= 0)
                r = check_configuration(like->image, o, reterr);
        if (r >= 0)
                r = ingot_erofs_load_tree(like->image, &like->tree, &info, reterr);
        if (r < 0)
                return r;
        like->reader = like->image->reader;
        r = collect_files(&c, reterr);
        free(c.nids);
        if (r < 0)
                return r;
        if (like->piece_count > 0)
                qsort(like->pieces, like->piece_count, sizeof(*like->pieces), compare_places);
        r = add_packed(like, o->extent, reterr);
        if (r < 0)
                return r;
        assign_pieces(like);
        return hash(like, o, reterr);
}

int ingot_erofs_like_open(const struct ingot_erofs_options *options, struct ingot_erofs_like **ret,
                          ingot_error *reterr)
{
        _cleanup_(like_free_p) struct ingot_erofs_like *like = calloc(1, sizeof(*like));
        if (!like)
                return ingot_fail_nomem(reterr);
        if (options->compressor == INGOT_EROFS_NONE || options->extent < INGOT_EROFS_APART)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "places are kept only with compression, and extents of 64 KiB "
                                  "and more");
        int r = load(like, options, reterr);
        if (r >= 0)
                *ret = TAKE_PTR(like);
        return r;
}
