/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why PCRs differ: two boots are laid side by side, PCR by PCR, and what is not in both is named, as
 * the thing that changed and not as a digest that did.
 *
 * Measurements are the same when their digests are. The longest common subsequence is taken for what
 * did not change; of the rest, what was there and what is there of one subject (measure/
 * event-subject.h) is one change.
 */
#pragma once

#include "measure/boot-log.h"
#include "measure/event-subject.h"

struct ingot_measured_event; /* measure/measurement.h */

/* One measurement of a boot. One of the pointers says what the logs, or a manifest, have of it, for
 * as long as they are there. A record without digests is not known, and passed over. */
struct ingot_explain_event {
        struct ingot_record record;
        enum ingot_subject subject;
        char *name; /* of the subject: UTF-8 without control characters */
        const struct ingot_event *firmware;
        const struct ingot_userspace_event *userspace;
        const struct ingot_measured_event *expected;
        const char *info; /* of a program that is expected: "systemd-boot 257.9-1"; NULL: not known */
};

/* The measurements of a boot in their order. */
struct ingot_explain_side {
        bool registers; /* a confidential machine's: record.pcr is 0 for MRTD, 1 for RTMR 0 … */
        struct ingot_explain_event *events;
        size_t count, room;
};

void ingot_explain_side_done(struct ingot_explain_side *side);
#define _cleanup_explain_side_ __attribute__((cleanup(ingot_explain_side_done)))

/* A new one at the end, zeros; good until the next one. Its name is the side's. */
int ingot_explain_side_add(struct ingot_explain_side *side, struct ingot_explain_event **ret,
                           ingot_error *reterr);

/* Those of a log, which must outlive it. What is in it without being measured is left out. */
int ingot_explain_side_of_log(const struct ingot_boot_log *log, struct ingot_explain_side *ret,
                              ingot_error *reterr);

/* "PCR 7"; of an NV index "NV index 0x01d10200", of a confidential machine "MRTD" or "RTMR 0". */
int ingot_explain_place(const struct ingot_explain_side *side, const struct ingot_record *record,
                        char **ret, ingot_error *reterr);

/* One change. */
struct ingot_cause {
        char *id;               /* "dbx-changed": stable, for programs */
        struct ingot_record at; /* its PCR or NV index; no digests */
        char *text;             /* a sentence without a full stop: "the firmware has another dbx …" */
        const char *advice;     /* sentences: what to do */
        size_t removed, added;  /* how many measurements */
        /* The first of them, into the sides' events; SIZE_MAX: none. */
        size_t before, after;
};

struct ingot_causes {
        struct ingot_cause *items;
        size_t count, room;
};

void ingot_cause_done(struct ingot_cause *cause);
void ingot_causes_done(struct ingot_causes *causes);
#define _cleanup_causes_ __attribute__((cleanup(ingot_causes_done)))
/* Takes what *cause owns, unless it fails; LIMIT for more than any two boots give. */
int ingot_causes_add(struct ingot_causes *causes, struct ingot_cause *cause, ingot_error *reterr);

/*
 * What changed from BEFORE to AFTER, by PCR and then by place; nothing when all is the same.
 * UNSUPPORTED when the two have no hash algorithm in common, or only one is of a TPM. Of a PCR with more than some thousand
 * measurements that differ, order is not looked at.
 */
int ingot_explain(const struct ingot_explain_side *before, const struct ingot_explain_side *after,
                  struct ingot_causes *ret, ingot_error *reterr);
