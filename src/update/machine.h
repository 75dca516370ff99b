/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine that is updated: its product and version, the disk with its slots, the ESP with its
 * boot entries, and what runs of them. Of this machine the kernel tells (the device of the root,
 * the command line, mounts); of any other one it is told where things are, and then nothing needs
 * root.
 *
 * What runs need not be what the boot loader started: after a soft reboot the root is of another
 * slot than the command line names.
 */
#pragma once

#include "base/buffer.h"
#include "os/file.h"
#include "update/entry.h"
#include "update/slot.h"

struct ingot_machine_options {
        const char *root; /* its file system; NULL: "/" */
        const char *disk; /* a device or image; NULL: the one that the root is on */
        const char *esp;  /* the folder of the ESP; NULL: where it is mounted, or it is mounted */
        const char *running; /* root hash of what runs, 64 digits; NULL: the root's own, or the
                              * command line's */
        bool writable;       /* for an update: the disk is opened for writing */
        const struct ingot_log *log;
};

struct ingot_machine {
        const char *root; /* as in the options, NULL: "/" */
        int root_fd;      /* os/root.h */
        bool live;        /* this one, as the kernel tells */
        struct ingot_buffer os_release;
        char *name;               /* of the product: IMAGE_ID */
        char *version;            /* that the root file system says it is: IMAGE_VERSION */
        char *id;                 /* the machine id, 32 digits; NULL: it has none */
        const char *architecture; /* UAPI.2's word */
        char *disk_path;
        struct ingot_file disk;
        struct ingot_gpt *gpt;
        struct ingot_transfers transfers;
        char *esp;
        struct ingot_slots slots;
        struct ingot_boot_entries entries;
        bool has_running;
        uint8_t running[INGOT_SHA256_SIZE];
        bool has_booted; /* what the loader started: the command line has a root hash */
        uint8_t booted[INGOT_SHA256_SIZE];
};

/* NOTFOUND says what is missing and how it is named; FORMAT: os-release without IMAGE_ID. */
int ingot_machine_open(const struct ingot_machine_options *o, struct ingot_machine *ret,
                       ingot_error *reterr);
void ingot_machine_close(struct ingot_machine *m);
#define INGOT_MACHINE_NONE ((struct ingot_machine){.root_fd = -1, .disk = {.fd = -1}})
#define _cleanup_machine_ __attribute__((cleanup(ingot_machine_close)))

/* Reads table and entries again, after they were changed. */
int ingot_machine_refresh(struct ingot_machine *m, ingot_error *reterr);

/* The slot that runs, or NULL when it is not on the disk. */
const struct ingot_slot *ingot_machine_running(const struct ingot_machine *m);
/* Did what runs come by a soft reboot, without the boot loader? */
bool ingot_machine_soft(const struct ingot_machine *m);
/* What os-release says of KEY ("VERSION_ID"), or NULL in *ret. */
int ingot_machine_field(const struct ingot_machine *m, const char *key, char **ret,
                        ingot_error *reterr);
