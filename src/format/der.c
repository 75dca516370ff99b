/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lengths are put in when an element ends: what is inside moves by as many bytes as they need. */
#include "format/der.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

size_t ingot_der_begin(struct ingot_der_writer *w, uint8_t tag)
{
        if (w->r >= 0)
                w->r = ingot_buffer_append(w->out, &tag, 1, w->error);
        return w->out->size;
}

/* The shortest form of a length; how many bytes that are. */
static size_t encode_length(uint8_t ret[9], size_t length)
{
        size_t n = 0;
        if (length < 0x80) {
                ret[0] = (uint8_t) length;
                return 1;
        }
        for (size_t rest = length; rest > 0; rest >>= 8)
                n++;
        ret[0] = (uint8_t) (0x80 | n);
        for (size_t i = 0; i < n; i++)
                ret[n - i] = (uint8_t) (length >> (8 * i));
        return n + 1;
}

void ingot_der_end(struct ingot_der_writer *w, size_t begun)
{
        uint8_t length[9];
        if (w->r < 0)
                return;
        size_t content = w->out->size - begun, n = encode_length(length, content);
        w->r = ingot_buffer_append_zeros(w->out, n, w->error);
        if (w->r < 0)
                return;
        memmove(w->out->data + begun + n, w->out->data + begun, content);
        memcpy(w->out->data + begun, length, n);
}

void ingot_der_raw(struct ingot_der_writer *w, struct ingot_span elements)
{
        if (w->r >= 0 && elements.size > 0)
                w->r = ingot_buffer_append(w->out, elements.data, elements.size, w->error);
}

void ingot_der_put(struct ingot_der_writer *w, uint8_t tag, struct ingot_span content)
{
        size_t begun = ingot_der_begin(w, tag);
        ingot_der_raw(w, content);
        ingot_der_end(w, begun);
}

/* The content of the OID; its size. DOTTED is one of our own constants. */
static size_t encode_oid(uint8_t ret[64], const char *dotted)
{
        size_t size = 0, index = 0;
        unsigned long first = 0;
        for (const char *at = dotted; *at && size < 54; index++) {
                char *end;
                unsigned long arc = strtoul(at, &end, 10), rest = arc;
                at = *end ? end + 1 : end;
                if (index == 0) {
                        first = arc;
                        continue;
                }
                if (index == 1)
                        rest = arc += first * 40;
                size_t n = 1;
                while (rest >>= 7)
                        n++;
                for (size_t i = n; i-- > 0;)
                        ret[size++] = (uint8_t) ((arc >> (7 * i) & 0x7f) | (i > 0 ? 0x80 : 0));
        }
        return size;
}

void ingot_der_oid(struct ingot_der_writer *w, const char *dotted)
{
        uint8_t oid[64];
        size_t size = encode_oid(oid, dotted);
        ingot_der_put(w, INGOT_DER_OID, INGOT_SPAN(oid, size));
}

void ingot_der_small(struct ingot_der_writer *w, uint8_t value)
{
        ingot_der_put(w, INGOT_DER_INTEGER, INGOT_SPAN(&value, 1));
}

void ingot_der_time(struct ingot_der_writer *w, int64_t time)
{
        char text[24] = "";
        time_t seconds = (time_t) time;
        struct tm t;
        if (w->r < 0)
                return;
        if (!gmtime_r(&seconds, &t) || t.tm_year < 50 || t.tm_year > 8099) {
                w->r = ingot_fail(w->error, INGOT_E_LIMIT,
                                  "a time that is not from 1950 to 9999 cannot be signed");
                return;
        }
        bool utc = t.tm_year < 150;
        size_t n = strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &t), century = utc ? 2 : 0;
        ingot_der_put(w, utc ? INGOT_DER_UTC_TIME : INGOT_DER_GENERALIZED_TIME,
                      INGOT_SPAN(text + century, n - century));
}

void ingot_der_algorithm(struct ingot_der_writer *w, const char *dotted, bool with_null)
{
        size_t algorithm = ingot_der_begin(w, INGOT_DER_SEQUENCE);
        ingot_der_oid(w, dotted);
        if (with_null)
                ingot_der_put(w, INGOT_DER_NULL, INGOT_SPAN(NULL, 0));
        ingot_der_end(w, algorithm);
}

static bool take_length(struct ingot_cursor *c, size_t *ret)
{
        uint8_t first = ingot_cursor_u8(c);
        size_t n = first & 0x7f, length = 0;
        if (c->failed)
                return false;
        if (first < 0x80) {
                *ret = first;
                return true;
        }
        if (n == 0 || n > 4)
                return false;
        for (size_t i = 0; i < n; i++)
                length = length << 8 | ingot_cursor_u8(c);
        /* Not the shortest form: two encodings of one thing. */
        if (c->failed || length < 0x80 || length >> (8 * (n - 1)) == 0)
                return false;
        *ret = length;
        return true;
}

bool ingot_der_next(struct ingot_cursor *c, uint8_t *ret_tag, struct ingot_span *ret_content)
{
        size_t length;
        uint8_t tag = ingot_cursor_u8(c);
        if (c->failed || (tag & 0x1f) == 0x1f || !take_length(c, &length) ||
            length > ingot_cursor_left(c)) {
                c->failed = true;
                return false;
        }
        *ret_tag = tag;
        *ret_content = ingot_cursor_take(c, length);
        return true;
}

bool ingot_der_take(struct ingot_cursor *c, uint8_t tag, struct ingot_span *ret_content)
{
        uint8_t found;
        if (ingot_cursor_left(c) == 0 || c->failed || c->span.data[c->at] != tag) {
                c->failed = true;
                return false;
        }
        return ingot_der_next(c, &found, ret_content);
}

bool ingot_der_take_oid(struct ingot_cursor *c, const char *dotted)
{
        uint8_t oid[64];
        struct ingot_span found;
        size_t size = encode_oid(oid, dotted);
        return ingot_der_take(c, INGOT_DER_OID, &found) && found.size == size &&
               memcmp(found.data, oid, size) == 0;
}
