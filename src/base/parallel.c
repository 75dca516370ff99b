/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bounded, ordered pool: one mutex, two conditions, no queue; an index is the job. */
#include "base/parallel.h"
#include "base/cleanup.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

struct pool {
        const struct ingot_parallel *p;
        size_t window;
        pthread_mutex_t lock;
        pthread_cond_t job_done, room;
        size_t next;     /* the next index to begin */
        size_t finished; /* indexes below it are finished */
        size_t failed;   /* the lowest index that failed, or count */
        int failure;
        ingot_error error;
        bool *done; /* by slot */
};

unsigned ingot_parallel_threads(unsigned threads)
{
        if (threads > 0)
                return threads;
        cpu_set_t set;
        int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
        return n > 0 ? (unsigned) n : 1;
}

size_t ingot_parallel_window(const struct ingot_parallel *p)
{
        return p->window ? p->window : 4 * (size_t) ingot_parallel_threads(p->threads);
}

static void record_failure(struct pool *pool, size_t index, int r, const ingot_error *error)
{
        if (index >= pool->failed)
                return;
        pool->failed = index;
        pool->failure = r;
        pool->error = *error;
}

static void *run_jobs(void *context)
{
        struct pool *pool = context;
        pthread_mutex_lock(&pool->lock);
        for (;;) {
                while (pool->next < pool->p->count && pool->next < pool->failed &&
                       pool->next - pool->finished >= pool->window)
                        pthread_cond_wait(&pool->room, &pool->lock);
                if (pool->next >= pool->p->count || pool->next >= pool->failed)
                        break;
                size_t index = pool->next++, slot = index % pool->window;
                pthread_mutex_unlock(&pool->lock);
                ingot_error error = {0};
                int r = pool->p->work(pool->p->context, index, slot, &error);
                pthread_mutex_lock(&pool->lock);
                if (r < 0)
                        record_failure(pool, index, r, &error);
                pool->done[slot] = true;
                pthread_cond_broadcast(&pool->job_done);
        }
        pthread_mutex_unlock(&pool->lock);
        return NULL;
}

/* Finishes in order; returns with the lock held. */
static void finish_in_order(struct pool *pool)
{
        for (size_t index = 0; index < pool->p->count; index++) {
                size_t slot = index % pool->window;
                while (!pool->done[slot] && index < pool->failed)
                        pthread_cond_wait(&pool->job_done, &pool->lock);
                if (index >= pool->failed)
                        break;
                pthread_mutex_unlock(&pool->lock);
                ingot_error error = {0};
                int r = pool->p->finish ? pool->p->finish(pool->p->context, index, slot, &error)
                                        : 0;
                pthread_mutex_lock(&pool->lock);
                if (r < 0)
                        record_failure(pool, index, r, &error);
                pool->done[slot] = false;
                pool->finished = index + 1;
                pthread_cond_broadcast(&pool->room);
        }
        pthread_cond_broadcast(&pool->room);
}

static int run_here(const struct ingot_parallel *p, size_t window, ingot_error *reterr)
{
        for (size_t i = 0; i < p->count; i++) {
                int r = p->work(p->context, i, i % window, reterr);
                if (r >= 0 && p->finish)
                        r = p->finish(p->context, i, i % window, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int ingot_parallel_run(const struct ingot_parallel *p, ingot_error *reterr)
{
        unsigned threads = ingot_parallel_threads(p->threads), started = 0;
        size_t window = ingot_parallel_window(p);
        if (threads <= 1 || p->count <= 1)
                return run_here(p, window, reterr);
        struct pool pool = {.p = p,
                            .window = window,
                            .failed = p->count,
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .job_done = PTHREAD_COND_INITIALIZER,
                            .room = PTHREAD_COND_INITIALIZER};
        _cleanup_free_ pthread_t *ids = calloc(threads, sizeof(*ids));
        _cleanup_free_ bool *done = calloc(window, sizeof(*done));
        if (!ids || !done)
                return ingot_fail_nomem(reterr);
        pool.done = done;
        while (started < threads && pthread_create(ids + started, NULL, run_jobs, &pool) == 0)
                started++;
        if (started == 0)
                return run_here(p, window, reterr);
        pthread_mutex_lock(&pool.lock);
        finish_in_order(&pool);
        pthread_mutex_unlock(&pool.lock);
        for (unsigned i = 0; i < started; i++)
                pthread_join(ids[i], NULL);
        if (pool.failed == p->count)
                return 0;
        if (reterr)
                *reterr = pool.error;
        return pool.failure;
}
