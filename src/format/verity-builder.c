/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hash tree of data while it passes. Digests are written straight to their place in the hash
 * area, so that threads need no order among each other: each block has its own 32 bytes.
 *
 * A write is cut into runs of whole blocks, which are hashed (here, or as copies by the threads),
 * and the pieces before and behind, which are collected in copies of their blocks.
 */
#include "base/cleanup.h"
#include "base/parallel.h"
#include "base/size.h"
#include "format/verity.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#define JOB_SIZE (256 * 1024)
#define JOBS 16
#define PIECES_MAX 4096
#define BUILD_CHUNK (1024 * 1024)

enum block_state { UNTOUCHED, HASHED, COLLECTED };

/* A block that was written in pieces: the bytes [0, filled) came in ascending order. */
struct piece {
        uint64_t block;
        size_t filled;
        uint8_t *bytes;
};

struct job {
        uint64_t block;
        size_t count;
        uint8_t *bytes;
};

struct ingot_verity_builder {
        struct ingot_verity verity;
        struct ingot_verity_geometry geometry;
        struct ingot_writer inner;
        const struct ingot_reader *reread;
        uint8_t *area;
        uint8_t *state; /* enum block_state of each data block */
        struct piece *pieces;
        size_t piece_count;
        bool finished;

        /* The ring of jobs: [taken, queued) wait, [done, taken) run. */
        pthread_t *threads;
        unsigned thread_count;
        bool stop;
        pthread_mutex_t lock;
        pthread_cond_t work, idle;
        struct job jobs[JOBS];
        size_t queued, taken, done;
        bool busy[JOBS];
};

/* Where the digests of data blocks start; with no level there is one, in the superblock's block,
 * which is cleared at the end. */
static uint8_t *digest_at(struct ingot_verity_builder *b, uint64_t block)
{
        uint64_t start = b->geometry.levels > 0 ? b->geometry.level[0].offset
                                                : INGOT_VERITY_SUPERBLOCK_SIZE -
                                                          INGOT_VERITY_DIGEST_SIZE;
        return b->area + start + block * INGOT_VERITY_DIGEST_SIZE;
}

static void digest(struct ingot_verity_builder *b, uint64_t block, const uint8_t *bytes,
                   size_t count)
{
        ingot_verity_digest(&b->verity, bytes, b->verity.data_block_size, count,
                            digest_at(b, block));
}

static void *run_jobs(void *context)
{
        struct ingot_verity_builder *b = context;
        pthread_mutex_lock(&b->lock);
        for (;;) {
                while (b->taken == b->queued && !b->stop)
                        pthread_cond_wait(&b->work, &b->lock);
                if (b->taken == b->queued)
                        break;
                size_t slot = b->taken++ % JOBS;
                struct job job = b->jobs[slot];
                pthread_mutex_unlock(&b->lock);
                digest(b, job.block, job.bytes, job.count);
                pthread_mutex_lock(&b->lock);
                b->busy[slot] = false;
                while (b->done < b->taken && !b->busy[b->done % JOBS])
                        b->done++;
                pthread_cond_signal(&b->idle);
        }
        pthread_mutex_unlock(&b->lock);
        return NULL;
}

/* Until at most WAITING jobs are left. */
static void wait_for_jobs(struct ingot_verity_builder *b, size_t waiting)
{
        pthread_mutex_lock(&b->lock);
        while (b->queued - b->done > waiting)
                pthread_cond_wait(&b->idle, &b->lock);
        pthread_mutex_unlock(&b->lock);
}

static int queue_job(struct ingot_verity_builder *b, uint64_t block, const uint8_t *bytes,
                     size_t count, ingot_error *reterr)
{
        wait_for_jobs(b, JOBS - 1);
        struct job *job = b->jobs + b->queued % JOBS; /* only this thread queues */
        if (!job->bytes && !(job->bytes = malloc(JOB_SIZE)))
                return ingot_fail_nomem(reterr);
        memcpy(job->bytes, bytes, count * b->verity.data_block_size);
        job->block = block;
        job->count = count;
        pthread_mutex_lock(&b->lock);
        b->busy[b->queued % JOBS] = true;
        b->queued++;
        pthread_cond_signal(&b->work);
        pthread_mutex_unlock(&b->lock);
        return 0;
}

static struct piece *find_piece(struct ingot_verity_builder *b, uint64_t block)
{
        for (size_t i = b->piece_count; i-- > 0;)
                if (b->pieces[i].block == block)
                        return b->pieces + i;
        return NULL;
}

static void drop_piece(struct ingot_verity_builder *b, struct piece *p)
{
        free(p->bytes);
        *p = b->pieces[--b->piece_count];
}

static int hash_run(struct ingot_verity_builder *b, uint64_t block, const uint8_t *bytes,
                    size_t count, ingot_error *reterr)
{
        size_t most = JOB_SIZE / b->verity.data_block_size;
        for (size_t i = 0; i < count; i++) {
                uint8_t *state = b->state + block + i;
                if (*state == COLLECTED)
                        drop_piece(b, find_piece(b, block + i));
                else if (*state == HASHED && b->thread_count > 0)
                        wait_for_jobs(b, 0); /* or the older content might be hashed last */
                *state = HASHED;
        }
        if (b->thread_count == 0) {
                digest(b, block, bytes, count);
                return 0;
        }
        for (size_t at = 0; at < count; at += most) {
                size_t n = count - at < most ? count - at : most;
                int r = queue_job(b, block + at, bytes + at * b->verity.data_block_size, n, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int new_piece(struct ingot_verity_builder *b, uint64_t block, struct piece **ret,
                     ingot_error *reterr)
{
        size_t size = b->verity.data_block_size;
        if (b->piece_count == PIECES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "more than %d blocks are written in pieces at a time",
                                  PIECES_MAX);
        bool old = b->state[block] == HASHED;
        if (old && !b->reread)
                return ingot_fail(reterr, INGOT_E_INTERNAL,
                                  "data block %" PRIu64 " is changed after it was hashed", block);
        _cleanup_free_ uint8_t *bytes = calloc(1, size);
        if (!bytes)
                return ingot_fail_nomem(reterr);
        if (old) {
                int r = ingot_read_at(b->reread, block * size, bytes, size, reterr);
                if (r < 0)
                        return r;
                wait_for_jobs(b, 0);
        }
        *ret = b->pieces + b->piece_count++;
        **ret = (struct piece){.block = block, .filled = old ? size : 0};
        (*ret)->bytes = TAKE_PTR(bytes);
        b->state[block] = COLLECTED;
        return 0;
}

/* A part of one block. When the whole of it has come, it is hashed. */
static int collect(struct ingot_verity_builder *b, uint64_t block, size_t at, const uint8_t *bytes,
                   size_t size, ingot_error *reterr)
{
        struct piece *p = b->state[block] == COLLECTED ? find_piece(b, block) : NULL;
        int r = p ? 0 : new_piece(b, block, &p, reterr);
        if (r < 0)
                return r;
        memcpy(p->bytes + at, bytes, size);
        if (at <= p->filled && at + size > p->filled)
                p->filled = at + size;
        if (p->filled < b->verity.data_block_size)
                return 0;
        _cleanup_free_ uint8_t *whole = TAKE_PTR(p->bytes);
        drop_piece(b, p);
        b->state[block] = UNTOUCHED;
        return hash_run(b, block, whole, 1, reterr);
}

static int take_write(void *context, uint64_t offset, const void *data, size_t size,
                      ingot_error *reterr)
{
        struct ingot_verity_builder *b = context;
        const uint8_t *p = data;
        size_t unit = b->verity.data_block_size;
        if (b->finished || !ingot_range_inside(offset, size, b->verity.data_blocks * unit))
                return ingot_fail(reterr, INGOT_E_INTERNAL,
                                  "write of %zu bytes at %" PRIu64 " behind the verity data", size,
                                  offset);
        int r = ingot_write_at(&b->inner, offset, data, size, reterr);
        while (r >= 0 && size > 0) {
                size_t at = (size_t) (offset % unit), n;
                if (at > 0 || size < unit) {
                        n = size < unit - at ? size : unit - at;
                        r = collect(b, offset / unit, at, p, n, reterr);
                } else {
                        n = size / unit * unit;
                        r = hash_run(b, offset / unit, p, n / unit, reterr);
                }
                offset += n;
                p += n;
                size -= n;
        }
        return r;
}

struct ingot_writer ingot_verity_builder_writer(struct ingot_verity_builder *builder,
                                                const struct ingot_writer *inner)
{
        builder->inner = *inner;
        return (struct ingot_writer){.write_at = take_write, .context = builder};
}

static int start_threads(struct ingot_verity_builder *b, unsigned threads, ingot_error *reterr)
{
        threads = ingot_parallel_threads(threads);
        if (threads <= 1)
                return 0;
        b->threads = calloc(threads, sizeof(*b->threads));
        if (!b->threads)
                return ingot_fail_nomem(reterr);
        while (b->thread_count < threads &&
               pthread_create(b->threads + b->thread_count, NULL, run_jobs, b) == 0)
                b->thread_count++;
        return 0;
}

static void stop_threads(struct ingot_verity_builder *b)
{
        pthread_mutex_lock(&b->lock);
        b->stop = true;
        pthread_cond_broadcast(&b->work);
        pthread_mutex_unlock(&b->lock);
        for (unsigned i = 0; i < b->thread_count; i++)
                pthread_join(b->threads[i], NULL);
        b->thread_count = 0;
}

/* The parameters with their defaults; data_blocks from data_size. */
static int settle(const struct ingot_verity_builder_options *options, struct ingot_verity *ret,
                  ingot_error *reterr)
{
        *ret = options->verity;
        if (ret->data_block_size == 0)
                ret->data_block_size = INGOT_VERITY_BLOCK_SIZE;
        if (ret->hash_block_size == 0)
                ret->hash_block_size = INGOT_VERITY_BLOCK_SIZE;
        if (ret->salt_size > INGOT_VERITY_SALT_MAX)
                return ingot_fail(reterr, INGOT_E_USAGE, "verity salt of %u bytes", ret->salt_size);
        if (ret->data_blocks == 0) {
                if (options->data_size % ret->data_block_size != 0)
                        return ingot_fail(reterr, INGOT_E_USAGE,
                                          "verity data of %" PRIu64 " bytes: no whole blocks",
                                          options->data_size);
                ret->data_blocks = options->data_size / ret->data_block_size;
        }
        return 0;
}

int ingot_verity_builder_new(const struct ingot_verity_builder_options *options,
                             struct ingot_verity_builder **ret, ingot_error *reterr)
{
        struct ingot_verity verity;
        struct ingot_verity_geometry geometry;
        int r = settle(options, &verity, reterr);
        if (r >= 0)
                r = ingot_verity_geometry_of(&verity, &geometry, reterr);
        if (r < 0)
                return r;
        _cleanup_(ingot_verity_builder_free_p) struct ingot_verity_builder *b =
                calloc(1, sizeof(*b));
        if (!b)
                return ingot_fail_nomem(reterr);
        pthread_mutex_init(&b->lock, NULL);
        pthread_cond_init(&b->work, NULL);
        pthread_cond_init(&b->idle, NULL);
        b->verity = verity;
        b->geometry = geometry;
        b->reread = options->reread;
        b->area = calloc(1, (size_t) geometry.size);
        b->state = calloc(1, (size_t) verity.data_blocks);
        b->pieces = calloc(PIECES_MAX, sizeof(*b->pieces));
        if (!b->area || !b->state || !b->pieces)
                return ingot_fail_nomem(reterr);
        r = start_threads(b, options->threads, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(b);
        return 0;
}

void ingot_verity_builder_free(struct ingot_verity_builder *builder)
{
        if (!builder)
                return;
        stop_threads(builder);
        pthread_cond_destroy(&builder->idle);
        pthread_cond_destroy(&builder->work);
        pthread_mutex_destroy(&builder->lock);
        for (size_t i = 0; i < JOBS; i++)
                free(builder->jobs[i].bytes);
        for (size_t i = 0; i < builder->piece_count; i++)
                free(builder->pieces[i].bytes);
        free(builder->pieces);
        free(builder->threads);
        free(builder->state);
        free(builder->area);
        free(builder);
}

/* What was collected is hashed as it is; what was never written, as zeros. */
static int finish_data(struct ingot_verity_builder *b, ingot_error *reterr)
{
        uint8_t zero_digest[INGOT_VERITY_DIGEST_SIZE];
        _cleanup_free_ uint8_t *zeros = calloc(1, b->verity.data_block_size);
        if (!zeros)
                return ingot_fail_nomem(reterr);
        ingot_verity_digest(&b->verity, zeros, b->verity.data_block_size, 1, zero_digest);
        for (size_t i = 0; i < b->piece_count; i++)
                digest(b, b->pieces[i].block, b->pieces[i].bytes, 1);
        for (uint64_t i = 0; i < b->verity.data_blocks; i++)
                if (b->state[i] == UNTOUCHED)
                        memcpy(digest_at(b, i), zero_digest, sizeof(zero_digest));
        return 0;
}

/* Is a block behind COUNT written? */
static bool touched_behind(const struct ingot_verity_builder *b, uint64_t count)
{
        for (uint64_t i = count; i < b->verity.data_blocks; i++)
                if (b->state[i] != UNTOUCHED)
                        return true;
        return false;
}

int ingot_verity_builder_truncate(struct ingot_verity_builder *builder, uint64_t data_size,
                                  ingot_error *reterr)
{
        struct ingot_verity verity = builder->verity;
        struct ingot_verity_geometry geometry;
        stop_threads(builder);
        uint64_t blocks = data_size / verity.data_block_size;
        if (data_size % verity.data_block_size != 0 || blocks > verity.data_blocks ||
            touched_behind(builder, blocks))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "%" PRIu64 " bytes are not the verity data that was written",
                                  data_size);
        verity.data_blocks = blocks;
        int r = ingot_verity_geometry_of(&verity, &geometry, reterr);
        if (r < 0)
                return r;
        uint8_t *area = calloc(1, (size_t) geometry.size);
        if (!area)
                return ingot_fail_nomem(reterr);
        uint8_t *old = builder->area, *leaves = digest_at(builder, 0);
        builder->area = area;
        builder->verity = verity;
        builder->geometry = geometry;
        memcpy(digest_at(builder, 0), leaves, (size_t) blocks * INGOT_VERITY_DIGEST_SIZE);
        free(old);
        return 0;
}

int ingot_verity_builder_finish(struct ingot_verity_builder *builder, struct ingot_span *ret_area,
                                uint8_t ret_root_hash[INGOT_VERITY_DIGEST_SIZE],
                                struct ingot_verity *ret_verity, ingot_error *reterr)
{
        const struct ingot_verity_geometry *g = &builder->geometry;
        builder->finished = true;
        stop_threads(builder);
        int r = finish_data(builder, reterr);
        if (r < 0)
                return r;
        for (unsigned l = 0; l < g->levels; l++) {
                uint8_t *to = l + 1 < g->levels ? builder->area + g->level[l + 1].offset
                                                : ret_root_hash;
                ingot_verity_digest(&builder->verity, builder->area + g->level[l].offset,
                                    builder->verity.hash_block_size, (size_t) g->level[l].blocks,
                                    to);
        }
        if (g->levels == 0)
                memcpy(ret_root_hash, digest_at(builder, 0), INGOT_VERITY_DIGEST_SIZE);
        ingot_verity_encode(&builder->verity, builder->area);
        *ret_area = INGOT_SPAN(builder->area, g->size);
        if (ret_verity)
                *ret_verity = builder->verity;
        return 0;
}

static int write_nowhere(void *context, uint64_t offset, const void *data, size_t size,
                         ingot_error *reterr)
{
        (void) context, (void) offset, (void) data, (void) size, (void) reterr;
        return 0;
}

int ingot_verity_build(const struct ingot_reader *data,
                       const struct ingot_verity_builder_options *options, uint8_t **ret_area,
                       size_t *ret_size, uint8_t ret_root_hash[INGOT_VERITY_DIGEST_SIZE],
                       ingot_error *reterr)
{
        static const struct ingot_writer nowhere = {.write_at = write_nowhere};
        struct ingot_verity_builder_options o = *options;
        _cleanup_(ingot_verity_builder_free_p) struct ingot_verity_builder *b = NULL;
        _cleanup_free_ uint8_t *chunk = malloc(BUILD_CHUNK);
        struct ingot_span area;
        if (o.data_size == 0)
                o.data_size = data->size;
        int r = ingot_verity_builder_new(&o, &b, reterr);
        if (r < 0)
                return r;
        if (!chunk)
                return ingot_fail_nomem(reterr);
        struct ingot_writer w = ingot_verity_builder_writer(b, &nowhere);
        uint64_t total = b->verity.data_blocks * b->verity.data_block_size;
        for (uint64_t at = 0; at < total && r >= 0; at += BUILD_CHUNK) {
                size_t n = (size_t) ingot_min_u64(BUILD_CHUNK, total - at);
                r = ingot_read_at(data, at, chunk, n, reterr);
                if (r >= 0)
                        r = ingot_write_at(&w, at, chunk, n, reterr);
        }
        if (r >= 0)
                r = ingot_verity_builder_finish(b, &area, ret_root_hash, NULL, reterr);
        if (r < 0)
                return r;
        *ret_size = area.size;
        *ret_area = TAKE_PTR(b->area);
        return 0;
}
