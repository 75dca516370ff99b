/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A folder of a person, read into a tree to lie over an image (a folder that ingot itself made, with
 * its ledger of owners, is read by os/tree-load.h). Content stays on disk: each read opens the file anew,
 * so that any number of files needs one descriptor, and fails if the file was replaced or changed
 * its size since.
 */
#pragma once

#include "format/tree.h"

struct ingot_folder_options {
        bool root_owned;   /* everything belongs to 0:0, whoever has it here */
        bool normal_modes; /* 0755 where the owner may execute or it is a directory, else 0644 */
        bool hard_links;   /* names of one file stay names of one inode */
        bool xattrs;       /* read them; security.capability without the id of a namespace's root */
        bool fixed_mtime;  /* everything gets `mtime`; else only what is later */
        int64_t mtime;     /* seconds since the epoch; INT64_MAX: as on disk */
};

/* Errors name the path. Does not leave PATH's file system; mount points are empty folders. LIMIT
 * below INGOT_TREE_DEPTH_MAX folders. */
int ingot_folder_load(const char *path, const struct ingot_folder_options *options,
                      struct ingot_tree **ret, ingot_error *reterr);

/* One regular file (a link is followed), without a name. FORMAT when it is something else. */
int ingot_folder_load_file(const char *path, const struct ingot_folder_options *options,
                           struct ingot_inode **ret, ingot_error *reterr);
