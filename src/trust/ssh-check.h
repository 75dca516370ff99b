/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The arithmetic of OpenSSH's signatures: Ed25519, ECDSA, RSA from 2048 bits on with SHA-2, and the
 * two kinds of keys in tokens, whose signature must say that somebody touched them.
 */
#pragma once

#include "format/sshsig.h"
#include "trust/verdict.h"

/* 0: RAW is KEY's signature over MESSAGE; or it is weak, and J is refused. 1: it is not. FORMAT. */
int ingot_ssh_check(const struct ingot_ssh_key *key, const struct ingot_ssh_raw *raw,
                    struct ingot_span message, struct ingot_judgement *j, ingot_error *reterr);
