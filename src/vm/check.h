/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest says about its own boot. No agent is in the image: a unit and its script come as
 * system credentials (systemd 256 and newer: systemd-debug-generator(8), systemd.extra-unit.* and
 * systemd.unit-dropin.*), which systemd's PID 1 imports from SMBIOS type 11 strings. The script
 * waits until the boot is over, writes the report to the second serial port, and powers off.
 *
 * The report is lines of text (docs/formats/check-report.md). Other bytes may stand around it.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "measure/measurement-compare.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        INGOT_CHECK_UNITS_MAX = 256, /* of each kind; more are counted but not kept */
        INGOT_CHECK_LOG_MAX = 16,    /* lines for a unit */
        INGOT_CHECK_FILE_MAX = 1 << 20, /* bytes of a log of measurements; a longer one is not sent */
};

/* Logs of measurements that a guest hands out. */
enum ingot_check_files {
        INGOT_CHECK_FIRMWARE_LOG,  /* TCG2, as the kernel keeps it */
        INGOT_CHECK_USERSPACE_LOG, /* systemd's, JSON-seq */
        INGOT_CHECK_FILES
};

struct ingot_check_file {
        bool there;
        uint64_t size; /* above INGOT_CHECK_FILE_MAX: the guest's log is longer, there is no data */
        uint8_t sha256[INGOT_SHA256_SIZE];
        struct ingot_buffer data; /* whole and as it was sent, once the report has ended */
};

struct ingot_check_unit {
        char *name, *description;
        struct ingot_strings log; /* the last lines of its journal */
};

struct ingot_check {
        bool begun, ended;
        char *state;         /* systemctl is-system-running */
        char *target;        /* the default target */
        char *target_state;  /* "active" when it was reached */
        char *kernel;        /* uname -r */
        char *machine_id;    /* 32 hex digits */
        struct ingot_check_unit *failed;
        size_t failed_count;
        struct ingot_strings jobs; /* what was still waited for */
        uint32_t profile;    /* of the UKI, as the stub tells; 0: the first, or not known */
        bool secure_boot;    /* the firmware checked what it started */
        struct ingot_machine_pcrs pcrs;
        struct ingot_check_file files[INGOT_CHECK_FILES];
        struct ingot_check_file *file; /* whose data comes */
        /* microseconds; 0 where not known. Loader includes the stub. */
        uint64_t firmware_usec, loader_usec, kernel_usec, initrd_usec, userspace_usec;
        struct ingot_buffer line; /* what has come of the next line */
        bool overlong;
};

void ingot_check_done(struct ingot_check *c);
#define _cleanup_check_ __attribute__((cleanup(ingot_check_done)))

/* The next bytes from the serial port. FORMAT when a line of the report cannot be meant. */
int ingot_check_feed(struct ingot_check *c, struct ingot_span bytes, ingot_error *reterr);

/* The whole report came, the default target was reached, no unit failed, no job is left. */
bool ingot_check_healthy(const struct ingot_check *c);

/* SMBIOS type 11 strings that make the guest report, after at most WAIT_SEC seconds. */
int ingot_check_smbios(unsigned wait_sec, struct ingot_strings *ret, ingot_error *reterr);

/* The SMBIOS string of a system credential: "io.systemd.credential.binary:NAME=BASE64". USAGE when
 * NAME cannot be one. */
int ingot_credential_smbios(const char *name, struct ingot_span value, struct ingot_strings *ret,
                            ingot_error *reterr);
