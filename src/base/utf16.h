/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UTF-16 in memory, for the formats of the PC: GPT names, FAT names, PE strings. */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* UTF-8 to code units, no NUL; false when TEXT is no UTF-8 or needs more than MAX units. */
bool ingot_utf16_from_utf8(const char *text, uint16_t *ret, size_t max, size_t *ret_count);

/* COUNT units to UTF-8 with a NUL, into RET of 3 * COUNT + 1 bytes. Stops at a unit of 0; halves of
 * surrogate pairs become U+FFFD. */
void ingot_utf16_to_utf8(const uint16_t *units, size_t count, char *ret);

/* The text of little-endian units as they stand in a file, in *ret, which the caller frees; an odd
 * byte at the end is left out. */
int ingot_utf16_text(struct ingot_span bytes, char **ret, ingot_error *reterr);
