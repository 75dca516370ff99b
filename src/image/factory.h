/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What makes /var out of nothing: lines of tmpfiles.d(5) for a tree's var.
 *
 * A folder gets a 'd' line, with mode and owner only for a new one (":0755"), so that every release
 * brings new folders and none undoes what a machine's owner changed. A folder that holds files is
 * one unit: a 'C' line copies all of it from the factory while it is absent or empty, and never
 * again, because a database that lost one file on purpose must not get it back. Folders that many
 * packages share (/var/lib, /var/cache, …) and those that have a line of their own in the tree's
 * tmpfiles.d are no units; a file in them gets its own 'C' line, and comes back when it is deleted.
 * Paths that have a line in the tree's tmpfiles.d get none here.
 */
#pragma once

#include "base/buffer.h"
#include "format/tree.h"
#include "image/accounts.h"

/* Appends the lines for VAR, the directory that becomes /var. */
int ingot_factory_lines(const struct ingot_tree *tree, const struct ingot_inode *var,
                        const struct ingot_accounts *accounts, struct ingot_buffer *out,
                        ingot_error *reterr);
