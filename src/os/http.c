/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Downloads with libcurl's multi interface. A job that breaks off is asked for again from the byte
 * where it broke; a server that does not know ranges costs the bytes again, but the caller still
 * sees each once.
 */
#include "os/http.h"
#include "base/buffer.h"
#include "base/cleanup.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PROGRESS_THAT_COUNTS 65536 /* bytes after which a broken try does not count as one */
#define BACKOFF_DOUBLINGS 4
#define REDIRECTS_MAX 10
#define HEADERS_MAX 262144    /* bytes of headers in one try, redirects included */
#define ERROR_PAGE_MAX 65536  /* bytes of an error's page that are read, to keep the connection */
#define STREAMS_FACTOR 4      /* with HTTP/2: transfers for each one of `parallel` */
#define LIMITED_BUFFER 16384L /* what arrives at a time with a bandwidth limit */

enum state { STATE_WAITING, STATE_RUNNING, STATE_DONE };

struct transfer {
        struct run *run;
        struct ingot_http_job *job;
        CURL *easy; /* while running */
        enum state state;
        bool started;       /* the job's start was called */
        bool checked;       /* the head of this try's answer was looked at */
        bool enough;        /* all that was wanted is there: this end is no failure */
        bool paused;        /* the bandwidth is used up */
        int refused;        /* < 0: this answer is none, with its error: */
        ingot_error why;
        uint64_t delivered; /* bytes that the job has got */
        uint64_t at_start;  /* the same when this try began */
        uint64_t skip;      /* bytes of this answer to be dropped: the server sends from 0 */
        uint64_t dropped;   /* bytes of an error's page */
        uint64_t headers;   /* bytes of headers in this try */
        unsigned failures;
        uint64_t not_before; /* milliseconds */
};

struct run {
        struct ingot_http_options options;
        CURLM *multi;
        struct transfer *transfers;
        size_t count, first; /* all before FIRST are done */
        unsigned running, paused;
        bool streams;   /* a server speaks HTTP/2 */
        int64_t budget; /* with a bandwidth: bytes that may be received now */
        uint64_t budget_at;
        int r; /* what ends the run, with its error */
        ingot_error error;
};

static void init_curl(void)
{
        curl_global_init(CURL_GLOBAL_DEFAULT);
}

static uint64_t now_ms(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

/* The value of a header of the answer, or NULL. */
static const char *header_of(CURL *easy, const char *name)
{
        struct curl_header *header;
        bool there = curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK;
        return there ? header->value : NULL;
}

/* An answer to a request for a range: does it begin where it should? */
static bool range_begins_at(CURL *easy, uint64_t want)
{
        const char *value = header_of(easy, "Content-Range");
        uint64_t got;
        return value && sscanf(value, "bytes %" SCNu64 "-", &got) == 1 && got == want;
}

/* Is the head of an answer what a job with a file_size must have? */
static int check_head(const struct transfer *t, long status, uint64_t from, ingot_error *why)
{
        const struct ingot_http_job *job = t->job;
        const char *range = header_of(t->easy, "Content-Range"),
                   *encoding = header_of(t->easy, "Content-Encoding");
        uint64_t first, last, size, end = job->length ? job->offset + job->length : job->file_size;
        curl_off_t length = -1;
        if (encoding && strcmp(encoding, "identity") != 0)
                return ingot_fail(why, INGOT_E_FORMAT, "%s: the server sends it encoded as %s",
                                  job->url, encoding);
        if (status == 200) {
                curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
                if (from > 0 || end < job->file_size)
                        return ingot_fail(why, INGOT_E_UNSUPPORTED,
                                          "%s: the server ignores a request for a range", job->url);
                size = length < 0 ? job->file_size : (uint64_t) length;
        } else {
                if (!range || sscanf(range, "bytes %" SCNu64 "-%" SCNu64, &first, &last) != 2 ||
                    first != from || last != end - 1)
                        return ingot_fail(why, INGOT_E_FORMAT,
                                          "%s: the server sends another part ('%s') than bytes "
                                          "%" PRIu64 "-%" PRIu64,
                                          job->url, range ? range : "", from, end - 1);
                range = strchr(range, '/');
                size = job->file_size;
                if (range && strcmp(range, "/*") != 0 && sscanf(range, "/%" SCNu64, &size) != 1)
                        size = 0;
        }
        if (size != job->file_size)
                return ingot_fail(why, INGOT_E_FORMAT,
                                  "%s has %" PRIu64 " bytes there, not %" PRIu64, job->url, size,
                                  job->file_size);
        return 0;
}

/* Looks at the head of an answer once: is its body what was asked for, and what of it to skip? */
static bool body_wanted(struct transfer *t)
{
        long status = 0;
        uint64_t from = t->job->offset + t->delivered;
        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        if (t->checked)
                return status == 0 || status == 200 || status == 206;
        t->checked = true;
        t->skip = status == 200 ? from : 0;
        if (t->job->file_size > 0 && (status == 200 || status == 206))
                t->refused = check_head(t, status, from, &t->why);
        return status == 0 || status == 200 || (status == 206 && range_begins_at(t->easy, from));
}

/* Hands on what is wanted of DATA. */
static size_t deliver(struct transfer *t, const char *data, size_t size)
{
        size_t n = size;
        if (t->enough)
                return CURL_WRITEFUNC_ERROR; /* more than was asked for */
        if (t->skip >= n) {
                t->skip -= n;
                return size;
        }
        data += t->skip;
        n -= (size_t) t->skip;
        t->skip = 0;
        if (t->job->length > 0 && n >= t->job->length - t->delivered) {
                t->enough = true;
                size = n > t->job->length - t->delivered ? CURL_WRITEFUNC_ERROR : size;
                n = (size_t) (t->job->length - t->delivered);
        }
        int r = n > 0 ? t->job->write(t->job->context, data, n, &t->run->error) : 0;
        if (r < 0)
                t->run->r = r;
        else
                t->delivered += n;
        t->enough = t->enough || r > 0;
        return r != 0 ? CURL_WRITEFUNC_ERROR : size;
}

static size_t receive(char *data, size_t unit, size_t count, void *context)
{
        struct transfer *t = context;
        size_t size = unit * count;
        if (t->run->options.bandwidth > 0 && t->run->budget <= 0) {
                t->run->paused += !t->paused;
                t->paused = true;
                return CURL_WRITEFUNC_PAUSE;
        }
        t->run->budget -= (int64_t) size;
        bool wanted = body_wanted(t);
        if (t->refused < 0)
                return CURL_WRITEFUNC_ERROR;
        if (wanted)
                return deliver(t, data, size);
        t->dropped += size;
        return t->dropped > ERROR_PAGE_MAX ? CURL_WRITEFUNC_ERROR : size;
}

static size_t receive_header(char *data, size_t unit, size_t count, void *context)
{
        struct transfer *t = context;
        size_t size = unit * count;
        (void) data;
        t->headers += size;
        t->run->budget -= (int64_t) size;
        if (t->headers <= HEADERS_MAX)
                return size;
        t->refused = ingot_fail(&t->why, INGOT_E_LIMIT, "%s: the server's headers do not end",
                                t->job->url);
        return CURL_WRITEFUNC_ERROR;
}

static void set_options(struct transfer *t, const char *protocols)
{
        const struct ingot_http_options *o = &t->run->options;
        CURL *e = t->easy;
        curl_easy_setopt(e, CURLOPT_URL, t->job->url);
        curl_easy_setopt(e, CURLOPT_PRIVATE, t);
        curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, receive);
        curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
        curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, receive_header);
        curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
        curl_easy_setopt(e, CURLOPT_PIPEWAIT, 1L);
        curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, protocols);
        curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long) REDIRECTS_MAX);
        curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(e, CURLOPT_USERAGENT, "ingot/" INGOT_VERSION);
        curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, (long) o->timeout);
        curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long) o->speed);
        curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long) o->timeout);
        curl_easy_setopt(e, CURLOPT_BUFFERSIZE, o->bandwidth > 0 ? LIMITED_BUFFER : 262144L);
}

static int begin(struct transfer *t, ingot_error *reterr)
{
        char range[64];
        uint64_t from = t->job->offset + t->delivered;
        if (!t->easy)
                t->easy = curl_easy_init();
        if (!t->easy)
                return ingot_fail_nomem(reterr);
        set_options(t, "http,https,file");
        if (from > 0 || t->job->length > 0) {
                snprintf(range, sizeof(range), "%" PRIu64 "-", from);
                if (t->job->length > 0)
                        snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64, from,
                                 t->job->offset + t->job->length - 1);
                curl_easy_setopt(t->easy, CURLOPT_RANGE, range);
        }
        t->checked = t->enough = t->paused = false;
        t->skip = t->dropped = t->headers = 0;
        t->refused = 0;
        t->at_start = t->delivered;
        if (curl_multi_add_handle(t->run->multi, t->easy) != CURLM_OK)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "start a download");
        t->state = STATE_RUNNING;
        t->run->running++;
        return 0;
}

/* Starts the job for the first time; a job with nothing to do is done. */
static int start(struct transfer *t, ingot_error *reterr)
{
        t->started = true;
        int r = t->job->start ? t->job->start(t->job, reterr) : 0;
        if (r > 0)
                t->state = STATE_DONE;
        return r < 0 ? r : 0;
}

static void count_bytes(const struct transfer *t)
{
        struct ingot_http_figures *f = t->run->options.figures;
        long sent = 0, headers = 0, redirects = 0;
        curl_off_t body = 0;
        curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
        curl_easy_getinfo(t->easy, CURLINFO_HEADER_SIZE, &headers);
        curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_COUNT, &redirects);
        curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &body);
        if (!f || sent <= 0)
                return;
        f->requests += 1 + (uint64_t) redirects;
        f->sent += (uint64_t) sent;
        f->received += (uint64_t) headers + (uint64_t) body;
}

static void release(struct transfer *t)
{
        long version = 0;
        curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
        t->run->streams = t->run->streams || version >= CURL_HTTP_VERSION_2_0;
        t->run->paused -= t->paused;
        t->paused = false;
        count_bytes(t);
        curl_multi_remove_handle(t->run->multi, t->easy);
        curl_easy_cleanup(t->easy);
        t->easy = NULL;
        t->run->running--;
}

/* Is it worth asking again? */
static bool transient(CURLcode code, long status)
{
        if (status >= 400)
                return status == 408 || status == 429 || status >= 500;
        switch (code) {
        case CURLE_OK:
                return false;
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_URL_MALFORMAT:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_FILE_COULDNT_READ_FILE:
        case CURLE_TOO_MANY_REDIRECTS:
        case CURLE_OUT_OF_MEMORY:
                return false;
        default:
                return true;
        }
}

/* What the end of a try means: 0 all is there, or an error. */
static int judge(const struct transfer *t, CURLcode code, long status, ingot_error *why)
{
        const char *url = t->job->url;
        if (t->enough)
                return 0;
        if (t->refused < 0) {
                *why = t->why;
                return t->refused;
        }
        if (code == CURLE_FILE_COULDNT_READ_FILE || status == 404 || status == 410)
                return ingot_fail(why, INGOT_E_NOTFOUND, "there is no %s", url);
        if (status == 416 || code == CURLE_BAD_DOWNLOAD_RESUME)
                return ingot_fail(why, INGOT_E_FORMAT, "%s ends before byte %" PRIu64, url,
                                  t->job->offset + t->delivered);
        if (status >= 400 || (code == CURLE_OK && status != 0 && status != 200 && status != 206))
                return ingot_fail(why, INGOT_E_SYSTEM, "download %s: the server answers %ld", url,
                                  status);
        if (code != CURLE_OK)
                return ingot_fail(why, INGOT_E_SYSTEM, "download %s: %s", url,
                                  curl_easy_strerror(code));
        if (status == 206 && t->checked && !range_begins_at(t->easy, t->job->offset + t->at_start))
                return ingot_fail(why, INGOT_E_SYSTEM, "download %s: the server sends another part",
                                  url);
        if (t->job->length > 0)
                return ingot_fail(why, INGOT_E_FORMAT, "%s has %" PRIu64 " bytes, not %" PRIu64,
                                  url, t->job->offset + t->delivered,
                                  t->job->offset + t->job->length);
        return 0;
}

/* ASKED: seconds that the server wants to be left alone, 0 where it does not say. */
static void wait_and_retry(struct transfer *t, uint64_t asked)
{
        const struct ingot_http_options *o = &t->run->options;
        unsigned doublings = t->failures - 1;
        if (doublings > BACKOFF_DOUBLINGS)
                doublings = BACKOFF_DOUBLINGS;
        uint64_t wait = (uint64_t) o->wait << doublings;
        asked = 1000 * (asked < o->timeout ? asked : o->timeout);
        t->not_before = now_ms() + (asked > wait ? asked : wait);
        t->state = STATE_WAITING;
}

static int conclude(struct transfer *t, int r, const ingot_error *why, ingot_error *reterr)
{
        t->state = STATE_DONE;
        if (!t->job->finish) {
                if (r < 0 && reterr)
                        *reterr = *why;
                return r;
        }
        r = t->job->finish(t->job, r, why, reterr);
        if (r > 0) {
                t->state = STATE_WAITING;
                t->delivered = t->not_before = t->failures = 0;
        }
        return r < 0 ? r : 0;
}

static int ended(struct transfer *t, CURLcode code, ingot_error *reterr)
{
        ingot_error why = {0};
        long status = 0;
        curl_off_t asked = 0;
        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &asked);
        int r = judge(t, code, status, &why);
        bool again = r == -INGOT_E_SYSTEM && transient(code, status);
        release(t);
        if (t->delivered - t->at_start >= PROGRESS_THAT_COUNTS)
                t->failures = 0;
        if (again && ++t->failures < t->run->options.tries) {
                wait_and_retry(t, asked > 0 ? (uint64_t) asked : 0);
                return 0;
        }
        if (again)
                ingot_under(&why, r, "after %u tries", t->failures);
        return conclude(t, r, &why, reterr);
}

static int take_messages(struct run *run, ingot_error *reterr)
{
        int left, r = 0;
        for (CURLMsg *m; r >= 0 && (m = curl_multi_info_read(run->multi, &left));) {
                struct transfer *t = NULL;
                if (m->msg != CURLMSG_DONE)
                        continue;
                curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **) &t);
                if (run->r < 0) {
                        if (reterr)
                                *reterr = run->error;
                        return run->r;
                }
                r = ended(t, m->data.result, reterr);
        }
        return r;
}

/* Adds what the bandwidth gave since the last time; at most a quarter of a second's. */
static void refill(struct run *run)
{
        uint64_t now = now_ms(), passed = now - run->budget_at;
        int64_t most = (int64_t) (run->options.bandwidth / 4) + 1;
        if (run->options.bandwidth == 0)
                return;
        passed = passed < 60000 ? passed : 60000;
        int64_t gained = (int64_t) (run->options.bandwidth * passed / 1000);
        if (gained == 0)
                return;
        run->budget_at = now;
        run->budget = run->budget + gained < most ? run->budget + gained : most;
}

/* Lets paused transfers go on as long as there is bandwidth. */
static int go_on(struct run *run, ingot_error *reterr)
{
        for (size_t i = run->first; run->paused > 0 && run->budget > 0 && i < run->count; i++) {
                struct transfer *t = &run->transfers[i];
                if (!t->paused)
                        continue;
                t->paused = false;
                run->paused--;
                CURLcode code = curl_easy_pause(t->easy, CURLPAUSE_CONT);
                if (run->r < 0 && reterr)
                        *reterr = run->error;
                int r = run->r < 0 || code == CURLE_OK ? run->r : ended(t, code, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool has_room(const struct run *run)
{
        unsigned most = run->options.parallel * (run->streams ? STREAMS_FACTOR : 1);
        return run->running < most && (run->options.bandwidth == 0 || run->budget > 0);
}

/* Begins what may begin. *RET_WAIT: milliseconds until the next try is due, -1 when none waits. */
static int begin_due(struct run *run, int *ret_wait, ingot_error *reterr)
{
        uint64_t now = now_ms(), wait = UINT64_MAX;
        int r = 0;
        while (run->first < run->count && run->transfers[run->first].state == STATE_DONE)
                run->first++;
        for (size_t i = run->first; r >= 0 && i < run->count && has_room(run); i++) {
                struct transfer *t = &run->transfers[i];
                if (t->state != STATE_WAITING)
                        continue;
                if (t->not_before > now) {
                        wait = t->not_before - now < wait ? t->not_before - now : wait;
                        continue;
                }
                if (!t->started)
                        r = start(t, reterr);
                if (r >= 0 && t->state == STATE_WAITING)
                        r = begin(t, reterr);
        }
        *ret_wait = wait < INT_MAX ? (int) wait : -1;
        return r;
}

/* WAIT, or less where the bandwidth will have given something before. */
static int wait_for_budget(const struct run *run, int wait)
{
        if (run->options.bandwidth == 0 || run->budget > 0)
                return wait;
        uint64_t due = (uint64_t) (1 - run->budget) * 1000 / run->options.bandwidth + 1;
        return due < (uint64_t) (wait >= 0 ? wait : 1000) ? (int) due : wait;
}

static int loop(struct run *run, ingot_error *reterr)
{
        for (;;) {
                int wait, active;
                refill(run);
                int r = go_on(run, reterr);
                if (r >= 0)
                        r = begin_due(run, &wait, reterr);
                if (r < 0)
                        return r;
                if (run->first == run->count)
                        return 0;
                if (curl_multi_perform(run->multi, &active) != CURLM_OK)
                        return ingot_fail(reterr, INGOT_E_INTERNAL, "run the downloads");
                r = take_messages(run, reterr);
                if (r < 0)
                        return r;
                wait = wait_for_budget(run, wait);
                if (active > 0 || (run->running == 0 && wait > 0))
                        curl_multi_poll(run->multi, NULL, 0, wait >= 0 ? wait : 1000, NULL);
        }
}

static void fill_defaults(struct ingot_http_options *o)
{
        o->parallel = o->parallel ? o->parallel : 8;
        o->tries = o->tries ? o->tries : 5;
        o->wait = o->wait ? o->wait : 250;
        o->timeout = o->timeout ? o->timeout : 30;
        o->speed = o->speed ? o->speed : 1024;
        /* A limit of ours is no slowness of theirs. */
        uint64_t share = o->bandwidth / o->parallel / 4 + 1;
        if (o->bandwidth > 0 && share < o->speed)
                o->speed = (unsigned) share;
}

struct ingot_http_connections {
        CURLM *multi;
};

static void init_once(void)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, init_curl);
}

int ingot_http_connections_new(struct ingot_http_connections **ret, ingot_error *reterr)
{
        init_once();
        struct ingot_http_connections *c = malloc(sizeof(*c));
        CURLM *multi = c ? curl_multi_init() : NULL;
        if (!multi) {
                free(c);
                return ingot_fail_nomem(reterr);
        }
        c->multi = multi;
        *ret = c;
        return 0;
}

void ingot_http_connections_free(struct ingot_http_connections *c)
{
        if (!c)
                return;
        curl_multi_cleanup(c->multi);
        free(c);
}

int ingot_http_run(const struct ingot_http_options *options, struct ingot_http_job *jobs,
                   size_t count, ingot_error *reterr)
{
        init_once();
        struct run run = {.count = count, .budget_at = now_ms()};
        if (options)
                run.options = *options;
        fill_defaults(&run.options);
        _cleanup_free_ struct transfer *transfers = calloc(count + 1, sizeof(*transfers));
        run.transfers = transfers;
        CURLM *own = run.options.connections ? NULL : curl_multi_init();
        run.multi = own ? own : run.options.connections ? run.options.connections->multi : NULL;
        if (!transfers || !run.multi) {
                curl_multi_cleanup(own);
                return ingot_fail_nomem(reterr);
        }
        for (size_t i = 0; i < count; i++)
                transfers[i] = (struct transfer){.run = &run, .job = &jobs[i]};
        int r = loop(&run, reterr);
        for (size_t i = 0; i < count; i++)
                if (transfers[i].easy)
                        release(&transfers[i]);
        curl_multi_cleanup(own);
        return r;
}

struct whole {
        struct ingot_buffer buffer;
        size_t max;
};

static int append(void *context, const void *data, size_t size, ingot_error *reterr)
{
        struct whole *w = context;
        if (size > w->max - w->buffer.size)
                return ingot_fail(reterr, INGOT_E_LIMIT, "the answer has more than %zu bytes",
                                  w->max);
        return ingot_buffer_append(&w->buffer, data, size, reterr);
}

int ingot_http_get(const char *url, const struct ingot_http_options *options, size_t max,
                   uint8_t **ret, size_t *ret_size, ingot_error *reterr)
{
        struct whole w = {.max = max};
        struct ingot_http_job job = {.url = url, .write = append, .context = &w};
        int r = ingot_http_run(options, &job, 1, reterr);
        if (r == -INGOT_E_LIMIT)
                ingot_under(reterr, r, "%s", url);
        if (r >= 0)
                r = ingot_buffer_append(&w.buffer, "", 1, reterr);
        if (r < 0) {
                ingot_buffer_done(&w.buffer);
                return r;
        }
        *ret_size = w.buffer.size - 1;
        *ret = ingot_buffer_take(&w.buffer);
        return 0;
}
