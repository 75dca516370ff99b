/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The recovery key that `ingot pcr lock` offers before anything can be locked by its first policy.
 */
#pragma once

#include "cli/lock-choice.h"
#include "measure/recovery-key.h"

struct lock_recovery {
        struct ingot_strings volumes; /* LUKS2 volumes that are not known to have a recovery key */
        bool due;                     /* the policy is the first, and not every volume has one */
        char key[INGOT_RECOVERY_KEY_LENGTH + 1]; /* the one that was made; or empty */
};

/* Wipes the key. */
void lock_recovery_done(struct lock_recovery *k);
#define _cleanup_lock_recovery_ __attribute__((cleanup(lock_recovery_done)))

/* Looks at the volumes that the options name, or at those that are open. */
int lock_recovery_look(struct lock_recovery *k, const struct lock_options *o, ingot_error *reterr);
/* For a dry run: what would be offered. */
void lock_recovery_print_due(const struct lock_recovery *k);
/*
 * Makes a key when the options say so, or the user of a terminal does, and shows it, but with JSON,
 * which has it later. Otherwise says that there is none, and how to get one.
 */
int lock_recovery_offer(struct lock_recovery *k, const struct lock_options *o, bool json,
                        const struct ingot_log *log, ingot_error *reterr);
