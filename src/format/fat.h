/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FAT: a writer of FAT32 volumes from a tree, and a reader of FAT12, FAT16 and FAT32.
 * Source: Microsoft "FAT32 File System Specification" 1.03; UEFI 2.10 section 13.3.
 *
 * The writer's volume is a function of tree and options: entries sorted, one time stamp, numeric
 * tails counted from 1, every file contiguous and at a multiple of 4096 bytes, so that an unchanged
 * file is the same blocks in the next release. Hard links become copies.
 */
#pragma once

#include "format/tree.h"

#define INGOT_FAT_LABEL_MAX 11

struct ingot_fat_options {
        uint64_t size;        /* bytes of the volume, a multiple of the sector size */
        uint32_t volume_id;   /* the serial number */
        const char *label;    /* up to 11 of A-Z 0-9 and some signs; NULL: none */
        uint32_t sector_size; /* 512 (also for 0) or 4096 */
        int64_t time;         /* of every entry; seconds since the epoch, in UTC, 1980 to 2107 */
        uint64_t hidden_sectors; /* where the volume starts on its disk; informational */
};

/*
 * Writes the volume; what is not written is zeros. Refused, naming the file: other types than
 * regular and directory and files of 4 GiB (UNSUPPORTED), names FAT cannot hold (UNSUPPORTED), names
 * that differ in case only (CONFLICT). A volume too small for its content, or for the 65525
 * clusters that make it FAT32, is SPACE, with the smallest size that would do.
 */
int ingot_fat_write(const struct ingot_tree *tree, const struct ingot_fat_options *options,
                    const struct ingot_writer *writer, ingot_error *reterr);

/* The smallest size (bytes, a multiple of 4096) with which ingot_fat_write would succeed;
 * options->size is not looked at. */
int ingot_fat_size_needed(const struct ingot_tree *tree, const struct ingot_fat_options *options,
                          uint64_t *ret, ingot_error *reterr);

struct ingot_fat_info {
        unsigned bits; /* 12, 16 or 32 */
        uint32_t sector_size, cluster_size;
        uint32_t cluster_count, free_clusters; /* free as the table says, not FSInfo */
        uint64_t size;
        uint32_t volume_id;
        char label[INGOT_FAT_LABEL_MAX * 3 + 1]; /* of the root's entry, else the boot sector's */
};

/*
 * The tree of a volume; contents are read on demand, through READER, whose context must outlive
 * the tree. Names without a long one are the short one with the case that it is marked with; bytes
 * above 127 in short names become U+F080 … U+F0FF. Files have mode 0644, directories 0755.
 * RET_INFO may be NULL. FORMAT: a cluster in two files (so every loop too), a chain that is shorter
 * than its file, clusters behind the end, names that are none, the same name twice. LIMIT:
 * directories deeper than INGOT_TREE_DEPTH_MAX.
 */
int ingot_fat_read(const struct ingot_reader *reader, struct ingot_tree **ret,
                   struct ingot_fat_info *ret_info, ingot_error *reterr);

/* Calls RUN for each piece of a file's content (as ingot_fat_read made it) in its order: where it
 * lies in the volume, in bytes. */
int ingot_fat_runs(const struct ingot_reader *content,
                   int (*run)(void *context, uint64_t offset, uint64_t size, ingot_error *reterr),
                   void *context, ingot_error *reterr);
