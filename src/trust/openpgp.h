/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * OpenPGP signatures (RFC 4880, RFC 9580 as far as librnp), checked against the given key files and
 * nothing else: no keyring of the user, no network.
 *
 * A signature holds when its key is in a key file, may sign, was valid when it signed, and neither
 * it nor its primary key is revoked; when it has not expired itself; and when neither its digest
 * (MD5, SHA-1, RIPEMD-160) nor its key (DSA, RSA below 2048 bits) is weak. All files are taken
 * together: a revocation in one of them counts for the copies in all. Where VOA has trust anchors,
 * its keys count only when they are certified (trust/openpgp-anchor.h).
 */
#pragma once

#include "trust/verdict.h"

#define INGOT_OPENPGP_DOCUMENT_MAX ((size_t) 16 << 20)

/* Does it look like a detached signature, or like a clear-signed document? */
bool ingot_openpgp_recognise(struct ingot_span text);
bool ingot_openpgp_recognise_clear(struct ingot_span text);

/* A detached signature, binary or armoured: adds a judgement for each signature in it. FORMAT:
 * malformed, or none in it. */
int ingot_openpgp_judge(const struct ingot_signature_request *q, struct ingot_span signature,
                        struct ingot_verdict *v, ingot_error *reterr);

/* A clear-signed document: likewise, and the text that is signed in *ret_text, and no other byte of
 * it; there is none where no signature holds. FORMAT also for bytes outside of what is signed. */
int ingot_openpgp_judge_clear(const struct ingot_signature_request *q, struct ingot_span document,
                              struct ingot_buffer *ret_text, struct ingot_verdict *v,
                              ingot_error *reterr);
