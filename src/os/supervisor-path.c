/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths of supervised processes. The supervisor has the sandbox's root, so an absolute path is used
 * as it stands but for /proc/self, which would be ours. A relative one starts at the process's own
 * folder, by way of /proc. For a process that may have changed its root we go there (chroot into
 * /proc/TID/root), so that links are followed as it would follow them, and come back.
 */
#include "os/supervisor-call.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Paths that mean the process that looks: what stands in their place is "/proc/TID" and the rest.
 */
static const struct {
        const char *prefix, *rest;
} own_paths[] = {
        {"/proc/self", ""},      {"/proc/thread-self", ""}, {"/dev/fd", "/fd"},
        {"/dev/stdin", "/fd/0"}, {"/dev/stdout", "/fd/1"},  {"/dev/stderr", "/fd/2"},
};

bool place_own_path(pid_t tid, const char *path, char *ret, size_t size)
{
        for (size_t i = 0; i < ARRAY_SIZE(own_paths); i++) {
                size_t n = strlen(own_paths[i].prefix);
                if (strncmp(path, own_paths[i].prefix, n) != 0 || (path[n] && path[n] != '/'))
                        continue;
                snprintf(ret, size, "/proc/%d%s%s", tid, own_paths[i].rest, path + n);
                return true;
        }
        return false;
}

static int enter_root_of(const struct call *c, struct place *p)
{
        char link[64];
        if (!c->s->other_roots)
                return 0;
        snprintf(link, sizeof(link), "/proc/%d/root", c->tid);
        _cleanup_close_ int root = open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return -errno;
        p->moved = true;
        return fchdir(root) < 0 || chroot(".") < 0 ? -errno : 0;
}

/* Where a relative path starts. */
static int open_start(const struct call *c, int dirfd)
{
        char link[64];
        if (dirfd == AT_FDCWD)
                snprintf(link, sizeof(link), "/proc/%d/cwd", c->tid);
        else
                snprintf(link, sizeof(link), "/proc/%d/fd/%d", c->tid, dirfd);
        int fd = open(link, O_PATH | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT && dirfd != AT_FDCWD ? -EBADF : -errno;
        return fd;
}

static int enter(const struct call *c, int dirfd, const char *path, struct place *p)
{
        /* Our own /proc is reached before the root changes. */
        if (place_own_path(c->tid, path, p->path, sizeof(p->path)))
                return 0;
        if (*path != '/') {
                p->dirfd = open_start(c, dirfd);
                if (p->dirfd < 0) {
                        int r = p->dirfd;
                        p->dirfd = AT_FDCWD;
                        return r;
                }
        }
        strcpy(p->path, path);
        return enter_root_of(c, p);
}

int place_enter(const struct call *c, int dirfd, uint64_t path, int flags, struct place *ret)
{
        char text[PATH_MAX];
        *text = 0;
        if (path != 0 || !(flags & AT_EMPTY_PATH)) {
                int r = call_read_string(c, path, text, sizeof(text));
                if (r < 0)
                        return r;
        }
        if (call_check(c) < 0)
                return -ENOENT;
        ret->s = c->s;
        if (!*text && !(flags & AT_EMPTY_PATH))
                return -ENOENT;
        if (!*text && dirfd != AT_FDCWD)
                return place_descriptor(c, dirfd, ret);
        ret->flags = *text ? 0 : AT_EMPTY_PATH;
        return enter(c, dirfd, text, ret);
}

int place_descriptor(const struct call *c, int fd, struct place *ret)
{
        ret->s = c->s;
        ret->descriptor = true;
        snprintf(ret->path, sizeof(ret->path), "/proc/%d/fd/%d", c->tid, fd);
        return 0;
}

void place_leave(struct place *p)
{
        if (p->dirfd >= 0)
                close(p->dirfd);
        p->dirfd = AT_FDCWD;
        if (!p->moved)
                return;
        p->moved = false;
        /* Without its own root the supervisor is of no use; its end is the sandbox's. */
        if (fchdir(p->s->root) < 0 || chroot(".") < 0 || chdir("/") < 0)
                _exit(127);
}

int place_flags(const struct place *p, int flags)
{
        return (p->descriptor ? 0 : flags & AT_SYMLINK_NOFOLLOW) | p->flags;
}

int place_cut_name(char *path, char name[NAME_MAX + 1])
{
        size_t n = strlen(path);
        while (n > 1 && path[n - 1] == '/')
                path[--n] = 0;
        char *slash = strrchr(path, '/');
        const char *last = slash ? slash + 1 : path;
        if (!*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
                return CALL_CONTINUE;
        if (strlen(last) > NAME_MAX)
                return -ENAMETOOLONG;
        strcpy(name, last);
        if (!slash)
                strcpy(path, ".");
        else
                slash[slash == path] = 0;
        return 0;
}

int place_split(struct place *p, char name[NAME_MAX + 1])
{
        int r = place_cut_name(p->path, name);
        if (r != 0)
                return r;
        int fd = openat(p->dirfd, p->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (p->dirfd >= 0)
                close(p->dirfd);
        p->dirfd = fd;
        return 0;
}
