/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --help: what fits a terminal of 80 columns. */
#include "cli/help.h"

#include <string.h>

enum { WIDTH = 79, OPTION_COLUMN = 28 };

static void spaces(FILE *out, unsigned n)
{
        fprintf(out, "%*s", (int) n, "");
}

/* One paragraph of running text. */
static const char *wrap_paragraph(FILE *out, const char *text, unsigned indent, unsigned at)
{
        bool first = true;
        while (*text && *text != '\n') {
                size_t word = strcspn(text, " \n");
                if (!first && at + 1 + word > WIDTH) {
                        fputc('\n', out);
                        spaces(out, indent);
                        at = indent;
                        first = true;
                }
                if (!first) {
                        fputc(' ', out);
                        at++;
                }
                fwrite(text, 1, word, out);
                at += (unsigned) word;
                first = false;
                text += word;
                text += strspn(text, " ");
                if (text[0] == '\n' && text[1] && text[1] != '\n' && text[1] != ' ')
                        text++;
        }
        fputc('\n', out);
        return text;
}

void help_wrap(FILE *out, const char *text, unsigned indent, unsigned at)
{
        while (*text) {
                size_t line = strcspn(text, "\n");
                if (text[0] == '\n') {
                        fputc('\n', out);
                        text++;
                        continue;
                }
                if (at < indent) {
                        spaces(out, indent - at);
                        at = indent;
                }
                if (text[0] == ' ') {
                        fwrite(text, 1, line, out);
                        fputc('\n', out);
                        text += line;
                } else {
                        text = wrap_paragraph(out, text, indent, at);
                }
                text += *text == '\n';
                at = 0;
        }
}

static void help_option(FILE *out, const struct option *o)
{
        char left[128], letter[8] = "    ";
        if (o->letter)
                snprintf(letter, sizeof(letter), "-%c, ", o->letter);
        int n = snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o->name,
                         o->argument ? "=" : "", o->argument ? o->argument : "");
        fputs(left, out);
        if (n + 2 > OPTION_COLUMN) {
                fputc('\n', out);
                n = 0;
        }
        help_wrap(out, o->help, OPTION_COLUMN, (unsigned) n);
        if (o->type != OPTION_TYPE_CHOICE)
                return;
        char words[256] = "";
        size_t used = 0;
        for (const char *const *c = o->choices; *c && used < sizeof(words); c++)
                used += (size_t) snprintf(words + used, sizeof(words) - used, "%s%s",
                                          c == o->choices ? "one of " : ", ", *c);
        help_wrap(out, words, OPTION_COLUMN, 0);
}

void help_command(FILE *out, const struct command *c)
{
        static const struct option help = {'h', "help", NULL, 0, OPTION_TYPE_FLAG,
                                           "Show this help", NULL};
        fprintf(out, "Usage: ingot %s [OPTION...]%s%s\n\n", c->name, *c->synopsis ? " " : "",
                c->synopsis);
        fprintf(out, "%s.\n", c->summary);
        if (c->details && *c->details) {
                fputc('\n', out);
                help_wrap(out, c->details, 0, 0);
        }
        fputs("\nOptions:\n", out);
        for (const struct option *o = c->rows; o && o->name; o++)
                help_option(out, o);
        help_option(out, &help);
        if (c->examples)
                fputs("\nExamples:\n", out);
        for (const struct example *e = c->examples; e && e->line; e++) {
                fprintf(out, "  %s\n", e->line);
                help_wrap(out, e->says, 6, 0);
        }
}

/* One line for each command whose first word is WORD (NULL: of all); how many there are. */
static size_t list_commands(FILE *out, const char *word)
{
        size_t count = 0, size = word ? strlen(word) : 0;
        for (size_t i = 0; commands[i]; i++) {
                if (word && (strncmp(commands[i]->name, word, size) != 0 ||
                             commands[i]->name[size] != ' '))
                        continue;
                if (count++ == 0)
                        fputs("Commands:\n", out);
                int n = fprintf(out, "  %-15s ", commands[i]->name);
                help_wrap(out, commands[i]->summary, 18, (unsigned) n);
        }
        return count;
}

bool help_group(FILE *out, const char *word)
{
        if (list_commands(out, word) == 0)
                return false;
        fprintf(out, "\n'ingot help %s COMMAND' says more about one.\n", word);
        return true;
}

void help_all(FILE *out)
{
        fputs("Usage: ingot COMMAND [OPTION...] [FILE...]\n\n"
              "From packages to a sealed, measured, updatable system image.\n\n",
              out);
        list_commands(out, NULL);
        fputs("\nOptions:\n"
              "  -h, --help                Show this help\n"
              "      --version             Show the version\n"
              "      --man=COMMAND         Print a command's manual page (mdoc)\n"
              "      --completion=SHELL    Print completions for bash or zsh\n"
              "\n'ingot help COMMAND' says more about a command.\n",
              out);
}

void help_examples(FILE *out)
{
        for (size_t i = 0; commands[i]; i++)
                for (const struct example *e = commands[i]->examples; e && e->line; e++)
                        fprintf(out, "%s\t%s\n", commands[i]->name, e->line);
}
