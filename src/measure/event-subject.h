/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a measurement is about: the part of the machine, or of the boot, whose change changes it.
 * Two measurements of one subject and name, one of each boot, are the same thing before and after.
 *
 * Source: TCG PC Client Platform Firmware Profile 1.05 rev. 23, section 3.3.4 (which PCR is for
 * what); UAPI.7 (Linux TPM PCR registry); systemd's docs/TPM2_PCR_MEASUREMENTS.md.
 */
#pragma once

#include "measure/event.h"
#include "measure/userspace-log.h"

enum ingot_subject {
        INGOT_SUBJECT_OTHER,
        INGOT_SUBJECT_FIRMWARE_VERSION,
        INGOT_SUBJECT_FIRMWARE,
        INGOT_SUBJECT_MICROCODE,
        INGOT_SUBJECT_SMBIOS,          /* name: which */
        INGOT_SUBJECT_PLATFORM_CONFIG, /* name: what the firmware calls it */
        INGOT_SUBJECT_BOOT_ORDER,
        INGOT_SUBJECT_BOOT_ENTRY, /* name: "Boot0003" */
        INGOT_SUBJECT_OPTION_ROM, /* name: the device path */
        INGOT_SUBJECT_OPTION_ROM_CONFIG,
        INGOT_SUBJECT_SECURE_BOOT,
        INGOT_SUBJECT_KEYS, /* name: "PK", "KEK", "db", "dbx" … */
        INGOT_SUBJECT_VARIABLE,
        INGOT_SUBJECT_AUTHORITY,  /* name: the variable that let a program pass */
        INGOT_SUBJECT_SBAT_LEVEL, /* shim's */
        INGOT_SUBJECT_SEPARATOR,
        INGOT_SUBJECT_ACTION,  /* name: the firmware's words */
        INGOT_SUBJECT_LOADER,  /* name: the file */
        INGOT_SUBJECT_UKI,     /* name: the file */
        INGOT_SUBJECT_ADDON,   /* name: the file */
        INGOT_SUBJECT_PROGRAM, /* an image that the log has no file of: a kernel in a UKI */
        INGOT_SUBJECT_PARTITION_TABLE,
        INGOT_SUBJECT_LOADER_CONF,
        INGOT_SUBJECT_GRUB_COMMAND,
        INGOT_SUBJECT_GRUB_FILE,
        INGOT_SUBJECT_INITRD,
        INGOT_SUBJECT_LOAD_OPTIONS, /* the command line as the kernel got it */
        INGOT_SUBJECT_UKI_SECTION,  /* name: ".linux" … */
        INGOT_SUBJECT_COMMAND_LINE,
        INGOT_SUBJECT_CREDENTIALS, /* name: the loader's words */
        INGOT_SUBJECT_SYSEXT,
        INGOT_SUBJECT_CONFEXT,
        INGOT_SUBJECT_ADDON_PART, /* name: "addon's initrd" … */
        INGOT_SUBJECT_PROFILE,
        INGOT_SUBJECT_MOK, /* name: "MokList" … */
        INGOT_SUBJECT_PHASE, /* name: the word */
        INGOT_SUBJECT_MACHINE_ID,
        INGOT_SUBJECT_FILE_SYSTEM, /* name: where it is mounted */
        INGOT_SUBJECT_VOLUME_KEY,  /* name: the volume */
        INGOT_SUBJECT_MARK, /* of the system, between what comes before and after; name: which */
        INGOT_SUBJECT_PRODUCT_ID,
        INGOT_SUBJECT_KEY_SLOT, /* name: the volume */
        INGOT_SUBJECT_VERITY,   /* name: the device */
        INGOT_SUBJECT_MAX
};

/* *ret_name is UTF-8 without control characters, never NULL, and the caller's. REGISTERS: the event's
 * index is no PCR but a register of a confidential machine. */
int ingot_subject_of_event(const struct ingot_event *e, bool registers, enum ingot_subject *ret,
                           char **ret_name, ingot_error *reterr);
int ingot_subject_of_userspace(const struct ingot_userspace_event *e, enum ingot_subject *ret,
                               char **ret_name, ingot_error *reterr);
#define INGOT_SUBJECT_NO_PCR UINT32_MAX
/* By what a log, or a prediction, has beside the data: the type, the tag of a tagged event, the
 * words of one that has text, the file of an image. */
enum ingot_subject ingot_subject_of_words(uint32_t pcr, uint32_t type, uint32_t tag,
                                          const char *words);
