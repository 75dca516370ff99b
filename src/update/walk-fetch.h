/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks of one file, from one source after the other: whatever the first one has not, or has
 * wrong, is asked of the next. What arrives is cut into blocks here, and each is handed on only as
 * a whole.
 */
#pragma once

#include "update/walk.h"

struct ingot_walk_want {
        const char *file;
        uint64_t file_size;
        uint32_t unit; /* bytes of a block; the file's last one may be shorter */
        /* Whole blocks, which begin at OFFSET of the file. Takes those that are right; *RET_RIGHT
         * are the bytes before the first one that is not. */
        int (*take)(void *context, uint64_t offset, const void *data, size_t size,
                    size_t *ret_right, ingot_error *reterr);
        void *context;
};

/* RANGES are whole blocks, sorted, and do not overlap; they are used up. The error is that of the
 * source that was asked last: REFUSED when what it has is not what the release says. */
int ingot_walk_fetch(const struct ingot_walk_options *options, const struct ingot_walk_want *want,
                     struct ingot_range *ranges, size_t count, ingot_error *reterr);

/* Adds a block, which lies behind all that are there, to RANGES; there is room for it. */
void ingot_walk_add_range(struct ingot_range *ranges, size_t *count, uint64_t offset, size_t size);
