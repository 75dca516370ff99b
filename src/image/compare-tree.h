/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of compare.c that look at files, and how all of them say what they found. */
#pragma once

#include "image/compare.h"

__attribute__((format(printf, 7, 8))) int
ingot_comparison_add(struct ingot_comparison *c, enum ingot_difference_kind kind,
                     enum ingot_change change, const char *where, const char *name,
                     ingot_error *reterr, const char *what, ...);

enum { FIRST, SECOND };
/* Puts in front of the error of R < 0 which of the two images it is about. */
int ingot_comparison_blame(const struct ingot_comparison *c, int which, int r,
                           ingot_error *reterr);

/* Do the two readers give the same bytes? 1 yes, 0 no. */
int ingot_compare_bytes(const struct ingot_comparison *c, const struct ingot_reader *a, const struct ingot_reader *b,
                        const struct ingot_log *log, ingot_error *reterr);

int ingot_compare_files(struct ingot_comparison *c, const char *where, const struct ingot_tree *a,
                        const struct ingot_tree *b, ingot_error *reterr);
/* The packages of the dpkg databases; nothing when one of the trees has none. */
int ingot_compare_packages(struct ingot_comparison *c, const char *where,
                           const struct ingot_tree *a, const struct ingot_tree *b,
                           ingot_error *reterr);
