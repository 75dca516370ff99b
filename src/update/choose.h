/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which release of a channel a machine takes. By itself: the newest that is newer than what runs,
 * did not fail here, is rolled out to this machine, and is the pinned one where there is a pin.
 * Asked for by name: that one, also when it is older, failed before, or is not rolled out yet; but
 * neither below the channel's minimum nor against a pin.
 */
#pragma once

#include "update/machine.h"
#include "update/release.h"
#include "update/state.h"

struct ingot_update_choice {
        const struct ingot_release *release; /* of the channel; NULL: nothing is to be done */
        struct ingot_strings passed;         /* newer versions that are not taken, and why */
};
void ingot_update_choice_done(struct ingot_update_choice *c);
#define _cleanup_update_choice_ __attribute__((cleanup(ingot_update_choice_done)))

/* VERSION NULL: by itself. NOTFOUND: the channel has no such version; REFUSED: it must not be
 * taken. */
int ingot_update_choose(const struct ingot_machine *m, const struct ingot_channel *channel,
                        const struct ingot_update_state *state, const char *version,
                        struct ingot_update_choice *ret, ingot_error *reterr);

/* The machine's place in a roll-out, 0 to 99: the first 4 bytes (big-endian) of SHA-256 over the
 * machine id's digits and the version, modulo 100. Below the percentage it takes part. */
unsigned ingot_update_rollout_place(const char *machine_id, const char *version);
