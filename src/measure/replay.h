/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What PCRs hold when a log is true: from their start values, each event's digest is extended.
 *
 * PCRs start as zeros, but 17 to 22 (dynamic launch) as ones; the last byte of PCR 0 is the
 * locality at which the TPM was started, which the log tells (TCG PC Client Platform Firmware
 * Profile 1.05 rev. 23, section 3.3.2 and 10.4.5.3).
 */
#pragma once

#include "format/eventlog.h"
#include "measure/record.h"

#define INGOT_PCR_COUNT 24

struct ingot_replay {
        struct ingot_pcr pcrs[INGOT_PCR_COUNT];
        uint32_t touched; /* a bit for each PCR that an event extended */
        unsigned banks;   /* a bit for each enum ingot_bank that the log has */
        size_t ignored;   /* events of PCRs that no TPM has */
};

/* What a PCR holds before anything is extended, when the TPM was started at LOCALITY. */
void ingot_pcr_start(unsigned pcr, uint8_t locality, struct ingot_pcr *ret);

/* An algorithm that is none of ours, and an event that lacks a digest of a bank, are left out. */
void ingot_replay_start(struct ingot_replay *replay);
int ingot_replay_log(struct ingot_replay *replay, const struct ingot_eventlog *log,
                     ingot_error *reterr);
/* One measurement more; NV indexes are no PCRs, and are passed over. */
int ingot_replay_record(struct ingot_replay *replay, const struct ingot_record *record,
                        ingot_error *reterr);
