/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Certificates of SSH: what they must say of themselves, and VOA's trust anchors of SSH, which are
 * keys of authorities (UAPI.11, "Hierarchical delegation"; decision 013).
 *
 * A certificate counts when its authority's signature matches; when it is a user's, is valid at the
 * request's time, has no critical option and at least one principal, which is the request's
 * identity, if it has one; and when neither it nor its key nor its authority is revoked. It counts
 * by a trust anchor when that holds its authority's key, and no mask of VOA takes its own key away.
 */
#pragma once

#include "format/sshsig.h"
#include "trust/verdict.h"

/* Judges C: the principals that may sign in J->signer, why it does not count in J->reason. Of its
 * principals only those count that PATTERNS allow; NULL: all. FORMAT. */
int ingot_ssh_certificate_judge(const struct ingot_signature_request *q,
                                const struct ingot_ssh_certificate *c,
                                const struct ingot_span *patterns, struct ingot_judgement *j,
                                ingot_error *reterr);

/* The same by the trust anchors among the request's keys: the one that has its authority's key
 * in *ret_anchor, and its path in J->anchors when it counts; NULL when there is none. */
int ingot_ssh_anchor_judge(const struct ingot_signature_request *q,
                           const struct ingot_ssh_certificate *c, struct ingot_judgement *j,
                           const struct ingot_key_file **ret_anchor, ingot_error *reterr);
