/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The measurement manifest, read (docs/formats/measurement.md). Only the events are taken; the
 * values are computed of them, and those of the text must be the same. */
#include "base/cleanup.h"
#include "base/json-read.h"
#include "measure/measurement.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_NUMBER 1
#define NOTES_MAX 4096

static int take_text(struct json_object *o, const char *key, bool must, char **ret,
                     ingot_error *reterr)
{
        const char *text;
        int r = must ? ingot_json_get_text(o, key, &text, reterr)
                     : ingot_json_want_text(o, key, &text, reterr);
        return r < 0 || !text ? r : ingot_strdup(ret, text, reterr);
}

static int decode_program(struct json_object *o, const char *key, bool must,
                          struct ingot_measured_program *ret, ingot_error *reterr)
{
        struct json_object *program;
        if (!must && !json_object_object_get(o, key))
                return 0;
        int r = ingot_json_get_object(o, key, &program, reterr);
        if (r >= 0)
                r = take_text(program, "path", true, &ret->path, reterr);
        if (r >= 0)
                r = take_text(program, "info", false, &ret->info, reterr);
        if (r >= 0)
                r = ingot_json_get_hex(program, "authenticode_sha256", ret->digest,
                                       ingot_bank_size(INGOT_BANK_SHA256), reterr);
        return r < 0 ? ingot_under(reterr, r, "%s", key) : r;
}

/* One of the words of a closed set. */
static int unknown_word(const char *key, const char *word, ingot_error *reterr)
{
        return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' is '%s', which is not known", key, word);
}

static int decode_words(struct json_object *o, struct ingot_measured_event *e, ingot_error *reterr)
{
        const char *by, *phase, *state;
        int r = ingot_json_get_text(o, "by", &by, reterr);
        if (r >= 0)
                r = ingot_json_get_text(o, "phase", &phase, reterr);
        if (r >= 0)
                r = ingot_json_get_text(o, "state", &state, reterr);
        if (r < 0)
                return r;
        if (!ingot_measurer_parse(by, &e->by))
                return unknown_word("by", by, reterr);
        if (!ingot_phase_parse(phase, &e->phase))
                return unknown_word("phase", phase, reterr);
        if (!ingot_measured_state_parse(state, &e->state))
                return unknown_word("state", state, reterr);
        r = take_text(o, "component", true, &e->component, reterr);
        if (r >= 0)
                r = take_text(o, "what", true, &e->what, reterr);
        return r < 0 ? r
                     : take_text(o, "reason", e->state != INGOT_MEASURED_FINAL, &e->reason, reterr);
}

static int decode_type(struct json_object *o, struct ingot_measured_event *e, ingot_error *reterr)
{
        const char *type;
        uint64_t tag = 0;
        if (e->by == INGOT_MEASURER_INITRD || e->by == INGOT_MEASURER_SYSTEM)
                return 0;
        int r = ingot_json_get_text(o, "type", &type, reterr);
        if (r < 0)
                return r;
        if (!ingot_event_type_parse(type, &e->type))
                return unknown_word("type", type, reterr);
        if (e->type == INGOT_EV_EVENT_TAG)
                r = ingot_json_get_u64(o, "tag", &tag, reterr);
        if (tag > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'tag' has more than 32 bits");
        e->tag = (uint32_t) tag;
        return r;
}

static int decode_digests(struct json_object *o, struct ingot_record *record, ingot_error *reterr)
{
        struct json_object *digests;
        int r = ingot_json_get_object(o, "digests", &digests, reterr);
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                r = ingot_json_get_hex(digests, ingot_bank_name(bank), record->digest[bank],
                                       ingot_bank_size(bank), reterr);
        record->banks = (1u << INGOT_BANK_MAX) - 1;
        return r;
}

static int decode_event(struct json_object *o, struct ingot_measured_event *e, ingot_error *reterr)
{
        uint64_t pcr;
        int r = ingot_json_get_u64(o, "pcr", &pcr, reterr);
        if (r >= 0 && pcr > 23)
                return ingot_fail(reterr, INGOT_E_FORMAT, "there is no PCR %" PRIu64, pcr);
        if (r >= 0)
                r = decode_words(o, e, reterr);
        if (r >= 0)
                r = decode_type(o, e, reterr);
        if (r >= 0)
                r = ingot_json_get_bool(o, "confidential", &e->confidential, reterr);
        if (r >= 0 && json_object_object_get(o, "insecure"))
                r = ingot_json_get_bool(o, "insecure", &e->insecure, reterr);
        if (r >= 0 && e->state != INGOT_MEASURED_UNKNOWN)
                r = decode_digests(o, &e->record, reterr);
        if (r >= 0)
                e->record.pcr = (uint32_t) pcr;
        return r;
}

static int decode_events(struct json_object *o, struct ingot_measured_profile *p,
                         ingot_error *reterr)
{
        struct json_object *list;
        enum ingot_phase phase = INGOT_PHASE_BOOT;
        int r = ingot_json_get_array(o, "events", INGOT_MEASURED_EVENTS_MAX, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                struct ingot_measured_event *e;
                r = ingot_measured_profile_add(p, &e, reterr);
                if (r >= 0)
                        r = decode_event(json_object_array_get_idx(list, i), e, reterr);
                if (r >= 0 && e->phase < phase)
                        r = ingot_fail(reterr, INGOT_E_FORMAT,
                                       "of an earlier phase than the one "
                                       "before it");
                if (r < 0)
                        return ingot_under(reterr, r, "event %zu", i + 1);
                phase = e->phase;
        }
        return r;
}

/* The value that the text has is the one that follows: KNOWN says whether there is one. */
static int check_value(struct json_object *values, const char *key, bool known,
                       const uint8_t *value, size_t size, ingot_error *reterr)
{
        uint8_t told[INGOT_BANK_SIZE_MAX];
        struct json_object *member;
        if (!json_object_object_get_ex(values, key, &member))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' is missing", key);
        if (!member && !known)
                return 0;
        int r = member ? ingot_json_get_hex(values, key, told, size, reterr) : 0;
        if (r < 0)
                return r;
        if (!member || !known || memcmp(told, value, size) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' does not follow from the events",
                                  key);
        return 0;
}

/* What the text says of one phase, and what follows from the events. */
struct values {
        struct ingot_pcr pcrs[INGOT_MEASURED_PCR_COUNT];
        unsigned unknown, wanted; /* a bit for each of them */
        struct ingot_pcr keys;    /* PCR 7, which is there when it is known */
        bool has_keys;
};

static int check_bank(struct json_object *banks, enum ingot_bank bank, const struct values *v,
                      ingot_error *reterr)
{
        struct json_object *values;
        int r = ingot_json_get_object(banks, ingot_bank_name(bank), &values, reterr);
        for (unsigned i = 0; r >= 0 && i < INGOT_MEASURED_PCR_COUNT; i++) {
                char number[12];
                snprintf(number, sizeof(number), "%" PRIu32, ingot_measured_pcrs[i]);
                if (v->wanted & 1u << i)
                        r = check_value(values, number, !(v->unknown & 1u << i),
                                        v->pcrs[i].value[bank], ingot_bank_size(bank), reterr);
        }
        if (r >= 0 && v->has_keys)
                r = check_value(values, "7", true, v->keys.value[bank], ingot_bank_size(bank),
                                reterr);
        return r < 0 ? ingot_under(reterr, r, "%s", ingot_bank_name(bank)) : r;
}

static int check_phase(struct json_object *o, const struct ingot_measured_profile *p,
                       enum ingot_phase phase, bool secure_boot, ingot_error *reterr)
{
        struct values v = {0};
        struct json_object *banks;
        int r = ingot_json_get_object(o, ingot_phase_name(phase), &banks, reterr);
        for (unsigned i = 0; r >= 0 && i < INGOT_MEASURED_PCR_COUNT; i++) {
                uint32_t pcr = ingot_measured_pcrs[i];
                r = ingot_measured_value(p, pcr, phase, secure_boot, v.pcrs + i, NULL, reterr);
                if (r == INGOT_MEASURED_UNKNOWN)
                        v.unknown |= 1u << i;
                if (!secure_boot || ingot_measured_depends(p, pcr))
                        v.wanted |= 1u << i;
        }
        if (r >= 0 && !secure_boot)
                r = ingot_measured_value(p, 7, phase, false, &v.keys, NULL, reterr);
        v.has_keys = !secure_boot && r >= 0 && r != INGOT_MEASURED_UNKNOWN;
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                r = check_bank(banks, bank, &v, reterr);
        return r < 0 ? ingot_under(reterr, r, "PCRs at %s", ingot_phase_name(phase)) : r;
}

static int check_pcrs(struct json_object *o, const char *key,
                      const struct ingot_measured_profile *p, bool secure_boot, ingot_error *reterr)
{
        struct json_object *pcrs;
        int r = ingot_json_get_object(o, key, &pcrs, reterr);
        for (enum ingot_phase phase = INGOT_PHASE_ENTER_INITRD; r >= 0 && phase < INGOT_PHASE_MAX;
             phase++)
                r = check_phase(pcrs, p, phase, secure_boot, reterr);
        return r;
}

static int check_values(struct json_object *o, const struct ingot_measured_profile *p,
                        ingot_error *reterr)
{
        struct json_object *rtmrs;
        bool depends = false;
        int r = check_pcrs(o, "pcrs", p, false, reterr);
        for (unsigned i = 0; i < INGOT_MEASURED_PCR_COUNT; i++)
                depends = depends || ingot_measured_depends(p, ingot_measured_pcrs[i]);
        if (r >= 0 && depends)
                r = check_pcrs(o, "pcrs_secure_boot", p, true, reterr);
        if (r >= 0)
                r = ingot_json_get_object(o, "rtmrs", &rtmrs, reterr);
        for (unsigned i = 0; r >= 0 && i < 3; i++) {
                uint8_t value[INGOT_RTMR_SIZE] = {0};
                char number[12];
                snprintf(number, sizeof(number), "%u", i);
                r = ingot_measured_register(p, i, value, NULL, reterr);
                if (r >= 0)
                        r = check_value(rtmrs, number, r != INGOT_MEASURED_UNKNOWN, value,
                                        sizeof(value), reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "RTMRs");
        }
        return r;
}

static int decode_profile(struct json_object *o, struct ingot_measured_profile *p,
                          ingot_error *reterr)
{
        uint64_t number;
        int r = ingot_json_get_u64(o, "profile", &number, reterr);
        if (r >= 0 && number >= INGOT_MEASURED_PROFILES_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no UKI has a profile %" PRIu64, number);
        if (r < 0)
                return r;
        p->profile = (uint32_t) number;
        r = take_text(o, "title", false, &p->title, reterr);
        if (r >= 0)
                r = decode_events(o, p, reterr);
        return r < 0 ? r : check_values(o, p, reterr);
}

static int decode_profiles(struct json_object *o, struct ingot_measurement *m, ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_get_array(o, "profiles", INGOT_MEASURED_PROFILES_MAX, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                struct ingot_measured_profile *p;
                r = ingot_measurement_add(m, &p, reterr);
                if (r >= 0)
                        r = decode_profile(json_object_array_get_idx(list, i), p, reterr);
                if (r >= 0 && i > 0 && p->profile <= p[-1].profile)
                        r = ingot_fail(reterr, INGOT_E_FORMAT,
                                       "it does not come behind the one "
                                       "before it");
                if (r < 0)
                        return ingot_under(reterr, r, "entry %zu of 'profiles'", i + 1);
        }
        return r;
}

static int decode_notes(struct json_object *o, struct ingot_strings *ret, ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_get_array(o, "notes", NOTES_MAX, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                struct json_object *note = json_object_array_get_idx(list, i);
                if (!json_object_is_type(note, json_type_string))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "'notes' has what is no text");
                r = ingot_strings_add(ret, json_object_get_string(note), reterr);
        }
        return r;
}

static int decode_head(struct json_object *o, struct ingot_measurement *m, ingot_error *reterr)
{
        int r = ingot_json_check_format(o, "ingot-measurement", FORMAT_NUMBER, reterr);
        if (r >= 0)
                r = take_text(o, "name", false, &m->name, reterr);
        if (r >= 0)
                r = take_text(o, "version", false, &m->version, reterr);
        if (r >= 0)
                r = take_text(o, "architecture", true, &m->architecture, reterr);
        if (r >= 0)
                r = decode_program(o, "loader", false, &m->loader, reterr);
        return r < 0 ? r : decode_program(o, "uki", true, &m->uki, reterr);
}

int ingot_measurement_decode(struct ingot_span text, struct ingot_measurement *ret,
                             ingot_error *reterr)
{
        _cleanup_measurement_ struct ingot_measurement m = {0};
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_parse(text, INGOT_MEASUREMENT_SIZE_MAX, &o, reterr);
        if (r >= 0)
                r = decode_head(o, &m, reterr);
        if (r >= 0)
                r = decode_profiles(o, &m, reterr);
        if (r >= 0)
                r = decode_notes(o, &m.notes, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "measurement manifest");
        *ret = m;
        m = (struct ingot_measurement){0};
        return 0;
}
