/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An extension image as a part of a release (UAPI.4): of which kind it is says the folder that its
 * extension-release file stands in; its name is that of the file, NAME_VERSION.raw or NAME.raw.
 */
#include "base/cleanup.h"
#include "extension/installed.h"
#include "image/open.h"
#include "os/file.h"
#include "update/publish-state.h"

#include <stdlib.h>
#include <string.h>

/* Of which kind it is, and the text that says what it fits. */
static int find_kind(const struct ingot_tree *tree, struct ingot_release_extension *x,
                     struct ingot_buffer *text, ingot_error *reterr)
{
        int r = -INGOT_E_REFUSED;
        for (unsigned i = 0; i < INGOT_EXTENSION_KINDS && r == -INGOT_E_REFUSED; i++) {
                x->kind = i;
                r = ingot_extension_read_tree(i, tree, x->name, text, reterr);
        }
        return r;
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

/* REFUSED: it is for another system than the build. */
static int check_fits(const struct ingot_publish_build *b, const struct ingot_release_extension *x,
                      const struct ingot_buffer *text, ingot_error *reterr)
{
        const char *os_release = b->release.os_release;
        const struct ingot_extension_os os = {
                .os_release = INGOT_SPAN(os_release, os_release ? strlen(os_release) : 0),
                .architecture = b->architecture};
        _cleanup_free_ char *why = NULL;
        int r = ingot_extension_fits(x->kind, ingot_buffer_span(text), &os, &why, reterr);
        return r == 1 ? ingot_fail(reterr, INGOT_E_REFUSED, "it does not fit version %s: its %s",
                                   b->release.version, why)
                      : r;
}

static int read_extension(const struct ingot_publish_build *b, struct ingot_release_extension *x,
                          const char *path, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_image_ struct ingot_image image = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        const struct ingot_tree *tree;
        int r = take_names(x, path, reterr);
        if (r >= 0)
                r = ingot_file_open(&file, path, reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&file);
        r = ingot_image_open_tree(&reader, &image, &tree, reterr);
        if (r >= 0)
                r = find_kind(tree, x, &text, reterr);
        if (r >= 0)
                r = check_fits(b, x, &text, reterr);
        if (r >= 0)
                r = ingot_file_digest(path, x->file.sha256, reterr);
        x->file.size = file.size;
        return r;
}

int ingot_publish_add_extension(struct ingot_publish_build *b, const char *path,
                                ingot_error *reterr)
{
        struct ingot_release *r = &b->release;
        struct ingot_release_extension *more =
                reallocarray(r->extensions, r->extension_count + 1, sizeof(*more));
        if (!more)
                return ingot_fail_nomem(reterr);
        r->extensions = more;
        more += r->extension_count++;
        *more = (struct ingot_release_extension){0};
        return ingot_under(reterr, read_extension(b, more, path, reterr), "extension %s", path);
}
