/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walking folders and images for EFI programs. */
#include "image/efi-programs.h"
#include "base/cleanup.h"
#include "image/open.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>

#define DEPTH_MAX 16

struct walk {
        ingot_efi_program_fn fn;
        void *context;
        size_t found;
};

static int walk_image(struct walk *w, const char *name, const struct ingot_image *image,
                      ingot_error *reterr)
{
        int r = 0;
        if (image->content == INGOT_CONTENT_UKI || image->content == INGOT_CONTENT_PE) {
                w->found++;
                return w->fn(w->context, name, &image->reader, reterr);
        }
        for (size_t i = 0; r >= 0 && i < image->part_count; i++) {
                const struct ingot_image *part = image->parts + i;
                _cleanup_free_ char *inner = NULL;
                if (part->path)
                        r = ingot_format(&inner, reterr, "%s:%s", name, part->path);
                if (r >= 0)
                        r = walk_image(w, inner ? inner : name, part, reterr);
        }
        return r;
}

static int walk_file(struct walk *w, const char *path, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_image_ struct ingot_image image = {0};
        int r = ingot_file_open(&file, path, reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&file);
        r = ingot_image_open(&reader, &image, reterr);
        return r < 0 ? ingot_under(reterr, r, "%s", path) : walk_image(w, path, &image, reterr);
}

static bool is_program_name(const char *name)
{
        size_t n = strlen(name);
        return n > 4 && strcasecmp(name + n - 4, ".efi") == 0;
}

/* 1: it is no folder. */
static int walk_folder(struct walk *w, const char *path, unsigned depth, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        ingot_error error = {0};
        int r = ingot_list_directory(AT_FDCWD, path, &names, &error);
        if (r < 0 && error.os == ENOTDIR)
                return 1;
        if (r < 0 && reterr)
                *reterr = error;
        if (r >= 0 && depth > DEPTH_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s: too many folders in each other",
                                  path);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                _cleanup_free_ char *inner = NULL;
                r = ingot_format(&inner, reterr, "%s/%s", path, names.items[i]);
                if (r >= 0)
                        r = walk_folder(w, inner, depth + 1, reterr);
                if (r == 1)
                        r = is_program_name(inner) ? walk_file(w, inner, reterr) : 0;
        }
        return r;
}

int ingot_efi_programs(const char *where, ingot_efi_program_fn fn, void *context,
                       ingot_error *reterr)
{
        struct walk w = {.fn = fn, .context = context};
        int r = walk_folder(&w, where, 0, reterr);
        if (r != 1)
                return r;
        r = walk_file(&w, where, reterr);
        if (r >= 0 && w.found == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s holds no EFI program", where);
        return r;
}
