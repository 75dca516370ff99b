/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's uevents, straight from its netlink socket: how to wait for a device without polling.
 * Open first, look at what is there, then wait: nothing is missed in between. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A socket that hears every uevent of the kernel; the caller closes it. */
int ingot_uevent_open(int *ret_fd, ingot_error *reterr);

/*
 * Waits until something happens to a device of SUBSYSTEM ("block"), or until DEADLINE of
 * ingot_monotonic_usec(). Events that came in the meantime are taken together. 1: something
 * happened, or events were lost; 0: the deadline passed.
 */
int ingot_uevent_wait(int fd, const char *subsystem, uint64_t deadline_usec, ingot_error *reterr);

/* Is this message ("add@/devices/…", then KEY=VALUE, each NUL-terminated) about SUBSYSTEM? */
bool ingot_uevent_matches(const char *message, size_t size, const char *subsystem);

/* Microseconds of CLOCK_MONOTONIC. */
uint64_t ingot_monotonic_usec(void);
