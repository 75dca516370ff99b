/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /var: a partition of that type on the root's disk (UAPI.2). The image has it small, with the
 * PARTUUID that the build derived from the product's seed; the first boot grows it to the disk and
 * binds it to the machine by the PARTUUID v4(HMAC(machine id, type)).
 */
#pragma once

#include "base/buffer.h"
#include "format/init-config.h"
#include "init/disk.h"

struct init_var {
        char *disk;  /* NULL: there is none, and /var is a tmpfs */
        unsigned number;
        struct ingot_uuid uuid; /* the PARTUUID in the table */
};
void init_var_done(struct init_var *v);

#define _cleanup_init_var_ __attribute__((cleanup(init_var_done)))

/* Whose /var a partition is. */
enum init_var_owner {
        INIT_VAR_BUILD,   /* it has the build's PARTUUID: not bound yet */
        INIT_VAR_MACHINE, /* it has that of the id which it keeps */
        INIT_VAR_RESET,   /* ours, but its id was removed */
        INIT_VAR_FOREIGN
};
/* ID is what the mounted partition keeps, or NULL; OURS: it has our folder. */
enum init_var_owner init_var_owner_of(const struct ingot_uuid *uuid, const struct ingot_uuid *build,
                                      const struct ingot_uuid *id, bool ours);

/* The PARTUUID of a machine's /var. */
struct ingot_uuid init_var_uuid(const struct ingot_uuid *machine_id);

/* Finds, grows and mounts it on /sysroot/var. Without one: a tmpfs when /etc is volatile, else
 * NOTFOUND. */
int init_var_mount(const struct ingot_init_config *config, const char *disk, struct init_var *ret,
                   ingot_error *reterr);

/*
 * A unit for the mount that is there, in /run/systemd/system: without it systemd-gpt-auto-generator
 * makes one that checks the mounted file system first, and that cannot be stopped at shutdown,
 * as /etc lies over a part of /var.
 */
int init_var_unit(const struct init_var *v, ingot_error *reterr);
int init_var_unit_text(const char *node, struct ingot_buffer *ret, ingot_error *reterr);

/* Binds it to the machine, when it is not yet. */
int init_var_bind(const struct init_var *v, const struct ingot_uuid *machine_id,
                  ingot_error *reterr);
