/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file by the digests of its pieces. It is small beside a root file system (a kernel and its
 * initrd), so all pieces of the old files are hashed, and a list of their digests is searched.
 */
#include "base/cleanup.h"
#include "base/size.h"
#include "update/walk-fetch.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_MAX ((uint32_t) 16 << 20)

struct old_piece {
        uint8_t digest[INGOT_SHA256_SIZE];
        const struct ingot_reader *reader;
        uint64_t offset;
};

struct pieces {
        const struct ingot_walk_pieces *want;
        const struct ingot_writer *target; /* NULL: only count */
        const struct ingot_walk_options *options;
        struct ingot_walk_figures *figures; /* of what was done so far */
        struct old_piece *old;
        size_t old_count;
        uint8_t *buffer; /* one piece */
};

static size_t piece_size(const struct pieces *p, uint64_t index)
{
        return (size_t) ingot_min_u64(p->want->piece_size,
                                      p->want->size - index * p->want->piece_size);
}

static const uint8_t *digest_of_piece(const struct pieces *p, uint64_t index)
{
        return p->want->digests + index * INGOT_SHA256_SIZE;
}

static bool is_right(const uint8_t *data, size_t size, const uint8_t digest[INGOT_SHA256_SIZE])
{
        uint8_t have[INGOT_SHA256_SIZE];
        ingot_sha256_of(data, size, have);
        return memcmp(have, digest, sizeof(have)) == 0;
}

/* The whole pieces of an old file, and its end where that is as long as the new one's. */
static int list_old(struct pieces *p, const struct ingot_reader *old, ingot_error *reterr)
{
        uint32_t unit = p->want->piece_size;
        size_t count = (size_t) ingot_div_up(old->size, unit);
        struct old_piece *grown = realloc(p->old, (p->old_count + count + 1) * sizeof(*grown));
        if (!grown)
                return ingot_fail_nomem(reterr);
        p->old = grown;
        for (uint64_t at = 0; at < old->size; at += unit) {
                struct old_piece *o = p->old + p->old_count;
                size_t n = (size_t) ingot_min_u64(unit, old->size - at);
                if (ingot_read_at(old, at, p->buffer, n, NULL) < 0)
                        continue;
                *o = (struct old_piece){.reader = old, .offset = at};
                ingot_sha256_of(p->buffer, n, o->digest);
                p->old_count++;
        }
        return 0;
}

static void tell_progress(const struct pieces *p)
{
        const struct ingot_walk_figures *f = p->figures;
        if (p->target)
                ingot_progress(p->options->log, p->want->file, f->kept + f->copied + f->fetched,
                               p->want->size);
}

static int put_piece(struct pieces *p, uint64_t index, ingot_error *reterr)
{
        if (!p->target)
                return 0;
        return ingot_write_at(p->target, index * p->want->piece_size, p->buffer,
                              piece_size(p, index), reterr);
}

/* Takes piece INDEX from an old file; 1: none has it. */
static int copy_piece(struct pieces *p, uint64_t index, ingot_error *reterr)
{
        const uint8_t *digest = digest_of_piece(p, index);
        size_t size = piece_size(p, index);
        for (size_t i = 0; i < p->old_count; i++) {
                const struct old_piece *o = p->old + i;
                if (memcmp(o->digest, digest, INGOT_SHA256_SIZE) != 0 ||
                    ingot_read_at(o->reader, o->offset, p->buffer, size, NULL) < 0 ||
                    !is_right(p->buffer, size, digest))
                        continue;
                p->figures->copied += size;
                return put_piece(p, index, reterr);
        }
        return 1;
}

static bool stands_there(struct pieces *p, const struct ingot_reader *back, uint64_t index)
{
        size_t size = piece_size(p, index);
        return ingot_read_at(back, index * p->want->piece_size, p->buffer, size, NULL) >= 0 &&
               is_right(p->buffer, size, digest_of_piece(p, index));
}

static int take_pieces(void *context, uint64_t offset, const void *data, size_t size,
                       size_t *ret_right, ingot_error *reterr)
{
        struct pieces *p = context;
        const uint8_t *bytes = data;
        size_t right = 0;
        while (right < size) {
                uint64_t index = (offset + right) / p->want->piece_size;
                if (!is_right(bytes + right, piece_size(p, index), digest_of_piece(p, index)))
                        break;
                right += piece_size(p, index);
        }
        *ret_right = right;
        int r = ingot_write_at(p->target, offset, data, right, reterr);
        p->figures->fetched += r < 0 ? 0 : right;
        tell_progress(p);
        return r;
}

/* Keeps or copies what it can; the rest are RANGES. */
static int find_pieces(struct pieces *p, const struct ingot_reader *back,
                       struct ingot_range *ranges, size_t *count, ingot_error *reterr)
{
        uint64_t pieces = ingot_div_up(p->want->size, p->want->piece_size);
        for (uint64_t i = 0; i < pieces; i++) {
                size_t size = piece_size(p, i);
                if (back && stands_there(p, back, i)) {
                        p->figures->kept += size;
                        continue;
                }
                int r = copy_piece(p, i, reterr);
                if (r < 0)
                        return r;
                if (r == 0) {
                        tell_progress(p);
                        continue;
                }
                p->figures->fetched += p->target ? 0 : size;
                ingot_walk_add_range(ranges, count, i * p->want->piece_size, size);
        }
        p->figures->ranges = *count;
        return 0;
}

static int walk_pieces(struct pieces *p, const struct ingot_reader *back, ingot_error *reterr)
{
        struct ingot_walk_want want = {.file = p->want->file,
                                       .file_size = p->want->size,
                                       .unit = p->want->piece_size,
                                       .take = take_pieces,
                                       .context = p};
        size_t count = 0;
        _cleanup_free_ struct ingot_range *ranges =
                calloc((size_t) (p->want->size / p->want->piece_size) + 1, sizeof(*ranges));
        if (!ranges)
                return ingot_fail_nomem(reterr);
        int r = find_pieces(p, back, ranges, &count, reterr);
        return r < 0 || !p->target ? r : ingot_walk_fetch(p->options, &want, ranges, count, reterr);
}

int ingot_walk_file(const struct ingot_walk_pieces *pieces, const struct ingot_reader *old,
                    size_t old_count, const struct ingot_writer *target,
                    const struct ingot_reader *target_back,
                    const struct ingot_walk_options *options, struct ingot_walk_figures *ret,
                    ingot_error *reterr)
{
        struct pieces p = {.want = pieces, .target = target, .options = options, .figures = ret};
        int r = 0;
        if (pieces->piece_size == 0 || pieces->piece_size > PIECE_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s: pieces of %u bytes", pieces->file,
                                  pieces->piece_size);
        *ret = (struct ingot_walk_figures){.data_size = pieces->size};
        p.buffer = malloc(pieces->piece_size);
        if (!p.buffer)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < old_count && r >= 0; i++)
                r = list_old(&p, &old[i], reterr);
        if (r >= 0)
                r = walk_pieces(&p, target_back, reterr);
        free(p.buffer);
        free(p.old);
        return r;
}
