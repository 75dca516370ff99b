/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of a tree that is being made below a folder of ours: exact modes and times whatever the
 * umask, owners and devices in a ledger. PATH is relative to the folder DIRFD, its folders exist
 * and none of them is a link. What stands there already is an error, but for directories.
 */
#pragma once

#include "format/tree.h"
#include "os/ledger.h"

int ingot_make_directory_at(int dirfd, const char *path, uint16_t mode, ingot_error *reterr);
/* The same, but what is there already stays as it is. */
int ingot_make_missing_directory_at(int dirfd, const char *path, uint16_t mode,
                                    ingot_error *reterr);
int ingot_make_symlink_at(int dirfd, const char *path, const char *target, int64_t mtime,
                          ingot_error *reterr);
int ingot_make_link_at(int dirfd, const char *path, const char *new_path, ingot_error *reterr);
int ingot_make_fifo_at(int dirfd, const char *path, uint16_t mode, int64_t mtime,
                       ingot_error *reterr);
/* A file of SIZE bytes at OFFSET of FROM. */
int ingot_make_file_at(int dirfd, const char *path, uint16_t mode, int64_t mtime, int from,
                       uint64_t offset, uint64_t size, ingot_error *reterr);

struct ingot_make_owner {
        uint32_t uid, gid;
        enum ingot_file_type type; /* a device's; else anything */
        uint32_t major, minor;
};
/* Root's ordinary files need no note: nothing is done for them. */
int ingot_make_note_owner(int dirfd, const char *path, const struct ingot_make_owner *owner,
                          struct ingot_ledger *ledger, ingot_error *reterr);
