/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's id, made at the first boot and kept from then on. */
#pragma once

#include "base/uuid.h"
#include "format/init-config.h"

/* 32 hex digits, a newline or nothing behind; not null. */
bool init_machine_id_parse(const char *text, struct ingot_uuid *ret);
/* The valid id in the file at PATH; false when there is none. */
bool init_machine_id_read(const char *path, struct ingot_uuid *ret);

/* The id that a mounted /var keeps: in the upper layer of /etc, or as our own note. */
bool init_machine_id_of_var(const char *var, struct ingot_uuid *ret);

/*
 * Settles the id once /sysroot/etc and /sysroot/var are there, and hands it to systemd: a valid
 * /etc/machine-id stays; otherwise the id that /var keeps, or a new one, which is noted in /var
 * (when PERSISTENT) and written to /run/machine-id. At the very first boot /etc/machine-id says
 * "uninitialized", so that systemd sees a first boot and commits the id when that is done.
 */
int init_machine_id_settle(enum ingot_etc_mode etc, bool persistent, struct ingot_uuid *ret,
                           ingot_error *reterr);
