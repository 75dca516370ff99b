/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the library's own sources include of its public face. */
#pragma once

#include "base/error.h"

/* The same enum and structure stand in both; tests/library holds them against each other. */
#define INGOT_ERROR_IS_DECLARED
#include "../../include/ingot.h"
