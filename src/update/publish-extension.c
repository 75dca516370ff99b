/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An extension image as a part of a release (UAPI.4): of which kind it is says the folder that its
 * extension-release file stands in; its name is that of the file, NAME_VERSION.raw or NAME.raw.
 */
#include "base/cleanup.h"
#include "image/open.h"
#include "os/file.h"
#include "update/publish-state.h"

#include <stdlib.h>
#include <string.h>

static const char *const folders[] = {
        [INGOT_EXTENSION_SYSEXT] = "usr/lib/extension-release.d/extension-release.",
        [INGOT_EXTENSION_CONFEXT] = "etc/extension-release.d/extension-release.",
};

static int find_kind(struct ingot_image *part, const struct ingot_release_extension *x,
                     enum ingot_extension_kind *ret, ingot_error *reterr)
{
        for (unsigned i = 0; i < ARRAY_SIZE(folders); i++) {
                _cleanup_free_ char *path = NULL;
                struct ingot_inode *inode;
                int r = ingot_format(&path, reterr, "%s%s", folders[i], x->name);
                if (r >= 0)
                        r = ingot_image_find(part, path, true, &inode, reterr);
                if (r == -INGOT_E_NOTFOUND)
                        continue;
                *ret = i;
                return r;
        }
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "it has neither %s%s nor the same below etc/: it is no extension of that "
                          "name",
                          folders[INGOT_EXTENSION_SYSEXT], x->name);
}

/* NAME_VERSION.raw. */
static int take_names(struct ingot_release_extension *x, const char *path, ingot_error *reterr)
{
        const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
        if (!ingot_ends_with(file, ".raw") || strlen(file) < 5)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "the file of an extension is NAME_VERSION.raw or NAME.raw");
        size_t n = strlen(file) - 4;
        const char *mark = memchr(file, '_', n);
        size_t name = mark ? (size_t) (mark - file) : n;
        int r = ingot_strdup(&x->file.name, file, reterr);
        if (r >= 0)
                r = ingot_format(&x->name, reterr, "%.*s", (int) name, file);
        return r < 0 || !mark
                       ? r
                       : ingot_format(&x->version, reterr, "%.*s", (int) (n - name - 1), mark + 1);
}

static int read_extension(struct ingot_release_extension *x, const char *path, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_image_ struct ingot_image image = {0};
        struct ingot_image *part;
        const struct ingot_tree *tree;
        int r = take_names(x, path, reterr);
        if (r >= 0)
                r = ingot_file_open(&file, path, reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&file);
        r = ingot_image_open(&reader, &image, reterr);
        if (r >= 0)
                r = ingot_image_select(&image, NULL, &part, reterr);
        if (r >= 0)
                r = ingot_image_tree(part, &tree, reterr);
        if (r >= 0)
                r = find_kind(part, x, &x->kind, reterr);
        if (r >= 0)
                r = ingot_file_digest(path, x->file.sha256, reterr);
        x->file.size = file.size;
        return r;
}

int ingot_publish_add_extension(struct ingot_release *r, const char *path, ingot_error *reterr)
{
        struct ingot_release_extension *more =
                reallocarray(r->extensions, r->extension_count + 1, sizeof(*more));
        if (!more)
                return ingot_fail_nomem(reterr);
        r->extensions = more;
        more += r->extension_count++;
        *more = (struct ingot_release_extension){0};
        return ingot_under(reterr, read_extension(more, path, reterr), "extension %s", path);
}
