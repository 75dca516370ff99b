/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages; names from disks are escaped before they reach a terminal. */
#include "init/message.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"
#include "os/kernel.h"

#include <stdio.h>
#include <string.h>

#define LEVEL_ERROR 3
#define LEVEL_INFO 6

static int kmsg = -1;

void init_message_open(void)
{
        kmsg = ingot_kmsg_open();
}

__attribute__((format(printf, 2, 0))) static void emit(int level, const char *format, va_list args)
{
        char text[800] = "ingot: ";
        size_t prefix = strlen(text);
        vsnprintf(text + prefix, sizeof(text) - prefix, format, args);
        _cleanup_free_ char *safe = ingot_escape(text);
        if (!safe)
                return;
        if (kmsg >= 0) {
                ingot_kmsg_write(kmsg, level, safe);
                return;
        }
        ingot_file_write_all(STDERR_FILENO, safe, strlen(safe), NULL);
        ingot_file_write_all(STDERR_FILENO, "\n", 1, NULL);
}

void init_say(const char *format, ...)
{
        va_list args;
        va_start(args, format);
        emit(LEVEL_INFO, format, args);
        va_end(args);
}

void init_tell(const char *format, ...)
{
        va_list args;
        va_start(args, format);
        emit(LEVEL_ERROR, format, args);
        va_end(args);
}

void init_tell_error(const char *what, const ingot_error *error)
{
        if (error->os)
                init_tell("%s: %s: %s", what, error->text, strerror(error->os));
        else
                init_tell("%s: %s", what, error->text);
}
