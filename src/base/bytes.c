/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cursor: bounds once, here. */
#include "base/bytes.h"

struct ingot_span ingot_cursor_take(struct ingot_cursor *c, size_t size)
{
        if (c->failed || size > c->span.size - c->at) {
                c->failed = true;
                return (struct ingot_span){0};
        }
        struct ingot_span s = {.data = c->span.data + c->at, .size = size};
        c->at += size;
        return s;
}

void ingot_cursor_skip(struct ingot_cursor *c, size_t size)
{
        (void) ingot_cursor_take(c, size);
}

uint8_t ingot_cursor_u8(struct ingot_cursor *c)
{
        struct ingot_span s = ingot_cursor_take(c, 1);
        return s.data ? s.data[0] : 0;
}

uint16_t ingot_cursor_le16(struct ingot_cursor *c)
{
        struct ingot_span s = ingot_cursor_take(c, 2);
        return s.data ? ingot_le16_load(s.data) : 0;
}

uint32_t ingot_cursor_le32(struct ingot_cursor *c)
{
        struct ingot_span s = ingot_cursor_take(c, 4);
        return s.data ? ingot_le32_load(s.data) : 0;
}

uint64_t ingot_cursor_le64(struct ingot_cursor *c)
{
        struct ingot_span s = ingot_cursor_take(c, 8);
        return s.data ? ingot_le64_load(s.data) : 0;
}

uint32_t ingot_cursor_be32(struct ingot_cursor *c)
{
        struct ingot_span s = ingot_cursor_take(c, 4);
        return s.data ? ingot_be32_load(s.data) : 0;
}

uint64_t ingot_cursor_be64(struct ingot_cursor *c)
{
        struct ingot_span s = ingot_cursor_take(c, 8);
        return s.data ? ingot_be64_load(s.data) : 0;
}
