/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root: dm-verity over the two partitions, its file system read-only on /sysroot. */
#pragma once

#include "base/sha256.h"
#include "init/disk.h"

#define INIT_SYSROOT "/sysroot"

int init_root_mount(const struct init_root_place *place,
                    const uint8_t root_hash[INGOT_SHA256_SIZE], ingot_error *reterr);
