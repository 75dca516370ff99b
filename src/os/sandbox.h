/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program of the target, run in its own tree as if it were root there, by whoever calls.
 *
 * New user, mount, PID, network, IPC and UTS namespaces; the user namespace maps one id, 0 to the
 * caller's, so neither /etc/subuid nor a set-user-id helper is needed, and root gets no more than
 * anybody. There is no network but the loopback device, no host file system, an empty /sys, a /dev
 * with the six harmless devices, no terminal, and the host name is "localhost". The kernel's
 * answers to what one id cannot do are corrected by a supervisor (os/supervisor.h), whose notes are
 * kept in a ledger.
 *
 * A sandbox ends with its first process, and with the thread that called.
 */
#pragma once

#include "base/buffer.h"
#include "os/ledger.h"

/* A file of the host, shown read-only at /dev/ingot/NAME. */
struct ingot_sandbox_file {
        const char *path;
        const char *name;
};

struct ingot_sandbox {
        const char *root;               /* folder that becomes "/"; has folders dev, proc and tmp */
        const char *const *argv;        /* argv[0] is a path inside; NULL behind the last */
        const char *const *environment; /* all of it: "NAME=VALUE", NULL behind the last */
        const struct ingot_sandbox_file *files;
        size_t file_count;
        struct ingot_ledger *ledger; /* read and written */
        size_t max_output;           /* keep that many of the last bytes; 0: 64 KiB */
};

struct ingot_sandbox_result {
        struct ingot_buffer output; /* the end of stdout and stderr; a NUL stands behind it */
        int exit_status;            /* 0 … 255; 128 + N when signal N ended it */
        uint64_t calls;             /* how often the supervisor was asked */
};

/* 0 when the program ran to its end, whatever its status. SYSTEM when it could not be run. */
int ingot_sandbox_run(const struct ingot_sandbox *sandbox, struct ingot_sandbox_result *ret,
                      ingot_error *reterr);

static inline void ingot_sandbox_result_done(struct ingot_sandbox_result *r)
{
        ingot_buffer_done(&r->output);
}
#define _cleanup_sandbox_result_ __attribute__((cleanup(ingot_sandbox_result_done)))
