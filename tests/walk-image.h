/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File systems for the walk, made of random blocks, and a target that lets nothing in but the right
 * bytes: each write is compared with the new image, whatever the walk thinks of it.
 */
#pragma once

#include "update/walk.h"

#include <pthread.h>

struct walk_image {
        uint8_t *data, *tree;
        size_t data_size, tree_size;
        struct ingot_verity verity;
        uint8_t root_hash[INGOT_VERITY_DIGEST_SIZE];
        struct ingot_span data_span, tree_span;
};

/* Block I is made of CONTENT[I]: 0 are zeros. DATA_BLOCK and HASH_BLOCK: their sizes. */
void walk_image_make(struct walk_image *image, const uint32_t *content, size_t count,
                     uint32_t data_block, uint32_t hash_block, uint8_t salt);
/* Makes the tree again, after a change of the data. */
void walk_image_hash(struct walk_image *image);
void walk_image_done(struct walk_image *image);
#define _cleanup_walk_image_ __attribute__((cleanup(walk_image_done)))
struct ingot_walk_old walk_image_old(const struct walk_image *image);
struct ingot_walk_image walk_image_wanted(const struct walk_image *image);
/* Writes FOLDER/data and FOLDER/tree, the names of walk_image_wanted(). */
int walk_image_save(const struct walk_image *image, const char *folder, ingot_error *reterr);

struct walk_target {
        const struct walk_image *image;
        uint8_t *data, *tree;
        pthread_mutex_t lock;
        uint64_t writes, data_written;
        uint64_t fail_at; /* this write and all after it fail; 0: none */
        bool wrong;       /* something else than the image was about to be written */
        struct ingot_span data_span, tree_span;
};

/* Filled with garbage. */
void walk_target_make(struct walk_target *t, const struct walk_image *image);
void walk_target_done(struct walk_target *t);
#define _cleanup_walk_target_ __attribute__((cleanup(walk_target_done)))
struct ingot_walk_target walk_target_of(struct walk_target *t, bool begun);
/* Is all of it there, and was nothing else ever written? */
bool walk_target_complete(const struct walk_target *t);
