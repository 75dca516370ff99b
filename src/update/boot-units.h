/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which unit keeps a boot from being good, as systemctl(1) of the running system tells it. */
#pragma once

#include "base/error.h"

struct ingot_boot_culprit {
        char *unit;   /* NULL: none was found */
        char *reason; /* its result by systemd.service(5), "not done yet", or NULL */
};
void ingot_boot_culprit_done(struct ingot_boot_culprit *c);
#define _cleanup_boot_culprit_ __attribute__((cleanup(ingot_boot_culprit_done)))

/*
 * The first of: a unit that boot-complete.target requires and that failed; any other unit that
 * failed; the unit whose start is still going on. SYSTEM when systemd cannot be asked.
 */
int ingot_boot_culprit(struct ingot_boot_culprit *ret, ingot_error *reterr);
