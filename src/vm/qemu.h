/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of QEMU for a machine that boots an image by UEFI. */
#pragma once

#include "base/error.h"
#include "base/text.h"
#include "vm/firmware.h"

#include <stdbool.h>
#include <stdint.h>

#define INGOT_QEMU_PROGRAM "qemu-system-x86_64"
#define INGOT_QEMU_PACKAGE "qemu-system-x86"

struct ingot_qemu {
        unsigned version;    /* its major version: which settings work depends on it */
        bool kvm;            /* else every instruction is emulated (TCG) */
        uint64_t memory;     /* bytes */
        unsigned cpus;       /* 0: as many as work well */
        const struct ingot_firmware *firmware;
        const char *vars;    /* this machine's variable store */
        const char *disk;    /* a qcow2 file */
        uint32_t sector_size; /* of the disk, in bytes; 0: 512 */
        const char *write_log; /* a file that is there: gets every write to the disk; NULL: none */
        int console, report, tpm; /* sockets that QEMU inherits; below 0: none */
        bool network;
        bool watchdog;       /* i6300esb */
        bool one_boot;       /* a reboot ends the machine */
        const struct ingot_strings *forwards; /* "[ADDRESS:]PORT:GUEST-PORT[/udp]" */
        const struct ingot_strings *smbios;   /* type 11 strings (io.systemd.credential:…) */
};

/* argv in *ret. USAGE for a forward that cannot be read. */
int ingot_qemu_arguments(const struct ingot_qemu *q, struct ingot_strings *ret,
                         ingot_error *reterr);

/* "7" out of "QEMU emulator version 7.2.22 (…)"; 0 when that is not what it says. */
unsigned ingot_qemu_version(const char *text);
