/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a tree into a folder, one name at a time, following no link. */
#include "os/unpack.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHUNK 262144

struct unpacking {
        const struct ingot_unpack_options *options;
        int root;
        struct ingot_strings linked; /* paths of files with several links; a mark is an index + 1 */
        struct ingot_buffer path;    /* of what is being written, from the folder */
};

static void unpacking_done(struct unpacking *u)
{
        ingot_close_p(&u->root);
        ingot_strings_done(&u->linked);
        ingot_buffer_done(&u->path);
}

static const char *path_of(const struct unpacking *u)
{
        return u->path.size ? (const char *) u->path.data : ".";
}

static int fail_at(const struct unpacking *u, const char *verb, ingot_error *reterr)
{
        if (errno == EEXIST)
                return ingot_fail(reterr, INGOT_E_CONFLICT, "'%.400s' is there already",
                                  path_of(u));
        return ingot_fail_errno(reterr, "%s '%.400s'", verb, path_of(u));
}

static int set_xattrs(const struct unpacking *u, int dirfd, const char *name,
                      const struct ingot_inode *inode, ingot_error *reterr)
{
        char path[INGOT_NAME_MAX + 40];
        snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
        for (size_t i = 0; i < inode->xattr_count; i++) {
                const struct ingot_xattr *x = inode->xattrs + i;
                if (!u->options->privileged && !ingot_starts_with(x->name, "user."))
                        continue;
                if (lsetxattr(path, x->name, x->value, x->size, 0) < 0)
                        return fail_at(u, "set an extended attribute of", reterr);
        }
        return 0;
}

/* Owner first: a change of it takes set-id bits and capabilities away. */
static int set_metadata(const struct unpacking *u, int dirfd, const char *name,
                        const struct ingot_inode *inode, ingot_error *reterr)
{
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                    {.tv_sec = inode->mtime, .tv_nsec = inode->mtime_nsec}};
        mode_t mode = inode->mode & (u->options->privileged ? 07777 : 01777);
        if (u->options->privileged &&
            fchownat(dirfd, name, inode->uid, inode->gid, AT_SYMLINK_NOFOLLOW) < 0)
                return fail_at(u, "set the owner of", reterr);
        if (inode->type != INGOT_FILE_SYMLINK && fchmodat(dirfd, name, mode, 0) < 0)
                return fail_at(u, "set the mode of", reterr);
        int e = set_xattrs(u, dirfd, name, inode, reterr);
        if (e < 0)
                return e;
        if (utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
                return fail_at(u, "set the time of", reterr);
        return 0;
}

static int write_content(const struct unpacking *u, int dirfd, const char *name,
                         const struct ingot_inode *inode, ingot_error *reterr)
{
        _cleanup_close_ int fd =
                openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return fail_at(u, "create", reterr);
        _cleanup_free_ uint8_t *chunk = malloc(CHUNK);
        if (!chunk)
                return ingot_fail_nomem(reterr);
        for (uint64_t done = 0; done < inode->content.size;) {
                size_t n = (size_t) ingot_min_u64(inode->content.size - done, CHUNK);
                int e = ingot_read_at(&inode->content, done, chunk, n, reterr);
                if (e == 0)
                        e = ingot_file_write_all(fd, chunk, n, reterr);
                if (e < 0)
                        return ingot_under(reterr, e, "%.400s", path_of(u));
                done += n;
        }
        return 0;
}

static int make_node(const struct unpacking *u, int dirfd, const char *name,
                     const struct ingot_inode *inode, ingot_error *reterr)
{
        mode_t type = inode->type == INGOT_FILE_CHARACTER ? S_IFCHR
                      : inode->type == INGOT_FILE_BLOCK   ? S_IFBLK
                      : inode->type == INGOT_FILE_FIFO    ? S_IFIFO
                                                          : S_IFSOCK;
        if (mknodat(dirfd, name, type | 0600, makedev(inode->major, inode->minor)) < 0)
                return fail_at(u, "create", reterr);
        return 0;
}

static int unpack_entries(struct unpacking *u, int dirfd, struct ingot_inode *directory,
                          ingot_error *reterr);

/* The folder may be there already; then it must be one, not a link to one. */
static int unpack_directory(struct unpacking *u, int dirfd, const char *name,
                            struct ingot_inode *inode, ingot_error *reterr)
{
        if (mkdirat(dirfd, name, 0700) < 0 && errno != EEXIST)
                return fail_at(u, "create", reterr);
        _cleanup_close_ int fd =
                openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return fail_at(u, "open", reterr);
        return unpack_entries(u, fd, inode, reterr);
}

/* A further name of a file that was written: 1; else the path is kept, and 0. */
static int unpack_link(struct unpacking *u, int dirfd, const char *name, struct ingot_inode *inode,
                       ingot_error *reterr)
{
        if (inode->mark > 0) {
                if (linkat(u->root, u->linked.items[inode->mark - 1], dirfd, name, 0) < 0)
                        return fail_at(u, "link", reterr);
                return 1;
        }
        int e = ingot_strings_add(&u->linked, path_of(u), reterr);
        if (e == 0)
                inode->mark = u->linked.count;
        return e;
}

static int unpack_inode(struct unpacking *u, int dirfd, const char *name, struct ingot_inode *inode,
                        ingot_error *reterr)
{
        int e = 0;
        bool device = inode->type == INGOT_FILE_CHARACTER || inode->type == INGOT_FILE_BLOCK;
        if (device && !u->options->privileged) {
                ingot_warn(u->options->log, "%.400s: device nodes are left out", path_of(u));
                return 0;
        }
        if (inode->type != INGOT_FILE_DIRECTORY && inode->links > 1)
                e = unpack_link(u, dirfd, name, inode, reterr);
        if (e != 0)
                return e < 0 ? e : 0;
        if (inode->type == INGOT_FILE_DIRECTORY)
                e = unpack_directory(u, dirfd, name, inode, reterr);
        else if (inode->type == INGOT_FILE_REGULAR)
                e = write_content(u, dirfd, name, inode, reterr);
        else if (inode->type != INGOT_FILE_SYMLINK)
                e = make_node(u, dirfd, name, inode, reterr);
        else if (symlinkat(inode->target, dirfd, name) < 0)
                e = fail_at(u, "create", reterr);
        return e < 0 ? e : set_metadata(u, dirfd, name, inode, reterr);
}

static int unpack_entries(struct unpacking *u, int dirfd, struct ingot_inode *directory,
                          ingot_error *reterr)
{
        size_t before = u->path.size;
        for (size_t i = 0; i < directory->entry_count; i++) {
                const struct ingot_entry *entry = directory->entries + i;
                int e = ingot_buffer_printf(&u->path, reterr, "%s%s", before ? "/" : "",
                                            entry->name);
                if (e == 0)
                        e = unpack_inode(u, dirfd, entry->name, entry->inode, reterr);
                if (e < 0)
                        return e;
                u->path.size = before;
                u->path.data[before] = 0;
        }
        return 0;
}

static int clear_mark(void *context, const char *path, struct ingot_inode *inode,
                      ingot_error *reterr)
{
        (void) context, (void) path, (void) reterr;
        inode->mark = 0;
        return 0;
}

int ingot_unpack(struct ingot_inode *node, const char *name, const char *folder,
                 const struct ingot_unpack_options *options, ingot_error *reterr)
{
        _cleanup_(unpacking_done) struct unpacking u = {.options = options, .root = -1};
        struct ingot_tree tree = {.root = node};
        int e = ingot_make_directories(folder, 0755, reterr);
        if (e < 0)
                return e;
        u.root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (u.root < 0)
                return ingot_fail_errno(reterr, "open %s", folder);
        if (node->type == INGOT_FILE_DIRECTORY) {
                e = ingot_tree_walk(&tree, clear_mark, NULL, reterr);
                return e < 0 ? e : unpack_entries(&u, u.root, node, reterr);
        }
        node->mark = 0;
        e = ingot_buffer_printf(&u.path, reterr, "%s", name);
        return e < 0 ? e : unpack_inode(&u, u.root, name, node, reterr);
}
