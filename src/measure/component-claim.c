/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Components against a log. */
#include "measure/component-claim.h"

#include <inttypes.h>
#include <stdlib.h>

void ingot_claims_done(struct ingot_claims *c)
{
        free(c->by_event);
        free(c->variants);
        *c = (struct ingot_claims){0};
}

/* Are RECORDS in EVENTS, in their order? Taking the first event that fits leaves most for the
 * others. */
static bool met(const struct ingot_records *events, const struct ingot_records *records)
{
        size_t at = 0;
        for (size_t i = 0; i < records->count; i++, at++) {
                while (at < events->count &&
                       !ingot_record_equal(events->items + at, records->items + i))
                        at++;
                if (at == events->count)
                        return false;
        }
        return true;
}

static void claim(struct ingot_claims *c, const struct ingot_records *events,
                  const struct ingot_records *records, size_t component)
{
        size_t at = 0;
        for (size_t i = 0; i < records->count; i++, at++) {
                while (!ingot_record_equal(events->items + at, records->items + i))
                        at++;
                if (c->by_event[at] < 0)
                        c->by_event[at] = (ssize_t) component;
        }
}

static uint32_t pcrs_of(const struct ingot_component *component)
{
        uint32_t mask = 0;
        for (size_t i = 0; i < component->count; i++) {
                const struct ingot_records *records = &component->variants[i].records;
                for (size_t j = 0; j < records->count; j++)
                        if (records->items[j].nv_index == 0)
                                mask |= 1u << records->items[j].pcr;
        }
        return mask;
}

/* Need it not have run yet? */
static bool is_later(const struct ingot_component *component,
                     const struct ingot_prediction_window *window)
{
        return (window->start && strcmp(component->id, window->start) >= 0) ||
               (window->end && strcmp(component->id, window->end) > 0);
}

static void miss(struct ingot_claims *c, const struct ingot_component *component, size_t index)
{
        uint32_t mask = pcrs_of(component);
        for (unsigned pcr = 0; pcr < INGOT_PCR_COUNT; pcr++) {
                struct ingot_pcr_claim *p = c->pcrs + pcr;
                if (!(mask >> pcr & 1))
                        continue;
                if (!(p->faults & 1u << INGOT_PCR_FAULT_COMPONENT))
                        p->first_missing = index;
                p->faults |= 1u << INGOT_PCR_FAULT_COMPONENT;
        }
}

static void claim_component(struct ingot_claims *c, const struct ingot_records *events,
                            const struct ingot_component *component, size_t index,
                            const struct ingot_prediction_window *window)
{
        c->variants[index] = -1;
        for (size_t i = 0; i < component->count; i++) {
                const struct ingot_records *records = &component->variants[i].records;
                if (!met(events, records))
                        continue;
                c->variants[index] = (ssize_t) i;
                claim(c, events, records, index);
                return;
        }
        if (is_later(component, window))
                c->later++;
        else
                miss(c, component, index);
}

static void count_events(struct ingot_claims *c, const struct ingot_records *events)
{
        for (size_t i = 0; i < events->count; i++) {
                const struct ingot_record *e = events->items + i;
                if (e->nv_index != 0 || e->pcr >= INGOT_PCR_COUNT)
                        continue;
                struct ingot_pcr_claim *p = c->pcrs + e->pcr;
                p->events++;
                if (c->by_event[i] >= 0)
                        continue;
                if (p->unclaimed++ == 0)
                        p->first_unclaimed = i;
                p->faults |= 1u << INGOT_PCR_FAULT_EVENT;
        }
}

static int compare_values(struct ingot_claims *c, const struct ingot_records *events,
                          uint8_t locality, enum ingot_bank bank,
                          const struct ingot_pcr values[INGOT_PCR_COUNT], ingot_error *reterr)
{
        struct ingot_replay replay;
        int r = 0;
        ingot_replay_start(&replay);
        ingot_pcr_start(0, locality, replay.pcrs);
        for (size_t i = 0; r >= 0 && i < events->count; i++)
                r = ingot_replay_record(&replay, events->items + i, reterr);
        for (unsigned pcr = 0; r >= 0 && pcr < INGOT_PCR_COUNT; pcr++)
                if (memcmp(replay.pcrs[pcr].value[bank], values[pcr].value[bank],
                           ingot_bank_size(bank)) != 0)
                        c->pcrs[pcr].faults |= 1u << INGOT_PCR_FAULT_VALUE;
        return r;
}

int ingot_components_claim(const struct ingot_components *c, const struct ingot_records *events,
                           const struct ingot_prediction_window *window, enum ingot_bank bank,
                           const struct ingot_pcr values[INGOT_PCR_COUNT], struct ingot_claims *ret,
                           ingot_error *reterr)
{
        _cleanup_claims_ struct ingot_claims claims = {.event_count = events->count,
                                                       .component_count = c->count};
        int r = 0;
        claims.by_event = calloc(events->count + 1, sizeof(*claims.by_event));
        claims.variants = calloc(c->count + 1, sizeof(*claims.variants));
        if (!claims.by_event || !claims.variants)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < events->count; i++)
                claims.by_event[i] = -1;
        for (size_t i = 0; i < c->count; i++)
                claim_component(&claims, events, c->items + i, i, window);
        count_events(&claims, events);
        if (values)
                r = compare_values(&claims, events, window->locality, bank, values, reterr);
        if (r < 0)
                return r;
        *ret = claims;
        claims = (struct ingot_claims){0};
        return 0;
}

int ingot_claims_text(const struct ingot_claims *c, const struct ingot_components *components,
                      unsigned pcr, struct ingot_buffer *ret, ingot_error *reterr)
{
        const struct ingot_pcr_claim *p = c->pcrs + pcr;
        const char *separator = "";
        int r = 0;
        if (p->faults & 1u << INGOT_PCR_FAULT_VALUE) {
                r = ingot_buffer_printf(ret, reterr,
                                        "the TPM has another value than its log gives");
                separator = "; ";
        }
        if (r >= 0 && p->faults & 1u << INGOT_PCR_FAULT_EVENT) {
                r = ingot_buffer_printf(
                        ret, reterr,
                        "%sno component has %zu of its %zu event%s, first event %zu "
                        "of the log",
                        separator, p->unclaimed, p->events, p->events == 1 ? "" : "s",
                        p->first_unclaimed + 1);
                separator = "; ";
        }
        if (r >= 0 && p->faults & 1u << INGOT_PCR_FAULT_COMPONENT)
                r = ingot_buffer_printf(ret, reterr, "%scomponent %s is not in the log", separator,
                                        components->items[p->first_missing].id);
        return r;
}
