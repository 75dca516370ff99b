/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sums of a folder, as a list. */
#include "update/sums.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define HEX (2 * INGOT_SHA256_SIZE)

void ingot_sums_done(struct ingot_sums *s)
{
        for (size_t i = 0; i < s->count; i++)
                free(s->items[i].name);
        free(s->items);
        *s = (struct ingot_sums){0};
}

static int add(struct ingot_sums *s, const char *name, size_t size,
               const uint8_t sha256[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        if (s->count == s->allocated) {
                size_t n = s->allocated ? 2 * s->allocated : 16;
                struct ingot_sum *more = reallocarray(s->items, n, sizeof(*more));
                if (!more)
                        return ingot_fail_nomem(reterr);
                s->items = more;
                s->allocated = n;
        }
        struct ingot_sum *sum = s->items + s->count;
        sum->name = strndup(name, size);
        if (!sum->name)
                return ingot_fail_nomem(reterr);
        memcpy(sum->sha256, sha256, INGOT_SHA256_SIZE);
        s->count++;
        return 0;
}

int ingot_sums_add(struct ingot_sums *s, const char *name, const uint8_t sha256[INGOT_SHA256_SIZE],
                   ingot_error *reterr)
{
        return add(s, name, strlen(name), sha256, reterr);
}

const uint8_t *ingot_sums_find(const struct ingot_sums *s, const char *name)
{
        for (size_t i = 0; i < s->count; i++)
                if (strcmp(s->items[i].name, name) == 0)
                        return s->items[i].sha256;
        return NULL;
}

static int decode_line(struct ingot_sums *s, const char *line, size_t size, ingot_error *reterr)
{
        char hex[HEX + 1];
        uint8_t digest[INGOT_SHA256_SIZE];
        if (size < HEX + 3 || line[HEX] != ' ' || (line[HEX + 1] != ' ' && line[HEX + 1] != '*') ||
            memchr(line, 0, size) || memchr(line, '/', size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "a line that is no \"DIGEST  NAME\"");
        memcpy(hex, line, HEX);
        hex[HEX] = 0;
        if (!ingot_unhex(digest, sizeof(digest), hex))
                return ingot_fail(reterr, INGOT_E_FORMAT, "a line that is no \"DIGEST  NAME\"");
        return add(s, line + HEX + 2, size - HEX - 2, digest, reterr);
}

int ingot_sums_decode(struct ingot_span text, struct ingot_sums *ret, ingot_error *reterr)
{
        _cleanup_sums_ struct ingot_sums s = {0};
        if (text.size > INGOT_SUMS_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, INGOT_SUMS_FILE " of more than %zu MiB",
                                  INGOT_SUMS_SIZE_MAX >> 20);
        const char *at = (const char *) text.data;
        for (size_t left = text.size; left > 0;) {
                const char *end = memchr(at, '\n', left);
                if (!end)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          INGOT_SUMS_FILE " does not end with a line");
                size_t n = (size_t) (end - at);
                int r = decode_line(&s, at, n, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, INGOT_SUMS_FILE);
                at += n + 1;
                left -= n + 1;
        }
        *ret = s;
        s = (struct ingot_sums){0};
        return 0;
}

static int compare(const void *a, const void *b)
{
        return strcmp(((const struct ingot_sum *) a)->name, ((const struct ingot_sum *) b)->name);
}

int ingot_sums_encode(struct ingot_sums *s, struct ingot_buffer *ret, ingot_error *reterr)
{
        int r = 0;
        if (s->count > 1)
                qsort(s->items, s->count, sizeof(*s->items), compare);
        for (size_t i = 0; r >= 0 && i < s->count; i++) {
                const struct ingot_sum *sum = s->items + i;
                char hex[HEX + 1];
                if (i > 0 && strcmp(sum->name, sum[-1].name) == 0) {
                        if (memcmp(sum->sha256, sum[-1].sha256, sizeof(sum->sha256)) != 0)
                                return ingot_fail(reterr, INGOT_E_CONFLICT,
                                                  "%s is two different files", sum->name);
                        continue;
                }
                ingot_hex(hex, sum->sha256, sizeof(sum->sha256));
                r = ingot_buffer_printf(ret, reterr, "%s  %s\n", hex, sum->name);
        }
        return r;
}
