/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An HTTP server of one folder on the loopback interface, which fails as a test wants it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct server_faults {
        bool no_ranges;       /* answers 200 to a request for a range */
        unsigned errors;      /* the first so many requests get 503 */
        unsigned breaks;      /* the next so many break off … */
        size_t break_after;   /* … after so many bytes of the body */
        const char *dead_for; /* paths that hold this always break off */
};

struct server;

/* Serves FOLDER until server_stop(); NULL when it cannot listen. */
struct server *server_start(const char *folder, const struct server_faults *faults);
void server_stop(struct server *s);
/* "http://127.0.0.1:PORT" */
const char *server_url(const struct server *s);
/* How many requests came so far, and how many of them asked for a range. */
unsigned server_requests(struct server *s);
unsigned server_ranges(struct server *s);
