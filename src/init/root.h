/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root: dm-verity over the two partitions, its file system read-only on /sysroot. */
#pragma once

#include "base/buffer.h"
#include "base/sha256.h"
#include "format/verity.h"
#include "init/disk.h"

#define INIT_SYSROOT "/sysroot"

/*
 * What is to be asked of device mapper, after checking that the superblock fits the partitions
 * (sizes in bytes). UUID has room for 64 bytes: "CRYPT-VERITY-32HEX-root", as libcryptsetup names
 * it. OPTIONS is what device-mapper.h has, or NULL. REFUSED when the tree is not for a partition of
 * this size.
 */
int init_verity_table(const struct ingot_verity *verity, const uint8_t *root_hash,
                      const char *data_device, const char *hash_device, uint64_t data_size,
                      uint64_t hash_size, const char *options, struct ingot_buffer *ret_table,
                      char ret_uuid[64], ingot_error *reterr);

int init_root_mount(const struct init_root_place *place,
                    const uint8_t root_hash[INGOT_SHA256_SIZE], ingot_error *reterr);
