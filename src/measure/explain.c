/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/explain.h"

#include "base/cleanup.h"
#include "measure/explain-align.h"
#include "measure/explain-cause.h"

#include <inttypes.h>
#include <stdlib.h>

#define PLACES_MAX 256                 /* PCRs and NV indexes */
#define PAIRS_MAX ((size_t) 16 << 20) /* that are compared with each other in one PCR */
#define CAUSES_MAX 4096
#define NONE SIZE_MAX

void ingot_explain_side_done(struct ingot_explain_side *side)
{
        for (size_t i = 0; i < side->count; i++)
                free(side->events[i].name);
        free(side->events);
        *side = (struct ingot_explain_side){0};
}

void ingot_cause_done(struct ingot_cause *cause)
{
        free(cause->id);
        free(cause->text);
        *cause = (struct ingot_cause){0};
}

void ingot_causes_done(struct ingot_causes *causes)
{
        for (size_t i = 0; i < causes->count; i++)
                ingot_cause_done(causes->items + i);
        free(causes->items);
        *causes = (struct ingot_causes){0};
}

int ingot_causes_add(struct ingot_causes *causes, struct ingot_cause *cause, ingot_error *reterr)
{
        if (causes->count == CAUSES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d changes: these are no two "
                                  "boots of one machine", CAUSES_MAX);
        if (causes->count == causes->room) {
                size_t room = causes->room ? 2 * causes->room : 16;
                struct ingot_cause *more =
                        reallocarray(causes->items, room, sizeof(*causes->items));
                if (!more)
                        return ingot_fail_nomem(reterr);
                causes->items = more;
                causes->room = room;
        }
        causes->items[causes->count++] = *cause;
        *cause = (struct ingot_cause){0};
        return 0;
}

int ingot_explain_side_add(struct ingot_explain_side *side, struct ingot_explain_event **ret,
                           ingot_error *reterr)
{
        if (side->count == side->room) {
                size_t room = side->room ? 2 * side->room : 64;
                struct ingot_explain_event *more =
                        reallocarray(side->events, room, sizeof(*side->events));
                if (!more)
                        return ingot_fail_nomem(reterr);
                side->events = more;
                side->room = room;
        }
        *ret = side->events + side->count++;
        **ret = (struct ingot_explain_event){0};
        return 0;
}

int ingot_explain_side_of_log(const struct ingot_boot_log *log, struct ingot_explain_side *ret,
                              ingot_error *reterr)
{
        _cleanup_explain_side_ struct ingot_explain_side side = {
                .registers = log->firmware.registers};
        struct ingot_explain_event *e;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < log->firmware.count; i++) {
                const struct ingot_event *event = log->firmware.events + i;
                if (event->type == INGOT_EV_NO_ACTION)
                        continue;
                r = ingot_explain_side_add(&side, &e, reterr);
                if (r < 0)
                        return r;
                e->firmware = event;
                ingot_record_of_event(event, &e->record);
                r = ingot_subject_of_event(event, side.registers, &e->subject, &e->name,
                                           reterr);
        }
        for (size_t i = 0; r >= 0 && i < log->userspace.count; i++) {
                r = ingot_explain_side_add(&side, &e, reterr);
                if (r < 0)
                        return r;
                e->userspace = log->userspace.events + i;
                e->record = e->userspace->record;
                r = ingot_subject_of_userspace(e->userspace, &e->subject, &e->name, reterr);
        }
        if (r < 0)
                return r;
        *ret = side;
        side = (struct ingot_explain_side){0};
        return 0;
}

int ingot_explain_place(const struct ingot_explain_side *side, const struct ingot_record *record,
                        char **ret, ingot_error *reterr)
{
        if (record->nv_index)
                return ingot_format(ret, reterr, "NV index 0x%08" PRIx32, record->nv_index);
        if (!side->registers)
                return ingot_format(ret, reterr, "PCR %" PRIu32, record->pcr);
        if (record->pcr == 0)
                return ingot_strdup(ret, "MRTD", reterr);
        return ingot_format(ret, reterr, "RTMR %" PRIu32, record->pcr - 1);
}

/* The measurements of one PCR, and which of them were told of. */
struct place {
        struct explain_list a, b; /* common: what needs no word, or had one */
        struct ingot_record at;
        size_t first; /* of this place's causes */
        struct ingot_causes *causes;
};

static void place_done(struct place *p)
{
        explain_list_done(&p->a);
        explain_list_done(&p->b);
}

static const struct ingot_explain_event *event_at(const struct explain_list *list, size_t i)
{
        return i == NONE ? NULL : list->side->events + list->items[i];
}

/* A cause that says the same, or that tells of all of its subject; or NULL. */
static struct ingot_cause *same_cause(struct place *p, const struct ingot_cause *cause,
                                      enum ingot_subject subject)
{
        for (size_t i = p->first; i < p->causes->count; i++) {
                struct ingot_cause *c = p->causes->items + i;
                if (strcmp(c->text, cause->text) == 0 ||
                    (explain_cause_groups(subject) && strcmp(c->id, cause->id) == 0))
                        return c;
        }
        return NULL;
}

/* What is at I in the list before, and at K in the list after: one change, of which is told now. */
static int tell(struct place *p, size_t i, size_t k, ingot_error *reterr)
{
        const struct explain_change change = {event_at(&p->a, i), event_at(&p->b, k)};
        struct ingot_cause cause = {
                .at = p->at,
                .removed = i != NONE,
                .added = k != NONE,
                .before = i == NONE ? SIZE_MAX : p->a.items[i],
                .after = k == NONE ? SIZE_MAX : p->b.items[k],
        };
        if (i != NONE)
                p->a.common[i] = true;
        if (k != NONE)
                p->b.common[k] = true;
        int r = explain_cause_words(&change, &cause, reterr);
        if (r < 0)
                return r;
        enum ingot_subject subject = (change.after ? change.after : change.before)->subject;
        struct ingot_cause *same = same_cause(p, &cause, subject);
        if (same) {
                same->removed += cause.removed;
                same->added += cause.added;
        } else {
                r = ingot_causes_add(p->causes, &cause, reterr);
        }
        ingot_cause_done(&cause);
        return r;
}

enum likeness { SAME_RECORD, SAME_NAME, SAME_SUBJECT };

static bool alike(const struct ingot_explain_event *a, const struct ingot_explain_event *b,
                  enum likeness likeness)
{
        if (likeness == SAME_RECORD)
                return ingot_record_equal(&a->record, &b->record);
        if (a->subject != b->subject)
                return false;
        return likeness == SAME_NAME ? strcmp(a->name, b->name) == 0
                                     : explain_cause_replaces(a->subject);
}

/* The first of the list before that is left over, and like K of the list after; or NONE. */
static size_t find_like(const struct place *p, size_t k, enum likeness likeness)
{
        for (size_t i = 0; i < p->a.count; i++)
                if (!p->a.common[i] && alike(event_at(&p->a, i), event_at(&p->b, k), likeness))
                        return i;
        return NONE;
}

/* What was only moved is told once. */
static int tell_moved(struct place *p, ingot_error *reterr)
{
        struct ingot_cause cause = {.at = p->at, .before = SIZE_MAX, .after = SIZE_MAX,
                                    .advice = "The firmware or the loader measured the same things "
                                              "in another order. Renew the policies that are bound "
                                              "to this PCR, or bind them to another."};
        const char *name = NULL;
        for (size_t k = 0; k < p->b.count; k++) {
                size_t i = p->b.common[k] ? NONE : find_like(p, k, SAME_RECORD);
                if (i == NONE)
                        continue;
                p->a.common[i] = p->b.common[k] = true;
                name = name ? name : event_at(&p->b, k)->name;
                cause.before = cause.before == SIZE_MAX ? p->a.items[i] : cause.before;
                cause.after = cause.after == SIZE_MAX ? p->b.items[k] : cause.after;
                cause.removed++;
                cause.added++;
        }
        if (!name)
                return 0;
        int r = ingot_strdup(&cause.id, "order-changed", reterr);
        if (r >= 0)
                r = ingot_format(&cause.text, reterr,
                                 "the same is measured in another order, first '%s'", name);
        if (r >= 0)
                r = ingot_causes_add(p->causes, &cause, reterr);
        ingot_cause_done(&cause);
        return r;
}

/* "what the stub loads and measures": nothing of it is known, not even how much. */
static bool is_anything(const struct ingot_explain_event *e)
{
        return e->record.banks == 0 && ingot_starts_with(e->name, "what the ");
}

/* What cannot be known takes one measurement of its subject with it, or all that are left. */
static void pass_over_unknown(struct place *p)
{
        for (size_t i = 0; i < p->a.count; i++) {
                const struct ingot_explain_event *e = event_at(&p->a, i);
                bool anything = is_anything(e), found = false;
                if (p->a.common[i] || e->record.banks != 0)
                        continue;
                p->a.common[i] = true;
                for (size_t k = 0; k < p->b.count && (anything || !found); k++) {
                        if (p->b.common[k] ||
                            (!anything && event_at(&p->b, k)->subject != e->subject))
                                continue;
                        p->b.common[k] = found = true;
                }
        }
}

static int tell_pairs(struct place *p, enum likeness likeness, ingot_error *reterr)
{
        int r = 0;
        for (size_t k = 0; r >= 0 && k < p->b.count; k++) {
                size_t i = p->b.common[k] ? NONE : find_like(p, k, likeness);
                if (i != NONE)
                        r = tell(p, i, k, reterr);
        }
        return r;
}

static int tell_rest(struct place *p, ingot_error *reterr)
{
        int r = 0;
        for (size_t k = 0; r >= 0 && k < p->b.count; k++)
                if (!p->b.common[k])
                        r = tell(p, NONE, k, reterr);
        for (size_t i = 0; r >= 0 && i < p->a.count; i++)
                if (!p->a.common[i])
                        r = tell(p, i, NONE, reterr);
        return r;
}

static size_t left_over(const struct explain_list *list)
{
        size_t n = 0;
        for (size_t i = 0; i < list->count; i++)
                n += !list->common[i];
        return n;
}

static int explain_place(struct place *p, ingot_error *reterr)
{
        int r = explain_align(&p->a, &p->b, reterr);
        if (r >= 0 && left_over(&p->a) * left_over(&p->b) > PAIRS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "%zu and %zu measurements of PCR %" PRIu32
                                  " differ: that is no boot of one machine",
                                  left_over(&p->a), left_over(&p->b), p->at.pcr);
        if (r >= 0)
                r = tell_moved(p, reterr);
        if (r < 0)
                return r;
        pass_over_unknown(p);
        r = tell_pairs(p, SAME_NAME, reterr);
        if (r >= 0)
                r = tell_pairs(p, SAME_SUBJECT, reterr);
        return r < 0 ? r : tell_rest(p, reterr);
}

static int by_place(const void *x, const void *y)
{
        const struct ingot_record *a = x, *b = y;
        if (a->nv_index != b->nv_index)
                return a->nv_index < b->nv_index ? -1 : 1;
        return a->pcr < b->pcr ? -1 : a->pcr > b->pcr;
}

struct places {
        struct ingot_record items[PLACES_MAX];
        size_t count;
};

/* The PCRs and NV indexes of a side, each once. */
static int collect_places(struct places *places, const struct ingot_explain_side *side,
                          ingot_error *reterr)
{
        for (size_t i = 0; i < side->count; i++) {
                const struct ingot_record *record = &side->events[i].record;
                size_t k = 0;
                while (k < places->count && by_place(places->items + k, record) != 0)
                        k++;
                if (k < places->count)
                        continue;
                if (places->count == PLACES_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d PCRs", PLACES_MAX);
                places->items[places->count++] =
                        (struct ingot_record){.pcr = record->pcr, .nv_index = record->nv_index};
        }
        return 0;
}

static unsigned banks_of(const struct ingot_explain_side *side)
{
        unsigned banks = 0;
        for (size_t i = 0; i < side->count; i++)
                banks |= side->events[i].record.banks;
        return banks;
}

int explain_pcrs(const struct ingot_explain_side *before, const struct ingot_explain_side *after,
                 uint32_t pcrs, struct ingot_causes *ret, ingot_error *reterr)
{
        _cleanup_causes_ struct ingot_causes causes = {0};
        struct places places = {.count = 0};
        if (before->count && after->count && before->registers != after->registers)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "one is of a TPM, the other of the registers of a confidential "
                                  "machine");
        if (before->count && after->count && (banks_of(before) & banks_of(after)) == 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "the two have no hash algorithm in common");
        int r = collect_places(&places, before, reterr);
        if (r >= 0)
                r = collect_places(&places, after, reterr);
        qsort(places.items, places.count, sizeof(places.items[0]), by_place);
        for (size_t i = 0; r >= 0 && i < places.count; i++) {
                _cleanup_(place_done) struct place p = {
                        .at = places.items[i], .first = causes.count, .causes = &causes};
                if (pcrs && (p.at.nv_index || p.at.pcr > 31 || !(pcrs & 1u << p.at.pcr)))
                        continue;
                r = explain_list_of(before, &p.at, &p.a, reterr);
                if (r >= 0)
                        r = explain_list_of(after, &p.at, &p.b, reterr);
                if (r >= 0)
                        r = explain_place(&p, reterr);
        }
        if (r < 0)
                return r;
        *ret = causes;
        causes = (struct ingot_causes){0};
        return 0;
}

int ingot_explain(const struct ingot_explain_side *before, const struct ingot_explain_side *after,
                  struct ingot_causes *ret, ingot_error *reterr)
{
        return explain_pcrs(before, after, 0, ret, reterr);
}
