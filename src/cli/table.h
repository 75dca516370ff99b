/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables on stdout: columns as wide as their widest cell, two spaces between them. On a terminal
 * that is narrower the cells of the one column that may shrink are cut with an ellipsis; anywhere
 * else nothing is cut, so that a program reads whole cells.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 16 };

struct table_column {
        const char *title;
        bool right;  /* aligned right, as numbers are */
        bool shrink; /* cut when the terminal is too narrow */
};

struct table {
        const struct table_column *columns;
        size_t column_count;
        struct ingot_strings cells; /* row by row, escaped */
};

/* COLUMNS is an array, and outlives the table. */
#define TABLE(c) ((struct table){.columns = (c), .column_count = ARRAY_SIZE(c)})
void table_done(struct table *t);
#define _cleanup_table_ __attribute__((cleanup(table_done)))

/* The next cell; rows are filled from left to right. A NULL text is "-". */
int table_add(struct table *t, const char *text, ingot_error *reterr);
int table_addf(struct table *t, ingot_error *reterr, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Prints titles and rows; a table without rows prints nothing. */
void table_print(const struct table *t, FILE *out);
