/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The walk from the inside: what its parts (tree, plan, run) share. */
#pragma once

#include "update/walk-fetch.h"
#include "update/walk-index.h"

/* Of data that is worked on at a time: a few of these fit into a processor's cache. */
#define INGOT_WALK_CHUNK ((size_t) 1 << 18)
#define INGOT_WALK_CHUNK_BLOCKS_MAX (INGOT_WALK_CHUNK / 512)

/* An old file system. */
struct ingot_walk_old_state {
        struct ingot_reader data, tree;
        struct ingot_verity_geometry geometry;
        uint32_t hash_block_size;
        uint32_t first, blocks; /* its data blocks' numbers among those of all */
        uint32_t first_hash,
                hash_blocks;    /* the same for hash blocks, counted from the superblock */
        uint8_t *built;         /* the tree, when it had to be made here */
        struct ingot_span area; /* the same */
        uint8_t *window;        /* some digests of its data blocks: */
        uint32_t window_first, window_count;
};

enum ingot_walk_kind {
        INGOT_WALK_ZERO,
        INGOT_WALK_KEEP,
        INGOT_WALK_COPY,
        INGOT_WALK_FETCH,
};

/* Blocks of the new file system, one behind another, that come from one place. */
struct ingot_walk_step {
        uint32_t first, count;
        uint32_t from; /* COPY: the number of the first one among all old blocks */
        uint32_t kind;
};

struct ingot_walk_steps {
        struct ingot_walk_step *items;
        size_t count, room;
};
/* Joined to the last one where it goes on from it. */
int ingot_walk_steps_add(struct ingot_walk_steps *s, struct ingot_walk_step step,
                         ingot_error *reterr);

struct ingot_walk {
        struct ingot_walk_image image;
        struct ingot_walk_target target;
        const struct ingot_walk_options *options;
        struct ingot_verity_geometry geometry;
        uint8_t *above; /* the levels above 0, all checked, as they lie in the hash area */
        struct ingot_walk_old_state *old;
        size_t old_count;
        struct ingot_walk_index data_index, hash_index;
        uint8_t zero_digest[INGOT_VERITY_DIGEST_SIZE];
        struct ingot_walk_steps steps;
        struct ingot_walk_figures figures;
        uint64_t done[INGOT_WALK_FETCH + 1]; /* bytes by kind; atomic */
};

/* walk-old.c: opens the old file systems and puts their blocks into the indexes. */
int ingot_walk_open_old(struct ingot_walk *w, ingot_error *reterr);
/* Frees what only the plan needs; the old data can still be read. */
void ingot_walk_forget_old(struct ingot_walk *w);
/* The old file system that block (or hash block) NUMBER belongs to. */
struct ingot_walk_old_state *ingot_walk_old_of(const struct ingot_walk *w, uint32_t number);
/* Where an old tree says that a block with DIGEST is; GUESS is tried first (UINT32_MAX: none). */
bool ingot_walk_find_old(struct ingot_walk *w, const uint8_t digest[INGOT_VERITY_DIGEST_SIZE],
                         uint32_t guess, uint32_t *ret_number);
/* The hash block with DIGEST, if an old tree has it, into BLOCK. */
bool ingot_walk_read_old_hash(const struct ingot_walk *w,
                              const uint8_t digest[INGOT_VERITY_DIGEST_SIZE], uint8_t *block);

/* walk-tree.c: brings the target's tree to its root hash. */
int ingot_walk_fill_tree(struct ingot_walk *w, ingot_error *reterr);
/* Which of COUNT blocks of SIZE bytes have these digests? */
void ingot_walk_check(const struct ingot_walk *w, const uint8_t *data, size_t size, size_t count,
                      const uint8_t *digests, bool *ret);
/* The number of right ones before the first that is wrong. */
size_t ingot_walk_count_right(const struct ingot_walk *w, const uint8_t *data, size_t size,
                              size_t count, const uint8_t *digests);
/* The digests of COUNT data blocks, out of the target's tree, which is checked each time it is
 * read. Any thread. */
int ingot_walk_digests(const struct ingot_walk *w, uint64_t first, size_t count, uint8_t *ret,
                       ingot_error *reterr);

/* walk-plan.c: makes `steps` and `figures`, which walk-run.c does. */
int ingot_walk_make_plan(struct ingot_walk *w, ingot_error *reterr);

/* Data blocks in a chunk. */
static inline size_t ingot_walk_chunk_blocks(const struct ingot_walk *w)
{
        return INGOT_WALK_CHUNK / w->image.verity.data_block_size;
}
