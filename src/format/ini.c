/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* INI: one pass over a copy of the text, which is cut into strings in place. */
#include "format/ini.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct parser {
        const char *file;
        char *at;
        unsigned line; /* of the text at `at` */
        const char *section;
};

static bool is_space(char c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

static char *trim(char *text)
{
        while (is_space(*text))
                text++;
        char *end = text + strlen(text);
        while (end > text && is_space(end[-1]))
                end--;
        *end = 0;
        return text;
}

/* Cuts off the next physical line. */
static char *next_line(struct parser *p)
{
        char *line = p->at, *end = strchr(line, '\n');
        p->line++;
        if (end) {
                *end = 0;
                p->at = end + 1;
        } else {
                p->at = line + strlen(line);
        }
        return line;
}

/* Joins continued lines into the first, in place: the text only gets shorter. */
static char *next_logical_line(struct parser *p)
{
        char *line = next_line(p);
        for (;;) {
                size_t n = strlen(line);
                while (n > 0 && line[n - 1] == '\r')
                        n--;
                if (n == 0 || line[n - 1] != '\\' || !*p->at)
                        return line;
                line[n - 1] = ' ';
                line[n] = 0;
                char *more = trim(next_line(p));
                if (*more == '#' || *more == ';') {
                        line[n - 1] = '\\'; /* a comment between continued lines is skipped */
                        continue;
                }
                memmove(line + n, more, strlen(more) + 1);
        }
}

static int parse_section(struct parser *p, char *line, unsigned number, ingot_error *reterr)
{
        size_t n = strlen(line);
        if (line[n - 1] != ']' || n < 3)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s:%u: a section is '[Name]'", p->file,
                                  number);
        line[n - 1] = 0;
        p->section = line + 1;
        return 0;
}

static int parse_assignment(struct parser *p, char *line, unsigned number, ingot_ini_fn fn,
                            void *context, ingot_error *reterr)
{
        char *equals = strchr(line, '=');
        if (!equals || equals == line)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "%s:%u: neither '[Section]' nor 'Key=Value': '%.60s'", p->file,
                                  number, line);
        if (!p->section)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "%s:%u: '%.60s' stands before the first section", p->file, number,
                                  line);
        *equals = 0;
        struct ingot_ini_line l = {.file = p->file,
                                   .line = number,
                                   .section = p->section,
                                   .key = trim(line),
                                   .value = trim(equals + 1)};
        return fn(context, &l, reterr);
}

int ingot_ini_parse(const char *file, struct ingot_span text, ingot_ini_fn fn, void *context,
                    ingot_error *reterr)
{
        if (text.size > INGOT_INI_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s: larger than %zu bytes", file,
                                  INGOT_INI_SIZE_MAX);
        _cleanup_free_ char *copy = malloc(text.size + 1);
        if (!copy)
                return ingot_fail_nomem(reterr);
        if (text.size > 0)
                memcpy(copy, text.data, text.size);
        copy[text.size] = 0;
        if (strlen(copy) != text.size || !ingot_utf8_valid(copy))
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s: not UTF-8 text", file);

        struct parser p = {.file = file, .at = copy};
        while (*p.at) {
                unsigned number = p.line + 1;
                bool comment = *p.at == '#' || *p.at == ';';
                char *line = trim(comment ? next_line(&p) : next_logical_line(&p));
                if (!*line || *line == '#' || *line == ';')
                        continue;
                int r = *line == '[' ? parse_section(&p, line, number, reterr)
                                     : parse_assignment(&p, line, number, fn, context, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}
