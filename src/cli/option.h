/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Option rows: a command's options as one plain const array. From it come the parser, --help, the
 * man page and the completions, so that they cannot differ.
 *
 *     static const struct option rows[] = {
 *             FLAG('n', "dry-run",         struct disk_options, dry_run, "Write nothing"),
 *             SIZE('s', "size", "BYTES",   struct disk_options, size,    "Total size"),
 *             OPTION_JSON,
 *             {0},
 *     };
 *
 * A row that is bound to a member of another type does not compile. Help texts are sentences
 * without a full stop. The value's name says what it is: FILE and DIR are completed as such.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
        OPTION_TYPE_FLAG = 1, /* bool */
        OPTION_TYPE_STRING,   /* const char *: the last one given; not copied */
        OPTION_TYPE_STRINGS,  /* struct ingot_strings: all that were given */
        OPTION_TYPE_SIZE,     /* uint64_t, in bytes */
        OPTION_TYPE_UINT,     /* uint64_t */
        OPTION_TYPE_CHOICE,   /* int: the index in `choices` */
        OPTION_TYPE_COMMON    /* bool in struct invocation */
};

struct option {
        char letter;      /* 0: only the long form */
        const char *name; /* without the dashes; NULL ends the rows */
        const char *argument;
        size_t offset;
        enum option_type type;
        const char *help;
        const char *const *choices; /* NULL-terminated */
};

struct invocation;
struct command;

/* The offset of a member that has exactly the type WANT. */
#define AT(T, m, want)                                                                             \
        (offsetof(T, m) +                                                                          \
         0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((T *) 0)->m), want) ? 1 : -1]))

#define FLAG(l, n, T, m, h)        {l, n, NULL, AT(T, m, bool), OPTION_TYPE_FLAG, h, NULL}
#define STRING(l, n, a, T, m, h)   {l, n, a, AT(T, m, const char *), OPTION_TYPE_STRING, h, NULL}
#define STRINGS(l, n, a, T, m, h)                                                                  \
        {l, n, a, AT(T, m, struct ingot_strings), OPTION_TYPE_STRINGS, h, NULL}
#define SIZE(l, n, a, T, m, h)     {l, n, a, AT(T, m, uint64_t), OPTION_TYPE_SIZE, h, NULL}
#define UINT(l, n, a, T, m, h)     {l, n, a, AT(T, m, uint64_t), OPTION_TYPE_UINT, h, NULL}
#define CHOICE(l, n, a, T, m, c, h) {l, n, a, AT(T, m, int), OPTION_TYPE_CHOICE, h, c}

/* What several commands have; they are read in struct invocation (cli/command.h). */
#define OPTION_JSON                                                                                \
        {0, "json", NULL, AT(struct invocation, json, bool), OPTION_TYPE_COMMON,                   \
         "Print the result as JSON", NULL}
#define OPTION_QUIET                                                                               \
        {'q', "quiet", NULL, AT(struct invocation, quiet, bool), OPTION_TYPE_COMMON,               \
         "Show no progress", NULL}
#define OPTION_NO_COLOR                                                                            \
        {0, "no-color", NULL, AT(struct invocation, no_color, bool), OPTION_TYPE_COMMON,           \
         "Print without colours, as when NO_COLOR is set", NULL}

/*
 * Parses what follows the command's name into in->options and in->operands (room for ARGC).
 * Options and operands may be mixed; "--" ends the options; "-" alone is an operand. 1: the user
 * asks for --help. USAGE names the mistake.
 */
int option_parse(const struct command *c, int argc, char **argv, struct invocation *in,
                 ingot_error *reterr);
/* Frees what the parser allocated in the options. */
void option_free(const struct option *rows, void *options);
