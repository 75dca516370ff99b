/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one error object.
 *
 * A function that can fail returns an int: < 0 it failed and the error says why, 0 done, > 0 a
 * documented outcome that the caller handles. The negative value is the negated code below. The
 * error is the caller's, it is the last argument, may be NULL, and is written only on failure.
 *
 * The innermost failure says what could not be done ("open root.erofs"); each layer above adds only
 * its own noun in front ("partition 2: open root.erofs"). strerror() is added once, at print.
 */
#pragma once

#include <stdarg.h>

enum ingot_code {
        INGOT_E_USAGE = 1,   /* the caller asked for something that cannot be meant */
        INGOT_E_SYSTEM,      /* a system call failed: could not be done or checked; errno in os */
        INGOT_E_NOMEM,       /* out of memory */
        INGOT_E_FORMAT,      /* bytes are malformed */
        INGOT_E_REFUSED,     /* well-formed, but a digest, signature or policy says no */
        INGOT_E_SPACE,       /* it does not fit */
        INGOT_E_LIMIT,       /* larger than what ingot is willing to handle */
        INGOT_E_NOTFOUND,    /* what was named is not there */
        INGOT_E_CONFLICT,    /* two things exclude each other */
        INGOT_E_UNSUPPORTED, /* valid, but ingot cannot do it */
        INGOT_E_INTERNAL,    /* a bug in ingot */
        INGOT_E_CODE_MAX
};

typedef struct ingot_error {
        int code;        /* enum ingot_code; 0 when nothing failed */
        int os;          /* errno when code is INGOT_E_SYSTEM, else 0 */
        char text[1024]; /* "disk: partition 2: open root.erofs", no newline */
} ingot_error;

/* A leaf: what could not be done. Returns -code. */
int ingot_fail(ingot_error *reterr, int code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* A leaf where a system call failed; takes errno. Returns -INGOT_E_SYSTEM. */
int ingot_fail_errno(ingot_error *reterr, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Out of memory; needs none. Returns -INGOT_E_NOMEM. */
int ingot_fail_nomem(ingot_error *reterr);

/* A layer above: puts "CONTEXT: " before the text and returns r unchanged. */
int ingot_under(ingot_error *reterr, int r, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The code's one-word name ("refused") and the command's exit status for it. */
const char *ingot_code_name(int code);
int ingot_code_exit_status(int code);
