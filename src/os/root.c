/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* openat2(2) with RESOLVE_IN_ROOT. */
#include "os/root.h"
#include "base/cleanup.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define TRIES 16 /* while somebody renames folders beside us */

int ingot_root_open(const char *folder, int *ret, ingot_error *reterr)
{
        const char *path = folder ? folder : "/";
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR
                               ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no folder %s", path)
                               : ingot_fail_errno(reterr, "open %s", path);
        *ret = fd;
        return 0;
}

/* The descriptor, or -1 with errno. */
static int open_in(int root, const char *path, int flags)
{
        struct open_how how = {.flags = (uint64_t) (flags | O_CLOEXEC),
                               .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
        long fd = -1;
        for (unsigned i = 0; i < TRIES; i++) {
                fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
                if (fd >= 0 || errno != EAGAIN)
                        break;
        }
        return (int) fd;
}

static bool absent(void)
{
        return errno == ENOENT || errno == ENOTDIR;
}

/* Is the last component itself a link to /dev/null, whether that root has one or not? */
static bool is_mask(int root, const char *path)
{
        char text[sizeof("/dev/null")];
        _cleanup_close_ int fd = open_in(root, path, O_PATH | O_NOFOLLOW);
        if (fd < 0)
                return false;
        ssize_t size = readlinkat(fd, "", text, sizeof(text));
        return size == (ssize_t) sizeof(text) - 1 && memcmp(text, "/dev/null", (size_t) size) == 0;
}

int ingot_root_look(int root, const char *path, enum ingot_root_kind *ret, ingot_error *reterr)
{
        struct stat st;
        if (is_mask(root, path)) {
                *ret = INGOT_ROOT_MASK;
                return 0;
        }
        _cleanup_close_ int fd = open_in(root, path, O_PATH);
        if (fd < 0 && absent()) {
                *ret = INGOT_ROOT_ABSENT;
                return 0;
        }
        if (fd < 0 || fstat(fd, &st) < 0)
                return ingot_fail_errno(reterr, "look at %s", path);
        if (S_ISREG(st.st_mode))
                *ret = st.st_size == 0 ? INGOT_ROOT_EMPTY : INGOT_ROOT_FILE;
        else
                *ret = S_ISDIR(st.st_mode) ? INGOT_ROOT_FOLDER : INGOT_ROOT_OTHER;
        return 0;
}

int ingot_root_list(int root, const char *path, struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings all = {0};
        _cleanup_close_ int fd = open_in(root, path, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return absent() ? 1 : ingot_fail_errno(reterr, "open %s", path);
        int r = ingot_under(reterr, ingot_list_directory(fd, ".", &all, reterr), "%s", path);
        for (size_t i = 0; r >= 0 && i < all.count; i++)
                if (all.items[i][0] != '.')
                        r = ingot_strings_add(ret, all.items[i], reterr);
        return r;
}

int ingot_root_open_folder(int root, const char *path, int *ret, ingot_error *reterr)
{
        int fd = open_in(root, path, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return absent() ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no folder %s", path)
                                : ingot_fail_errno(reterr, "open %s", path);
        *ret = fd;
        return 0;
}

/* A pipe without a writer would never open otherwise. */
static int open_to_read(int root, const char *path, int *ret, ingot_error *reterr)
{
        int fd = open_in(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return absent() ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no file %s", path)
                                : ingot_fail_errno(reterr, "open %s", path);
        *ret = fd;
        return 0;
}

int ingot_root_open_file(int root, const char *path, struct ingot_file *ret, ingot_error *reterr)
{
        _cleanup_close_ int fd = -1;
        struct stat st;
        int r = open_to_read(root, path, &fd, reterr);
        if (r < 0)
                return r;
        if (fstat(fd, &st) < 0)
                return ingot_fail_errno(reterr, "stat %s", path);
        if (!S_ISREG(st.st_mode))
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is not a file", path);
        *ret = (struct ingot_file){.fd = TAKE_FD(fd), .size = (uint64_t) st.st_size};
        return 0;
}

int ingot_root_read(int root, const char *path, size_t max, struct ingot_buffer *ret,
                    ingot_error *reterr)
{
        _cleanup_close_ int fd = -1;
        int r = open_to_read(root, path, &fd, reterr);
        return r < 0 ? r : ingot_file_append(fd, path, max, ret, reterr);
}
