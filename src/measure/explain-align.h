/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two lists of measurements of one PCR, and what is in only one of them. */
#pragma once

#include "measure/explain.h"

/* Indices into a side's events, and a mark for each that the other side has, too. */
struct explain_list {
        const struct ingot_explain_side *side;
        size_t *items;
        bool *common;
        size_t count;
};

void explain_list_done(struct explain_list *list);

/* The events of a side that go where RECORD goes. */
int explain_list_of(const struct ingot_explain_side *side, const struct ingot_record *record,
                    struct explain_list *ret, ingot_error *reterr);

/* Marks what is common: a longest common subsequence, or, where that would take too long, only what
 * is equal at the beginning and at the end. */
int explain_align(struct explain_list *a, struct explain_list *b, ingot_error *reterr);

/* ingot_explain for the PCRs of a mask; 0: for all, and for NV indexes. */
int explain_pcrs(const struct ingot_explain_side *before, const struct ingot_explain_side *after,
                 uint32_t pcrs, struct ingot_causes *ret, ingot_error *reterr);
