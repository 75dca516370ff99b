/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* state.json, read and written (docs/formats/update-state.md). */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/json-read.h"
#include "base/text.h"
#include "update/state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_NUMBER 1
#define LIST_MAX 4096 /* of a file that somebody else wrote; what is kept has smaller limits */

/* ---- reading ---- */

static int get_copy(struct json_object *o, const char *key, bool wanted, char **ret,
                    ingot_error *reterr)
{
        const char *text = NULL;
        int r = wanted ? ingot_json_want_text(o, key, &text, reterr)
                       : ingot_json_get_text(o, key, &text, reterr);
        return r < 0 || !text ? r : ingot_strdup(ret, text, reterr);
}

typedef int (*item_fn)(struct ingot_update_state *s, struct json_object *o, ingot_error *reterr);

static int each(struct ingot_update_state *s, struct json_object *o, const char *key, item_fn fn,
                ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_get_array(o, key, LIST_MAX, &list, reterr);
        size_t count = r < 0 ? 0 : json_object_array_length(list);
        for (size_t i = 0; r >= 0 && i < count; i++) {
                struct json_object *item = json_object_array_get_idx(list, i);
                if (!json_object_is_type(item, json_type_object))
                        r = ingot_fail(reterr, INGOT_E_FORMAT, "an item is no object");
                else
                        r = fn(s, item, reterr);
                r = ingot_under(reterr, r, "%s", key);
        }
        return r;
}

static int read_serial(struct ingot_update_state *s, struct json_object *o, ingot_error *reterr)
{
        const char *channel;
        uint64_t serial;
        int r = ingot_json_get_text(o, "channel", &channel, reterr);
        if (r >= 0)
                r = ingot_json_get_u64(o, "serial", &serial, reterr);
        return r < 0 ? r : ingot_update_serial_set(s, channel, serial, reterr);
}

/* Texts of *o, which outlives what they are copied for. */
static int read_failure(struct ingot_update_state *s, struct json_object *o, ingot_error *reterr)
{
        const char *version, *unit = NULL, *reason = NULL;
        uint64_t time;
        int r = ingot_json_get_text(o, "version", &version, reterr);
        if (r >= 0)
                r = ingot_json_want_text(o, "unit", &unit, reterr);
        if (r >= 0)
                r = ingot_json_want_text(o, "reason", &reason, reterr);
        if (r >= 0)
                r = ingot_json_get_u64(o, "time", &time, reterr);
        if (r < 0)
                return r;
        const struct ingot_update_failure f = {(char *) version, (char *) unit, (char *) reason,
                                               time};
        return ingot_update_failure_add(s, &f, reterr);
}

static int read_last(struct json_object *o, struct ingot_update_last *ret, ingot_error *reterr)
{
        struct json_object *last;
        int r = ingot_json_get_object(o, "last", &last, reterr);
        if (r >= 0)
                r = get_copy(last, "version", true, &ret->version, reterr);
        if (r >= 0)
                r = get_copy(last, "problem", true, &ret->problem, reterr);
        if (r >= 0)
                r = ingot_json_get_u64(last, "begun", &ret->begun, reterr);
        if (r >= 0)
                r = ingot_json_get_u64(last, "finished", &ret->finished, reterr);
        if (r >= 0)
                r = ingot_json_get_u64(last, "fetched", &ret->fetched, reterr);
        if (r >= 0)
                r = ingot_json_get_u64(last, "msec", &ret->msec, reterr);
        return ingot_under(reterr, r, "last");
}

int ingot_update_state_decode(struct ingot_span text, struct ingot_update_state *ret,
                              ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_update_state_ struct ingot_update_state s = {0};
        uint64_t format = 0;
        int r = ingot_json_parse(text, INGOT_UPDATE_STATE_SIZE_MAX, &o, reterr);
        if (r >= 0 && !json_object_is_type(o, json_type_object))
                r = ingot_fail(reterr, INGOT_E_FORMAT, "no JSON object");
        if (r >= 0)
                r = ingot_json_get_u64(o, "format", &format, reterr);
        if (r >= 0 && format != FORMAT_NUMBER)
                r = ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                               "written by a newer ingot (format %" PRIu64 ")", format);
        if (r >= 0)
                r = ingot_json_get_u64(o, "checked", &s.checked, reterr);
        if (r >= 0)
                r = get_copy(o, "pin", true, &s.pin, reterr);
        if (r >= 0)
                r = read_last(o, &s.last, reterr);
        if (r >= 0)
                r = each(&s, o, "serials", read_serial, reterr);
        if (r >= 0)
                r = each(&s, o, "failures", read_failure, reterr);
        if (r < 0)
                return r;
        *ret = s;
        s = (struct ingot_update_state){0};
        return 0;
}

/* ---- writing ---- */

static int add_last(struct json_object *o, const struct ingot_update_last *l, ingot_error *reterr)
{
        struct json_object *last;
        int r = ingot_json_add_object(o, "last", &last, reterr);
        if (r >= 0)
                r = ingot_json_add_text(last, "version", l->version, reterr);
        if (r >= 0)
                r = ingot_json_add_text(last, "problem", l->problem, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(last, "begun", l->begun, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(last, "finished", l->finished, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(last, "fetched", l->fetched, reterr);
        return r < 0 ? r : ingot_json_add_u64(last, "msec", l->msec, reterr);
}

static int add_serials(struct json_object *o, const struct ingot_update_state *s,
                       ingot_error *reterr)
{
        struct json_object *list, *item;
        int r = ingot_json_add_array(o, "serials", &list, reterr);
        for (size_t i = 0; r >= 0 && i < s->serial_count; i++) {
                r = ingot_json_add_object(list, NULL, &item, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(item, "channel", s->serials[i].channel, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(item, "serial", s->serials[i].serial, reterr);
        }
        return r;
}

int ingot_update_failures_json(struct json_object *o, const struct ingot_update_state *s,
                               ingot_error *reterr)
{
        struct json_object *list, *item;
        int r = ingot_json_add_array(o, "failures", &list, reterr);
        for (size_t i = 0; r >= 0 && i < s->failure_count; i++) {
                const struct ingot_update_failure *f = s->failures + i;
                r = ingot_json_add_object(list, NULL, &item, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(item, "version", f->version, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(item, "unit", f->unit, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(item, "reason", f->reason, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(item, "time", f->time, reterr);
        }
        return r;
}

int ingot_update_state_encode(const struct ingot_update_state *s, struct ingot_buffer *ret,
                              ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        const char *text;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "format", FORMAT_NUMBER, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "checked", s->checked, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "pin", s->pin, reterr);
        if (r >= 0)
                r = add_last(o, &s->last, reterr);
        if (r >= 0)
                r = add_serials(o, s, reterr);
        if (r >= 0)
                r = ingot_update_failures_json(o, s, reterr);
        if (r >= 0)
                r = ingot_json_text(o, true, &text, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "%s\n", text);
}
