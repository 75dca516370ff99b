/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Components of systemd-pcrlock (measure/component.h) that an update writes, of the version that it
 * installs: "ID.pcrlock.d/NAME_VERSION.ingot-update.pcrlock" in /var/lib/pcrlock.d, where
 * NAME_VERSION is the UKI's name. By that name an update knows its own, and removes them when no
 * boot entry is of that version any more. Nothing else there is ever removed.
 */
#pragma once

#include "measure/component.h"
#include "update/target.h"

#define INGOT_UPDATE_COMPONENTS "/var/lib/pcrlock.d"
#define INGOT_UPDATE_COMPONENT_SUFFIX ".ingot-update"

/*
 * The version whose UKI a variant is named after, whoever wrote it ("device_2", "device_2@1",
 * "device_2.secure-boot"): a copy; or NULL in *ret, when it is named after something else.
 */
int ingot_update_component_version(const struct ingot_machine *m, const char *variant, char **ret,
                                   ingot_error *reterr);
/* Did an update write it? */
bool ingot_update_component_own(const char *variant);
/* May that version be started? It runs, or has a boot entry that TARGET (NULL: no update) does not
 * take away. */
bool ingot_update_component_needed(const struct ingot_machine *m,
                                   const struct ingot_update_target *target, const char *version);

/* Removes those of an update whose version may not be started; adds "ID.pcrlock.d/FILE" to *RET,
 * unless that is NULL. */
int ingot_update_components_sweep(const struct ingot_machine *m, struct ingot_strings *ret,
                                  ingot_error *reterr);
