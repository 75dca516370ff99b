/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request, its digest, and the way from it to a lock and to files. */
#include "package/package.h"
#include "base/cleanup.h"
#include "package/cache.h"
#include "package/distribution.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ingot_package_request_done(struct ingot_package_request *r)
{
        ingot_package_sources_done(&r->sources);
        ingot_strings_done(&r->packages);
        ingot_strings_done(&r->assumed);
        *r = (struct ingot_package_request){0};
}

static const char *request_architecture(const struct ingot_package_request *r)
{
        return r->architecture ? r->architecture : ingot_host_architecture();
}

/* Names, each once, in byte order, each on a line behind WORD. */
static int describe_names(const struct ingot_strings *list, const char *word,
                          struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int e = 0;
        for (size_t i = 0; e >= 0 && i < list->count; i++)
                e = ingot_strings_add(&names, list->items[i], reterr);
        ingot_strings_sort(&names);
        for (size_t i = 0; e >= 0 && i < names.count; i++)
                if (i == 0 || strcmp(names.items[i - 1], names.items[i]) != 0)
                        e = ingot_buffer_printf(ret, reterr, "%s %s\n", word, names.items[i]);
        return e;
}

/* The request as text, in which everything that decides the result stands once, in one order. */
static int describe(const struct ingot_package_request *r, struct ingot_buffer *ret,
                    ingot_error *reterr)
{
        static const char *const bases[] = {"required", "essential", "none"};
        const char *architecture = request_architecture(r);
        int e = ingot_buffer_printf(ret, reterr, "distribution %s\narchitecture %s\nbase %s\n"
                                                 "recommends %d\n",
                                    r->distribution ? r->distribution : "debian",
                                    architecture ? architecture : "-", bases[r->base],
                                    r->recommends);
        for (size_t i = 0; e >= 0 && i < r->sources.count; i++) {
                const struct ingot_package_source *s = &r->sources.items[i];
                e = ingot_buffer_printf(ret, reterr, "source %s %s %s\n",
                                        s->mirror ? s->mirror : "-", s->suite, s->components);
        }
        if (e >= 0)
                e = describe_names(&r->packages, "package", ret, reterr);
        return e < 0 ? e : describe_names(&r->assumed, "assumed", ret, reterr);
}

int ingot_package_request_digest(const struct ingot_package_request *r,
                                 uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int e = describe(r, &text, reterr);
        if (e >= 0)
                ingot_sha256_of(text.data, text.size, ret);
        return e;
}

int ingot_package_lock_check(const struct ingot_package_request *r, const struct ingot_lock *lock,
                             ingot_error *reterr)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        int e = ingot_package_request_digest(r, digest, reterr);
        if (e < 0)
                return e;
        if (memcmp(digest, lock->request, sizeof(digest)) != 0)
                return ingot_fail(reterr, INGOT_E_CONFLICT,
                                  "the lock was made for other packages or sources than the recipe "
                                  "now asks for: run \"ingot lock\"");
        return 0;
}

/* The parts of a lock that come from the request. */
static int begin_lock(const struct ingot_package_request *r, const struct ingot_distribution *d,
                      struct ingot_lock *ret, ingot_error *reterr)
{
        const char *architecture = request_architecture(r);
        if (!architecture)
                return ingot_fail(reterr, INGOT_E_USAGE, "name an architecture");
        if (r->sources.count == 0)
                return ingot_fail(reterr, INGOT_E_USAGE, "there is no source of packages");
        int e = ingot_strdup(&ret->distribution, d->name, reterr);
        if (e >= 0)
                e = ingot_strdup(&ret->architecture, architecture, reterr);
        for (size_t i = 0; e >= 0 && i < r->sources.count; i++)
                e = ingot_package_sources_add(&ret->sources, r->sources.items[i].mirror,
                                              r->sources.items[i].suite,
                                              r->sources.items[i].components, reterr);
        if (e >= 0)
                e = ingot_package_request_digest(r, ret->request, reterr);
        return e;
}

int ingot_package_lock(const struct ingot_package_request *r, struct ingot_lock *ret,
                       ingot_error *reterr)
{
        _cleanup_lock_ struct ingot_lock lock = {0};
        const struct ingot_distribution *d;
        int e = ingot_distribution_find(r->distribution, &d, reterr);
        if (e >= 0)
                e = begin_lock(r, d, &lock, reterr);
        if (e >= 0)
                e = d->lock(r, &lock, reterr);
        if (e < 0)
                return e;
        ingot_lock_sort(&lock);
        *ret = lock;
        lock = (struct ingot_lock){0};
        return 0;
}

/* A path as part of a URL: all but unreserved characters (RFC 3986, 2.3) and "/" escaped. */
static int append_escaped(struct ingot_buffer *b, const char *path, ingot_error *reterr)
{
        int e = 0;
        for (const char *p = path; e >= 0 && *p; p++) {
                bool plain = isalnum((unsigned char) *p) || strchr("-._~/", *p);
                e = ingot_buffer_printf(b, reterr, plain ? "%c" : "%%%02X", (unsigned char) *p);
        }
        return e;
}

/* What a fetch needs of each package. */
struct fetch {
        struct ingot_cache_job *jobs;
        struct ingot_strings whats, urls, mirrors;
        bool *have;
        size_t count;
};

static void fetch_done(struct fetch *f)
{
        free(f->jobs);
        free(f->have);
        ingot_strings_done(&f->whats);
        ingot_strings_done(&f->urls);
        ingot_strings_done(&f->mirrors);
}

static int name_package(struct fetch *f, const struct ingot_locked_package *p, ingot_error *reterr)
{
        _cleanup_free_ char *what = NULL;
        int e = ingot_format(&what, reterr, "%s %s", p->name, p->version);
        return e < 0 ? e : ingot_strings_add(&f->whats, what, reterr);
}

/* The jobs without their URLs: enough to ask the cache. */
static int list_jobs(struct fetch *f, const struct ingot_lock *lock, ingot_error *reterr)
{
        f->count = lock->count;
        f->jobs = calloc(lock->count + 1, sizeof(*f->jobs));
        f->have = calloc(lock->count + 1, sizeof(*f->have));
        if (!f->jobs || !f->have)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < lock->count; i++) {
                int e = name_package(f, &lock->packages[i], reterr);
                if (e < 0)
                        return e;
                f->jobs[i].what = f->whats.items[i];
                f->jobs[i].size = lock->packages[i].size;
                memcpy(f->jobs[i].sha256, lock->packages[i].sha256, INGOT_SHA256_SIZE);
        }
        return 0;
}

/* Keeps the jobs that are to be downloaded, and says from where. */
static int keep_missing(struct fetch *f, const struct ingot_distribution *d,
                        const struct ingot_lock *lock, ingot_error *reterr)
{
        int e = 0;
        for (size_t i = 0; e >= 0 && i < lock->sources.count; i++) {
                _cleanup_free_ char *mirror = NULL;
                e = ingot_distribution_mirror(d, &lock->sources.items[i], &mirror, reterr);
                if (e >= 0)
                        e = ingot_strings_add(&f->mirrors, mirror, reterr);
        }
        f->count = 0;
        for (size_t i = 0; e >= 0 && i < lock->count; i++) {
                const struct ingot_locked_package *p = &lock->packages[i];
                _cleanup_buffer_ struct ingot_buffer url = {0};
                if (f->have[i])
                        continue;
                e = ingot_buffer_printf(&url, reterr, "%s/", f->mirrors.items[p->source]);
                if (e >= 0)
                        e = append_escaped(&url, p->path, reterr);
                if (e >= 0)
                        e = ingot_strings_add(&f->urls, (char *) url.data, reterr);
                if (e < 0)
                        break;
                f->jobs[f->count] = f->jobs[i];
                f->jobs[f->count].url = f->urls.items[f->count];
                f->count++;
        }
        return e;
}

static int refuse_offline(const struct fetch *f, size_t missing, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer names = {0};
        int e = 0;
        size_t named = 0;
        for (size_t i = 0; e >= 0 && i < f->count; i++)
                if (!f->have[i] && named++ < 10)
                        e = ingot_buffer_printf(&names, reterr, "%s%s", named > 1 ? ", " : "",
                                                f->jobs[i].what);
        return e < 0 ? e
                     : ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "offline, and %zu package%s not in the cache: %s%s", missing,
                                  missing == 1 ? " is" : "s are", (char *) names.data,
                                  missing > 10 ? ", …" : "");
}

static int fetch_missing(struct fetch *f, const struct ingot_package_request *r,
                         const struct ingot_cache *cache, const struct ingot_lock *lock,
                         ingot_error *reterr)
{
        const struct ingot_distribution *d;
        size_t missing = 0;
        int e = list_jobs(f, lock, reterr);
        if (e >= 0)
                e = ingot_cache_check(cache, f->jobs, f->count, f->have, reterr);
        for (size_t i = 0; e >= 0 && i < f->count; i++)
                missing += !f->have[i];
        if (e < 0 || missing == 0)
                return e;
        if (r->offline)
                return refuse_offline(f, missing, reterr);
        e = ingot_distribution_find(lock->distribution, &d, reterr);
        if (e >= 0)
                e = keep_missing(f, d, lock, reterr);
        return e < 0 ? e
                     : ingot_cache_fetch(cache, f->jobs, f->count, r->parallel, r->log, reterr);
}

int ingot_package_fetch(const struct ingot_package_request *r, const struct ingot_lock *lock,
                        struct ingot_strings *ret_paths, ingot_error *reterr)
{
        __attribute__((cleanup(fetch_done))) struct fetch f = {0};
        _cleanup_strings_ struct ingot_strings paths = {0};
        _cleanup_cache_ struct ingot_cache cache = {0};
        int e = ingot_cache_open(&cache, r->cache, reterr);
        if (e >= 0)
                e = fetch_missing(&f, r, &cache, lock, reterr);
        for (size_t i = 0; e >= 0 && i < lock->count; i++) {
                _cleanup_free_ char *path = NULL;
                e = ingot_cache_path(&cache, INGOT_CACHE_CONTENT, lock->packages[i].sha256, &path,
                                     reterr);
                if (e >= 0)
                        e = ingot_strings_add(&paths, path, reterr);
        }
        if (e < 0)
                return e;
        *ret_paths = paths;
        paths = (struct ingot_strings){0};
        return 0;
}
