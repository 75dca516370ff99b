/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parser of option rows. Abbreviations are refused: they break when an option is added. */
#include "cli/option.h"
#include "base/cleanup.h"
#include "cli/command.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64 };

static const struct option help_row = {'h', "help", NULL, 0, OPTION_TYPE_FLAG, NULL, NULL};

struct parser {
        const struct command *command;
        struct invocation *in;
        int argc, at;
        char **argv;
        bool help;
};

static const struct option *by_letter(const struct option *rows, char letter)
{
        for (; rows && rows->name; rows++)
                if (rows->letter == letter)
                        return rows;
        return letter == 'h' ? &help_row : NULL;
}

static const struct option *by_name(const struct option *rows, const char *name, size_t length)
{
        for (; rows && rows->name; rows++)
                if (strlen(rows->name) == length && memcmp(rows->name, name, length) == 0)
                        return rows;
        return length == 4 && memcmp(name, "help", 4) == 0 ? &help_row : NULL;
}

static int unknown_name(const struct option *rows, const char *name, ingot_error *reterr)
{
        const char *names[NAMES_MAX] = {"help"};
        size_t count = 1;
        for (; rows && rows->name && count < NAMES_MAX; rows++)
                names[count++] = rows->name;
        const char *nearest = ingot_nearest(name, names, count);
        if (nearest)
                return ingot_fail(reterr, INGOT_E_USAGE, "no option --%s; did you mean --%s?", name,
                                  nearest);
        return ingot_fail(reterr, INGOT_E_USAGE, "no option --%s", name);
}

static int set_choice(const struct option *o, int *ret, const char *value, ingot_error *reterr)
{
        size_t count = 0;
        while (o->choices[count])
                count++;
        for (size_t i = 0; i < count; i++)
                if (strcmp(o->choices[i], value) == 0) {
                        *ret = (int) i;
                        return 0;
                }
        const char *nearest = ingot_nearest(value, o->choices, count);
        return ingot_fail(reterr, INGOT_E_USAGE, "--%s: not one of its values: '%s'%s%s%s", o->name,
                          value, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                          nearest ? "'?" : "");
}

static int set_value(const struct option *o, struct invocation *in, const char *value,
                     ingot_error *reterr)
{
        void *place = (char *) (o->type == OPTION_TYPE_COMMON ? (void *) in : in->options) +
                      o->offset;
        switch (o->type) {
        case OPTION_TYPE_FLAG:
        case OPTION_TYPE_COMMON:
                *(bool *) place = true;
                return 0;
        case OPTION_TYPE_STRING:
                *(const char **) place = value;
                return 0;
        case OPTION_TYPE_STRINGS:
                return ingot_strings_add(place, value, reterr);
        case OPTION_TYPE_SIZE:
                if (!ingot_parse_size(value, place))
                        return ingot_fail(reterr, INGOT_E_USAGE,
                                          "--%s: not a size: '%s' (as in 512M or 4G)", o->name,
                                          value);
                return 0;
        case OPTION_TYPE_UINT:
                if (!ingot_parse_u64(value, place))
                        return ingot_fail(reterr, INGOT_E_USAGE, "--%s: not a number: '%s'",
                                          o->name, value);
                return 0;
        case OPTION_TYPE_CHOICE:
                return set_choice(o, place, value, reterr);
        }
        return ingot_fail(reterr, INGOT_E_INTERNAL, "--%s has no type", o->name);
}

/* VALUE is what stood in the same word, or NULL; then the next word is taken. */
static int take_option(struct parser *p, const struct option *o, const char *value,
                       ingot_error *reterr)
{
        if (o == &help_row) {
                p->help = true;
                return 0;
        }
        if (o->argument && !value) {
                if (p->at >= p->argc)
                        return ingot_fail(reterr, INGOT_E_USAGE, "--%s needs a value: %s", o->name,
                                          o->argument);
                value = p->argv[p->at++];
        }
        return set_value(o, p->in, value, reterr);
}

static int parse_long(struct parser *p, const char *name, ingot_error *reterr)
{
        size_t length = strcspn(name, "=");
        const struct option *o = by_name(p->command->rows, name, length);
        if (!o) {
                _cleanup_free_ char *typed = strndup(name, length);
                return typed ? unknown_name(p->command->rows, typed, reterr)
                             : ingot_fail_nomem(reterr);
        }
        if (name[length] && !o->argument)
                return ingot_fail(reterr, INGOT_E_USAGE, "--%s takes no value", o->name);
        return take_option(p, o, name[length] ? name + length + 1 : NULL, reterr);
}

/* "-qn" are two flags; the rest of the word behind an option with a value is its value. */
static int parse_letters(struct parser *p, const char *letters, ingot_error *reterr)
{
        for (; *letters; letters++) {
                const struct option *o = by_letter(p->command->rows, *letters);
                if (!o)
                        return ingot_fail(reterr, INGOT_E_USAGE, "no option -%c", *letters);
                bool rest = o->argument && letters[1];
                int r = take_option(p, o, rest ? letters + 1 : NULL, reterr);
                if (r < 0 || rest)
                        return r;
        }
        return 0;
}

static int check_operands(const struct command *c, const struct invocation *in,
                          ingot_error *reterr)
{
        if (in->operand_count < c->operands_min)
                return ingot_fail(reterr, INGOT_E_USAGE, "something is missing: it needs %s",
                                  c->synopsis);
        if (in->operand_count > c->operands_max)
                return ingot_fail(reterr, INGOT_E_USAGE, "one operand too many: '%s'",
                                  in->operands[c->operands_max]);
        return 0;
}

int option_parse(const struct command *c, int argc, char **argv, struct invocation *in,
                 ingot_error *reterr)
{
        struct parser p = {.command = c, .in = in, .argc = argc, .argv = argv};
        bool ended = false;
        while (p.at < argc) {
                const char *word = argv[p.at++];
                int r = 0;
                if (ended || word[0] != '-' || !word[1])
                        in->operands[in->operand_count++] = word;
                else if (strcmp(word, "--") == 0)
                        ended = true;
                else if (word[1] == '-')
                        r = parse_long(&p, word + 2, reterr);
                else
                        r = parse_letters(&p, word + 1, reterr);
                if (r < 0)
                        return r;
        }
        return p.help ? 1 : check_operands(c, in, reterr);
}

void option_free(const struct option *rows, void *options)
{
        for (; rows && rows->name; rows++)
                if (rows->type == OPTION_TYPE_STRINGS)
                        ingot_strings_done((struct ingot_strings *) ((char *) options +
                                                                     rows->offset));
}
