/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What systemd-stub and systemd-boot measure, by version: a row is true until the next one.
 *
 * Source: systemd's src/boot (stub.c, cpio.c, linux.c, boot.c) of 252 to 262, and its
 * docs/TPM2_PCR_MEASUREMENTS.md.
 */
#pragma once

#include "format/uki.h"

/* Tags of EV_EVENT_TAG. */
#define INGOT_STUB_TAG_PROFILE 0x13aed6dbu
#define INGOT_STUB_TAG_DEVICETREE 0x6c46f751u
#define INGOT_STUB_TAG_INITRD 0x49dffe0fu
#define INGOT_STUB_TAG_UCODE 0xdac08e1au
#define INGOT_LOADER_TAG_CONFIG 0xf5bc582au
#define INGOT_TAG_SMBIOS_SYSTEM 0xd5cb7cbcu /* loader's or stub's */
#define INGOT_TAG_SMBIOS_BOARD 0xe0d47bc8u
#define INGOT_TAG_SMBIOS_OEM 0xc0b3bd23u
/* The Linux kernel's, drivers/firmware/efi/libstub/efistub.h. */
#define INGOT_KERNEL_TAG_INITRD 0x8f3b22ecu
#define INGOT_KERNEL_TAG_OPTIONS 0x8f3b22edu

enum ingot_stub_addons {
        INGOT_STUB_ADDONS_NONE,
        INGOT_STUB_ADDONS_FOLDERS, /* command lines: one event for each of the two folders */
        INGOT_STUB_ADDONS_LINES,   /* one event for all command lines; devicetrees */
        INGOT_STUB_ADDONS_ALL,     /* initrds and microcode, too */
};

struct ingot_stub_rules {
        unsigned version; /* the major one */
        unsigned kinds;   /* a bit for each enum ingot_uki_kind that it knows */
        enum ingot_stub_addons addons;
        bool trims;       /* white space at the start of a command line, too */
        bool confext;     /* configuration extensions */
        bool profiles;    /* @N; and .osrel and .profile are files of the initrd */
        bool extensions;  /* loader/extensions/ */
        bool loads_image; /* the firmware loads, and measures, .linux */
        bool secret;      /* the boot secret; and the console that is found is told to the kernel */
        bool cc_tags;     /* tagged events go to the register of a confidential machine, too */
};

/* Of systemd-stub; NULL when nothing is known about that version. */
const struct ingot_stub_rules *ingot_stub_rules_of(unsigned version);

struct ingot_loader_rules {
        unsigned version;
        bool config;   /* loader.conf into PCR 5 */
        bool implied;  /* the command line of a UKI is not passed on, so not measured */
        bool profiles; /* passes "@N" on, which is measured into PCR 12 */
        bool smbios;   /* into PCR 1 */
};

/* Of systemd-boot. */
const struct ingot_loader_rules *ingot_loader_rules_of(unsigned version);
