/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which technology a verifier's file is of, by its content alone.
 *
 *   OpenPGP   an armoured public key block, or a binary packet of a public key (tag 6)
 *   SSH       lines of public keys as OpenSSH writes them ("ssh-ed25519 AAAA… comment"), also with
 *             principals and options in front (allowed signers); '#' starts a comment; or a
 *             revocation list of OpenSSH
 *   X.509     PEM with a certificate, a public key or a CRL; text before it is passed over
 *   minisign  "untrusted comment: minisign public key …" and 42 bytes in base64, or these alone
 *   signify   the same with any other comment
 *
 * A minisign and a signify key have one form; only the comment, which nobody signed, tells them
 * apart. So either may stand for the other (ingot_verifier_fits).
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "trust/technology.h"

/* What a verifier's file may hold at most. */
#define INGOT_VERIFIER_SIZE_MAX ((size_t) 16 << 20)

/* FORMAT when it is none of them: the text says what it is instead, where that shows (a secret key,
 * a signature). */
int ingot_verifier_recognise(struct ingot_span content, enum ingot_technology *ret,
                             ingot_error *reterr);

/* An OpenPGP secret key: an armoured block of it, or a binary packet (tag 5). */
bool ingot_verifier_is_openpgp_secret(struct ingot_span content);

/* May content that is recognised as FOUND stand where WANTED is expected? */
bool ingot_verifier_fits(enum ingot_technology found, enum ingot_technology wanted);

/* The blob of the public key in a line of SSH: the first word that is base64 of a blob which starts
 * with the name in the word before it. Appended to *ret_blob; FORMAT when there is none. */
int ingot_verifier_ssh_blob(struct ingot_span line, struct ingot_buffer *ret_blob,
                            ingot_error *reterr);
