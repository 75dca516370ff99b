/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of units. */
#include "image/update-units.h"

#include <stddef.h>

#define UNIT(symbol) extern const uint8_t ingot_unit_##symbol[], ingot_unit_##symbol##_end[];
UNIT(boot_begin)
UNIT(boot_complete)
UNIT(boot_failed)
UNIT(extensions)
UNIT(update_service)
UNIT(update_timer)
#undef UNIT

#define TEXT(symbol) ingot_unit_##symbol, ingot_unit_##symbol##_end

const struct ingot_update_unit ingot_update_units[] = {
        {"ingot-boot-begin.service", TEXT(boot_begin), "sysinit.target", false},
        {"ingot-boot-complete.service", TEXT(boot_complete), "systemd-bless-boot.service", false},
        {"ingot-boot-failed.service", TEXT(boot_failed), "emergency.target", false},
        {"ingot-extensions.service", TEXT(extensions), "sysinit.target", false},
        {"ingot-update.service", TEXT(update_service), NULL, false},
        {"ingot-update.timer", TEXT(update_timer), "timers.target", true},
        {0},
};
