/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree of files: sorted arrays of entries, inodes counted by their links. */
#include "format/tree.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int ingot_tree_new(struct ingot_tree **ret, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = calloc(1, sizeof(*tree));
        if (!tree)
                return ingot_fail_nomem(reterr);
        int r = ingot_inode_new(INGOT_FILE_DIRECTORY, 0755, &tree->root, reterr);
        if (r < 0)
                return r;
        tree->root->links = 1;
        tree->root->parent = tree->root;
        *ret = TAKE_PTR(tree);
        return 0;
}

void ingot_tree_free(struct ingot_tree *tree)
{
        if (!tree)
                return;
        ingot_inode_free(tree->root);
        free(tree);
}

int ingot_inode_new(enum ingot_file_type type, uint16_t mode, struct ingot_inode **ret,
                    ingot_error *reterr)
{
        struct ingot_inode *inode = calloc(1, sizeof(*inode));
        if (!inode)
                return ingot_fail_nomem(reterr);
        inode->type = type;
        inode->mode = mode & 07777;
        *ret = inode;
        return 0;
}

static void release_content(struct ingot_inode *inode)
{
        if (inode->content_release)
                inode->content_release(inode->content.context);
        inode->content = (struct ingot_reader){0};
        inode->content_release = NULL;
}

static void drop_link(struct ingot_inode *inode)
{
        if (inode->links > 1)
                inode->links--;
        else
                ingot_inode_free(inode);
}

void ingot_inode_free(struct ingot_inode *inode)
{
        if (!inode)
                return;
        for (size_t i = 0; i < inode->entry_count; i++) {
                free(inode->entries[i].name);
                drop_link(inode->entries[i].inode);
        }
        for (size_t i = 0; i < inode->xattr_count; i++) {
                free(inode->xattrs[i].name);
                free(inode->xattrs[i].value);
        }
        release_content(inode);
        free(inode->entries);
        free(inode->xattrs);
        free(inode->target);
        free(inode);
}

/* The index of the first entry whose name is not below NAME. */
static size_t entry_position(const struct ingot_inode *directory, const char *name)
{
        size_t low = 0, high = directory->entry_count;
        if (high > 0 && strcmp(directory->entries[high - 1].name, name) < 0)
                return high;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (strcmp(directory->entries[middle].name, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

struct ingot_entry *ingot_tree_entry(const struct ingot_inode *directory, const char *name)
{
        size_t at = entry_position(directory, name);
        if (at == directory->entry_count || strcmp(directory->entries[at].name, name) != 0)
                return NULL;
        return directory->entries + at;
}

static int check_name(const char *name, ingot_error *reterr)
{
        size_t size = strlen(name);
        if (size == 0 || size > INGOT_NAME_MAX || strchr(name, '/') || strcmp(name, ".") == 0 ||
            strcmp(name, "..") == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "not a file name: '%.64s'", name);
        return 0;
}

int ingot_tree_link(struct ingot_inode *directory, const char *name, struct ingot_inode *inode,
                    ingot_error *reterr)
{
        int r = check_name(name, reterr);
        if (r < 0)
                return r;
        if (directory->type != INGOT_FILE_DIRECTORY ||
            (inode->type == INGOT_FILE_DIRECTORY && inode->links > 0))
                return ingot_fail(reterr, INGOT_E_CONFLICT, "cannot enter '%s' there", name);
        size_t at = entry_position(directory, name);
        if (at < directory->entry_count && strcmp(directory->entries[at].name, name) == 0)
                return ingot_fail(reterr, INGOT_E_CONFLICT, "'%s' is there already", name);
        if (directory->entry_count == directory->entry_allocated) {
                size_t grown = directory->entry_allocated ? directory->entry_allocated * 2 : 4;
                struct ingot_entry *entries =
                        reallocarray(directory->entries, grown, sizeof(*entries));
                if (!entries)
                        return ingot_fail_nomem(reterr);
                directory->entries = entries;
                directory->entry_allocated = grown;
        }
        char *copy = strdup(name);
        if (!copy)
                return ingot_fail_nomem(reterr);
        memmove(directory->entries + at + 1, directory->entries + at,
                (directory->entry_count - at) * sizeof(*directory->entries));
        directory->entries[at] = (struct ingot_entry){.name = copy, .inode = inode};
        directory->entry_count++;
        inode->links++;
        if (inode->type == INGOT_FILE_DIRECTORY)
                inode->parent = directory;
        return 0;
}

int ingot_tree_unlink(struct ingot_inode *directory, const char *name, ingot_error *reterr)
{
        struct ingot_entry *entry = ingot_tree_entry(directory, name);
        if (!entry)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no '%s' there", name);
        size_t at = (size_t) (entry - directory->entries);
        free(entry->name);
        drop_link(entry->inode);
        directory->entry_count--;
        memmove(directory->entries + at, directory->entries + at + 1,
                (directory->entry_count - at) * sizeof(*directory->entries));
        return 0;
}

/* The next component of *path into NAME; 0 at the end, -1 when it is too long. */
static int next_component(const char **path, char name[INGOT_NAME_MAX + 1])
{
        *path += strspn(*path, "/");
        size_t n = strcspn(*path, "/");
        if (n == 0)
                return 0;
        if (n > INGOT_NAME_MAX)
                return -1;
        memcpy(name, *path, n);
        name[n] = 0;
        *path += n;
        return 1;
}

struct ingot_inode *ingot_tree_lookup(const struct ingot_tree *tree, const char *path)
{
        struct ingot_inode *at = tree->root;
        char name[INGOT_NAME_MAX + 1];
        int r;
        while ((r = next_component(&path, name)) > 0) {
                if (at->type != INGOT_FILE_DIRECTORY)
                        return NULL;
                struct ingot_entry *entry = ingot_tree_entry(at, name);
                if (!entry)
                        return NULL;
                at = entry->inode;
        }
        return r < 0 ? NULL : at;
}

static struct ingot_inode *resolve(const struct ingot_tree *tree, struct ingot_inode *at,
                                   const char *path, unsigned *links)
{
        char name[INGOT_NAME_MAX + 1];
        int r;
        if (*path == '/')
                at = tree->root;
        while (at && (r = next_component(&path, name)) > 0) {
                if (at->type != INGOT_FILE_DIRECTORY)
                        return NULL;
                if (strcmp(name, ".") == 0)
                        continue;
                if (strcmp(name, "..") == 0) {
                        at = at->parent;
                        continue;
                }
                struct ingot_entry *entry = ingot_tree_entry(at, name);
                if (!entry)
                        return NULL;
                if (entry->inode->type != INGOT_FILE_SYMLINK)
                        at = entry->inode;
                else if (++*links > 40)
                        return NULL;
                else
                        at = resolve(tree, at, entry->inode->target, links);
        }
        return at && r == 0 ? at : NULL;
}

struct ingot_inode *ingot_tree_resolve(const struct ingot_tree *tree, const char *path)
{
        unsigned links = 0;
        return resolve(tree, tree->root, path, &links);
}

int ingot_tree_make_directory(struct ingot_tree *tree, const char *path, int64_t mtime,
                              struct ingot_inode **ret, ingot_error *reterr)
{
        struct ingot_inode *at = tree->root;
        const char *rest = path;
        char name[INGOT_NAME_MAX + 1];
        unsigned links = 0;
        int r;
        while ((r = next_component(&rest, name)) > 0) {
                struct ingot_entry *entry = ingot_tree_entry(at, name);
                struct ingot_inode *below = entry ? entry->inode : NULL;
                if (below && below->type == INGOT_FILE_SYMLINK)
                        below = resolve(tree, at, below->target, &links);
                if (entry && (!below || below->type != INGOT_FILE_DIRECTORY))
                        return ingot_fail(reterr, INGOT_E_CONFLICT,
                                          "'%s' in '%s' is not a directory", name, path);
                if (!entry) {
                        _cleanup_(ingot_inode_free_p) struct ingot_inode *made = NULL;
                        r = ingot_inode_new(INGOT_FILE_DIRECTORY, 0755, &made, reterr);
                        if (r < 0)
                                return r;
                        made->mtime = mtime;
                        r = ingot_tree_link(at, name, made, reterr);
                        if (r < 0)
                                return r;
                        below = TAKE_PTR(made);
                }
                at = below;
        }
        if (r < 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a name in '%.64s' is too long", path);
        if (ret)
                *ret = at;
        return 0;
}

/* Splits PATH, makes the parent, and removes what stands under the last name. */
static int prepare_place(struct ingot_tree *tree, const char *path, int64_t mtime,
                         struct ingot_inode **ret_parent, const char **ret_name,
                         ingot_error *reterr)
{
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *parent = strndup(path, slash ? (size_t) (slash - path) : 0);
        if (!parent)
                return ingot_fail_nomem(reterr);
        int r = ingot_tree_make_directory(tree, parent, mtime, ret_parent, reterr);
        if (r < 0)
                return r;
        *ret_name = slash ? slash + 1 : path;
        if (ingot_tree_entry(*ret_parent, *ret_name))
                return ingot_tree_unlink(*ret_parent, *ret_name, reterr);
        return 0;
}

int ingot_tree_put_bytes(struct ingot_tree *tree, const char *path, uint16_t mode, int64_t mtime,
                         const void *data, size_t size, ingot_error *reterr)
{
        struct ingot_inode *parent;
        const char *name = NULL;
        int r = prepare_place(tree, path, mtime, &parent, &name, reterr);
        if (r < 0)
                return r;
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        r = ingot_inode_new(INGOT_FILE_REGULAR, mode, &inode, reterr);
        if (r < 0)
                return r;
        inode->mtime = mtime;
        r = ingot_inode_set_bytes(inode, data, size, reterr);
        if (r < 0)
                return r;
        r = ingot_tree_link(parent, name, inode, reterr);
        if (r < 0)
                return r;
        TAKE_PTR(inode);
        return 0;
}

int ingot_tree_put_symlink(struct ingot_tree *tree, const char *path, const char *target,
                           int64_t mtime, ingot_error *reterr)
{
        struct ingot_inode *parent;
        const char *name = NULL;
        int r = prepare_place(tree, path, mtime, &parent, &name, reterr);
        if (r < 0)
                return r;
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        r = ingot_inode_new(INGOT_FILE_SYMLINK, 0777, &inode, reterr);
        if (r < 0)
                return r;
        inode->mtime = mtime;
        r = ingot_strdup(&inode->target, target, reterr);
        if (r < 0)
                return r;
        r = ingot_tree_link(parent, name, inode, reterr);
        if (r < 0)
                return r;
        TAKE_PTR(inode);
        return 0;
}

int ingot_tree_remove(struct ingot_tree *tree, const char *path, ingot_error *reterr)
{
        const char *end = path + strlen(path);
        while (end > path && end[-1] == '/')
                end--;
        const char *name = end;
        while (name > path && name[-1] != '/')
                name--;
        _cleanup_free_ char *parent = strndup(path, (size_t) (name - path));
        _cleanup_free_ char *last = strndup(name, (size_t) (end - name));
        if (!parent || !last)
                return ingot_fail_nomem(reterr);
        struct ingot_inode *directory = ingot_tree_resolve(tree, parent);
        if (!directory || directory->type != INGOT_FILE_DIRECTORY ||
            !ingot_tree_entry(directory, last))
                return 0;
        int r = ingot_tree_unlink(directory, last, reterr);
        return r < 0 ? r : 1;
}

static size_t xattr_position(const struct ingot_inode *inode, const char *name, bool *found)
{
        size_t i = 0;
        while (i < inode->xattr_count && strcmp(inode->xattrs[i].name, name) < 0)
                i++;
        *found = i < inode->xattr_count && strcmp(inode->xattrs[i].name, name) == 0;
        return i;
}

const struct ingot_xattr *ingot_inode_xattr(const struct ingot_inode *inode, const char *name)
{
        bool found;
        size_t at = xattr_position(inode, name, &found);
        return found ? inode->xattrs + at : NULL;
}

int ingot_inode_set_xattr(struct ingot_inode *inode, const char *name, const void *value,
                          size_t size, ingot_error *reterr)
{
        bool found;
        size_t at = xattr_position(inode, name, &found);
        _cleanup_free_ uint8_t *copy = malloc(size + 1);
        if (!copy)
                return ingot_fail_nomem(reterr);
        if (size > 0)
                memcpy(copy, value, size);
        if (!found) {
                struct ingot_xattr *xattrs =
                        reallocarray(inode->xattrs, inode->xattr_count + 1, sizeof(*xattrs));
                if (!xattrs)
                        return ingot_fail_nomem(reterr);
                inode->xattrs = xattrs;
                char *own = strdup(name);
                if (!own)
                        return ingot_fail_nomem(reterr);
                memmove(xattrs + at + 1, xattrs + at, (inode->xattr_count - at) * sizeof(*xattrs));
                xattrs[at] = (struct ingot_xattr){.name = own};
                inode->xattr_count++;
        }
        free(inode->xattrs[at].value);
        inode->xattrs[at].value = TAKE_PTR(copy);
        inode->xattrs[at].size = size;
        return 0;
}

struct bytes_content {
        struct ingot_span span;
        uint8_t data[];
};

static int read_bytes(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        const struct bytes_content *c = context;
        if (!ingot_range_inside(offset, size, c->span.size))
                return ingot_fail(reterr, INGOT_E_INTERNAL, "read behind the end of a file");
        memcpy(ret, c->data + offset, size);
        return 0;
}

int ingot_inode_set_bytes(struct ingot_inode *inode, const void *data, size_t size,
                          ingot_error *reterr)
{
        struct bytes_content *c = NULL;
        if (size > 0) {
                c = malloc(sizeof(*c) + size);
                if (!c)
                        return ingot_fail_nomem(reterr);
                c->span = (struct ingot_span){.data = c->data, .size = size};
                memcpy(c->data, data, size);
        }
        release_content(inode);
        inode->content = (struct ingot_reader){
                .read_at = c ? read_bytes : NULL, .context = c, .size = size};
        inode->content_release = c ? free : NULL;
        return 0;
}

int ingot_inode_read(const struct ingot_inode *inode, size_t max, uint8_t **ret, size_t *ret_size,
                     ingot_error *reterr)
{
        if (inode->type != INGOT_FILE_REGULAR)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a %s, not a file",
                                  ingot_file_type_name(inode->type));
        if (inode->content.size > max)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%" PRIu64 " bytes, more than %zu",
                                  inode->content.size, max);
        size_t size = (size_t) inode->content.size;
        _cleanup_free_ uint8_t *data = malloc(size + 1);
        if (!data)
                return ingot_fail_nomem(reterr);
        int r = ingot_read_at(&inode->content, 0, data, size, reterr);
        if (r < 0)
                return r;
        data[size] = 0;
        *ret = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}

static int walk(struct ingot_inode *directory, struct ingot_buffer *path, unsigned depth,
                ingot_walk_fn fn, void *context, ingot_error *reterr)
{
        size_t length = path->size;
        if (depth > INGOT_TREE_DEPTH_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d directories deep",
                                  INGOT_TREE_DEPTH_MAX);
        for (size_t i = 0; i < directory->entry_count; i++) {
                struct ingot_entry *entry = directory->entries + i;
                path->size = length;
                int r = ingot_buffer_printf(path, reterr, "%s%s", length ? "/" : "", entry->name);
                if (r < 0)
                        return r;
                r = fn(context, (const char *) path->data, entry->inode, reterr);
                if (r < 0)
                        return r;
                if (r > 0 || entry->inode->type != INGOT_FILE_DIRECTORY)
                        continue;
                r = walk(entry->inode, path, depth + 1, fn, context, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int ingot_tree_walk(const struct ingot_tree *tree, ingot_walk_fn fn, void *context,
                    ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer path = {0};
        return walk(tree->root, &path, 1, fn, context, reterr);
}

const char *ingot_file_type_name(enum ingot_file_type type)
{
        static const char *const names[] = {"file", "directory", "link", "character device",
                                            "block device", "fifo", "socket"};
        return type <= INGOT_FILE_SOCKET ? names[type] : "unknown";
}
