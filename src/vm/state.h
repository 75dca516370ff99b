/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine writes: its disk (an overlay of the image, which itself is never written), its
 * UEFI variables and its TPM. A folder of the user's keeps them from boot to boot; else they are in
 * a temporary one below $XDG_CACHE_HOME/ingot/machines (a disk may grow too large for a tmpfs), and
 * what a killed process left there is removed by the next one.
 */
#pragma once

#include "base/error.h"
#include "os/workdir.h"

#include <stdbool.h>
#include <stdint.h>

struct ingot_vm_state {
        struct ingot_workdir temporary;
        char *folder, *disk, *vars, *tpm, *messages;
        uint32_t sector_size; /* of the image's partition table; 512 when it has none */
        bool kept; /* the folder is the user's and stays */
};

struct ingot_vm_state_options {
        const char *image;  /* a raw disk image or a block device */
        const char *folder; /* NULL: a temporary one */
        uint64_t disk_size; /* bytes the disk has at least; 0: 4 GiB */
        const char *vars;   /* the template of the variable store */
};

/* CONFLICT when the folder was made for another image, or this one was rebuilt since. */
int ingot_vm_state_open(const struct ingot_vm_state_options *o, struct ingot_vm_state *ret,
                        ingot_error *reterr);
void ingot_vm_state_close(struct ingot_vm_state *s);
#define INGOT_VM_STATE_NONE ((struct ingot_vm_state){.temporary = INGOT_WORKDIR_NONE})
#define _cleanup_vm_state_ __attribute__((cleanup(ingot_vm_state_close)))
