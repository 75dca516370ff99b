/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The disk that a power cut leaves, made from the disk before and the log of what was written to it
 * (write-log.h). What stands before the last flush is there. Of what was written after it, each
 * sector is there or not by a seed; where a sector was written several times, the last of those
 * that are there counts, so that every order of the writes can come of it. A write with FUA is
 * there.
 */
#pragma once

#include "os/map.h"
#include "write-log.h"

#define CUT_SECTOR 512 /* bytes that a disk writes whole or not at all */

struct cut_disk {
        struct ingot_map base, log;
        struct write_log writes;
        size_t sectors;
        uint32_t *from; /* for each sector the one of the log that it has, CUT_BASE, or CUT_ZEROS */
        size_t first, end; /* entries: the cuts are made before one of these */
        uint64_t seed;
        /* Of the last cut. */
        size_t at, durable; /* entries that were written, and of these were flushed */
        unsigned kind;
};

#define CUT_BASE UINT32_C(0)
#define CUT_ZEROS UINT32_MAX

/* Entries FIRST to END - 1 are what is cut into; END 0: all. FORMAT: a write behind the disk's end,
 * or END is none. */
int cut_disk_open(struct cut_disk *d, const char *log, const char *base, size_t first, size_t end,
                  uint64_t seed, ingot_error *reterr);
void cut_disk_close(struct cut_disk *d);
#define _cleanup_cut_disk_ __attribute__((cleanup(cut_disk_close)))

/* Cut NUMBER: the same for the same seed. */
void cut_disk_cut(struct cut_disk *d, unsigned number);
/* After the last entry, with nothing lost. */
void cut_disk_whole(struct cut_disk *d);
/* In words: which kind it was. */
const char *cut_disk_kind(const struct cut_disk *d);

/* The content of a sector. */
const uint8_t *cut_disk_sector(const struct cut_disk *d, size_t sector);
/* Brings a file to what the disk has. HAVE says for each sector what stands in the file, as `from`,
 * and is brought up to date; a sector of which it says CUT_UNKNOWN is written. */
#define CUT_UNKNOWN (UINT32_MAX - 1)
int cut_disk_write(const struct cut_disk *d, uint32_t *have, int fd, ingot_error *reterr);
/* A part of the disk as a new file: bytes. Zeros are holes. */
int cut_disk_write_part(const struct cut_disk *d, uint64_t offset, uint64_t size, const char *path,
                        ingot_error *reterr);
