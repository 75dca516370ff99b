/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which blocks of an image are free. With no image before it they are given out one behind another.
 */
#include "format/erofs-write.h"

int ingot_erofs_space_init(struct ingot_erofs_space *s, ingot_error *reterr)
{
        int r = ingot_erofs_grow(&s->ranges, 0, &s->allocated, sizeof(*s->ranges), reterr);
        if (r < 0)
                return r;
        s->ranges[0] = (struct ingot_erofs_range){.start = 1, .end = UINT32_MAX};
        s->count = 1;
        return 0;
}

/* Takes [start, end) out of range I, which holds it. The last range always stays, if only empty. */
static int cut(struct ingot_erofs_space *s, size_t i, uint32_t start, uint32_t end,
               ingot_error *reterr)
{
        struct ingot_erofs_range before = s->ranges[i];
        bool last = i + 1 == s->count;
        if (before.start < start) {
                int r = ingot_erofs_grow(&s->ranges, s->count, &s->allocated, sizeof(*s->ranges),
                                         reterr);
                if (r < 0)
                        return r;
                memmove(s->ranges + i + 1, s->ranges + i, (s->count - i) * sizeof(*s->ranges));
                s->count++;
                s->ranges[i].end = start;
                i++;
        }
        s->ranges[i].start = end;
        if (end == before.end && !last) {
                s->count--;
                memmove(s->ranges + i, s->ranges + i + 1, (s->count - i) * sizeof(*s->ranges));
        }
        return 0;
}

int ingot_erofs_space_reserve(struct ingot_erofs_space *s, uint64_t start, uint32_t count,
                              ingot_error *reterr)
{
        size_t low = 0, high = s->count;
        if (start > UINT32_MAX - count)
                return 1;
        while (high - low > 1) {
                size_t middle = low + (high - low) / 2;
                if (s->ranges[middle].start <= start)
                        low = middle;
                else
                        high = middle;
        }
        if (s->ranges[low].start > start || s->ranges[low].end < start + count)
                return 1;
        return cut(s, low, (uint32_t) start, (uint32_t) start + count, reterr);
}

int ingot_erofs_space_take(struct ingot_erofs_space *s, uint32_t count, uint32_t min, uint32_t *ret,
                           ingot_error *reterr)
{
        for (size_t i = 0; i < s->count; i++) {
                uint32_t start = s->ranges[i].start > min ? s->ranges[i].start : min;
                if (start > s->ranges[i].end || s->ranges[i].end - start < count)
                        continue;
                int r = cut(s, i, start, start + count, reterr);
                if (r >= 0)
                        *ret = start;
                return r;
        }
        return ingot_fail(reterr, INGOT_E_LIMIT, "the image is larger than 16 TiB");
}
