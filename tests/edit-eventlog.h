/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A firmware's log that is changed as firmware would have written it after a change of the machine:
 * events are found by their words, get other data and the digests of it, are added or taken out.
 */
#pragma once

#include "base/cleanup.h"
#include "base/utf16.h"
#include "make-eventlog.h"
#include "measure/event.h"

#include <stdlib.h>

struct edited_event {
        uint32_t pcr, type;
        struct ingot_buffer data, digests[INGOT_BANK_MAX];
};

struct edited_log {
        unsigned banks;
        struct edited_event *events; /* without the first, which names the algorithms */
        size_t count;
        bool before; /* what was changed is the boot before: the log had it already */
};

static inline void edit_event_done(struct edited_event *e)
{
        ingot_buffer_done(&e->data);
        for (enum ingot_bank bank = 0; bank < INGOT_BANK_MAX; bank++)
                ingot_buffer_done(&e->digests[bank]);
        *e = (struct edited_event){0};
}

static inline void edit_log_done(struct edited_log *log)
{
        for (size_t i = 0; i < log->count; i++)
                edit_event_done(log->events + i);
        free(log->events);
        *log = (struct edited_log){0};
}

static inline void edit_set(struct ingot_buffer *b, struct ingot_span bytes)
{
        b->size = 0;
        (void) ingot_buffer_append(b, bytes.data, bytes.size, NULL);
}

/* A copy of the events of LOG. */
static inline void edit_load(struct edited_log *ret, const struct ingot_eventlog *log)
{
        ret->events = calloc(log->count + 1, sizeof(*ret->events));
        for (size_t i = 1; ret->events && i < log->count; i++) {
                const struct ingot_event *e = log->events + i;
                struct edited_event *copy = ret->events + ret->count++;
                copy->pcr = e->index;
                copy->type = e->type;
                edit_set(&copy->data, e->data);
                for (size_t k = 0; k < e->digest_count; k++) {
                        enum ingot_bank bank;
                        if (!ingot_bank_of_algorithm(e->digests[k].algorithm, &bank))
                                continue;
                        edit_set(&copy->digests[bank],
                                 INGOT_SPAN(e->digests[k].data, e->digests[k].size));
                        ret->banks |= 1u << bank;
                }
        }
}

/* As bytes: the first event, and the others. */
static inline void edit_encode(const struct edited_log *log, struct ingot_buffer *ret)
{
        make_eventlog_start_with(ret, log->banks);
        for (size_t i = 0; i < log->count; i++) {
                const struct edited_event *e = log->events + i;
                put32(ret, e->pcr);
                put32(ret, e->type);
                put32(ret, (uint32_t) __builtin_popcount(log->banks));
                for (enum ingot_bank bank = 0; bank < INGOT_BANK_MAX; bank++)
                        if (log->banks & 1u << bank) {
                                put16(ret, ingot_bank_algorithm(bank));
                                (void) ingot_buffer_append(ret, e->digests[bank].data,
                                                           e->digests[bank].size, NULL);
                        }
                put_sized(ret, e->data.data, e->data.size);
        }
}

/* The measured bytes of an event are MEASURED now. */
static inline void edit_measure(const struct edited_log *log, struct edited_event *e,
                                struct ingot_span measured)
{
        for (enum ingot_bank bank = 0; bank < INGOT_BANK_MAX; bank++) {
                uint8_t digest[INGOT_BANK_SIZE_MAX];
                if (!(log->banks & 1u << bank))
                        continue;
                (void) ingot_bank_digest(bank, measured, digest, NULL);
                edit_set(&e->digests[bank], INGOT_SPAN(digest, ingot_bank_size(bank)));
        }
}

/* The event of PCR whose words begin with START, the NTH of them from 0; or NULL. */
static inline struct edited_event *edit_find(const struct edited_log *log, uint32_t pcr,
                                             const char *start, unsigned nth)
{
        for (size_t i = 0; i < log->count; i++) {
                struct edited_event *e = log->events + i;
                const struct ingot_event event = {
                        .index = e->pcr, .type = e->type, .data = ingot_buffer_span(&e->data)};
                _cleanup_buffer_ struct ingot_buffer text = {0};
                if (e->pcr == pcr && ingot_event_text(&event, &text, NULL) >= 0 &&
                    strstr((const char *) text.data, start) && nth-- == 0)
                        return e;
        }
        return NULL;
}

/* A new event behind AFTER (NULL: at the end), of which MEASURED is measured and DATA is told. */
static inline struct edited_event *edit_add(struct edited_log *log, const struct edited_event *after,
                                            uint32_t pcr, uint32_t type, struct ingot_span measured,
                                            struct ingot_span data)
{
        size_t at = after ? (size_t) (after - log->events) + 1 : log->count;
        struct edited_event *more = realloc(log->events, (log->count + 1) * sizeof(*more));
        if (!more)
                return NULL;
        log->events = more;
        memmove(more + at + 1, more + at, (log->count - at) * sizeof(*more));
        log->count++;
        more[at] = (struct edited_event){.pcr = pcr, .type = type};
        edit_set(&more[at].data, data);
        edit_measure(log, more + at, measured);
        return more + at;
}

static inline void edit_remove(struct edited_log *log, struct edited_event *e)
{
        size_t at = (size_t) (e - log->events);
        edit_event_done(e);
        memmove(e, e + 1, (log->count - at - 1) * sizeof(*e));
        log->count--;
}

/* Of what a log has already: the boot before is one without it. */
static inline bool edit_take_out(struct edited_log *log, uint32_t pcr, const char *words)
{
        struct edited_event *e = edit_find(log, pcr, words, 0);
        if (!e)
                return false;
        edit_remove(log, e);
        log->before = true;
        return true;
}

/* UTF-16 with a NUL, appended. */
static inline void edit_put_utf16(struct ingot_buffer *b, const char *text)
{
        for (const char *c = text; *c; c++)
                put16(b, (uint8_t) *c);
        put16(b, 0);
}
