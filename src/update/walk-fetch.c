/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ranges go to a source in batches, which bounds the memory however many there are. A source
 * that has many blocks wrong is asked for no more: it has another release's file.
 */
#include "update/walk-fetch.h"
#include "base/cleanup.h"
#include "base/size.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 16384  /* ranges */
#define WRONG_MAX 16 /* ranges of a source that may hold a wrong block */

struct part {
        struct ingot_range range; /* what is still wanted */
        uint8_t *piece;           /* the block that has come in part, or NULL */
        uint32_t filled;
        bool wrong; /* the block that is next came, and was not right */
};

struct fetch {
        const struct ingot_walk_want *want;
        const char *source;
        struct part *parts;
        size_t count, wrong;
        uint64_t first_wrong; /* where the first wrong block is */
        bool failed;          /* it was not the source's fault: no other one is asked */
};

void ingot_walk_add_range(struct ingot_range *ranges, size_t *count, uint64_t offset, size_t size)
{
        struct ingot_range *last = *count > 0 ? ranges + *count - 1 : NULL;
        if (last && last->offset + last->size == offset)
                last->size += size;
        else
                ranges[(*count)++] = (struct ingot_range){.offset = offset, .size = size};
}

static size_t block_size_at(const struct ingot_walk_want *w, uint64_t offset)
{
        return (size_t) ingot_min_u64(w->unit, w->file_size - offset);
}

/* Blocks that lie behind each other, at the begin of what PART still wants. 1: one is wrong. */
static int take(struct fetch *f, struct part *p, const uint8_t *data, size_t size,
                ingot_error *reterr)
{
        size_t right = 0;
        int r = f->want->take(f->want->context, p->range.offset, data, size, &right, reterr);
        if (r < 0) {
                f->failed = true;
                return r;
        }
        p->range.offset += right;
        p->range.size -= right;
        if (right == size)
                return 0;
        p->wrong = true;
        if (f->wrong++ == 0 || p->range.offset < f->first_wrong)
                f->first_wrong = p->range.offset;
        if (f->wrong < WRONG_MAX)
                return 1;
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "%zu blocks are not what the release says, the first at byte %" PRIu64,
                          f->wrong, f->first_wrong);
}

/* Adds to the block that has come in part; *RET_USED bytes of DATA. */
static int collect(struct fetch *f, struct part *p, const uint8_t *data, size_t size,
                   size_t *ret_used, ingot_error *reterr)
{
        size_t whole = block_size_at(f->want, p->range.offset), n = whole - p->filled;
        if (n > size)
                n = size;
        if (!p->piece && !(p->piece = malloc(whole)))
                return ingot_fail_nomem(reterr);
        memcpy(p->piece + p->filled, data, n);
        p->filled += (uint32_t) n;
        *ret_used = n;
        if (p->filled < whole)
                return 0;
        _cleanup_free_ uint8_t *piece = TAKE_PTR(p->piece);
        p->filled = 0;
        return take(f, p, piece, whole, reterr);
}

static int got(void *context, size_t index, uint64_t offset, const void *data, size_t size,
               ingot_error *reterr)
{
        struct fetch *f = context;
        struct part *p = index < f->count ? f->parts + index : NULL;
        const uint8_t *bytes = data;
        int r = 0;
        if (p && p->wrong)
                return 1;
        if (!p || offset != p->range.offset + p->filled || size > p->range.size - p->filled)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "a source sends what it was not asked");
        while (r == 0 && size > 0) {
                size_t n = size - size % f->want->unit;
                if (p->filled == 0 && p->range.offset + size == f->want->file_size)
                        n = size;
                if (p->filled > 0 || n == 0)
                        r = collect(f, p, bytes, size, &n, reterr);
                else
                        r = take(f, p, bytes, n, reterr);
                bytes += n;
                size -= n;
        }
        return r;
}

/* One source, one batch. What it did not give is what is left of the parts. */
static int ask(struct ingot_source *source, struct fetch *f, ingot_error *reterr)
{
        _cleanup_free_ struct ingot_range *ranges = calloc(f->count + 1, sizeof(*ranges));
        if (!ranges)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < f->count; i++)
                ranges[i] = f->parts[i].range;
        size_t wrong_before = f->wrong;
        int r = source->fetch(source->context, f->want->file, f->want->file_size, ranges, f->count,
                              got, f, reterr);
        for (size_t i = 0; i < f->count; i++) {
                free(f->parts[i].piece);
                f->parts[i].piece = NULL;
                f->parts[i].filled = 0;
                f->parts[i].wrong = false;
        }
        if (r >= 0 && f->wrong > wrong_before)
                r = ingot_fail(reterr, INGOT_E_REFUSED,
                               "the block at byte %" PRIu64 " is not what the release says",
                               f->first_wrong);
        return r;
}

/* Puts what is left of the parts back into RANGES; how many they are. */
static size_t keep_rest(const struct fetch *f, struct ingot_range *ranges)
{
        size_t n = 0;
        for (size_t i = 0; i < f->count; i++)
                if (f->parts[i].range.size > 0)
                        ranges[n++] = f->parts[i].range;
        return n;
}

/* All ranges from one source. *COUNT is what is left of them. */
static int ask_all(struct ingot_source *source, struct fetch *f, struct ingot_range *ranges,
                   size_t *count, ingot_error *reterr)
{
        size_t left = 0;
        int result = 0;
        for (size_t at = 0; at < *count; at += BATCH) {
                size_t n = *count - at < BATCH ? *count - at : BATCH;
                ingot_error why = {0};
                for (size_t i = 0; i < n; i++)
                        f->parts[i] = (struct part){.range = ranges[at + i]};
                f->count = n;
                int r = ask(source, f, &why);
                left += keep_rest(f, ranges + left);
                if (r >= 0)
                        continue;
                if (result >= 0 && reterr)
                        *reterr = why;
                result = r;
                if (r == -INGOT_E_REFUSED && f->wrong < WRONG_MAX)
                        continue;
                memmove(ranges + left, ranges + at + n, (*count - at - n) * sizeof(*ranges));
                left += *count - at - n;
                break;
        }
        *count = left;
        if (result >= 0 && left > 0)
                result = ingot_fail(reterr, INGOT_E_FORMAT,
                                    "bytes from %" PRIu64 " on did not come", ranges[0].offset);
        return result;
}

int ingot_walk_fetch(const struct ingot_walk_options *options, const struct ingot_walk_want *want,
                     struct ingot_range *ranges, size_t count, ingot_error *reterr)
{
        _cleanup_free_ struct part *parts = calloc(BATCH, sizeof(*parts));
        ingot_error why = {0};
        int r = 0;
        if (!parts)
                return ingot_fail_nomem(reterr);
        if (count > 0 && options->source_count == 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "%s: no source to fetch %" PRIu64 " bytes from", want->file,
                                  ranges[0].size);
        for (size_t i = 0; i < options->source_count && count > 0; i++) {
                struct ingot_source *source = &options->sources[i];
                struct fetch f = {.want = want, .parts = parts};
                if (i > 0)
                        ingot_warn(options->log, "%s; asking %s", why.text, source->name);
                r = ask_all(source, &f, ranges, &count, &why);
                if (f.failed)
                        break;
                ingot_under(&why, r, "%s: %s", source->name, want->file);
        }
        if (count == 0)
                return 0;
        if (reterr)
                *reterr = why;
        return r;
}
