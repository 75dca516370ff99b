/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of minisign and of OpenBSD's signify: an "untrusted comment: …" line, which nobody
 * signed, and a line of base64.
 *
 *   public key   "Ed", 8 bytes of key number, 32 bytes of Ed25519 key
 *   signature    "Ed" (over the file itself) or "ED" (over its BLAKE2b-512; minisign alone),
 *                8 bytes of key number, 64 bytes of Ed25519 signature
 *
 * minisign adds a "trusted comment: …" line and one of base64: an Ed25519 signature over the 64
 * bytes of the signature and the comment. Nothing may follow, so a file says one thing only.
 *
 * Sources: minisign's "signature format" (jedisct1.github.io/minisign), signify(1) and its source's
 * struct sig. signify's embedded signatures (-e) and those in gzip headers (-z) are not read.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>

#define INGOT_MINISIGN_KEY_NUMBER_SIZE 8
#define INGOT_MINISIGN_KEY_SIZE 32
#define INGOT_MINISIGN_SIGNATURE_SIZE 64

struct ingot_minisign_key {
        uint8_t number[INGOT_MINISIGN_KEY_NUMBER_SIZE];
        uint8_t key[INGOT_MINISIGN_KEY_SIZE];
};

struct ingot_minisign {
        bool prehashed;
        uint8_t number[INGOT_MINISIGN_KEY_NUMBER_SIZE];
        uint8_t signature[INGOT_MINISIGN_SIGNATURE_SIZE];
        bool has_comment;           /* minisign's; without it the file is signify's */
        struct ingot_span comment;  /* the trusted comment, inside of the input */
        uint8_t comment_signature[INGOT_MINISIGN_SIGNATURE_SIZE];
};

/* Does it look like such a signature? For telling signatures apart. */
bool ingot_minisign_recognise(struct ingot_span text);

/* FORMAT when malformed; UNSUPPORTED: another algorithm. A key may come without its comment. */
int ingot_minisign_decode_key(struct ingot_span text, struct ingot_minisign_key *ret,
                              ingot_error *reterr);
int ingot_minisign_decode(struct ingot_span text, struct ingot_minisign *ret, ingot_error *reterr);

/* The key number as both programs print it: 16 upper-case hex digits, the last byte first. */
void ingot_minisign_number_text(const uint8_t number[INGOT_MINISIGN_KEY_NUMBER_SIZE], char ret[17]);
