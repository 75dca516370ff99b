/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Components of the firmware out of its event log, as systemd-pcrlock's lock-firmware-code,
 * lock-firmware-config, lock-secureboot-policy, lock-secureboot-authority and lock-gpt name and
 * make them, each with the variant "generated":
 *
 *   240-secureboot-policy     PCR 7: the variables SecureBoot, PK, KEK, db, dbx, dbt, dbr
 *   250-firmware-code-early   PCR 0, 2 before their separator; PCR 4 before it and before the
 * loader 550-firmware-code-late    PCR 0, 2 behind their separator 250-firmware-config-early PCR 1,
 * 3, 5, likewise 550-firmware-config-late 600-gpt                   PCR 5: partition tables
 *   620-secureboot-authority  PCR 7: which keys vouched for what was started
 *
 * and what systemd has in /usr/lib/pcrlock.d for any firmware, as this one did it: 350-action-efi-
 * application, 400-secureboot-separator, 500-separator, 700-action-efi-exit-boot-services.
 */
#pragma once

#include "format/eventlog.h"
#include "measure/component.h"

/*
 * Adds them to *c, which has none of them. Where Secure Boot's events are not as the specification
 * has them (a variable missing, twice, out of its place, or not what was measured), none of PCR 7
 * are made, and *ret_note says why (the caller frees it; else it is NULL). REFUSED: it cannot be
 * told from the log where the boot loader starts.
 */
int ingot_firmware_components(const struct ingot_eventlog *log, struct ingot_components *c,
                              char **ret_note, ingot_error *reterr);
