/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device mapper by its ioctls (Linux, include/uapi/linux/dm-ioctl.h): one device with one target.
 * Needs CAP_SYS_ADMIN and /dev/mapper/control, which devtmpfs makes when dm_mod is loaded.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* What a dm-verity table says (Linux, Documentation/admin-guide/device-mapper/verity.rst). */
struct ingot_dm_verity {
        const char *data_device, *hash_device; /* paths, or MAJOR:MINOR */
        uint32_t data_block_size, hash_block_size; /* bytes */
        uint64_t data_blocks;
        uint64_t hash_start; /* in hash blocks from the start of the hash device */
        const char *algorithm; /* the kernel's name: "sha256" */
        const uint8_t *root_hash;
        size_t root_hash_size;
        const uint8_t *salt;
        size_t salt_size;
        const char *options; /* "restart_on_corruption …", blanks between, or NULL */
};

/* The target's parameters, appended to RET as text. The type is "verity". */
int ingot_dm_verity_table(const struct ingot_dm_verity *v, struct ingot_buffer *ret,
                          ingot_error *reterr);
/* The root hash in such a table; false when it has none of 32 bytes. */
bool ingot_dm_verity_table_hash(const char *parameters, uint8_t ret[32]);

struct ingot_dm_device {
        const char *name; /* under /dev/mapper */
        const char *uuid;
        const char *type; /* of the target: "verity" */
        const char *parameters;
        uint64_t size; /* bytes, a multiple of 512 */
        bool read_only;
};

/* Creates the device, loads its table and starts it; /dev/dm-N in *RET_MINOR. Nothing stays behind
 * when it fails. SYSTEM; EBUSY when the name is taken. */
int ingot_dm_create(const struct ingot_dm_device *d, unsigned *ret_minor, ingot_error *reterr);
int ingot_dm_remove(const char *name, ingot_error *reterr);
/* The same for one that is in use: it goes when the last user does. */
int ingot_dm_remove_later(const char *name, ingot_error *reterr);

/* The name of the dm-verity device that the file system of PATH is on. 1: it is on none. Asks sysfs
 * alone. */
int ingot_dm_verity_of(const char *path, char **ret, ingot_error *reterr);
/* The root hash by which the kernel checks the device of that name. FORMAT: it is none of dm-verity
 * with SHA-256. */
int ingot_dm_root_hash(const char *name, uint8_t ret[32], ingot_error *reterr);
