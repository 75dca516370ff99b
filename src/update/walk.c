/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The walk's begin and end; its parts are in walk-old.c, walk-tree.c, walk-plan.c, walk-run.c. */
#include "update/walk.h"
#include "base/cleanup.h"
#include "update/walk-state.h"

#include <inttypes.h>
#include <stdlib.h>

static int begin(struct ingot_walk *w, ingot_error *reterr)
{
        const struct ingot_verity *v = &w->image.verity;
        int r = ingot_verity_geometry_of(v, &w->geometry, reterr);
        if (r < 0)
                return r;
        if (v->salt_size > INGOT_VERITY_SALT_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "verity salt of %u bytes", v->salt_size);
        if (v->data_blocks >= UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a file system of %" PRIu64 " blocks",
                                  v->data_blocks);
        _cleanup_free_ uint8_t *zeros = calloc(1, v->data_block_size);
        if (!zeros)
                return ingot_fail_nomem(reterr);
        ingot_verity_digest(v, zeros, v->data_block_size, 1, w->zero_digest);
        w->figures.data_size = v->data_blocks * v->data_block_size;
        w->figures.tree_size = w->geometry.size;
        return 0;
}

int ingot_walk_plan(const struct ingot_walk_image *image, const struct ingot_walk_target *target,
                    const struct ingot_walk_options *options, struct ingot_walk **ret,
                    ingot_error *reterr)
{
        _cleanup_(ingot_walk_free_p) struct ingot_walk *w = calloc(1, sizeof(*w));
        if (!w)
                return ingot_fail_nomem(reterr);
        w->image = *image;
        w->target = *target;
        w->options = options;
        int r = begin(w, reterr);
        if (r >= 0)
                r = ingot_walk_open_old(w, reterr);
        if (r >= 0)
                r = ingot_under(reterr, ingot_walk_fill_tree(w, reterr), "hash tree");
        if (r >= 0)
                r = ingot_walk_make_plan(w, reterr);
        if (r < 0)
                return r;
        ingot_walk_forget_old(w);
        *ret = TAKE_PTR(w);
        return 0;
}

const struct ingot_walk_figures *ingot_walk_figures(const struct ingot_walk *w)
{
        return &w->figures;
}

struct ingot_walk_figures ingot_walk_done(const struct ingot_walk *w)
{
        struct ingot_walk_figures f = w->figures;
        f.zeros = __atomic_load_n(&w->done[INGOT_WALK_ZERO], __ATOMIC_RELAXED);
        f.copied = __atomic_load_n(&w->done[INGOT_WALK_COPY], __ATOMIC_RELAXED);
        f.fetched = __atomic_load_n(&w->done[INGOT_WALK_FETCH], __ATOMIC_RELAXED);
        return f;
}

void ingot_walk_free(struct ingot_walk *w)
{
        if (!w)
                return;
        ingot_walk_forget_old(w);
        free(w->old);
        free(w->steps.items);
        free(w->above);
        free(w);
}
