/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of a tree that is being made. */
#include "os/make.h"
#include "base/cleanup.h"
#include "os/copy.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define SMALL ((size_t) 32 << 10)

static int set_time(int dirfd, const char *path, int64_t mtime, ingot_error *reterr)
{
        const struct timespec times[] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
        if (utimensat(dirfd, path, times, AT_SYMLINK_NOFOLLOW) < 0)
                return ingot_fail_errno(reterr, "set the time of %s", path);
        return 0;
}

int ingot_make_directory_at(int dirfd, const char *path, uint16_t mode, ingot_error *reterr)
{
        if (mkdirat(dirfd, path, 0700) < 0 && errno != EEXIST)
                return ingot_fail_errno(reterr, "make folder %s", path);
        if (fchmodat(dirfd, path, mode, 0) < 0)
                return ingot_fail_errno(reterr, "set the mode of %s", path);
        return 0;
}

int ingot_make_missing_directory_at(int dirfd, const char *path, uint16_t mode, ingot_error *reterr)
{
        if (mkdirat(dirfd, path, 0700) == 0)
                return ingot_make_directory_at(dirfd, path, mode, reterr);
        return errno == EEXIST ? 0 : ingot_fail_errno(reterr, "make folder %s", path);
}

int ingot_make_symlink_at(int dirfd, const char *path, const char *target, int64_t mtime,
                          ingot_error *reterr)
{
        if (symlinkat(target, dirfd, path) < 0)
                return ingot_fail_errno(reterr, "make link %s", path);
        return set_time(dirfd, path, mtime, reterr);
}

int ingot_make_link_at(int dirfd, const char *path, const char *new_path, ingot_error *reterr)
{
        if (linkat(dirfd, path, dirfd, new_path, 0) < 0)
                return ingot_fail_errno(reterr, "link %s to %s", new_path, path);
        return 0;
}

int ingot_make_fifo_at(int dirfd, const char *path, uint16_t mode, int64_t mtime,
                       ingot_error *reterr)
{
        if (mkfifoat(dirfd, path, 0600) < 0 || fchmodat(dirfd, path, mode, 0) < 0)
                return ingot_fail_errno(reterr, "make %s", path);
        return set_time(dirfd, path, mtime, reterr);
}

static int copy_content(int from, uint64_t offset, int to, uint64_t size, ingot_error *reterr)
{
        uint8_t small[SMALL];
        if (size > sizeof(small))
                return ingot_copy_sparse(from, offset, to, 0, size, reterr);
        int r = ingot_file_pread(from, offset, small, (size_t) size, reterr);
        return r < 0 ? r : ingot_file_write_all(to, small, (size_t) size, reterr);
}

int ingot_make_file_at(int dirfd, const char *path, uint16_t mode, int64_t mtime, int from,
                       uint64_t offset, uint64_t size, ingot_error *reterr)
{
        const struct timespec times[] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
        _cleanup_close_ int fd =
                openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return ingot_fail_errno(reterr, "create %s", path);
        int r = size > 0 ? copy_content(from, offset, fd, size, reterr) : 0;
        if (r >= 0 && (fchmod(fd, mode) < 0 || futimens(fd, times) < 0))
                r = ingot_fail_errno(reterr, "set mode and time of %s", path);
        return r;
}

int ingot_make_note_owner(int dirfd, const char *path, const struct ingot_make_owner *owner,
                          struct ingot_ledger *ledger, ingot_error *reterr)
{
        struct ingot_ledger_entry entry = {.uid = owner->uid, .gid = owner->gid};
        struct ingot_ledger_key key;
        if (owner->type == INGOT_FILE_CHARACTER || owner->type == INGOT_FILE_BLOCK) {
                entry.device_type = owner->type == INGOT_FILE_BLOCK ? S_IFBLK : S_IFCHR;
                entry.major = owner->major;
                entry.minor = owner->minor;
        } else if (owner->uid == 0 && owner->gid == 0) {
                return 0;
        }
        if (ingot_ledger_key_at(dirfd, path, AT_SYMLINK_NOFOLLOW, 0, NULL, &key) < 0)
                return ingot_fail_errno(reterr, "stat %s", path);
        return ingot_ledger_put(ledger, &key, &entry, reterr);
}
