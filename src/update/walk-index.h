/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which block has this digest: eight bytes for each block, the first 32 bits of its digest and its
 * number, sorted. Two digests may begin alike: what is found is a candidate.
 */
#pragma once

#include "base/error.h"
#include "base/sha256.h"

#include <stdbool.h>

struct ingot_walk_index {
        uint64_t *entries;
        size_t count, room;
};

/* Room for COUNT blocks; called once. */
int ingot_walk_index_init(struct ingot_walk_index *ix, size_t count, ingot_error *reterr);
/* Not more than there is room for; that many are taken. */
void ingot_walk_index_add(struct ingot_walk_index *ix, const uint8_t digest[INGOT_SHA256_SIZE],
                          uint32_t number);
void ingot_walk_index_sort(struct ingot_walk_index *ix);
/* Candidate *AT (begin with SIZE_MAX) of DIGEST, the next with each call; false: there is no more.
 */
bool ingot_walk_index_next(const struct ingot_walk_index *ix,
                           const uint8_t digest[INGOT_SHA256_SIZE], size_t *at,
                           uint32_t *ret_number);
void ingot_walk_index_done(struct ingot_walk_index *ix);
