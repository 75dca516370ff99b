/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON on stdout. */
#pragma once

#include "base/json.h"

/* Pretty on a terminal, one line elsewhere. */
int json_print(struct json_object *o, ingot_error *reterr);
