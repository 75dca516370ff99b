/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs of others that judge what ingot writes: of the host (PATH, /sbin), or of the Debian sid
 * root that INGOT_ORACLES names (through tools/oracles, which needs root).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Is the program in either? In the sid root? */
bool oracle_found(const char *program);
bool oracle_found_newest(const char *program);

/* A file of these bytes below test_folder(); the path is good until the fourth next call. Zeros
 * become holes. */
const char *oracle_file(const char *name, const void *data, size_t size);

/* Runs a shell command in which the first word is the program; its stdout in *RET (the caller frees;
 * NULL: not wanted). The exit status, or -1. */
int oracle_run(char **ret, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, always in the sid root. */
int oracle_run_newest(char **ret, const char *format, ...) __attribute__((format(printf, 2, 3)));
