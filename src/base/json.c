/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thin layer over json-c that reports what can fail. */
#include "base/json.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <stdlib.h>

static int made(struct json_object *o, struct json_object **ret, ingot_error *reterr)
{
        if (!o)
                return ingot_fail_nomem(reterr);
        *ret = o;
        return 0;
}

int ingot_json_new_object(struct json_object **ret, ingot_error *reterr)
{
        return made(json_object_new_object(), ret, reterr);
}

int ingot_json_new_array(struct json_object **ret, ingot_error *reterr)
{
        return made(json_object_new_array(), ret, reterr);
}

int ingot_json_add(struct json_object *o, const char *key, struct json_object **value,
                   ingot_error *reterr)
{
        int r = key ? json_object_object_add(o, key, *value) : json_object_array_add(o, *value);
        if (r < 0)
                json_object_put(*value);
        *value = NULL;
        return r < 0 ? ingot_fail_nomem(reterr) : 0;
}

static int add_new(struct json_object *o, const char *key, struct json_object *value,
                   ingot_error *reterr)
{
        if (!value)
                return ingot_fail_nomem(reterr);
        return ingot_json_add(o, key, &value, reterr);
}

int ingot_json_add_text(struct json_object *o, const char *key, const char *text,
                        ingot_error *reterr)
{
        struct json_object *null = NULL;
        if (!text)
                return ingot_json_add(o, key, &null, reterr);
        if (ingot_utf8_valid(text))
                return add_new(o, key, json_object_new_string(text), reterr);
        _cleanup_free_ char *escaped = ingot_escape(text);
        if (!escaped)
                return ingot_fail_nomem(reterr);
        return add_new(o, key, json_object_new_string(escaped), reterr);
}

int ingot_json_add_u64(struct json_object *o, const char *key, uint64_t value, ingot_error *reterr)
{
        return add_new(o, key, json_object_new_uint64(value), reterr);
}

int ingot_json_add_bool(struct json_object *o, const char *key, bool value, ingot_error *reterr)
{
        return add_new(o, key, json_object_new_boolean(value), reterr);
}

int ingot_json_add_hex(struct json_object *o, const char *key, const uint8_t *data, size_t size,
                       ingot_error *reterr)
{
        _cleanup_free_ char *hex = malloc(2 * size + 1);
        if (!hex)
                return ingot_fail_nomem(reterr);
        ingot_hex(hex, data, size);
        return ingot_json_add_text(o, key, hex, reterr);
}

int ingot_json_add_uuid(struct json_object *o, const char *key, const struct ingot_uuid *uuid,
                        ingot_error *reterr)
{
        char text[INGOT_UUID_TEXT_SIZE];
        ingot_uuid_format(uuid, text);
        return ingot_json_add_text(o, key, text, reterr);
}

static int add_kept(struct json_object *o, const char *key, struct json_object *value,
                    struct json_object **ret, ingot_error *reterr)
{
        int r = add_new(o, key, value, reterr);
        if (r >= 0)
                *ret = value;
        return r;
}

int ingot_json_add_object(struct json_object *o, const char *key, struct json_object **ret,
                          ingot_error *reterr)
{
        return add_kept(o, key, json_object_new_object(), ret, reterr);
}

int ingot_json_add_array(struct json_object *o, const char *key, struct json_object **ret,
                         ingot_error *reterr)
{
        return add_kept(o, key, json_object_new_array(), ret, reterr);
}

int ingot_json_text(struct json_object *o, bool pretty, const char **ret, ingot_error *reterr)
{
        int flags = JSON_C_TO_STRING_NOSLASHESCAPE |
                    (pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
                            : JSON_C_TO_STRING_PLAIN);
        *ret = json_object_to_json_string_ext(o, flags);
        return *ret ? 0 : ingot_fail_nomem(reterr);
}
