/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * INI as systemd writes it (systemd.syntax(7)): sections in brackets, Key=Value, comments from '#'
 * or ';' at the start of a line, a backslash at the end of a line joins the next one with a space.
 * White space around keys and values is dropped. No quoting; what a value means is its reader's
 * business.
 *
 * Refused with FORMAT, naming file and line: text that is no UTF-8 or holds NUL, a line that is
 * neither section nor assignment, an assignment before the first section, an empty name.
 * LIMIT: more than INGOT_INI_SIZE_MAX bytes.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#define INGOT_INI_SIZE_MAX ((size_t) 1 << 20)

struct ingot_ini_line {
        const char *file;
        unsigned line; /* from 1; of joined lines the first */
        const char *section, *key, *value;
};

/* Called for each assignment; < 0 stops with that error. */
typedef int (*ingot_ini_fn)(void *context, const struct ingot_ini_line *line, ingot_error *reterr);

/* FILE is only for messages. */
int ingot_ini_parse(const char *file, struct ingot_span text, ingot_ini_fn fn, void *context,
                    ingot_error *reterr);
