/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `ingot boot --check` prints about a guest's report. */
#pragma once

#include "vm/check.h"

int check_report_print(const struct ingot_check *c, ingot_error *reterr);
int check_report_print_json(const struct ingot_check *c, bool powered_off, ingot_error *reterr);
