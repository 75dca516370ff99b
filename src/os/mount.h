/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounts in the caller's mount namespace, and the way from an initramfs to the root. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

struct ingot_mount {
        const char *source; /* NULL: the type's name */
        const char *target;
        const char *type;
        unsigned long flags; /* MS_… */
        const char *options; /* of the file system, or NULL */
};

int ingot_mount(const struct ingot_mount *m, ingot_error *reterr);
/* The same where only this process sees it, and makes the target's folder; it ends with the process.
 * From then on nothing that this process mounts is seen by others. */
int ingot_mount_private(const struct ingot_mount *m, ingot_error *reterr);
/* Is PATH a folder of a FAT? An automount is triggered. */
bool ingot_mount_is_fat(const char *path);
/* The folder FROM on TO as well, without what is mounted below it, then or later. */
int ingot_mount_again(const char *from, const char *to, ingot_error *reterr);
/* From here on the calling thread sees, and makes, the mounts of process 1. */
int ingot_mount_of_system(ingot_error *reterr);
int ingot_unmount(const char *target, ingot_error *reterr);
/* Is PATH the root of a mount? */
bool ingot_mount_is(const char *path);

/*
 * Leaves an initramfs: moves /dev, /proc, /sys and /run into NEW_ROOT, makes it the root, and frees
 * what the initramfs held. Refused (CONFLICT) unless the old root is a ramfs or tmpfs. After a
 * failure the process may stand in either root.
 */
int ingot_switch_root(const char *new_root, ingot_error *reterr);
