/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies between files: shared where the file system can, holes left as holes. */
#pragma once

#include "base/error.h"

#include <stdint.h>

/*
 * Copies [from_offset, +size) to to_offset of another file, which has zeros there: what is a hole
 * in the source is not written. The target grows to the end of the range.
 * FORMAT when the source ends before the range does.
 */
int ingot_copy_sparse(int from, uint64_t from_offset, int to, uint64_t to_offset, uint64_t size,
                      ingot_error *reterr);
