/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the first process asks of the kernel: load a module, write to its log, end the machine. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* Loads the module file at PATH. 0: loaded; 1: it was loaded already, or says that the machine has
 * nothing for it (ENODEV). SYSTEM otherwise. */
int ingot_module_load(const char *path, ingot_error *reterr);

/* Opens /dev/kmsg for writing; -1 when there is none. Lines written to it are not rate limited as
 * long as the process that asked for it is early enough to change that. */
int ingot_kmsg_open(void);
/* One line of the kernel's log, LEVEL as syslog counts (3: shown although "quiet"). */
void ingot_kmsg_write(int fd, int level, const char *text);

/* Writes everything back, then restarts or switches off. Returns only when that failed. */
int ingot_machine_end(bool restart, ingot_error *reterr);
