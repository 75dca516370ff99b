/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine's watchdog, /dev/watchdog0 (the kernel's watchdog-api): it restarts the machine
 * unless it is told again and again that all is well. It goes on when its file is closed, so what
 * starts after us is watched from its first moment.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

bool ingot_watchdog_exists(void);
/* Opens and starts it; *ret is closed by the next program's start. SYSTEM. */
int ingot_watchdog_open(int *ret, ingot_error *reterr);
/* From now it waits for SECONDS, or as near to that as it can. SYSTEM. */
int ingot_watchdog_set(int fd, unsigned seconds, ingot_error *reterr);
