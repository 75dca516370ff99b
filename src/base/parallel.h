/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Jobs on several threads, results in order. WORK runs for index 0 … COUNT-1 on up to THREADS
 * threads, in any order; FINISH runs in the calling thread, strictly in index order, each after its
 * WORK, so that output never depends on the number of threads. At most WINDOW indexes are begun
 * and not finished at a time (memory is bounded by it). The first failure by index wins; nothing
 * is finished after it. FINISH may be NULL.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

struct ingot_parallel {
        unsigned threads; /* 0: one for each CPU this process may use */
        size_t count;
        size_t window; /* 0: four for each thread */
        /* SLOT is index % window: a place in the caller's array of per-job state. */
        int (*work)(void *context, size_t index, size_t slot, ingot_error *reterr);
        int (*finish)(void *context, size_t index, size_t slot, ingot_error *reterr);
        void *context;
};

int ingot_parallel_run(const struct ingot_parallel *p, ingot_error *reterr);

/* THREADS as ingot_parallel_run will use it, and the window for it. */
unsigned ingot_parallel_threads(unsigned threads);
size_t ingot_parallel_window(const struct ingot_parallel *p);
