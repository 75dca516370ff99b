/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One openat(O_NOFOLLOW) for each component: a link that appears meanwhile is not followed. */
#include "os/plain-path.h"
#include "base/cleanup.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

int ingot_plain_open_root(const char *folder, int *ret, ingot_error *reterr)
{
        int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT
                               ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no folder %s", folder)
                               : ingot_fail_errno(reterr, "open folder %s", folder);
        *ret = fd;
        return 0;
}

static bool is_absence(int error)
{
        return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENAMETOOLONG;
}

/* The folder that holds PATH, and the last component ("." for the root); 1 when there is none. */
static int open_parent(int root, const char *path, int *ret, const char **ret_name,
                       ingot_error *reterr)
{
        _cleanup_close_ int at = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        const char *name = path + 1, *end;
        if (at < 0)
                return ingot_fail_errno(reterr, "open the root folder");
        for (; (end = strchr(name, '/')); name = end + 1) {
                char component[NAME_MAX + 1];
                size_t n = (size_t) (end - name);
                if (n >= sizeof(component))
                        return 1;
                memcpy(component, name, n);
                component[n] = 0;
                int fd = openat(at, component, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0 && is_absence(errno))
                        return 1;
                if (fd < 0)
                        return ingot_fail_errno(reterr, "open folder %.*s", (int) (end - path),
                                                path);
                close(at);
                at = fd;
        }
        *ret = TAKE_FD(at);
        *ret_name = *name ? name : ".";
        return 0;
}

static int read_link(int fd, const char *path, char **ret, ingot_error *reterr)
{
        char text[PATH_MAX];
        ssize_t n = readlinkat(fd, "", text, sizeof(text) - 1);
        if (n < 0)
                return ingot_fail_errno(reterr, "read link %s", path);
        text[n] = 0;
        return ingot_strdup(ret, text, reterr);
}

int ingot_plain_look(int root, const char *path, enum ingot_plain_kind *ret, char **ret_link,
                     ingot_error *reterr)
{
        _cleanup_close_ int parent = -1, fd = -1;
        const char *name;
        struct stat st;
        *ret = INGOT_PLAIN_ABSENT;
        int r = open_parent(root, path, &parent, &name, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && is_absence(errno))
                return 0;
        if (fd < 0 || fstat(fd, &st) < 0)
                return ingot_fail_errno(reterr, "look at %s", path);
        if (S_ISLNK(st.st_mode)) {
                *ret = INGOT_PLAIN_LINK;
                return ret_link ? read_link(fd, path, ret_link, reterr) : 0;
        }
        *ret = S_ISREG(st.st_mode)   ? INGOT_PLAIN_FILE
               : S_ISDIR(st.st_mode) ? INGOT_PLAIN_FOLDER
                                     : INGOT_PLAIN_OTHER;
        return 0;
}

/* NOTFOUND when it is not there, or is a link. */
static int open_plain(int root, const char *path, int flags, int *ret, ingot_error *reterr)
{
        _cleanup_close_ int parent = -1;
        const char *name;
        int r = open_parent(root, path, &parent, &name, reterr);
        if (r < 0)
                return r;
        int fd = r > 0 ? -1 : openat(parent, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 && (r > 0 || is_absence(errno)))
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "%s is not there", path);
        if (fd < 0)
                return ingot_fail_errno(reterr, "open %s", path);
        *ret = fd;
        return 0;
}

int ingot_plain_list(int root, const char *path, struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_close_ int fd = -1;
        int r = open_plain(root, path, O_RDONLY | O_DIRECTORY, &fd, reterr);
        return r < 0 ? r : ingot_list_directory(fd, ".", ret, reterr);
}

int ingot_plain_read(int root, const char *path, size_t max, struct ingot_buffer *ret,
                     ingot_error *reterr)
{
        _cleanup_close_ int fd = -1;
        int r = open_plain(root, path, O_RDONLY, &fd, reterr);
        return r < 0 ? r : ingot_file_append(fd, path, max, ret, reterr);
}
