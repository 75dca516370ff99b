/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Debian control data, read line by line. A package index has millions of lines: memchr finds them. */
#include "format/deb822.h"

#include <strings.h>

static bool blank(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

/* The line at AT, without its newline; *NEXT is where the following one begins. */
static struct ingot_span line_at(const struct ingot_deb822 *d, size_t at, size_t *next)
{
        const uint8_t *begin = d->text.data + at;
        size_t left = d->text.size - at;
        const uint8_t *end = memchr(begin, '\n', left);
        size_t size = end ? (size_t) (end - begin) : left;
        *next = at + size + (end != NULL);
        return INGOT_SPAN(begin, size);
}

static bool line_blank(struct ingot_span line)
{
        for (size_t i = 0; i < line.size; i++)
                if (!blank(line.data[i]))
                        return false;
        return true;
}

static struct ingot_span trim(struct ingot_span s)
{
        while (s.size > 0 && (blank(s.data[0]) || s.data[0] == '\n')) {
                s.data++;
                s.size--;
        }
        while (s.size > 0 && (blank(s.data[s.size - 1]) || s.data[s.size - 1] == '\n'))
                s.size--;
        return s;
}

/* Is this a line that continues the value before it? */
static bool continues(struct ingot_span line)
{
        return line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t') && !line_blank(line);
}

int ingot_deb822_paragraph(struct ingot_deb822 *d, ingot_error *reterr)
{
        struct ingot_deb822_field unread;
        int r;
        if (d->at > 0)
                while ((r = ingot_deb822_field(d, &unread, reterr)) != 0)
                        if (r < 0)
                                return r;
        while (d->at < d->text.size) {
                size_t next;
                struct ingot_span line = line_at(d, d->at, &next);
                if (!line_blank(line) && line.data[0] != '#')
                        break;
                d->at = next;
                d->line++;
        }
        d->paragraph = d->at;
        return d->at < d->text.size;
}

static int split(const struct ingot_deb822 *d, struct ingot_span line,
                 struct ingot_deb822_field *ret, ingot_error *reterr)
{
        const uint8_t *colon = memchr(line.data, ':', line.size);
        size_t n = colon ? (size_t) (colon - line.data) : 0;
        for (size_t i = 0; i < n; i++)
                if (line.data[i] <= ' ' || line.data[i] > '~')
                        n = 0;
        if (n == 0 || line.data[0] == '-')
                return ingot_fail(reterr, INGOT_E_FORMAT, "line %zu is no \"Field: value\"",
                                  d->line);
        ret->name = INGOT_SPAN(line.data, n);
        ret->value = INGOT_SPAN(line.data + n + 1, line.size - n - 1);
        return 1;
}

int ingot_deb822_field(struct ingot_deb822 *d, struct ingot_deb822_field *ret, ingot_error *reterr)
{
        size_t next;
        struct ingot_span line;
        do {
                if (d->at >= d->text.size)
                        return 0;
                line = line_at(d, d->at, &next);
                if (line_blank(line))
                        return 0;
                d->at = next;
                d->line++;
        } while (line.data[0] == '#');
        int r = split(d, line, ret, reterr);
        if (r < 0)
                return r;
        while (d->at < d->text.size) {
                line = line_at(d, d->at, &next);
                if (!continues(line))
                        break;
                d->at = next;
                d->line++;
                ret->value.size = (size_t) (line.data + line.size - ret->value.data);
        }
        ret->value = trim(ret->value);
        return 1;
}

bool ingot_deb822_is(const struct ingot_deb822_field *f, const char *name)
{
        return f->name.size == strlen(name) &&
               strncasecmp((const char *) f->name.data, name, f->name.size) == 0;
}

bool ingot_deb822_word(struct ingot_span *value, struct ingot_span *ret)
{
        struct ingot_span v = trim(*value);
        size_t n = 0;
        while (n < v.size && !blank(v.data[n]) && v.data[n] != '\n')
                n++;
        *ret = INGOT_SPAN(v.data, n);
        *value = INGOT_SPAN(v.data + n, v.size - n);
        return n > 0;
}
