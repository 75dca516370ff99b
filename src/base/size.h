/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checked sizes: each function says whether the result fits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool ingot_add_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
        return !__builtin_add_overflow(a, b, ret);
}

static inline bool ingot_mul_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
        return !__builtin_mul_overflow(a, b, ret);
}

static inline bool ingot_add_size(size_t a, size_t b, size_t *ret)
{
        return !__builtin_add_overflow(a, b, ret);
}

static inline bool ingot_mul_size(size_t a, size_t b, size_t *ret)
{
        return !__builtin_mul_overflow(a, b, ret);
}

/* The next multiple of a power of two; wraps only within ALIGN of 2^64, so check bounds before. */
static inline uint64_t ingot_align_up(uint64_t value, uint64_t align)
{
        return (value + align - 1) & ~(align - 1);
}

static inline uint64_t ingot_div_up(uint64_t value, uint64_t unit)
{
        return value / unit + (value % unit != 0);
}

/* Is [offset, offset + size) inside [0, total)? */
static inline bool ingot_range_inside(uint64_t offset, uint64_t size, uint64_t total)
{
        return offset <= total && size <= total - offset;
}

static inline uint64_t ingot_min_u64(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

static inline uint64_t ingot_max_u64(uint64_t a, uint64_t b)
{
        return a > b ? a : b;
}
