/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of a LUKS2 volume, as far as to its JSON text. It is there twice; each copy has a
 * checksum.
 *
 *     offset  size
 *          0     6  "LUKS" ba be, of the second copy "SKUL" ba be
 *          6     2  version, 2            (all numbers are big-endian)
 *          8     8  size of the copy, with the JSON: 16 KiB, 32 KiB … 4 MiB
 *         16     8  number of this state of the header: the copy with the greater one counts
 *         24    48  label
 *         72    32  name of the checksum's algorithm
 *        168    40  UUID, as text
 *        256     8  where the copy stands, in bytes
 *        448    64  checksum of the whole copy, with zeros here
 *       4096        JSON, up to the size, padded with NULs
 *
 * Source: LUKS2 On-Disk Format Specification 1.1.4, sections 2 and 3.
 */
#pragma once

#include "base/buffer.h"
#include "base/io.h"

#define INGOT_LUKS2_JSON_MAX ((size_t) 4 << 20)

struct ingot_luks2 {
        char uuid[41], label[49];
        struct ingot_buffer json; /* without the padding */
};
void ingot_luks2_done(struct ingot_luks2 *l);
#define _cleanup_luks2_ __attribute__((cleanup(ingot_luks2_done)))

/* NOTFOUND: it is no LUKS volume; UNSUPPORTED: LUKS1, or a checksum other than SHA-256; FORMAT:
 * both copies are damaged. */
int ingot_luks2_read(const struct ingot_reader *r, struct ingot_luks2 *ret, ingot_error *reterr);
