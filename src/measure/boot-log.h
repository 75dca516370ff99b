/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one boot of a machine measured: the firmware's log, and behind it that of user space. From
 * files, or from a running machine.
 *
 * The kernel shows the log of a TPM's firmware in securityfs, and that of a confidential machine
 * beside the ACPI tables. Where it shows none, the tables may say where in memory the firmware keeps
 * one: no process can read it there, but then it is known what to do.
 */
#pragma once

#include "measure/replay.h"
#include "measure/userspace-log.h"

/* Of a machine that runs. */
#define INGOT_BOOT_LOG_FIRMWARE "/sys/kernel/security/tpm0/binary_bios_measurements"
#define INGOT_BOOT_LOG_CCEL "/sys/firmware/acpi/tables/data/CCEL"
#define INGOT_BOOT_LOG_USERSPACE "/run/log/systemd/tpm2-measure.log"

struct ingot_boot_log_request {
        const char *firmware, *userspace; /* files; both NULL: what the machine shows */
        const char *root;                 /* the folder that is its root; NULL: this machine */
};

struct ingot_boot_log {
        char *firmware_path, *userspace_path; /* NULL: there is none */
        uint8_t *firmware_bytes, *userspace_bytes;
        struct ingot_eventlog firmware; /* without events when there is none */
        struct ingot_userspace_log userspace;
        bool interrupted; /* the file's sticky bit is set: a measurement may not be in it */
};

void ingot_boot_log_done(struct ingot_boot_log *log);
#define _cleanup_boot_log_ __attribute__((cleanup(ingot_boot_log_done)))

/* NOTFOUND says what the machine lacks. A machine's log of user space may be missing. */
int ingot_boot_log_load(const struct ingot_boot_log_request *request, struct ingot_boot_log *ret,
                        ingot_error *reterr);

/* The same out of bytes: they are taken over, also on failure. NAME is theirs in messages. */
int ingot_boot_log_take_firmware(struct ingot_boot_log *log, uint8_t *bytes, size_t size,
                                 const char *name, ingot_error *reterr);
int ingot_boot_log_take_userspace(struct ingot_boot_log *log, uint8_t *bytes, size_t size,
                                  const char *name, ingot_error *reterr);

/* Both, from PCRs as they are at the start. */
int ingot_boot_log_replay(const struct ingot_boot_log *log, struct ingot_replay *ret,
                          ingot_error *reterr);

/* The measurements of both, in order: what ingot_components_claim() compares with. */
int ingot_boot_log_records(const struct ingot_boot_log *log, struct ingot_records *ret,
                           ingot_error *reterr);

/* Says what of them cannot be read: FORMAT; 0 when all can. */
int ingot_boot_log_problem(const struct ingot_boot_log *log, ingot_error *reterr);
