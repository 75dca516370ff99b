/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the erofs writer share; nobody else includes it. */
#pragma once

#include "base/text.h"
#include "format/erofs.h"

#define INGOT_EROFS_EXTENT_DEFAULT (256u * 1024)

/* Checked, with the defaults filled in. */
int ingot_erofs_options_resolve(const struct ingot_erofs_options *given,
                                struct ingot_erofs_options *ret, ingot_error *reterr);
void ingot_erofs_kernel_needed(enum ingot_erofs_compressor compressor, unsigned *ret_major,
                               unsigned *ret_minor);
