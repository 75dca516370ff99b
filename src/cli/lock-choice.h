/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `ingot pcr lock` chooses from, and its choice. */
#pragma once

#include "measure/lock-facts.h"

enum { LOCK_PIN_HIDE, LOCK_PIN_SHOW, LOCK_PIN_QUERY };
enum { LOCK_RECOVERY_SHOW, LOCK_RECOVERY_NONE };

struct lock_options {
        bool automatic, dry_run, nested;
        const char *pcrs, *bank, *location, *policy, *tpm, *log, *userspace, *root,
                *passphrase_file;
        struct ingot_strings components, luks;
        uint64_t nv_index;
        int pin, recovery; /* -1: nothing was said */
};

/* What a choice is made from, and the choice. */
struct lock_state {
        const struct lock_options *options;
        struct ingot_lock_facts facts;
        struct ingot_lock_choice_request request;
        struct ingot_lock_choice choice;
};

void lock_state_done(struct lock_state *s);
#define _cleanup_lock_state_ __attribute__((cleanup(lock_state_done)))

/* Reads all there is to read; s->options is set. */
int lock_choose(struct lock_state *s, const struct ingot_log *log, ingot_error *reterr);
