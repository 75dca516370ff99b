/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The release file as it lies in a folder: the payload with its signatures inline, so that one
 * rename replaces both (docs/formats/release.md). Signatures are detached ones over the payload's
 * bytes, of any technology that VOA knows; they are judged by trust/signature.h.
 */
#pragma once

#include "trust/signature.h"
#include "update/release.h"

#define INGOT_RELEASE_SIGNATURES_MAX 64
/* Of the file: the payload in base64, and the signatures. */
#define INGOT_RELEASE_FILE_SIZE_MAX (2 * INGOT_RELEASE_SIZE_MAX)

struct ingot_release_signature {
        enum ingot_technology technology;
        struct ingot_buffer content;
};

struct ingot_release_envelope {
        struct ingot_buffer payload;
        struct ingot_release_signature *signatures;
        size_t count;
};

void ingot_release_envelope_done(struct ingot_release_envelope *e);
#define _cleanup_release_envelope_ __attribute__((cleanup(ingot_release_envelope_done)))

/* FORMAT, LIMIT, UNSUPPORTED. Signatures are recognised, not judged; those of a technology that is
 * not known here are passed over. There may be none. */
int ingot_release_envelope_decode(struct ingot_span file, struct ingot_release_envelope *ret,
                                  ingot_error *reterr);
int ingot_release_envelope_encode(const struct ingot_release_envelope *e, struct ingot_buffer *ret,
                                  ingot_error *reterr);
/* Recognises the technology, and copies. */
int ingot_release_envelope_add(struct ingot_release_envelope *e, struct ingot_span signature,
                               ingot_error *reterr);

/*
 * A release file, verified. REQUEST's content is set here; its threshold is that of the caller, and
 * `undated` should be set: release keys count whatever their dates (docs/decisions/057). 0: it
 * holds; 1: refused, *ret is not set, and ingot_verdict_error() names who signed and what is
 * missing. *ret_verdict is set in both cases. Then ask ingot_channel_acceptable().
 */
int ingot_channel_open(struct ingot_span file, const struct ingot_signature_request *request,
                       struct ingot_channel *ret, struct ingot_verdict *ret_verdict,
                       ingot_error *reterr);
