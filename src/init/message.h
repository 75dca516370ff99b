/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What init says: lines of the kernel's log, so that they reach every console and the journal. */
#pragma once

#include "base/error.h"

/* Once /dev and /proc are there. */
void init_message_open(void);
/* What is done; hidden by "quiet". */
void init_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What a person must read; always shown. */
void init_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The error's text with the system's reason, as init_tell. */
void init_tell_error(const char *what, const ingot_error *error);
