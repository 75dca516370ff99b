/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * GUID partition tables: UEFI 2.10, chapter 5. Both tables, the protective MBR, sectors of 512 or
 * 4096 bytes, LBAs of 64 bits. What goes into them is decided by the caller; ingot_gpt_add and
 * the ingot_gpt_*_from_seed functions choose places and UUIDs as systemd-repart does.
 *
 * Nothing here allocates: the table of 128 entries (the least that UEFI allows, and what everybody
 * writes) stands in the struct, so that the initrd's program can use this.
 */
#pragma once

#include "base/io.h"
#include "base/uuid.h"

#include <stdbool.h>

#define INGOT_GPT_ENTRIES 128
#define INGOT_GPT_NAME_UNITS 36 /* UTF-16 code units */
#define INGOT_GPT_NAME_SIZE (3 * INGOT_GPT_NAME_UNITS + 1)
#define INGOT_GPT_ALIGN (1024 * 1024) /* bytes; where partitions start, unless asked otherwise */
#define INGOT_GPT_AREA_MAX 24576      /* the larger of the two areas, with 4096-byte sectors */

struct ingot_gpt_partition {
        unsigned number; /* 1 … 128: the slot, and the number in /dev/sda3 */
        struct ingot_uuid type, uuid;
        uint64_t first_lba, last_lba_inclusive;
        uint64_t attributes;            /* INGOT_GPT_… of format/partition-type.h */
        char name[INGOT_GPT_NAME_SIZE]; /* UTF-8 */
};

/* Which of the two tables was read, and what is wrong with the other. */
enum ingot_gpt_health {
        INGOT_GPT_HEALTHY,
        INGOT_GPT_PRIMARY_DAMAGED, /* this is what the backup says */
        INGOT_GPT_BACKUP_DAMAGED   /* this is what the primary says */
};

struct ingot_gpt {
        struct ingot_uuid disk_uuid;
        uint32_t sector_size; /* 512 or 4096 */
        uint64_t disk_sectors;
        /* Where partitions may lie, and where the backup header is: on a disk that grew, and whose
         * table was not yet told, that is not the last sector. */
        uint64_t first_usable_lba, last_usable_lba_inclusive;
        uint64_t backup_lba;
        enum ingot_gpt_health health; /* set by ingot_gpt_read */
        char damage[160];             /* what is wrong, when not healthy */

        size_t partition_count;
        struct ingot_gpt_partition partitions[INGOT_GPT_ENTRIES]; /* the first partition_count */
};

/* One of the two areas as bytes. */
struct ingot_gpt_area {
        uint64_t offset; /* in bytes, on the disk */
        size_t size;
        uint8_t bytes[INGOT_GPT_AREA_MAX];
};

/*
 * Reads the table; the sector size is found by where the header's magic is. A damaged primary table
 * is replaced by the backup at the end of the disk, and the other way round; `health` and `damage`
 * say so. NOTFOUND when there is no magic at all; FORMAT when no table is whole, or when a whole
 * one (right CRCs) makes no sense: partitions that overlap, lie outside of the usable sectors, or
 * end before they start; an absurd number or size of entries. UNSUPPORTED: partitions in slots
 * behind 128. Halves of surrogate pairs in names become U+FFFD.
 */
int ingot_gpt_read(const struct ingot_reader *disk, struct ingot_gpt *ret, ingot_error *reterr);

/* The sense of a table, as ingot_gpt_read demands it: FORMAT. Called by encode too. */
int ingot_gpt_check(const struct ingot_gpt *gpt, ingot_error *reterr);

/* Protective MBR with the primary table, and the backup table; always 128 entries of 128 bytes,
 * the backup in the last sectors of disk_sectors. FORMAT by ingot_gpt_check. */
int ingot_gpt_encode(const struct ingot_gpt *gpt, struct ingot_gpt_area *ret_primary,
                     struct ingot_gpt_area *ret_backup, ingot_error *reterr);

/* Encodes and writes: the backup first, so that at any moment one whole table is on the disk. Boot
 * code in the MBR becomes zeros. */
int ingot_gpt_write(const struct ingot_gpt *gpt, const struct ingot_writer *disk,
                    ingot_error *reterr);

/* An empty table of a disk whose size is not known yet. */
void ingot_gpt_init(struct ingot_gpt *ret, uint32_t sector_size, const struct ingot_uuid *disk_uuid);

struct ingot_gpt_request {
        struct ingot_uuid type;
        struct ingot_uuid uuid;        /* null: from the seed */
        const struct ingot_uuid *seed; /* may be NULL when uuid is given */
        uint64_t size;                 /* bytes; rounded up to 4096 */
        uint64_t align;                /* bytes, a power of two; 0: INGOT_GPT_ALIGN */
        uint64_t attributes;
        const char *name; /* NULL: none */
};

/* Puts a partition behind the last one, into the next slot. A name that is too long, or no UTF-8, is
 * USAGE; a UUID that another partition has, CONFLICT (two slots of one content in an A/B layout
 * would); no slot left, LIMIT. The pointer is into gpt. */
int ingot_gpt_add(struct ingot_gpt *gpt, const struct ingot_gpt_request *request,
                  struct ingot_gpt_partition **ret, ingot_error *reterr);

/* Sets the disk's size in bytes, rounded down to sectors; 0: the smallest that holds all, rounded up
 * to ALIGN (0: INGOT_GPT_ALIGN). SPACE, with the number of bytes needed, when it is too small. */
int ingot_gpt_set_size(struct ingot_gpt *gpt, uint64_t size, uint64_t align, ingot_error *reterr);

/* The partition that ends last, or NULL; the one with that number, type, or UUID, or NULL. */
struct ingot_gpt_partition *ingot_gpt_last(struct ingot_gpt *gpt);
struct ingot_gpt_partition *ingot_gpt_by_number(struct ingot_gpt *gpt, unsigned number);
struct ingot_gpt_partition *ingot_gpt_by_type(struct ingot_gpt *gpt, const struct ingot_uuid *type);
struct ingot_gpt_partition *ingot_gpt_by_uuid(struct ingot_gpt *gpt, const struct ingot_uuid *uuid);

/*
 * After the disk grew: the table for its new size, and the last partition (*ret, may be NULL) up to
 * the last whole MiB. 1 when anything changed (write it), 0 when the disk is as the table says.
 * Never shrinks: SPACE when a partition would not fit.
 */
int ingot_gpt_grow(struct ingot_gpt *gpt, uint64_t disk_size, struct ingot_gpt_partition **ret,
                   ingot_error *reterr);

/* Byte offset and size of a partition. */
uint64_t ingot_gpt_offset(const struct ingot_gpt *gpt, const struct ingot_gpt_partition *p);
uint64_t ingot_gpt_size(const struct ingot_gpt *gpt, const struct ingot_gpt_partition *p);

/*
 * systemd-repart's UUIDs: the disk's is v4(HMAC(seed, "disk-uuid")), that of the first partition of
 * a type v4(HMAC(seed, type)), of the n-th v4(HMAC(seed, type, le64(n - 1))). N counts from 1.
 */
struct ingot_uuid ingot_gpt_disk_uuid_from_seed(const struct ingot_uuid *seed);
struct ingot_uuid ingot_gpt_uuid_from_seed(const struct ingot_uuid *seed,
                                           const struct ingot_uuid *type, uint64_t n);
