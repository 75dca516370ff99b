/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/measurement.h"

#include <stdlib.h>
#include <string.h>

const uint32_t ingot_measured_pcrs[] = {4, 9, 11, 12, 13};
_Static_assert(sizeof(ingot_measured_pcrs) / sizeof(*ingot_measured_pcrs) ==
                       INGOT_MEASURED_PCR_COUNT,
               "all PCRs");

static const char *const states[] = {"final", "provisional", "unknown"};
static const char *const measurers[] = {"firmware", "loader", "stub", "kernel", "initrd", "system"};
static const char *const phases[] = {"boot", "enter-initrd", "leave-initrd", "sysinit", "ready"};

const char *ingot_measured_state_name(enum ingot_measured_state state)
{
        return states[state];
}

const char *ingot_measurer_name(enum ingot_measurer measurer)
{
        return measurers[measurer];
}

const char *ingot_phase_name(enum ingot_phase phase)
{
        return phases[phase];
}

static bool parse(const char *const *names, unsigned count, const char *name, unsigned *ret)
{
        for (unsigned i = 0; i < count; i++)
                if (strcmp(names[i], name) == 0) {
                        *ret = i;
                        return true;
                }
        return false;
}

bool ingot_measured_state_parse(const char *name, enum ingot_measured_state *ret)
{
        return parse(states, INGOT_MEASURED_STATE_MAX, name, (unsigned *) ret);
}

bool ingot_measurer_parse(const char *name, enum ingot_measurer *ret)
{
        return parse(measurers, INGOT_MEASURER_MAX, name, (unsigned *) ret);
}

bool ingot_phase_parse(const char *name, enum ingot_phase *ret)
{
        return parse(phases, INGOT_PHASE_MAX, name, (unsigned *) ret);
}

void ingot_measured_event_done(struct ingot_measured_event *e)
{
        free(e->component);
        free(e->what);
        free(e->reason);
        *e = (struct ingot_measured_event){0};
}

static void profile_done(struct ingot_measured_profile *p)
{
        for (size_t i = 0; i < p->count; i++)
                ingot_measured_event_done(p->events + i);
        free(p->events);
        free(p->title);
}

void ingot_measurement_done(struct ingot_measurement *m)
{
        free(m->name);
        free(m->version);
        free(m->architecture);
        free(m->loader.path);
        free(m->loader.info);
        free(m->uki.path);
        free(m->uki.info);
        for (size_t i = 0; i < m->profile_count; i++)
                profile_done(m->profiles + i);
        free(m->profiles);
        ingot_strings_done(&m->notes);
        *m = (struct ingot_measurement){0};
}

int ingot_measurement_add(struct ingot_measurement *m, struct ingot_measured_profile **ret,
                          ingot_error *reterr)
{
        if (m->profile_count == INGOT_MEASURED_PROFILES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d profiles",
                                  INGOT_MEASURED_PROFILES_MAX);
        struct ingot_measured_profile *more =
                reallocarray(m->profiles, m->profile_count + 1, sizeof(*more));
        if (!more)
                return ingot_fail_nomem(reterr);
        m->profiles = more;
        *ret = more + m->profile_count++;
        **ret = (struct ingot_measured_profile){0};
        return 0;
}

int ingot_measured_profile_add(struct ingot_measured_profile *p, struct ingot_measured_event **ret,
                               ingot_error *reterr)
{
        if (p->count == INGOT_MEASURED_EVENTS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d events in a profile",
                                  INGOT_MEASURED_EVENTS_MAX);
        if (p->count == p->room) {
                size_t room = p->room ? 2 * p->room : 32;
                struct ingot_measured_event *more = reallocarray(p->events, room, sizeof(*more));
                if (!more)
                        return ingot_fail_nomem(reterr);
                p->events = more;
                p->room = room;
        }
        *ret = p->events + p->count++;
        **ret = (struct ingot_measured_event){0};
        return 0;
}

const struct ingot_measured_profile *ingot_measurement_profile(const struct ingot_measurement *m,
                                                               uint32_t profile)
{
        for (size_t i = 0; i < m->profile_count; i++)
                if (m->profiles[i].profile == profile)
                        return m->profiles + i;
        return NULL;
}

static bool has_value(uint32_t pcr)
{
        for (unsigned i = 0; i < INGOT_MEASURED_PCR_COUNT; i++)
                if (ingot_measured_pcrs[i] == pcr)
                        return true;
        return false;
}

enum ingot_measured_state ingot_measurement_state(const struct ingot_measurement *m)
{
        enum ingot_measured_state state = INGOT_MEASURED_FINAL;
        for (size_t i = 0; i < m->profile_count; i++)
                for (size_t k = 0; k < m->profiles[i].count; k++) {
                        const struct ingot_measured_event *e = m->profiles[i].events + k;
                        if (has_value(e->record.pcr) && e->state > state)
                                state = e->state;
                }
        return state;
}

/* What a value is made of: the least certain event, and why. */
struct certainty {
        enum ingot_measured_state state;
        const struct ingot_measured_event *why;
};

static void note_certainty(struct certainty *c, const struct ingot_measured_event *e)
{
        if (e->state > c->state)
                *c = (struct certainty){e->state, e};
}

bool ingot_measured_depends(const struct ingot_measured_profile *p, uint32_t pcr)
{
        for (size_t i = 0; i < p->count; i++)
                if (p->events[i].record.pcr == pcr && p->events[i].insecure)
                        return true;
        return false;
}

int ingot_measured_value(const struct ingot_measured_profile *p, uint32_t pcr,
                         enum ingot_phase phase, bool secure_boot, struct ingot_pcr *ret,
                         const struct ingot_measured_event **ret_why, ingot_error *reterr)
{
        struct certainty c = {0};
        struct ingot_pcr value = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < p->count; i++) {
                const struct ingot_measured_event *e = p->events + i;
                if (e->record.pcr != pcr || e->phase > phase || (e->insecure && secure_boot))
                        continue;
                note_certainty(&c, e);
                r = ingot_record_extend(&e->record, &value, reterr);
        }
        if (r < 0)
                return r;
        if (c.state != INGOT_MEASURED_UNKNOWN)
                *ret = value;
        if (ret_why)
                *ret_why = c.why;
        return (int) c.state;
}

/* MapPcrToMrIndex, UEFI 2.10 section 38.4.1; -1: of no RTMR. */
static int rtmr_of_pcr(uint32_t pcr)
{
        if (pcr == 1 || pcr == 7)
                return 0;
        if (pcr >= 2 && pcr <= 6)
                return 1;
        return pcr >= 8 && pcr <= 15 ? 2 : -1;
}

int ingot_measured_register(const struct ingot_measured_profile *p, unsigned rtmr,
                            uint8_t ret[INGOT_RTMR_SIZE],
                            const struct ingot_measured_event **ret_why, ingot_error *reterr)
{
        struct certainty c = {0};
        struct ingot_pcr value = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < p->count; i++) {
                const struct ingot_measured_event *e = p->events + i;
                if (!e->confidential || rtmr_of_pcr(e->record.pcr) != (int) rtmr)
                        continue;
                note_certainty(&c, e);
                if (e->state != INGOT_MEASURED_UNKNOWN)
                        r = ingot_pcr_extend_digest(&value, INGOT_BANK_SHA384,
                                                    e->record.digest[INGOT_BANK_SHA384], reterr);
        }
        if (r < 0)
                return r;
        if (c.state != INGOT_MEASURED_UNKNOWN)
                memcpy(ret, value.value[INGOT_BANK_SHA384], INGOT_RTMR_SIZE);
        if (ret_why)
                *ret_why = c.why;
        return (int) c.state;
}
