/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CRC-32 (IEEE 802.3, as GPT uses it) and CRC-32C (Castagnoli, as erofs and ext4 use it). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The finished CRC-32 of SIZE bytes (start and end inverted). */
uint32_t ingot_crc32(const void *data, size_t size);

/* CRC-32C continued from SEED with no inversion at either end (the caller's format says which). */
uint32_t ingot_crc32c(uint32_t seed, const void *data, size_t size);
