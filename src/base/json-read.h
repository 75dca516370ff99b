/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading JSON that somebody else wrote. The members of an object are asked for by name; FORMAT
 * says which one is missing or of another type. What is returned belongs to the object.
 */
#pragma once

#include "base/buffer.h"
#include "base/json.h"

/* One value and nothing but white space, or NULs (padding of sections and partitions), around it.
 * LIMIT above MAX bytes, FORMAT for anything else, and for more than 32 levels. */
int ingot_json_parse(struct ingot_span text, size_t max, struct json_object **ret,
                     ingot_error *reterr);

/* NULL in *ret when there is no such member, and when it is null. FORMAT when it is of another
 * type, or a text with a NUL in it. */
int ingot_json_want_text(struct json_object *o, const char *key, const char **ret,
                         ingot_error *reterr);

/* The same where the member must be there. */
int ingot_json_get_text(struct json_object *o, const char *key, const char **ret,
                        ingot_error *reterr);
int ingot_json_get_u64(struct json_object *o, const char *key, uint64_t *ret, ingot_error *reterr);
int ingot_json_get_bool(struct json_object *o, const char *key, bool *ret, ingot_error *reterr);
int ingot_json_get_object(struct json_object *o, const char *key, struct json_object **ret,
                          ingot_error *reterr);
/* LIMIT for more than MAX items. */
int ingot_json_get_array(struct json_object *o, const char *key, size_t max,
                         struct json_object **ret, ingot_error *reterr);
/* Exactly SIZE bytes in hexadecimal digits. */
int ingot_json_get_hex(struct json_object *o, const char *key, uint8_t *ret, size_t size,
                       ingot_error *reterr);
/* Appends to *ret. */
int ingot_json_get_base64(struct json_object *o, const char *key, struct ingot_buffer *ret,
                          ingot_error *reterr);

/* Of a file of ours: its "type" must be TYPE (FORMAT) and its "format" this number (UNSUPPORTED).
 */
int ingot_json_check_format(struct json_object *o, const char *type, uint64_t format,
                            ingot_error *reterr);
