/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Block devices as the kernel lists them, and the size it has for a partition. */
#pragma once

#include "base/text.h"

#include <stdint.h>

/* The names below /dev of whole disks that have a size, in byte order: no partitions, no device
 * mapper, loop, ram or floppy devices. */
int ingot_block_disks(struct ingot_strings *ret, ingot_error *reterr);

/* The paths, "/dev/sda2", of what lies under volumes that are open, by LUKS2, on the system whose root
 * is open as ROOT; sorted. */
int ingot_block_luks(int root, struct ingot_strings *ret, ingot_error *reterr);

/* The name below /dev of partition NUMBER (from 1) of DISK; NOTFOUND while the kernel has none. */
int ingot_block_partition(const char *disk, unsigned number, char **ret, ingot_error *reterr);

/* Bytes of a logical sector of the open device. */
int ingot_block_sector_size(int fd, uint32_t *ret, ingot_error *reterr);

/* Tells the kernel that partition NUMBER of the open disk now has SIZE bytes at START; works while
 * others of its partitions are in use. */
int ingot_block_resize_partition(int fd, unsigned number, uint64_t start, uint64_t size,
                                 ingot_error *reterr);

/* Grows the mounted ext4 at PATH to SIZE bytes of its device; done at once when it has them. */
int ingot_ext4_grow(const char *path, uint64_t size, ingot_error *reterr);

/* The whole disk (its name below /dev) that a block device lies on, or a file or folder with its file
 * system, through layers of device mapper. NOTFOUND: PATH is not there, or on no block device. */
int ingot_block_disk_of(const char *path, char **ret, ingot_error *reterr);
