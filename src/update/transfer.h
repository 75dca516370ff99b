/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a product's versions lie on a machine: which partitions make a slot, what their labels are,
 * and how its UKIs are named. Read from the transfer files of systemd-sysupdate (sysupdate.d(5),
 * *.transfer below /etc, /run, /usr/local/lib and /usr/lib, with drop-ins; UAPI.6); what they do
 * not say is as `ingot build` makes it: labels NAME_VERSION, /EFI/Linux/NAME_VERSION+3-0.efi.
 *
 * Known are partitions of the types root, root-verity and root-verity-sig, and regular files *.efi
 * on the ESP. "PathRelativeTo=boot" is the XBOOTLDR partition where the disk has one, and is then
 * refused, as that partition itself: UKIs are written to the ESP alone. Transfers of something else
 * are told of, and left to systemd-sysupdate.
 */
#pragma once

#include "base/bytes.h"
#include "base/log.h"
#include "base/text.h"
#include "format/name-pattern.h"

#define INGOT_LABEL_EMPTY_SLOT "_empty" /* of partitions that wait for content */

enum ingot_slot_part { INGOT_SLOT_DATA, INGOT_SLOT_TREE, INGOT_SLOT_SIGNATURE, INGOT_SLOT_PARTS };

struct ingot_transfer_part {
        struct ingot_uuid type;
        struct ingot_strings patterns;   /* of labels; the first is what a new one is made by */
        int no_auto, grow_fs, read_only; /* 0 or 1; -1: not said */
        bool has_flags;
        uint64_t flags;
};

struct ingot_transfers {
        struct ingot_transfer_part parts[INGOT_SLOT_PARTS];
        char *uki_folder; /* on the ESP, "EFI/Linux" */
        struct ingot_strings uki_patterns;
        uint64_t tries_left, tries_done; /* of a new UKI; tries_left 0: no counting */
        char *minimum;                   /* MinVersion, the highest of all; or NULL */
        struct ingot_strings protect;    /* versions that stay: ProtectVersion */
        char *source;                    /* Path= of [Source], or NULL */
        bool found;                      /* there are transfer files */
};

void ingot_transfers_done(struct ingot_transfers *t);

struct ingot_transfer_system {
        int root;                     /* os/root.h */
        struct ingot_span os_release; /* for specifiers: "%A" is IMAGE_VERSION */
        const char *name;             /* of the product: [A-Za-z0-9+_.-] */
        const char *architecture;     /* UAPI.2's word */
        bool has_xbootldr;            /* the disk has such a partition */
        const struct ingot_log *log;
};

/* FORMAT names file and line; UNSUPPORTED: a layout of /usr alone, an XBOOTLDR partition, a
 * specifier that is not known here. */
int ingot_transfers_load(const struct ingot_transfer_system *system, struct ingot_transfers *ret,
                         ingot_error *reterr);

/* Does the name match one of the patterns? 0 with its fields; 1: none. */
int ingot_transfer_match(const struct ingot_strings *patterns, const char *name,
                         struct ingot_name_fields *ret, ingot_error *reterr);
/* The attributes of a filled partition: as a build sets them, but for what a transfer says. */
uint64_t ingot_transfer_attributes(const struct ingot_transfer_part *part);
