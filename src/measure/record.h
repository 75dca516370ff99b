/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One measurement, whoever tells of it: a firmware's log, the log of user space, a component of
 * systemd-pcrlock, or a prediction. Only the digest counts in a PCR.
 */
#pragma once

#include "format/eventlog.h"
#include "measure/bank.h"

#define INGOT_RECORDS_MAX 131072

struct ingot_record {
        uint32_t pcr;      /* the index; 0 of an NV index that is used as a PCR */
        uint32_t nv_index; /* 0: it is a PCR */
        unsigned banks;    /* a bit for each enum ingot_bank whose digest is known */
        uint8_t digest[INGOT_BANK_MAX][INGOT_BANK_SIZE_MAX];
};

struct ingot_records {
        struct ingot_record *items; /* in the order in which they are, or will be, extended */
        size_t count, room;
};

void ingot_records_done(struct ingot_records *records);
#define _cleanup_records_ __attribute__((cleanup(ingot_records_done)))

/* A new one, zeros, at the end; good until the next one. LIMIT above INGOT_RECORDS_MAX. */
int ingot_records_add(struct ingot_records *records, struct ingot_record **ret,
                      ingot_error *reterr);
/* One of PCR with the digests of DATA in every bank. */
int ingot_records_measure(struct ingot_records *records, uint32_t pcr, struct ingot_span data,
                          ingot_error *reterr);

/* Of an event: its PCR and the digests that we know the algorithm of. */
void ingot_record_of_event(const struct ingot_event *e, struct ingot_record *ret);

/* Appends all events of a log that were extended. */
int ingot_records_of_log(struct ingot_records *records, const struct ingot_eventlog *log,
                         ingot_error *reterr);

/* The same PCR, and in every bank that both have the same digest; false when they share no bank. */
bool ingot_record_equal(const struct ingot_record *a, const struct ingot_record *b);
/* As many, each the same. */
bool ingot_records_equal(const struct ingot_records *a, const struct ingot_records *b);

/* Extends PCR with it in the banks that it has. */
int ingot_record_extend(const struct ingot_record *record, struct ingot_pcr *pcr,
                        ingot_error *reterr);
