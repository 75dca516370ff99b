/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys: RSA (2048 bits and more), ECDSA over the NIST curves, Ed25519; private ones that lie in a
 * PEM file or in a token (PKCS#11), and public ones. OpenSSL does the arithmetic.
 *
 * A signature is RSASSA-PKCS1-v1_5 or ECDSA, both with SHA-256, or Ed25519. RSA and Ed25519 give
 * the same bytes each time; ECDSA does where OpenSSL has RFC 6979 (3.2 and later) and the key is
 * no token's.
 */
#pragma once

#include "base/buffer.h"

enum ingot_key_kind {
        INGOT_KEY_RSA,
        INGOT_KEY_EC,
        INGOT_KEY_ED25519,
};

struct ingot_key;

/* Who is asked for the secret that opens WHAT ("key db.key", "token pkcs11:…"): writes it and a
 * NUL into RET. NULL in place of it: a key that needs a secret cannot be opened. */
struct ingot_key_ask {
        int (*ask)(void *context, const char *what, char *ret, size_t size, ingot_error *reterr);
        void *context;
};

/*
 * WHERE is a PEM file (which may hold certificates, too), or a URI "pkcs11:…" (RFC 7512). Tokens are
 * reached by OpenSSL's pkcs11 provider, or else by its engine (libengine-pkcs11-openssl).
 * NOTFOUND: no such file or token key; FORMAT: no private key, or not opened by that passphrase;
 * REFUSED: too weak; UNSUPPORTED: another kind of key, or no way to tokens.
 */
int ingot_key_open(struct ingot_key **ret, const char *where, const struct ingot_key_ask *ask,
                   ingot_error *reterr);
/* The same from the bytes of a PEM file; NAME is what errors and questions call it. */
int ingot_key_decode(struct ingot_key **ret, struct ingot_span pem, const char *name,
                     const struct ingot_key_ask *ask, ingot_error *reterr);
/* A public key alone: PEM ("PUBLIC KEY") or DER SubjectPublicKeyInfo. */
int ingot_key_decode_public(struct ingot_key **ret, struct ingot_span data, ingot_error *reterr);
void ingot_key_free(struct ingot_key *k);
static inline void ingot_key_free_p(struct ingot_key **k)
{
        ingot_key_free(*k);
}

enum ingot_key_kind ingot_key_kind(const struct ingot_key *k);
unsigned ingot_key_bits(const struct ingot_key *k);
/* Key and signature: "rsa2048-sha256", "ecdsa256-sha256", "ed25519". */
const char *ingot_key_algorithm(const struct ingot_key *k);
/* Same public key. */
bool ingot_key_equal(const struct ingot_key *a, const struct ingot_key *b);

/* The signature of MESSAGE (not of its digest), appended to RET. */
int ingot_key_sign(const struct ingot_key *k, struct ingot_span message, struct ingot_buffer *ret,
                   ingot_error *reterr);
/* REFUSED when the signature is not this key's of this message. */
int ingot_key_verify(const struct ingot_key *k, struct ingot_span message,
                     struct ingot_span signature, ingot_error *reterr);

/* The public key, appended to RET: SubjectPublicKeyInfo in DER, the same in PEM ("PUBLIC KEY"), and
 * PKCS#1's RSAPublicKey in DER (what `pkfp` of a PCR policy is the digest of; UNSUPPORTED unless it
 * is an RSA key). */
int ingot_key_public_spki(const struct ingot_key *k, struct ingot_buffer *ret, ingot_error *reterr);
int ingot_key_public_pem(const struct ingot_key *k, struct ingot_buffer *ret, ingot_error *reterr);
int ingot_key_public_pkcs1(const struct ingot_key *k, struct ingot_buffer *ret,
                           ingot_error *reterr);

/* A new private key, from the system's randomness. BITS: 2048 to 8192 for RSA; 256, 384 or 521 for
 * ECDSA; ignored for Ed25519. */
int ingot_key_generate(struct ingot_key **ret, enum ingot_key_kind kind, unsigned bits,
                       ingot_error *reterr);
/* The same in the token that the URI names, under the label that it gives (object=NAME); it never
 * leaves the token. 1: a key of that label is there, and nothing was made. NOTFOUND: no such token;
 * REFUSED: a wrong PIN; UNSUPPORTED: built without p11-kit, or Ed25519. */
int ingot_key_generate_in_token(const char *where, enum ingot_key_kind kind, unsigned bits,
                                const struct ingot_key_ask *ask, ingot_error *reterr);

/* PKCS#8 in PEM, encrypted (PBKDF2, AES-256-CBC) when a passphrase is given. */
int ingot_key_private_pem(const struct ingot_key *k, const char *passphrase,
                          struct ingot_buffer *ret, ingot_error *reterr);

/* WHERE without the secrets a URI may carry (pin-value), for messages. The caller frees. */
int ingot_key_name(char **ret, const char *where, ingot_error *reterr);

#define _cleanup_key_ __attribute__((cleanup(ingot_key_free_p)))
