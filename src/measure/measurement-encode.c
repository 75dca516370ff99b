/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The measurement manifest, written (docs/formats/measurement.md). */
#include "base/cleanup.h"
#include "base/json.h"
#include "measure/measurement.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int add_program(struct json_object *o, const char *key,
                       const struct ingot_measured_program *p, ingot_error *reterr)
{
        struct json_object *program;
        if (!p->path)
                return ingot_json_add_text(o, key, NULL, reterr);
        int r = ingot_json_add_object(o, key, &program, reterr);
        if (r >= 0)
                r = ingot_json_add_text(program, "path", p->path, reterr);
        if (r >= 0)
                r = ingot_json_add_text(program, "info", p->info, reterr);
        return r < 0 ? r
                     : ingot_json_add_hex(program, "authenticode_sha256", p->digest,
                                          ingot_bank_size(INGOT_BANK_SHA256), reterr);
}

static int add_digests(struct json_object *o, const struct ingot_record *record,
                       ingot_error *reterr)
{
        struct json_object *digests;
        int r = ingot_json_add_object(o, "digests", &digests, reterr);
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                r = ingot_json_add_hex(digests, ingot_bank_name(bank), record->digest[bank],
                                       ingot_bank_size(bank), reterr);
        return r;
}

/* "EV_IPL", or the number: a reader needs no table of ours. */
static int add_type(struct json_object *o, const struct ingot_measured_event *e,
                    ingot_error *reterr)
{
        const char *name = ingot_event_type_name(e->type);
        char number[16];
        if (e->by == INGOT_MEASURER_INITRD || e->by == INGOT_MEASURER_SYSTEM)
                return 0;
        snprintf(number, sizeof(number), "%#" PRIx32, e->type);
        int r = ingot_json_add_text(o, "type", name ? name : number, reterr);
        return r < 0 || e->type != INGOT_EV_EVENT_TAG
                       ? r
                       : ingot_json_add_u64(o, "tag", e->tag, reterr);
}

static int add_event(struct json_object *list, const struct ingot_measured_event *e,
                     ingot_error *reterr)
{
        struct json_object *o;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "pcr", e->record.pcr, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "by", ingot_measurer_name(e->by), reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "phase", ingot_phase_name(e->phase), reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "component", e->component, reterr);
        if (r >= 0)
                r = add_type(o, e, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "what", e->what, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "state", ingot_measured_state_name(e->state), reterr);
        if (r >= 0 && e->reason)
                r = ingot_json_add_text(o, "reason", e->reason, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "confidential", e->confidential, reterr);
        if (r >= 0 && e->insecure)
                r = ingot_json_add_bool(o, "insecure", true, reterr);
        return r < 0 || e->state == INGOT_MEASURED_UNKNOWN ? r : add_digests(o, &e->record, reterr);
}

static int add_value(struct json_object *values, const struct ingot_measured_profile *p,
                     uint32_t number, enum ingot_phase phase, bool secure_boot,
                     enum ingot_bank bank, bool must, ingot_error *reterr)
{
        struct ingot_pcr pcr;
        char key[12];
        snprintf(key, sizeof(key), "%" PRIu32, number);
        int r = ingot_measured_value(p, number, phase, secure_boot, &pcr, NULL, reterr);
        if (r == INGOT_MEASURED_UNKNOWN)
                return must ? ingot_json_add_text(values, key, NULL, reterr) : 0;
        return r < 0 ? r
                     : ingot_json_add_hex(values, key, pcr.value[bank], ingot_bank_size(bank),
                                          reterr);
}

/* The PCRs in one bank; PCR 7 where the firmware's keys are known, and the others with null where
 * nothing is known. With Secure Boot on only those that depend on that. */
static int add_bank(struct json_object *banks, const struct ingot_measured_profile *p,
                    enum ingot_phase phase, bool secure_boot, enum ingot_bank bank,
                    ingot_error *reterr)
{
        struct json_object *values;
        int r = ingot_json_add_object(banks, ingot_bank_name(bank), &values, reterr);
        for (unsigned i = 0; r >= 0 && i < INGOT_MEASURED_PCR_COUNT; i++)
                if (!secure_boot || ingot_measured_depends(p, ingot_measured_pcrs[i]))
                        r = add_value(values, p, ingot_measured_pcrs[i], phase, secure_boot, bank,
                                      true, reterr);
        if (r >= 0 && !secure_boot)
                r = add_value(values, p, 7, phase, false, bank, false, reterr);
        return r;
}

static int add_pcrs(struct json_object *o, const char *key, const struct ingot_measured_profile *p,
                    bool secure_boot, ingot_error *reterr)
{
        struct json_object *pcrs, *banks;
        int r = ingot_json_add_object(o, key, &pcrs, reterr);
        for (enum ingot_phase phase = INGOT_PHASE_ENTER_INITRD; r >= 0 && phase < INGOT_PHASE_MAX;
             phase++) {
                r = ingot_json_add_object(pcrs, ingot_phase_name(phase), &banks, reterr);
                for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                        r = add_bank(banks, p, phase, secure_boot, bank, reterr);
        }
        return r;
}

static bool depends_at_all(const struct ingot_measured_profile *p)
{
        for (unsigned i = 0; i < INGOT_MEASURED_PCR_COUNT; i++)
                if (ingot_measured_depends(p, ingot_measured_pcrs[i]))
                        return true;
        return false;
}

static int add_rtmrs(struct json_object *o, const struct ingot_measured_profile *p,
                     ingot_error *reterr)
{
        struct json_object *rtmrs;
        int r = ingot_json_add_object(o, "rtmrs", &rtmrs, reterr);
        for (unsigned i = 0; r >= 0 && i < 3; i++) {
                uint8_t value[INGOT_RTMR_SIZE];
                char number[12];
                snprintf(number, sizeof(number), "%u", i);
                r = ingot_measured_register(p, i, value, NULL, reterr);
                if (r == INGOT_MEASURED_UNKNOWN)
                        r = ingot_json_add_text(rtmrs, number, NULL, reterr);
                else if (r >= 0)
                        r = ingot_json_add_hex(rtmrs, number, value, sizeof(value), reterr);
        }
        return r;
}

/* The PCRs that are not final at the end, and why. */
static int add_uncertain(struct json_object *o, const struct ingot_measured_profile *p,
                         ingot_error *reterr)
{
        struct json_object *list, *one;
        int r = ingot_json_add_array(o, "uncertain", &list, reterr);
        for (unsigned i = 0; r >= 0 && i < INGOT_MEASURED_PCR_COUNT; i++) {
                const struct ingot_measured_event *why;
                struct ingot_pcr pcr;
                int state = ingot_measured_value(p, ingot_measured_pcrs[i], INGOT_PHASE_READY,
                                                 false, &pcr, &why, reterr);
                if (state <= INGOT_MEASURED_FINAL) {
                        r = state;
                        continue;
                }
                r = ingot_json_add_object(list, NULL, &one, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(one, "pcr", ingot_measured_pcrs[i], reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "state", ingot_measured_state_name(why->state),
                                                reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "reason", why->reason, reterr);
        }
        return r;
}

static int add_profile(struct json_object *list, const struct ingot_measured_profile *p,
                       ingot_error *reterr)
{
        struct json_object *o, *events;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "profile", p->profile, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "title", p->title, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "events", &events, reterr);
        for (size_t i = 0; r >= 0 && i < p->count; i++)
                r = add_event(events, p->events + i, reterr);
        if (r >= 0 && depends_at_all(p))
                r = add_pcrs(o, "pcrs_secure_boot", p, true, reterr);
        if (r >= 0)
                r = add_pcrs(o, "pcrs", p, false, reterr);
        if (r >= 0)
                r = add_rtmrs(o, p, reterr);
        return r < 0 ? r : add_uncertain(o, p, reterr);
}

static int add_all(struct json_object *o, const struct ingot_measurement *m, ingot_error *reterr)
{
        struct json_object *profiles, *notes;
        int r = ingot_json_add_text(o, "type", "ingot-measurement", reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "format", 1, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "name", m->name, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "version", m->version, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "architecture", m->architecture, reterr);
        if (r >= 0)
                r = add_program(o, "loader", &m->loader, reterr);
        if (r >= 0)
                r = add_program(o, "uki", &m->uki, reterr);
        if (r >= 0)
                r = ingot_json_add_text(
                        o, "state", ingot_measured_state_name(ingot_measurement_state(m)), reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "profiles", &profiles, reterr);
        for (size_t i = 0; r >= 0 && i < m->profile_count; i++)
                r = add_profile(profiles, m->profiles + i, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "notes", &notes, reterr);
        for (size_t i = 0; r >= 0 && i < m->notes.count; i++)
                r = ingot_json_add_text(notes, NULL, m->notes.items[i], reterr);
        return r;
}

int ingot_measurement_json(const struct ingot_measurement *m, struct json_object **ret,
                           ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = add_all(o, m, reterr);
        if (r >= 0) {
                *ret = o;
                o = NULL;
        }
        return r < 0 ? r : 0;
}

int ingot_measurement_encode(const struct ingot_measurement *m, struct ingot_buffer *ret,
                             ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        const char *text;
        int r = ingot_measurement_json(m, &o, reterr);
        if (r >= 0)
                r = ingot_json_text(o, false, &text, reterr);
        return r < 0 ? r : ingot_buffer_append(ret, text, strlen(text), reterr);
}
