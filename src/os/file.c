/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files, with every short read and write continued, and every error naming its path. */
#include "os/file.h"
#include "base/cleanup.h"
#include "base/size.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define READ_AT_LEAST 4096 /* bytes of room for a read */

int ingot_file_pread(int fd, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        uint8_t *p = ret;
        while (size > 0) {
                ssize_t n = pread(fd, p, size, (off_t) offset);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return ingot_fail_errno(reterr, "read");
                if (n == 0)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "the file ends too early");
                p += n;
                offset += (size_t) n;
                size -= (size_t) n;
        }
        return 0;
}

/* Appends what is left of the file. The size that is told is no limit, only a guess: a file of
 * sysfs tells a page, one of procfs nothing. */
static int read_to_end(int fd, size_t max, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct stat st;
        size_t have = 0;
        if (fstat(fd, &st) < 0)
                return ingot_fail_errno(reterr, "stat");
        uint64_t told = (uint64_t) st.st_size;
        int r = ingot_buffer_reserve(ret, (size_t) ingot_min_u64(told, max) + 2, reterr);
        while (r >= 0) {
                r = ingot_buffer_reserve(ret, READ_AT_LEAST, reterr);
                if (r < 0)
                        break;
                ssize_t n = read(fd, ret->data + ret->size, ret->allocated - ret->size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return ingot_fail_errno(reterr, "read");
                if (n == 0)
                        return 0;
                have += (size_t) n;
                if (have > max)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "%llu bytes, more than %zu bytes",
                                          (unsigned long long) (have > told ? have : told), max);
                ret->size += (size_t) n;
        }
        return r;
}

int ingot_file_append(int fd, const char *name, size_t max, struct ingot_buffer *ret,
                      ingot_error *reterr)
{
        struct stat st;
        size_t before = ret->size;
        if (fstat(fd, &st) < 0)
                return ingot_fail_errno(reterr, "look at %s", name);
        if (!S_ISREG(st.st_mode))
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is no file", name);
        int r = read_to_end(fd, max, ret, reterr);
        if (r < 0)
                ret->size = before;
        return ingot_under(reterr, r, "%s", name);
}

int ingot_file_pwrite(int fd, uint64_t offset, const void *data, size_t size, ingot_error *reterr)
{
        const uint8_t *p = data;
        while (size > 0) {
                ssize_t n = pwrite(fd, p, size, (off_t) offset);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return ingot_fail_errno(reterr, "write");
                p += n;
                offset += (size_t) n;
                size -= (size_t) n;
        }
        return 0;
}

int ingot_file_write_all(int fd, const void *data, size_t size, ingot_error *reterr)
{
        const uint8_t *p = data;
        while (size > 0) {
                ssize_t n = write(fd, p, size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return ingot_fail_errno(reterr, "write");
                p += n;
                size -= (size_t) n;
        }
        return 0;
}

int ingot_file_read(int dirfd, const char *path, size_t max, uint8_t **ret, size_t *ret_size,
                    ingot_error *reterr)
{
        _cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        struct stat st;
        if (fd < 0)
                return errno == ENOENT ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no file %s", path)
                                       : ingot_fail_errno(reterr, "open %s", path);
        if (fstat(fd, &st) < 0)
                return ingot_fail_errno(reterr, "stat %s", path);
        if (S_ISFIFO(st.st_mode))
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is a pipe, not a file", path);
        int r = read_to_end(fd, max, &bytes, reterr);
        if (r >= 0)
                r = ingot_buffer_reserve(&bytes, 1, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        bytes.data[bytes.size] = 0;
        *ret_size = bytes.size;
        *ret = TAKE_PTR(bytes.data);
        return 0;
}

static int open_file(struct ingot_file *ret, const char *path, int flags, ingot_error *reterr)
{
        /* A pipe without a writer would never open otherwise. */
        _cleanup_close_ int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        if (fd < 0)
                return errno == ENOENT ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no file %s", path)
                                       : ingot_fail_errno(reterr, "open %s", path);
        if (fstat(fd, &st) < 0)
                return ingot_fail_errno(reterr, "stat %s", path);
        uint64_t size = (uint64_t) st.st_size;
        if (S_ISBLK(st.st_mode)) {
                if (ioctl(fd, BLKGETSIZE64, &size) < 0)
                        return ingot_fail_errno(reterr, "size of %s", path);
        } else if (!S_ISREG(st.st_mode)) {
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is not a file", path);
        }
        *ret = (struct ingot_file){.fd = TAKE_FD(fd), .size = size};
        return 0;
}

int ingot_file_open(struct ingot_file *ret, const char *path, ingot_error *reterr)
{
        return open_file(ret, path, O_RDONLY, reterr);
}

int ingot_file_open_writable(struct ingot_file *ret, const char *path, ingot_error *reterr)
{
        return open_file(ret, path, O_RDWR | O_DSYNC, reterr);
}

int ingot_file_open_update(struct ingot_file *ret, const char *path, ingot_error *reterr)
{
        return open_file(ret, path, O_RDWR, reterr);
}

int ingot_file_open_new(struct ingot_file *ret, const char *path, mode_t mode, ingot_error *reterr)
{
        _cleanup_close_ int fd =
                open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
                return ingot_fail_errno(reterr, "create %s", path);
        if (!S_ISREG(st.st_mode))
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is not a file", path);
        *ret = (struct ingot_file){.fd = TAKE_FD(fd), .size = (uint64_t) st.st_size};
        return 0;
}

int ingot_file_truncate(struct ingot_file *f, uint64_t size, ingot_error *reterr)
{
        if (ftruncate(f->fd, (off_t) size) < 0)
                return ingot_fail_errno(reterr, "set the size");
        f->size = size;
        return 0;
}

int ingot_file_rename(const char *path, const char *to, ingot_error *reterr)
{
        return rename(path, to) < 0 ? ingot_fail_errno(reterr, "rename %s to %s", path, to) : 0;
}

int ingot_folder_flush(const char *path, ingot_error *reterr)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no folder %s", path)
                                       : ingot_fail_errno(reterr, "open %s", path);
        return fsync(fd) < 0 || syncfs(fd) < 0 ? ingot_fail_errno(reterr, "flush %s", path) : 0;
}

int ingot_file_space(const char *path, uint64_t *ret, ingot_error *reterr)
{
        struct statvfs st;
        if (statvfs(path, &st) < 0)
                return ingot_fail_errno(reterr, "look at the file system of %s", path);
        *ret = (uint64_t) st.f_bavail * st.f_frsize;
        return 0;
}

int ingot_file_flush(const struct ingot_file *f, ingot_error *reterr)
{
        return fsync(f->fd) < 0 ? ingot_fail_errno(reterr, "flush") : 0;
}

void ingot_file_close(struct ingot_file *f)
{
        if (f->fd >= 0)
                close(f->fd);
        f->fd = -1;
}

static int read_file_at(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        const struct ingot_file *f = context;
        return ingot_file_pread(f->fd, offset, ret, size, reterr);
}

struct ingot_reader ingot_file_reader(struct ingot_file *f)
{
        return (struct ingot_reader){.read_at = read_file_at, .context = f, .size = f->size};
}

static int write_file_at(void *context, uint64_t offset, const void *data, size_t size,
                         ingot_error *reterr)
{
        const struct ingot_file *f = context;
        return ingot_file_pwrite(f->fd, offset, data, size, reterr);
}

struct ingot_writer ingot_file_writer(struct ingot_file *f)
{
        return (struct ingot_writer){.write_at = write_file_at, .context = f};
}

/* Makes .NAME.PID-ATTEMPT.part for PATH and locks it, which tells it from what a killed process
 * left; 1 when that name is taken. */
static int create_temporary(struct ingot_outfile *o, const char *path, unsigned attempt,
                            mode_t mode, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        struct stat st;
        int r = ingot_format(&name, reterr, ".%s.%d-%u.part", o->name, (int) getpid(), attempt);
        if (r < 0)
                return r;
        _cleanup_close_ int fd =
                openat(o->dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd < 0)
                return errno == EEXIST ? 1 : ingot_fail_errno(reterr, "create %s", path);
        /* Somebody who sweeps may have been quicker than the lock: then it is gone. A file system
         * without locks is never swept. */
        if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
                return 1;
        if (fstat(fd, &st) < 0 || fchmod(fd, mode) < 0) {
                r = ingot_fail_errno(reterr, "set the mode of %s", path);
                unlinkat(o->dirfd, name, 0);
                return r;
        }
        if (st.st_nlink == 0)
                return 1;
        o->fd = TAKE_FD(fd);
        o->temporary = TAKE_PTR(name);
        return 0;
}

int ingot_outfile_create(struct ingot_outfile *ret, const char *path, mode_t mode,
                         ingot_error *reterr)
{
        _cleanup_outfile_ struct ingot_outfile o = INGOT_OUTFILE_NONE;
        _cleanup_free_ char *folder = NULL;
        const char *slash = strrchr(path, '/');
        int r = slash ? ingot_format(&folder, reterr, "%.*s/", (int) (slash - path), path)
                      : ingot_format(&folder, reterr, ".");
        if (r < 0)
                return r;
        o.dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (o.dirfd < 0)
                return ingot_fail_errno(reterr, "open folder %s", folder);
        r = ingot_strdup(&o.name, slash ? slash + 1 : path, reterr);
        if (r < 0)
                return r;
        for (unsigned attempt = 0; attempt < 1000; attempt++) {
                r = create_temporary(&o, path, attempt, mode, reterr);
                if (r < 0)
                        return r;
                if (r == 0) {
                        *ret = o;
                        o = INGOT_OUTFILE_NONE;
                        return 0;
                }
        }
        return ingot_fail(reterr, INGOT_E_CONFLICT, "%s: no free name for a temporary file", path);
}

/* ".NAME.PID-N.part"? */
static bool is_temporary(const char *name)
{
        size_t n = strlen(name);
        if (name[0] != '.' || !ingot_ends_with(name, ".part"))
                return false;
        const char *p = name + n - strlen(".part"), *end = p;
        while (p > name && p[-1] >= '0' && p[-1] <= '9')
                p--;
        if (p == end || p == name || p[-1] != '-')
                return false;
        end = --p;
        while (p > name && p[-1] >= '0' && p[-1] <= '9')
                p--;
        return p != end && p - name > 2 && p[-1] == '.';
}

void ingot_outfile_sweep(const char *folder)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        _cleanup_close_ int dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dirfd < 0 || ingot_list_directory(dirfd, ".", &names, NULL) < 0)
                return;
        for (size_t i = 0; i < names.count; i++) {
                if (!is_temporary(names.items[i]))
                        continue;
                _cleanup_close_ int fd = openat(dirfd, names.items[i],
                                                O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
                if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
                        unlinkat(dirfd, names.items[i], 0);
        }
}

static int rename_outfile(struct ingot_outfile *o, ingot_error *reterr)
{
        if (renameat(o->dirfd, o->temporary, o->dirfd, o->name) < 0)
                return ingot_fail_errno(reterr, "rename to %s", o->name);
        free(o->temporary);
        o->temporary = NULL;
        return 0;
}

int ingot_outfile_commit(struct ingot_outfile *o, ingot_error *reterr)
{
        if (fsync(o->fd) < 0)
                return ingot_fail_errno(reterr, "sync %s", o->name);
        int r = rename_outfile(o, reterr);
        if (r < 0)
                return r;
        if (fsync(o->dirfd) < 0)
                return ingot_fail_errno(reterr, "sync the folder of %s", o->name);
        ingot_outfile_discard(o);
        return 0;
}

int ingot_outfile_publish(struct ingot_outfile *o, ingot_error *reterr)
{
        int r = rename_outfile(o, reterr);
        if (r >= 0)
                ingot_outfile_discard(o);
        return r;
}

void ingot_outfile_discard(struct ingot_outfile *o)
{
        if (o->temporary && o->fd >= 0)
                unlinkat(o->dirfd, o->temporary, 0);
        if (o->fd >= 0)
                close(o->fd);
        if (o->dirfd >= 0)
                close(o->dirfd);
        free(o->temporary);
        free(o->name);
        *o = INGOT_OUTFILE_NONE;
}

static int write_outfile_at(void *context, uint64_t offset, const void *data, size_t size,
                            ingot_error *reterr)
{
        struct ingot_outfile *o = context;
        return ingot_under(reterr, ingot_file_pwrite(o->fd, offset, data, size, reterr), "%s",
                           o->name);
}

struct ingot_writer ingot_outfile_writer(struct ingot_outfile *o)
{
        return (struct ingot_writer){.write_at = write_outfile_at, .context = o};
}

int ingot_outfile_put(const char *path, const void *data, size_t size, mode_t mode,
                      ingot_error *reterr)
{
        _cleanup_outfile_ struct ingot_outfile o = INGOT_OUTFILE_NONE;
        int r = ingot_outfile_create(&o, path, mode, reterr);
        if (r < 0)
                return r;
        r = ingot_file_write_all(o.fd, data, size, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        return ingot_outfile_commit(&o, reterr);
}

int ingot_file_put_new(const char *path, const void *data, size_t size, mode_t mode,
                       ingot_error *reterr)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0600);
        if (fd < 0 && errno == EEXIST)
                return ingot_fail(reterr, INGOT_E_CONFLICT, "%s is there already", path);
        if (fd < 0)
                return ingot_fail_errno(reterr, "make %s", path);
        int r = ingot_file_write_all(fd, data, size, reterr);
        if (r >= 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
                r = ingot_fail_errno(reterr, "write");
        if (r < 0)
                (void) unlink(path);
        return ingot_under(reterr, r, "%s", path);
}

int ingot_file_mode(const char *path, mode_t *ret, ingot_error *reterr)
{
        struct stat st;
        if (stat(path, &st) < 0)
                return errno == ENOENT ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no file %s", path)
                                       : ingot_fail_errno(reterr, "stat %s", path);
        *ret = st.st_mode;
        return 0;
}

bool ingot_file_exists(const char *path)
{
        struct stat st;
        return lstat(path, &st) == 0;
}

int ingot_file_touch(const char *path, ingot_error *reterr)
{
        if (utimensat(AT_FDCWD, path, NULL, 0) == 0 || access(path, R_OK) == 0)
                return 0;
        return errno == ENOENT ? 1 : ingot_fail_errno(reterr, "look for %s", path);
}

int ingot_file_remove(const char *path, ingot_error *reterr)
{
        if (unlink(path) < 0 && errno != ENOENT)
                return ingot_fail_errno(reterr, "remove %s", path);
        return 0;
}

int ingot_file_digest(const char *path, uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        const size_t block_size = (size_t) 1 << 18;
        _cleanup_free_ uint8_t *block = malloc(block_size);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct ingot_sha256 h;
        if (!block)
                return ingot_fail_nomem(reterr);
        if (fd < 0)
                return errno == ENOENT ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no file %s", path)
                                       : ingot_fail_errno(reterr, "open %s", path);
        ingot_sha256_init(&h);
        for (;;) {
                ssize_t n = read(fd, block, block_size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return ingot_fail_errno(reterr, "read %s", path);
                if (n == 0)
                        break;
                ingot_sha256_update(&h, block, (size_t) n);
        }
        ingot_sha256_final(&h, ret);
        return 0;
}

int ingot_make_directories(const char *path, mode_t mode, ingot_error *reterr)
{
        _cleanup_free_ char *copy = NULL;
        int r = ingot_strdup(&copy, path, reterr);
        if (r < 0)
                return r;
        for (char *p = copy; p;) {
                p = strchr(p + 1, '/');
                if (p)
                        *p = 0;
                if (mkdir(copy, mode) < 0 && errno != EEXIST)
                        return ingot_fail_errno(reterr, "make folder %s", copy);
                if (p)
                        *p = '/';
        }
        return 0;
}

/* Removes the content of the folder FD, which it closes. */
static int empty_directory(int fd, dev_t device, ingot_error *reterr)
{
        DIR *dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return ingot_fail_errno(reterr, "open a folder");
        }
        int r = 0;
        for (struct dirent *d; r >= 0 && (d = readdir(dir));) {
                struct stat st;
                if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
                        continue;
                if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                        r = ingot_fail_errno(reterr, "stat %s", d->d_name);
                        break;
                }
                if (!S_ISDIR(st.st_mode)) {
                        if (unlinkat(dirfd(dir), d->d_name, 0) < 0)
                                r = ingot_fail_errno(reterr, "remove %s", d->d_name);
                } else if (st.st_dev == device) {
                        r = ingot_remove_tree(dirfd(dir), d->d_name, reterr);
                }
        }
        closedir(dir);
        return r;
}

int ingot_remove_tree(int dirfd, const char *path, ingot_error *reterr)
{
        struct stat st;
        if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : ingot_fail_errno(reterr, "stat %s", path);
        if (S_ISDIR(st.st_mode)) {
                if ((st.st_mode & 0700) != 0700)
                        (void) fchmodat(dirfd, path, st.st_mode | 0700, 0);
                int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0)
                        return ingot_fail_errno(reterr, "open folder %s", path);
                int r = empty_directory(fd, st.st_dev, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", path);
        }
        if (unlinkat(dirfd, path, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT)
                return ingot_fail_errno(reterr, "remove %s", path);
        return 0;
}

int ingot_list_directory(int dirfd, const char *path, struct ingot_strings *ret,
                         ingot_error *reterr)
{
        int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no folder %s", path)
                                       : ingot_fail_errno(reterr, "open folder %s", path);
        DIR *dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return ingot_fail_errno(reterr, "open folder %s", path);
        }
        int r = 0;
        for (struct dirent *d; r >= 0 && (d = readdir(dir));)
                if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
                        r = ingot_strings_add(ret, d->d_name, reterr);
        closedir(dir);
        ingot_strings_sort(ret);
        return r;
}

int ingot_list_files(const char *path, struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings all = {0};
        struct stat st;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOTDIR ? 1 : ingot_fail_errno(reterr, "open folder %s", path);
        int r = ingot_list_directory(fd, ".", &all, reterr);
        for (size_t i = 0; i < all.count && r >= 0; i++)
                if (all.items[i][0] != '.' && fstatat(fd, all.items[i], &st, 0) == 0 &&
                    S_ISREG(st.st_mode))
                        r = ingot_strings_add(ret, all.items[i], reterr);
        return r;
}

int ingot_file_lock(const char *path, int *ret_fd, ingot_error *reterr)
{
        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return ingot_fail_errno(reterr, "open %s", path);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? ingot_fail(reterr, INGOT_E_CONFLICT,
                                                         "%s is locked by another process", path)
                                            : ingot_fail_errno(reterr, "lock %s", path);
        *ret_fd = TAKE_FD(fd);
        return 0;
}
