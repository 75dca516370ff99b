/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands of `ingot update` have in common: which machine, and what is known of it. */
#pragma once

#include "base/json.h"
#include "cli/command.h"
#include "update/boot-record.h"
#include "update/hidden.h"
#include "update/keep.h"
#include "update/state.h"

#include <stdio.h>

struct update_machine {
        const char *root, *disk, *esp, *running;
};

#define OPTION_UPDATE_ROOT(T, m)                                                                   \
        STRING(0, "root", "DIR", T, m.root, "Of the machine whose root is that folder")
#define OPTION_UPDATE_DISK(T, m)                                                                   \
        STRING(0, "disk", "FILE", T, m.disk,                                                       \
               "The disk with the slots, a device or an image; default: that of the root")
#define OPTION_UPDATE_ESP(T, m)                                                                    \
        STRING(0, "esp", "DIR", T, m.esp,                                                          \
               "The folder of its ESP; default: /efi, /boot, /boot/efi, or it is mounted")
#define OPTION_UPDATE_RUNNING(T, m)                                                                \
        STRING(0, "running", "HASH", T, m.running,                                                 \
               "The root hash of what runs; default: the root's, or of the kernel's command line")

/* A machine with its memory. */
struct update_view {
        struct ingot_machine machine;
        struct ingot_update_state state;
        struct ingot_boot_records boots;
        int lock;
};
#define UPDATE_VIEW_NONE ((struct update_view){.machine = INGOT_MACHINE_NONE, .lock = -1})
void update_view_close(struct update_view *v);
#define _cleanup_update_view_ __attribute__((cleanup(update_view_close)))

/* WRITABLE: it is locked, too. What failed by now, as the boot entries tell, is in the state. */
int update_view_open(struct update_view *v, const struct update_machine *o, bool writable,
                     const struct ingot_log *log, ingot_error *reterr);

/* "4.2 (2 tries left)", for a person. */
void update_print_entry(FILE *out, const struct ingot_boot_entry *e);
/* What the machine's /etc hides of the version in SLOT (update/hidden.h), NULL: nothing; where that
 * cannot be read, a warning says so. */
int update_find_hidden(struct ingot_machine *m, const struct ingot_slot *slot,
                       const struct ingot_log *log, struct ingot_strings *ret, ingot_error *reterr);
void update_print_hidden(const struct ingot_slot *slot, const struct ingot_strings *hidden);
/* The steps over the machine of V. */
struct ingot_steps update_steps(struct update_view *v);
