/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A JSON text sequence, record by record; each is parsed, read and freed before the next. */
#include "measure/userspace-log.h"

#include "base/cleanup.h"
#include "base/json-read.h"
#include "measure/record-json.h"

#include <stdlib.h>

#define RECORD_SEPARATOR 0x1e

static void event_done(struct ingot_userspace_event *e)
{
        free(e->type);
        free(e->string);
        free(e->nv_name);
        free(e->boot_id);
        *e = (struct ingot_userspace_event){0};
}

void ingot_userspace_log_done(struct ingot_userspace_log *log)
{
        for (size_t i = 0; i < log->count; i++)
                event_done(log->events + i);
        free(log->events);
        ingot_strings_done(&log->problems);
        *log = (struct ingot_userspace_log){0};
}

static int copy_text(struct json_object *o, const char *key, char **ret, ingot_error *reterr)
{
        const char *text;
        int r = ingot_json_want_text(o, key, &text, reterr);
        return r < 0 || !text ? r : ingot_strdup(ret, text, reterr);
}

static int read_content(struct json_object *o, struct ingot_userspace_event *ret,
                        ingot_error *reterr)
{
        struct json_object *content;
        if (!json_object_object_get_ex(o, "content", NULL))
                return 0;
        int r = ingot_json_get_object(o, "content", &content, reterr);
        if (r >= 0)
                r = copy_text(content, "eventType", &ret->type, reterr);
        if (r >= 0)
                r = copy_text(content, "string", &ret->string, reterr);
        if (r >= 0)
                r = copy_text(content, "nvIndexName", &ret->nv_name, reterr);
        if (r >= 0)
                r = copy_text(content, "bootId", &ret->boot_id, reterr);
        if (r >= 0 && json_object_object_get_ex(content, "timestamp", NULL))
                r = ingot_json_get_u64(content, "timestamp", &ret->timestamp_usec, reterr);
        return r;
}

static int read_record(struct ingot_span text, struct ingot_userspace_event *ret,
                       ingot_error *reterr)
{
        _cleanup_(event_done) struct ingot_userspace_event e = {.text = text};
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_parse(text, INGOT_USERSPACE_RECORD_SIZE_MAX, &o, reterr);
        if (r >= 0)
                r = ingot_record_read_json(o, &e.record, reterr);
        if (r >= 0)
                r = read_content(o, &e, reterr);
        if (r < 0)
                return r;
        *ret = e;
        e = (struct ingot_userspace_event){0};
        return 0;
}

static int append(struct ingot_userspace_log *log, struct ingot_userspace_event *e,
                  ingot_error *reterr)
{
        if (log->count == log->room) {
                size_t room = log->room ? 2 * log->room : 16;
                struct ingot_userspace_event *more =
                        reallocarray(log->events, room, sizeof(*log->events));
                if (!more)
                        return ingot_fail_nomem(reterr);
                log->events = more;
                log->room = room;
        }
        log->events[log->count++] = *e;
        *e = (struct ingot_userspace_event){0};
        return 0;
}

static int note_problem(struct ingot_userspace_log *log, size_t number, size_t at, const char *why,
                        ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        if (log->problem_count++ >= INGOT_USERSPACE_PROBLEMS_MAX)
                return 0;
        int r = number ? ingot_format(&text, reterr, "record %zu at byte %zu: %s", number, at, why)
                       : ingot_strdup(&text, why, reterr);
        return r < 0 ? r : ingot_strings_add(&log->problems, text, reterr);
}

/* One record, of which TEXT begins at byte AT. What it says wrong is no failure. */
static int take_record(struct ingot_userspace_log *log, struct ingot_span text, size_t number,
                       size_t at, ingot_error *reterr)
{
        _cleanup_(event_done) struct ingot_userspace_event e = {0};
        ingot_error why = {0};
        int r = read_record(text, &e, &why);
        if (r == -INGOT_E_FORMAT || r == -INGOT_E_LIMIT)
                return note_problem(log, number, at, why.text, reterr);
        if (r < 0) {
                if (reterr)
                        *reterr = why;
                return r;
        }
        return append(log, &e, reterr);
}

static int decode(struct ingot_userspace_log *log, struct ingot_span bytes, ingot_error *reterr)
{
        const uint8_t *end = bytes.data + bytes.size;
        const uint8_t *p = memchr(bytes.data, RECORD_SEPARATOR, bytes.size);
        int r = 0;
        if (!p)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "no log of user space: no record begins in it");
        if (p > bytes.data)
                r = note_problem(log, 0, 0, "it does not begin with a record", reterr);
        for (size_t number = 1; r >= 0 && p < end; number++) {
                const uint8_t *next = memchr(p + 1, RECORD_SEPARATOR, (size_t) (end - p - 1));
                next = next ? next : end;
                if (number > INGOT_USERSPACE_RECORDS_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT,
                                          "a log of user space with more than %d records",
                                          INGOT_USERSPACE_RECORDS_MAX);
                r = take_record(log, INGOT_SPAN(p + 1, (size_t) (next - p - 1)), number,
                                (size_t) (p - bytes.data), reterr);
                p = next;
        }
        if (r >= 0 && log->count == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no log of user space: %s",
                                  log->problems.items[0]);
        return r;
}

int ingot_userspace_log_decode(struct ingot_span bytes, struct ingot_userspace_log *ret,
                               ingot_error *reterr)
{
        _cleanup_userspace_log_ struct ingot_userspace_log log = {0};
        if (bytes.size > INGOT_USERSPACE_LOG_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "a log of user space of more than %zu MiB",
                                  INGOT_USERSPACE_LOG_SIZE_MAX >> 20);
        int r = bytes.size ? decode(&log, bytes, reterr) : 0;
        if (r < 0)
                return r;
        *ret = log;
        log = (struct ingot_userspace_log){0};
        return 0;
}

/* Of these the string is what was measured, without a NUL. */
static bool string_is_measured(const char *type)
{
        static const char *const types[] = {
                "phase",       "filesystem",      "machine-id",   "product-id", "keyslot",
                "nvpcr-init",  "nvpcr-separator", "os-separator", "dm-verity",
        };
        for (size_t i = 0; type && i < ARRAY_SIZE(types); i++)
                if (strcmp(types[i], type) == 0)
                        return true;
        return false;
}

enum ingot_event_match ingot_userspace_event_match(const struct ingot_userspace_event *e)
{
        bool matches = true;
        if (!e->string)
                return INGOT_EVENT_UNCHECKED;
        struct ingot_span string = INGOT_SPAN(e->string, strlen(e->string));
        for (enum ingot_bank bank = 0; bank < INGOT_BANK_MAX; bank++) {
                uint8_t want[INGOT_BANK_SIZE_MAX];
                if (!(e->record.banks & 1u << bank))
                        continue;
                if (ingot_bank_digest(bank, string, want, NULL) < 0)
                        return INGOT_EVENT_UNCHECKED;
                matches = matches &&
                          memcmp(want, e->record.digest[bank], ingot_bank_size(bank)) == 0;
        }
        if (matches)
                return INGOT_EVENT_MATCHES;
        return string_is_measured(e->type) ? INGOT_EVENT_DIFFERS : INGOT_EVENT_UNCHECKED;
}
