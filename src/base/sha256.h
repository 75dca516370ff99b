/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SHA-256 (FIPS 180-4), by the CPU's instructions where it has them.
 *
 * Why our own beside OpenSSL, which does all that has a key: the initrd's program must stay below
 * 1 MB, and a verity tree is built from many short messages with a common prefix, where the cost
 * of a context per message shows. See docs/decisions/.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define INGOT_SHA256_SIZE 32

struct ingot_sha256 {
        uint32_t state[8];
        uint64_t size;
        uint8_t block[64];
};

void ingot_sha256_init(struct ingot_sha256 *h);
void ingot_sha256_update(struct ingot_sha256 *h, const void *data, size_t size);
void ingot_sha256_final(struct ingot_sha256 *h, uint8_t ret[INGOT_SHA256_SIZE]);

/* The state behind a whole number of blocks (64 bytes), so that another may go on from there without
 * what stood before. Export only when `size` is a multiple of 64; import takes SIZE as given. */
void ingot_sha256_export(const struct ingot_sha256 *h, uint8_t ret[INGOT_SHA256_SIZE]);
void ingot_sha256_import(struct ingot_sha256 *h, const uint8_t state[INGOT_SHA256_SIZE],
                         uint64_t size);

void ingot_sha256_of(const void *data, size_t size, uint8_t ret[INGOT_SHA256_SIZE]);
/*
 * The digests of COUNT messages, each of PREFIX followed by one of COUNT blocks of SIZE bytes that
 * lie one behind another; RET has room for COUNT digests. Several messages at once, which is about
 * twice as fast as one after the other where the CPU has SHA instructions.
 */
void ingot_sha256_of_blocks(const void *prefix, size_t prefix_size, const void *blocks, size_t size,
                            size_t count, uint8_t *ret);

void ingot_hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
                       uint8_t ret[INGOT_SHA256_SIZE]);
