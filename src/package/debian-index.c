/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a mirror to package indexes that can be believed: InRelease (or Release and Release.gpg) by
 * signature and date, the Packages files by the digests in it, got by digest where the mirror has
 * that (so that an index which changes meanwhile does no harm), and kept decompressed in the cache.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "os/http.h"
#include "package/cache.h"
#include "package/debian.h"
#include "package/decompress.h"
#include "trust/signature.h"
#include "trust/voa-keys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define RELEASE_SIZE_MAX ((size_t) 16 << 20)
#define INDEX_SIZE_MAX ((uint64_t) 1 << 30)
#define INDEXES_MAX 1000
#define PURPOSE "repository-metadata" /* of UAPI.11 */

/* What all steps share. */
struct work {
        const struct ingot_package_request *request;
        const char *architecture;
        struct ingot_cache cache;
        struct ingot_key_files keys;
        struct ingot_debian_indexes *indexes;
        uint64_t now;
};

/* A signed file of a mirror: while it is downloaded, and what became of it. */
struct document {
        struct work *work;
        char *url;
        struct ingot_buffer bytes;
        int r; /* how getting it ended, with its error */
        ingot_error error;
};

/* One source: where it is, and its release. */
struct suite {
        const struct ingot_package_source *source;
        size_t index;
        char *base;               /* MIRROR/dists/SUITE */
        struct document document; /* InRelease */
        struct ingot_buffer text;
        struct ingot_debian_release release;
};

/* One Packages file to be had. */
struct wanted {
        const struct suite *suite;
        struct ingot_debian_file plain; /* decompressed; size UINT64_MAX: not listed */
        struct ingot_debian_file file;  /* as on the mirror */
        char *what, *url, *fallback;
};

struct wanteds {
        struct wanted *items;
        size_t count, allocated;
};

void ingot_debian_indexes_done(struct ingot_debian_indexes *x)
{
        for (size_t i = 0; i < x->count; i++) {
                ingot_map_close(&x->items[i].map);
                free(x->items[i].heap);
        }
        free(x->items);
        *x = (struct ingot_debian_indexes){0};
}

static void wanteds_done(struct wanteds *w)
{
        for (size_t i = 0; i < w->count; i++) {
                free(w->items[i].what);
                free(w->items[i].url);
                free(w->items[i].fallback);
        }
        free(w->items);
        *w = (struct wanteds){0};
}

static void document_done(struct document *d)
{
        free(d->url);
        ingot_buffer_done(&d->bytes);
        *d = (struct document){0};
}

static void suite_done(struct suite *s)
{
        free(s->base);
        document_done(&s->document);
        ingot_buffer_done(&s->text);
}

static int receive(void *context, const void *data, size_t size, ingot_error *reterr)
{
        struct document *d = context;
        if (size > RELEASE_SIZE_MAX - d->bytes.size)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s has more than %zu bytes", d->url,
                                  RELEASE_SIZE_MAX);
        return ingot_buffer_append(&d->bytes, data, size, reterr);
}

static int received(struct ingot_http_job *job, int r, const ingot_error *why, ingot_error *reterr)
{
        struct document *d = job->context;
        (void) reterr;
        d->r = r;
        if (r < 0)
                d->error = *why;
        return 0;
}

/* The copy that is used offline. */
static int keep_document(struct document *d, ingot_error *reterr)
{
        uint8_t key[INGOT_SHA256_SIZE];
        _cleanup_outfile_ struct ingot_outfile out = INGOT_OUTFILE_NONE;
        ingot_sha256_of(d->url, strlen(d->url), key);
        int r = ingot_cache_create(&d->work->cache, INGOT_CACHE_RELEASE, key, &out, reterr);
        if (r >= 0)
                r = ingot_file_write_all(out.fd, d->bytes.data, d->bytes.size, reterr);
        return r < 0 ? r : ingot_outfile_publish(&out, reterr);
}

static int find_document(struct document *d, ingot_error *reterr)
{
        uint8_t key[INGOT_SHA256_SIZE];
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        ingot_sha256_of(d->url, strlen(d->url), key);
        int r = ingot_cache_find(&d->work->cache, INGOT_CACHE_RELEASE, key, &path, reterr);
        if (r > 0)
                d->r = ingot_fail(&d->error, INGOT_E_NOTFOUND,
                                  "%s is not in the cache, and this is offline", d->url);
        if (r != 0)
                return r < 0 ? r : 0;
        r = ingot_file_read(AT_FDCWD, path, RELEASE_SIZE_MAX, &data, &size, reterr);
        return r < 0 ? r : ingot_buffer_append(&d->bytes, data, size, reterr);
}

/* Gets all of them at once, out of the net or the cache; each says itself how it went. */
static int get_documents(struct work *w, struct document *documents, size_t count,
                         ingot_error *reterr)
{
        _cleanup_free_ struct ingot_http_job *jobs = calloc(count + 1, sizeof(*jobs));
        int r = 0;
        if (!jobs)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; r >= 0 && i < count; i++) {
                documents[i].work = w;
                jobs[i] = (struct ingot_http_job){.url = documents[i].url,
                                                  .write = receive,
                                                  .finish = received,
                                                  .context = &documents[i]};
                if (w->request->offline)
                        r = find_document(&documents[i], reterr);
        }
        if (!w->request->offline)
                r = ingot_http_run(NULL, jobs, count, reterr);
        for (size_t i = 0; r >= 0 && !w->request->offline && i < count; i++)
                if (documents[i].r >= 0)
                        r = keep_document(&documents[i], reterr);
        return r;
}

/* 1 is what a verdict says no by: an error here. */
static int believe(const struct ingot_verdict *v, int r, const char *url, ingot_error *reterr)
{
        if (r > 0)
                r = ingot_verdict_error(v, reterr);
        return ingot_under(reterr, r, "%s", url);
}

static struct ingot_signature_request question(const struct work *w)
{
        return (struct ingot_signature_request){
                .keys = &w->keys, .purpose = PURPOSE, .now = w->now};
}

static int check_detached(const struct work *w, const struct document *text,
                          const struct document *signature, ingot_error *reterr)
{
        _cleanup_verdict_ struct ingot_verdict verdict = {0};
        struct ingot_span content = ingot_buffer_span(&text->bytes);
        struct ingot_reader reader = ingot_reader_of_span(&content);
        struct ingot_signature_file file = {"Release.gpg", ingot_buffer_span(&signature->bytes)};
        struct ingot_signature_request q = question(w);
        q.content = &reader;
        int r = ingot_signature_verify(&q, &file, 1, &verdict, reterr);
        return believe(&verdict, r, text->url, reterr);
}

static int check_inside(const struct work *w, const struct document *d, struct ingot_buffer *ret,
                        ingot_error *reterr)
{
        _cleanup_verdict_ struct ingot_verdict verdict = {0};
        struct ingot_signature_request q = question(w);
        int r = ingot_signature_verify_inside(&q, ingot_buffer_span(&d->bytes), ret, &verdict,
                                              reterr);
        return believe(&verdict, r, d->url, reterr);
}

/* Release and Release.gpg, for archives without InRelease: 1 when they are not there either. */
static int get_detached(struct work *w, struct suite *s, ingot_error *reterr)
{
        struct document both[2] = {0}, *text = &both[0], *signature = &both[1];
        int r = ingot_format(&text->url, reterr, "%s/Release", s->base);
        if (r >= 0)
                r = ingot_format(&signature->url, reterr, "%s/Release.gpg", s->base);
        if (r >= 0)
                r = get_documents(w, both, ARRAY_SIZE(both), reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(both); i++) {
                r = both[i].r == -INGOT_E_NOTFOUND ? 1 : both[i].r;
                if (r < 0 && reterr)
                        *reterr = both[i].error;
                if (r > 0)
                        break;
        }
        if (r == 0)
                r = check_detached(w, text, signature, reterr);
        if (r == 0)
                s->text = text->bytes, text->bytes = (struct ingot_buffer){0};
        document_done(text);
        document_done(signature);
        return r;
}

static int get_release(struct work *w, struct suite *s, ingot_error *reterr)
{
        struct document *d = &s->document;
        int r = d->r == -INGOT_E_NOTFOUND ? get_detached(w, s, reterr) : 0;
        if (r > 0 || (d->r < 0 && d->r != -INGOT_E_NOTFOUND)) {
                if (reterr)
                        *reterr = d->error;
                return d->r;
        }
        if (d->r == 0)
                r = check_inside(w, d, &s->text, reterr);
        if (r >= 0)
                r = ingot_debian_release_decode(ingot_buffer_span(&s->text), &s->release, reterr);
        if (r >= 0)
                r = ingot_debian_release_check(&s->release, s->source->suite, w->now,
                                               w->request->allow_expired, reterr);
        return r;
}

/* The names that a package index may have, best first. */
static const char *const suffixes[] = {".zst", ".xz", ".gz", ""};

/* Which file of FOLDER to get: 0, or 1 when the release has none of them. */
static int choose_file(const struct suite *s, const char *folder, struct wanted *ret,
                       const char **ret_suffix, ingot_error *reterr)
{
        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                _cleanup_free_ char *path = NULL;
                int r = ingot_format(&path, reterr, "%s/Packages%s", folder, suffixes[i]);
                if (r >= 0)
                        r = ingot_debian_release_find(&s->release, path, &ret->file, reterr);
                if (r < 0)
                        return r;
                if (r == 0) {
                        *ret_suffix = suffixes[i];
                        return 0;
                }
        }
        return 1;
}

static int name_urls(const struct suite *s, const char *folder, const char *suffix,
                     struct wanted *wanted, ingot_error *reterr)
{
        char hex[2 * INGOT_SHA256_SIZE + 1];
        ingot_hex(hex, wanted->file.sha256, sizeof(wanted->file.sha256));
        int r = ingot_format(&wanted->what, reterr, "%s %s/Packages", s->source->suite, folder);
        if (r >= 0)
                r = ingot_format(&wanted->fallback, reterr, "%s/%s/Packages%s", s->base, folder,
                                 suffix);
        if (r >= 0)
                r = s->release.by_hash
                            ? ingot_format(&wanted->url, reterr, "%s/%s/by-hash/SHA256/%s", s->base,
                                           folder, hex)
                            : ingot_strdup(&wanted->url, wanted->fallback, reterr);
        return r;
}

/* Adds the index of one component and architecture: 1 when the suite has none. */
static int want(struct wanteds *all, const struct suite *s, const char *component,
                const char *architecture, ingot_error *reterr)
{
        _cleanup_free_ char *folder = NULL, *plain = NULL;
        struct wanted new = {.suite = s};
        const char *suffix = NULL;
        if (all->count >= INDEXES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d indexes", INDEXES_MAX);
        int r = ingot_format(&folder, reterr, "%s/binary-%s", component, architecture);
        if (r >= 0)
                r = ingot_format(&plain, reterr, "%s/Packages", folder);
        if (r >= 0)
                r = choose_file(s, folder, &new, &suffix, reterr);
        if (r != 0)
                return r;
        r = ingot_debian_release_find(&s->release, plain, &new.plain, reterr);
        if (r > 0)
                new.plain.size = UINT64_MAX;
        if (all->count == all->allocated) {
                size_t room = all->allocated ? all->allocated * 2 : 8;
                struct wanted *grown = reallocarray(all->items, room, sizeof(*grown));
                if (!grown)
                        return ingot_fail_nomem(reterr);
                all->items = grown;
                all->allocated = room;
        }
        if (r >= 0)
                r = name_urls(s, folder, suffix, &new, reterr);
        all->items[all->count++] = new;
        return r < 0 ? r : 0;
}

static int want_component(struct work *w, struct wanteds *all, const struct suite *s,
                          const char *component, ingot_error *reterr)
{
        int r = want(all, s, component, w->architecture, reterr);
        if (r < 0)
                return r;
        int also = 1;
        if (!s->release.all_included && ingot_debian_list_has(s->release.architectures, "all"))
                also = want(all, s, component, "all", reterr);
        if (also < 0)
                return also;
        if (r > 0 && also > 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "it has no component %s for %s",
                                  component, w->architecture);
        return 0;
}

static int want_suite(struct work *w, struct wanteds *all, const struct suite *s,
                      ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings components = {0};
        int r = ingot_strings_split(&components, s->source->components, " ", reterr);
        for (size_t i = 0; r >= 0 && i < components.count; i++)
                r = want_component(w, all, s, components.items[i], reterr);
        return r;
}

/* Decompression into a file, hashed on the way. */
struct pour {
        int fd;
        struct ingot_sha256 hash;
        uint64_t size;
};

static int pour(void *context, const void *data, size_t size, ingot_error *reterr)
{
        struct pour *p = context;
        ingot_sha256_update(&p->hash, data, size);
        p->size += size;
        return ingot_file_write_all(p->fd, data, size, reterr);
}

/* Puts the decompressed index into the cache under its own digest. */
static int unpack_cached(struct work *w, const struct wanted *wanted, const char *path,
                         ingot_error *reterr)
{
        _cleanup_outfile_ struct ingot_outfile out = INGOT_OUTFILE_NONE;
        uint8_t got[INGOT_SHA256_SIZE];
        int r = ingot_cache_create(&w->cache, INGOT_CACHE_CONTENT, wanted->plain.sha256, &out,
                                   reterr);
        if (r < 0)
                return r;
        struct pour p = {.fd = out.fd};
        ingot_sha256_init(&p.hash);
        r = ingot_decompress(path, wanted->plain.size, pour, &p, reterr);
        if (r < 0)
                return r;
        ingot_sha256_final(&p.hash, got);
        if (p.size != wanted->plain.size || memcmp(got, wanted->plain.sha256, sizeof(got)) != 0)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%s: decompressed it is not what the release names",
                                  wanted->what);
        return ingot_outfile_publish(&out, reterr);
}

static int append(void *context, const void *data, size_t size, ingot_error *reterr)
{
        return ingot_buffer_append(context, data, size, reterr);
}

static int open_index(struct work *w, const struct wanted *wanted, ingot_error *reterr)
{
        struct ingot_debian_index *x = &w->indexes->items[w->indexes->count];
        _cleanup_free_ char *path = NULL;
        _cleanup_buffer_ struct ingot_buffer heap = {0};
        bool plain = wanted->plain.size != UINT64_MAX;
        const uint8_t *digest = plain ? wanted->plain.sha256 : wanted->file.sha256;
        int r = ingot_cache_find(&w->cache, INGOT_CACHE_CONTENT, digest, &path, reterr);
        if (r != 0)
                return r < 0 ? r
                             : ingot_fail(reterr, INGOT_E_NOTFOUND, "%s left the cache",
                                          wanted->what);
        *x = (struct ingot_debian_index){.source = wanted->suite->index};
        if (plain) {
                r = ingot_map_open(&x->map, path, reterr);
                x->text = x->map.span;
        } else {
                r = ingot_decompress(path, INDEX_SIZE_MAX, append, &heap, reterr);
                x->text = ingot_buffer_span(&heap);
                x->heap = ingot_buffer_take(&heap);
        }
        w->indexes->count++;
        return r;
}

/* Downloads what is wanted and not there in any form. */
static int download(struct work *w, const struct wanteds *all, ingot_error *reterr)
{
        _cleanup_free_ struct ingot_cache_job *jobs = calloc(all->count + 1, sizeof(*jobs));
        _cleanup_free_ bool *have = calloc(all->count + 1, sizeof(*have));
        size_t n = 0;
        if (!jobs || !have)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < all->count; i++) {
                const struct wanted *x = &all->items[i];
                _cleanup_free_ char *path = NULL;
                int r = x->plain.size == UINT64_MAX
                                ? 1
                                : ingot_cache_verify(&w->cache, x->plain.sha256, &path, reterr);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                jobs[n] = (struct ingot_cache_job){.what = x->what,
                                                   .url = x->url,
                                                   .fallback = x->fallback,
                                                   .size = x->file.size};
                memcpy(jobs[n++].sha256, x->file.sha256, sizeof(x->file.sha256));
        }
        if (!w->request->offline)
                return ingot_cache_fetch(&w->cache, jobs, n, w->request->parallel, w->request->log,
                                         reterr);
        int r = ingot_cache_check(&w->cache, jobs, n, have, reterr);
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (!have[i])
                        r = ingot_fail(reterr, INGOT_E_NOTFOUND,
                                       "%s is not in the cache, and this is offline", jobs[i].what);
        return r;
}

/* Decompresses what was downloaded and has not been decompressed before. */
static int unpack(struct work *w, const struct wanted *wanted, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r;
        if (wanted->plain.size == UINT64_MAX)
                return 0;
        r = ingot_cache_find(&w->cache, INGOT_CACHE_CONTENT, wanted->plain.sha256, &path, reterr);
        if (r <= 0)
                return r;
        r = ingot_cache_find(&w->cache, INGOT_CACHE_CONTENT, wanted->file.sha256, &path, reterr);
        if (r > 0)
                r = ingot_fail(reterr, INGOT_E_NOTFOUND, "%s left the cache", wanted->what);
        if (r < 0)
                return r;
        r = unpack_cached(w, wanted, path, reterr);
        if (r >= 0)
                r = ingot_cache_remove(&w->cache, INGOT_CACHE_CONTENT, wanted->file.sha256, reterr);
        return r;
}

static int open_all(struct work *w, const struct wanteds *all, ingot_error *reterr)
{
        w->indexes->items = calloc(all->count + 1, sizeof(*w->indexes->items));
        if (!w->indexes->items)
                return ingot_fail_nomem(reterr);
        int r = download(w, all, reterr);
        for (size_t i = 0; r >= 0 && i < all->count; i++) {
                r = unpack(w, &all->items[i], reterr);
                if (r >= 0)
                        r = open_index(w, &all->items[i], reterr);
        }
        return r;
}

static int locate_suite(struct suite *s, const struct ingot_package_source *source, size_t index,
                        ingot_error *reterr)
{
        _cleanup_free_ char *mirror = NULL;
        s->source = source;
        s->index = index;
        int r = ingot_distribution_mirror(&ingot_distribution_debian, source, &mirror, reterr);
        if (r >= 0)
                r = ingot_format(&s->base, reterr, "%s/dists/%s", mirror, source->suite);
        if (r >= 0)
                r = ingot_format(&s->document.url, reterr, "%s/InRelease", s->base);
        return ingot_under(reterr, r, "suite %s", source->suite);
}

/* Gets the InRelease files of all suites at once. */
static int get_all_documents(struct work *w, struct suite *suites, ingot_error *reterr)
{
        size_t count = w->request->sources.count;
        _cleanup_free_ struct document *all = calloc(count + 1, sizeof(*all));
        if (!all)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < count; i++)
                all[i] = suites[i].document;
        int r = get_documents(w, all, count, reterr);
        for (size_t i = 0; i < count; i++)
                suites[i].document = all[i];
        return r;
}

static int open_suites(struct work *w, struct suite *suites, ingot_error *reterr)
{
        const struct ingot_package_sources *sources = &w->request->sources;
        __attribute__((cleanup(wanteds_done))) struct wanteds all = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < sources->count; i++)
                r = locate_suite(&suites[i], &sources->items[i], i, reterr);
        if (r >= 0)
                r = get_all_documents(w, suites, reterr);
        for (size_t i = 0; r >= 0 && i < sources->count; i++) {
                r = get_release(w, &suites[i], reterr);
                if (r >= 0)
                        r = want_suite(w, &all, &suites[i], reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "suite %s", sources->items[i].suite);
                if (suites[i].release.date > w->indexes->date)
                        w->indexes->date = suites[i].release.date;
        }
        return r < 0 ? r : open_all(w, &all, reterr);
}

static void work_done(struct work *w)
{
        ingot_cache_close(&w->cache);
        ingot_key_files_done(&w->keys);
}

/* VOA's verifiers for the indexes of the distribution; none is no error. */
static int find_voa(struct work *w, ingot_error *reterr)
{
        _cleanup_voa_paths_ struct ingot_voa_paths paths = {0};
        _cleanup_voa_ struct ingot_voa_result result = {0};
        const struct ingot_voa_lookup lookup = {.root = w->request->trust_root,
                                                .paths = &paths,
                                                .os = &ingot_distribution_debian.name,
                                                .os_count = 1,
                                                .purpose = PURPOSE,
                                                .anchors = true,
                                                .context = "default",
                                                .technology = -1};
        int r = ingot_voa_paths_system(&paths, reterr);
        if (r >= 0)
                r = ingot_voa_find(&lookup, &result, reterr);
        for (size_t i = 0; r >= 0 && i < result.warning_count; i++)
                ingot_warn(w->request->log, "%s: %s", result.warnings[i].path,
                           result.warnings[i].reason);
        return r < 0 ? r : ingot_voa_keys(&result, &paths, &w->keys, reterr);
}

/* The keys that may sign the indexes: those of the request, else VOA's, else the distribution's
 * (docs/decisions/076). */
static int find_keys(struct work *w, ingot_error *reterr)
{
        const char *keyring = w->request->keyring;
        if (!keyring) {
                int r = find_voa(w, reterr);
                if (r < 0 || ingot_key_files_verify(&w->keys))
                        return r;
                keyring = ingot_distribution_debian.default_keyring;
        }
        return ingot_under(reterr, ingot_key_files_add(&w->keys, keyring, reterr), "keyring");
}

int ingot_debian_indexes_open(const struct ingot_package_request *r, const char *architecture,
                              struct ingot_debian_indexes *ret, ingot_error *reterr)
{
        _cleanup_debian_indexes_ struct ingot_debian_indexes indexes = {0};
        _cleanup_free_ struct suite *suites = calloc(r->sources.count + 1, sizeof(*suites));
        _cleanup_(work_done) struct work w = {.request = r,
                                              .architecture = architecture,
                                              .indexes = &indexes,
                                              .now = (uint64_t) time(NULL)};
        if (!suites)
                return ingot_fail_nomem(reterr);
        int e = ingot_cache_open(&w.cache, r->cache, reterr);
        if (e >= 0)
                e = find_keys(&w, reterr);
        if (e < 0)
                return e;
        e = open_suites(&w, suites, reterr);
        for (size_t i = 0; i < r->sources.count; i++)
                suite_done(&suites[i]);
        if (e < 0)
                return e;
        *ret = indexes;
        indexes = (struct ingot_debian_indexes){0};
        return 0;
}
