/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder of files that may be deleted: how much lies in it, and the old ones away. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct ingot_sweep {
        uint64_t files, bytes;           /* that stay; bytes on disk */
        uint64_t removed, removed_bytes; /* that went */
};

/* Adds up all files below FOLDER. Files that others remove meanwhile are no error. */
int ingot_sweep_measure(const char *folder, struct ingot_sweep *ret, ingot_error *reterr);
/* Removes those that were last changed SECONDS ago or earlier (0: all), and folders left empty. */
int ingot_sweep_clean(const char *folder, uint64_t seconds, struct ingot_sweep *ret,
                      ingot_error *reterr);
