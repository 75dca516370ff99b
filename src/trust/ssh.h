/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signatures of `ssh-keygen -Y sign`, checked by OpenSSL.
 *
 * The namespace must be the one that is asked for: "PURPOSE/CONTEXT" (UAPI.11), or "file", which is
 * what ssh-keygen(1) names for files, when no purpose is given. A signature says no time; where an
 * allowed signer has a limit, the request's time decides. RSA only from 2048 bits and with SHA-2;
 * a token's signature must say that somebody touched it.
 *
 * A signature by a certificate counts when the certificate does (trust/ssh-anchor.h) by its
 * authority: the key of a line with "cert-authority", whose patterns fit one of the principals, or
 * a trust anchor of VOA. A verifier of VOA that is a certificate counts by an anchor, too. The key
 * that signed is told by its own fingerprint: two certificates of one key are one signer (decision
 * 009). What is revoked does not count (trust/ssh-revoked.h); a list that cannot be read is an error.
 */
#pragma once

#include "trust/verdict.h"

/* Adds one judgement. FORMAT, UNSUPPORTED. */
int ingot_ssh_judge(const struct ingot_signature_request *q, struct ingot_span signature,
                    struct ingot_verdict *v, ingot_error *reterr);
