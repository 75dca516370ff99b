/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An HTTP server of one folder on the loopback interface, which fails as a test wants it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct server_faults {
        bool keeps;              /* no fault: answers several requests on a connection */
        bool no_ranges;          /* answers 200 to a request for a range */
        const char *only_for;    /* the faults below are for paths that hold this; NULL: for all */
        unsigned errors;         /* the first so many requests get 503 */
        unsigned breaks;         /* the next so many break off … */
        size_t break_after;      /* … after so many bytes of the body */
        const char *dead_for;    /* paths that hold this always break off */
        const char *retry_after; /* sent with 503 */
        const char *redirect;    /* every answer sends there */
        const char *content_range; /* what an answer says of its part */
        const char *encoding;      /* what it says of its encoding */
        size_t change;             /* the byte at this offset, less one, is another; 0: none */
        bool half;                 /* half of what was asked for, and says so */
        bool endless;              /* the body never ends; no length is told */
        bool endless_head;
        bool reset;        /* a broken answer ends with a reset */
        unsigned trickle;  /* milliseconds between the bytes of a body; 0: at once */
        bool trickle_head; /* the same for the head */
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
unsigned server_connections(struct server *s);
/* Bytes of all requests and all answers, heads included. */
unsigned long long server_bytes(struct server *s);
