/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Downloads into the cache. Each grows in partial/, locked, is hashed as it comes, and is renamed
 * to its digest when that is right: what stands under a digest was checked by whoever put it there.
 */
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"
#include "os/http.h"
#include "os/partial.h"
#include "package/cache.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t) 1 << 18)

struct run {
        const struct ingot_cache *cache;
        const struct ingot_log *log;
        uint64_t done, total;
};

struct fetch {
        struct run *run;
        const struct ingot_cache_job *job;
        struct ingot_partial partial;
        bool resumed; /* begins with bytes of an earlier run */
        struct ingot_sha256 hash;
};

static void tell(const struct run *run)
{
        ingot_progress(run->log, "Downloading", run->done, run->total);
}

static int begin_again(struct fetch *f, ingot_error *reterr)
{
        f->run->done -= f->partial.size;
        f->resumed = false;
        ingot_sha256_init(&f->hash);
        return ingot_partial_empty(&f->partial, reterr);
}

/* Hashes what an earlier run left; more than there should be is thrown away. */
static int take_up(struct fetch *f, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *block = malloc(BLOCK);
        if (!block)
                return ingot_fail_nomem(reterr);
        ingot_sha256_init(&f->hash);
        f->run->done += f->partial.size;
        if (f->partial.size >= f->job->size)
                return begin_again(f, reterr);
        for (uint64_t at = 0; at < f->partial.size;) {
                size_t n = (size_t) ingot_min_u64(f->partial.size - at, BLOCK);
                int r = ingot_file_pread(f->partial.fd, at, block, n, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", f->partial.path);
                ingot_sha256_update(&f->hash, block, n);
                at += n;
        }
        f->resumed = f->partial.size > 0;
        return 0;
}

/* What the next request is to ask for. */
static void ask_for_rest(const struct fetch *f, struct ingot_http_job *h)
{
        h->offset = f->partial.size;
        h->length = f->job->size - f->partial.size;
}

static int start(struct ingot_http_job *h, ingot_error *reterr)
{
        struct fetch *f = h->context;
        char hex[2 * INGOT_SHA256_SIZE + 1];
        _cleanup_free_ char *folder = NULL, *path = NULL;
        ingot_hex(hex, f->job->sha256, INGOT_SHA256_SIZE);
        int r = ingot_format(&folder, reterr, "%s/partial", f->run->cache->folder);
        if (r >= 0)
                r = ingot_make_directories(folder, 0755, reterr);
        if (r >= 0)
                r = ingot_format(&path, reterr, "%s/%s", folder, hex);
        if (r >= 0)
                r = ingot_partial_open(&f->partial, path, reterr);
        if (r >= 0)
                r = take_up(f, reterr);
        if (r >= 0)
                ask_for_rest(f, h);
        return r;
}

static int receive(void *context, const void *data, size_t size, ingot_error *reterr)
{
        struct fetch *f = context;
        if (size > f->job->size - f->partial.size)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%s: the mirror sends more than the %" PRIu64
                                  " bytes that the index says",
                                  f->job->what, f->job->size);
        int r = ingot_partial_append(&f->partial, data, size, reterr);
        if (r < 0)
                return r;
        ingot_sha256_update(&f->hash, data, size);
        f->run->done += size;
        tell(f->run);
        return 0;
}

/* Gives the file its name. */
static int publish(struct fetch *f, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_cache_place(f->run->cache, INGOT_CACHE_CONTENT, f->job->sha256, &path,
                                  reterr);
        return r < 0 ? r : ingot_partial_publish(&f->partial, path, reterr);
}

static int refuse(struct fetch *f, const char *url, const uint8_t got[INGOT_SHA256_SIZE],
                  ingot_error *reterr)
{
        char is[2 * INGOT_SHA256_SIZE + 1], should[2 * INGOT_SHA256_SIZE + 1];
        int r = begin_again(f, reterr);
        ingot_hex(is, got, INGOT_SHA256_SIZE);
        ingot_hex(should, f->job->sha256, INGOT_SHA256_SIZE);
        return r < 0 ? r
                     : ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%s: what %s holds is not what the index names: SHA-256 %s, "
                                  "not %s",
                                  f->job->what, url, is, should);
}

/* All bytes are there, or the server had fewer than there should be. */
static int check(struct fetch *f, struct ingot_http_job *h, bool too_short, ingot_error *reterr)
{
        uint8_t got[INGOT_SHA256_SIZE];
        uint64_t size = f->partial.size;
        struct ingot_sha256 hash = f->hash;
        ingot_sha256_final(&hash, got);
        if (!too_short && memcmp(got, f->job->sha256, sizeof(got)) == 0)
                return publish(f, reterr);
        if (!too_short && !f->resumed)
                return refuse(f, h->url, got, reterr);
        bool again = f->resumed; /* perhaps only what was left from before is wrong */
        int r = begin_again(f, reterr);
        ask_for_rest(f, h);
        if (r < 0 || again)
                return r < 0 ? r : 1;
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "%s: %s has %" PRIu64 " bytes, the index says %" PRIu64, f->job->what,
                          h->url, size, f->job->size);
}

static int finish(struct ingot_http_job *h, int r, const ingot_error *why, ingot_error *reterr)
{
        struct fetch *f = h->context;
        if (r == -INGOT_E_NOTFOUND && f->job->fallback && h->url != f->job->fallback) {
                h->url = f->job->fallback;
                ask_for_rest(f, h);
                return 1;
        }
        if (r == 0 || r == -INGOT_E_FORMAT) {
                r = check(f, h, r < 0, reterr);
        } else {
                if (reterr)
                        *reterr = *why;
                ingot_under(reterr, r, "%s", f->job->what);
        }
        if (r <= 0)
                ingot_partial_close(&f->partial);
        return r;
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
                fetches[n] = (struct fetch){
                        .run = &run, .job = &jobs[i], .partial = INGOT_PARTIAL_NONE};
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
        for (size_t i = 0; i < n; i++)
                ingot_partial_close(&fetches[i].partial);
        return r;
}
