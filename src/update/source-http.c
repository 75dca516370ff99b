/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A folder on a web server. Each range is a request; how many at a time, and what is tried again,
 * is os/http's. Where a server answers one with the whole file, ranges are of no use: then the file
 * is read once from its begin, and what is wanted is cut out of it.
 */
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"
#include "update/source-kind.h"

#include <inttypes.h>
#include <stdlib.h>

struct http {
        char *url;
        struct ingot_http_options options;
        struct ingot_http_connections *connections; /* its own */
        const struct ingot_log *log;
        bool no_ranges; /* this server ignores them */
};

struct request {
        struct get *get;
        size_t index;
        struct ingot_range range; /* what is still to come */
        bool unwanted;            /* GOT wants no more of it */
};

/* One fetch. */
struct get {
        struct http *http;
        char *url;
        struct request *requests;
        size_t count, next; /* next: in a pass over the whole file */
        uint64_t at;        /* the same: the offset of the next byte */
        ingot_got_fn got;
        void *context;
};

static int hand_on(struct request *q, const void *data, size_t size, ingot_error *reterr)
{
        struct get *g = q->get;
        int r = q->unwanted ? 1 : g->got(g->context, q->index, q->range.offset, data, size, reterr);
        if (r < 0)
                return r;
        q->unwanted = r > 0;
        q->range.offset += size;
        q->range.size -= size;
        return r;
}

static int receive(void *context, const void *data, size_t size, ingot_error *reterr)
{
        return hand_on(context, data, size, reterr);
}

static int finish(struct ingot_http_job *job, int r, const ingot_error *why, ingot_error *reterr)
{
        (void) job;
        if (r < 0 && reterr)
                *reterr = *why;
        return r;
}

static int get_ranges(struct get *g, uint64_t file_size, ingot_error *reterr)
{
        _cleanup_free_ struct ingot_http_job *jobs = calloc(g->count + 1, sizeof(*jobs));
        size_t n = 0;
        if (!jobs)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < g->count; i++) {
                struct request *q = g->requests + i;
                jobs[n++] = (struct ingot_http_job){.url = g->url,
                                                    .offset = q->range.offset,
                                                    .length = q->range.size,
                                                    .file_size = file_size,
                                                    .write = receive,
                                                    .finish = finish,
                                                    .context = q};
        }
        return ingot_http_run(&g->http->options, jobs, n, reterr);
}

/* Bytes of the whole file, in order; > 0: all that is wanted was there. */
static int pick(void *context, const void *data, size_t size, ingot_error *reterr)
{
        struct get *g = context;
        const uint8_t *p = data;
        uint64_t end = g->at + size;
        while (g->next < g->count) {
                struct request *q = g->requests + g->next;
                if (q->range.size > 0 && !q->unwanted) {
                        if (q->range.offset >= end)
                                break;
                        size_t n = (size_t) ingot_min_u64(q->range.size, end - q->range.offset);
                        int r = hand_on(q, p + (q->range.offset - g->at), n, reterr);
                        if (r < 0)
                                return r;
                        if (r == 0 && q->range.size > 0)
                                break;
                }
                g->next++;
        }
        g->at = end;
        return g->next == g->count;
}

static int get_once_through(struct get *g, ingot_error *reterr)
{
        struct ingot_http_job job = {.url = g->url, .write = pick, .context = g};
        for (size_t i = 0; i < g->count; i++)
                if (g->requests[i].range.size > 0 && !g->requests[i].unwanted)
                        job.length = g->requests[i].range.offset + g->requests[i].range.size;
        return job.length > 0 ? ingot_http_run(&g->http->options, &job, 1, reterr) : 0;
}

static int fetch(void *context, const char *file, uint64_t file_size,
                 const struct ingot_range *ranges, size_t count, ingot_got_fn got,
                 void *got_context, ingot_error *reterr)
{
        struct http *h = context;
        _cleanup_free_ char *url = NULL;
        _cleanup_free_ struct request *requests = calloc(count + 1, sizeof(*requests));
        ingot_error why = {0};
        int r = ingot_source_check_name(file, reterr);
        if (r >= 0)
                r = ingot_source_url(h->url, file, &url, reterr);
        if (r < 0)
                return r;
        if (!requests)
                return ingot_fail_nomem(reterr);
        struct get g = {.http = h,
                        .url = url,
                        .requests = requests,
                        .count = count,
                        .got = got,
                        .context = got_context};
        for (size_t i = 0; i < count; i++)
                requests[i] = (struct request){.get = &g, .index = i, .range = ranges[i]};
        r = h->no_ranges ? -INGOT_E_UNSUPPORTED : get_ranges(&g, file_size, &why);
        if (r == -INGOT_E_UNSUPPORTED) {
                if (!h->no_ranges)
                        ingot_warn(h->log, "%s; reading whole files instead", why.text);
                h->no_ranges = true;
                return get_once_through(&g, reterr);
        }
        if (r < 0 && reterr)
                *reterr = why;
        return r;
}

static void close_http(void *context)
{
        struct http *h = context;
        ingot_http_connections_free(h->connections);
        free(h->url);
        free(h);
}

int ingot_source_open_http(const char *url, const struct ingot_source_options *options,
                           struct ingot_source *ret, ingot_error *reterr)
{
        struct http *h = calloc(1, sizeof(*h));
        if (!h)
                return ingot_fail_nomem(reterr);
        if (options) {
                h->options = options->http;
                h->log = options->log;
        }
        int r = ingot_strdup(&h->url, url, reterr);
        if (r >= 0 && !h->options.connections) {
                r = ingot_http_connections_new(&h->connections, reterr);
                h->options.connections = h->connections;
        }
        if (r < 0) {
                close_http(h);
                return r;
        }
        *ret = (struct ingot_source){
                .name = h->url, .fetch = fetch, .close = close_http, .context = h};
        return 0;
}
