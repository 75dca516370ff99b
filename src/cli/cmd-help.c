/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot help [COMMAND] */
#include "cli/command.h"
#include "cli/help.h"
#include "cli/print.h"

#include <string.h>

static int run(const struct invocation *in, ingot_error *reterr)
{
        char name[64] = "";
        for (size_t i = 0; i < in->operand_count; i++) {
                size_t n = strlen(name);
                snprintf(name + n, sizeof(name) - n, "%s%s", n ? " " : "", in->operands[i]);
        }
        if (!*name) {
                help_all(stdout);
                return 0;
        }
        const struct command *c = command_find(name);
        if (!c)
                return help_group(stdout, name) ? 0 : command_unknown(name, reterr);
        help_command(stdout, c);
        return 0;
}

static const struct option rows[] = {{0}};

static const struct example examples[] = {
        {"ingot help", "List the commands"},
        {"ingot help help", "Say what a command does, with its options and examples"},
        {0},
};

const struct command cmd_help = {
        .name = "help",
        .synopsis = "[COMMAND]",
        .summary = "Show what a command does",
        .details = "Shows the same as 'ingot COMMAND --help', or all commands when none is named.",
        .rows = rows,
        .examples = examples,
        .operands_max = 2,
        .run = run,
};
