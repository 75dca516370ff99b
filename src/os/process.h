/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Other programs: run to their end with what they print captured, or started and kept.
 *
 * A program is looked up in PATH and then in /usr/sbin and /sbin, which an ordinary user's PATH
 * lacks. It is killed when the thread that started it dies, so nothing outlives a killed ingot.
 * It inherits no file descriptors but the standard ones and those in `keep`, and no signal mask.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

struct ingot_program {
        const char *const *argv;        /* NULL-terminated; argv[0] is a name or a path */
        const char *package;            /* the Debian package that has it; NULL: not known */
        const char *const *environment; /* "NAME=VALUE" is set, "NAME" removed; or NULL */
        const char *directory;          /* where it starts; NULL: here */
        struct ingot_span input;        /* its stdin; nothing: /dev/null (only for _run) */
        size_t max_output;              /* of stdout, in bytes; 0: 1 MiB (only for _run) */
        uint64_t timeout_msec;          /* 0: none (only for _run) */
        bool any_status;                /* an exit status above 0 is no failure (only for _run) */
        bool own_group;                 /* Ctrl-C on the terminal does not reach it */
        const int *keep;                /* these stay open under their own numbers */
        size_t keep_count;
};

struct ingot_process_result {
        struct ingot_buffer output; /* stdout, whole; a NUL stands behind it when not empty */
        struct ingot_buffer errors; /* the last 64 KiB of stderr, likewise */
        int exit_status;            /* 0 … 255; 128 + N when signal N ended it */
};
void ingot_process_result_done(struct ingot_process_result *r);
#define _cleanup_process_result_ __attribute__((cleanup(ingot_process_result_done)))

/*
 * Runs the program and waits for its end. *ret may be NULL; it is written also when the program
 * fails, and is always to be freed by its _done. NOTFOUND when the program is missing, with its
 * package; SYSTEM "NAME failed (exit 1): last line of stderr" and when it took longer than the
 * timeout (errno ETIMEDOUT); LIMIT when it prints more than max_output.
 */
int ingot_process_run(const struct ingot_program *p, struct ingot_process_result *ret,
                      ingot_error *reterr);

/* The path of a program in *ret (the caller frees); NOTFOUND with the name of its package. */
int ingot_program_find(const char *name, const char *package, char **ret, ingot_error *reterr);

/* A program that runs beside us. */
struct ingot_process {
        pid_t pid; /* 0: none */
        int pidfd; /* readable when it has ended */
};
#define INGOT_PROCESS_NONE ((struct ingot_process){.pidfd = -1})

/* Starts it with FDS as stdin, stdout and stderr; -1 is /dev/null, and the caller keeps them. */
int ingot_process_start(const struct ingot_program *p, const int fds[3],
                        struct ingot_process *ret, ingot_error *reterr);
/* Waits for its end: 0 with the status (as in the result above), 1 when TIMEOUT_MSEC passed before
 * (-1: for ever). The object is empty after 0. */
int ingot_process_wait(struct ingot_process *p, int timeout_msec, int *ret_status,
                       ingot_error *reterr);
/* SIGTERM, SIGKILL after PATIENCE_MSEC (0: at once), and the end is awaited. */
void ingot_process_stop(struct ingot_process *p, int patience_msec);
void ingot_process_kill(struct ingot_process *p);
#define _cleanup_process_ __attribute__((cleanup(ingot_process_kill)))
