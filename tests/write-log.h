/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log of everything that was written to a disk, in the format of the kernel's dm-log-writes,
 * which QEMU's blklogwrites writes, too.
 * Source: Linux Documentation/admin-guide/device-mapper/log-writes.rst and
 * drivers/md/dm-log-writes.c; QEMU block/blklogwrites.c.
 *
 * Little-endian, in sectors whose size the super block says (a power of two from 512 to 65536):
 *
 *     sector 0    0 magic 0x6a736677736872 (64 bits) | 8 version 1 (64) | 16 entries (64) | 24
 * sector size in bytes (32) an entry    0 first sector on the disk (64) | 8 sectors (64) | 16 flags
 * (64) | 24 bytes behind the entry, in its sector, of a mark (64); then the data, unless it is a
 * discard
 */
#pragma once

#include "base/io.h"

#include <stdbool.h>

#define WRITE_LOG_ENTRIES_MAX ((uint64_t) 1 << 24)

struct write_log_entry {
        uint64_t offset, size; /* bytes on the disk; a flush or a mark alone has size 0 */
        uint64_t data;         /* where they stand in the log; of a discard nothing does */
        bool flush, fua, discard;
};

struct write_log {
        uint32_t sector_size;
        struct write_log_entry *entries;
        size_t count;
};

/* FORMAT: no such log, or its entries go beyond its end; UNSUPPORTED: another version, flags that
 * are not known; LIMIT: more than WRITE_LOG_ENTRIES_MAX entries. */
int write_log_read(const struct ingot_reader *r, struct write_log *ret, ingot_error *reterr);
void write_log_done(struct write_log *log);
#define _cleanup_write_log_ __attribute__((cleanup(write_log_done)))
