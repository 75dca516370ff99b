/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checking everything against a root hash. The levels above the lowest are small (1/16384 of the
 * data), and are read, checked from the root down, and kept. The lowest level and the data are then
 * checked in jobs, in parallel, each byte read once: what was checked is what was used.
 */
#include "base/cleanup.h"
#include "base/parallel.h"
#include "base/size.h"
#include "format/verity.h"

#include <inttypes.h>
#include <string.h>

#define JOB_SIZE (1024 * 1024) /* of data; at least the blocks under one hash block */
#define DATA_BLOCKS_MAX (1ULL << 32)

struct check {
        const struct ingot_reader *data, *hash;
        const struct ingot_verity_check_options *options;
        struct ingot_verity verity;
        struct ingot_verity_geometry geometry;
        uint64_t per_block;      /* digests in a hash block */
        uint64_t blocks_per_job; /* hash blocks of level 0 */
        uint8_t *above; /* the levels above 0, as they lie in the hash area; then the root hash */
        size_t above_size;
        struct ingot_verity_bad *bad; /* by slot */
        uint8_t root_hash[INGOT_VERITY_DIGEST_SIZE];
};

static int refuse(struct ingot_verity_bad *bad, int level, uint64_t block, const char *what,
                  ingot_error *reterr)
{
        *bad = (struct ingot_verity_bad){.found = true, .level = level, .block = block};
        if (level < 0)
                return ingot_fail(reterr, INGOT_E_REFUSED, "verity: data block %" PRIu64 " %s",
                                  block, what);
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "verity: hash block %" PRIu64 " of level %d %s", block, level, what);
}

/* COUNT blocks that start with number FIRST, against their digests. */
static int check_digests(const struct check *c, int level, uint64_t first, size_t count,
                         const uint8_t *blocks, const uint8_t *digests,
                         struct ingot_verity_bad *bad, ingot_error *reterr)
{
        enum { STEP = 64 };
        uint8_t have[STEP * INGOT_VERITY_DIGEST_SIZE];
        size_t unit = level < 0 ? c->verity.data_block_size : c->verity.hash_block_size;
        for (size_t at = 0; at < count; at += STEP) {
                size_t n = count - at < STEP ? count - at : STEP;
                const uint8_t *want = digests + at * INGOT_VERITY_DIGEST_SIZE;
                ingot_verity_digest(&c->verity, blocks + at * unit, unit, n, have);
                for (size_t i = 0; i < n; i++)
                        if (memcmp(have + i * INGOT_VERITY_DIGEST_SIZE,
                                   want + i * INGOT_VERITY_DIGEST_SIZE,
                                   INGOT_VERITY_DIGEST_SIZE) != 0)
                                return refuse(bad, level, first + at + i,
                                              "does not match its digest", reterr);
        }
        return 0;
}

/* The last block of a level has zeros behind its last digest; or there are more blocks below than
 * the superblock says. */
static int check_padding(const struct check *c, unsigned level, const uint8_t *last_block,
                         struct ingot_verity_bad *bad, ingot_error *reterr)
{
        uint64_t below = level == 0 ? c->verity.data_blocks : c->geometry.level[level - 1].blocks;
        uint64_t last = c->geometry.level[level].blocks - 1;
        for (size_t i = (size_t) (below - last * c->per_block) * INGOT_VERITY_DIGEST_SIZE;
             i < c->verity.hash_block_size; i++)
                if (last_block[i])
                        return refuse(bad, (int) level, last,
                                      "has digests of more blocks than the superblock says",
                                      reterr);
        return 0;
}

/* Digests of the blocks of LEVEL, which is not the data: in the level above, or the root hash. */
static const uint8_t *digests_of(const struct check *c, unsigned level)
{
        if (level + 1 == c->geometry.levels)
                return c->root_hash;
        return c->above + (c->geometry.level[level + 1].offset - c->verity.hash_block_size);
}

static int check_above(struct check *c, struct ingot_verity_bad *bad, ingot_error *reterr)
{
        const struct ingot_verity_geometry *g = &c->geometry;
        if (g->levels < 2)
                return 0;
        c->above_size = (size_t) (g->level[0].offset - c->verity.hash_block_size);
        c->above = malloc(c->above_size);
        if (!c->above)
                return ingot_fail_nomem(reterr);
        int r = ingot_read_at(c->hash, c->verity.hash_block_size, c->above, c->above_size, reterr);
        for (unsigned l = g->levels; l-- > 1 && r >= 0;) {
                uint8_t *blocks = c->above + (g->level[l].offset - c->verity.hash_block_size);
                size_t count = (size_t) g->level[l].blocks;
                r = check_digests(c, (int) l, 0, count, blocks, digests_of(c, l), bad, reterr);
                if (r >= 0)
                        r = check_padding(c, l, blocks + (count - 1) * c->verity.hash_block_size,
                                          bad, reterr);
        }
        return r;
}

/* Data blocks [first, first + count), in steps that bound the memory. */
static int check_data(const struct check *c, uint64_t first, uint64_t count,
                      const uint8_t *digests, struct ingot_verity_bad *bad, ingot_error *reterr)
{
        size_t unit = c->verity.data_block_size, most = 4 * JOB_SIZE / unit;
        most = (size_t) ingot_min_u64(most, count);
        _cleanup_free_ uint8_t *data = malloc(most * unit);
        if (!data)
                return ingot_fail_nomem(reterr);
        for (uint64_t at = 0; at < count; at += most) {
                size_t n = (size_t) ingot_min_u64(most, count - at);
                int r = ingot_read_at(c->data, (first + at) * unit, data, n * unit, reterr);
                if (r >= 0)
                        r = check_digests(c, -1, first + at, n, data,
                                          digests + at * INGOT_VERITY_DIGEST_SIZE, bad, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Some hash blocks of level 0 and the data below them. */
static int check_job(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        const struct check *c = context;
        struct ingot_verity_bad *bad = c->bad + slot;
        size_t unit = c->verity.hash_block_size;
        uint64_t first = index * c->blocks_per_job, total = c->geometry.level[0].blocks;
        size_t count = (size_t) ingot_min_u64(c->blocks_per_job, total - first);
        _cleanup_free_ uint8_t *blocks = malloc(count * unit);
        if (!blocks)
                return ingot_fail_nomem(reterr);
        int r = ingot_read_at(c->hash, c->geometry.level[0].offset + first * unit, blocks,
                              count * unit, reterr);
        if (r >= 0)
                r = check_digests(c, 0, first, count, blocks,
                                  digests_of(c, 0) + first * INGOT_VERITY_DIGEST_SIZE, bad, reterr);
        if (r >= 0 && first + count == total)
                r = check_padding(c, 0, blocks + (count - 1) * unit, bad, reterr);
        if (r < 0)
                return r;
        uint64_t from = first * c->per_block;
        return check_data(c, from,
                          ingot_min_u64(count * c->per_block, c->verity.data_blocks - from), blocks,
                          bad, reterr);
}

static int job_done(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        const struct check *c = context;
        (void) slot, (void) reterr;
        uint64_t blocks = ingot_min_u64((index + 1) * c->blocks_per_job * c->per_block,
                                        c->verity.data_blocks);
        ingot_progress(c->options->log, "Checking verity", blocks * c->verity.data_block_size,
                       c->verity.data_blocks * c->verity.data_block_size);
        return 0;
}

static int check_jobs(struct check *c, struct ingot_verity_bad *ret_bad, ingot_error *reterr)
{
        uint64_t below = c->per_block * c->verity.data_block_size;
        c->blocks_per_job = ingot_max_u64(1, JOB_SIZE / below);
        struct ingot_parallel p = {
                .threads = c->options->threads,
                .count = (size_t) ingot_div_up(c->geometry.level[0].blocks, c->blocks_per_job),
                .work = check_job,
                .finish = job_done,
                .context = c};
        size_t window = ingot_parallel_window(&p);
        _cleanup_free_ struct ingot_verity_bad *bad = calloc(window, sizeof(*bad));
        if (!bad)
                return ingot_fail_nomem(reterr);
        c->bad = bad;
        int r = ingot_parallel_run(&p, reterr);
        /* Of several that failed, the pool reports the first; so does this. */
        for (size_t i = 0; i < window && r == -INGOT_E_REFUSED; i++) {
                uint64_t at = bad[i].level < 0 ? bad[i].block / c->per_block : bad[i].block;
                uint64_t old = ret_bad->level < 0 ? ret_bad->block / c->per_block : ret_bad->block;
                if (bad[i].found && (!ret_bad->found || at < old))
                        *ret_bad = bad[i];
        }
        return r;
}

static int read_superblock(struct check *c, ingot_error *reterr)
{
        uint8_t bytes[INGOT_VERITY_SUPERBLOCK_SIZE];
        int r = ingot_read_at(c->hash, 0, bytes, sizeof(bytes), reterr);
        if (r >= 0)
                r = ingot_verity_decode(INGOT_SPAN(bytes, sizeof(bytes)), &c->verity, reterr);
        if (r >= 0)
                r = ingot_verity_geometry_of(&c->verity, &c->geometry, reterr);
        if (r < 0)
                return r;
        if (c->verity.data_blocks > DATA_BLOCKS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "verity over %" PRIu64 " data blocks",
                                  c->verity.data_blocks);
        uint64_t size = c->verity.data_blocks * c->verity.data_block_size;
        if (size > c->data->size || c->geometry.size > c->hash->size)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "verity over %" PRIu64 " bytes needs %" PRIu64
                                  " of hashes; there are %" PRIu64 " and %" PRIu64,
                                  size, c->geometry.size, c->data->size, c->hash->size);
        c->per_block = c->verity.hash_block_size / INGOT_VERITY_DIGEST_SIZE;
        return 0;
}

int ingot_verity_check(const struct ingot_reader *data, const struct ingot_reader *hash,
                       const uint8_t root_hash[INGOT_VERITY_DIGEST_SIZE],
                       const struct ingot_verity_check_options *options, ingot_error *reterr)
{
        static const struct ingot_verity_check_options defaults;
        struct ingot_verity_bad bad = {0};
        struct check c = {.data = data, .hash = hash, .options = options ? options : &defaults};
        memcpy(c.root_hash, root_hash, sizeof(c.root_hash));
        int r = read_superblock(&c, reterr);
        if (r < 0)
                return r;
        if (c.geometry.levels == 0) {
                r = check_data(&c, 0, 1, root_hash, &bad, reterr);
        } else {
                r = check_above(&c, &bad, reterr);
                if (r >= 0)
                        r = check_jobs(&c, &bad, reterr);
        }
        free(c.above);
        if (c.options->ret_bad)
                *c.options->ret_bad = bad;
        return r;
}
