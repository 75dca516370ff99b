/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder on disk as a tree in memory. */
#include "os/tree-load.h"
#include "base/cleanup.h"
#include "os/acl.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define XATTR_MAX 65536

/* The folder's descriptor, shared by all readers. */
struct shared_folder {
        int fd;
        unsigned references;
        pthread_mutex_t lock;
};

struct disk_file {
        struct shared_folder *folder;
        char path[];
};

struct hard_link {
        uint64_t device, number;
        struct ingot_inode *inode;
};

struct loading {
        const struct ingot_tree_load *options;
        struct shared_folder *folder;
        uint64_t device;
        void *links; /* tree of struct hard_link */
};

static void unreference(struct shared_folder *folder)
{
        pthread_mutex_lock(&folder->lock);
        bool last = --folder->references == 0;
        pthread_mutex_unlock(&folder->lock);
        if (!last)
                return;
        close(folder->fd);
        pthread_mutex_destroy(&folder->lock);
        free(folder);
}

static void unreference_p(struct shared_folder **folder)
{
        if (*folder)
                unreference(*folder);
}

static int read_disk_file(void *context, uint64_t offset, void *ret, size_t size,
                          ingot_error *reterr)
{
        const struct disk_file *file = context;
        _cleanup_close_ int fd = openat(file->folder->fd, file->path,
                                        O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return ingot_fail_errno(reterr, "open %s", file->path);
        return ingot_under(reterr, ingot_file_pread(fd, offset, ret, size, reterr), "%s",
                           file->path);
}

static void release_disk_file(void *context)
{
        struct disk_file *file = context;
        unreference(file->folder);
        free(file);
}

static int refer_to_content(struct loading *l, const char *path, uint64_t size,
                            struct ingot_inode *inode, ingot_error *reterr)
{
        struct disk_file *file = malloc(sizeof(*file) + strlen(path) + 1);
        if (!file)
                return ingot_fail_nomem(reterr);
        strcpy(file->path, path);
        file->folder = l->folder;
        pthread_mutex_lock(&l->folder->lock);
        l->folder->references++;
        pthread_mutex_unlock(&l->folder->lock);
        inode->content =
                (struct ingot_reader){.read_at = read_disk_file, .context = file, .size = size};
        inode->content_release = release_disk_file;
        return 0;
}

static int compare_links(const void *a, const void *b)
{
        const struct hard_link *x = a, *y = b;
        if (x->device != y->device)
                return x->device < y->device ? -1 : 1;
        return x->number < y->number ? -1 : x->number > y->number;
}

static int find_link(struct loading *l, const struct ingot_ledger_key *key, struct hard_link **ret,
                     ingot_error *reterr)
{
        struct hard_link *link = calloc(1, sizeof(*link));
        if (!link)
                return ingot_fail_nomem(reterr);
        link->device = key->device;
        link->number = key->inode;
        struct hard_link **found = tsearch(link, &l->links, compare_links);
        if (!found || *found != link)
                free(link);
        if (!found)
                return ingot_fail_nomem(reterr);
        *ret = *found;
        return 0;
}

/*
 * A capability set inside a user namespace is stored as version 3, with the namespace's root; what
 * it means there, and in the image, is version 2 (linux/capability.h, struct vfs_ns_cap_data).
 */
static size_t capability_as_v2(uint8_t *value, size_t size)
{
        if (size != 24 || value[3] != 3)
                return size;
        value[3] = 2;
        return 20;
}

static bool xattr_wanted(const char *name)
{
        return strcmp(name, "security.capability") == 0 || ingot_starts_with(name, "user.") ||
               strcmp(name, "system.posix_acl_access") == 0 ||
               strcmp(name, "system.posix_acl_default") == 0;
}

static int load_xattrs(int dirfd, const char *name, struct ingot_inode *inode, ingot_error *reterr)
{
        char path[64 + INGOT_NAME_MAX];
        snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
        ssize_t size = llistxattr(path, NULL, 0);
        if (size == 0 || (size < 0 && (errno == ENOTSUP || errno == EACCES)))
                return 0;
        if (size < 0)
                return ingot_fail_errno(reterr, "list extended attributes");
        _cleanup_free_ char *names = malloc((size_t) size + 1);
        _cleanup_free_ uint8_t *value = malloc(XATTR_MAX);
        if (!names || !value)
                return ingot_fail_nomem(reterr);
        size = llistxattr(path, names, (size_t) size);
        if (size < 0)
                return ingot_fail_errno(reterr, "list extended attributes");
        names[size] = 0;
        for (const char *n = names; n < names + size; n += strlen(n) + 1) {
                if (!xattr_wanted(n))
                        continue;
                ssize_t got = lgetxattr(path, n, value, XATTR_MAX);
                if (got < 0)
                        return ingot_fail_errno(reterr, "read extended attribute %s", n);
                size_t kept = (size_t) got;
                if (strcmp(n, "security.capability") == 0)
                        kept = capability_as_v2(value, kept);
                int r = ingot_inode_set_xattr(inode, n, value, kept, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int load_acls(const struct ingot_ledger_entry *entry, struct ingot_inode *inode,
                     ingot_error *reterr)
{
        int r = 0;
        if (entry->acl_access) {
                ingot_acl_follow_mode(entry->acl_access, entry->acl_access_size, inode->mode);
                r = ingot_inode_set_xattr(inode, "system.posix_acl_access", entry->acl_access,
                                          entry->acl_access_size, reterr);
        }
        if (r >= 0 && entry->acl_default)
                r = ingot_inode_set_xattr(inode, "system.posix_acl_default", entry->acl_default,
                                          entry->acl_default_size, reterr);
        return r;
}

/* Who owns it and what kind it really is, by ledger or by what the options say. */
static int load_owner(struct loading *l, const struct ingot_ledger_key *key,
                      const struct statx *stx, struct ingot_inode *inode, ingot_error *reterr)
{
        struct ingot_ledger_entry entry;
        if (!l->options->ledger) {
                inode->uid = l->options->root_owned ? 0 : stx->stx_uid;
                inode->gid = l->options->root_owned ? 0 : stx->stx_gid;
                return 0;
        }
        if (!ingot_ledger_get(l->options->ledger, key, &entry))
                return 0;
        inode->uid = entry.uid;
        inode->gid = entry.gid;
        if (entry.device_type && inode->type == INGOT_FILE_REGULAR) {
                inode->type =
                        entry.device_type == S_IFBLK ? INGOT_FILE_BLOCK : INGOT_FILE_CHARACTER;
                inode->major = entry.major;
                inode->minor = entry.minor;
        }
        return l->options->xattrs ? load_acls(&entry, inode, reterr) : 0;
}

static void load_times(const struct loading *l, const struct statx *stx, struct ingot_inode *inode)
{
        inode->mtime = stx->stx_mtime.tv_sec;
        inode->mtime_nsec = stx->stx_mtime.tv_nsec;
        if (l->options->clamp && inode->mtime >= l->options->newest) {
                inode->mtime = l->options->newest;
                inode->mtime_nsec = 0;
        }
}

static bool file_type(const struct statx *stx, enum ingot_file_type *ret)
{
        switch (stx->stx_mode & S_IFMT) {
        case S_IFREG:
                *ret = INGOT_FILE_REGULAR;
                return true;
        case S_IFDIR:
                *ret = INGOT_FILE_DIRECTORY;
                return true;
        case S_IFLNK:
                *ret = INGOT_FILE_SYMLINK;
                return true;
        case S_IFCHR:
                *ret = INGOT_FILE_CHARACTER;
                return true;
        case S_IFBLK:
                *ret = INGOT_FILE_BLOCK;
                return true;
        case S_IFIFO:
                *ret = INGOT_FILE_FIFO;
                return true;
        default:
                return false;
        }
}

static int load_target(int dirfd, const char *name, struct ingot_inode *inode, ingot_error *reterr)
{
        char target[4097];
        ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);
        if (n < 0)
                return ingot_fail_errno(reterr, "read link");
        target[n] = 0;
        return ingot_strdup(&inode->target, target, reterr);
}

/* Lets the owner read a file, or enter a folder, of a tree that is ours. */
static int make_accessible(const struct loading *l, int dirfd, const char *name,
                           const struct statx *stx, ingot_error *reterr)
{
        mode_t needed = S_ISDIR(stx->stx_mode) ? 0700 : S_ISREG(stx->stx_mode) ? 0400 : 0;
        if (!l->options->ledger || (stx->stx_mode & needed) == needed || geteuid() == 0)
                return 0;
        if (fchmodat(dirfd, name, (stx->stx_mode & 07777) | needed, 0) < 0)
                return ingot_fail_errno(reterr, "make readable");
        return 0;
}

static int load_inode(struct loading *l, int dirfd, const char *name, const char *path,
                      const struct statx *stx, const struct ingot_ledger_key *key,
                      enum ingot_file_type type, struct ingot_inode **ret, ingot_error *reterr)
{
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        int r = ingot_inode_new(type, stx->stx_mode & 07777, &inode, reterr);
        if (r < 0)
                return r;
        load_times(l, stx, inode);
        inode->major = stx->stx_rdev_major;
        inode->minor = stx->stx_rdev_minor;
        r = load_owner(l, key, stx, inode, reterr);
        if (r >= 0)
                r = make_accessible(l, dirfd, name, stx, reterr);
        if (r >= 0 && l->options->xattrs && type != INGOT_FILE_SYMLINK)
                r = load_xattrs(dirfd, name, inode, reterr);
        if (r >= 0 && inode->type == INGOT_FILE_REGULAR && stx->stx_size > 0)
                r = refer_to_content(l, path, stx->stx_size, inode, reterr);
        if (r >= 0 && type == INGOT_FILE_SYMLINK)
                r = load_target(dirfd, name, inode, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(inode);
        return 0;
}

static int load_folder(struct loading *l, int fd, const char *path, unsigned depth,
                       struct ingot_inode *directory, ingot_error *reterr);

static int load_below(struct loading *l, int dirfd, const char *name, const char *path,
                      unsigned depth, struct ingot_inode *inode, ingot_error *reterr)
{
        _cleanup_close_ int fd =
                openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return ingot_fail_errno(reterr, "open folder");
        return load_folder(l, fd, path, depth + 1, inode, reterr);
}

static int load_entry(struct loading *l, int dirfd, const char *name, const char *path,
                      unsigned depth, struct ingot_inode *directory, ingot_error *reterr)
{
        struct statx stx;
        struct ingot_ledger_key key;
        enum ingot_file_type type;
        if (ingot_ledger_key_at(dirfd, name, AT_SYMLINK_NOFOLLOW, 0, &stx, &key) < 0)
                return ingot_fail_errno(reterr, "stat");
        if (!file_type(&stx, &type))
                return 0;
        struct hard_link *link = NULL;
        int r = 0;
        if (type != INGOT_FILE_DIRECTORY && stx.stx_nlink > 1 && !l->options->split_links)
                r = find_link(l, &key, &link, reterr);
        if (r < 0)
                return r;
        if (link && link->inode)
                return ingot_tree_link(directory, name, link->inode, reterr);
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        r = load_inode(l, dirfd, name, path, &stx, &key, type, &inode, reterr);
        if (r >= 0)
                r = ingot_tree_link(directory, name, inode, reterr);
        if (r < 0)
                return r;
        struct ingot_inode *entered = TAKE_PTR(inode);
        if (link)
                link->inode = entered;
        if (type != INGOT_FILE_DIRECTORY || key.device != l->device)
                return 0;
        return load_below(l, dirfd, name, path, depth, entered, reterr);
}

static int load_folder(struct loading *l, int fd, const char *path, unsigned depth,
                       struct ingot_inode *directory, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        if (depth > INGOT_TREE_DEPTH_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s: too deep", path);
        int r = ingot_list_directory(fd, ".", &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                _cleanup_free_ char *below = NULL;
                r = ingot_format(&below, reterr, "%s%s%s", path, *path ? "/" : "", names.items[i]);
                if (r >= 0)
                        r = load_entry(l, fd, names.items[i], below, depth, directory, reterr);
                /* A failure deeper down has its path already. */
                if (r < 0 && reterr && below && !strstr(reterr->text, below))
                        r = ingot_under(reterr, r, "%s", below);
        }
        return r;
}

static int load_root(struct loading *l, struct ingot_tree *tree, ingot_error *reterr)
{
        struct statx stx;
        struct ingot_ledger_key key;
        if (ingot_ledger_key_at(l->folder->fd, "", AT_EMPTY_PATH, 0, &stx, &key) < 0)
                return ingot_fail_errno(reterr, "stat %s", l->options->path);
        l->device = key.device;
        tree->root->mode = stx.stx_mode & 07777;
        load_times(l, &stx, tree->root);
        int r = load_owner(l, &key, &stx, tree->root, reterr);
        if (r >= 0 && l->options->xattrs)
                r = load_xattrs(l->folder->fd, ".", tree->root, reterr);
        if (r >= 0)
                r = load_folder(l, l->folder->fd, "", 0, tree->root, reterr);
        return r;
}

static int open_shared(const struct ingot_tree_load *load, struct shared_folder **ret,
                       ingot_error *reterr)
{
        struct shared_folder *folder = calloc(1, sizeof(*folder));
        if (!folder)
                return ingot_fail_nomem(reterr);
        folder->fd = openat(load->dirfd, load->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder->fd < 0) {
                free(folder);
                return ingot_fail_errno(reterr, "open folder %s", load->path);
        }
        folder->references = 1;
        pthread_mutex_init(&folder->lock, NULL);
        *ret = folder;
        return 0;
}

int ingot_tree_load(const struct ingot_tree_load *load, struct ingot_tree **ret,
                    ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_(unreference_p) struct shared_folder *folder = NULL;
        struct loading l = {.options = load};
        int r = open_shared(load, &folder, reterr);
        if (r >= 0)
                r = ingot_tree_new(&tree, reterr);
        if (r < 0)
                return r;
        l.folder = folder;
        r = load_root(&l, tree, reterr);
        tdestroy(l.links, free);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(tree);
        return 0;
}
