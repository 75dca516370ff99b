/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `ingot boot --check` prints about a guest's report. */
#pragma once

#include "base/log.h"
#include "vm/measured.h"

int check_report_print(const struct ingot_check *c, const struct ingot_vm_measured *m,
                       ingot_error *reterr);
int check_report_print_json(const struct ingot_check *c, const struct ingot_vm_measured *m,
                            bool powered_off, ingot_error *reterr);

/* Makes FOLDER where it is not there, and removes what an earlier check_report_write() left in it.
 */
int check_report_clear(const char *folder, ingot_error *reterr);
/* firmware.log, userspace.log and report.json in FOLDER. A log that the guest has not is warned of.
 */
int check_report_write(const struct ingot_check *c, const struct ingot_vm_measured *m,
                       bool powered_off, const char *folder, const struct ingot_log *log,
                       ingot_error *reterr);
