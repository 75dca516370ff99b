/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of a tree, written into a folder. Names of a tree are single names without '/', and every
 * step is one openat() of such a name that follows no link: whatever the tree or the folder holds,
 * nothing is written outside of the folder. Nothing that is there is replaced.
 */
#pragma once

#include "base/log.h"
#include "format/tree.h"

struct ingot_unpack_options {
        /* Owners, set-id bits, device nodes and all extended attributes, which needs root. Without:
         * the caller's files, no set-id bits, no devices (with a warning), attributes "user.*". */
        bool privileged;
        const struct ingot_log *log;
};

/* Writes what NODE is or holds: the entries of a directory into FOLDER (made where absent), anything
 * else as FOLDER/NAME. Uses the inodes' marks. CONFLICT when a name is there already. */
int ingot_unpack(struct ingot_inode *node, const char *name, const char *folder,
                 const struct ingot_unpack_options *options, ingot_error *reterr);
