/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Detached CMS signatures (RFC 5652; PKCS#7 is its older name), DER or PEM, checked by OpenSSL.
 *
 * Who may sign, by the key files:
 *   - named by the caller: the certificates in them, whoever issued them; and what a CA
 *     certificate among them issued for code signing, directly or through the signature's own
 *     intermediate certificates;
 *   - found by VOA: the certificates in them, when a chain leads from them to a trust anchor, and
 *     they are for code signing.
 * A certificate with a key usage must allow digital signatures, one with an extended key usage
 * code signing. Chains are of at least 112 bits of security: no SHA-1, no RSA below 2048 bits.
 *
 * Certificates must have been valid when the signature was made: at its signed signingTime, or at
 * the request's time when there is none. So a clock at 1970 decides nothing where the signature
 * says a time. CRLs in the key files revoke, also after their nextUpdate: for a compromise or no
 * reason from the beginning, else from the revocation on.
 */
#pragma once

#include "trust/verdict.h"

bool ingot_x509_recognise(struct ingot_span text);
/* Adds a judgement for each signer. FORMAT: malformed, not detached, or something behind it. */
int ingot_x509_judge(const struct ingot_signature_request *q, struct ingot_span signature,
                     struct ingot_verdict *v, ingot_error *reterr);
