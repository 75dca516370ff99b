/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both CRCs, bit by bit over a nibble table: they cover kilobytes, never the data of an image. */
#include "base/crc32.h"

static uint32_t run(uint32_t crc, const uint8_t *p, size_t size, uint32_t polynomial)
{
        uint32_t table[16];
        for (uint32_t i = 0; i < 16; i++) {
                uint32_t v = i;
                for (int bit = 0; bit < 4; bit++)
                        v = v & 1 ? v >> 1 ^ polynomial : v >> 1;
                table[i] = v;
        }
        for (size_t i = 0; i < size; i++) {
                crc ^= p[i];
                crc = crc >> 4 ^ table[crc & 15];
                crc = crc >> 4 ^ table[crc & 15];
        }
        return crc;
}

uint32_t ingot_crc32(const void *data, size_t size)
{
        return ~run(0xffffffff, data, size, 0xedb88320);
}

uint32_t ingot_crc32c(uint32_t seed, const void *data, size_t size)
{
        return run(seed, data, size, 0x82f63b78);
}
