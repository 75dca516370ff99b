/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A command is one file, src/cli/cmd-NAME.c, that exports cmd_NAME: its options, its texts, its
 * examples and what it does. It is listed in cli/commands.h (and in meson's list).
 */
#pragma once

#include "base/log.h"
#include "cli/option.h"

/* Every example is executed by tests/cli/examples in a folder that the script
 * tests/cli/examples.d/COMMAND fills. */
struct example {
        const char *line; /* "ingot inspect image.raw" */
        const char *says; /* what it does, a sentence without a full stop */
};

struct command {
        const char *name;     /* "build", or two words: "pcr predict" */
        const char *synopsis; /* the operands: "FILE..." */
        const char *summary;  /* one line, without a full stop */
        const char *details;  /* paragraphs with an empty line between them; lines that start with
                               * two spaces are shown as they are */
        const struct option *rows;
        const struct example *examples; /* until one without a line; or NULL */
        size_t operands_min, operands_max;
        size_t options_size;  /* of the options struct, which starts as zeros … */
        const void *defaults; /* … or as a copy of this */
        /* 0 done, > 0 the exit status of a documented outcome (3: checked and refused), < 0 failed:
         * the error is printed and its code decides the exit status. Prints data on stdout only. */
        int (*run)(const struct invocation *in, ingot_error *reterr);
};

#define OPERANDS_ANY ((size_t) -1)

/* One call of a command. */
struct invocation {
        const struct command *command;
        void *options; /* the command's own struct */
        const char **operands;
        size_t operand_count;
        bool json, quiet, no_color;
        const struct ingot_log *log; /* warnings and progress, as the user wants them */
};

/* The table of commands, in the order in which they are shown; ends with NULL. */
extern const struct command *const commands[];
/* The command of that name, or NULL. */
const struct command *command_find(const char *name);
/* USAGE, with the nearest name that there is. */
int command_unknown(const char *name, ingot_error *reterr);
