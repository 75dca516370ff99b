/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The release before, whose places the new root file system keeps: a disk image, a root file
 * system, or a folder of builds, where the manifests say which file that is. Its digest is an input
 * of the build and stands in the manifest.
 */
#include "base/cleanup.h"
#include "base/size.h"
#include "format/version.h"
#include "image/build-state.h"
#include "image/manifest-read.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PIECE ((size_t) 256 << 10)
#define MANIFEST_SUFFIX ".manifest.json"

void ingot_build_like_done(struct ingot_build_like *like)
{
        ingot_image_done(&like->image);
        ingot_file_close(&like->file);
}

static bool is_manifest(const char *name)
{
        size_t size = strlen(name), suffix = strlen(MANIFEST_SUFFIX);
        return size > suffix && strcmp(name + size - suffix, MANIFEST_SUFFIX) == 0;
}

static int read_manifest(const char *folder, const char *name, struct ingot_manifest *ret,
                         ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_format(&path, reterr, "%s/%s", folder, name);
        if (r >= 0)
                r = ingot_file_read(AT_FDCWD, path, INGOT_MANIFEST_SIZE_MAX, &text, &size, reterr);
        return r < 0 ? r : ingot_manifest_decode(INGOT_SPAN(text, size), ret, reterr);
}

/* The newest release of this image in the folder that is older than the one that is built. */
static int find_release(const struct ingot_build *b, const char *folder, struct ingot_manifest *ret,
                        ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        _cleanup_manifest_ struct ingot_manifest best = {0};
        int r = ingot_list_directory(AT_FDCWD, folder, &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                _cleanup_manifest_ struct ingot_manifest m = {0};
                if (!is_manifest(names.items[i]))
                        continue;
                r = ingot_under(reterr, read_manifest(folder, names.items[i], &m, reterr), "%s",
                                names.items[i]);
                if (r < 0 || strcmp(m.name, b->name) != 0 ||
                    ingot_version_compare(m.version, b->version) >= 0 ||
                    (best.version && ingot_version_compare(m.version, best.version) < 0))
                        continue;
                struct ingot_manifest before = best;
                best = m;
                m = before;
        }
        if (r >= 0 && !best.version)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "no manifest in it is of a release of %s before %s", b->name,
                                  b->version);
        if (r < 0)
                return r;
        *ret = best;
        best = (struct ingot_manifest){0};
        return 0;
}

static int find_root(const struct ingot_build *b, const char *folder, char **ret,
                     ingot_error *reterr)
{
        _cleanup_manifest_ struct ingot_manifest manifest = {0};
        int r = find_release(b, folder, &manifest, reterr);
        if (r < 0)
                return r;
        struct ingot_uuid uuid = ingot_verity_data_uuid(manifest.root_hash);
        for (size_t i = 0; i < manifest.partition_count; i++) {
                const struct ingot_manifest_partition *p = manifest.partitions + i;
                if (p->has_data && ingot_uuid_equal(&p->uuid, &uuid))
                        return ingot_format(ret, reterr, "%s/%s", folder, p->artifact);
        }
        return ingot_fail(reterr, INGOT_E_FORMAT, "the manifest of %s %s names no root file system",
                          b->name, manifest.version);
}

static int hash(struct ingot_build_like *like, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *piece = malloc(PIECE);
        struct ingot_erofs_info info;
        struct ingot_sha256 h;
        if (!piece)
                return ingot_fail_nomem(reterr);
        int r = ingot_erofs_read_info(&like->root, &info, reterr);
        ingot_sha256_init(&h);
        for (uint64_t at = 0; r >= 0 && at < info.size; at += PIECE) {
                size_t n = (size_t) ingot_min_u64(PIECE, info.size - at);
                r = ingot_read_at(&like->root, at, piece, n, reterr);
                if (r >= 0)
                        ingot_sha256_update(&h, piece, n);
        }
        if (r >= 0)
                ingot_sha256_final(&h, like->sha256);
        return r;
}

static int load(struct ingot_build *b, const char *path, ingot_error *reterr)
{
        struct ingot_build_like *like = &b->like;
        _cleanup_free_ char *root = NULL;
        struct ingot_image *part;
        struct stat st;
        int r = 0;
        if (stat(path, &st) >= 0 && S_ISDIR(st.st_mode)) {
                r = find_root(b, path, &root, reterr);
                path = root;
        }
        if (r >= 0)
                r = ingot_file_open(&like->file, path, reterr);
        if (r < 0)
                return r;
        like->reader = ingot_file_reader(&like->file);
        r = ingot_image_open_flat(&like->reader, &like->image, reterr);
        if (r >= 0)
                r = ingot_image_select(&like->image,
                                       like->image.content == INGOT_CONTENT_DISK ? "root" : NULL,
                                       &part, reterr);
        if (r < 0)
                return r;
        if (part->content != INGOT_CONTENT_EROFS)
                return ingot_fail(reterr, INGOT_E_FORMAT, "it holds no erofs");
        like->root = part->reader;
        like->given = true;
        return hash(like, reterr);
}

int ingot_build_open_like(struct ingot_build *b, ingot_error *reterr)
{
        const char *path = b->options->like;
        if (!path)
                return 0;
        return ingot_under(reterr, load(b, path, reterr), "like %s", path);
}
