/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tar, however compressed, read into a tree: names, modes, owners, devices, hard links and
 * extended attributes as its headers say. Content goes to a spool (os/spool.h).
 *
 * A leading "/" or "./" of names is dropped. FORMAT for "..", for a hard link to what the archive
 * has not brought, and for what is no tar; UNSUPPORTED for POSIX ACLs; LIMIT for over 4 million
 * entries.
 */
#pragma once

#include "format/tree.h"

/* `mark` of an inode that the archive has an entry for, other than a parent made for one below. */
#define INGOT_TAR_STATED 1

/* SPOOL is a folder, or NULL. Stamps above MTIME are set to it. UNSUPPORTED in a build without
 * libarchive. */
int ingot_tar_load(const char *path, const char *spool, int64_t mtime, struct ingot_tree **ret,
                       ingot_error *reterr);
