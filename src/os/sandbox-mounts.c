/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file systems of a sandbox. What comes from the host is cloned as a detached mount while the
 * host's tree is still there, and attached after the root is changed. /dev is a tmpfs, so nothing
 * of it stays in the target's tree.
 */
#include "os/sandbox-mounts.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES_MAX 4096

static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};

static const char *const links[][2] = {
        {"/proc/self/fd", "/dev/fd"},
        {"/proc/self/fd/0", "/dev/stdin"},
        {"/proc/self/fd/1", "/dev/stdout"},
        {"/proc/self/fd/2", "/dev/stderr"},
};

struct detached {
        int fds[FILES_MAX];
        size_t count;
};

static int clone_mount(struct detached *d, const char *path, bool read_only, ingot_error *reterr)
{
        if (d->count == FILES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d files", FILES_MAX);
        int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (fd < 0)
                return ingot_fail_errno(reterr, "take %s into the sandbox", path);
        d->fds[d->count++] = fd;
        struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
        if (read_only && mount_setattr(fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
                return ingot_fail_errno(reterr, "make %s read-only", path);
        return 0;
}

static int attach_mount(int fd, const char *path, ingot_error *reterr)
{
        _cleanup_close_ int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (file < 0)
                return ingot_fail_errno(reterr, "create %s", path);
        if (move_mount(fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return ingot_fail_errno(reterr, "mount %s", path);
        return 0;
}

static int clone_from_host(const struct ingot_sandbox *sandbox, struct detached *d,
                           ingot_error *reterr)
{
        char path[64];
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(devices); i++) {
                snprintf(path, sizeof(path), "/dev/%s", devices[i]);
                r = clone_mount(d, path, false, reterr);
        }
        for (size_t i = 0; r >= 0 && i < sandbox->file_count; i++)
                r = clone_mount(d, sandbox->files[i].path, true, reterr);
        return r;
}

static int attach_from_host(const struct ingot_sandbox *sandbox, struct detached *d,
                            ingot_error *reterr)
{
        char path[512];
        int r = 0;
        for (size_t i = 0; r >= 0 && i < d->count; i++) {
                if (i < ARRAY_SIZE(devices))
                        snprintf(path, sizeof(path), "/dev/%s", devices[i]);
                else
                        snprintf(path, sizeof(path), "/dev/ingot/%s",
                                 sandbox->files[i - ARRAY_SIZE(devices)].name);
                r = attach_mount(d->fds[i], path, reterr);
                close(d->fds[i]);
                d->fds[i] = -1;
        }
        return r;
}

static int enter_root(const char *path, ingot_error *reterr)
{
        if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return ingot_fail_errno(reterr, "make mounts private");
        /* Opened here: a descriptor from before leads to the mount of the old namespace. */
        _cleanup_close_ int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return ingot_fail_errno(reterr, "open folder %s", path);
        _cleanup_close_ int tree =
                open_tree(root, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (tree < 0)
                return ingot_fail_errno(reterr, "take the tree into the sandbox");
        if (move_mount(tree, "", root, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
                return ingot_fail_errno(reterr, "mount the tree");
        if (fchdir(tree) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
            umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
                return ingot_fail_errno(reterr, "make the tree the root");
        return 0;
}

/* Made while the host's /proc is in sight: who sees none, or only parts, may not have a new one. */
static int make_proc(int *ret, ingot_error *reterr)
{
        _cleanup_close_ int context = fsopen("proc", FSOPEN_CLOEXEC);
        if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return ingot_fail_errno(reterr, "make a /proc");
        int fd = fsmount(context, FSMOUNT_CLOEXEC,
                         MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
        if (fd < 0)
                return ingot_fail_errno(reterr, "make a /proc (a container that hides parts of its "
                                                "own forbids it)");
        *ret = fd;
        return 0;
}

static int mount_dev(const struct ingot_sandbox *sandbox, ingot_error *reterr)
{
        if (mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64m") < 0)
                return ingot_fail_errno(reterr, "mount /dev");
        /* The mode of /dev/shm is set apart from making it: the umask is not to have a say. */
        if (mkdir("/dev/shm", 0700) < 0 || chmod("/dev/shm", 01777) < 0 ||
            mkdir("/dev/pts", 0755) < 0 ||
            (sandbox->file_count > 0 && mkdir("/dev/ingot", 0755) < 0))
                return ingot_fail_errno(reterr, "make folders in /dev");
        for (size_t i = 0; i < ARRAY_SIZE(links); i++)
                if (symlink(links[i][0], links[i][1]) < 0)
                        return ingot_fail_errno(reterr, "make %s", links[i][1]);
        return 0;
}

int ingot_sandbox_mount(const struct ingot_sandbox *sandbox, ingot_error *reterr)
{
        _cleanup_free_ struct detached *d = calloc(1, sizeof(*d));
        if (!d)
                return ingot_fail_nomem(reterr);
        int r = clone_from_host(sandbox, d, reterr);
        if (r < 0)
                return r;
        _cleanup_close_ int proc = -1;
        r = make_proc(&proc, reterr);
        if (r >= 0)
                r = enter_root(sandbox->root, reterr);
        if (r >= 0 && move_mount(proc, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) < 0)
                r = ingot_fail_errno(reterr, "mount /proc");
        if (r >= 0)
                r = mount_dev(sandbox, reterr);
        if (r >= 0)
                r = attach_from_host(sandbox, d, reterr);
        return r;
}
