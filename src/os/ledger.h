/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ledger: what a file would be if its maker had been root. A user namespace that maps one id
 * can hold one owner, no device nodes, and no access-control list that names somebody else; the
 * ledger holds these beside the files.
 *
 * A file is known by device, inode number, birth time and file handle, as far as the file system
 * has them: a number alone is given to the next file as soon as the first is gone, and that one
 * may be born within the same tick of the clock. Hard links, renames and open descriptors of
 * unlinked files all lead to the same entry.
 *
 * All functions may be called from several threads.
 */
#pragma once

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <sys/stat.h>

struct ingot_ledger;

struct ingot_ledger_key {
        uint64_t device, inode;
        uint64_t birth; /* of birth time and file handle */
};

/* Of the lists, the bytes of system.posix_acl_access and _default; NULL where there is none. */
struct ingot_ledger_entry {
        uint32_t uid, gid;
        uint32_t device_type; /* S_IFCHR, S_IFBLK, or 0 for what the file really is */
        uint32_t major, minor;
        uint8_t *acl_access, *acl_default;
        size_t acl_access_size, acl_default_size;
};

int ingot_ledger_new(struct ingot_ledger **ret, ingot_error *reterr);
void ingot_ledger_free(struct ingot_ledger *ledger);

/* The key of a file, opened (path "" and AT_EMPTY_PATH in FLAGS) or named, and its basic statx with
 * birth time and MASK; RET_STX may be NULL. Returns 0, or < 0 with errno set. */
int ingot_ledger_key_at(int dirfd, const char *path, int flags, unsigned mask,
                        struct statx *ret_stx, struct ingot_ledger_key *ret);

/* Is there an entry? *ret, whose lists belong to the ledger, is valid until the next put. An absent
 * entry is root's ordinary file: *ret is all zeros then. */
bool ingot_ledger_get(struct ingot_ledger *ledger, const struct ingot_ledger_key *key,
                      struct ingot_ledger_entry *ret);

/* Replaces the entry; lists are copied. One that says nothing removes it. */
int ingot_ledger_put(struct ingot_ledger *ledger, const struct ingot_ledger_key *key,
                     const struct ingot_ledger_entry *entry, ingot_error *reterr);

size_t ingot_ledger_count(struct ingot_ledger *ledger);

/* As bytes, to pass from one process to another, and back; decode replaces the content. */
int ingot_ledger_encode(struct ingot_ledger *ledger, struct ingot_buffer *ret, ingot_error *reterr);
int ingot_ledger_decode(struct ingot_ledger *ledger, struct ingot_span bytes, ingot_error *reterr);

static inline void ingot_ledger_free_p(struct ingot_ledger **l)
{
        if (*l)
                ingot_ledger_free(*l);
}
