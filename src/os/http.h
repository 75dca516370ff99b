/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Downloads by http, https and file URLs (libcurl multi): several at a time, each continued where
 * it broke off, retried with back-off a bounded number of times (a server's Retry-After is waited
 * for, but no longer than the time-out). A connection with HTTP/2 carries many at once. http_proxy
 * and no_proxy are honoured. One thread: all callbacks come in the caller's.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ingot_http_job {
        const char *url;
        uint64_t offset; /* first byte wanted */
        uint64_t length; /* bytes wanted; 0: to the end */
        /* Bytes of the whole file where its release says so, else 0. Where it is set an answer must
         * be just what was asked for: UNSUPPORTED when the server ignores the range, FORMAT when it
         * sends another part, a file of another size, or an encoding of it. */
        uint64_t file_size;
        /* Called once before the job begins, in order of the jobs; may set offset and length, and
         * open what write needs. > 0: nothing to do. May be NULL. */
        int (*start)(struct ingot_http_job *job, ingot_error *reterr);
        /* Gets every wanted byte once and in order, whatever retries happen. A failure of it ends
         * the whole run with its error. > 0: no more of this job is wanted, it ends well. */
        int (*write)(void *context, const void *data, size_t size, ingot_error *reterr);
        /* The job's end: R is 0, or its error is *why (NOTFOUND: no such file; FORMAT: shorter than
         * offset and length say; LIMIT: endless headers; SYSTEM: could not be had; and what
         * file_size says). < 0 ends the run; > 0 says that url or
         * offset were changed and the job is to run again; 0 goes on with the others. NULL: every
         * error ends the run. */
        int (*finish)(struct ingot_http_job *job, int r, const ingot_error *why,
                      ingot_error *reterr);
        void *context;
};

/* What went over the wire by HTTP, headers included; TLS and TCP are not counted. */
struct ingot_http_figures {
        uint64_t requests, sent, received; /* the last two: bytes */
};

/* Connections that stay open from one run to the next: names are not resolved and TLS is not
 * negotiated again. One run at a time. */
struct ingot_http_connections;
int ingot_http_connections_new(struct ingot_http_connections **ret, ingot_error *reterr);
void ingot_http_connections_free(struct ingot_http_connections *c);

struct ingot_http_options {
        unsigned parallel; /* 0: 8 */
        unsigned tries;    /* for one job without a byte of progress; 0: 5 */
        unsigned wait;     /* first back-off in milliseconds, doubled up to 16 times; 0: 250 */
        unsigned timeout;  /* seconds below `speed` before a try has failed; 0: 30 */
        unsigned speed;    /* bytes a second that a connection must give; 0: 1024 */
        uint64_t bandwidth;                 /* bytes a second over all connections; 0: no limit */
        struct ingot_http_connections *connections; /* NULL: closed at the end of the run */
        struct ingot_http_figures *figures; /* added to, or NULL */
};

/* OPTIONS may be NULL. Runs all jobs; the first error that ends the run is returned. */
int ingot_http_run(const struct ingot_http_options *options, struct ingot_http_job *jobs,
                   size_t count, ingot_error *reterr);

/* A whole file into memory; LIMIT when it is above MAX bytes. The caller frees; one NUL behind. */
int ingot_http_get(const char *url, const struct ingot_http_options *options, size_t max,
                   uint8_t **ret, size_t *ret_size, ingot_error *reterr);
