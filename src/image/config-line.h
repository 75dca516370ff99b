/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lines of tmpfiles.d(5) and sysusers.d(5): words, quoted where they need it. Both programs take
 * quotes and C escapes off, and replace '%' specifiers.
 */
#pragma once

#include "base/buffer.h"
#include "base/text.h"
#include "format/tree.h"

/* Appends TEXT as one word: in quotes, with escapes, with "%%" for '%'. "" is written as "-". */
int ingot_config_word(struct ingot_buffer *out, const char *text, ingot_error *reterr);

/*
 * Calls FN with the words of each line of every FOLDER/NAME.conf in the tree, in byte order of the
 * names; comments are left out. Only as much is undone of quoting as plain quotes. Files that are
 * links to /dev/null are empty, those above 1 MiB are left out.
 */
typedef int (*ingot_config_line_fn)(void *context, const struct ingot_strings *words,
                                    ingot_error *reterr);
int ingot_config_lines(const struct ingot_tree *tree, const char *folder, ingot_config_line_fn fn,
                       void *context, ingot_error *reterr);
