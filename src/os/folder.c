/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the disk into a tree: names and headers now, content when it is asked for. */
#include "os/folder.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* Where all paths of one load begin; freed with the last file that reads from it. */
struct base {
        int fd;
        unsigned references;
};

struct content {
        struct base *base;
        dev_t device;
        ino_t number;
        uint64_t size;
        char path[];
};

struct link {
        dev_t device;
        ino_t number;
        struct ingot_inode *inode;
};

struct loading {
        const struct ingot_folder_options *options;
        struct base *base;
        dev_t device;
        void *links; /* tsearch(3) of struct link */
};

static void base_free(struct base *b)
{
        if (--b->references > 0)
                return;
        if (b->fd >= 0)
                close(b->fd);
        free(b);
}

static void base_free_p(struct base **b)
{
        if (*b)
                base_free(*b);
}

static int base_new(int fd, struct base **ret, ingot_error *reterr)
{
        struct base *b = calloc(1, sizeof(*b));
        if (!b)
                return ingot_fail_nomem(reterr);
        *b = (struct base){.fd = fd, .references = 1};
        *ret = b;
        return 0;
}

static void release_content(void *context)
{
        struct content *c = context;
        base_free(c->base);
        free(c);
}

static int read_content(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        const struct content *c = context;
        struct stat st;
        int dirfd = c->base->fd >= 0 ? c->base->fd : AT_FDCWD;
        _cleanup_close_ int fd = openat(dirfd, c->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return ingot_fail_errno(reterr, "open %s", c->path);
        if (fstat(fd, &st) < 0)
                return ingot_fail_errno(reterr, "stat %s", c->path);
        if (st.st_dev != c->device || st.st_ino != c->number || (uint64_t) st.st_size != c->size)
                return ingot_fail(reterr, INGOT_E_CONFLICT, "%s changed while it was read",
                                  c->path);
        return ingot_under(reterr, ingot_file_pread(fd, offset, ret, size, reterr), "%s", c->path);
}

static int set_content(struct ingot_inode *inode, const struct stat *st, struct base *base,
                       const char *path, ingot_error *reterr)
{
        if (st->st_size == 0)
                return 0;
        size_t length = strlen(path) + 1;
        struct content *c = malloc(sizeof(*c) + length);
        if (!c)
                return ingot_fail_nomem(reterr);
        *c = (struct content){.base = base,
                              .device = st->st_dev,
                              .number = st->st_ino,
                              .size = (uint64_t) st->st_size};
        memcpy(c->path, path, length);
        base->references++;
        inode->content = (struct ingot_reader){
                .read_at = read_content, .context = c, .size = (uint64_t) st->st_size};
        inode->content_release = release_content;
        return 0;
}

static uint16_t mode_of(const struct stat *st, const struct ingot_folder_options *o)
{
        if (S_ISLNK(st->st_mode))
                return 0777;
        if (!o->normal_modes)
                return st->st_mode & 07777;
        return S_ISDIR(st->st_mode) || (st->st_mode & S_IXUSR) ? 0755 : 0644;
}

static void set_header(struct ingot_inode *inode, const struct stat *st,
                       const struct ingot_folder_options *o)
{
        inode->mode = mode_of(st, o);
        inode->uid = o->root_owned ? 0 : st->st_uid;
        inode->gid = o->root_owned ? 0 : st->st_gid;
        inode->mtime = st->st_mtim.tv_sec;
        inode->mtime_nsec = (uint32_t) st->st_mtim.tv_nsec;
        if (o->fixed_mtime || inode->mtime >= o->mtime) {
                inode->mtime = o->mtime;
                inode->mtime_nsec = 0;
        }
        if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
                inode->major = major(st->st_rdev);
                inode->minor = minor(st->st_rdev);
        }
}

/* A capability that belongs to a user namespace (revision 3, with the id of its root) is stored as
 * the plain one (revision 2) that it is inside (linux/capability.h). */
static size_t plain_capability(uint8_t *value, size_t size)
{
        if (size != 24 || (ingot_le32_load(value) & 0xff000000) != 0x03000000)
                return size;
        ingot_le32_store(value, (ingot_le32_load(value) & 0x00ffffff) | 0x02000000);
        return 20;
}

static int load_xattr(const char *path, const char *name, struct ingot_inode *inode,
                      ingot_error *reterr)
{
        ssize_t size = lgetxattr(path, name, NULL, 0);
        if (size < 0)
                return errno == ENODATA ? 0 : ingot_fail_errno(reterr, "read attribute %s", name);
        _cleanup_free_ uint8_t *value = malloc((size_t) size + 1);
        if (!value)
                return ingot_fail_nomem(reterr);
        size = lgetxattr(path, name, value, (size_t) size);
        if (size < 0)
                return ingot_fail_errno(reterr, "read attribute %s", name);
        size_t kept = strcmp(name, "security.capability") == 0
                              ? plain_capability(value, (size_t) size)
                              : (size_t) size;
        return ingot_inode_set_xattr(inode, name, value, kept, reterr);
}

static int load_xattrs(int dirfd, const char *name, struct ingot_inode *inode, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "/proc/self/fd/%d/%s", dirfd, name);
        if (r < 0)
                return r;
        ssize_t size = llistxattr(path, NULL, 0);
        if (size <= 0)
                return size == 0 || errno == ENOTSUP ? 0
                                                     : ingot_fail_errno(reterr, "list attributes");
        _cleanup_free_ char *names = malloc((size_t) size + 1);
        if (!names)
                return ingot_fail_nomem(reterr);
        size = llistxattr(path, names, (size_t) size);
        if (size < 0)
                return ingot_fail_errno(reterr, "list attributes");
        for (const char *n = names; n < names + size && r >= 0; n += strlen(n) + 1)
                r = load_xattr(path, n, inode, reterr);
        return r;
}

static int load_target(int dirfd, const char *name, struct ingot_inode *inode, ingot_error *reterr)
{
        char target[4097];
        ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);
        if (n < 0)
                return ingot_fail_errno(reterr, "read the link");
        target[n] = 0;
        return ingot_strdup(&inode->target, target, reterr);
}

static int compare_links(const void *a, const void *b)
{
        const struct link *x = a, *y = b;
        if (x->device != y->device)
                return x->device < y->device ? -1 : 1;
        return (x->number > y->number) - (x->number < y->number);
}

/* 1 when another name of this file came before, and its inode was entered under this one too. */
static int enter_again(struct loading *l, const struct stat *st, struct ingot_inode *parent,
                       const char *name, ingot_error *reterr)
{
        struct link key = {.device = st->st_dev, .number = st->st_ino};
        if (!l->options->hard_links || st->st_nlink < 2 || S_ISDIR(st->st_mode))
                return 0;
        struct link **found = tfind(&key, &l->links, compare_links);
        if (!found)
                return 0;
        int r = ingot_tree_link(parent, name, (*found)->inode, reterr);
        return r < 0 ? r : 1;
}

static int remember(struct loading *l, const struct stat *st, struct ingot_inode *inode,
                    ingot_error *reterr)
{
        if (!l->options->hard_links || st->st_nlink < 2 || S_ISDIR(st->st_mode))
                return 0;
        _cleanup_free_ struct link *key = malloc(sizeof(*key));
        if (!key)
                return ingot_fail_nomem(reterr);
        *key = (struct link){.device = st->st_dev, .number = st->st_ino, .inode = inode};
        if (!tsearch(key, &l->links, compare_links))
                return ingot_fail_nomem(reterr);
        TAKE_PTR(key);
        return 0;
}

static int type_of(const struct stat *st, enum ingot_file_type *ret, ingot_error *reterr)
{
        switch (st->st_mode & S_IFMT) {
        case S_IFREG:
                *ret = INGOT_FILE_REGULAR;
                return 0;
        case S_IFDIR:
                *ret = INGOT_FILE_DIRECTORY;
                return 0;
        case S_IFLNK:
                *ret = INGOT_FILE_SYMLINK;
                return 0;
        case S_IFCHR:
                *ret = INGOT_FILE_CHARACTER;
                return 0;
        case S_IFBLK:
                *ret = INGOT_FILE_BLOCK;
                return 0;
        case S_IFIFO:
                *ret = INGOT_FILE_FIFO;
                return 0;
        case S_IFSOCK:
                *ret = INGOT_FILE_SOCKET;
                return 0;
        default:
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "an unknown type of file");
        }
}

static int load_folder(struct loading *l, int dirfd, const char *name, const char *path,
                       struct ingot_inode *inode, unsigned depth, ingot_error *reterr);

/* NAME in the folder FD, whose path from the base is PATH. */
static int load_entry(struct loading *l, int fd, const char *path, const char *name,
                      struct ingot_inode *parent, unsigned depth, ingot_error *reterr)
{
        struct stat st;
        enum ingot_file_type type;
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return ingot_fail_errno(reterr, "stat %s", path);
        int r = enter_again(l, &st, parent, name, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        r = type_of(&st, &type, reterr);
        if (r >= 0)
                r = ingot_inode_new(type, 0, &inode, reterr);
        if (r < 0)
                return r;
        set_header(inode, &st, l->options);
        if (l->options->xattrs)
                r = load_xattrs(fd, name, inode, reterr);
        if (r >= 0 && type == INGOT_FILE_SYMLINK)
                r = load_target(fd, name, inode, reterr);
        if (r >= 0 && type == INGOT_FILE_REGULAR)
                r = set_content(inode, &st, l->base, path, reterr);
        if (r >= 0)
                r = ingot_tree_link(parent, name, inode, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        struct ingot_inode *entered = TAKE_PTR(inode);
        if (type == INGOT_FILE_DIRECTORY && st.st_dev == l->device)
                return load_folder(l, fd, name, path, entered, depth + 1, reterr);
        return remember(l, &st, entered, reterr);
}

static int load_folder(struct loading *l, int dirfd, const char *name, const char *path,
                       struct ingot_inode *inode, unsigned depth, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        if (depth > INGOT_TREE_DEPTH_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s: more than %d folders deep", path,
                                  INGOT_TREE_DEPTH_MAX);
        _cleanup_close_ int fd =
                openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return ingot_fail_errno(reterr, "open folder %s", path);
        int r = ingot_list_directory(fd, ".", &names, reterr);
        for (size_t i = 0; i < names.count && r >= 0; i++) {
                _cleanup_free_ char *below = NULL;
                r = ingot_format(&below, reterr, "%s%s%s", path, *path ? "/" : "", names.items[i]);
                if (r >= 0)
                        r = load_entry(l, fd, below, names.items[i], inode, depth, reterr);
        }
        return r;
}

int ingot_folder_load(const char *path, const struct ingot_folder_options *options,
                      struct ingot_tree **ret, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_(base_free_p) struct base *base = NULL;
        struct stat st;
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no folder %s", path)
                                       : ingot_fail_errno(reterr, "open folder %s", path);
        int r = base_new(fd, &base, reterr);
        if (r < 0) {
                close(fd);
                return r;
        }
        if (fstat(fd, &st) < 0)
                return ingot_fail_errno(reterr, "stat %s", path);
        struct loading l = {.options = options, .base = base, .device = st.st_dev};
        r = ingot_tree_new(&tree, reterr);
        if (r >= 0)
                set_header(tree->root, &st, options);
        if (r >= 0 && options->xattrs)
                r = load_xattrs(fd, ".", tree->root, reterr);
        if (r >= 0)
                r = load_folder(&l, fd, ".", "", tree->root, 1, reterr);
        tdestroy(l.links, free);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        *ret = TAKE_PTR(tree);
        return 0;
}

int ingot_folder_load_file(const char *path, const struct ingot_folder_options *options,
                           struct ingot_inode **ret, ingot_error *reterr)
{
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        _cleanup_(base_free_p) struct base *base = NULL;
        struct stat st;
        if (stat(path, &st) < 0)
                return errno == ENOENT ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no file %s", path)
                                       : ingot_fail_errno(reterr, "stat %s", path);
        if (!S_ISREG(st.st_mode))
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is not a file", path);
        int r = base_new(-1, &base, reterr);
        if (r >= 0)
                r = ingot_inode_new(INGOT_FILE_REGULAR, 0, &inode, reterr);
        if (r < 0)
                return r;
        set_header(inode, &st, options);
        r = set_content(inode, &st, base, path, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(inode);
        return 0;
}
