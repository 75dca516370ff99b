/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd's units in a tree: enabled, disabled and masked by links, as systemctl(1) does it. */
#pragma once

#include "base/log.h"
#include "base/text.h"
#include "format/tree.h"

/*
 * Makes the links that the unit's [Install] asks for (systemd.unit(5)): WantedBy=, RequiredBy=,
 * UpheldBy=, Alias=, with Also= followed and DefaultInstance= for a template without an instance;
 * the specifiers %i, %j, %n, %N, %p and %% are known. An alias stands for its unit. NOTFOUND when
 * the tree has no such unit, CONFLICT when it is masked, USAGE for a name that is none or a
 * template that needs an instance; a unit that nothing can enable is a warning.
 */
int ingot_unit_enable(struct ingot_tree *tree, const char *name, int64_t mtime,
                      const struct ingot_log *log, ingot_error *reterr);

/* Is there such a unit? 0, else NOTFOUND, CONFLICT, USAGE as above. */
int ingot_unit_check(const struct ingot_tree *tree, const char *name, ingot_error *reterr);

/* Removes what enables NAME below etc/systemd/system, and its aliases there. */
int ingot_unit_disable(struct ingot_tree *tree, const char *name, const struct ingot_log *log,
                       ingot_error *reterr);

/* etc/systemd/system/NAME becomes a link to /dev/null; CONFLICT where a file is. */
int ingot_unit_mask(struct ingot_tree *tree, const char *name, int64_t mtime, ingot_error *reterr);

/*
 * Writes usr/lib/systemd/system-preset/00-ingot.preset: what links below etc/systemd/system enable
 * now is to stay, and nothing else is to be enabled, as the first boot would by default
 * (systemd.preset(5)).
 */
int ingot_unit_write_presets(struct ingot_tree *tree, int64_t mtime, ingot_error *reterr);
