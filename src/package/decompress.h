/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A compressed file (xz, zstd, gzip, bzip2, lzma, or none of them), read as a stream by libarchive. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Hands the content of PATH to WRITE in order. LIMIT when it has more than MAX bytes, FORMAT when
 * it is damaged. */
int ingot_decompress(const char *path, uint64_t max,
                     int (*write)(void *context, const void *data, size_t size,
                                  ingot_error *reterr),
                     void *context, ingot_error *reterr);
