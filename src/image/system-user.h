/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The users of a recipe, and root: accounts, homes and keys (image/system.h says how). */
#pragma once

#include "image/system.h"

int ingot_system_apply_users(struct ingot_tree *tree, const struct ingot_system_options *options,
                             int64_t mtime, ingot_error *reterr);
