/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Downloads into the cache. Each grows in partial/, locked, is hashed as it comes, and is renamed
 * to its digest when that is right: what stands under a digest was checked by whoever put it there.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "os/http.h"
#include "package/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct fetch {
        struct run *run;
        const struct ingot_cache_job *job;
        int fd;
        char *partial;
        bool resumed; /* begins with bytes of an earlier run */
        uint64_t have;
        struct ingot_sha256 hash;
};

struct run {
        const struct ingot_cache *cache;
        const struct ingot_log *log;
        uint64_t done, total;
};

static void tell(const struct run *run)
{
        ingot_progress(run->log, "download", run->done, run->total);
}

static int begin_again(struct fetch *f, ingot_error *reterr)
{
        if (ftruncate(f->fd, 0) < 0)
                return ingot_fail_errno(reterr, "truncate %s", f->partial);
        f->run->done -= f->have;
        f->have = 0;
        f->resumed = false;
        ingot_sha256_init(&f->hash);
        return 0;
}

/* Hashes what an earlier run left; more than there should be is thrown away. */
static int take_up(struct fetch *f, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *block = malloc(1 << 18);
        struct stat st;
        if (!block)
                return ingot_fail_nomem(reterr);
        if (fstat(f->fd, &st) < 0)
                return ingot_fail_errno(reterr, "stat %s", f->partial);
        ingot_sha256_init(&f->hash);
        if ((uint64_t) st.st_size >= f->job->size)
                return begin_again(f, reterr);
        while (f->have < (uint64_t) st.st_size) {
                uint64_t left = (uint64_t) st.st_size - f->have;
                size_t n = left < 1 << 18 ? (size_t) left : 1 << 18;
                int r = ingot_file_pread(f->fd, f->have, block, n, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", f->partial);
                ingot_sha256_update(&f->hash, block, n);
                f->have += n;
        }
        f->resumed = f->have > 0;
        f->run->done += f->have;
        return 0;
}

/* Opens and locks PATH: 0 it is ours, 1 another one has it, or just made something else of it. */
static int open_locked(const char *path, int *ret_fd, ingot_error *reterr)
{
        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        struct stat ours, there;
        if (fd < 0)
                return ingot_fail_errno(reterr, "create %s", path);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? 1 : ingot_fail_errno(reterr, "lock %s", path);
        if (fstat(fd, &ours) < 0 || stat(path, &there) < 0 || ours.st_ino != there.st_ino ||
            ours.st_dev != there.st_dev)
                return 1;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* The file to download into; where another build is at the same one, a file of our own. */
static int open_partial(struct fetch *f, ingot_error *reterr)
{
        char hex[2 * INGOT_SHA256_SIZE + 1];
        _cleanup_free_ char *folder = NULL;
        ingot_hex(hex, f->job->sha256, INGOT_SHA256_SIZE);
        int r = ingot_format(&folder, reterr, "%s/partial", f->run->cache->folder);
        if (r >= 0)
                r = ingot_make_directories(folder, 0755, reterr);
        if (r >= 0)
                r = ingot_format(&f->partial, reterr, "%s/%s", folder, hex);
        if (r < 0)
                return r;
        r = open_locked(f->partial, &f->fd, reterr);
        if (r <= 0)
                return r;
        free(f->partial);
        f->partial = NULL;
        r = ingot_format(&f->partial, reterr, "%s/%s.%d", folder, hex, (int) getpid());
        if (r < 0)
                return r;
        r = open_locked(f->partial, &f->fd, reterr);
        return r > 0 ? ingot_fail(reterr, INGOT_E_CONFLICT, "%s is in use", f->partial) : r;
}

static int start(struct ingot_http_job *h, ingot_error *reterr)
{
        struct fetch *f = h->context;
        int r = open_partial(f, reterr);
        if (r >= 0)
                r = take_up(f, reterr);
        h->offset = f->have;
        h->length = f->job->size - f->have;
        return r;
}

static int receive(void *context, const void *data, size_t size, ingot_error *reterr)
{
        struct fetch *f = context;
        int r = ingot_file_pwrite(f->fd, f->have, data, size, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", f->partial);
        ingot_sha256_update(&f->hash, data, size);
        f->have += size;
        f->run->done += size;
        tell(f->run);
        return 0;
}

/* Gives the file its name. */
static int publish(struct fetch *f, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL, *folder = NULL;
        int r = ingot_cache_path(f->run->cache, INGOT_CACHE_CONTENT, f->job->sha256, &path, reterr);
        if (r >= 0)
                r = ingot_format(&folder, reterr, "%.*s", (int) (strrchr(path, '/') - path), path);
        if (r >= 0)
                r = ingot_make_directories(folder, 0755, reterr);
        if (r >= 0 && rename(f->partial, path) < 0)
                r = ingot_fail_errno(reterr, "rename %s", f->partial);
        return r;
}

static int refuse(struct fetch *f, const char *url, const uint8_t got[INGOT_SHA256_SIZE],
                  ingot_error *reterr)
{
        char is[2 * INGOT_SHA256_SIZE + 1], should[2 * INGOT_SHA256_SIZE + 1];
        ingot_hex(is, got, INGOT_SHA256_SIZE);
        ingot_hex(should, f->job->sha256, INGOT_SHA256_SIZE);
        (void) unlink(f->partial);
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "%s: what %s holds is not what the index names: SHA-256 %s, not %s",
                          f->job->what, url, is, should);
}

/* All bytes are there, or the server had fewer than there should be (SHORT). */
static int check(struct fetch *f, struct ingot_http_job *h, bool too_short, ingot_error *reterr)
{
        uint8_t got[INGOT_SHA256_SIZE];
        struct ingot_sha256 hash = f->hash;
        ingot_sha256_final(&hash, got);
        if (!too_short && memcmp(got, f->job->sha256, sizeof(got)) == 0)
                return publish(f, reterr);
        if (f->resumed) { /* perhaps only what was left from before is wrong */
                int r = begin_again(f, reterr);
                h->offset = 0;
                h->length = f->job->size;
                return r < 0 ? r : 1;
        }
        if (!too_short)
                return refuse(f, h->url, got, reterr);
        (void) unlink(f->partial);
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "%s: %s has %" PRIu64 " bytes, the index says %" PRIu64, f->job->what,
                          h->url, f->have, f->job->size);
}

static int finish(struct ingot_http_job *h, int r, const ingot_error *why, ingot_error *reterr)
{
        struct fetch *f = h->context;
        if (r == 0 || r == -INGOT_E_FORMAT) {
                r = check(f, h, r < 0, reterr);
        } else if (r == -INGOT_E_NOTFOUND && f->job->fallback && h->url != f->job->fallback) {
                h->url = f->job->fallback;
                h->offset = f->have;
                h->length = f->job->size - f->have;
                return 1;
        } else {
                if (reterr)
                        *reterr = *why;
                ingot_under(reterr, r, "%s", f->job->what);
                if (f->have == 0)
                        (void) unlink(f->partial);
        }
        if (r <= 0 && f->fd >= 0) {
                close(f->fd);
                f->fd = -1;
        }
        return r;
}

static void fetch_done(struct fetch *fetches, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (fetches[i].fd >= 0)
                        close(fetches[i].fd);
                free(fetches[i].partial);
        }
}

int ingot_cache_fetch(const struct ingot_cache *c, const struct ingot_cache_job *jobs, size_t count,
                      unsigned parallel, const struct ingot_log *log, ingot_error *reterr)
{
        struct ingot_http_options options = {.parallel = parallel};
        struct run run = {.cache = c, .log = log};
        _cleanup_free_ bool *have = calloc(count + 1, sizeof(*have));
        _cleanup_free_ struct fetch *fetches = calloc(count + 1, sizeof(*fetches));
        _cleanup_free_ struct ingot_http_job *http = calloc(count + 1, sizeof(*http));
        size_t n = 0;
        if (!have || !fetches || !http)
                return ingot_fail_nomem(reterr);
        int r = ingot_cache_check(c, jobs, count, have, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < count; i++) {
                if (have[i])
                        continue;
                fetches[n] = (struct fetch){.run = &run, .job = &jobs[i], .fd = -1};
                http[n] = (struct ingot_http_job){.url = jobs[i].url,
                                                  .start = start,
                                                  .write = receive,
                                                  .finish = finish,
                                                  .context = &fetches[n]};
                run.total += jobs[i].size;
                n++;
        }
        if (n > 0) {
                tell(&run);
                r = ingot_http_run(&options, http, n, reterr);
        }
        fetch_done(fetches, n);
        return r;
}
