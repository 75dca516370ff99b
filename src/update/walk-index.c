/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An array of heads of digests, sorted in place and searched by halves. */
#include "update/walk-index.h"
#include "base/bytes.h"

#include <stdlib.h>

int ingot_walk_index_init(struct ingot_walk_index *ix, size_t count, ingot_error *reterr)
{
        *ix = (struct ingot_walk_index){.room = count};
        ix->entries = calloc(count + 1, sizeof(*ix->entries));
        return ix->entries ? 0 : ingot_fail_nomem(reterr);
}

void ingot_walk_index_done(struct ingot_walk_index *ix)
{
        free(ix->entries);
        *ix = (struct ingot_walk_index){0};
}

void ingot_walk_index_add(struct ingot_walk_index *ix, const uint8_t digest[INGOT_SHA256_SIZE],
                          uint32_t number)
{
        if (ix->count < ix->room)
                ix->entries[ix->count++] = (uint64_t) ingot_be32_load(digest) << 32 | number;
}

/* Puts entry AT of a heap of COUNT where it belongs. */
static void sink(uint64_t *heap, size_t at, size_t count)
{
        uint64_t value = heap[at];
        for (size_t child; (child = 2 * at + 1) < count; at = child) {
                child += child + 1 < count && heap[child + 1] > heap[child];
                if (heap[child] <= value)
                        break;
                heap[at] = heap[child];
        }
        heap[at] = value;
}

/* Small pieces are cheap to put in order, and digests are spread evenly: so first by their first
 * byte, in place, then each of these parts as a heap. No memory is needed, which qsort() takes. */
void ingot_walk_index_sort(struct ingot_walk_index *ix)
{
        size_t starts[257] = {0}, next[256];
        uint64_t *e = ix->entries;
        for (size_t i = 0; i < ix->count; i++)
                starts[(e[i] >> 56) + 1]++;
        for (size_t b = 0; b < 256; b++)
                starts[b + 1] += starts[b];
        for (size_t b = 0; b < 256; b++)
                next[b] = starts[b];
        for (size_t b = 0; b < 256; b++)
                while (next[b] < starts[b + 1]) {
                        uint64_t value = e[next[b]];
                        size_t home = (size_t) (value >> 56);
                        e[next[b]] = e[next[home]];
                        e[next[home]++] = value;
                }
        for (size_t b = 0; b < 256; b++) {
                uint64_t *part = e + starts[b];
                size_t count = starts[b + 1] - starts[b];
                for (size_t i = count / 2; i-- > 0;)
                        sink(part, i, count);
                for (size_t left = count; left-- > 1;) {
                        uint64_t largest = part[0];
                        part[0] = part[left];
                        part[left] = largest;
                        sink(part, 0, left);
                }
        }
}

/* The first entry that is not below VALUE. */
static size_t lower_bound(const struct ingot_walk_index *ix, uint64_t value)
{
        size_t low = 0, high = ix->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (ix->entries[middle] < value)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

bool ingot_walk_index_next(const struct ingot_walk_index *ix,
                           const uint8_t digest[INGOT_SHA256_SIZE], size_t *at,
                           uint32_t *ret_number)
{
        uint32_t head = ingot_be32_load(digest);
        *at = *at == SIZE_MAX ? lower_bound(ix, (uint64_t) head << 32) : *at + 1;
        if (*at >= ix->count || ix->entries[*at] >> 32 != head)
                return false;
        *ret_number = (uint32_t) ix->entries[*at];
        return true;
}
