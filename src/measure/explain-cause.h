/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words for a change: an identifier, a sentence, and what to do. */
#pragma once

#include "measure/explain.h"

/* What is there no more and what is there now, of one subject; one of them may be NULL. The same
 * twice: it changed, and what it was is not known. */
struct explain_change {
        const struct ingot_explain_event *before, *after;
};

/* One that is gone and one that is new, of different names, are one change: a loader in place of
 * another. */
bool explain_cause_replaces(enum ingot_subject subject);
/* All changes of the subject in one PCR are told as one. */
bool explain_cause_groups(enum ingot_subject subject);

/* Fills *ret's id, text and advice. */
int explain_cause_words(const struct explain_change *change, struct ingot_cause *ret,
                        ingot_error *reterr);
