/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the library tells while it works: warnings and progress, through callbacks of the caller.
 * Errors never come this way (base/error.h). Every callback and the object itself may be NULL.
 * Called only in the thread that called the library.
 */
#pragma once

#include <stdint.h>

struct ingot_log {
        void (*warning)(void *context, const char *text);
        /* WHAT is done: DONE of TOTAL bytes or things (TOTAL 0: not known). Cheap to call often. */
        void (*progress)(void *context, const char *what, uint64_t done, uint64_t total);
        void *context;
};

void ingot_warn(const struct ingot_log *log, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void ingot_progress(const struct ingot_log *log, const char *what, uint64_t done, uint64_t total);
