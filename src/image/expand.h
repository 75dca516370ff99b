/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that may be compressed, in memory: kernel modules and firmware. */
#pragma once

#include "base/buffer.h"

/* The content behind xz, zstd, gzip or lz4, told by the first bytes; what is not compressed is
 * copied. Appended to RET. FORMAT when it is damaged, LIMIT above MAX bytes,
 * UNSUPPORTED for what is compressed when built without libarchive. */
int ingot_expand(struct ingot_span data, size_t max, struct ingot_buffer *ret,
                 ingot_error *reterr);
