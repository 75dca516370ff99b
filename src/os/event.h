/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for several things at once: descriptors, signals, and a time. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ingot_wait {
        int fd;     /* below 0: ignored */
        bool ready; /* written by the wait: something to read, or its end */
};

/* Milliseconds of the monotonic clock; only differences mean something. */
uint64_t ingot_clock_msec(void);

/* Waits until one of COUNT descriptors (at most 16) is ready: 0, or 1 when TIMEOUT_MSEC passed
 * before (-1: for ever). */
int ingot_wait_any(struct ingot_wait *waits, size_t count, int timeout_msec, ingot_error *reterr);

/* Two connected stream sockets, both closed at exec; the first does not block. */
int ingot_socket_pair(int ret[2], ingot_error *reterr);

/* What is there, at most SIZE bytes: 0 with *ret_size (0: nothing for now), 1 at the end. */
int ingot_read_some(int fd, void *data, size_t size, size_t *ret_size, ingot_error *reterr);
/* Writes what the other end takes now; the rest is not written. */
int ingot_write_some(int fd, const void *data, size_t size, size_t *ret_size, ingot_error *reterr);

/*
 * The signals that ask a program to end (INT, TERM, HUP, QUIT) come as something to read from *ret
 * rather than end it at once, so that what was begun can be put in order. _restore undoes that.
 */
struct ingot_signals {
        int fd;
        uint64_t saved[16]; /* the signal mask before */
};
#define INGOT_SIGNALS_NONE ((struct ingot_signals){.fd = -1})
int ingot_signals_catch(struct ingot_signals *ret, ingot_error *reterr);
/* The number of a signal that has come, or 0. */
int ingot_signals_take(struct ingot_signals *s);
void ingot_signals_restore(struct ingot_signals *s);
#define _cleanup_signals_ __attribute__((cleanup(ingot_signals_restore)))
