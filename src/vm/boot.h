/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boots a disk image in a virtual machine: QEMU with UEFI firmware, a TPM, and a throw-away overlay
 * over the image, which is never written. Everything that is started ends with the call, and with
 * the process, however that ends.
 */
#pragma once

#include "base/log.h"
#include "base/text.h"
#include "vm/check.h"

#include <stdbool.h>
#include <stdint.h>

struct ingot_boot_options {
        const char *image;
        const char *state;     /* a folder that keeps disk, variables and TPM; NULL: thrown away */
        uint64_t disk_size;    /* bytes the disk has at least; 0: 4 GiB */
        uint64_t memory;       /* bytes; 0: 1 GiB */
        unsigned cpus;         /* 0: as many as work well */
        bool secure_boot;      /* firmware that verifies; its keys come from `vars` or the image */
        const char *vars;      /* a variable store to start from; NULL: the firmware's own */
        bool no_tpm, no_network;
        bool watchdog; /* a hardware watchdog, i6300esb, which resets the machine */
        const struct ingot_strings *forwards;    /* "[ADDRESS:]PORT:GUEST-PORT[/udp]" */
        const struct ingot_strings *credentials; /* "NAME=VALUE" */
        const char *write_log; /* a file: gets every write to the disk, and the flushes between
                                * them, as dm-log-writes has it; NULL: none */
        const char *cmdline;   /* words for the kernel's command line (systemd-stub 254 and newer;
                                * measured into PCR 12); NULL: none */
        bool check;            /* wait for the guest's report, then power off */
        uint64_t timeout_msec; /* 0: 300 s with check, else none */
        int console_input;     /* the user's keys; -1: none */
        int console_output;    /* where the console is shown; -1: nowhere */
        bool terminal;         /* console_input is a terminal: raw, and Ctrl-] ends */
};

struct ingot_boot_result {
        struct ingot_check check; /* with `check` */
        bool powered_off;         /* by itself: not ended by the user or after the report */
};
void ingot_boot_result_done(struct ingot_boot_result *r);
#define _cleanup_boot_result_ __attribute__((cleanup(ingot_boot_result_done)))

/*
 * 0 when the machine was switched off by its guest or by the user, and with `check` when the report
 * came, whatever it says. NOTFOUND names a missing program and its package; SYSTEM when QEMU failed,
 * when a signal ended the call, and when the time was over, with the console's last lines.
 */
int ingot_boot(const struct ingot_boot_options *o, const struct ingot_log *log,
               struct ingot_boot_result *ret, ingot_error *reterr);
