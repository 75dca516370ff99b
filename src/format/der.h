/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DER (ITU-T X.690), as much of it as signatures need: a writer, and a reader of elements with
 * bounds. One byte tags, definite lengths in their shortest form; anything else is refused.
 */
#pragma once

#include "base/buffer.h"

#define INGOT_DER_INTEGER 0x02
#define INGOT_DER_BITS 0x03
#define INGOT_DER_OCTETS 0x04
#define INGOT_DER_NULL 0x05
#define INGOT_DER_OID 0x06
#define INGOT_DER_UTC_TIME 0x17
#define INGOT_DER_GENERALIZED_TIME 0x18
#define INGOT_DER_SEQUENCE 0x30
#define INGOT_DER_SET 0x31
/* [N], constructed or not: context-specific. */
#define INGOT_DER_CONTEXT(n) (0xa0 | (n))
#define INGOT_DER_CONTEXT_PRIMITIVE(n) (0x80 | (n))

/* The first failure is kept in `r` and everything after it does nothing: check it once. */
struct ingot_der_writer {
        struct ingot_buffer *out;
        ingot_error *error;
        int r;
};

/* An element whose content is what is written between begin and end; they nest. */
size_t ingot_der_begin(struct ingot_der_writer *w, uint8_t tag);
void ingot_der_end(struct ingot_der_writer *w, size_t begun);

/* A whole element, and bytes that already are elements. */
void ingot_der_put(struct ingot_der_writer *w, uint8_t tag, struct ingot_span content);
void ingot_der_raw(struct ingot_der_writer *w, struct ingot_span elements);

/* "1.2.840.113549.1.7.2" */
void ingot_der_oid(struct ingot_der_writer *w, const char *dotted);
/* An integer from 0 to 127. */
void ingot_der_small(struct ingot_der_writer *w, uint8_t value);
/* A time of X.509 and CMS, in seconds since 1970: UTCTime until 2049, GeneralizedTime after. */
void ingot_der_time(struct ingot_der_writer *w, int64_t time);
/* The AlgorithmIdentifier DOTTED, with NULL parameters or none. */
void ingot_der_algorithm(struct ingot_der_writer *w, const char *dotted, bool with_null);

/* The next element. False when there is none, or it is malformed; the cursor has then failed. */
bool ingot_der_next(struct ingot_cursor *c, uint8_t *ret_tag, struct ingot_span *ret_content);
/* The same, of that tag. */
bool ingot_der_take(struct ingot_cursor *c, uint8_t tag, struct ingot_span *ret_content);
/* The next element is that OID. */
bool ingot_der_take_oid(struct ingot_cursor *c, const char *dotted);
