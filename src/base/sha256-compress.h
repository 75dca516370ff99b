/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of SHA-256, shared by the one-message and the many-message code. Not for others. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const uint32_t ingot_sha256_start[8];
extern const uint32_t ingot_sha256_k[64];

/* Does the CPU have the SHA instructions of x86 (and SSE 4.1)? */
bool ingot_sha256_has_ni(void);

/* BLOCKS pieces of 64 bytes into STATE. */
void ingot_sha256_compress(uint32_t state[8], const uint8_t *data, size_t blocks);
/* The same without instructions that a CPU may lack; for tests. */
void ingot_sha256_compress_portable(uint32_t state[8], const uint8_t *data, size_t blocks);
