/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cache's folder: finding, checking, counting and removing entries. */
#include "package/cache.h"
#include "base/cleanup.h"
#include "base/parallel.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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
        if (r < 0)
                return r;
        /* A cache that may only be read still serves; it is then not known when it did. */
        if (utimensat(AT_FDCWD, path, NULL, 0) < 0 && access(path, R_OK) < 0)
                return errno == ENOENT ? 1 : ingot_fail_errno(reterr, "look for %s", path);
        *ret = TAKE_PTR(path);
        return 0;
}

int ingot_cache_create(const struct ingot_cache *c, const char *kind,
                       const uint8_t digest[INGOT_SHA256_SIZE], struct ingot_outfile *ret,
                       ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL, *folder = NULL;
        int r = ingot_cache_path(c, kind, digest, &path, reterr);
        if (r >= 0)
                r = ingot_format(&folder, reterr, "%.*s", (int) (strrchr(path, '/') - path), path);
        if (r >= 0)
                r = ingot_make_directories(folder, 0755, reterr);
        return r < 0 ? r : ingot_outfile_create(ret, path, 0644, reterr);
}

int ingot_cache_remove(const struct ingot_cache *c, const char *kind,
                       const uint8_t digest[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_cache_path(c, kind, digest, &path, reterr);
        if (r >= 0 && unlink(path) < 0 && errno != ENOENT)
                r = ingot_fail_errno(reterr, "remove %s", path);
        return r;
}

/* The digest of a whole file. */
static int digest_file(const char *path, uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        _cleanup_free_ uint8_t *block = malloc(1 << 18);
        struct ingot_sha256 h;
        if (!block)
                return ingot_fail_nomem(reterr);
        if (fd < 0)
                return ingot_fail_errno(reterr, "open %s", path);
        ingot_sha256_init(&h);
        for (;;) {
                ssize_t n = read(fd, block, 1 << 18);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return ingot_fail_errno(reterr, "read %s", path);
                if (n == 0)
                        break;
                ingot_sha256_update(&h, block, (size_t) n);
        }
        ingot_sha256_final(&h, ret);
        return 0;
}

int ingot_cache_verify(const struct ingot_cache *c, const uint8_t digest[INGOT_SHA256_SIZE],
                       char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        uint8_t got[INGOT_SHA256_SIZE];
        int r = ingot_cache_find(c, INGOT_CACHE_CONTENT, digest, &path, reterr);
        if (r != 0)
                return r;
        r = digest_file(path, got, reterr);
        if (r < 0)
                return r;
        if (memcmp(got, digest, sizeof(got)) != 0) {
                if (unlink(path) < 0 && errno != ENOENT)
                        return ingot_fail_errno(reterr, "remove damaged %s", path);
                return 1;
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

/* Counts, and when OLDER is set removes, what lies below FOLDER/PATH and was last used before. */
struct sweep {
        int64_t before; /* seconds since 1970; INT64_MAX: everything */
        bool remove;
        struct ingot_cache_statistics *statistics;
};

static int sweep_one(const struct sweep *s, const char *path, const struct stat *st,
                     ingot_error *reterr)
{
        uint64_t size = (uint64_t) st->st_blocks * 512;
        if (s->remove && st->st_mtime < s->before) {
                if (unlink(path) < 0 && errno != ENOENT)
                        return ingot_fail_errno(reterr, "remove %s", path);
                s->statistics->removed++;
                s->statistics->removed_bytes += size;
        } else {
                s->statistics->entries++;
                s->statistics->bytes += size;
        }
        return 0;
}

static int sweep_folder(const struct sweep *s, const char *folder, unsigned depth,
                        ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = ingot_list_directory(AT_FDCWD, folder, &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                _cleanup_free_ char *path = NULL;
                struct stat st;
                r = ingot_format(&path, reterr, "%s/%s", folder, names.items[i]);
                if (r < 0 || lstat(path, &st) < 0)
                        continue; /* another one cleans, too */
                if (!S_ISDIR(st.st_mode))
                        r = sweep_one(s, path, &st, reterr);
                else if (depth > 0)
                        r = sweep_folder(s, path, depth - 1, reterr);
                if (r >= 0 && S_ISDIR(st.st_mode) && s->remove)
                        (void) rmdir(path); /* unless something is left in it */
        }
        return r;
}

#define DEPTH 8

int ingot_cache_measure(const struct ingot_cache *c, struct ingot_cache_statistics *ret,
                        ingot_error *reterr)
{
        struct sweep s = {.statistics = ret};
        *ret = (struct ingot_cache_statistics){0};
        return sweep_folder(&s, c->folder, DEPTH, reterr);
}

int ingot_cache_clean(const struct ingot_cache *c, uint64_t seconds,
                      struct ingot_cache_statistics *ret, ingot_error *reterr)
{
        struct sweep s = {.remove = true, .before = INT64_MAX, .statistics = ret};
        int64_t now = (int64_t) time(NULL);
        if (seconds > 0)
                s.before = seconds < (uint64_t) now ? now - (int64_t) seconds : 0;
        *ret = (struct ingot_cache_statistics){0};
        return sweep_folder(&s, c->folder, DEPTH, reterr);
}
