/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root file system of a release: erofs on dm-verity over two partitions, with the root hash's
 * signature for the kernel where there is one. */
#pragma once

#include "base/buffer.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "format/verity.h"

#define INGOT_VERITY_ROOT "root" /* the name that the initrd gives */

struct ingot_verity_root {
        const char *name;                     /* of the device: /dev/mapper/NAME */
        const char *data_node, *hash_node;    /* of the partitions, below /dev */
        struct ingot_strings signature_nodes; /* those that may have its signature */
        const uint8_t *root_hash;             /* INGOT_SHA256_SIZE bytes, trusted by the caller */
};

/*
 * What is to be asked of device mapper, after checking that the superblock fits the partitions
 * (sizes in bytes). UUID has room for 64 bytes: "CRYPT-VERITY-32HEX-NAME", as libcryptsetup names
 * it. OPTIONS is what device-mapper.h has, or NULL. REFUSED when the tree is not for a partition of
 * this size.
 */
int ingot_verity_root_table(const struct ingot_verity *verity, const struct ingot_verity_root *root,
                            uint64_t data_size, uint64_t hash_size, const char *options,
                            struct ingot_buffer *ret_table, char ret_uuid[64], ingot_error *reterr);

/*
 * Starts the device, and mounts it read-only on TARGET. 1: the kernel took the signature of the
 * root hash; 0: there is none that it takes, which is warned about. Nothing stays behind when it
 * fails.
 */
int ingot_verity_root_mount(const struct ingot_verity_root *root, const char *target,
                            const struct ingot_log *log, ingot_error *reterr);
