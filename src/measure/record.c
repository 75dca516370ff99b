/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/record.h"

#include <stdlib.h>

void ingot_records_done(struct ingot_records *records)
{
        free(records->items);
        *records = (struct ingot_records){0};
}

int ingot_records_add(struct ingot_records *records, struct ingot_record **ret, ingot_error *reterr)
{
        if (records->count == INGOT_RECORDS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d measurements",
                                  INGOT_RECORDS_MAX);
        if (records->count == records->room) {
                size_t room = records->room ? 2 * records->room : 16;
                struct ingot_record *more =
                        reallocarray(records->items, room, sizeof(*records->items));
                if (!more)
                        return ingot_fail_nomem(reterr);
                records->items = more;
                records->room = room;
        }
        *ret = records->items + records->count++;
        **ret = (struct ingot_record){0};
        return 0;
}

int ingot_records_measure(struct ingot_records *records, uint32_t pcr, struct ingot_span data,
                          ingot_error *reterr)
{
        struct ingot_record *record;
        int r = ingot_records_add(records, &record, reterr);
        if (r < 0)
                return r;
        record->pcr = pcr;
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++) {
                r = ingot_bank_digest(bank, data, record->digest[bank], reterr);
                record->banks |= 1u << bank;
        }
        return r;
}

void ingot_record_of_event(const struct ingot_event *e, struct ingot_record *ret)
{
        *ret = (struct ingot_record){.pcr = e->index};
        for (size_t i = 0; i < e->digest_count; i++) {
                const struct ingot_event_digest *digest = e->digests + i;
                enum ingot_bank bank;
                if (!ingot_bank_of_algorithm(digest->algorithm, &bank) ||
                    digest->size != ingot_bank_size(bank))
                        continue;
                memcpy(ret->digest[bank], digest->data, digest->size);
                ret->banks |= 1u << bank;
        }
}

int ingot_records_of_log(struct ingot_records *records, const struct ingot_eventlog *log,
                         ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < log->count; i++) {
                struct ingot_record *record;
                if (log->events[i].type == INGOT_EV_NO_ACTION)
                        continue;
                r = ingot_records_add(records, &record, reterr);
                if (r >= 0)
                        ingot_record_of_event(log->events + i, record);
        }
        return r;
}

bool ingot_record_equal(const struct ingot_record *a, const struct ingot_record *b)
{
        unsigned both = a->banks & b->banks;
        if (a->pcr != b->pcr || a->nv_index != b->nv_index || both == 0)
                return false;
        for (enum ingot_bank bank = 0; bank < INGOT_BANK_MAX; bank++)
                if ((both & 1u << bank) &&
                    memcmp(a->digest[bank], b->digest[bank], ingot_bank_size(bank)) != 0)
                        return false;
        return true;
}

int ingot_record_extend(const struct ingot_record *record, struct ingot_pcr *pcr,
                        ingot_error *reterr)
{
        int r = 0;
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                if (record->banks & 1u << bank)
                        r = ingot_pcr_extend_digest(pcr, bank, record->digest[bank], reterr);
        return r;
}

bool ingot_records_equal(const struct ingot_records *a, const struct ingot_records *b)
{
        for (size_t i = 0; a->count == b->count && i < a->count; i++)
                if (!ingot_record_equal(a->items + i, b->items + i))
                        return false;
        return a->count == b->count;
}
