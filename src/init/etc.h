/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /etc: the root's own, under a layer that takes changes. */
#pragma once

#include "init/config.h"

/* Mounts /sysroot/etc as CONFIG asks; /sysroot/var is mounted (PERSISTENT: on a disk). */
int init_etc_mount(const struct init_config *config, bool persistent, ingot_error *reterr);
