/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is done to a machine between updates: back to the version before, and tidying up. Both write
 * through update/steps.h.
 */
#pragma once

#include "update/apply.h"

/* Versions whose entry has no try left; appended. */
int ingot_update_bad_versions(const struct ingot_machine *m, struct ingot_strings *ret,
                              ingot_error *reterr);

/*
 * The next boot shall be of another version than FROM (NULL: the one that would boot next): FROM's
 * entries lose their tries, so that the loader puts them last, which needs no EFI variable. The
 * slot of the other one is checked, block by block, before. *ret_from and *ret_to are copies.
 * REFUSED: there is no other version that is whole and has an entry that is not bad.
 */
int ingot_update_rollback(struct ingot_machine *m, struct ingot_steps *s, const char *from,
                          char **ret_from, char **ret_to, ingot_error *reterr);

/*
 * Removes what updates left: temporary files, entries that start what no slot holds, measurement
 * manifests and an update's components of versions without an entry; slots that were begun become
 * empty. The names of what was removed are added to *ret.
 */
int ingot_update_clean(struct ingot_machine *m, struct ingot_steps *s, struct ingot_strings *ret,
                       ingot_error *reterr);
