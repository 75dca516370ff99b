/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A nameless file that holds content for a tree, for what cannot be read a second time (a
 * compressed archive). It lives as long as the last inode that reads from it, and takes no memory.
 */
#pragma once

#include "format/tree.h"

struct ingot_spool;

/* In FOLDER, or /var/tmp when NULL (which is no tmpfs, so that content stays out of memory). */
int ingot_spool_new(const char *folder, struct ingot_spool **ret, ingot_error *reterr);
/* Lets go of the caller's own reference. */
void ingot_spool_free(struct ingot_spool *spool);

/* Room for SIZE bytes, which read as zeros until written. LIMIT above 1 TiB in all. */
int ingot_spool_reserve(struct ingot_spool *spool, uint64_t size, uint64_t *ret_offset,
                        ingot_error *reterr);
int ingot_spool_write(struct ingot_spool *spool, uint64_t offset, const void *data, size_t size,
                      ingot_error *reterr);

/* Gives INODE, a regular file without content, these bytes. */
void ingot_spool_attach(struct ingot_spool *spool, uint64_t offset, uint64_t size,
                        struct ingot_inode *inode);

static inline void ingot_spool_free_p(struct ingot_spool **s)
{
        if (*s)
                ingot_spool_free(*s);
}
