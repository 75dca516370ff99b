/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine's own files in /etc hide of a new version. /etc is an overlay: a file that was
 * changed on the machine stands in the upper folder, and what the image has under that name is seen
 * no more, whatever a later version changes in it.
 */
#pragma once

#include "format/tree.h"
#include "update/machine.h"

#define INGOT_ETC_UPPER "/var/lib/ingot/etc/upper"

/* Files that the upper folder of the machine whose root is ROOT (os/root.h) has, and that NEW has
 * otherwise than OLD, or OLD not at all: paths "/etc/…", in byte order. */
int ingot_hidden_files(int root, const struct ingot_tree *old, const struct ingot_tree *new,
                       struct ingot_strings *ret, ingot_error *reterr);

/* The same of NEW, a whole slot, against the one that runs; of the one that runs, against the
 * newest older one. Nothing when there is none. */
int ingot_hidden_in_slot(struct ingot_machine *m, const struct ingot_slot *new,
                         struct ingot_strings *ret, ingot_error *reterr);
