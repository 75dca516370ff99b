/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names on FAT: long ones in UTF-16, and the short ones behind them. For format/fat-*.c. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INGOT_FAT_UNITS_MAX 255
#define INGOT_FAT_UNITS_PER_ENTRY 13

struct ingot_fat_name {
        const char *text; /* UTF-8, of the caller */
        uint16_t *units;  /* owned */
        size_t unit_count;
        uint8_t short_name[11];
        bool only_short; /* the short name says it all: no long one is written */
        bool lossy;      /* the short name needs a numeric tail */
};

/* UNSUPPORTED, with the reason, when FAT cannot hold that name. */
int ingot_fat_name_init(struct ingot_fat_name *ret, const char *text, ingot_error *reterr);
void ingot_fat_name_done(struct ingot_fat_name *name);

/* Gives the names of one directory, in the order of the array, short names that differ: first
 * those that need no tail, then the others, ~1 and up. CONFLICT when two differ in case only. */
int ingot_fat_names_settle(struct ingot_fat_name *const *names, size_t count, ingot_error *reterr);

/* What long entries carry of the short name. */
uint8_t ingot_fat_name_checksum(const uint8_t short_name[11]);

/* Directory entries for this name: the long ones and the short one. */
static inline size_t ingot_fat_name_slots(const struct ingot_fat_name *name)
{
        return name->only_short ? 1
                                : 1 + (name->unit_count + INGOT_FAT_UNITS_PER_ENTRY - 1) /
                                              INGOT_FAT_UNITS_PER_ENTRY;
}
