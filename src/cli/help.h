/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is printed about commands, all out of their tables. */
#pragma once

#include "cli/command.h"

#include <stdbool.h>
#include <stdio.h>

/* TEXT's paragraphs within 80 columns, INDENT spaces before each line but the first, which starts
 * in column AT. */
void help_wrap(FILE *out, const char *text, unsigned indent, unsigned at);
/* `ingot COMMAND --help` and `ingot --help`. */
void help_command(FILE *out, const struct command *c);
void help_all(FILE *out);
/* The commands whose first word is WORD; false when there is none. */
bool help_group(FILE *out, const char *word);
/* mdoc(7) source of ingot-COMMAND(1), and of ingot(1) for NULL. */
void man_page(FILE *out, const struct command *c);
/* A completion script for "bash" or "zsh"; USAGE for another shell. */
int completion_script(FILE *out, const char *shell, ingot_error *reterr);
/* The examples of all commands, or of one: "COMMAND<TAB>LINE". */
void help_examples(FILE *out);
