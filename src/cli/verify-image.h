/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `ingot verify IMAGE` and `ingot verify FOLDER`: everything that is in them, not one signature. */
#pragma once

#include "cli/verify.h"
#include "image/verify.h"

/* Is NAME a folder, or a file that ingot knows as an image, program, hash tree or the like? */
bool verify_is_image(const char *name);

/*
 * Verifies the file or folder NAME: the table on stdout, or JSON. Of the options
 * count the keys ("PURPOSE=FILE"), threshold, dbx, policy and level. The exit status: 0 holds, 3 refused, 1 could
 * not be checked.
 */
int verify_image(const struct invocation *in, const char *name, const struct verify_options *o,
                 ingot_error *reterr);
