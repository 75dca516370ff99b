/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stat and its kin: answered out of the ledger for files that have an entry; for all others, and
 * for all errors, the kernel answers itself.
 */
#include "os/supervisor-call.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* 0 with the file's numbers as root would have them, or CALL_CONTINUE. */
static int look(struct call *c, const struct place *p, int flags, unsigned mask, struct statx *ret)
{
        struct ingot_ledger_key key;
        struct ingot_ledger_entry entry;
        if (ingot_ledger_key_at(p->dirfd, p->path, place_flags(p, flags), mask, ret, &key) < 0 ||
            !ingot_ledger_get(c->s->ledger, &key, &entry))
                return CALL_CONTINUE;
        ret->stx_uid = entry.uid;
        ret->stx_gid = entry.gid;
        if (entry.device_type && S_ISREG(ret->stx_mode)) {
                ret->stx_mode = (uint16_t) ((ret->stx_mode & 07777) | entry.device_type);
                ret->stx_rdev_major = entry.major;
                ret->stx_rdev_minor = entry.minor;
        }
        return 0;
}

static struct timespec as_timespec(struct statx_timestamp t)
{
        return (struct timespec){.tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec};
}

/* The C library's struct stat is the kernel's on 64-bit machines. */
static struct stat as_stat(const struct statx *stx)
{
        struct stat st;
        memset(&st, 0, sizeof(st));
        st.st_dev = makedev(stx->stx_dev_major, stx->stx_dev_minor);
        st.st_ino = stx->stx_ino;
        st.st_nlink = stx->stx_nlink;
        st.st_mode = stx->stx_mode;
        st.st_uid = stx->stx_uid;
        st.st_gid = stx->stx_gid;
        st.st_rdev = makedev(stx->stx_rdev_major, stx->stx_rdev_minor);
        st.st_size = (off_t) stx->stx_size;
        st.st_blksize = (blksize_t) stx->stx_blksize;
        st.st_blocks = (blkcnt_t) stx->stx_blocks;
        st.st_atim = as_timespec(stx->stx_atime);
        st.st_mtim = as_timespec(stx->stx_mtime);
        st.st_ctim = as_timespec(stx->stx_ctime);
        return st;
}

static int answer_stat(struct call *c, const struct place *p, int flags, uint64_t address)
{
        struct statx stx;
        int r = look(c, p, flags, 0, &stx);
        if (r != 0)
                return r;
        struct stat st = as_stat(&stx);
        c->value = 0;
        return call_write(c, address, &st, sizeof(st));
}

static int stat_path(struct call *c, int dirfd, uint64_t path, int flags, uint64_t address)
{
        struct place p = PLACE_NONE;
        int r = place_enter(c, dirfd, path, flags, &p);
        r = r < 0 ? CALL_CONTINUE : answer_stat(c, &p, flags, address);
        place_leave(&p);
        return r;
}

int call_stat(struct call *c)
{
        return stat_path(c, AT_FDCWD, c->args[0], 0, c->args[1]);
}

int call_lstat(struct call *c)
{
        return stat_path(c, AT_FDCWD, c->args[0], AT_SYMLINK_NOFOLLOW, c->args[1]);
}

int call_newfstatat(struct call *c)
{
        return stat_path(c, (int) c->args[0], c->args[1], (int) c->args[3], c->args[2]);
}

int call_fstat(struct call *c)
{
        struct place p = PLACE_NONE;
        int r = place_descriptor(c, (int) c->args[0], &p);
        if (r >= 0)
                r = answer_stat(c, &p, 0, c->args[1]);
        place_leave(&p);
        return r;
}

int call_statx(struct call *c)
{
        struct place p = PLACE_NONE;
        struct statx stx;
        int flags = (int) c->args[2];
        int r = place_enter(c, (int) c->args[0], c->args[1], flags, &p);
        r = r < 0 ? CALL_CONTINUE : look(c, &p, flags, (unsigned) c->args[3], &stx);
        if (r == 0)
                r = call_write(c, c->args[4], &stx, sizeof(stx));
        c->value = 0;
        place_leave(&p);
        return r;
}
