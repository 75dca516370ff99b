/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * New files. The kernel makes them root's; they need an entry in the ledger when their maker
 * believes to be somebody else, or when their folder passes its group on (set-gid). Only then the
 * supervisor makes them itself, and hands an opened one over. Devices are always ours: the file is
 * an empty regular one, and what it stands for is in the ledger.
 *
 * Not done: files made through a dangling symbolic link, and lists inherited from a folder's
 * default access-control list.
 */
#include "os/supervisor-call.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is to be made, and for whom. */
struct creation {
        struct place place; /* of its folder */
        char name[NAME_MAX + 1];
        struct ingot_ledger_entry entry;
};
#define CREATION_NONE ((struct creation){.place = PLACE_NONE})

static mode_t umask_of(const struct call *c)
{
        char path[64], text[4096];
        snprintf(path, sizeof(path), "/proc/%d/status", c->tid);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return 022;
        text[n] = 0;
        const char *line = strstr(text, "\nUmask:");
        return line ? (mode_t) strtoul(line + 7, NULL, 8) & 0777 : 022;
}

/* Who will own what is made in the folder FD. */
static int decide_owner(struct call *c, int fd, struct ingot_ledger_entry *ret)
{
        const struct identity *i = identity_of(c);
        struct ingot_ledger_key key;
        struct ingot_ledger_entry folder;
        struct statx stx;
        if (ingot_ledger_key_at(fd, "", AT_EMPTY_PATH, 0, &stx, &key) < 0)
                return -errno;
        ret->uid = i->fsuid;
        ret->gid = i->fsgid;
        if (stx.stx_mode & S_ISGID) {
                ingot_ledger_get(c->s->ledger, &key, &folder);
                ret->gid = folder.gid;
        }
        return 0;
}

/* 0 when the supervisor has to make it; CALL_CONTINUE when the kernel can, or will refuse. */
static int prepare(struct call *c, int dirfd, uint64_t path, bool device, struct creation *ret)
{
        struct stat st;
        int r = place_enter(c, dirfd, path, 0, &ret->place);
        if (r == 0)
                r = place_split(&ret->place, ret->name);
        if (r == 0)
                r = decide_owner(c, ret->place.dirfd, &ret->entry);
        if (r != 0)
                return CALL_CONTINUE;
        if (!device && ret->entry.uid == 0 && ret->entry.gid == 0)
                return CALL_CONTINUE;
        if (fstatat(ret->place.dirfd, ret->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return CALL_CONTINUE;
        return call_check(c);
}

static int enter_in_ledger(struct call *c, const struct creation *n)
{
        struct ingot_ledger_key key;
        if (ingot_ledger_key_at(n->place.dirfd, n->name, AT_SYMLINK_NOFOLLOW, 0, NULL, &key) < 0)
                return -errno;
        return ingot_ledger_put(c->s->ledger, &key, &n->entry, NULL) < 0 ? -ENOMEM : 0;
}

static int hand_over(struct call *c, int fd, bool close_on_exec)
{
        struct seccomp_notif_addfd add = {
                .id = c->id,
                .flags = SECCOMP_ADDFD_FLAG_SEND,
                .srcfd = (uint32_t) fd,
                .newfd_flags = close_on_exec ? O_CLOEXEC : 0,
        };
        return ioctl(c->s->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -errno : CALL_ANSWERED;
}

/* O_TMPFILE: a file without a name in the folder PATH. */
static int open_nameless(struct call *c, int dirfd, uint64_t path, int flags, mode_t mode)
{
        struct place p = PLACE_NONE;
        struct ingot_ledger_key key;
        struct ingot_ledger_entry entry = {0};
        int r = place_enter(c, dirfd, path, 0, &p);
        _cleanup_close_ int folder =
                r < 0 ? -1 : openat(p.dirfd, p.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        place_leave(&p);
        if (folder < 0 || decide_owner(c, folder, &entry) < 0 || (!entry.uid && !entry.gid))
                return CALL_CONTINUE;
        _cleanup_close_ int fd = openat(folder, ".", flags | O_CLOEXEC, mode & ~umask_of(c));
        if (fd < 0)
                return -errno;
        if (ingot_ledger_key_at(fd, "", AT_EMPTY_PATH, 0, NULL, &key) < 0 ||
            ingot_ledger_put(c->s->ledger, &key, &entry, NULL) < 0)
                return -ENOMEM;
        return hand_over(c, fd, flags & O_CLOEXEC);
}

static int open_named(struct call *c, int dirfd, uint64_t path, int flags, mode_t mode)
{
        struct creation n = CREATION_NONE;
        _cleanup_close_ int fd = -1;
        int r = prepare(c, dirfd, path, false, &n);
        if (r == 0) {
                fd = openat(n.place.dirfd, n.name, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                            mode & ~umask_of(c) & 07777);
                r = fd < 0 ? -errno : enter_in_ledger(c, &n);
        }
        place_leave(&n.place);
        return r == 0 ? hand_over(c, fd, flags & O_CLOEXEC) : r;
}

static int open_file(struct call *c, int dirfd, uint64_t path, int flags, uint64_t mode)
{
        if ((flags & O_TMPFILE) == O_TMPFILE)
                return open_nameless(c, dirfd, path, flags, (mode_t) mode);
        if (!(flags & O_CREAT))
                return CALL_CONTINUE;
        return open_named(c, dirfd, path, flags, (mode_t) mode);
}

int call_open(struct call *c)
{
        return open_file(c, AT_FDCWD, c->args[0], (int) c->args[1], c->args[2]);
}

int call_creat(struct call *c)
{
        return open_file(c, AT_FDCWD, c->args[0], O_CREAT | O_WRONLY | O_TRUNC, c->args[1]);
}

int call_openat(struct call *c)
{
        return open_file(c, (int) c->args[0], c->args[1], (int) c->args[2], c->args[3]);
}

int call_openat2(struct call *c)
{
        struct open_how how = {0};
        if (c->args[3] < sizeof(how) || call_read(c, c->args[2], &how, sizeof(how)) < 0 ||
            how.resolve != 0)
                return CALL_CONTINUE;
        return open_file(c, (int) c->args[0], c->args[1], (int) how.flags, how.mode);
}

static int make_directory(struct call *c, int dirfd, uint64_t path, uint64_t mode)
{
        struct creation n = CREATION_NONE;
        int r = prepare(c, dirfd, path, false, &n);
        if (r == 0)
                r = mkdirat(n.place.dirfd, n.name, (mode_t) mode & ~umask_of(c) & 01777) < 0
                            ? -errno
                            : enter_in_ledger(c, &n);
        place_leave(&n.place);
        return r;
}

int call_mkdir(struct call *c)
{
        return make_directory(c, AT_FDCWD, c->args[0], c->args[1]);
}

int call_mkdirat(struct call *c)
{
        return make_directory(c, (int) c->args[0], c->args[1], c->args[2]);
}

static int make_symlink(struct call *c, uint64_t target, int dirfd, uint64_t path)
{
        char text[PATH_MAX];
        struct creation n = CREATION_NONE;
        if (call_read_string(c, target, text, sizeof(text)) < 0)
                return CALL_CONTINUE;
        int r = prepare(c, dirfd, path, false, &n);
        if (r == 0)
                r = symlinkat(text, n.place.dirfd, n.name) < 0 ? -errno : enter_in_ledger(c, &n);
        place_leave(&n.place);
        return r;
}

int call_symlink(struct call *c)
{
        return make_symlink(c, c->args[0], AT_FDCWD, c->args[1]);
}

int call_symlinkat(struct call *c)
{
        return make_symlink(c, c->args[0], (int) c->args[1], c->args[2]);
}

/* The file of N; a device's is a regular one. */
static int make_file(struct call *c, const struct creation *n, mode_t mode)
{
        mode_t type = n->entry.device_type ? S_IFREG : mode & S_IFMT;
        if (mknodat(n->place.dirfd, n->name, type | (mode & ~umask_of(c) & 07777), 0) < 0)
                return -errno;
        return enter_in_ledger(c, n);
}

static int make_node(struct call *c, int dirfd, uint64_t path, uint64_t mode, uint64_t device)
{
        struct creation n = CREATION_NONE;
        bool is_device = S_ISCHR(mode) || S_ISBLK(mode);
        int r = prepare(c, dirfd, path, is_device, &n);
        if (is_device) {
                /* The kernel's 32-bit form: 12 bits of major among 20 of minor (kdev_t.h). */
                n.entry.device_type = (uint32_t) mode & S_IFMT;
                n.entry.major = (uint32_t) (device >> 8 & 0xfff);
                n.entry.minor = (uint32_t) ((device & 0xff) | (device >> 12 & 0xfff00));
        }
        if (r == 0)
                r = make_file(c, &n, (mode_t) mode);
        place_leave(&n.place);
        return r;
}

int call_mknod(struct call *c)
{
        return make_node(c, AT_FDCWD, c->args[0], c->args[1], c->args[2]);
}

int call_mknodat(struct call *c)
{
        return make_node(c, (int) c->args[0], c->args[1], c->args[2], c->args[3]);
}
