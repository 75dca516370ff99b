/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events as JSON, in the shape of TCG's Canonical Event Log Format 1.0. */
#include "cli/pcr-log.h"

#include "base/cleanup.h"
#include "base/json-read.h"
#include "measure/record-json.h"

#include <inttypes.h>
#include <stdio.h>

int pcr_log_type_text(uint32_t type, char **ret, ingot_error *reterr)
{
        const char *name = ingot_event_type_name(type);
        if (!name)
                return ingot_format(ret, reterr, "%#" PRIx32, type);
        name += ingot_starts_with(name, "EV_EFI_") ? 7 : 3;
        int r = ingot_strdup(ret, name, reterr);
        for (char *c = r < 0 ? NULL : *ret; c && *c; c++)
                *c = *c == '_' ? ' ' : (char) (*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
        return r;
}

static int add_digest(struct json_object *list, const char *name, const uint8_t *digest,
                      size_t size, ingot_error *reterr)
{
        struct json_object *o;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "hashAlg", name, reterr);
        return r < 0 ? r : ingot_json_add_hex(o, "digest", digest, size, reterr);
}

static int add_event_digests(struct json_object *o, const struct ingot_event *e,
                             ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_add_array(o, "digests", &list, reterr);
        for (size_t i = 0; r >= 0 && i < e->digest_count; i++) {
                char number[16];
                enum ingot_bank bank;
                bool known = ingot_bank_of_algorithm(e->digests[i].algorithm, &bank);
                snprintf(number, sizeof(number), "0x%04x", e->digests[i].algorithm);
                r = add_digest(list, known ? ingot_bank_name(bank) : number, e->digests[i].data,
                               e->digests[i].size, reterr);
        }
        return r;
}

/* What the data says, beside the data itself. */
static int add_meaning(struct json_object *o, const char *text, enum ingot_event_match match,
                       ingot_error *reterr)
{
        static const char *const words[] = {
                [INGOT_EVENT_UNCHECKED] = NULL,
                [INGOT_EVENT_MATCHES] = "yes",
                [INGOT_EVENT_DIFFERS] = "no",
        };
        int r = ingot_json_add_text(o, "description", text, reterr);
        return r < 0 ? r : ingot_json_add_text(o, "data_matches_digest", words[match], reterr);
}

static int add_event_meaning(struct json_object *o, const struct ingot_event *e,
                             ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer what = {0};
        int r = ingot_event_text(e, &what, reterr);
        return r < 0 ? r : add_meaning(o, (const char *) what.data, ingot_event_match(e), reterr);
}

static int add_event_content(struct json_object *o, const struct ingot_event *e,
                             ingot_error *reterr)
{
        struct json_object *content;
        const char *name = ingot_event_type_name(e->type);
        char number[16];
        snprintf(number, sizeof(number), "%#" PRIx32, e->type);
        int r = ingot_json_add_text(o, "content_type", "pcclient_std", reterr);
        if (r >= 0)
                r = ingot_json_add_object(o, "content", &content, reterr);
        if (r >= 0)
                r = ingot_json_add_text(content, "event_type", name ? name : number, reterr);
        return r < 0 ? r
                     : ingot_json_add_hex(content, "event_data", e->data.data, e->data.size,
                                          reterr);
}

static int add_event(struct json_object *o, const struct ingot_event *e, size_t number,
                     bool meaning, ingot_error *reterr)
{
        int r = ingot_json_add_u64(o, "recnum", number, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "pcr", e->index, reterr);
        if (r >= 0)
                r = add_event_digests(o, e, reterr);
        if (r >= 0)
                r = add_event_content(o, e, reterr);
        return r < 0 || !meaning ? r : add_event_meaning(o, e, reterr);
}

/* The content as the log has it, with what we know nothing of. */
static int add_userspace_content(struct json_object *o, const struct ingot_userspace_event *e,
                                 ingot_error *reterr)
{
        _cleanup_json_ struct json_object *record = NULL, *content = NULL;
        struct json_object *found = NULL;
        int r = ingot_json_add_text(o, "content_type", "systemd", reterr);
        if (r >= 0)
                r = ingot_json_parse(e->text, INGOT_USERSPACE_RECORD_SIZE_MAX, &record, reterr);
        if (r < 0 || !json_object_object_get_ex(record, "content", &found) || !found)
                return r;
        content = json_object_get(found);
        return ingot_json_add(o, "content", &content, reterr);
}

static int add_userspace_event(struct json_object *o, const struct ingot_userspace_event *e,
                               size_t number, bool meaning, ingot_error *reterr)
{
        int r = ingot_json_add_u64(o, "recnum", number, reterr);
        if (r >= 0)
                r = ingot_record_add_json(o, &e->record, reterr);
        if (r >= 0)
                r = add_userspace_content(o, e, reterr);
        return r < 0 || !meaning
                       ? r
                       : add_meaning(o, e->string, ingot_userspace_event_match(e), reterr);
}

int pcr_log_add_events(struct json_object *list, const struct ingot_boot_log *log, bool meaning,
                       ingot_error *reterr)
{
        struct json_object *o;
        size_t number = 0;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < log->firmware.count; i++) {
                if (!meaning && log->firmware.events[i].type == INGOT_EV_NO_ACTION)
                        continue;
                r = ingot_json_add_object(list, NULL, &o, reterr);
                if (r >= 0)
                        r = add_event(o, log->firmware.events + i, ++number, meaning, reterr);
        }
        for (size_t i = 0; r >= 0 && i < log->userspace.count; i++) {
                r = ingot_json_add_object(list, NULL, &o, reterr);
                if (r >= 0)
                        r = add_userspace_event(o, log->userspace.events + i, ++number, meaning,
                                                reterr);
        }
        return r;
}
