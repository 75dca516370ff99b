/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A store of chunks, as casync and desync make it, as a source: the index of a file says which
 * chunk holds what. Only chunks that hold something wanted are fetched, some at a time, each is
 * checked by its id, and they are handed on in order.
 */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"
#include "format/caibx.h"
#include "os/file.h"
#include "trust/evp.h"
#include "update/source-kind.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_SIZE ((uint64_t) 8 << 20) /* bytes of chunks that are fetched together */
#define BATCH_COUNT 256

struct store {
        char *name, *chunks, *indexes; /* the last two: URLs or paths */
        struct ingot_http_options options;
        char *file; /* the one that `index` is of, or NULL */
        struct ingot_caibx index;
};

/* A chunk that is being fetched. */
struct piece {
        const struct ingot_caibx_chunk *chunk;
        char *place;
        struct ingot_buffer stored;
        int r; /* < 0: it could not be had, because: */
        ingot_error why;
};

/* One fetch. */
struct send {
        struct store *store;
        const struct ingot_range *ranges;
        size_t count, range; /* range: the first that is not done */
        uint64_t at;         /* how far that one has come */
        struct piece *pieces;
        size_t piece_count;
        ingot_got_fn got;
        void *context;
        int r; /* the first error of a chunk, which the others do not suffer from */
        ingot_error why;
};

static bool is_url(const char *place)
{
        return ingot_starts_with(place, "http://") || ingot_starts_with(place, "https://");
}

static int place_of(const char *folder, const char *name, char **ret, ingot_error *reterr)
{
        if (is_url(folder))
                return ingot_source_url(folder, name, ret, reterr);
        return ingot_format(ret, reterr, "%s/%s", folder, name);
}

/* The index of FILE, unless it is that of the last fetch. */
static int load_index(struct store *s, const char *file, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL, *place = NULL, *copy = NULL;
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t size = 0;
        if (s->file && strcmp(s->file, file) == 0)
                return 0;
        ingot_caibx_done(&s->index);
        free(TAKE_PTR(s->file));
        int r = ingot_format(&name, reterr, "%s.caibx", file);
        if (r >= 0)
                r = place_of(s->indexes, name, &place, reterr);
        if (r >= 0)
                r = ingot_strdup(&copy, file, reterr);
        if (r >= 0 && is_url(place))
                r = ingot_http_get(place, &s->options, INGOT_CAIBX_SIZE_MAX, &bytes, &size, reterr);
        else if (r >= 0)
                r = ingot_file_read(AT_FDCWD, place, INGOT_CAIBX_SIZE_MAX, &bytes, &size, reterr);
        if (r >= 0)
                r = ingot_under(reterr,
                                ingot_caibx_decode(INGOT_SPAN(bytes, size), &s->index, reterr),
                                "%s", place);
        if (r >= 0)
                s->file = TAKE_PTR(copy);
        return r;
}

static int receive(void *context, const void *data, size_t size, ingot_error *reterr)
{
        struct piece *p = context;
        if (size <= ingot_caibx_stored_max((size_t) p->chunk->size) - p->stored.size)
                return ingot_buffer_append(&p->stored, data, size, reterr);
        p->r = ingot_fail(&p->why, INGOT_E_FORMAT, "a chunk of %" PRIu64 " bytes does not end",
                          p->chunk->size);
        return 1;
}

/* A chunk that is not there does not keep the others from being had; a server that is not does. */
static int finish(struct ingot_http_job *job, int r, const ingot_error *why, ingot_error *reterr)
{
        struct piece *p = job->context;
        if (r == -INGOT_E_SYSTEM && reterr)
                *reterr = *why;
        if (r == -INGOT_E_SYSTEM)
                return r;
        if (r < 0) {
                p->r = r;
                p->why = *why;
        }
        return 0;
}

static int load_by_http(struct send *s, ingot_error *reterr)
{
        _cleanup_free_ struct ingot_http_job *jobs = calloc(s->piece_count + 1, sizeof(*jobs));
        if (!jobs)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < s->piece_count; i++)
                jobs[i] = (struct ingot_http_job){.url = s->pieces[i].place,
                                                  .write = receive,
                                                  .finish = finish,
                                                  .context = &s->pieces[i]};
        return ingot_http_run(&s->store->options, jobs, s->piece_count, reterr);
}

static void load_from_folder(struct piece *p)
{
        size_t size;
        p->r = ingot_file_read(AT_FDCWD, p->place, ingot_caibx_stored_max((size_t) p->chunk->size),
                               &p->stored.data, &size, &p->why);
        if (p->r >= 0)
                p->stored.size = size;
}

static int expand(const struct send *s, struct piece *p, uint8_t *data, ingot_error *reterr)
{
        const char *algorithm =
                s->store->index.digest == INGOT_CAIBX_SHA256 ? "SHA256" : "SHA512-256";
        uint8_t digest[INGOT_EVP_DIGEST_MAX];
        size_t size, n = (size_t) p->chunk->size;
        if (p->r < 0) {
                *reterr = p->why;
                return p->r;
        }
        int r = ingot_caibx_expand(ingot_buffer_span(&p->stored), data, n, reterr);
        if (r >= 0)
                r = ingot_evp_digest(INGOT_SPAN(data, n), algorithm, digest, &size, reterr);
        if (r >= 0 && memcmp(digest, p->chunk->id, INGOT_CAIBX_ID_SIZE) != 0)
                r = ingot_fail(reterr, INGOT_E_REFUSED, "the chunk is not what its name says");
        return ingot_under(reterr, r, "%s", p->place);
}

/* Ends the range that is at hand, whole or not. */
static void next_range(struct send *s)
{
        s->range++;
        s->at = s->range < s->count ? s->ranges[s->range].offset : UINT64_MAX;
}

/* Hands on what of a chunk is wanted. DATA is NULL when it could not be had: then the ranges that
 * it is part of end here. */
static int hand_on(struct send *s, const struct ingot_caibx_chunk *c, const uint8_t *data,
                   ingot_error *reterr)
{
        uint64_t end = c->offset + c->size;
        while (s->at < end) {
                const struct ingot_range *range = s->ranges + s->range;
                uint64_t range_end = range->offset + range->size;
                size_t n = (size_t) (ingot_min_u64(range_end, end) - s->at);
                int r = 1;
                if (data)
                        r = s->got(s->context, s->range, s->at, data + (s->at - c->offset), n,
                                   reterr);
                if (r < 0)
                        return r;
                s->at += n;
                if (r > 0 || s->at == range_end)
                        next_range(s);
        }
        return 0;
}

static int hand_on_all(struct send *s, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < s->piece_count && r >= 0; i++) {
                struct piece *p = &s->pieces[i];
                _cleanup_free_ uint8_t *data = malloc((size_t) p->chunk->size);
                ingot_error why = {0};
                if (!data)
                        return ingot_fail_nomem(reterr);
                int e = expand(s, p, data, &why);
                if (e < 0 && s->r >= 0) {
                        s->r = e;
                        s->why = why;
                }
                r = hand_on(s, p->chunk, e < 0 ? NULL : data, reterr);
        }
        return r;
}

/* The next chunks that hold something wanted, from chunk *NEXT on. */
static int choose(struct send *s, size_t *next, ingot_error *reterr)
{
        const struct ingot_caibx *index = &s->store->index;
        size_t range = s->range;
        uint64_t sum = 0, at = s->at;
        s->piece_count = 0;
        while (range < s->count && s->piece_count < BATCH_COUNT && sum < BATCH_SIZE) {
                size_t i = ingot_caibx_find(index, at);
                char id[2 * INGOT_CAIBX_ID_SIZE + 1];
                _cleanup_free_ char *name = NULL;
                struct piece *p = &s->pieces[s->piece_count];
                if (i >= *next) {
                        *p = (struct piece){.chunk = index->chunks + i};
                        ingot_hex(id, p->chunk->id, INGOT_CAIBX_ID_SIZE);
                        int r = ingot_format(&name, reterr, "%.4s/%s.cacnk", id, id);
                        if (r >= 0)
                                r = place_of(s->store->chunks, name, &p->place, reterr);
                        if (r < 0)
                                return r;
                        s->piece_count++;
                        sum += p->chunk->size;
                        *next = i + 1;
                }
                at = index->chunks[i].offset + index->chunks[i].size;
                while (range < s->count && at >= s->ranges[range].offset + s->ranges[range].size)
                        range++;
                if (range < s->count && at < s->ranges[range].offset)
                        at = s->ranges[range].offset;
        }
        return 0;
}

static int send_batch(struct send *s, size_t *next, ingot_error *reterr)
{
        int r = choose(s, next, reterr);
        if (r >= 0 && is_url(s->store->chunks))
                r = load_by_http(s, reterr);
        else
                for (size_t i = 0; i < s->piece_count && r >= 0; i++)
                        load_from_folder(&s->pieces[i]);
        if (r >= 0)
                r = hand_on_all(s, reterr);
        for (size_t i = 0; i < s->piece_count; i++) {
                ingot_buffer_done(&s->pieces[i].stored);
                free(s->pieces[i].place);
        }
        return r;
}

static int fetch(void *context, const char *file, uint64_t file_size,
                 const struct ingot_range *ranges, size_t count, ingot_got_fn got,
                 void *got_context, ingot_error *reterr)
{
        struct store *store = context;
        _cleanup_free_ struct piece *pieces = calloc(BATCH_COUNT, sizeof(*pieces));
        size_t next = 0;
        int r = ingot_source_check_name(file, reterr);
        if (r >= 0)
                r = load_index(store, file, reterr);
        if (r < 0)
                return r;
        if (!pieces)
                return ingot_fail_nomem(reterr);
        if (store->index.size != file_size)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "its index is of %" PRIu64 " bytes, the release says %" PRIu64,
                                  store->index.size, file_size);
        struct send s = {.store = store,
                         .ranges = ranges,
                         .count = count,
                         .pieces = pieces,
                         .got = got,
                         .context = got_context};
        s.at = count > 0 ? ranges[0].offset : UINT64_MAX;
        while (r >= 0 && s.range < s.count)
                r = send_batch(&s, &next, reterr);
        if (r >= 0 && s.r < 0) {
                if (reterr)
                        *reterr = s.why;
                r = s.r;
        }
        return r;
}

static void close_store(void *context)
{
        struct store *s = context;
        free(s->name);
        free(s->chunks);
        free(s->indexes);
        free(s->file);
        ingot_caibx_done(&s->index);
        free(s);
}

INGOT_DEFINE_CLEANUP(void, close_store);

/* STORE[,INDEXES]; the indexes lie beside the store where nothing else is said. */
static int split(struct store *s, const char *where, ingot_error *reterr)
{
        const char *comma = strrchr(where, ',');
        size_t size = comma ? (size_t) (comma - where) : strlen(where);
        while (size > 1 && where[size - 1] == '/')
                size--;
        int r = ingot_format(&s->chunks, reterr, "%.*s", (int) size, where);
        if (r >= 0 && comma)
                return ingot_strdup(&s->indexes, comma + 1, reterr);
        const char *slash = r >= 0 ? strrchr(s->chunks, '/') : NULL;
        if (slash == s->chunks)
                return ingot_strdup(&s->indexes, "/", reterr);
        if (r >= 0)
                r = ingot_format(&s->indexes, reterr, "%.*s", slash ? (int) (slash - s->chunks) : 1,
                                 slash ? s->chunks : ".");
        return r;
}

int ingot_source_open_casync(const char *where, const struct ingot_source_options *options,
                             struct ingot_source *ret, ingot_error *reterr)
{
        struct store *s = calloc(1, sizeof(*s));
        if (!s)
                return ingot_fail_nomem(reterr);
        _cleanup_(close_store_p) void *owner = s;
        int r = ingot_format(&s->name, reterr, "casync:%s", where);
        if (r >= 0)
                r = split(s, where, reterr);
        if (r < 0)
                return r;
        if (!s->chunks[0] || !s->indexes[0])
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "casync:%s: give it as casync:STORE or casync:STORE,INDEXES",
                                  where);
        if (options)
                s->options = options->http;
        owner = NULL;
        *ret = (struct ingot_source){
                .name = s->name, .fetch = fetch, .close = close_store, .context = s};
        return 0;
}
