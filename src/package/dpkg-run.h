/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The target's own dpkg, run in a sandbox; its failures told in package terms. */
#pragma once

#include "base/log.h"
#include "package/dpkg-order.h"
#include "os/ledger.h"

struct ingot_dpkg_run {
        const char *root; /* folder of the tree */
        struct ingot_ledger *ledger;
        const char *const *assumed;     /* as in struct ingot_install */
        const char *const *environment; /* likewise */
        int64_t timestamp;
        const struct ingot_log *log;
};

int ingot_dpkg_run_step(const struct ingot_dpkg_run *run, const struct ingot_deb_package *packages,
                        const struct ingot_dpkg_step *step, ingot_error *reterr);
/* What is still pending: triggers. */
int ingot_dpkg_run_pending(const struct ingot_dpkg_run *run, ingot_error *reterr);

/* Puts into *reterr what dpkg's OUTPUT says of its first failure: package, script, and the last
 * lines before. Returns -INGOT_E_SYSTEM. */
int ingot_dpkg_explain(const char *output, int exit_status, ingot_error *reterr);
