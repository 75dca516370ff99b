/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a release would go on a machine, and what has to go for it. Never the slot that runs, nor,
 * after a soft reboot, the one that the boot loader started; never one of another product, never a
 * version that a transfer file protects; what it does not hold any more loses its boot entry first.
 * Looks only; writes nothing.
 */
#pragma once

#include "update/machine.h"
#include "update/release.h"

enum ingot_update_work {
        INGOT_UPDATE_NOTHING, /* root and UKI are there */
        INGOT_UPDATE_ENTRY,   /* a slot has the root hash, only the UKI is missing */
        INGOT_UPDATE_SLOT,    /* root, tree, signature and UKI */
};
const char *ingot_update_work_name(enum ingot_update_work w);

struct ingot_update_target {
        enum ingot_update_work work;
        const struct ingot_slot *slot; /* to be written, or that has it; in the machine */
        bool begun;                    /* an earlier try of this version broke off in it */
        char *entry;                   /* name of the new UKI */
        struct ingot_strings remove;   /* entries and temporary files that go before: names */
        struct ingot_strings stale; /* entries of this version that go when the new one is there */
        uint64_t esp_freed;         /* bytes of those that go before */
};
void ingot_update_target_done(struct ingot_update_target *t);
#define _cleanup_update_target_ __attribute__((cleanup(ingot_update_target_done)))

/*
 * Chooses. A slot that says that it has the root hash is checked against its own tree, unless it
 * runs (then the kernel checks it): one that is damaged is written anew. REFUSED, with what to do:
 * no slot is free or large enough, the damaged slot runs.
 */
int ingot_update_target_choose(const struct ingot_machine *m, const struct ingot_release *release,
                               struct ingot_update_target *ret, ingot_error *reterr);

/* Does the new UKI fit, with what is freed before? ESP_FREE: bytes. REFUSED names what could go. */
int ingot_update_target_check_esp(const struct ingot_machine *m,
                                  const struct ingot_release *release,
                                  const struct ingot_update_target *t, uint64_t esp_free,
                                  ingot_error *reterr);

/* Is the entry of one of the machine's whole slots, but of none of EXCEPT (NULL: no exception)? */
bool ingot_update_entry_held(const struct ingot_machine *m, const struct ingot_boot_entry *e,
                             const struct ingot_slot *except);
