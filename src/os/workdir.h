/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A folder for one process: made below a parent, locked while it is used, removed at the end.
 * What a killed process left behind is removed by the next one: its lock is gone.
 */
#pragma once

#include "base/error.h"

struct ingot_workdir {
        char *path;
        int lock;
};
#define INGOT_WORKDIR_NONE ((struct ingot_workdir){.lock = -1})

/* PARENT is made when it is not there. Leftovers that cannot be removed are left. */
int ingot_workdir_create(const char *parent, struct ingot_workdir *ret, ingot_error *reterr);
void ingot_workdir_remove(struct ingot_workdir *w);
