/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manual pages as mdoc(7) source, which both mandoc and groff read. */
#include "base/cleanup.h"
#include "cli/help.h"

#include <ctype.h>
#include <string.h>

/* The manual's date is the release's, not the build's: the same source gives the same bytes. */
#define MANUAL_DATE "November 22, 2026"

/* One input line of at most SIZE bytes; a leading control character and backslashes are escaped. */
static void put_line(FILE *out, const char *text, size_t size)
{
        if (size > 0 && (text[0] == '.' || text[0] == '\''))
                fputs("\\&", out);
        for (size_t i = 0; i < size; i++)
                if (text[i] == '\\')
                        fputs("\\e", out);
                else
                        fputc(text[i], out);
}

/* The length of the next sentence of a paragraph, with its full stop. */
static size_t sentence_length(const char *text, size_t size)
{
        for (size_t i = 0; i + 2 < size; i++)
                if (strchr(".?!", text[i]) && text[i + 1] == ' ' &&
                    isupper((unsigned char) text[i + 2]))
                        return i + 1;
        return size;
}

/* Breaks a sentence into lines of less than 80 bytes. */
static void put_sentence(FILE *out, const char *text, size_t size)
{
        while (size > 0) {
                size_t n = size;
                if (n > 78)
                        for (n = 78; n > 0 && text[n] != ' '; n--)
                                ;
                if (n == 0)
                        n = size;
                put_line(out, text, n);
                fputc('\n', out);
                while (n < size && text[n] == ' ')
                        n++;
                text += n;
                size -= n;
        }
}

/* New sentence, new line. */
static void put_paragraph(FILE *out, const char *text, size_t size)
{
        while (size > 0) {
                size_t n = sentence_length(text, size);
                put_sentence(out, text, n);
                while (n < size && text[n] == ' ')
                        n++;
                text += n;
                size -= n;
        }
}

/* Paragraphs with empty lines between them; indented ones are literal. */
static void put_text(FILE *out, const char *text)
{
        for (bool first = true; *text; first = false) {
                const char *end = strstr(text, "\n\n");
                size_t size = end ? (size_t) (end - text) : strlen(text);
                if (text[0] == ' ') {
                        fputs(".Bd -literal -offset indent\n", out);
                        for (const char *p = text; p < text + size;) {
                                size_t n = strcspn(p, "\n");
                                put_line(out, p + 2, n > 2 ? n - 2 : 0);
                                fputc('\n', out);
                                p += n + (p[n] == '\n');
                        }
                        fputs(".Ed\n", out);
                } else {
                        if (!first)
                                fputs(".Pp\n", out);
                        put_paragraph(out, text, size);
                }
                text += size;
                text += strspn(text, "\n");
        }
}

static void put_sentence_text(FILE *out, const char *text)
{
        put_paragraph(out, text, strlen(text));
}

/* A text of a table, which has no end, with one. */
static void put_ended(FILE *out, const char *text, char end)
{
        char whole[1024];
        snprintf(whole, sizeof(whole), "%s%c", text, end);
        put_sentence_text(out, whole);
}

static void put_option(FILE *out, const struct option *o)
{
        fputs(".It ", out);
        if (o->letter)
                fprintf(out, "Fl %c , ", o->letter);
        fprintf(out, "Fl Fl %s", o->name);
        if (o->argument)
                fprintf(out, " Ns = Ns Ar %s", o->argument);
        fputc('\n', out);
        put_ended(out, o->help, '.');
        if (o->type != OPTION_TYPE_CHOICE)
                return;
        fputs("One of\n", out);
        for (const char *const *c = o->choices; *c; c++)
                fprintf(out, ".Cm %s%s\n", *c, c[1] ? " ," : " .");
}

static void put_head(FILE *out, const char *name, const char *summary)
{
        char upper[64];
        snprintf(upper, sizeof(upper), "%s", name);
        for (char *p = upper; *p; p++)
                *p = (char) (*p == ' ' ? '-' : toupper((unsigned char) *p));
        fprintf(out, ".Dd %s\n.Dt %s 1\n.Os\n.Sh NAME\n", MANUAL_DATE, upper);
        for (char *p = upper; *p; p++)
                *p = (char) tolower((unsigned char) *p);
        fprintf(out, ".Nm %s\n.Nd %s\n", upper, summary);
}

static void put_exit_status(FILE *out)
{
        fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds\n"
              ".It 0\nDone.\n"
              ".It 1\nFailed; the last line of standard error says why.\n"
              ".It 2\nThe command line cannot be meant.\n"
              ".It 3\nChecked and refused: a digest, a signature or a policy says no.\n"
              ".El\n",
              out);
}

static void put_examples(FILE *out, const struct command *c)
{
        if (!c->examples)
                return;
        fputs(".Sh EXAMPLES\n", out);
        for (const struct example *e = c->examples; e->line; e++) {
                fputs(e == c->examples ? "" : ".Pp\n", out);
                put_ended(out, e->says, ':');
                fputs(".Pp\n.Dl ", out);
                put_line(out, e->line, strlen(e->line));
                fputc('\n', out);
        }
}

static void man_command(FILE *out, const struct command *c)
{
        char full[80];
        snprintf(full, sizeof(full), "ingot %s", c->name);
        put_head(out, full, c->summary);
        fprintf(out, ".Sh SYNOPSIS\n.Nm ingot %s\n.Op Ar OPTION ...\n", c->name);
        if (*c->synopsis)
                fprintf(out, ".Ar %s\n", c->synopsis);
        fputs(".Sh DESCRIPTION\n", out);
        if (c->details && *c->details)
                put_text(out, c->details);
        else
                put_ended(out, c->summary, '.');
        fputs(".Pp\nThe options are as follows:\n.Bl -tag -width Ds\n", out);
        for (const struct option *o = c->rows; o && o->name; o++)
                put_option(out, o);
        fputs(".It Fl h , Fl Fl help\nShow a short help.\n.El\n", out);
        put_exit_status(out);
        put_examples(out, c);
        fputs(".Sh SEE ALSO\n.Xr ingot 1\n", out);
}

static int by_name(const void *a, const void *b)
{
        return strcmp((*(const struct command *const *) a)->name,
                      (*(const struct command *const *) b)->name);
}

/* mdoc wants references in the order of their names. */
static void put_see_also(FILE *out)
{
        const struct command *sorted[128];
        size_t count = 0;
        for (; commands[count] && count < ARRAY_SIZE(sorted); count++)
                sorted[count] = commands[count];
        qsort(sorted, count, sizeof(*sorted), by_name);
        fputs(".Sh SEE ALSO\n", out);
        for (size_t i = 0; i < count; i++) {
                fputs(".Xr ingot-", out);
                for (const char *p = sorted[i]->name; *p; p++)
                        fputc(*p == ' ' ? '-' : *p, out);
                fprintf(out, " 1%s\n", i + 1 < count ? " ," : "");
        }
}

void man_page(FILE *out, const struct command *c)
{
        if (c) {
                man_command(out, c);
                return;
        }
        put_head(out, "ingot", "from packages to a sealed, measured, updatable system image");
        fputs(".Sh SYNOPSIS\n.Nm\n.Ar COMMAND\n.Op Ar OPTION ...\n.Op Ar FILE ...\n"
              ".Sh DESCRIPTION\n",
              out);
        put_sentence_text(out, "Carries an operating system image from packages to a sealed, "
                               "measured, updatable machine. Everything is written in the formats "
                               "of the UAPI specifications and of systemd.");
        fputs(".Pp\nData goes to standard output, messages to standard error.\n"
              ".Pp\nThe commands are as follows:\n.Bl -tag -width Ds\n",
              out);
        for (size_t i = 0; commands[i]; i++)
                fprintf(out, ".It Cm %s\n%s.\n", commands[i]->name, commands[i]->summary);
        fputs(".El\n.Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
              ".It Ev NO_COLOR\nWhen it is set and not empty, no colours are printed.\n.El\n",
              out);
        put_exit_status(out);
        put_see_also(out);
}
