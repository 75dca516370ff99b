/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * OpenSSH's key revocation list (KRL): keys that do not count any more, and certificates, by their
 * authority and their serial number or ID. `ssh-keygen -k` writes them.
 *
 *   header    "SSHKRL\n\0", 1 (32 bits: the version of the format), version of the list, seconds
 *             since 1970 when it was made, flags (64 bits each), reserved, comment (strings)
 *   sections  kind (a byte) and content (a string):
 *     1       certificates of an authority: its key (empty: of all authorities), reserved
 * (strings), and parts, each a kind and a string: 0x20 serial numbers (64 bits each); 0x21 the
 *             first and the last of a range; 0x22 a first one and a number whose bit N stands for
 *             the first one + N; 0x23 IDs (strings); 0x39 extension
 *     2       keys (strings: public keys as signatures carry them, no certificates)
 *     3, 5    SHA-1 and SHA-256 of such keys (strings)
 *     4       signature: not supported; OpenSSH refuses it since 9.4
 *     255     extension: name (string), critical (a byte), content (string)
 *
 * Serial number 0 is that of certificates which nobody counted: it is never in a list. Flags are
 * not defined. Numbers are big-endian. Source: OpenSSH's PROTOCOL.krl.
 */
#pragma once

#include "format/sshsig.h"

/* The spans lie in the list's bytes. */
struct ingot_ssh_krl {
        uint64_t version, created; /* `created` in seconds since 1970 */
        struct ingot_span comment;
        struct ingot_span sections;
        size_t keys;        /* with their SHA-1 or SHA-256 in place of them */
        size_t authorities; /* sections of certificates */
};

bool ingot_ssh_krl_recognise(struct ingot_span bytes);
/* Everything is looked at. FORMAT; UNSUPPORTED: a signature, a critical extension, another version
 * of the format, a section that is not known: what it revokes cannot be told. */
int ingot_ssh_krl_decode(struct ingot_span bytes, struct ingot_ssh_krl *ret, ingot_error *reterr);

/* A key, and the certificate that it came with. */
struct ingot_ssh_subject {
        struct ingot_span blob;                          /* of the key, without a certificate */
        uint8_t sha1[20], sha256[32];                    /* of the blob */
        const struct ingot_ssh_certificate *certificate; /* NULL: none */
};
/* Is it the key or the certificate that is revoked? A certificate's authority is a key by itself,
 * to be asked for apart. */
bool ingot_ssh_krl_revokes(const struct ingot_ssh_krl *krl, const struct ingot_ssh_subject *s);
