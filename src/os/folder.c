/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders and files without what differs from one checkout to the next. */
#include "os/folder.h"
#include "base/cleanup.h"
#include "os/file.h"
#include "os/tree-load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct content {
        dev_t device;
        ino_t number;
        uint64_t size;
        char path[];
};

static void make_normal(const struct ingot_folder_options *o, struct ingot_inode *inode)
{
        if (inode->type == INGOT_FILE_SYMLINK)
                inode->mode = 0777;
        else if (o->normal_modes)
                inode->mode =
                        inode->type == INGOT_FILE_DIRECTORY || (inode->mode & 0100) ? 0755 : 0644;
        inode->mtime = o->mtime;
        inode->mtime_nsec = 0;
}

static int visit(void *context, const char *path, struct ingot_inode *inode, ingot_error *reterr)
{
        (void) path;
        (void) reterr;
        make_normal(context, inode);
        return 0;
}

int ingot_folder_load(const char *path, const struct ingot_folder_options *options,
                      struct ingot_tree **ret, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        struct ingot_folder_options o = *options;
        const struct ingot_tree_load load = {
                .dirfd = AT_FDCWD, .path = path, .root_owned = true, .split_links = true};
        struct stat st;
        if (stat(path, &st) < 0 && errno == ENOENT)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no folder %s", path);
        int r = ingot_tree_load(&load, &tree, reterr);
        if (r >= 0)
                r = ingot_tree_walk(tree, visit, &o, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        make_normal(&o, tree->root);
        *ret = TAKE_PTR(tree);
        return 0;
}

static int read_content(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        const struct content *c = context;
        struct stat st;
        _cleanup_close_ int fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return ingot_fail_errno(reterr, "open %s", c->path);
        if (fstat(fd, &st) < 0)
                return ingot_fail_errno(reterr, "stat %s", c->path);
        if (st.st_dev != c->device || st.st_ino != c->number || (uint64_t) st.st_size != c->size)
                return ingot_fail(reterr, INGOT_E_CONFLICT, "%s changed since it was looked at",
                                  c->path);
        return ingot_under(reterr, ingot_file_pread(fd, offset, ret, size, reterr), "%s", c->path);
}

int ingot_folder_load_file(const char *path, const struct ingot_folder_options *options,
                           struct ingot_inode **ret, ingot_error *reterr)
{
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        struct stat st;
        if (stat(path, &st) < 0)
                return errno == ENOENT ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no file %s", path)
                                       : ingot_fail_errno(reterr, "stat %s", path);
        if (!S_ISREG(st.st_mode))
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is not a file", path);
        int r = ingot_inode_new(INGOT_FILE_REGULAR, st.st_mode & 07777, &inode, reterr);
        if (r < 0)
                return r;
        make_normal(options, inode);
        if (st.st_size > 0) {
                size_t length = strlen(path) + 1;
                struct content *c = malloc(sizeof(*c) + length);
                if (!c)
                        return ingot_fail_nomem(reterr);
                *c = (struct content){st.st_dev, st.st_ino, (uint64_t) st.st_size};
                memcpy(c->path, path, length);
                inode->content = (struct ingot_reader){
                        .read_at = read_content, .context = c, .size = (uint64_t) st.st_size};
                inode->content_release = free;
        }
        *ret = TAKE_PTR(inode);
        return 0;
}
