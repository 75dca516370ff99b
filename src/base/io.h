/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where bytes come from and go to, without saying what is behind it. Formats are pure: they see
 * an image only through these, so an image may be larger than memory and may lie in a file, in a
 * partition of a file, or in a test's array. Offsets and sizes are bytes.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

/* Reads exactly SIZE bytes at OFFSET, or fails. May be called from several threads at once. */
typedef int (*ingot_read_at_fn)(void *context, uint64_t offset, void *ret, size_t size,
                                ingot_error *reterr);
/* Writes exactly SIZE bytes at OFFSET, or fails. What was never written reads as zeros. */
typedef int (*ingot_write_at_fn)(void *context, uint64_t offset, const void *data, size_t size,
                                 ingot_error *reterr);

struct ingot_reader {
        ingot_read_at_fn read_at;
        void *context;
        uint64_t base; /* added to every offset: where a part of something larger starts */
        uint64_t size; /* what lies behind it is refused with FORMAT */
};

struct ingot_writer {
        ingot_write_at_fn write_at;
        void *context;
        uint64_t base;
};

int ingot_read_at(const struct ingot_reader *r, uint64_t offset, void *ret, size_t size,
                  ingot_error *reterr);
int ingot_write_at(const struct ingot_writer *w, uint64_t offset, const void *data, size_t size,
                   ingot_error *reterr);

/* A reader of [offset, offset + size) of another one; FORMAT when that is outside. */
int ingot_reader_part(const struct ingot_reader *r, uint64_t offset, uint64_t size,
                      struct ingot_reader *ret, ingot_error *reterr);
struct ingot_writer ingot_writer_part(const struct ingot_writer *w, uint64_t offset);

/* A reader of memory; the span outlives it and the reader holds a pointer to it. */
struct ingot_reader ingot_reader_of_span(const struct ingot_span *span);
