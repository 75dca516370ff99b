/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/replay.h"

#define DYNAMIC_FIRST 17
#define DYNAMIC_LAST 22

void ingot_pcr_start(unsigned pcr, uint8_t locality, struct ingot_pcr *ret)
{
        bool dynamic = pcr >= DYNAMIC_FIRST && pcr <= DYNAMIC_LAST;
        memset(ret, dynamic ? 0xff : 0, sizeof(*ret));
        for (enum ingot_bank bank = 0; pcr == 0 && bank < INGOT_BANK_MAX; bank++)
                ret->value[bank][ingot_bank_size(bank) - 1] = locality;
}

void ingot_replay_start(struct ingot_replay *replay)
{
        *replay = (struct ingot_replay){0};
        for (unsigned i = 0; i < INGOT_PCR_COUNT; i++)
                ingot_pcr_start(i, 0, replay->pcrs + i);
}

int ingot_replay_record(struct ingot_replay *replay, const struct ingot_record *record,
                        ingot_error *reterr)
{
        if (record->nv_index != 0)
                return 0;
        if (record->pcr >= INGOT_PCR_COUNT) {
                replay->ignored++;
                return 0;
        }
        int r = ingot_record_extend(record, replay->pcrs + record->pcr, reterr);
        if (r < 0)
                return r;
        replay->touched |= 1u << record->pcr;
        replay->banks |= record->banks;
        return 0;
}

static int replay_event(struct ingot_replay *replay, const struct ingot_event *e,
                        ingot_error *reterr)
{
        struct ingot_record record;
        if (e->type == INGOT_EV_NO_ACTION)
                return 0;
        ingot_record_of_event(e, &record);
        return ingot_replay_record(replay, &record, reterr);
}

int ingot_replay_log(struct ingot_replay *replay, const struct ingot_eventlog *log,
                     ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < log->algorithm_count; i++) {
                enum ingot_bank bank;
                if (ingot_bank_of_algorithm(log->algorithms[i].id, &bank))
                        replay->banks |= 1u << bank;
        }
        if (replay->touched == 0)
                ingot_pcr_start(0, log->locality, replay->pcrs);
        for (size_t i = 0; r >= 0 && i < log->count; i++)
                r = replay_event(replay, log->events + i, reterr);
        return r;
}
