/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The extension-release file in a folder or disk image: the one of its name, or the only one that
 * says by an extended attribute that its name does not matter. */
#include "base/cleanup.h"
#include "extension/installed.h"
#include "image/open.h"
#include "os/root.h"
#include "os/tree-load.h"

#include <stdlib.h>
#include <string.h>

#define RELEASE_MAX 65536
#define PREFIX "extension-release."

static const char *const folders[INGOT_EXTENSION_KINDS] = {
        [INGOT_EXTENSION_SYSEXT] = "usr/lib/extension-release.d",
        [INGOT_EXTENSION_CONFEXT] = "etc/extension-release.d",
};

static bool is_not_strict(const struct ingot_inode *inode)
{
        const struct ingot_xattr *x = ingot_inode_xattr(inode, "user.extension-release.strict");
        char text[8] = {0};
        bool strict;
        if (!x || x->size >= sizeof(text))
                return false;
        memcpy(text, x->value, x->size);
        return ingot_parse_bool(text, &strict) && !strict;
}

/* FOLDER is what extension-release.d is in the image; NULL: it is not there. */
static int choose(const struct ingot_inode *folder, const char *name,
                  const struct ingot_inode **ret, ingot_error *reterr)
{
        const struct ingot_inode *other = NULL;
        size_t others = 0,
               count = folder && folder->type == INGOT_FILE_DIRECTORY ? folder->entry_count : 0;
        for (size_t i = 0; i < count; i++) {
                const struct ingot_entry *e = folder->entries + i;
                if (e->inode->type != INGOT_FILE_REGULAR || !ingot_starts_with(e->name, PREFIX))
                        continue;
                if (strcmp(e->name + strlen(PREFIX), name) == 0) {
                        *ret = e->inode;
                        return 0;
                }
                if (!is_not_strict(e->inode))
                        continue;
                other = e->inode;
                others++;
        }
        *ret = other;
        return others == 1 ? 0
                           : ingot_fail(reterr, INGOT_E_REFUSED,
                                        "it has no " PREFIX "%s%s: it is no extension of that name",
                                        name, others ? ", but several others" : "");
}

static int take(const struct ingot_inode *folder, const char *name, struct ingot_buffer *ret,
                ingot_error *reterr)
{
        const struct ingot_inode *inode;
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = choose(folder, name, &inode, reterr);
        if (r >= 0)
                r = ingot_inode_read(inode, RELEASE_MAX, &text, &size, reterr);
        return r < 0 ? r : ingot_buffer_append(ret, text, size, reterr);
}

int ingot_extension_read_tree(enum ingot_extension_kind kind, const struct ingot_tree *tree,
                              const char *name, struct ingot_buffer *ret, ingot_error *reterr)
{
        return take(ingot_tree_resolve(tree, folders[kind]), name, ret, reterr);
}

static int read_folder(enum ingot_extension_kind kind, int root, const char *path, const char *name,
                       struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_free_ char *folder = NULL;
        _cleanup_close_ int fd = -1;
        int r = ingot_format(&folder, reterr, "%s/%s", path, folders[kind]);
        if (r >= 0)
                r = ingot_root_open_folder(root, folder, &fd, reterr);
        if (r == -INGOT_E_NOTFOUND)
                return take(NULL, name, ret, reterr);
        const struct ingot_tree_load load = {.dirfd = fd, .path = ".", .xattrs = true};
        if (r >= 0)
                r = ingot_tree_load(&load, &tree, reterr);
        return r < 0 ? r : take(tree->root, name, ret, reterr);
}

static int read_image(enum ingot_extension_kind kind, int root, const char *path, const char *name,
                      struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_image_ struct ingot_image image = {0};
        const struct ingot_tree *tree;
        int r = ingot_root_open_file(root, path, &file, reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&file);
        r = ingot_image_open_tree(&reader, &image, &tree, reterr);
        return r < 0 ? r : ingot_extension_read_tree(kind, tree, name, ret, reterr);
}

int ingot_extension_read(enum ingot_extension_kind kind, int root, const char *path,
                         const char *name, struct ingot_buffer *ret, ingot_error *reterr)
{
        enum ingot_root_kind what;
        int r = ingot_root_look(root, path, &what, reterr);
        if (r < 0)
                return r;
        return what == INGOT_ROOT_FOLDER ? read_folder(kind, root, path, name, ret, reterr)
                                         : read_image(kind, root, path, name, ret, reterr);
}
