/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON on stdout. Objects are json-c's; numbers are exact up to 2^64 - 1; a text that is no UTF-8
 * is escaped as on the terminal. Members keep the order in which they were added.
 */
#pragma once

#include "base/error.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

static inline void json_put_p(struct json_object **o)
{
        json_object_put(*o);
}
#define _cleanup_json_ __attribute__((cleanup(json_put_p)))

/* New ones in *ret; the caller owns them until they are added to another. */
int json_new_object(struct json_object **ret, ingot_error *reterr);
int json_new_array(struct json_object **ret, ingot_error *reterr);

/* KEY is the member's name, or NULL when O is an array. A NULL text is null. */
int json_add_text(struct json_object *o, const char *key, const char *text, ingot_error *reterr);
int json_add_u64(struct json_object *o, const char *key, uint64_t value, ingot_error *reterr);
int json_add_bool(struct json_object *o, const char *key, bool value, ingot_error *reterr);
/* Takes *value, also on failure. */
int json_add(struct json_object *o, const char *key, struct json_object **value,
             ingot_error *reterr);

/* Pretty on a terminal, one line elsewhere. */
int json_print(struct json_object *o, ingot_error *reterr);
