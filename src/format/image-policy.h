/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * systemd's image policies: which partitions an image may have, and how each must be protected.
 * Source: systemd.image-policy(7); where that is silent, what `systemd-analyze image-policy`
 * prints.
 *
 *     root=verity+signed:usr=absent:=ignore
 *
 * One rule for each designator, and one without a name for all others; "*" allows everything, "-"
 * ignores everything, "~" demands that nothing is there. A rule lists the states that are allowed.
 * A rule that lists none ("root=", "root=read-only-on") allows all of them: that is the format's
 * open door, and ingot_image_policy_is_open() finds it. Nothing that is misspelt is passed over.
 */
#pragma once

#include "base/error.h"
#include "format/partition-type.h"

#include <stdbool.h>
#include <stdint.h>

enum ingot_image_policy_flag {
        INGOT_POLICY_VERITY = 1 << 0,
        INGOT_POLICY_SIGNED = 1 << 1,
        INGOT_POLICY_ENCRYPTED = 1 << 2,
        INGOT_POLICY_ENCRYPTED_WITH_INTEGRITY = 1 << 3,
        INGOT_POLICY_UNPROTECTED = 1 << 4,
        INGOT_POLICY_UNUSED = 1 << 5, /* it may be there, and is passed over */
        INGOT_POLICY_ABSENT = 1 << 6,
        INGOT_POLICY_READ_ONLY_ON = 1 << 7, /* of the partition's attributes, and so growfs */
        INGOT_POLICY_READ_ONLY_OFF = 1 << 8,
        INGOT_POLICY_GROWFS_OFF = 1 << 9,
        INGOT_POLICY_GROWFS_ON = 1 << 10,
        INGOT_POLICY_BTRFS = 1 << 11,
        INGOT_POLICY_EROFS = 1 << 12,
        INGOT_POLICY_EXT4 = 1 << 13,
        INGOT_POLICY_F2FS = 1 << 14,
        INGOT_POLICY_SQUASHFS = 1 << 15,
        INGOT_POLICY_VFAT = 1 << 16,
        INGOT_POLICY_XFS = 1 << 17
};

#define INGOT_POLICY_USE_MASK 0x7fu /* all states */
#define INGOT_POLICY_READ_ONLY_MASK 0x180u
#define INGOT_POLICY_GROWFS_MASK 0x600u
#define INGOT_POLICY_FSTYPE_MASK 0x3f800u
#define INGOT_POLICY_IGNORE (INGOT_POLICY_UNUSED | INGOT_POLICY_ABSENT)

#define INGOT_IMAGE_POLICY_DESIGNATORS 13

struct ingot_image_policy {
        uint32_t flags[INGOT_DESIGNATOR_MAX]; /* as written; of those that are `given` */
        bool given[INGOT_DESIGNATOR_MAX];
        uint32_t others; /* the rule without a name; INGOT_POLICY_IGNORE where there is none */
};

/* The designators that policies know, in the order in which they are printed. */
extern const enum ingot_designator ingot_image_policy_designators[INGOT_IMAGE_POLICY_DESIGNATORS];

/* USAGE names the mistake, and the nearest right word. The empty text is "-", as systemd has it. */
int ingot_image_policy_parse(const char *text, struct ingot_image_policy *ret, ingot_error *reterr);

/*
 * What holds for a partition: its rule, or for the verity partitions of one that must have verity
 * what follows from that one's rule, or the rule for all others; without states that mean nothing
 * for it (a hash tree is not protected by a hash tree).
 */
uint32_t ingot_image_policy_get(const struct ingot_image_policy *policy,
                                enum ingot_designator designator);

/* Does a rule for DESIGNATOR name no state, and so allow all? */
bool ingot_image_policy_is_open(const struct ingot_image_policy *policy,
                                enum ingot_designator designator);

/* The policy in one spelling: rules sorted, flags sorted and in full; parsing it gives the same. */
int ingot_image_policy_print(const struct ingot_image_policy *policy, char **ret,
                             ingot_error *reterr);
/* Flags between '+': "verity+signed"; "open" and "ignore" for those two; "-" for none. */
int ingot_image_policy_print_flags(uint32_t flags, char **ret, ingot_error *reterr);

/* What an image has in the place of a designator. */
struct ingot_image_policy_found {
        bool present;   /* a partition that would be taken */
        bool encrypted; /* a LUKS volume; integrity of it is not known */
        bool read_only; /* attributes */
        bool growfs;
        uint32_t fstype; /* the flag of its file system, 0: another one, or not known */
};

struct ingot_image_policy_result {
        uint32_t state[INGOT_DESIGNATOR_MAX]; /* one of the use flags: how it would be used */
        /* Encrypted, where only encrypted with integrity is allowed: cannot be seen from outside.
         */
        bool undecided;
};

/*
 * How an image with these partitions (indexed by designator) would be used under the policy, as
 * systemd-dissect(1) does it: what the policy ignores is as if it were not there, and then the
 * state of each must be an allowed one. REFUSED names the partition. The root hash of a pair, and
 * who signed it, are not looked at here.
 */
int ingot_image_policy_check(const struct ingot_image_policy *policy,
                             const struct ingot_image_policy_found found[INGOT_DESIGNATOR_MAX],
                             struct ingot_image_policy_result *ret, ingot_error *reterr);
