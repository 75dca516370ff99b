/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boot entries of type 2 (UAPI.1): the UKIs in a folder of the ESP, with their boot counters, and
 * the root hash that each one starts.
 *
 * Counters in a name: "+LEFT-DONE". An entry without counters was found good (systemd-bless-boot
 * takes them off) or was never counted; one with no try left is bad, and the loader puts it last.
 */
#pragma once

#include "base/sha256.h"
#include "update/transfer.h"

struct ingot_boot_entry {
        char *file;    /* in the folder */
        char *version; /* NULL: another product's, or none */
        uint64_t size;
        bool counted;
        uint64_t left, done; /* tries */
        bool has_root_hash;
        uint8_t root_hash[INGOT_SHA256_SIZE];
        bool next; /* the loader starts it when nobody chooses */
};

struct ingot_boot_entries {
        struct ingot_boot_entry *items; /* in byte order of the names */
        size_t count;
        struct ingot_strings temporary; /* files that an update left half-written */
};

/* What a UKI has as its name while it is written: no loader takes a file that does not end in
 * ".efi". */
#define INGOT_ENTRY_TEMPORARY ".part"

/* ESP: the folder where it is mounted. A folder of UKIs that is not there is an empty one. CHOSEN:
 * the id of the entry that an EFI variable names (without counters), or NULL. */
int ingot_boot_entries_find(const char *esp, const struct ingot_transfers *transfers,
                            const char *chosen, struct ingot_boot_entries *ret,
                            ingot_error *reterr);
void ingot_boot_entries_done(struct ingot_boot_entries *e);

static inline bool ingot_boot_entry_bad(const struct ingot_boot_entry *e)
{
        return e->counted && e->left == 0;
}

/* The entry of that version that starts that root hash (NULL: any), a good one before a bad one; or
 * NULL. */
const struct ingot_boot_entry *ingot_boot_entry_of(const struct ingot_boot_entries *e,
                                                   const char *version, const uint8_t *root_hash);

/* The value of the last "roothash=" of a command line; false when there is none, or no SHA-256. */
bool ingot_root_hash_of_command_line(const char *text, uint8_t ret[INGOT_SHA256_SIZE]);

/* The name of a new entry. */
int ingot_boot_entry_name(const struct ingot_transfers *transfers, const char *version, char **ret,
                          ingot_error *reterr);
/* The name that says that the entry is bad: no try left. */
int ingot_boot_entry_bad_name(const struct ingot_boot_entry *e, char **ret, ingot_error *reterr);
/* The name without counters. */
int ingot_boot_entry_good_name(const struct ingot_boot_entry *e, char **ret, ingot_error *reterr);
