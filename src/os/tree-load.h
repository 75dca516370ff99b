/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A folder on disk as a tree in memory. File contents stay on disk: each read opens the file, so
 * that a tree of any size needs no descriptors; readers may be used from several threads, and the
 * folder must stay unchanged as long as the tree.
 */
#pragma once

#include "format/tree.h"
#include "os/ledger.h"

struct ingot_tree_load {
        int dirfd;        /* AT_FDCWD, or the folder that `path` is relative to */
        const char *path; /* of the folder that becomes the tree's root */
        /* Owners: of the ledger (then 0:0 where it is silent); else the file system's, or 0:0. */
        struct ingot_ledger *ledger;
        bool root_owned;
        bool xattrs;      /* user.*, security.capability (as version 2) and POSIX ACLs */
        bool split_links; /* names of one file become files of their own */
        bool clamp;       /* nothing is newer than `newest` (seconds) */
        int64_t newest;
};

/*
 * Files that their owner may not read are made readable on disk (the tree keeps the mode they
 * had), which only makes sense for folders that are ours: they carry a ledger. Sockets are left
 * out. Other file systems mounted below are not entered.
 */
int ingot_tree_load(const struct ingot_tree_load *load, struct ingot_tree **ret,
                    ingot_error *reterr);
