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
        const char *path;           /* NULL: into memory */
        struct ingot_buffer *bytes; /* of a file in memory */
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
        return f->bytes ? ingot_buffer_append(f->bytes, data, size, reterr)
                        : ingot_file_pwrite(f->out->fd, offset, data, size, reterr);
}

static int from_source(const struct ingot_source *source, struct fetch *f, ingot_error *reterr)
{
        _cleanup_outfile_ struct ingot_outfile out = INGOT_OUTFILE_NONE;
        const struct ingot_range whole = {0, f->file->size};
        uint8_t digest[INGOT_SHA256_SIZE];
        f->at = 0;
        f->out = &out;
        if (f->bytes)
                f->bytes->size = 0;
        ingot_sha256_init(&f->digest);
        int r = f->path ? ingot_outfile_create(&out, f->path, 0644, reterr) : 0;
        if (r >= 0 && f->file->size > 0)
                r = source->fetch(source->context, f->file->name, f->file->size, &whole, 1, got, f,
                                  reterr);
        if (r < 0)
                return r;
        ingot_sha256_final(&f->digest, digest);
        if (f->at != f->file->size || memcmp(digest, f->file->sha256, sizeof(digest)) != 0)
                return ingot_fail(reterr, INGOT_E_REFUSED, "it is not the file that was signed");
        return f->path ? ingot_outfile_commit(&out, reterr) : 0;
}

static int from_sources(struct fetch *f, ingot_error *reterr)
{
        const struct ingot_walk_options *options = f->options;
        ingot_error why = {0};
        int r = 0;
        if (options->source_count == 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "%s: no source to fetch it from",
                                  f->file->name);
        for (size_t i = 0; i < options->source_count; i++) {
                const struct ingot_source *source = options->sources + i;
                if (i > 0)
                        ingot_warn(options->log, "%s; asking %s", why.text, source->name);
                r = from_source(source, f, &why);
                if (r >= 0)
                        return 0;
                ingot_under(&why, r, "%s: %s", source->name, f->file->name);
        }
        if (reterr)
                *reterr = why;
        return r;
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
        struct fetch f = {.file = file, .options = options, .path = path};
        int r = make_folder_of(path, reterr);
        if (r < 0)
                return r;
        return is_there(file, path) ? 1 : from_sources(&f, reterr);
}

int ingot_fetch_bytes(const struct ingot_release_file *file, size_t max,
                      const struct ingot_walk_options *options, struct ingot_buffer *ret,
                      ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        struct fetch f = {.file = file, .options = options, .bytes = &bytes};
        if (file->size > max)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s has more than %zu bytes", file->name,
                                  max);
        int r = from_sources(&f, reterr);
        if (r < 0)
                return r;
        *ret = bytes;
        bytes = (struct ingot_buffer){0};
        return 0;
}
