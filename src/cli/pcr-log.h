/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logs of measurements, as commands show them. */
#pragma once

#include "cli/json.h"
#include "measure/boot-log.h"

/* "EV_EFI_BOOT_SERVICES_DRIVER" → "boot services driver". */
int pcr_log_type_text(uint32_t type, char **ret, ingot_error *reterr);

/* The events as TCG's Canonical Event Log has them, firmware's first. MEANING adds what they say, and
 * those that were not measured, EV_NO_ACTION. */
int pcr_log_add_events(struct json_object *list, const struct ingot_boot_log *log, bool meaning,
                       ingot_error *reterr);
