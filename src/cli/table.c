/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Widths are counted in code points: names with wide characters only lose their alignment. */
#include "cli/table.h"
#include "base/cleanup.h"
#include "cli/print.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

void table_done(struct table *t)
{
        ingot_strings_done(&t->cells);
}

int table_add(struct table *t, const char *text, ingot_error *reterr)
{
        _cleanup_free_ char *escaped = ingot_escape(text ? text : "-");
        if (!escaped)
                return ingot_fail_nomem(reterr);
        return ingot_strings_add(&t->cells, escaped, reterr);
}

int table_addf(struct table *t, ingot_error *reterr, const char *format, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list args;
        va_start(args, format);
        int n = vasprintf(&text, format, args);
        va_end(args);
        if (n < 0) {
                text = NULL;
                return ingot_fail_nomem(reterr);
        }
        return table_add(t, text, reterr);
}

static size_t text_width(const char *text)
{
        size_t n = 0;
        for (; *text; text++)
                n += (*text & 0xc0) != 0x80;
        return n;
}

/* How many bytes the first WIDTH code points have. */
static size_t bytes_of(const char *text, size_t width)
{
        size_t i = 0;
        for (size_t n = 0; text[i]; i++)
                if ((text[i] & 0xc0) != 0x80 && n++ == width)
                        break;
        return i;
}

static void measure(const struct table *t, FILE *out, size_t widths[TABLE_COLUMNS_MAX])
{
        size_t total = 0, shrink = t->column_count;
        for (size_t c = 0; c < t->column_count; c++) {
                widths[c] = text_width(t->columns[c].title);
                for (size_t i = c; i < t->cells.count; i += t->column_count) {
                        size_t n = text_width(t->cells.items[i]);
                        widths[c] = n > widths[c] ? n : widths[c];
                }
                total += widths[c] + (c ? 2 : 0);
                if (t->columns[c].shrink)
                        shrink = c;
        }
        size_t room = print_width(out);
        if (shrink == t->column_count || !isatty(fileno(out)) || total <= room)
                return;
        size_t over = total - room, least = 8;
        widths[shrink] = widths[shrink] > over + least ? widths[shrink] - over : least;
}

static void put_cell(FILE *out, const char *text, size_t width, bool right, bool last)
{
        size_t have = text_width(text);
        if (have > width) {
                fprintf(out, "%.*s…", (int) bytes_of(text, width - 1), text);
                have = width;
        } else {
                fprintf(out, "%*s%s", right ? (int) (width - have) : 0, "", text);
        }
        if (!last)
                fprintf(out, "%*s", (int) (right ? 0 : width - have) + 2, "");
}

void table_print(const struct table *t, FILE *out)
{
        size_t widths[TABLE_COLUMNS_MAX], n = t->column_count;
        if (t->cells.count == 0 || n > TABLE_COLUMNS_MAX)
                return;
        measure(t, out, widths);
        fputs(print_style(out, STYLE_BOLD), out);
        for (size_t c = 0; c < n; c++)
                put_cell(out, t->columns[c].title, widths[c], t->columns[c].right, c + 1 == n);
        fprintf(out, "%s\n", print_style(out, STYLE_PLAIN));
        for (size_t i = 0; i < t->cells.count; i++) {
                size_t c = i % n;
                put_cell(out, t->cells.items[i], widths[c], t->columns[c].right, c + 1 == n);
                if (c + 1 == n)
                        fputc('\n', out);
        }
}
