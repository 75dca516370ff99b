/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounts, and switch_root as Linux wants it: Documentation/filesystems/ramfs-rootfs-initramfs.rst. */
#include "os/mount.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

int ingot_mount(const struct ingot_mount *m, ingot_error *reterr)
{
        const char *source = m->source ? m->source : m->type;
        if (mount(source, m->target, m->type, m->flags, m->options) < 0)
                return ingot_fail_errno(reterr, "mount %s (%s) on %s", source, m->type, m->target);
        return 0;
}

int ingot_mount_private(const struct ingot_mount *m, ingot_error *reterr)
{
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return ingot_fail_errno(reterr, "make mounts of one's own");
        int r = ingot_make_directories(m->target, 0700, reterr);
        return r < 0 ? r : ingot_mount(m, reterr);
}

int ingot_mount_again(const char *from, const char *to, ingot_error *reterr)
{
        if (mount(from, to, NULL, MS_BIND, NULL) < 0)
                return ingot_fail_errno(reterr, "mount %s on %s", from, to);
        if (mount(NULL, to, NULL, MS_PRIVATE, NULL) < 0) {
                int r = ingot_fail_errno(reterr, "set apart %s", to);
                umount2(to, UMOUNT_NOFOLLOW);
                return r;
        }
        return 0;
}

int ingot_mount_of_system(ingot_error *reterr)
{
        static const char path[] = "/proc/1/ns/mnt";
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        /* The kernel moves none that shares root and working folder with other threads. */
        if (fd < 0 || unshare(CLONE_FS) < 0 || setns(fd, CLONE_NEWNS) < 0)
                return ingot_fail_errno(reterr, "enter %s", path);
        return 0;
}

bool ingot_mount_is_fat(const char *path)
{
        struct statfs st;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd >= 0 && fstatfs(fd, &st) == 0 && st.f_type == MSDOS_SUPER_MAGIC;
}

int ingot_unmount(const char *target, ingot_error *reterr)
{
        return umount2(target, UMOUNT_NOFOLLOW) < 0 ? ingot_fail_errno(reterr, "unmount %s", target)
                                                    : 0;
}

bool ingot_mount_is(const char *path)
{
        struct statx st;
        return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) == 0 &&
               (st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) &&
               (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Moves the mount of PATH to the same place below NEW_ROOT; what cannot be moved is let go. */
static int move_below(const char *new_root, const char *path, ingot_error *reterr)
{
        _cleanup_free_ char *target = NULL;
        if (!ingot_mount_is(path))
                return 0;
        int r = ingot_format(&target, reterr, "%s%s", new_root, path);
        if (r < 0)
                return r;
        if (mount(path, target, NULL, MS_MOVE, NULL) < 0)
                return ingot_fail_errno(reterr, "move %s to %s", path, target);
        return 0;
}

/* Removes what stands on the file system of the folder FD itself. */
static int free_initramfs(int fd, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        struct stat st, own;
        if (fstat(fd, &own) < 0)
                return ingot_fail_errno(reterr, "stat the initramfs");
        int r = ingot_list_directory(fd, ".", &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++)
                if (fstatat(fd, names.items[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                    st.st_dev == own.st_dev)
                        r = ingot_remove_tree(fd, names.items[i], reterr);
        return r;
}

static int open_initramfs(ingot_error *reterr)
{
        struct statfs st;
        _cleanup_close_ int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fstatfs(fd, &st) < 0)
                return ingot_fail_errno(reterr, "open /");
        if (st.f_type != RAMFS_MAGIC && st.f_type != TMPFS_MAGIC)
                return ingot_fail(reterr, INGOT_E_CONFLICT, "leave /: it is no initramfs");
        return TAKE_FD(fd);
}

int ingot_switch_root(const char *new_root, ingot_error *reterr)
{
        static const char *const moved[] = {"/dev", "/proc", "/sys", "/run"};
        _cleanup_close_ int old = open_initramfs(reterr);
        if (old < 0)
                return old;
        for (size_t i = 0; i < ARRAY_SIZE(moved); i++) {
                int r = move_below(new_root, moved[i], reterr);
                if (r < 0)
                        return r;
        }
        if (chdir(new_root) < 0)
                return ingot_fail_errno(reterr, "enter %s", new_root);
        if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
                return ingot_fail_errno(reterr, "move %s to /", new_root);
        if (chroot(".") < 0 || chdir("/") < 0)
                return ingot_fail_errno(reterr, "make %s the root", new_root);
        return free_initramfs(old, reterr);
}
