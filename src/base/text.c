/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text helpers: nothing here knows a locale. */
#include "base/text.h"
#include "base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ingot_strings_done(struct ingot_strings *s)
{
        for (size_t i = 0; i < s->count; i++)
                free(s->items[i]);
        free(s->items);
        *s = (struct ingot_strings){0};
}

int ingot_strings_add_n(struct ingot_strings *s, const char *text, size_t size, ingot_error *reterr)
{
        if (s->count == s->allocated) {
                size_t grown = s->allocated ? s->allocated * 2 : 8;
                char **items = reallocarray(s->items, grown, sizeof(*items));
                if (!items)
                        return ingot_fail_nomem(reterr);
                s->items = items;
                s->allocated = grown;
        }
        char *copy = strndup(text, size);
        if (!copy)
                return ingot_fail_nomem(reterr);
        s->items[s->count++] = copy;
        return 0;
}

int ingot_strings_add(struct ingot_strings *s, const char *text, ingot_error *reterr)
{
        return ingot_strings_add_n(s, text, strlen(text), reterr);
}

bool ingot_strings_contains(const struct ingot_strings *s, const char *text)
{
        for (size_t i = 0; i < s->count; i++)
                if (strcmp(s->items[i], text) == 0)
                        return true;
        return false;
}

static int compare_strings(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

void ingot_strings_sort(struct ingot_strings *s)
{
        if (s->count > 1)
                qsort(s->items, s->count, sizeof(*s->items), compare_strings);
}

int ingot_strings_split(struct ingot_strings *s, const char *text, const char *separators,
                        ingot_error *reterr)
{
        for (;;) {
                text += strspn(text, separators);
                size_t n = strcspn(text, separators);
                if (n == 0)
                        return 0;
                int r = ingot_strings_add_n(s, text, n, reterr);
                if (r < 0)
                        return r;
                text += n;
        }
}

int ingot_format(char **ret, ingot_error *reterr, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        char *text = NULL;
        int n = vasprintf(&text, format, args);
        va_end(args);
        if (n < 0)
                return ingot_fail_nomem(reterr);
        *ret = text;
        return 0;
}

int ingot_strdup(char **ret, const char *text, ingot_error *reterr)
{
        char *copy = strdup(text);
        if (!copy)
                return ingot_fail_nomem(reterr);
        *ret = copy;
        return 0;
}

bool ingot_starts_with(const char *text, const char *prefix)
{
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool ingot_ends_with(const char *text, const char *suffix)
{
        size_t t = strlen(text), s = strlen(suffix);
        return s <= t && strcmp(text + t - s, suffix) == 0;
}

void ingot_hex(char *ret, const uint8_t *data, size_t size)
{
        static const char digits[] = "0123456789abcdef";
        for (size_t i = 0; i < size; i++) {
                ret[2 * i] = digits[data[i] >> 4];
                ret[2 * i + 1] = digits[data[i] & 15];
        }
        ret[2 * size] = 0;
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

bool ingot_unhex(uint8_t *ret, size_t size, const char *text)
{
        if (strlen(text) != 2 * size)
                return false;
        for (size_t i = 0; i < size; i++) {
                int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
                if (high < 0 || low < 0)
                        return false;
                ret[i] = (uint8_t) (high << 4 | low);
        }
        return true;
}

/* Digits from TEXT on; *end is behind the last one. */
static bool parse_digits(const char *text, uint64_t *ret, const char **end)
{
        uint64_t value = 0;
        const char *p = text;
        for (; *p >= '0' && *p <= '9'; p++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t) (*p - '0'), &value))
                        return false;
        if (p == text)
                return false;
        *ret = value;
        *end = p;
        return true;
}

bool ingot_parse_u64(const char *text, uint64_t *ret)
{
        const char *end;
        uint64_t value;
        if (!parse_digits(text, &value, &end) || *end)
                return false;
        *ret = value;
        return true;
}

bool ingot_parse_size(const char *text, uint64_t *ret)
{
        static const char units[] = "KMGT";
        const char *end;
        uint64_t value;
        if (!parse_digits(text, &value, &end))
                return false;
        if (*end) {
                const char *unit = strchr(units, *end);
                if (!unit || end[1])
                        return false;
                unsigned shift = (unsigned) (unit - units + 1) * 10;
                if (value > UINT64_MAX >> shift)
                        return false;
                value <<= shift;
        }
        *ret = value;
        return true;
}

bool ingot_parse_bool(const char *text, bool *ret)
{
        static const char *const words[][2] = {
                {"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                for (int v = 0; v < 2; v++)
                        if (strcmp(text, words[i][v]) == 0) {
                                *ret = v;
                                return true;
                        }
        return false;
}

void ingot_human_size(char ret[16], uint64_t size)
{
        static const char units[] = "BKMGTPE";
        unsigned u = 0;
        double value = (double) size;
        while (value >= 1000 && u + 1 < sizeof(units) - 1) {
                value /= 1024;
                u++;
        }
        if (u == 0)
                snprintf(ret, 16, "%uB", (unsigned) size);
        else if (value < 9.95)
                snprintf(ret, 16, "%.1f%c", value, units[u]);
        else
                snprintf(ret, 16, "%.0f%c", value, units[u]);
}

/* Levenshtein distance of two words of at most 63 bytes; longer ones are "far". */
static size_t distance(const char *a, const char *b)
{
        size_t n = strlen(a), m = strlen(b), row[64];
        if (n > 63 || m > 63)
                return 64;
        for (size_t j = 0; j <= m; j++)
                row[j] = j;
        for (size_t i = 1; i <= n; i++) {
                size_t diagonal = row[0];
                row[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        size_t change = diagonal + ((a[i - 1] | 32) != (b[j - 1] | 32));
                        diagonal = row[j];
                        size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
                        row[j] = best < change ? best : change;
                }
        }
        return row[m];
}

const char *ingot_nearest(const char *text, const char *const *candidates, size_t count)
{
        const char *best = NULL;
        size_t least = strlen(text) / 3 + 2;
        for (size_t i = 0; i < count; i++) {
                size_t d = distance(text, candidates[i]);
                if (d < least) {
                        least = d;
                        best = candidates[i];
                }
        }
        return best;
}

/* The length of the valid UTF-8 sequence at P, 0 when it is none (RFC 3629). */
static size_t utf8_length(const unsigned char *p)
{
        if (p[0] < 0x80)
                return 1;
        size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
        if (p[0] < 0xc2 || p[0] > 0xf4)
                return 0;
        for (size_t i = 1; i < n; i++)
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
            (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
                return 0;
        return n;
}

bool ingot_utf8_valid(const char *text)
{
        for (const unsigned char *p = (const unsigned char *) text; *p;) {
                size_t n = utf8_length(p);
                if (n == 0)
                        return false;
                p += n;
        }
        return true;
}

char *ingot_escape(const char *text)
{
        char *out = malloc(strlen(text) * 4 + 1), *o = out;
        if (!out)
                return NULL;
        for (const unsigned char *p = (const unsigned char *) text; *p;) {
                size_t n = utf8_length(p);
                bool c1 = n == 2 && p[0] == 0xc2 && p[1] < 0xa0;
                if (n == 0 || *p < 0x20 || *p == 0x7f || c1) {
                        o += sprintf(o, "\\x%02x", *p);
                        p++;
                        continue;
                }
                memcpy(o, p, n);
                o += n;
                p += n;
        }
        *o = 0;
        return out;
}
