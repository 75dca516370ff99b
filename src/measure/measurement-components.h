/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A measurement as components of systemd-pcrlock: what loader, stub, kernel, initrd and system
 * measure. Each profile of the UKI is a variant, named as
 * the UKI is: "650-uki.pcrlock.d/appliance_1.pcrlock", "…/appliance_1@1.pcrlock"; what differs with
 * Secure Boot on is one more ("….secure-boot"); equal ones are one.
 *
 * Components are those that the events name, but that what the UKI has firmware load (addons, the
 * kernel) stands with the UKI, and the kernel's command line with its initrd in 710-kernel: what
 * follows from one UKI and goes into one PCR is not combined with that of another
 * (docs/decisions/096).
 *
 * Of firmware there is what it measures of Secure Boot's variables, where these are known, and the
 * separator behind them: 240-secureboot-policy and 400-secureboot-separator. Its other events are
 * left out, as a component of them comes out of a log (measure/firmware-component.h) or from
 * systemd; and those that are unknown: systemd-pcrlock then sees in the machine's log what no
 * component explains, and does not use that PCR.
 */
#pragma once

#include "measure/component.h"
#include "measure/measurement.h"

/* Adds them to *c, which has none of them, but may have those of a log. USAGE: the UKI's name can
 * be no variant's. */
int ingot_measurement_components(const struct ingot_measurement *m, struct ingot_components *c,
                                 ingot_error *reterr);
