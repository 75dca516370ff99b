/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/explain-accepted.h"

#include "base/cleanup.h"
#include "measure/explain-align.h"
#include "measure/explain-cause.h"

#include <stdlib.h>

#define SHOWN_MAX 8
#define TRIED_MAX 512 /* measurements of one PCR, each left out once */

/* One PCR whose value is not accepted. */
struct search {
        const struct ingot_pcr_values *accepted;
        struct explain_list list; /* its measurements; common: needs no word */
        struct ingot_pcr start;
        struct ingot_causes *causes;
};

static const struct ingot_record *record_at(const struct search *s, size_t i)
{
        return &s->list.side->events[s->list.items[i]].record;
}

static bool is_accepted(const struct search *s, const struct ingot_pcr *pcr)
{
        return ingot_pcr_values_find(s->accepted, pcr->value[s->accepted->bank]) >= 0;
}

static void mark(struct search *s, size_t first, size_t end)
{
        for (size_t i = 0; i < s->list.count; i++)
                s->list.common[i] = i < first || i >= end;
}

static bool is_in(const struct ingot_records *records, const struct ingot_record *record)
{
        for (size_t i = 0; i < records->count; i++)
                if (ingot_record_equal(records->items + i, record))
                        return true;
        return false;
}

static bool is_claimed(const struct ingot_components *components, const struct ingot_record *record)
{
        for (size_t i = 0; i < components->count; i++)
                for (size_t k = 0; k < components->items[i].count; k++)
                        if (is_in(&components->items[i].variants[k].records, record))
                                return true;
        return false;
}

/* Some are in no component, and some are. */
static bool by_components(struct search *s, const struct ingot_components *components)
{
        size_t claimed = 0;
        for (size_t i = 0; i < s->list.count; i++) {
                s->list.common[i] = is_claimed(components, record_at(s, i));
                claimed += s->list.common[i];
        }
        return claimed > 0 && claimed < s->list.count;
}

/* 1: accepted without one of them. */
static int by_leaving_out(struct search *s, ingot_error *reterr)
{
        for (size_t out = 0; out < s->list.count && s->list.count <= TRIED_MAX; out++) {
                struct ingot_pcr pcr = s->start;
                int r = 0;
                for (size_t i = 0; r >= 0 && i < s->list.count; i++)
                        if (i != out)
                                r = ingot_record_extend(record_at(s, i), &pcr, reterr);
                if (r < 0)
                        return r;
                if (!is_accepted(s, &pcr))
                        continue;
                mark(s, out, out + 1);
                return 1;
        }
        return 0;
}

/* 1: accepted before some of the last ones. */
static int by_beginning(struct search *s, ingot_error *reterr)
{
        struct ingot_pcr pcr = s->start;
        size_t found = 0;
        for (size_t i = 0; i < s->list.count; i++) {
                int r = ingot_record_extend(record_at(s, i), &pcr, reterr);
                if (r < 0)
                        return r;
                if (is_accepted(s, &pcr))
                        found = i + 1;
        }
        if (found == 0)
                return 0;
        mark(s, found, s->list.count);
        return 1;
}

/* What changes without anybody's doing comes first. */
static unsigned steadiness(enum ingot_subject subject)
{
        static const enum ingot_subject order[] = {
                INGOT_SUBJECT_BOOT_ORDER,      INGOT_SUBJECT_UKI,
                INGOT_SUBJECT_LOADER,          INGOT_SUBJECT_ADDON,
                INGOT_SUBJECT_PARTITION_TABLE, INGOT_SUBJECT_COMMAND_LINE,
                INGOT_SUBJECT_UKI_SECTION,     INGOT_SUBJECT_SYSEXT,
                INGOT_SUBJECT_MOK,             INGOT_SUBJECT_FILE_SYSTEM,
                INGOT_SUBJECT_KEYS,            INGOT_SUBJECT_OPTION_ROM,
                INGOT_SUBJECT_SMBIOS,          INGOT_SUBJECT_PLATFORM_CONFIG,
                INGOT_SUBJECT_FIRMWARE_VERSION, INGOT_SUBJECT_FIRMWARE,
        };
        for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
                if (order[i] == subject)
                        return i;
        return ARRAY_SIZE(order) + (subject == INGOT_SUBJECT_SEPARATOR);
}

/* Of keys it is dbx that is updated from time to time. */
static bool is_steadier(const struct ingot_explain_event *a, const struct ingot_explain_event *b)
{
        if (a->subject != b->subject || a->subject != INGOT_SUBJECT_KEYS)
                return steadiness(a->subject) > steadiness(b->subject);
        return strcmp(a->name, "dbx") != 0 && strcmp(b->name, "dbx") == 0;
}

static void by_steadiness(struct search *s)
{
        size_t best = 0;
        for (size_t i = 1; i < s->list.count; i++)
                if (is_steadier(s->list.side->events + s->list.items[best],
                                s->list.side->events + s->list.items[i]))
                        best = i;
        mark(s, best, best + 1);
}

/* The measurement at I is the cause: one that is new, or one that is another than it was. */
static int blame(struct search *s, size_t i, bool is_new, const char *how, ingot_error *reterr)
{
        const struct ingot_explain_event *e = s->list.side->events + s->list.items[i];
        const struct explain_change change = {is_new ? NULL : e, e};
        _cleanup_free_ char *words = NULL;
        struct ingot_cause cause = {
                .at = {.pcr = s->accepted->pcr}, .added = 1, .before = SIZE_MAX,
                .after = s->list.items[i]};
        int r = explain_cause_words(&change, &cause, reterr);
        if (r < 0)
                return r;
        words = TAKE_PTR(cause.text);
        r = ingot_format(&cause.text, reterr, "the policy does not accept its value%s: %s", how,
                         words);
        if (r >= 0)
                r = ingot_causes_add(s->causes, &cause, reterr);
        ingot_cause_done(&cause);
        return r;
}

static int blame_unmarked(struct search *s, bool is_new, const char *how, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < s->list.count; i++)
                if (!s->list.common[i])
                        r = blame(s, i, is_new, how, reterr);
        return r;
}

/* What the value is made of, because the choice is a guess; nothing when it has no names. */
static int list_names(const struct search *s, struct ingot_buffer *ret, ingot_error *reterr)
{
        size_t shown = 0;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < s->list.count && shown < SHOWN_MAX; i++) {
                const char *name = s->list.side->events[s->list.items[i]].name;
                if (*name)
                        r = ingot_buffer_printf(ret, reterr, "%s%s",
                                                shown++ ? ", " : ", which is made of ", name);
        }
        if (r >= 0 && shown == SHOWN_MAX)
                r = ingot_buffer_printf(ret, reterr, " …");
        return r < 0 ? r
                     : ingot_buffer_printf(ret, reterr, "%s most likely because", shown ? ";" : ",");
}

static int blame_likeliest(struct search *s, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer how = {0};
        int r = list_names(s, &how, reterr);
        if (r < 0)
                return r;
        by_steadiness(s);
        return blame_unmarked(s, false, (const char *) how.data, reterr);
}

/* Nothing was measured at all. */
static int blame_nothing(struct search *s, ingot_error *reterr)
{
        struct ingot_cause cause = {.at = {.pcr = s->accepted->pcr},
                                    .before = SIZE_MAX,
                                    .after = SIZE_MAX,
                                    .advice = "If the boot is over, what should have measured into "
                                              "it did not run: look at the system's journal."};
        int r = ingot_strdup(&cause.id, "nothing-measured", reterr);
        if (r >= 0)
                r = ingot_strdup(&cause.text, "the policy does not accept its value: the log has "
                                              "no measurement of it",
                                 reterr);
        if (r >= 0)
                r = ingot_causes_add(s->causes, &cause, reterr);
        ingot_cause_done(&cause);
        return r;
}

static int find_cause(struct search *s, const struct ingot_components *components,
                      ingot_error *reterr)
{
        if (s->list.count == 0)
                return blame_nothing(s, reterr);
        if (by_components(s, components))
                return blame_unmarked(s, false, "", reterr);
        int r = by_leaving_out(s, reterr);
        if (r > 0)
                return blame_unmarked(s, true, "", reterr);
        if (r == 0)
                r = by_beginning(s, reterr);
        if (r > 0)
                return blame_unmarked(s, true, ", but did before this", reterr);
        if (r < 0)
                return r;
        return blame_likeliest(s, reterr);
}

static void search_done(struct search *s)
{
        explain_list_done(&s->list);
}

int ingot_explain_accepted(const struct ingot_pcrlock_policy *policy,
                           const struct ingot_components *components,
                           const struct ingot_boot_log *log, const struct ingot_explain_side *after,
                           struct ingot_causes *ret, ingot_error *reterr)
{
        const struct ingot_eventlog nothing = {.locality = log->firmware.locality};
        _cleanup_causes_ struct ingot_causes causes = {0};
        struct ingot_replay start, end;
        int r = ingot_boot_log_replay(log, &end, reterr);
        ingot_replay_start(&start);
        if (r >= 0)
                r = ingot_replay_log(&start, &nothing, reterr);
        if (r >= 0 && after->registers)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "the policy is for a TPM, the log is of the registers of a "
                                  "confidential machine");
        if (r >= 0 && !(end.banks & 1u << policy->bank))
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "the policy is for %s, of which the log has no digests",
                                  ingot_bank_name(policy->bank));
        for (size_t i = 0; r >= 0 && i < policy->sets.count; i++) {
                const struct ingot_pcr_values *accepted = policy->sets.items + i;
                const struct ingot_record at = {.pcr = accepted->pcr};
                _cleanup_(search_done) struct search s = {
                        .accepted = accepted, .start = start.pcrs[accepted->pcr],
                        .causes = &causes};
                if (is_accepted(&s, end.pcrs + accepted->pcr))
                        continue;
                r = explain_list_of(after, &at, &s.list, reterr);
                if (r >= 0)
                        r = find_cause(&s, components, reterr);
        }
        if (r < 0)
                return r;
        *ret = causes;
        causes = (struct ingot_causes){0};
        return 0;
}
