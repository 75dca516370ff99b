/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Access-control lists, which name ids that the namespace has not. Other extended attributes are
 * the kernel's: it knows capabilities in a user namespace. listxattr does not tell of lists.
 */
#include "os/supervisor-call.h"
#include "base/cleanup.h"
#include "os/acl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LIST_MAX 65536

struct list {
        struct ingot_ledger_key key;
        struct ingot_ledger_entry entry;
        struct statx stx;
        bool is_default;
};

enum which { WHICH_NONE, WHICH_ACCESS, WHICH_DEFAULT };

static enum which list_named(const struct call *c, uint64_t address)
{
        char name[256];
        if (call_read_string(c, address, name, sizeof(name)) < 0)
                return WHICH_NONE;
        if (strcmp(name, "system.posix_acl_access") == 0)
                return WHICH_ACCESS;
        return strcmp(name, "system.posix_acl_default") == 0 ? WHICH_DEFAULT : WHICH_NONE;
}

/* The file of a call, by path or (FLAGS < 0) by descriptor. The place is to be left. */
static int find_file(struct call *c, int flags, struct place *p, struct list *ret)
{
        enum which which = list_named(c, c->args[1]);
        if (which == WHICH_NONE)
                return CALL_CONTINUE;
        ret->is_default = which == WHICH_DEFAULT;
        int r = flags < 0 ? place_descriptor(c, (int) c->args[0], p)
                          : place_enter(c, AT_FDCWD, c->args[0], 0, p);
        if (r < 0)
                return r;
        if (ingot_ledger_key_at(p->dirfd, p->path, place_flags(p, flags < 0 ? 0 : flags), 0,
                                &ret->stx, &ret->key) < 0)
                return -errno;
        ingot_ledger_get(c->s->ledger, &ret->key, &ret->entry);
        return S_ISLNK(ret->stx.stx_mode) ? CALL_CONTINUE : 0;
}

static int keep_list(struct call *c, struct list *l, uint8_t *value, size_t size)
{
        if (l->is_default) {
                l->entry.acl_default = value;
                l->entry.acl_default_size = size;
        } else {
                l->entry.acl_access = value;
                l->entry.acl_access_size = size;
        }
        c->value = 0;
        return ingot_ledger_put(c->s->ledger, &l->key, &l->entry, NULL) < 0 ? -ENOMEM : 0;
}

static int set_list(struct call *c, const struct place *p, struct list *l, uint8_t *value,
                    size_t size)
{
        const uint8_t *old = l->is_default ? l->entry.acl_default : l->entry.acl_access;
        if ((c->args[4] & XATTR_CREATE) && old)
                return -EEXIST;
        if ((c->args[4] & XATTR_REPLACE) && !old)
                return -ENODATA;
        if (size <= 4)
                return keep_list(c, l, NULL, 0);
        if (!ingot_acl_valid(value, size))
                return -EINVAL;
        if (l->is_default)
                return S_ISDIR(l->stx.stx_mode) ? keep_list(c, l, value, size) : -EACCES;
        mode_t mode = (l->stx.stx_mode & 07000) | ingot_acl_mode(value, size);
        if (fchmodat(p->dirfd, p->path, mode, 0) < 0)
                return -errno;
        if (ingot_acl_trivial(value, size))
                return keep_list(c, l, NULL, 0);
        return keep_list(c, l, value, size);
}

static int set_xattr(struct call *c, int flags)
{
        struct place p = PLACE_NONE;
        struct list l = {0};
        size_t size = c->args[3];
        int r = find_file(c, flags, &p, &l);
        if (r == 0 && size > LIST_MAX)
                r = -E2BIG;
        _cleanup_free_ uint8_t *value = r == 0 ? malloc(size + 1) : NULL;
        if (r == 0 && !value)
                r = -ENOMEM;
        if (r == 0 && size > 0)
                r = call_read(c, c->args[2], value, size);
        if (r == 0)
                r = call_check(c);
        if (r == 0)
                r = set_list(c, &p, &l, value, size);
        place_leave(&p);
        return r;
}

static int get_xattr(struct call *c, int flags)
{
        struct place p = PLACE_NONE;
        struct list l = {0};
        int r = find_file(c, flags, &p, &l);
        place_leave(&p);
        if (r != 0)
                return CALL_CONTINUE;
        uint8_t *list = l.is_default ? l.entry.acl_default : l.entry.acl_access;
        size_t size = l.is_default ? l.entry.acl_default_size : l.entry.acl_access_size;
        if (!list)
                return CALL_CONTINUE;
        if (!l.is_default)
                ingot_acl_follow_mode(list, size, l.stx.stx_mode);
        c->value = (int64_t) size;
        if (c->args[3] == 0)
                return 0;
        return c->args[3] < size ? -ERANGE : call_write(c, c->args[2], list, size);
}

static int remove_xattr(struct call *c, int flags)
{
        struct place p = PLACE_NONE;
        struct list l = {0};
        int r = find_file(c, flags, &p, &l);
        place_leave(&p);
        if (r != 0 || !(l.is_default ? l.entry.acl_default : l.entry.acl_access))
                return CALL_CONTINUE;
        return keep_list(c, &l, NULL, 0);
}

int call_setxattr(struct call *c)
{
        return set_xattr(c, 0);
}

int call_lsetxattr(struct call *c)
{
        return set_xattr(c, AT_SYMLINK_NOFOLLOW);
}

int call_fsetxattr(struct call *c)
{
        return set_xattr(c, -1);
}

int call_getxattr(struct call *c)
{
        return get_xattr(c, 0);
}

int call_lgetxattr(struct call *c)
{
        return get_xattr(c, AT_SYMLINK_NOFOLLOW);
}

int call_fgetxattr(struct call *c)
{
        return get_xattr(c, -1);
}

int call_removexattr(struct call *c)
{
        return remove_xattr(c, 0);
}

int call_lremovexattr(struct call *c)
{
        return remove_xattr(c, AT_SYMLINK_NOFOLLOW);
}

int call_fremovexattr(struct call *c)
{
        return remove_xattr(c, -1);
}
