/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where each block of the new file system comes from. What stands in the target of an earlier try
 * is looked at first. Of several old blocks the one that goes on from the last is taken, so that
 * the copy reads long runs.
 */
#include "base/cleanup.h"
#include "base/parallel.h"
#include "base/size.h"
#include "update/walk-state.h"

#include <string.h>

int ingot_walk_steps_add(struct ingot_walk_steps *s, struct ingot_walk_step step,
                         ingot_error *reterr)
{
        struct ingot_walk_step *last = s->count > 0 ? s->items + s->count - 1 : NULL;
        if (last && last->kind == step.kind && last->first + last->count == step.first &&
            (step.kind != INGOT_WALK_COPY || last->from + last->count == step.from)) {
                last->count += step.count;
                return 0;
        }
        if (s->count == s->room) {
                size_t room = s->room + s->room / 4 + 256;
                struct ingot_walk_step *grown = realloc(s->items, room * sizeof(*grown));
                if (!grown)
                        return ingot_fail_nomem(reterr);
                s->items = grown;
                s->room = room;
        }
        s->items[s->count++] = step;
        return 0;
}

/* Looking for right blocks in the target: one bit for each block. */
struct look {
        struct ingot_walk *w;
        uint8_t *right;
};

static int look_at_chunk(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        const struct look *l = context;
        const struct ingot_walk *w = l->w;
        size_t unit = w->image.verity.data_block_size, chunk = ingot_walk_chunk_blocks(w);
        uint64_t first = index * (uint64_t) chunk;
        size_t n = (size_t) ingot_min_u64(chunk, w->image.verity.data_blocks - first);
        _cleanup_free_ uint8_t *data = malloc(n * unit);
        _cleanup_free_ uint8_t *digests = malloc(n * INGOT_VERITY_DIGEST_SIZE);
        bool right[INGOT_WALK_CHUNK_BLOCKS_MAX];
        (void) slot;
        if (!data || !digests)
                return ingot_fail_nomem(reterr);
        int r = ingot_walk_digests(w, first, n, digests, reterr);
        if (r < 0)
                return r;
        if (ingot_read_at(&w->target.data_back, first * unit, data, n * unit, NULL) < 0)
                return 0; /* they will be written */
        ingot_walk_check(w, data, unit, n, digests, right);
        for (size_t i = 0; i < n; i++)
                if (right[i]) /* a byte of bits belongs to one chunk */
                        l->right[(first + i) / 8] |= (uint8_t) (1 << (first + i) % 8);
        return 0;
}

static int looked_at_chunk(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        const struct look *l = context;
        (void) slot, (void) reterr;
        ingot_progress(l->w->options->log, "Checking",
                       ingot_min_u64((index + 1) * INGOT_WALK_CHUNK, l->w->figures.data_size),
                       l->w->figures.data_size);
        return 0;
}

static int look_at_target(struct look *l, ingot_error *reterr)
{
        const struct ingot_walk *w = l->w;
        struct ingot_parallel p = {.threads = w->options->threads,
                                   .count = (size_t) ingot_div_up(w->image.verity.data_blocks,
                                                                  ingot_walk_chunk_blocks(w)),
                                   .work = look_at_chunk,
                                   .finish = looked_at_chunk,
                                   .context = l};
        l->right = calloc(1, (size_t) w->image.verity.data_blocks / 8 + 1);
        if (!l->right)
                return ingot_fail_nomem(reterr);
        return ingot_parallel_run(&p, reterr);
}

static struct ingot_walk_step plan_block(struct look *l, uint32_t block, const uint8_t *digest)
{
        struct ingot_walk *w = l->w;
        struct ingot_walk_step step = {.first = block, .count = 1, .kind = INGOT_WALK_FETCH};
        const struct ingot_walk_step *last =
                w->steps.count > 0 ? w->steps.items + w->steps.count - 1 : NULL;
        uint32_t guess = UINT32_MAX;
        if (last && last->kind == INGOT_WALK_COPY)
                guess = last->from + last->count;
        if (l->right && (l->right[block / 8] >> block % 8 & 1))
                step.kind = INGOT_WALK_KEEP;
        else if (memcmp(digest, w->zero_digest, sizeof(w->zero_digest)) == 0)
                step.kind = INGOT_WALK_ZERO;
        else if (ingot_walk_find_old(w, digest, guess, &step.from))
                step.kind = INGOT_WALK_COPY;
        return step;
}

static int plan_data(struct look *l, ingot_error *reterr)
{
        struct ingot_walk *w = l->w;
        size_t chunk = ingot_walk_chunk_blocks(w);
        _cleanup_free_ uint8_t *digests = malloc(chunk * INGOT_VERITY_DIGEST_SIZE);
        if (!digests)
                return ingot_fail_nomem(reterr);
        for (uint64_t at = 0; at < w->image.verity.data_blocks; at += chunk) {
                size_t n = (size_t) ingot_min_u64(chunk, w->image.verity.data_blocks - at);
                int r = ingot_walk_digests(w, at, n, digests, reterr);
                for (size_t i = 0; i < n && r >= 0; i++)
                        r = ingot_walk_steps_add(&w->steps,
                                                 plan_block(l, (uint32_t) (at + i),
                                                            digests + i * INGOT_VERITY_DIGEST_SIZE),
                                                 reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void count_steps(struct ingot_walk *w)
{
        struct ingot_walk_figures *f = &w->figures;
        uint64_t *by_kind[] = {[INGOT_WALK_ZERO] = &f->zeros,
                               [INGOT_WALK_KEEP] = &f->kept,
                               [INGOT_WALK_COPY] = &f->copied,
                               [INGOT_WALK_FETCH] = &f->fetched};
        for (size_t i = 0; i < w->steps.count; i++) {
                const struct ingot_walk_step *s = w->steps.items + i;
                *by_kind[s->kind] += (uint64_t) s->count * w->image.verity.data_block_size;
                f->ranges += s->kind == INGOT_WALK_FETCH;
        }
}

int ingot_walk_make_plan(struct ingot_walk *w, ingot_error *reterr)
{
        struct look l = {.w = w};
        int r = w->target.begun ? look_at_target(&l, reterr) : 0;
        if (r >= 0)
                r = plan_data(&l, reterr);
        free(l.right);
        if (r < 0)
                return r;
        count_steps(w);
        return 0;
}
