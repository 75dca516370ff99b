/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Base64 (RFC 4648, section 4): padded, without line breaks in what is written. */
#pragma once

#include "base/buffer.h"

/* The text in *ret, which the caller frees. */
int ingot_base64_encode(struct ingot_span data, char **ret, ingot_error *reterr);

/*
 * Appends what TEXT stands for. White space (blank, tab, CR, LF) anywhere is passed over. FORMAT:
 * another byte, a wrong length or padding, or bits set behind the last byte: of all texts with a
 * meaning exactly one is accepted.
 */
int ingot_base64_decode(struct ingot_span text, struct ingot_buffer *ret, ingot_error *reterr);
