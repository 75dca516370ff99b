/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What reaches the user. stdout is data, stderr is messages; names that come from images are
 * escaped before a terminal sees them. Progress is one line on stderr, only on a terminal.
 */
#pragma once

#include "base/error.h"
#include "base/log.h"

#include <stdbool.h>
#include <stdio.h>

/* "ingot: TEXT: strerror", with CONTEXT ("boot: ") in front of the text; NULL: none. */
void print_error(const char *context, const ingot_error *e);
void print_warning(const char *text);

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_FAINT, STYLE_GOOD, STYLE_WARN, STYLE_BAD };
/* Colours on stdout and stderr from now on: where that is a terminal, NO_COLOR is not set and
 * ALLOWED says so. */
void print_allow_color(bool allowed);
/* The escape sequence that starts the style on that stream, "" where there is no colour. */
const char *print_style(FILE *stream, enum style style);
/* TEXT, escaped, in that style. */
void print_styled(FILE *stream, enum style style, const char *text);
/* TEXT, escaped. */
void print_text(FILE *stream, const char *text);
/* How wide the terminal on that stream is; 80 where it is none. */
unsigned print_width(FILE *stream);

/* Warnings, and progress unless QUIET. The progress line is cleared before anything else is
 * printed on stderr by print_error and print_warning, and by print_progress_end. */
struct ingot_log print_log(bool quiet);
void print_progress_end(void);
