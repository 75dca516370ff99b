/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /etc of an image: the root's own, under a layer that takes changes. */
#pragma once

#include "format/init-config.h"

/*
 * Mounts ROOT/etc as MODE asks; ROOT/var is mounted (PERSISTENT: on a disk). The layer's changes
 * are in "upper", and WORK is the folder beside it that the kernel works in: each mount that is
 * there at the same time has one of its own, because a mount empties it.
 */
int ingot_etc_mount(const char *root, enum ingot_etc_mode mode, bool persistent, const char *work,
                    ingot_error *reterr);
