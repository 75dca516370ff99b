/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a recovery key (measure/recovery-key.h) is shown to the person who keeps it. */
#pragma once

#include "base/log.h"

/* On a line of its own; on a terminal as a QR code, too, with a word on where to keep it. */
void recovery_key_print(const char *key, const struct ingot_log *log);
