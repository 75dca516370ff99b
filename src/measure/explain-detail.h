/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In what two measurements of one thing differ, by what the log has of them: words to append to
 * a sentence. Nothing is appended where the log does not tell, and where both are one.
 */
#pragma once

#include "measure/explain.h"

typedef int (*explain_detail_fn)(const struct ingot_explain_event *before,
                                 const struct ingot_explain_event *after, struct ingot_buffer *ret,
                                 ingot_error *reterr);

int explain_detail_keys(const struct ingot_explain_event *before,
                        const struct ingot_explain_event *after, struct ingot_buffer *ret,
                        ingot_error *reterr);
int explain_detail_on_off(const struct ingot_explain_event *before,
                          const struct ingot_explain_event *after, struct ingot_buffer *ret,
                          ingot_error *reterr);
int explain_detail_partitions(const struct ingot_explain_event *before,
                              const struct ingot_explain_event *after, struct ingot_buffer *ret,
                              ingot_error *reterr);
int explain_detail_boot_entry(const struct ingot_explain_event *before,
                              const struct ingot_explain_event *after, struct ingot_buffer *ret,
                              ingot_error *reterr);
/* Words that are there no more, and words that are new. */
int explain_detail_command_line(const struct ingot_explain_event *before,
                                const struct ingot_explain_event *after, struct ingot_buffer *ret,
                                ingot_error *reterr);
int explain_detail_file_system(const struct ingot_explain_event *before,
                               const struct ingot_explain_event *after, struct ingot_buffer *ret,
                               ingot_error *reterr);
/* "it was X and is Y now", by the words of the log. */
int explain_detail_words(const struct ingot_explain_event *before,
                         const struct ingot_explain_event *after, struct ingot_buffer *ret,
                         ingot_error *reterr);
/* The same of the files of two images. */
int explain_detail_file(const struct ingot_explain_event *before,
                        const struct ingot_explain_event *after, struct ingot_buffer *ret,
                        ingot_error *reterr);
