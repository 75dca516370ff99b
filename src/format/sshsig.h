/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signatures and public keys of OpenSSH.
 *
 *   signature   armour "SSH SIGNATURE" around: "SSHSIG", version 1, public key or certificate,
 *               namespace, reserved, name of the digest (sha256, sha512), signature (its algorithm
 *               and its bytes)
 *   key         line "ssh-ed25519 AAAA… comment"
 *   signers     line "principals [options] ssh-ed25519 AAAA… comment": ssh-keygen's allowed signers
 *
 * Numbers are big-endian, strings have a length of 32 bits before them. Sources: OpenSSH's
 * PROTOCOL.sshsig, PROTOCOL.certkeys, PROTOCOL.u2f, RFC 4253 (6.6), RFC 5656 (3.1), RFC 8332, RFC
 * 8709, and ssh-keygen(1), "ALLOWED SIGNERS". Where that says local time, UTC is meant here: an
 * answer does not depend on where it is given.
 */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>

enum ingot_ssh_kind {
        INGOT_SSH_ED25519,
        INGOT_SSH_RSA,
        INGOT_SSH_ECDSA,
        INGOT_SSH_SK_ED25519, /* in a FIDO token */
        INGOT_SSH_SK_ECDSA,
};

/* A public key; the spans lie in its blob. */
struct ingot_ssh_key {
        enum ingot_ssh_kind kind;
        struct ingot_span blob;        /* all of it, as signatures carry it */
        struct ingot_span type;        /* "ssh-ed25519" */
        struct ingot_span point;       /* Ed25519: 32 bytes; ECDSA: the uncompressed point */
        struct ingot_span e, n;        /* RSA, without leading zeros */
        const char *curve;             /* ECDSA: "P-256" */
        struct ingot_span application; /* of a token */
};

/* FORMAT; UNSUPPORTED: a kind that is none of these (DSA, certificates). */
int ingot_ssh_key_decode(struct ingot_span blob, struct ingot_ssh_key *ret, ingot_error *reterr);

/* What a key makes of some bytes. */
struct ingot_ssh_raw {
        struct ingot_span algorithm; /* "ssh-ed25519", "rsa-sha2-512" */
        struct ingot_span signature; /* Ed25519: 64 bytes; RSA: as it is; ECDSA: two numbers */
        uint8_t flags;               /* of a token: bit 0: somebody touched it */
        uint32_t counter;
};
/* FORMAT: malformed, or of another kind than KEY. */
int ingot_ssh_raw_decode(struct ingot_span bytes, const struct ingot_ssh_key *key,
                         struct ingot_ssh_raw *ret, ingot_error *reterr);

/* A key that an authority certifies (OpenSSH's PROTOCOL.certkeys); the spans lie in its blob. */
struct ingot_ssh_certificate {
        struct ingot_buffer plain; /* the key's blob without the certificate */
        struct ingot_ssh_key key;  /* its spans lie in `plain` */
        struct ingot_ssh_key authority;
        struct ingot_ssh_raw raw;       /* the authority's signature … */
        struct ingot_span signed_bytes; /* … over these */
        uint64_t serial, after, before; /* valid from `after` on, before `before` */
        uint32_t type;                  /* INGOT_SSH_USER, or 2: of a host */
        struct ingot_span id;
        struct ingot_span principals;       /* strings, each with its length */
        struct ingot_span critical_options; /* names and values, likewise */
};
#define INGOT_SSH_USER 1
/* Is it one, by its kind? */
bool ingot_ssh_certificate_recognise(struct ingot_span blob);
/* FORMAT; UNSUPPORTED: of a kind of keys that is none of the above. */
int ingot_ssh_certificate_decode(struct ingot_span blob, struct ingot_ssh_certificate *ret,
                                 ingot_error *reterr);
void ingot_ssh_certificate_done(struct ingot_ssh_certificate *c);
#define _cleanup_ssh_certificate_ __attribute__((cleanup(ingot_ssh_certificate_done)))
/* A string with its length before it. */
struct ingot_span ingot_ssh_string(struct ingot_cursor *c);
/* A number that is neither negative nor 0, in its shortest form, without the zero before it. */
struct ingot_span ingot_ssh_number(struct ingot_cursor *c);
/* The next of a list of them; false at the end, or where none fits. */
bool ingot_ssh_string_next(struct ingot_span *left, struct ingot_span *ret);

struct ingot_sshsig {
        struct ingot_buffer blob; /* what the armour holds; the spans lie in it */
        struct ingot_ssh_key key; /* also of a certificate: the key that signed */
        bool certified;           /* the key came as a certificate: this one */
        struct ingot_ssh_certificate certificate;
        struct ingot_span name_space, reserved, hash;
        struct ingot_ssh_raw raw;
};

void ingot_sshsig_done(struct ingot_sshsig *s);
#define _cleanup_sshsig_ __attribute__((cleanup(ingot_sshsig_done)))
bool ingot_sshsig_recognise(struct ingot_span text);
/* FORMAT: malformed, or something behind its end; UNSUPPORTED: a key or digest of another kind. */
int ingot_sshsig_decode(struct ingot_span text, struct ingot_sshsig *ret, ingot_error *reterr);
/* The bytes that are signed: DIGEST is that of the content. */
int ingot_sshsig_signed(const struct ingot_sshsig *s, struct ingot_span digest,
                        struct ingot_buffer *ret, ingot_error *reterr);
/* The next number of an ECDSA signature, without leading zeros; *left is moved behind it. */
int ingot_sshsig_number(struct ingot_span *left, struct ingot_span *ret, ingot_error *reterr);

/* A line of a file of keys. */
struct ingot_ssh_signer {
        struct ingot_buffer blob; /* the public key or certificate */
        bool certified;           /* it is a certificate: this one */
        struct ingot_ssh_certificate certificate;
        bool limited;                 /* principals or options stand before it */
        struct ingot_span principals; /* patterns; empty: a line without, a plain key */
        struct ingot_span namespaces; /* patterns; empty: any */
        struct ingot_span comment;
        bool authority;         /* certifies keys, and signs nothing itself */
        uint64_t after, before; /* seconds since 1970; 0: no limit */
};

void ingot_ssh_signer_done(struct ingot_ssh_signer *s);
#define _cleanup_ssh_signer_ __attribute__((cleanup(ingot_ssh_signer_done)))
/* The next line that holds a key: 1; 0 at the end. *left is moved behind it, and *line counted.
 * Keys of kinds that are not known are passed over. */
int ingot_ssh_signers_next(struct ingot_span *left, unsigned *line, struct ingot_ssh_signer *ret,
                           ingot_error *reterr);

/* Patterns with '*' and '?', between commas, '!' in front excludes: is TEXT one of them? */
bool ingot_ssh_patterns_match(struct ingot_span patterns, struct ingot_span text);
