/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * chown and its kin: the ledger gets the new owner. The file is also given to its real owner again,
 * so that the kernel clears set-id bits and capabilities as it does in a real chown.
 */
#include "os/supervisor-call.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define KEEP UINT32_MAX

/* What an ordinary user may do with FROM's owner: only give a file of his own to a group of his. */
static bool may_chown(const struct identity *i, const struct ingot_ledger_entry *from, uint32_t uid,
                      uint32_t gid)
{
        if (i->fsuid == 0)
                return true;
        return from->uid == i->fsuid && (uid == KEEP || uid == from->uid) &&
               (gid == KEEP || gid == from->gid || identity_has_group(i, gid));
}

static int change_owner(struct call *c, struct place *p, int flags, uint32_t uid, uint32_t gid)
{
        struct ingot_ledger_key key;
        struct ingot_ledger_entry entry;
        _cleanup_close_ int fd = -1;
        int empty = p->flags & AT_EMPTY_PATH;
        if (!empty) {
                fd = openat(p->dirfd, p->path,
                            O_PATH | O_CLOEXEC |
                                    (place_flags(p, flags) & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
                if (fd < 0)
                        return -errno;
        }
        int file = empty ? p->dirfd : fd;
        if (ingot_ledger_key_at(file, "", AT_EMPTY_PATH, 0, NULL, &key) < 0)
                return -errno;
        ingot_ledger_get(c->s->ledger, &key, &entry);
        if (!may_chown(identity_of(c), &entry, uid, gid))
                return -EPERM;
        if (call_check(c) < 0)
                return -ENOENT;
        /* Pipes, sockets and files of another owner's file system cannot be; they do not matter. */
        if (fchownat(file, "", 0, 0, AT_EMPTY_PATH) < 0 && errno == EROFS)
                return -errno;
        if (uid != KEEP)
                entry.uid = uid;
        if (gid != KEEP)
                entry.gid = gid;
        c->value = 0;
        return ingot_ledger_put(c->s->ledger, &key, &entry, NULL) < 0 ? -ENOMEM : 0;
}

static int chown_path(struct call *c, int dirfd, uint64_t path, int flags, uint64_t uid,
                      uint64_t gid)
{
        struct place p = PLACE_NONE;
        if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
                return -EINVAL;
        int r = place_enter(c, dirfd, path, flags, &p);
        if (r >= 0)
                r = change_owner(c, &p, flags, (uint32_t) uid, (uint32_t) gid);
        place_leave(&p);
        return r;
}

int call_chown(struct call *c)
{
        return chown_path(c, AT_FDCWD, c->args[0], 0, c->args[1], c->args[2]);
}

int call_lchown(struct call *c)
{
        return chown_path(c, AT_FDCWD, c->args[0], AT_SYMLINK_NOFOLLOW, c->args[1], c->args[2]);
}

int call_fchownat(struct call *c)
{
        return chown_path(c, (int) c->args[0], c->args[1], (int) c->args[4], c->args[2],
                          c->args[3]);
}

int call_fchown(struct call *c)
{
        struct place p = PLACE_NONE;
        int r = place_descriptor(c, (int) c->args[0], &p);
        if (r >= 0)
                r = change_owner(c, &p, 0, (uint32_t) c->args[1], (uint32_t) c->args[2]);
        place_leave(&p);
        return r == -ENOENT ? -EBADF : r;
}
