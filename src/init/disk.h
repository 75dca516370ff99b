/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The disks of the machine with their partition tables, and the one that holds our root. */
#pragma once

#include "base/text.h"
#include "format/gpt.h"

#include <stddef.h>

struct init_disk {
        char *name; /* below /dev */
        uint64_t size;
        bool has_table;
        ingot_error problem; /* why there is no table */
        struct ingot_gpt gpt;
};

struct init_disks {
        struct init_disk *items;
        size_t count;
};

/* Reads the table of every disk that the kernel has now. A disk that cannot be read is listed with
 * its problem. */
int init_disks_scan(struct init_disks *ret, ingot_error *reterr);
void init_disks_done(struct init_disks *d);
/* Tells what was found: disks, partitions, labels, UUIDs. */
void init_disks_tell(const struct init_disks *d);

#define _cleanup_init_disks_ __attribute__((cleanup(init_disks_done)))

/* The partitions that a root hash names: data and hash tree, on one disk. */
struct init_root_place {
        char *disk;
        char *data_node, *hash_node; /* below /dev */
        struct ingot_strings signature_nodes; /* partitions that may have its signature */
};
void init_root_place_done(struct init_root_place *p);

#define _cleanup_init_root_place_ __attribute__((cleanup(init_root_place_done)))

/*
 * 0: found, on the disk that also has the partition BOOT (the loader's, may be NULL). 1: found, but
 * on another disk. NOTFOUND otherwise. A disk whose partitions the kernel has not yet announced
 * does not count.
 */
int init_root_find(const struct init_disks *disks, const struct ingot_uuid *data,
                   const struct ingot_uuid *hash, const struct ingot_uuid *boot,
                   struct init_root_place *ret, ingot_error *reterr);

/* Waits until it is found; after TIMEOUT seconds NOTFOUND, having told what is there. When only
 * another disk than the loader's has it, it is taken after a third of the time. */
int init_root_wait(const struct ingot_uuid *data, const struct ingot_uuid *hash,
                   const struct ingot_uuid *boot, unsigned timeout, struct init_root_place *ret,
                   ingot_error *reterr);
