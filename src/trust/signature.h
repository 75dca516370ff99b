/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one way to verify anything: a content, signatures of whatever technology, and the key files
 * that may verify it. It runs no program, looks at no keyring of the user, and writes nothing.
 *
 * Three answers, never mixed: 0 holds; 1 refused, and the verdict says why for each signature;
 * < 0 could not be checked (FORMAT: a signature is malformed; UNSUPPORTED; SYSTEM; …). The content
 * is read piece by piece, so it may be larger than memory.
 *
 * A signature by a key that no verifier has does not harm: an archive signs with its next key
 * before anyone has it. THRESHOLD different keys must have signed; two signatures by one key are
 * one. It is the caller's, for each question: VOA says nothing about it.
 */
#pragma once

#include "trust/verdict.h"

#define INGOT_SIGNATURE_SIZE_MAX ((size_t) 1 << 20)

/* One signature, as a file. */
struct ingot_signature_file {
        const char *name; /* for messages */
        struct ingot_span content;
};

/* Which technology a signature is of, by its content; UNSUPPORTED when of none. */
int ingot_signature_recognise(struct ingot_span signature, enum ingot_technology *ret,
                              ingot_error *reterr);

/* Detached signatures over the request's content; several files count together. */
int ingot_signature_verify(const struct ingot_signature_request *q,
                           const struct ingot_signature_file *signatures, size_t count,
                           struct ingot_verdict *ret, ingot_error *reterr);

/* Is it a document that carries its signature in itself? */
bool ingot_signature_inside(struct ingot_span document);
/* Such a document, with the signed text in *ret_text when it holds. */
int ingot_signature_verify_inside(const struct ingot_signature_request *q,
                                  struct ingot_span document, struct ingot_buffer *ret_text,
                                  struct ingot_verdict *ret, ingot_error *reterr);

/* REFUSED, with what the verdict says: for callers that only want to go on or not. */
int ingot_verdict_error(const struct ingot_verdict *v, ingot_error *reterr);
