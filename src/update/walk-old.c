/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The old file systems: their trees, or trees made here of their data, and the indexes of all their
 * digests. What cannot be read is left out; what is wrong shows when the block is taken.
 */
#include "base/cleanup.h"
#include "base/size.h"
#include "update/walk-state.h"

#include <inttypes.h>
#include <string.h>

#define WINDOW 2048       /* digests that are read at a time */
#define CANDIDATES_MAX 16 /* old blocks that are looked at for one digest */

/* A reader that goes on behind what cannot be read: there it gives zeros. */
struct forgiving {
        const struct ingot_reader *reader;
        size_t unit;
};

static int read_what_is_there(void *context, uint64_t offset, void *ret, size_t size,
                              ingot_error *reterr)
{
        const struct forgiving *f = context;
        uint8_t *p = ret;
        if (ingot_read_at(f->reader, offset, p, size, reterr) >= 0)
                return 0;
        for (size_t at = 0; at < size; at += f->unit) {
                size_t n = (size_t) ingot_min_u64(f->unit, size - at);
                if (ingot_read_at(f->reader, offset + at, p + at, n, reterr) < 0)
                        memset(p + at, 0, n);
        }
        return 0;
}

/* Takes the tree that is there, when it is of use. */
static bool open_tree(const struct ingot_verity *want, const struct ingot_walk_old *old,
                      struct ingot_walk_old_state *o)
{
        uint8_t superblock[INGOT_VERITY_SUPERBLOCK_SIZE];
        struct ingot_verity v;
        if (ingot_read_at(&old->tree, 0, superblock, sizeof(superblock), NULL) < 0 ||
            ingot_verity_decode(INGOT_SPAN(superblock, sizeof(superblock)), &v, NULL) < 0 ||
            ingot_verity_geometry_of(&v, &o->geometry, NULL) < 0)
                return false;
        if (v.data_block_size != want->data_block_size || v.salt_size != want->salt_size ||
            memcmp(v.salt, want->salt, v.salt_size) != 0 ||
            v.data_blocks > old->data.size / v.data_block_size || v.data_blocks > UINT32_MAX ||
            o->geometry.size > old->tree.size)
                return false;
        o->tree = old->tree;
        o->blocks = o->geometry.levels > 0 ? (uint32_t) v.data_blocks : 0;
        o->hash_block_size = v.hash_block_size;
        if (v.hash_block_size == want->hash_block_size)
                o->hash_blocks = (uint32_t) (o->geometry.size / v.hash_block_size);
        return true;
}

/* Makes a tree of the old data with the new parameters. */
static int build_tree(const struct ingot_walk *w, const struct ingot_walk_old *old,
                      struct ingot_walk_old_state *o, ingot_error *reterr)
{
        const struct ingot_verity *v = &w->image.verity;
        struct forgiving f = {.reader = &old->data, .unit = v->data_block_size};
        struct ingot_reader data = {
                .read_at = read_what_is_there, .context = &f, .size = old->data.size};
        struct ingot_verity_builder_options options = {.verity = *v,
                                                       .threads = w->options->threads};
        uint8_t root[INGOT_VERITY_DIGEST_SIZE];
        uint64_t blocks = data.size / v->data_block_size;
        if (blocks < 2 || blocks > UINT32_MAX)
                return 0;
        options.verity.data_blocks = blocks;
        int r = ingot_verity_geometry_of(&options.verity, &o->geometry, reterr);
        if (r >= 0)
                r = ingot_verity_build(&data, &options, &o->built, &o->area.size, root, reterr);
        if (r < 0)
                return r;
        o->area.data = o->built;
        o->tree = ingot_reader_of_span(&o->area);
        o->blocks = (uint32_t) blocks;
        o->hash_block_size = v->hash_block_size;
        o->hash_blocks = (uint32_t) (o->geometry.size / v->hash_block_size);
        return 0;
}

/* Fills the window with the digests from block FIRST on. */
static bool load_window(struct ingot_walk_old_state *o, uint32_t first)
{
        uint32_t n = (uint32_t) ingot_min_u64(WINDOW, o->blocks - first);
        o->window_first = first;
        o->window_count = 0;
        uint64_t offset = o->geometry.level[0].offset + (uint64_t) first * INGOT_VERITY_DIGEST_SIZE;
        if (ingot_read_at(&o->tree, offset, o->window, (size_t) n * INGOT_VERITY_DIGEST_SIZE,
                          NULL) < 0)
                return false;
        o->window_count = n;
        return true;
}

/* What the old tree says of its block NUMBER (of this file system), or NULL. */
static const uint8_t *digest_of(struct ingot_walk_old_state *o, uint32_t number)
{
        if (number - o->window_first >= o->window_count &&
            !load_window(o, number - number % WINDOW))
                return NULL;
        return o->window + (size_t) (number - o->window_first) * INGOT_VERITY_DIGEST_SIZE;
}

/* Zeros need no copy, and of equal blocks behind each other one is enough. */
static void index_data(struct ingot_walk *w, struct ingot_walk_old_state *o)
{
        uint8_t last[INGOT_VERITY_DIGEST_SIZE];
        memcpy(last, w->zero_digest, sizeof(last));
        for (uint32_t i = 0; i < o->blocks; i++) {
                const uint8_t *digest = digest_of(o, i);
                if (!digest || memcmp(digest, last, sizeof(last)) == 0 ||
                    memcmp(digest, w->zero_digest, sizeof(last)) == 0)
                        continue;
                ingot_walk_index_add(&w->data_index, digest, o->first + i);
                memcpy(last, digest, sizeof(last));
        }
}

/* The highest hash block: its digest, the root hash, stands nowhere. */
static int index_top(struct ingot_walk *w, struct ingot_walk_old_state *o, ingot_error *reterr)
{
        uint8_t digest[INGOT_VERITY_DIGEST_SIZE];
        _cleanup_free_ uint8_t *block = malloc(o->hash_block_size);
        if (!block)
                return ingot_fail_nomem(reterr);
        if (ingot_read_at(&o->tree, o->hash_block_size, block, o->hash_block_size, NULL) >= 0) {
                ingot_verity_digest(&w->image.verity, block, o->hash_block_size, 1, digest);
                ingot_walk_index_add(&w->hash_index, digest, o->first_hash + 1);
        }
        return 0;
}

/* The digests of hash blocks: they stand in the level above. */
static int index_hashes(struct ingot_walk *w, struct ingot_walk_old_state *o, ingot_error *reterr)
{
        uint8_t digest[INGOT_VERITY_DIGEST_SIZE];
        if (o->hash_blocks == 0 || o->geometry.levels == 0)
                return 0;
        for (unsigned l = 0; l + 1 < o->geometry.levels; l++) {
                uint64_t first = o->geometry.level[l].offset / o->hash_block_size;
                for (uint64_t i = 0; i < o->geometry.level[l].blocks; i++)
                        if (ingot_read_at(&o->tree,
                                          o->geometry.level[l + 1].offset + i * sizeof(digest),
                                          digest, sizeof(digest), NULL) >= 0)
                                ingot_walk_index_add(&w->hash_index, digest,
                                                     o->first_hash + (uint32_t) (first + i));
        }
        return index_top(w, o, reterr);
}

static int make_indexes(struct ingot_walk *w, ingot_error *reterr)
{
        uint64_t blocks = 0, hash_blocks = 0;
        for (size_t i = 0; i < w->old_count; i++) {
                struct ingot_walk_old_state *o = &w->old[i];
                o->first = (uint32_t) blocks;
                o->first_hash = (uint32_t) hash_blocks;
                blocks += o->blocks;
                hash_blocks += o->hash_blocks;
                if (blocks > UINT32_MAX || hash_blocks > UINT32_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT,
                                          "the old file systems have more than 2^32 blocks");
        }
        int r = ingot_walk_index_init(&w->data_index, (size_t) blocks, reterr);
        if (r >= 0)
                r = ingot_walk_index_init(&w->hash_index, (size_t) hash_blocks, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < w->old_count; i++) {
                index_data(w, &w->old[i]);
                r = index_hashes(w, &w->old[i], reterr);
                if (r < 0)
                        return r;
        }
        ingot_walk_index_sort(&w->data_index);
        ingot_walk_index_sort(&w->hash_index);
        return 0;
}

int ingot_walk_open_old(struct ingot_walk *w, ingot_error *reterr)
{
        size_t count = w->options->old_count;
        w->old = calloc(count + 1, sizeof(*w->old));
        if (!w->old)
                return ingot_fail_nomem(reterr);
        w->old_count = count;
        for (size_t i = 0; i < count; i++) {
                struct ingot_walk_old_state *o = &w->old[i];
                const struct ingot_walk_old *old = &w->options->old[i];
                o->data = old->data;
                o->window = malloc(WINDOW * INGOT_VERITY_DIGEST_SIZE);
                if (!o->window)
                        return ingot_fail_nomem(reterr);
                int r = open_tree(&w->image.verity, old, o) ? 0 : build_tree(w, old, o, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "hash an old file system");
        }
        return make_indexes(w, reterr);
}

void ingot_walk_forget_old(struct ingot_walk *w)
{
        for (size_t i = 0; i < w->old_count; i++) {
                free(w->old[i].window);
                free(w->old[i].built);
                w->old[i].window = w->old[i].built = NULL;
        }
        ingot_walk_index_done(&w->data_index);
        ingot_walk_index_done(&w->hash_index);
}

struct ingot_walk_old_state *ingot_walk_old_of(const struct ingot_walk *w, uint32_t number)
{
        for (size_t i = 0; i < w->old_count; i++)
                if (number - w->old[i].first < w->old[i].blocks)
                        return &w->old[i];
        return NULL;
}

static bool has_digest(struct ingot_walk *w, uint32_t number, const uint8_t *digest)
{
        struct ingot_walk_old_state *o = ingot_walk_old_of(w, number);
        const uint8_t *has = o ? digest_of(o, number - o->first) : NULL;
        return has && memcmp(has, digest, INGOT_VERITY_DIGEST_SIZE) == 0;
}

bool ingot_walk_find_old(struct ingot_walk *w, const uint8_t digest[INGOT_VERITY_DIGEST_SIZE],
                         uint32_t guess, uint32_t *ret_number)
{
        uint32_t number = guess;
        size_t at = SIZE_MAX;
        bool found = guess != UINT32_MAX && has_digest(w, guess, digest);
        for (int i = 0; !found && i < CANDIDATES_MAX; i++) {
                if (!ingot_walk_index_next(&w->data_index, digest, &at, &number))
                        return false;
                found = has_digest(w, number, digest);
        }
        *ret_number = number;
        return found;
}

bool ingot_walk_read_old_hash(const struct ingot_walk *w,
                              const uint8_t digest[INGOT_VERITY_DIGEST_SIZE], uint8_t *block)
{
        size_t at = SIZE_MAX, size = w->image.verity.hash_block_size;
        uint32_t number;
        for (int i = 0; i < CANDIDATES_MAX; i++) {
                if (!ingot_walk_index_next(&w->hash_index, digest, &at, &number))
                        return false;
                for (size_t j = 0; j < w->old_count; j++) {
                        const struct ingot_walk_old_state *o = &w->old[j];
                        if (number - o->first_hash < o->hash_blocks &&
                            ingot_read_at(&o->tree, (uint64_t) (number - o->first_hash) * size,
                                          block, size, NULL) >= 0 &&
                            ingot_walk_count_right(w, block, size, 1, digest) == 1)
                                return true;
                }
        }
        return false;
}
