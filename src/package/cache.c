/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cache's folder: finding, checking, counting and removing entries. */
#include "package/cache.h"
#include "base/cleanup.h"
#include "base/parallel.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

int ingot_cache_default(char **ret, ingot_error *reterr)
{
        const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
        if (xdg && xdg[0] == '/')
                return ingot_format(ret, reterr, "%s/ingot", xdg);
        if (home && home[0] == '/')
                return ingot_format(ret, reterr, "%s/.cache/ingot", home);
        return ingot_fail(reterr, INGOT_E_USAGE,
                          "no cache folder: neither XDG_CACHE_HOME nor HOME is set");
}

int ingot_cache_open(struct ingot_cache *ret, const char *folder, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = folder ? ingot_strdup(&path, folder, reterr) : ingot_cache_default(&path, reterr);
        if (r >= 0)
                r = ingot_make_directories(path, 0755, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "cache");
        ret->folder = TAKE_PTR(path);
        return 0;
}

void ingot_cache_close(struct ingot_cache *c)
{
        free(c->folder);
        c->folder = NULL;
}

int ingot_cache_path(const struct ingot_cache *c, const char *kind,
                     const uint8_t digest[INGOT_SHA256_SIZE], char **ret, ingot_error *reterr)
{
        char hex[2 * INGOT_SHA256_SIZE + 1];
        ingot_hex(hex, digest, INGOT_SHA256_SIZE);
        return ingot_format(ret, reterr, "%s/%s/%.2s/%s", c->folder, kind, hex, hex);
}

int ingot_cache_find(const struct ingot_cache *c, const char *kind,
                     const uint8_t digest[INGOT_SHA256_SIZE], char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_cache_path(c, kind, digest, &path, reterr);
        if (r >= 0)
                r = ingot_file_touch(path, reterr);
        if (r == 0)
                *ret = TAKE_PTR(path);
        return r;
}

int ingot_cache_place(const struct ingot_cache *c, const char *kind,
                      const uint8_t digest[INGOT_SHA256_SIZE], char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL, *folder = NULL;
        int r = ingot_cache_path(c, kind, digest, &path, reterr);
        if (r >= 0)
                r = ingot_format(&folder, reterr, "%.*s", (int) (strrchr(path, '/') - path), path);
        if (r >= 0)
                r = ingot_make_directories(folder, 0755, reterr);
        if (r >= 0)
                *ret = TAKE_PTR(path);
        return r;
}

int ingot_cache_create(const struct ingot_cache *c, const char *kind,
                       const uint8_t digest[INGOT_SHA256_SIZE], struct ingot_outfile *ret,
                       ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_cache_place(c, kind, digest, &path, reterr);
        return r < 0 ? r : ingot_outfile_create(ret, path, 0644, reterr);
}

int ingot_cache_remove(const struct ingot_cache *c, const char *kind,
                       const uint8_t digest[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_cache_path(c, kind, digest, &path, reterr);
        return r < 0 ? r : ingot_file_remove(path, reterr);
}

int ingot_cache_verify(const struct ingot_cache *c, const uint8_t digest[INGOT_SHA256_SIZE],
                       char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        uint8_t got[INGOT_SHA256_SIZE];
        int r = ingot_cache_find(c, INGOT_CACHE_CONTENT, digest, &path, reterr);
        if (r == 0)
                r = ingot_file_digest(path, got, reterr);
        if (r != 0)
                return r;
        if (memcmp(got, digest, sizeof(got)) != 0) {
                r = ingot_file_remove(path, reterr);
                return r < 0 ? r : 1;
        }
        *ret = TAKE_PTR(path);
        return 0;
}

struct check {
        const struct ingot_cache *cache;
        const struct ingot_cache_job *jobs;
        bool *ret;
};

static int check_one(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        const struct check *c = context;
        _cleanup_free_ char *path = NULL;
        (void) slot;
        int r = ingot_cache_verify(c->cache, c->jobs[index].sha256, &path, reterr);
        c->ret[index] = r == 0;
        return r < 0 ? r : 0;
}

int ingot_cache_check(const struct ingot_cache *c, const struct ingot_cache_job *jobs, size_t count,
                      bool *ret, ingot_error *reterr)
{
        struct check check = {c, jobs, ret};
        struct ingot_parallel p = {.count = count, .work = check_one, .context = &check};
        return count > 0 ? ingot_parallel_run(&p, reterr) : 0;
}
