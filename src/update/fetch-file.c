/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One range, as long as the file, into a temporary file that is renamed when its digest is right.
 */
#include "update/fetch-file.h"
#include "base/cleanup.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>

struct fetch {
        const struct ingot_release_file *file;
        const struct ingot_walk_options *options;
        struct ingot_outfile *out;
        struct ingot_sha256 digest;
        uint64_t at;
};

static int got(void *context, size_t index, uint64_t offset, const void *data, size_t size,
               ingot_error *reterr)
{
        struct fetch *f = context;
        (void) index;
        if (offset != f->at || size > f->file->size - f->at)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "a source sends what it was not asked");
        ingot_sha256_update(&f->digest, data, size);
        f->at += size;
        ingot_progress(f->options->log, f->file->name, f->at, f->file->size);
        return ingot_file_pwrite(f->out->fd, offset, data, size, reterr);
}

static int from_source(const struct ingot_source *source, const struct ingot_release_file *file,
                       const char *path, const struct ingot_walk_options *options,
                       ingot_error *reterr)
{
        _cleanup_outfile_ struct ingot_outfile out = INGOT_OUTFILE_NONE;
        struct fetch f = {.file = file, .options = options, .out = &out};
        const struct ingot_range whole = {0, file->size};
        uint8_t digest[INGOT_SHA256_SIZE];
        ingot_sha256_init(&f.digest);
        int r = ingot_outfile_create(&out, path, 0644, reterr);
        if (r >= 0 && file->size > 0)
                r = source->fetch(source->context, file->name, file->size, &whole, 1, got, &f,
                                  reterr);
        if (r < 0)
                return r;
        ingot_sha256_final(&f.digest, digest);
        if (f.at != file->size || memcmp(digest, file->sha256, sizeof(digest)) != 0)
                return ingot_fail(reterr, INGOT_E_REFUSED, "it is not the file that was signed");
        return ingot_outfile_commit(&out, reterr);
}

static bool is_there(const struct ingot_release_file *file, const char *path)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        return ingot_file_digest(path, digest, NULL) >= 0 &&
               memcmp(digest, file->sha256, sizeof(digest)) == 0;
}

static int make_folder_of(const char *path, ingot_error *reterr)
{
        _cleanup_free_ char *folder = NULL;
        const char *slash = strrchr(path, '/');
        if (!slash || slash == path)
                return 0;
        int r = ingot_format(&folder, reterr, "%.*s", (int) (slash - path), path);
        return r < 0 ? r : ingot_make_directories(folder, 0755, reterr);
}

int ingot_fetch_file(const struct ingot_release_file *file, const char *path,
                     const struct ingot_walk_options *options, ingot_error *reterr)
{
        ingot_error why = {0};
        int r = make_folder_of(path, reterr);
        if (r < 0)
                return r;
        if (is_there(file, path))
                return 1;
        if (options->source_count == 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "%s: no source to fetch it from",
                                  file->name);
        for (size_t i = 0; i < options->source_count; i++) {
                const struct ingot_source *source = options->sources + i;
                if (i > 0)
                        ingot_warn(options->log, "%s; asking %s", why.text, source->name);
                r = from_source(source, file, path, options, &why);
                if (r >= 0)
                        return 0;
                ingot_under(&why, r, "%s: %s", source->name, file->name);
        }
        if (reterr)
                *reterr = why;
        return r;
}
