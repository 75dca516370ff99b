/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Slots: the partitions of one version, which are found in a partition table. A slot is a root
 * partition with one for its hash tree, and mostly one for the signature. They belong together by
 * their label; what is left over, in the order of the table.
 *
 * The root hash is in the UUIDs: the first half is the data partition's, the second the tree's
 * (UAPI.2, "Verity"). A slot that is being written has the "partial" types of systemd-sysupdate
 * (format/partition-type.h) and already the label of what it will be.
 */
#pragma once

#include "base/sha256.h"
#include "format/gpt.h"
#include "update/transfer.h"

enum ingot_slot_state {
        INGOT_SLOT_EMPTY,
        INGOT_SLOT_WHOLE,
        INGOT_SLOT_BEGUN,   /* an update of it broke off, or it lacks one of its parts */
        INGOT_SLOT_FOREIGN, /* of another product, or without a hash tree: never touched */
};

struct ingot_slot {
        enum ingot_slot_state state;
        unsigned numbers[INGOT_SLOT_PARTS];                        /* of the partitions; 0: none */
        uint64_t offset[INGOT_SLOT_PARTS], size[INGOT_SLOT_PARTS]; /* bytes */
        char *label;
        char *version;                        /* by the label; NULL: EMPTY or FOREIGN */
        uint8_t root_hash[INGOT_SHA256_SIZE]; /* what the UUIDs say */
        bool running;                         /* the system runs from it */
};

struct ingot_slots {
        struct ingot_slot *items; /* in the order of the table's root partitions */
        size_t count;
};

const char *ingot_slot_state_name(enum ingot_slot_state s);

int ingot_slots_find(const struct ingot_gpt *gpt, const struct ingot_transfers *transfers,
                     const uint8_t *running, struct ingot_slots *ret, ingot_error *reterr);
void ingot_slots_done(struct ingot_slots *s);

/* The whole slot that has the root hash, or NULL. */
const struct ingot_slot *ingot_slots_by_hash(const struct ingot_slots *s,
                                             const uint8_t root_hash[INGOT_SHA256_SIZE]);
/* The slot whose label says so and that is whole, or NULL. */
const struct ingot_slot *ingot_slots_by_version(const struct ingot_slots *s, const char *version);

/* Checks every block of the slot against the root hash in its UUIDs. REFUSED: one is not right;
 * FORMAT: there is no hash tree. */
int ingot_slot_verify(const struct ingot_slot *slot, const struct ingot_reader *disk,
                      ingot_error *reterr);

/* What a slot shall become in the table. */
struct ingot_slot_change {
        const struct ingot_slot *slot;
        const struct ingot_transfers *transfers;
        const char *version;
        const uint8_t *root_hash;
        bool has_signature; /* else its place is left empty */
};

/* The table that says that the slot is being written: "partial" types, the new label, UUIDs that
 * are of no root hash. */
int ingot_slot_begin(const struct ingot_slot_change *c, struct ingot_gpt *gpt, ingot_error *reterr);
/* The table that says that it is whole: types, label, attributes, UUIDs of the root hash. CONFLICT:
 * another partition has such a UUID. */
int ingot_slot_finish(const struct ingot_slot_change *c, struct ingot_gpt *gpt,
                      ingot_error *reterr);
/* The table that says that it is empty. */
int ingot_slot_clear(const struct ingot_slot *slot, const struct ingot_transfers *transfers,
                     struct ingot_gpt *gpt, ingot_error *reterr);
