/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A person's folder or file, read into a tree to lie over an image: everything belongs to 0:0 and
 * has one stamp, names of one file become files of their own, extended attributes stay behind.
 * (os/tree-load.h reads a folder as it is.) Content stays on disk.
 */
#pragma once

#include "format/tree.h"

struct ingot_folder_options {
        bool normal_modes; /* 0755 where the owner may execute or it is a directory, else 0644 */
        int64_t mtime;     /* seconds since the epoch */
};

/* Errors name the path; NOTFOUND when it is not there. */
int ingot_folder_load(const char *path, const struct ingot_folder_options *options,
                      struct ingot_tree **ret, ingot_error *reterr);

/* One regular file (a link is followed), without a name. FORMAT when it is something else. Reading
 * it is a CONFLICT when it was replaced, or changed its size, since. */
int ingot_folder_load_file(const char *path, const struct ingot_folder_options *options,
                           struct ingot_inode **ret, ingot_error *reterr);
