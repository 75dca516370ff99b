/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Account files said again as sysusers.d(5), for machines whose own passwd hides the image's. */
#pragma once

#include "base/buffer.h"
#include "format/tree.h"
#include "image/accounts.h"

/*
 * Appends a line for every user, group and membership of ACCOUNTS that no usr/lib/sysusers.d/
 * of the tree names, with the ids they have. With ONLY, just for these users and their groups.
 */
int ingot_sysusers_lines(const struct ingot_tree *tree, const struct ingot_accounts *accounts,
                         const struct ingot_strings *only, struct ingot_buffer *out,
                         ingot_error *reterr);
