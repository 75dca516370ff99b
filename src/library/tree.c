/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public face: the files in images. */
#include "base/cleanup.h"
#include "base/text.h"
#include "format/tree.h"
#include "library/public.h"

#include <string.h>

static int not_found(const char *path, ingot_error *reterr)
{
        return ingot_fail(reterr, INGOT_E_NOTFOUND, "no '%s' in it", path);
}

/* What stands at PATH; links are followed but for the last. NULL. */
static int find(const struct ingot_tree *tree, const char *path, const struct ingot_inode **ret,
                ingot_error *reterr)
{
        _cleanup_free_ char *folder = NULL;
        int r = ingot_strdup(&folder, path, reterr);
        if (r < 0)
                return r;
        size_t end = strlen(folder);
        while (end > 0 && folder[end - 1] == '/')
                folder[--end] = 0;
        char *slash = strrchr(folder, '/'), *name = slash ? slash + 1 : folder;
        const struct ingot_inode *inode = tree->root;
        if (end > 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
                if (slash)
                        *slash = 0;
                if (slash)
                        inode = ingot_tree_resolve(tree, folder);
                const struct ingot_entry *entry = NULL;
                if (inode && inode->type == INGOT_FILE_DIRECTORY)
                        entry = ingot_tree_entry(inode, name);
                inode = entry ? entry->inode : NULL;
        } else if (end > 0) {
                inode = ingot_tree_resolve(tree, folder);
        }
        *ret = inode;
        return inode ? 0 : not_found(path, reterr);
}

static struct ingot_file_facts facts_of(const struct ingot_inode *inode)
{
        bool file = inode->type == INGOT_FILE_REGULAR;
        return (struct ingot_file_facts){.type = ingot_file_type_name(inode->type),
                                         .target = inode->target,
                                         .size = file ? inode->content.size : 0,
                                         .mtime = inode->mtime,
                                         .mode = inode->mode,
                                         .uid = inode->uid,
                                         .gid = inode->gid,
                                         .major = inode->major,
                                         .minor = inode->minor,
                                         .links = inode->links};
}

int ingot_tree_stat(const struct ingot_tree *tree, const char *path, struct ingot_file_facts *ret,
                    ingot_error *reterr)
{
        const struct ingot_inode *inode;
        int r = find(tree, path, &inode, reterr);
        if (r == 0)
                *ret = facts_of(inode);
        return r;
}

struct each {
        ingot_tree_fn fn;
        void *context;
        const char *prefix; /* of the folder, without '/' at either end */
};

static int each_entry(void *context, const char *path, struct ingot_inode *inode,
                      ingot_error *reterr)
{
        const struct each *each = context;
        const struct ingot_file_facts facts = facts_of(inode);
        _cleanup_free_ char *name = NULL;
        int r = ingot_format(&name, reterr, "%s%s%s", each->prefix, *each->prefix ? "/" : "", path);
        return r < 0 ? r : each->fn(each->context, name, &facts);
}

int ingot_tree_each(const struct ingot_tree *tree, const char *path, ingot_tree_fn fn,
                    void *context, ingot_error *reterr)
{
        _cleanup_free_ char *prefix = NULL;
        while (*path == '/')
                path++;
        struct ingot_inode *folder = ingot_tree_resolve(tree, path);
        if (!folder)
                return not_found(path, reterr);
        if (folder->type != INGOT_FILE_DIRECTORY)
                return ingot_fail(reterr, INGOT_E_USAGE, "'%s' is no folder", path);
        int r = ingot_strdup(&prefix, path, reterr);
        if (r < 0)
                return r;
        for (size_t end = strlen(prefix); end > 0 && prefix[end - 1] == '/'; end--)
                prefix[end - 1] = 0;
        const struct ingot_tree below = {.root = folder};
        struct each each = {.fn = fn, .context = context, .prefix = prefix};
        return ingot_tree_walk(&below, each_entry, &each, reterr);
}

int ingot_tree_read(const struct ingot_tree *tree, const char *path, uint64_t offset, void *buffer,
                    size_t size, size_t *ret_size, ingot_error *reterr)
{
        const struct ingot_inode *inode = ingot_tree_resolve(tree, path);
        if (!inode)
                return not_found(path, reterr);
        if (inode->type != INGOT_FILE_REGULAR)
                return ingot_fail(reterr, INGOT_E_USAGE, "'%s' is no file", path);
        uint64_t left = offset < inode->content.size ? inode->content.size - offset : 0;
        size_t now = left < size ? (size_t) left : size;
        int r = now ? ingot_read_at(&inode->content, offset, buffer, now, reterr) : 0;
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        *ret_size = now;
        return 0;
}
