/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What differs between two installations of the same packages, made the same: logs, caches that
 * hold times or file numbers, backups, locks, and what is only good while the system runs. The list
 * is in docs/reproducibility.md. What identifies a machine is removed later (image/identity.h), but
 * for the machine id, which no two runs have in common.
 */
#pragma once

#include "base/error.h"

#include <stdint.h>

/* ROOT is the folder of the installed tree. */
int ingot_tidy(int root, int64_t timestamp, ingot_error *reterr);
