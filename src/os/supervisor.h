/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor of a sandbox: system calls that a namespace with one id cannot serve are reported
 * by a seccomp filter and answered here, out of a ledger. Everything else runs untouched.
 *
 * What is asked about, and why, is the table in os/supervisor.c. No security rests on it: a script
 * that fools it only damages the owners in its own image; what holds a script is the namespaces.
 * It runs as the first process in the sandbox, so its own look at a path is the script's look.
 */
#pragma once

#include "os/ledger.h"

#include <linux/seccomp.h>
#include <sys/types.h>

struct ingot_supervisor;

/* In the process to be supervised: installs the filter and returns its descriptor. */
int ingot_supervisor_filter(ingot_error *reterr);

/* LISTENER is that descriptor; it and the ledger stay the caller's. */
int ingot_supervisor_new(int listener, struct ingot_ledger *ledger, struct ingot_supervisor **ret,
                         ingot_error *reterr);
void ingot_supervisor_free(struct ingot_supervisor *s);

/* Answers one call, when the descriptor is readable. */
int ingot_supervisor_answer(struct ingot_supervisor *s, ingot_error *reterr);

/* How many it answered. */
uint64_t ingot_supervisor_calls(const struct ingot_supervisor *s);
