/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times as options take them. */
#pragma once

#include "base/error.h"

#include <stdint.h>

/* "2026-11-22", "2026-11-22 13:48:29", or "@" and seconds since 1970; UTC. USAGE names OPTION. */
int option_time(const char *option, const char *text, uint64_t *ret, ingot_error *reterr);
