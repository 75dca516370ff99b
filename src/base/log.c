/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Warnings and progress, passed on to whoever listens. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void ingot_warn(const struct ingot_log *log, const char *format, ...)
{
        char text[1024];
        va_list args;
        if (!log || !log->warning)
                return;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        log->warning(log->context, text);
}

void ingot_progress(const struct ingot_log *log, const char *what, uint64_t done, uint64_t total)
{
        if (log && log->progress)
                log->progress(log->context, what, done, total);
}
