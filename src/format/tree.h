/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tree of files in memory: names, types, modes, owners, extended attributes, and references to
 * content. Packages, archives and folders are read into one; every file-system writer takes one;
 * every file-system reader can yield one.
 *
 * An inode stands once and may have several entries (hard links); directories have exactly one.
 * Entries of a directory are always in byte order of their names, xattrs in byte order too, so
 * that no writer sees the order in which things came.
 */
#pragma once

#include "base/io.h"

#include <stdbool.h>

enum ingot_file_type {
        INGOT_FILE_REGULAR,
        INGOT_FILE_DIRECTORY,
        INGOT_FILE_SYMLINK,
        INGOT_FILE_CHARACTER,
        INGOT_FILE_BLOCK,
        INGOT_FILE_FIFO,
        INGOT_FILE_SOCKET
};

#define INGOT_NAME_MAX 255 /* bytes of one name */
#define INGOT_TREE_DEPTH_MAX 128

struct ingot_xattr {
        char *name; /* whole: "security.capability" */
        uint8_t *value;
        size_t size;
};

struct ingot_inode;

struct ingot_entry {
        char *name;
        struct ingot_inode *inode;
};

struct ingot_inode {
        unsigned links; /* entries that name it; the root counts itself once */
        enum ingot_file_type type;
        uint16_t mode; /* permission, set-id and sticky bits: 07777 */
        uint32_t uid, gid;
        int64_t mtime; /* seconds since the epoch */
        uint32_t mtime_nsec;
        uint32_t major, minor; /* of devices */
        char *target;          /* of symbolic links */

        /* Of regular files: content.size is the file's size. An empty file has read_at NULL. */
        struct ingot_reader content;
        void (*content_release)(void *context); /* frees content.context, or NULL */

        struct ingot_xattr *xattrs;
        size_t xattr_count;

        /* Of directories. */
        struct ingot_entry *entries;
        size_t entry_count, entry_allocated;
        struct ingot_inode *parent; /* of directories; the root is its own */

        uint64_t mark; /* for whoever walks the tree; no meaning between calls */
};

struct ingot_tree {
        struct ingot_inode *root;
};

/* An empty tree: a root directory, mode 0755, owner 0:0, time 0. */
int ingot_tree_new(struct ingot_tree **ret, ingot_error *reterr);
void ingot_tree_free(struct ingot_tree *tree);

/* A new inode without a name: give it to ingot_tree_link, or free it. */
int ingot_inode_new(enum ingot_file_type type, uint16_t mode, struct ingot_inode **ret,
                    ingot_error *reterr);
void ingot_inode_free(struct ingot_inode *inode);

/* Enters INODE under NAME. CONFLICT when the name is there, FORMAT for an impossible name ("", ".",
 * "..", with '/', or longer than INGOT_NAME_MAX). A directory can be entered only once. */
int ingot_tree_link(struct ingot_inode *directory, const char *name, struct ingot_inode *inode,
                    ingot_error *reterr);

/* Removes the entry; its inode, and all below it, is freed when that was the last. NOTFOUND. */
int ingot_tree_unlink(struct ingot_inode *directory, const char *name, ingot_error *reterr);

/* The entry of that name, or NULL. */
struct ingot_entry *ingot_tree_entry(const struct ingot_inode *directory, const char *name);

/* The inode at PATH ("/" and "" are the root; symbolic links are not followed), or NULL. */
struct ingot_inode *ingot_tree_lookup(const struct ingot_tree *tree, const char *path);

/* As lookup, but follows symbolic links within the tree, the last one too; NULL also on a loop. */
struct ingot_inode *ingot_tree_resolve(const struct ingot_tree *tree, const char *path);

/* The directory at PATH, made with its parents (0755, 0:0, MTIME) where absent. Links to
 * directories on the way are followed. CONFLICT when something else is in the way. */
int ingot_tree_make_directory(struct ingot_tree *tree, const char *path, int64_t mtime,
                              struct ingot_inode **ret, ingot_error *reterr);

/* A regular file of these bytes, which are copied; replaces what was there. Parents are made. */
int ingot_tree_put_bytes(struct ingot_tree *tree, const char *path, uint16_t mode, int64_t mtime,
                         const void *data, size_t size, ingot_error *reterr);
int ingot_tree_put_symlink(struct ingot_tree *tree, const char *path, const char *target,
                           int64_t mtime, ingot_error *reterr);

/* Removes PATH and what is below it; 1 when it was there, 0 when not. */
int ingot_tree_remove(struct ingot_tree *tree, const char *path, ingot_error *reterr);

/* Sets, or replaces, one extended attribute; the value is copied. */
int ingot_inode_set_xattr(struct ingot_inode *inode, const char *name, const void *value,
                          size_t size, ingot_error *reterr);
const struct ingot_xattr *ingot_inode_xattr(const struct ingot_inode *inode, const char *name);

/* Gives a file its content as a copy of these bytes. */
int ingot_inode_set_bytes(struct ingot_inode *inode, const void *data, size_t size,
                          ingot_error *reterr);

/* The whole content in *ret (the caller frees; one NUL stands behind it). LIMIT above MAX. */
int ingot_inode_read(const struct ingot_inode *inode, size_t max, uint8_t **ret, size_t *ret_size,
                     ingot_error *reterr);

/*
 * Calls FN for every entry below the root, parents before children, names in byte order; PATH has
 * no leading '/'. An inode with several links is passed once for each. FN returns < 0 to stop with
 * that error, 0 to go on, 1 to leave out what is below this directory. FN changes no entries.
 */
typedef int (*ingot_walk_fn)(void *context, const char *path, struct ingot_inode *inode,
                             ingot_error *reterr);
int ingot_tree_walk(const struct ingot_tree *tree, ingot_walk_fn fn, void *context,
                    ingot_error *reterr);

/* The word for a type: "file", "directory", "link" … */
const char *ingot_file_type_name(enum ingot_file_type type);

static inline void ingot_tree_free_p(struct ingot_tree **t)
{
        if (*t)
                ingot_tree_free(*t);
}

static inline void ingot_inode_free_p(struct ingot_inode **i)
{
        if (*i)
                ingot_inode_free(*i);
}
