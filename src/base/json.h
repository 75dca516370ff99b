/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making JSON. Objects are json-c's; numbers are exact up to 2^64 - 1; a text that is no UTF-8 is
 * escaped as on a terminal. Members keep the order in which they were added.
 */
#pragma once

#include "base/error.h"
#include "base/uuid.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void ingot_json_put_p(struct json_object **o)
{
        json_object_put(*o);
}
#define _cleanup_json_ __attribute__((cleanup(ingot_json_put_p)))

/* New ones in *ret; the caller owns them until they are added to another. */
int ingot_json_new_object(struct json_object **ret, ingot_error *reterr);
int ingot_json_new_array(struct json_object **ret, ingot_error *reterr);

/* KEY is the member's name, or NULL when O is an array. A NULL text is null. */
int ingot_json_add_text(struct json_object *o, const char *key, const char *text,
                        ingot_error *reterr);
int ingot_json_add_u64(struct json_object *o, const char *key, uint64_t value, ingot_error *reterr);
int ingot_json_add_bool(struct json_object *o, const char *key, bool value, ingot_error *reterr);
/* Lower-case hexadecimal digits. */
int ingot_json_add_hex(struct json_object *o, const char *key, const uint8_t *data, size_t size,
                       ingot_error *reterr);
int ingot_json_add_uuid(struct json_object *o, const char *key, const struct ingot_uuid *uuid,
                        ingot_error *reterr);
/* Takes *value, also on failure. */
int ingot_json_add(struct json_object *o, const char *key, struct json_object **value,
                   ingot_error *reterr);
/* A new one, already added: *ret is O's. */
int ingot_json_add_object(struct json_object *o, const char *key, struct json_object **ret,
                          ingot_error *reterr);
int ingot_json_add_array(struct json_object *o, const char *key, struct json_object **ret,
                         ingot_error *reterr);

/* The text, in *ret until O is freed; PRETTY: over several lines. */
int ingot_json_text(struct json_object *o, bool pretty, const char **ret, ingot_error *reterr);
