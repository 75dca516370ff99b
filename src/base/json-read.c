/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading JSON: json-c's parser within bounds, and members by name and type. */
#include "base/json-read.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define DEPTH 32

static void free_tokener(struct json_tokener **t)
{
        if (*t)
                json_tokener_free(*t);
}

int ingot_json_parse(struct ingot_span text, size_t max, struct json_object **ret,
                     ingot_error *reterr)
{
        while (text.size > 0 && text.data[text.size - 1] == 0)
                text.size--;
        if (text.size > max || text.size >= INT_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%zu bytes of JSON, over %zu", text.size,
                                  max);
        _cleanup_(free_tokener) struct json_tokener *t = json_tokener_new_ex(DEPTH);
        if (!t)
                return ingot_fail_nomem(reterr);
        json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        const char *p = text.size > 0 ? (const char *) text.data : "";
        _cleanup_json_ struct json_object *o = json_tokener_parse_ex(t, p, (int) text.size);
        enum json_tokener_error e = json_tokener_get_error(t);
        if (e == json_tokener_continue)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no JSON: it ends too early, at byte %zu",
                                  text.size);
        if (e != json_tokener_success)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no JSON at byte %zu: %s",
                                  json_tokener_get_parse_end(t), json_tokener_error_desc(e));
        for (size_t i = json_tokener_get_parse_end(t); i < text.size; i++)
                if (!p[i] || !strchr(" \t\r\n", p[i]))
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "more behind the JSON, at byte %zu", i);
        *ret = o;
        o = NULL;
        return 0;
}

/* 1: not there. */
static int member(struct json_object *o, const char *key, enum json_type type,
                  struct json_object **ret, ingot_error *reterr)
{
        if (!json_object_is_type(o, json_type_object))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no object around '%s'", key);
        if (!json_object_object_get_ex(o, key, ret) || !*ret)
                return 1;
        if (!json_object_is_type(*ret, type))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' is no %s", key,
                                  json_type_to_name(type));
        return 0;
}

static int must(int r, const char *key, ingot_error *reterr)
{
        return r == 1 ? ingot_fail(reterr, INGOT_E_FORMAT, "no member '%s'", key) : r;
}

int ingot_json_want_text(struct json_object *o, const char *key, const char **ret,
                         ingot_error *reterr)
{
        struct json_object *m = NULL;
        int r = member(o, key, json_type_string, &m, reterr);
        if (r < 0)
                return r;
        const char *text = r == 0 ? json_object_get_string(m) : NULL;
        if (text && strlen(text) != (size_t) json_object_get_string_len(m))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' has a NUL in it", key);
        *ret = text;
        return 0;
}

int ingot_json_get_text(struct json_object *o, const char *key, const char **ret,
                        ingot_error *reterr)
{
        const char *text = NULL;
        int r = ingot_json_want_text(o, key, &text, reterr);
        if (r < 0)
                return r;
        if (!text)
                return must(1, key, reterr);
        *ret = text;
        return 0;
}

int ingot_json_get_u64(struct json_object *o, const char *key, uint64_t *ret, ingot_error *reterr)
{
        struct json_object *m = NULL;
        int r = must(member(o, key, json_type_int, &m, reterr), key, reterr);
        if (r < 0)
                return r;
        /* json-c gives 0 for a negative one: its text says what it is. */
        if (json_object_get_int64(m) < 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' is negative", key);
        *ret = json_object_get_uint64(m);
        return 0;
}

int ingot_json_get_bool(struct json_object *o, const char *key, bool *ret, ingot_error *reterr)
{
        struct json_object *m = NULL;
        int r = must(member(o, key, json_type_boolean, &m, reterr), key, reterr);
        if (r >= 0)
                *ret = json_object_get_boolean(m);
        return r;
}

int ingot_json_get_object(struct json_object *o, const char *key, struct json_object **ret,
                          ingot_error *reterr)
{
        struct json_object *m = NULL;
        int r = must(member(o, key, json_type_object, &m, reterr), key, reterr);
        if (r >= 0)
                *ret = m;
        return r;
}

int ingot_json_get_array(struct json_object *o, const char *key, size_t max,
                         struct json_object **ret, ingot_error *reterr)
{
        struct json_object *m = NULL;
        int r = must(member(o, key, json_type_array, &m, reterr), key, reterr);
        if (r < 0)
                return r;
        if (json_object_array_length(m) > max)
                return ingot_fail(reterr, INGOT_E_LIMIT, "'%s' has %zu items, over %zu", key,
                                  json_object_array_length(m), max);
        *ret = m;
        return 0;
}

int ingot_json_get_hex(struct json_object *o, const char *key, uint8_t *ret, size_t size,
                       ingot_error *reterr)
{
        const char *text = NULL;
        int r = ingot_json_get_text(o, key, &text, reterr);
        if (r < 0)
                return r;
        if (!ingot_unhex(ret, size, text))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' is not %zu hexadecimal digits", key,
                                  2 * size);
        return 0;
}

int ingot_json_get_base64(struct json_object *o, const char *key, struct ingot_buffer *ret,
                          ingot_error *reterr)
{
        const char *text = NULL;
        int r = ingot_json_get_text(o, key, &text, reterr);
        if (r < 0)
                return r;
        return ingot_under(reterr, ingot_base64_decode(INGOT_SPAN(text, strlen(text)), ret, reterr),
                           "'%s'", key);
}

int ingot_json_check_format(struct json_object *o, const char *type, uint64_t format,
                            ingot_error *reterr)
{
        const char *have;
        uint64_t number;
        int r = ingot_json_get_text(o, "type", &have, reterr);
        if (r >= 0 && strcmp(have, type) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'type' is '%s', not %s", have, type);
        if (r >= 0)
                r = ingot_json_get_u64(o, "format", &number, reterr);
        if (r >= 0 && number != format)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "it is of format %" PRIu64 ", this program reads format %" PRIu64
                                  ": a newer ingot is needed",
                                  number, format);
        return r < 0 ? r : 0;
}
