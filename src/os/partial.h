/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that grows over several runs: a download that can be taken up again. It is locked while it
 * is open; a second process that wants the same one gets a file of its own beside it.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct ingot_partial {
        int fd; /* -1: closed */
        char *path;
        uint64_t size;
};

#define INGOT_PARTIAL_NONE ((struct ingot_partial){.fd = -1})

/* Opens or makes PATH; what it holds already is the caller's to judge (ingot_file_pread on fd). */
int ingot_partial_open(struct ingot_partial *ret, const char *path, ingot_error *reterr);
int ingot_partial_append(struct ingot_partial *p, const void *data, size_t size,
                         ingot_error *reterr);
/* Throws away what it holds. */
int ingot_partial_empty(struct ingot_partial *p, ingot_error *reterr);
/* Renames it to PATH, on the same file system, and closes it. */
int ingot_partial_publish(struct ingot_partial *p, const char *path, ingot_error *reterr);
/* Closes it: it stays for the next run, unless it is empty. */
void ingot_partial_close(struct ingot_partial *p);
