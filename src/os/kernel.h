/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the first process asks of the kernel: load a module, keep a
 * key, write to its log, end the machine. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Loads the module file at PATH with its parameters, "NAME=VALUE" with blanks between ("": none).
 * 0: loaded; 1: it was loaded already, or says that the machine has nothing for it (ENODEV). SYSTEM
 * otherwise. */
int ingot_module_load(const char *path, const char *parameters, ingot_error *reterr);

/* What `uname -r` says. */
int ingot_kernel_release(char **ret, ingot_error *reterr);

/* A secret or signature of type "user", for a later call of this thread that names it; it is gone
 * when the thread's program ends (keyrings(7), the thread keyring). SYSTEM. */
int ingot_kernel_key_add(const char *name, const void *data, size_t size, ingot_error *reterr);

/* Opens /dev/kmsg for writing; -1 when there is none. Lines written to it are not rate limited as
 * long as the process that asked for it is early enough to change that. */
int ingot_kmsg_open(void);
/* One line of the kernel's log, LEVEL as syslog counts (3: shown although "quiet"). */
void ingot_kmsg_write(int fd, int level, const char *text);

/* Writes everything back, then restarts or switches off. Returns only when that failed. */
int ingot_machine_end(bool restart, ingot_error *reterr);
