/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/boot-log.h"

#include "base/cleanup.h"
#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TABLES "/sys/firmware/acpi/tables/"
#define TABLE_SIZE_MAX 65536

void ingot_boot_log_done(struct ingot_boot_log *log)
{
        free(log->firmware_path);
        free(log->userspace_path);
        free(log->firmware_bytes);
        free(log->userspace_bytes);
        ingot_eventlog_done(&log->firmware);
        ingot_userspace_log_done(&log->userspace);
        *log = (struct ingot_boot_log){0};
}

int ingot_boot_log_take_firmware(struct ingot_boot_log *log, uint8_t *bytes, size_t size,
                                 const char *name, ingot_error *reterr)
{
        log->firmware_bytes = bytes;
        int r = ingot_eventlog_decode(INGOT_SPAN(bytes, size), &log->firmware, reterr);
        return r < 0 ? ingot_under(reterr, r, "%s", name)
                     : ingot_strdup(&log->firmware_path, name, reterr);
}

int ingot_boot_log_take_userspace(struct ingot_boot_log *log, uint8_t *bytes, size_t size,
                                  const char *name, ingot_error *reterr)
{
        log->userspace_bytes = bytes;
        int r = ingot_userspace_log_decode(INGOT_SPAN(bytes, size), &log->userspace, reterr);
        return r < 0 ? ingot_under(reterr, r, "%s", name)
                     : ingot_strdup(&log->userspace_path, name, reterr);
}

static int load_firmware(struct ingot_boot_log *log, const char *path, ingot_error *reterr)
{
        uint8_t *bytes;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_EVENTLOG_SIZE_MAX, &bytes, &size, reterr);
        return r < 0 ? r : ingot_boot_log_take_firmware(log, bytes, size, path, reterr);
}

static int load_userspace(struct ingot_boot_log *log, const char *path, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t size;
        mode_t mode = 0;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_USERSPACE_LOG_SIZE_MAX, &bytes, &size,
                                reterr);
        if (r >= 0)
                r = ingot_file_mode(path, &mode, reterr);
        if (r < 0)
                return r;
        log->interrupted = mode & S_ISVTX;
        return ingot_boot_log_take_userspace(log, TAKE_PTR(bytes), size, path, reterr);
}

/* A table of the firmware; nothing when it cannot be read. */
static struct ingot_span read_table(const char *root, const char *name, uint8_t **ret)
{
        _cleanup_free_ char *path = NULL;
        size_t size = 0;
        if (ingot_format(&path, NULL, "%s" TABLES "%s", root, name) < 0 ||
            ingot_file_read(AT_FDCWD, path, TABLE_SIZE_MAX, ret, &size, NULL) < 0)
                return INGOT_SPAN(NULL, 0);
        return INGOT_SPAN(*ret, size);
}

/* The kernel shows no log: what the machine has, by the firmware's tables. */
static int explain_absence(const char *root, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *tpm = NULL, *ccel = NULL;
        struct ingot_acpi_log area;
        if (ingot_tpm2_table_decode(read_table(root, "TPM2", &tpm), &area, NULL) >= 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "the firmware keeps an event log of %" PRIu64
                                  " bytes at %#" PRIx64
                                  ", and the kernel does not show it at %s" INGOT_BOOT_LOG_FIRMWARE
                                  ": mount securityfs at /sys/kernel/security",
                                  area.size, area.address, root);
        if (ingot_ccel_decode(read_table(root, "CCEL", &ccel), &area, NULL) >= 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "the firmware keeps an event log of %" PRIu64
                                  " bytes at %#" PRIx64
                                  ", and this kernel does not show it at %s" INGOT_BOOT_LOG_CCEL
                                  ": a newer one does",
                                  area.size, area.address, root);
        return ingot_fail(reterr, INGOT_E_NOTFOUND,
                          "this machine shows no event log (%s" INGOT_BOOT_LOG_FIRMWARE
                          "): it has no TPM, or its firmware keeps none; name a FILE",
                          root);
}

static int load_machine_firmware(struct ingot_boot_log *log, const char *root, ingot_error *reterr)
{
        static const char *const paths[] = {INGOT_BOOT_LOG_FIRMWARE, INGOT_BOOT_LOG_CCEL};
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                _cleanup_free_ char *path = NULL;
                int r = ingot_format(&path, reterr, "%s%s", root, paths[i]);
                if (r < 0)
                        return r;
                if (ingot_file_exists(path))
                        return load_firmware(log, path, reterr);
        }
        return explain_absence(root, reterr);
}

static int load_machine(struct ingot_boot_log *log, const char *root, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = load_machine_firmware(log, root, reterr);
        if (r >= 0)
                r = ingot_format(&path, reterr, "%s" INGOT_BOOT_LOG_USERSPACE, root);
        if (r < 0 || !ingot_file_exists(path))
                return r;
        return load_userspace(log, path, reterr);
}

int ingot_boot_log_load(const struct ingot_boot_log_request *request, struct ingot_boot_log *ret,
                        ingot_error *reterr)
{
        _cleanup_boot_log_ struct ingot_boot_log log = {0};
        int r = 0;
        if (!request->firmware && !request->userspace)
                r = load_machine(&log, request->root ? request->root : "", reterr);
        if (r >= 0 && request->firmware)
                r = load_firmware(&log, request->firmware, reterr);
        if (r >= 0 && request->userspace)
                r = load_userspace(&log, request->userspace, reterr);
        if (r < 0)
                return r;
        *ret = log;
        log = (struct ingot_boot_log){0};
        return 0;
}

int ingot_boot_log_replay(const struct ingot_boot_log *log, struct ingot_replay *ret,
                          ingot_error *reterr)
{
        struct ingot_replay replay;
        ingot_replay_start(&replay);
        int r = ingot_replay_log(&replay, &log->firmware, reterr);
        for (size_t i = 0; r >= 0 && i < log->userspace.count; i++)
                r = ingot_replay_record(&replay, &log->userspace.events[i].record, reterr);
        if (r >= 0)
                *ret = replay;
        return r;
}

int ingot_boot_log_records(const struct ingot_boot_log *log, struct ingot_records *ret,
                           ingot_error *reterr)
{
        struct ingot_record *record;
        int r = ingot_records_of_log(ret, &log->firmware, reterr);
        for (size_t i = 0; r >= 0 && i < log->userspace.count; i++) {
                r = ingot_records_add(ret, &record, reterr);
                if (r >= 0)
                        *record = log->userspace.events[i].record;
        }
        return r;
}

int ingot_boot_log_problem(const struct ingot_boot_log *log, ingot_error *reterr)
{
        const struct ingot_userspace_log *u = &log->userspace;
        if (log->firmware.problem)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s: %s; the events before it are shown",
                                  log->firmware_path, log->firmware.problem);
        if (u->problem_count > 1)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "%s: %s; %zu more cannot be read; the others are shown",
                                  log->userspace_path, u->problems.items[0], u->problem_count - 1);
        if (u->problem_count > 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s: %s; the others are shown",
                                  log->userspace_path, u->problems.items[0]);
        return 0;
}
