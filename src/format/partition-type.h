/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Partition types of the Discoverable Partitions Specification (UAPI.2, "Partition Table"): GUID,
 * name, designator, architecture. Names are those that systemd-repart and systemd-id128 use:
 * "root-x86-64", "usr-arm64-verity-sig", "esp".
 */
#pragma once

#include "base/uuid.h"

#include <stdint.h>

enum ingot_designator {
        INGOT_DESIGNATOR_ROOT,
        INGOT_DESIGNATOR_ROOT_VERITY,
        INGOT_DESIGNATOR_ROOT_VERITY_SIG,
        INGOT_DESIGNATOR_USR,
        INGOT_DESIGNATOR_USR_VERITY,
        INGOT_DESIGNATOR_USR_VERITY_SIG,
        INGOT_DESIGNATOR_ESP,
        INGOT_DESIGNATOR_XBOOTLDR,
        INGOT_DESIGNATOR_SWAP,
        INGOT_DESIGNATOR_HOME,
        INGOT_DESIGNATOR_SRV,
        INGOT_DESIGNATOR_VAR,
        INGOT_DESIGNATOR_TMP,
        INGOT_DESIGNATOR_USER_HOME,
        INGOT_DESIGNATOR_LINUX_GENERIC,
        INGOT_DESIGNATOR_MAX
};

/* Attribute bits of a GPT entry: UAPI.2 "Partition Flags", and UEFI 2.10 table 5-8 (bits 0 to 2). */
#define INGOT_GPT_REQUIRED (1ULL << 0)
#define INGOT_GPT_NO_BLOCK_IO (1ULL << 1)
#define INGOT_GPT_LEGACY_BOOT (1ULL << 2)
#define INGOT_GPT_GROW_FS (1ULL << 59)
#define INGOT_GPT_READ_ONLY (1ULL << 60)
#define INGOT_GPT_NO_AUTO (1ULL << 63)

struct ingot_partition_type {
        const char *name;         /* "root-x86-64-verity" */
        const char *architecture; /* "x86-64"; NULL where the type is the same for all */
        enum ingot_designator designator;
        struct ingot_uuid uuid;
};

/* Every known type; *ret_count is their number. The table lives as long as the program. */
const struct ingot_partition_type *ingot_partition_types(size_t *ret_count);

/* The type, or NULL when it is none of these. */
const struct ingot_partition_type *ingot_partition_type_by_uuid(const struct ingot_uuid *uuid);
const struct ingot_partition_type *ingot_partition_type_by_name(const char *name);

/* ARCHITECTURE is looked at only for the designators root… and usr…. */
const struct ingot_partition_type *ingot_partition_type_find(enum ingot_designator designator,
                                                             const char *architecture);

/* "root", "root-verity-sig", "esp" …: as in systemd's image policies. */
const char *ingot_designator_name(enum ingot_designator designator);

/*
 * The type that stands in a slot while an update is being written (partial), and until it is
 * installed (pending): v4(HMAC-SHA256(type, application id)), as systemd-sysupdate does.
 */
struct ingot_uuid ingot_partition_type_partial(const struct ingot_uuid *type);
struct ingot_uuid ingot_partition_type_pending(const struct ingot_uuid *type);
