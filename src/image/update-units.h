/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The units of data/units, as the assembler took them in (update-units.S.in). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ingot_update_unit {
        const char *name;
        const uint8_t *start, *end; /* of its text */
        const char *wanted_by;      /* as its [Install] says; NULL: nothing starts it by itself */
        bool is_timer;
};
/* Ends with one without a name. */
extern const struct ingot_update_unit ingot_update_units[];
