/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file systems of a sandbox; only os/sandbox.c includes this. */
#pragma once

#include "os/sandbox.h"

/* In a new mount and PID namespace: makes sandbox->root the root, with /dev, /proc and files. */
int ingot_sandbox_mount(const struct ingot_sandbox *sandbox, ingot_error *reterr);
