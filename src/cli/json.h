/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON on stdout. */
#pragma once

#include "base/json.h"
#include "base/text.h"

/* Pretty on a terminal, one line elsewhere. */
int json_print(struct json_object *o, ingot_error *reterr);
/* A member KEY of O that is a list of texts. */
int json_add_texts(struct json_object *o, const char *key, const struct ingot_strings *texts,
                   ingot_error *reterr);
