/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Doing the plan: threads read and check what is there, a chunk of the new file system at a time,
 * one writes it, in order (several would only wait for each other: a file has one lock), while the
 * caller's thread fetches the rest. A copied block that is not right, or cannot be read, is fetched
 * afterwards. The first failure stops both.
 */
#include "base/cleanup.h"
#include "base/parallel.h"
#include "base/size.h"
#include "update/walk-state.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct run {
        struct ingot_walk *w;
        uint64_t total; /* bytes to be written */
        unsigned threads;
        struct chunk *chunks; /* those at work */
        size_t chunk_count;
        bool stop; /* atomic */

        pthread_mutex_t lock;
        pthread_cond_t moved;
        struct ingot_walk_steps lost; /* blocks that must be fetched after all */
        bool copied;                  /* the copying is at its end: */
        int copy_r;
        ingot_error copy_error;
};

/* One chunk while it is made. */
struct chunk {
        struct run *run;
        uint64_t first;
        size_t count, unit;
        uint8_t *data;
        bool any;                                  /* something of it is there */
        uint8_t kind[INGOT_WALK_CHUNK_BLOCKS_MAX]; /* FETCH: not of this chunk's business */
        bool right[INGOT_WALK_CHUNK_BLOCKS_MAX];
};

static void tell_progress(const struct run *run)
{
        struct ingot_walk_figures done = ingot_walk_done(run->w);
        ingot_progress(run->w->options->log, "Updating", done.zeros + done.copied + done.fetched,
                       run->total);
}

/* The step that BLOCK is in. */
static size_t find_step(const struct ingot_walk_steps *s, uint64_t block)
{
        size_t low = 0, high = s->count;
        while (high - low > 1) {
                size_t middle = low + (high - low) / 2;
                if (s->items[middle].first <= block)
                        low = middle;
                else
                        high = middle;
        }
        return low;
}

/* COUNT old blocks from NUMBER on. What cannot be read is garbage then, which the check finds. */
static void read_old(const struct ingot_walk *w, uint32_t number, size_t count, uint8_t *to)
{
        size_t unit = w->image.verity.data_block_size;
        while (count > 0) {
                const struct ingot_walk_old_state *o = ingot_walk_old_of(w, number);
                uint32_t at = number - o->first;
                size_t n = (size_t) ingot_min_u64(count, o->blocks - at);
                if (ingot_read_at(&o->data, (uint64_t) at * unit, to, n * unit, NULL) < 0)
                        for (size_t i = 0; i < n; i++)
                                if (ingot_read_at(&o->data, (uint64_t) (at + i) * unit,
                                                  to + i * unit, unit, NULL) < 0)
                                        memset(to + i * unit, 0, unit);
                number += (uint32_t) n;
                to += n * unit;
                count -= n;
        }
}

/* Fills the chunk from what is there; false: nothing in it is. */
static bool gather(struct chunk *c)
{
        const struct ingot_walk *w = c->run->w;
        bool any = false;
        size_t s = find_step(&w->steps, c->first);
        for (size_t i = 0, n; i < c->count; i += n, s++) {
                const struct ingot_walk_step *step = w->steps.items + s;
                uint32_t skip = (uint32_t) (c->first + i - step->first);
                n = (size_t) ingot_min_u64(step->count - skip, c->count - i);
                memset(c->kind + i, (int) step->kind, n);
                if (step->kind == INGOT_WALK_ZERO)
                        memset(c->data + i * c->unit, 0, n * c->unit);
                else if (step->kind == INGOT_WALK_COPY)
                        read_old(w, step->from + skip, n, c->data + i * c->unit);
                any = any || step->kind == INGOT_WALK_ZERO || step->kind == INGOT_WALK_COPY;
        }
        return any;
}

static bool is_local(const struct chunk *c, size_t i)
{
        return c->kind[i] == INGOT_WALK_ZERO || c->kind[i] == INGOT_WALK_COPY;
}

/* How many blocks from I on are local, as LOCAL says, and right, as RIGHT says. */
static size_t stretch(const struct chunk *c, size_t i, bool right)
{
        size_t n = 0;
        while (i + n < c->count && is_local(c, i + n) && (!right || c->right[i + n]))
                n++;
        return n;
}

static int check_chunk(struct chunk *c, ingot_error *reterr)
{
        const struct ingot_walk *w = c->run->w;
        _cleanup_free_ uint8_t *digests = malloc(c->count * INGOT_VERITY_DIGEST_SIZE);
        if (!digests)
                return ingot_fail_nomem(reterr);
        int r = ingot_walk_digests(w, c->first, c->count, digests, reterr);
        for (size_t i = 0, n; i < c->count && r >= 0; i += n ? n : 1) {
                n = stretch(c, i, false);
                ingot_walk_check(w, c->data + i * c->unit, c->unit, n,
                                 digests + i * INGOT_VERITY_DIGEST_SIZE, c->right + i);
        }
        return r;
}

static int lose(struct chunk *c, size_t i, ingot_error *reterr)
{
        struct ingot_walk_step step = {
                .first = (uint32_t) (c->first + i), .count = 1, .kind = INGOT_WALK_FETCH};
        return ingot_walk_steps_add(&c->run->lost, step, reterr);
}

static int write_chunk(struct chunk *c, ingot_error *reterr)
{
        struct ingot_walk *w = c->run->w;
        for (size_t i = 0, n; i < c->count; i += n ? n : 1) {
                int r = 0;
                n = stretch(c, i, true);
                if (n > 0)
                        r = ingot_write_at(&w->target.data, (c->first + i) * c->unit,
                                           c->data + i * c->unit, n * c->unit, reterr);
                else if (is_local(c, i))
                        r = lose(c, i, reterr);
                if (r < 0)
                        return r;
                for (size_t j = i; j < i + n; j++)
                        __atomic_fetch_add(&w->done[c->kind[j]], c->unit, __ATOMIC_RELAXED);
        }
        return 0;
}

static int read_chunk(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        struct run *run = context;
        struct chunk *c = run->chunks + slot;
        size_t most = ingot_walk_chunk_blocks(run->w);
        c->first = index * (uint64_t) most;
        c->count = (size_t) ingot_min_u64(most, run->w->image.verity.data_blocks - c->first);
        if (__atomic_load_n(&run->stop, __ATOMIC_RELAXED))
                return ingot_fail(reterr, INGOT_E_INTERNAL, "the copying was stopped");
        c->any = gather(c);
        return c->any ? check_chunk(c, reterr) : 0;
}

/* In the caller's thread, or in that of the copying, which only wakes the caller up. */
static int copied_chunk(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        struct run *run = context;
        int r = run->chunks[slot].any ? write_chunk(&run->chunks[slot], reterr) : 0;
        (void) index;
        if (r < 0)
                return r;
        if (run->threads <= 1)
                tell_progress(run);
        else
                pthread_cond_signal(&run->moved);
        return 0;
}

static void *copy_all(void *context)
{
        struct run *run = context;
        struct ingot_parallel p = {.threads = run->threads,
                                   .count = (size_t) ingot_div_up(run->w->image.verity.data_blocks,
                                                                  ingot_walk_chunk_blocks(run->w)),
                                   .window = run->chunk_count,
                                   .work = read_chunk,
                                   .finish = copied_chunk,
                                   .context = run};
        run->copy_r = ingot_parallel_run(&p, &run->copy_error);
        if (run->copy_r < 0)
                __atomic_store_n(&run->stop, true, __ATOMIC_RELAXED);
        pthread_mutex_lock(&run->lock);
        run->copied = true;
        pthread_cond_signal(&run->moved);
        pthread_mutex_unlock(&run->lock);
        return NULL;
}

static int take_data(void *context, uint64_t offset, const void *data, size_t size,
                     size_t *ret_right, ingot_error *reterr)
{
        struct run *run = context;
        struct ingot_walk *w = run->w;
        size_t unit = w->image.verity.data_block_size, count = size / unit;
        _cleanup_free_ uint8_t *digests = malloc(count * INGOT_VERITY_DIGEST_SIZE);
        if (!digests)
                return ingot_fail_nomem(reterr);
        if (__atomic_load_n(&run->stop, __ATOMIC_RELAXED))
                return ingot_fail(reterr, INGOT_E_INTERNAL, "the copying failed");
        int r = ingot_walk_digests(w, offset / unit, count, digests, reterr);
        if (r < 0)
                return r;
        *ret_right = ingot_walk_count_right(w, data, unit, count, digests) * unit;
        r = ingot_write_at(&w->target.data, offset, data, *ret_right, reterr);
        if (r < 0)
                return r;
        __atomic_fetch_add(&w->done[INGOT_WALK_FETCH], *ret_right, __ATOMIC_RELAXED);
        tell_progress(run);
        return 0;
}

/* All blocks of STEPS that are to be fetched. */
static int fetch_steps(struct run *run, const struct ingot_walk_steps *steps, ingot_error *reterr)
{
        const struct ingot_walk *w = run->w;
        struct ingot_walk_want want = {.file = w->image.data_file,
                                       .file_size = w->figures.data_size,
                                       .unit = w->image.verity.data_block_size,
                                       .take = take_data,
                                       .context = run};
        size_t count = 0;
        for (size_t i = 0; i < steps->count; i++)
                count += steps->items[i].kind == INGOT_WALK_FETCH;
        _cleanup_free_ struct ingot_range *ranges = calloc(count + 1, sizeof(*ranges));
        if (!ranges)
                return ingot_fail_nomem(reterr);
        count = 0;
        for (size_t i = 0; i < steps->count; i++)
                if (steps->items[i].kind == INGOT_WALK_FETCH)
                        ranges[count++] = (struct ingot_range){
                                .offset = (uint64_t) steps->items[i].first * want.unit,
                                .size = (uint64_t) steps->items[i].count * want.unit};
        return ingot_walk_fetch(w->options, &want, ranges, count, reterr);
}

/* What the old file systems had wrong. */
static int fetch_lost(struct run *run, ingot_error *reterr)
{
        struct ingot_walk_figures *f = &run->w->figures;
        uint64_t blocks = 0;
        if (run->lost.count == 0)
                return 0;
        for (size_t i = 0; i < run->lost.count; i++)
                blocks += run->lost.items[i].count;
        f->copied -= blocks * run->w->image.verity.data_block_size;
        f->fetched += blocks * run->w->image.verity.data_block_size;
        f->ranges += run->lost.count;
        ingot_warn(run->w->options->log,
                   "%" PRIu64 " blocks of the installed file systems are damaged; they are fetched",
                   blocks);
        return fetch_steps(run, &run->lost, reterr);
}

/* Copies in a thread of its own, fetches here. */
static int copy_and_fetch(struct run *run, ingot_error *reterr)
{
        pthread_t copier;
        if (run->threads <= 1 || pthread_create(&copier, NULL, copy_all, run) != 0) {
                run->threads = 1;
                copy_all(run);
                return run->copy_r < 0 ? 0 : fetch_steps(run, &run->w->steps, reterr);
        }
        int r = fetch_steps(run, &run->w->steps, reterr);
        if (r < 0)
                __atomic_store_n(&run->stop, true, __ATOMIC_RELAXED);
        pthread_mutex_lock(&run->lock);
        while (!run->copied) {
                tell_progress(run);
                pthread_cond_wait(&run->moved, &run->lock);
        }
        pthread_mutex_unlock(&run->lock);
        pthread_join(copier, NULL);
        return r;
}

/* The error of the copying is the cause where its code is not that of having been stopped. */
static int run_plan(struct run *run, ingot_error *reterr)
{
        ingot_error why = {0};
        int r = copy_and_fetch(run, &why);
        if (run->copy_r < 0 && (r >= 0 || run->copy_r != -INGOT_E_INTERNAL)) {
                r = run->copy_r;
                why = run->copy_error;
        }
        if (r < 0 && reterr)
                *reterr = why;
        return r < 0 ? r : fetch_lost(run, reterr);
}

static int make_chunks(struct run *run, ingot_error *reterr)
{
        run->chunk_count = 2 * (size_t) run->threads;
        run->chunks = calloc(run->chunk_count, sizeof(*run->chunks));
        if (!run->chunks)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < run->chunk_count; i++) {
                struct chunk *c = run->chunks + i;
                c->run = run;
                c->unit = run->w->image.verity.data_block_size;
                c->data = malloc(INGOT_WALK_CHUNK);
                if (!c->data)
                        return ingot_fail_nomem(reterr);
        }
        return 0;
}

int ingot_walk_run(struct ingot_walk *w, ingot_error *reterr)
{
        struct run run = {.w = w,
                          .total = w->figures.zeros + w->figures.copied + w->figures.fetched,
                          .threads = ingot_parallel_threads(w->options->threads),
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .moved = PTHREAD_COND_INITIALIZER};
        int r = make_chunks(&run, reterr);
        if (r >= 0)
                r = run_plan(&run, reterr);
        for (size_t i = 0; run.chunks && i < run.chunk_count; i++)
                free(run.chunks[i].data);
        free(run.chunks);
        free(run.lost.items);
        return r;
}
