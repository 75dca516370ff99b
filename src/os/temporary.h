/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder for what is needed only while a command runs. */
#pragma once

#include "base/error.h"

struct ingot_temporary {
        char *path; /* NULL: none */
};

/* A new folder, mode 0700, below TMPDIR or /var/tmp (what lies in it may be large): "NAME-XXXXXX". */
int ingot_temporary_create(struct ingot_temporary *ret, const char *name, ingot_error *reterr);
/* Removes it with all that is in it. */
void ingot_temporary_remove(struct ingot_temporary *t);
#define _cleanup_temporary_ __attribute__((cleanup(ingot_temporary_remove)))
