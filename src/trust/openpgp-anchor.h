/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * OpenPGP's trust anchors of VOA (UAPI.11, "OpenPGP" and "Purpose"): where there are some, a
 * verifier counts only when they certify it, and otherwise it counts by itself.
 *
 * An anchor certifies a verifier when its primary key signed one of the verifier's user IDs
 * (RFC 4880 5.2.1, 0x10 to 0x13): depth 1. That user ID is the verifier's own, and not revoked; the
 * certification matches, its digest is strong, and it is valid when the artifact was signed, or now
 * (decision 008); the anchor may certify, is not revoked, not weak, and was not expired when it
 * certified. A revocation of the certification counts whenever it was made; a certification that
 * the anchor makes later counts again. An anchor that is a verifier, too, certifies itself.
 */
#pragma once

#include "trust/verdict.h"

/*
 * The paths of the anchors in FILES that certify VOA's verifier of that fingerprint (lower-case
 * hexadecimal), each once, in *ret_anchors. *ret_fault says why it is no more of them, and is NULL
 * when nothing went wrong with any certification. TIME is that of the artifact's signature.
 */
int ingot_openpgp_certified(const struct ingot_key_files *files, const char *fingerprint,
                            uint64_t time, uint64_t now, struct ingot_strings *ret_anchors,
                            const char **ret_fault, ingot_error *reterr);
/* The same for a caller that has silenced librnp already (trust/librnp.h). */
int ingot_openpgp_certified_quiet(const struct ingot_key_files *files, const char *fingerprint,
                                  uint64_t time, uint64_t now, struct ingot_strings *ret_anchors,
                                  const char **ret_fault, ingot_error *reterr);
