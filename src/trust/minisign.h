/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signatures of minisign and signify, checked by OpenSSL's Ed25519 and BLAKE2b.
 *
 * One that is not prehashed signs the whole file at once: its content is loaded, so it is limited
 * to INGOT_MINISIGN_WHOLE_MAX bytes (LIMIT beyond). Keys are trusted directly: there is no chain,
 * no revocation and no time.
 */
#pragma once

#include "trust/verdict.h"

#define INGOT_MINISIGN_WHOLE_MAX ((uint64_t) 32 << 20)

/* Adds one judgement. FORMAT: malformed. */
int ingot_minisign_judge(const struct ingot_signature_request *q, struct ingot_span signature,
                         struct ingot_verdict *v, ingot_error *reterr);
