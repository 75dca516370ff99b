/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nothing that names one machine ships, neither the builder's nor one that all would then be: keys,
 * ids, seeds, certificates and host names go, and are made anew at the first boot. What differs
 * from one build to the next without meaning (logs, caches, backups) goes too.
 */
#pragma once

#include "base/text.h"
#include "format/tree.h"

/*
 * Paths taken out are added to REMOVED (no leading '/'; may be NULL), in a fixed order.
 *
 * Where the tree has the programs, units that make new ones are added, which run before what needs
 * them: ingot-ssh-keys.service (ssh-keygen -A), ingot-snakeoil.service (make-ssl-cert).
 * /etc/machine-id becomes "uninitialized\n" (machine-id(5), "First Boot Semantics"), and
 * systemd-firstboot takes credentials but asks no questions.
 * To be called before ingot_system_apply, so that what a recipe says stays.
 */
int ingot_identity_remove(struct ingot_tree *tree, int64_t mtime, struct ingot_strings *removed,
                          ingot_error *reterr);
