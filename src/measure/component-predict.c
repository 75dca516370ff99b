/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk over components and variants, depth first, for one PCR and bank.
 *
 * What of the components concerns the PCR is laid out first: steps (components with a record of it)
 * with ways (what their variants extend; variants that extend the same are one way). A value that
 * came to a step once is known there: all that can follow from it has been found.
 */
#include "measure/component-predict.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "measure/replay.h"

#include <stdlib.h>

const struct ingot_prediction_window ingot_prediction_window_default = {.start = "760-",
                                                                        .end = "940-"};

#define WORK_MAX (1u << 21) /* variants walked over and digests made, for one PCR */

/* What one variant extends: digests [first, first + count). */
struct way {
        size_t first, count;
        bool unknown; /* a record lacks this bank: nothing can be said */
};

/* A component with a record of the PCR. */
struct step {
        size_t first, count;           /* its variants' ways */
        bool before;                   /* the value before it is one to be found */
        struct ingot_pcr_values known; /* that came here */
};

struct walk {
        unsigned pcr;
        enum ingot_bank bank;
        struct step *steps;
        struct way *ways;
        const uint8_t **digests;
        size_t step_count, way_count, digest_count;
        size_t work;
        struct ingot_pcr_values found;
};

static void walk_done(struct walk *w)
{
        for (size_t i = 0; i < w->step_count; i++)
                ingot_pcr_values_done(&w->steps[i].known);
        free(w->steps);
        free(w->ways);
        free(w->digests);
        ingot_pcr_values_done(&w->found);
}
#define _cleanup_walk_ _cleanup_(walk_done)

static bool concerns(const struct ingot_record *record, unsigned pcr)
{
        return record->nv_index == 0 && record->pcr == pcr;
}

static bool component_concerns(const struct ingot_component *component, unsigned pcr)
{
        for (size_t i = 0; i < component->count; i++) {
                const struct ingot_records *records = &component->variants[i].records;
                for (size_t j = 0; j < records->count; j++)
                        if (concerns(records->items + j, pcr))
                                return true;
        }
        return false;
}

/* Where the walk ends: the first component that is behind the window. */
static size_t window_end(const struct ingot_components *c,
                         const struct ingot_prediction_window *window)
{
        size_t end = 0;
        while (end < c->count && !(window->end && strcmp(c->items[end].id, window->end) > 0))
                end++;
        return end;
}

static void lay_variant(struct walk *w, const struct ingot_records *records)
{
        struct way *way = w->ways + w->way_count++;
        *way = (struct way){.first = w->digest_count};
        for (size_t i = 0; i < records->count; i++) {
                const struct ingot_record *record = records->items + i;
                if (!concerns(record, w->pcr))
                        continue;
                if (!(record->banks & 1u << w->bank))
                        way->unknown = true;
                w->digests[w->digest_count++] = record->digest[w->bank];
                way->count++;
        }
}

static int make_room(struct walk *w, const struct ingot_components *c, size_t end,
                     ingot_error *reterr)
{
        size_t ways = 0, digests = 0;
        for (size_t i = 0; i < end; i++) {
                ways += c->items[i].count;
                for (size_t j = 0; j < c->items[i].count; j++)
                        digests += c->items[i].variants[j].records.count;
        }
        w->steps = calloc(end + 1, sizeof(*w->steps));
        w->ways = calloc(ways + 1, sizeof(*w->ways));
        w->digests = calloc(digests + 1, sizeof(*w->digests));
        return w->steps && w->ways && w->digests ? 0 : ingot_fail_nomem(reterr);
}

static int lay_out(struct walk *w, const struct ingot_components *c,
                   const struct ingot_prediction_window *window, ingot_error *reterr)
{
        size_t end = window_end(c, window);
        bool before = false;
        int r = make_room(w, c, end, reterr);
        for (size_t i = 0; r >= 0 && i < end; i++) {
                const struct ingot_component *component = c->items + i;
                before |= window->start && strcmp(component->id, window->start) > 0;
                if (!component_concerns(component, w->pcr))
                        continue;
                struct step *step = w->steps + w->step_count++;
                *step = (struct step){.first = w->way_count,
                                      .count = component->count,
                                      .before = before,
                                      .known = {.pcr = w->pcr, .bank = w->bank}};
                before = false;
                for (size_t j = 0; j < component->count; j++)
                        lay_variant(w, &component->variants[j].records);
        }
        return r;
}

/* VALUE as WAY extends it. */
static int go(struct walk *w, const struct way *way, struct ingot_pcr *value, ingot_error *reterr)
{
        int r = 0;
        w->work += 1 + way->count;
        if (w->work > WORK_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "there is too much to predict for PCR %u: remove components or "
                                  "variants that are not needed",
                                  w->pcr);
        for (size_t i = 0; r >= 0 && i < way->count; i++)
                r = ingot_pcr_extend_digest(value, w->bank, w->digests[way->first + i], reterr);
        return r;
}

static int visit(struct walk *w, size_t at, const struct ingot_pcr *value, ingot_error *reterr)
{
        if (at == w->step_count)
                return ingot_pcr_values_add(&w->found, value->value[w->bank], reterr);
        struct step *step = w->steps + at;
        int r = ingot_pcr_values_add(&step->known, value->value[w->bank], reterr);
        if (r <= 0) /* it was here before */
                return r;
        if (step->before)
                r = ingot_pcr_values_add(&w->found, value->value[w->bank], reterr);
        for (size_t i = 0; r >= 0 && i < step->count; i++) {
                const struct way *way = w->ways + step->first + i;
                struct ingot_pcr next = *value;
                if (way->unknown)
                        continue;
                r = go(w, way, &next, reterr);
                if (r >= 0)
                        r = visit(w, at + 1, &next, reterr);
        }
        return r;
}

int ingot_components_predict(const struct ingot_components *c,
                             const struct ingot_prediction_window *window, unsigned pcr,
                             enum ingot_bank bank, struct ingot_pcr_values *ret,
                             ingot_error *reterr)
{
        _cleanup_walk_ struct walk w = {
                .pcr = pcr, .bank = bank, .found = {.pcr = pcr, .bank = bank}};
        struct ingot_pcr start;
        if (pcr >= INGOT_PCR_COUNT)
                return ingot_fail(reterr, INGOT_E_USAGE, "there is no PCR %u", pcr);
        ingot_pcr_start(pcr, window->locality, &start);
        int r = lay_out(&w, c, window, reterr);
        if (r >= 0)
                r = visit(&w, 0, &start, reterr);
        if (r < 0)
                return r;
        *ret = w.found;
        w.found = (struct ingot_pcr_values){0};
        return 0;
}

int ingot_components_predict_sets(const struct ingot_components *c,
                                  const struct ingot_prediction_window *window, uint32_t mask,
                                  enum ingot_bank bank, struct ingot_pcr_sets *ret,
                                  ingot_error *reterr)
{
        _cleanup_pcr_sets_ struct ingot_pcr_sets sets = {0};
        for (unsigned pcr = 0; pcr < 32; pcr++) {
                struct ingot_pcr_values *set;
                if (!(mask >> pcr & 1))
                        continue;
                int r = ingot_pcr_sets_add(&sets, pcr, bank, &set, reterr);
                if (r >= 0)
                        r = ingot_components_predict(c, window, pcr, bank, set, reterr);
                if (r < 0)
                        return r;
        }
        *ret = sets;
        sets = (struct ingot_pcr_sets){0};
        return 0;
}

uint64_t ingot_components_combinations(const struct ingot_components *c)
{
        uint64_t count = 1;
        for (size_t i = 0; i < c->count; i++)
                if (!ingot_mul_u64(count, c->items[i].count, &count))
                        return UINT64_MAX;
        return count;
}
