/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes from outside: a span, a cursor with bounds, and integers of either byte order.
 *
 * A cursor never reads past its span. The first read that would do so sets `failed`, and that and
 * every later read yields zeros; a decoder reads all its fields and checks `failed` once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ingot_span {
        const uint8_t *data;
        size_t size;
};

struct ingot_cursor {
        struct ingot_span span;
        size_t at;
        bool failed;
};

#define INGOT_SPAN(d, n) ((struct ingot_span){.data = (const uint8_t *) (d), .size = (n)})

static inline uint16_t ingot_le16_load(const uint8_t *p)
{
        return (uint16_t) (p[0] | p[1] << 8);
}

static inline uint32_t ingot_le32_load(const uint8_t *p)
{
        return (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 |
               (uint32_t) p[3] << 24;
}

static inline uint64_t ingot_le64_load(const uint8_t *p)
{
        return (uint64_t) ingot_le32_load(p) | (uint64_t) ingot_le32_load(p + 4) << 32;
}

static inline uint16_t ingot_be16_load(const uint8_t *p)
{
        return (uint16_t) (p[0] << 8 | p[1]);
}

static inline uint32_t ingot_be32_load(const uint8_t *p)
{
        return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 |
               (uint32_t) p[3];
}

static inline uint64_t ingot_be64_load(const uint8_t *p)
{
        return (uint64_t) ingot_be32_load(p) << 32 | (uint64_t) ingot_be32_load(p + 4);
}

static inline void ingot_le16_store(uint8_t *p, uint16_t v)
{
        p[0] = (uint8_t) v;
        p[1] = (uint8_t) (v >> 8);
}

static inline void ingot_le32_store(uint8_t *p, uint32_t v)
{
        ingot_le16_store(p, (uint16_t) v);
        ingot_le16_store(p + 2, (uint16_t) (v >> 16));
}

static inline void ingot_le64_store(uint8_t *p, uint64_t v)
{
        ingot_le32_store(p, (uint32_t) v);
        ingot_le32_store(p + 4, (uint32_t) (v >> 32));
}

static inline void ingot_be16_store(uint8_t *p, uint16_t v)
{
        p[0] = (uint8_t) (v >> 8);
        p[1] = (uint8_t) v;
}

static inline void ingot_be32_store(uint8_t *p, uint32_t v)
{
        ingot_be16_store(p, (uint16_t) (v >> 16));
        ingot_be16_store(p + 2, (uint16_t) v);
}

static inline void ingot_be64_store(uint8_t *p, uint64_t v)
{
        ingot_be32_store(p, (uint32_t) (v >> 32));
        ingot_be32_store(p + 4, (uint32_t) v);
}

static inline struct ingot_cursor ingot_cursor_over(struct ingot_span span)
{
        return (struct ingot_cursor){.span = span};
}

/* The next SIZE bytes, or an all-NULL span (and a failed cursor) when there are fewer. */
struct ingot_span ingot_cursor_take(struct ingot_cursor *c, size_t size);
void ingot_cursor_skip(struct ingot_cursor *c, size_t size);
uint8_t ingot_cursor_u8(struct ingot_cursor *c);
uint16_t ingot_cursor_le16(struct ingot_cursor *c);
uint32_t ingot_cursor_le32(struct ingot_cursor *c);
uint64_t ingot_cursor_le64(struct ingot_cursor *c);
uint32_t ingot_cursor_be32(struct ingot_cursor *c);
uint64_t ingot_cursor_be64(struct ingot_cursor *c);
static inline size_t ingot_cursor_left(const struct ingot_cursor *c)
{
        return c->span.size - c->at;
}
