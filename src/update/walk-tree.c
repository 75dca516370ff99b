/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The target's hash tree, level by level from the root hash down. The levels above the lowest
 * (1/16384 of the data) stay in memory once they are checked; the lowest one is read again where it
 * is needed, and checked again: what is used is what was checked.
 */
#include "base/cleanup.h"
#include "base/size.h"
#include "update/walk-state.h"

#include <inttypes.h>
#include <string.h>

/* One level while it is filled. */
struct level {
        struct ingot_walk *w;
        unsigned level;
        const uint8_t *digests; /* of its blocks */
};

static uint8_t *in_memory(const struct ingot_walk *w, unsigned level)
{
        return w->above + (w->geometry.level[level].offset - w->image.verity.hash_block_size);
}

/* The digests of the blocks of LEVEL. */
static const uint8_t *digests_of_level(const struct ingot_walk *w, unsigned level)
{
        return level + 1 == w->geometry.levels ? w->image.root_hash : in_memory(w, level + 1);
}

enum { STEP = 64 }; /* blocks that are hashed at a time */

void ingot_walk_check(const struct ingot_walk *w, const uint8_t *data, size_t size, size_t count,
                      const uint8_t *digests, bool *ret)
{
        uint8_t have[STEP * INGOT_VERITY_DIGEST_SIZE];
        for (size_t at = 0; at < count; at += STEP) {
                size_t n = count - at < STEP ? count - at : STEP;
                ingot_verity_digest(&w->image.verity, data + at * size, size, n, have);
                for (size_t i = 0; i < n; i++)
                        ret[at + i] = memcmp(have + i * INGOT_VERITY_DIGEST_SIZE,
                                             digests + (at + i) * INGOT_VERITY_DIGEST_SIZE,
                                             INGOT_VERITY_DIGEST_SIZE) == 0;
        }
}

size_t ingot_walk_count_right(const struct ingot_walk *w, const uint8_t *data, size_t size,
                              size_t count, const uint8_t *digests)
{
        bool right[STEP];
        for (size_t at = 0; at < count; at += STEP) {
                size_t n = count - at < STEP ? count - at : STEP;
                ingot_walk_check(w, data + at * size, size, n,
                                 digests + at * INGOT_VERITY_DIGEST_SIZE, right);
                for (size_t i = 0; i < n; i++)
                        if (!right[i])
                                return at + i;
        }
        return count;
}

/* Right blocks, from BLOCK on: to their place, and into memory. */
static int put(const struct level *l, uint64_t block, const uint8_t *data, size_t count, bool write,
               ingot_error *reterr)
{
        size_t unit = l->w->image.verity.hash_block_size;
        if (l->level > 0)
                memcpy(in_memory(l->w, l->level) + block * unit, data, count * unit);
        if (!write)
                return 0;
        return ingot_write_at(&l->w->target.tree,
                              l->w->geometry.level[l->level].offset + block * unit, data,
                              count * unit, reterr);
}

static int take_hash_blocks(void *context, uint64_t offset, const void *data, size_t size,
                            size_t *ret_right, ingot_error *reterr)
{
        const struct level *l = context;
        size_t unit = l->w->image.verity.hash_block_size;
        uint64_t block = (offset - l->w->geometry.level[l->level].offset) / unit;
        size_t right = ingot_walk_count_right(l->w, data, unit, size / unit,
                                              l->digests + block * INGOT_VERITY_DIGEST_SIZE);
        *ret_right = right * unit;
        return right > 0 ? put(l, block, data, right, true, reterr) : 0;
}

/* Takes block I from the target as it is, or from an old tree; 1: neither has it. */
static int find_hash_block(const struct level *l, uint64_t i, uint8_t *block, ingot_error *reterr)
{
        struct ingot_walk *w = l->w;
        size_t unit = w->image.verity.hash_block_size;
        const uint8_t *digest = l->digests + i * INGOT_VERITY_DIGEST_SIZE;
        if (w->target.begun &&
            ingot_read_at(&w->target.tree_back, w->geometry.level[l->level].offset + i * unit,
                          block, unit, NULL) >= 0 &&
            ingot_walk_count_right(w, block, unit, 1, digest) == 1) {
                w->figures.tree_kept += unit;
                return put(l, i, block, 1, false, reterr);
        }
        if (!ingot_walk_read_old_hash(w, digest, block))
                return 1;
        w->figures.tree_copied += unit;
        return put(l, i, block, 1, true, reterr);
}

static int fill_level(struct ingot_walk *w, unsigned level, ingot_error *reterr)
{
        struct level l = {.w = w, .level = level, .digests = digests_of_level(w, level)};
        size_t unit = w->image.verity.hash_block_size, count = 0;
        uint64_t blocks = w->geometry.level[level].blocks;
        struct ingot_walk_want want = {.file = w->image.tree_file,
                                       .file_size = w->geometry.size,
                                       .unit = (uint32_t) unit,
                                       .take = take_hash_blocks,
                                       .context = &l};
        _cleanup_free_ uint8_t *block = malloc(unit);
        /* At most every second block begins a range. */
        _cleanup_free_ struct ingot_range *ranges =
                calloc((size_t) blocks / 2 + 1, sizeof(*ranges));
        if (!block || !ranges)
                return ingot_fail_nomem(reterr);
        for (uint64_t i = 0; i < blocks; i++) {
                int r = find_hash_block(&l, i, block, reterr);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                ingot_walk_add_range(ranges, &count, w->geometry.level[level].offset + i * unit,
                                     unit);
                w->figures.tree_fetched += unit;
        }
        return ingot_walk_fetch(w->options, &want, ranges, count, reterr);
}

static int put_superblock(struct ingot_walk *w, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *block = calloc(1, w->image.verity.hash_block_size);
        if (!block)
                return ingot_fail_nomem(reterr);
        ingot_verity_encode(&w->image.verity, block);
        return ingot_write_at(&w->target.tree, 0, block, w->image.verity.hash_block_size, reterr);
}

int ingot_walk_fill_tree(struct ingot_walk *w, ingot_error *reterr)
{
        const struct ingot_verity_geometry *g = &w->geometry;
        uint64_t above = g->levels > 1 ? g->level[0].offset - w->image.verity.hash_block_size : 0;
        w->above = malloc((size_t) above + 1);
        if (!w->above)
                return ingot_fail_nomem(reterr);
        int r = put_superblock(w, reterr);
        for (unsigned l = g->levels; l-- > 0 && r >= 0;)
                r = fill_level(w, l, reterr);
        return r;
}

int ingot_walk_digests(const struct ingot_walk *w, uint64_t first, size_t count, uint8_t *ret,
                       ingot_error *reterr)
{
        size_t unit = w->image.verity.hash_block_size, per_block = unit / INGOT_VERITY_DIGEST_SIZE;
        _cleanup_free_ uint8_t *block = malloc(unit);
        if (!block)
                return ingot_fail_nomem(reterr);
        if (w->geometry.levels == 0) {
                memcpy(ret, w->image.root_hash, INGOT_VERITY_DIGEST_SIZE);
                return 0;
        }
        while (count > 0) {
                uint64_t number = first / per_block, at = first % per_block;
                size_t n = (size_t) ingot_min_u64(count, per_block - at);
                int r = ingot_read_at(&w->target.tree_back,
                                      w->geometry.level[0].offset + number * unit, block, unit,
                                      reterr);
                if (r < 0)
                        return r;
                if (ingot_walk_count_right(w, block, unit, 1,
                                           digests_of_level(w, 0) +
                                                   number * INGOT_VERITY_DIGEST_SIZE) != 1)
                        return ingot_fail(reterr, INGOT_E_SYSTEM,
                                          "hash block %" PRIu64
                                          " reads back otherwise than it was written: the disk "
                                          "may be damaged",
                                          number);
                memcpy(ret, block + at * INGOT_VERITY_DIGEST_SIZE, n * INGOT_VERITY_DIGEST_SIZE);
                ret += n * INGOT_VERITY_DIGEST_SIZE;
                first += n;
                count -= n;
        }
        return 0;
}
