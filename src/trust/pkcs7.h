/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PKCS#7 / CMS SignedData (RFC 2315, RFC 5652) with one signer, SHA-256, the signer's certificate
 * inside: the form in which the kernel and systemd take the signature of a verity root hash, the
 * firmware that of a program, and others that of a release.
 *
 * A signature can be made in two steps: whoever has the key signs the to-be-signed bytes (the
 * content itself, or ingot_pkcs7_attributes()) with ingot_key_sign(), and ingot_pkcs7_assemble()
 * wraps the answer. Both ways give the same bytes.
 */
#pragma once

#include "trust/certificate.h"

#define INGOT_PKCS7_DATA "1.2.840.113549.1.7.1"

struct ingot_pkcs7_parts {
        const struct ingot_certificate *certificate;
        struct ingot_span signature;  /* as ingot_key_sign makes it */
        struct ingot_span attributes; /* as they were signed; empty: none */
        const char *content_type;     /* an OID; NULL: INGOT_PKCS7_DATA */
        struct ingot_span content;    /* DER that is embedded; empty: detached */
};

/* SignedData in DER, appended to RET. The signature is not checked: ingot_certificate_verify()
 * does. UNSUPPORTED for Ed25519, which PKCS#7 does not know. */
int ingot_pkcs7_assemble(const struct ingot_pkcs7_parts *parts, struct ingot_buffer *ret,
                         ingot_error *reterr);

/* The signed attributes, a SET OF in DER: content type, message digest, and the signing time in
 * seconds since 1970 unless that is negative. */
int ingot_pkcs7_attributes(const char *content_type, const uint8_t digest[INGOT_SHA256_SIZE],
                           int64_t signing_time, struct ingot_buffer *ret, ingot_error *reterr);

/* Without signed attributes: what `openssl smime -sign -noattr -binary -outform der` makes, and
 * systemd and the kernel take for a verity root hash (CONTENT: its 64 hex digits). */
int ingot_pkcs7_sign_detached(const struct ingot_key *k, const struct ingot_certificate *c,
                              struct ingot_span content, struct ingot_buffer *ret,
                              ingot_error *reterr);
/* With signed attributes, signed at that time. */
int ingot_pkcs7_sign_detached_at(const struct ingot_key *k, const struct ingot_certificate *c,
                                 struct ingot_span content, int64_t signing_time,
                                 struct ingot_buffer *ret, ingot_error *reterr);

/* The certificates that a signature brings along, added behind those that are there; bytes behind the
 * DER are passed over. Nobody vouches for them. */
int ingot_pkcs7_inside(struct ingot_span der, struct ingot_certificates *all, ingot_error *reterr);

/*
 * Holds when a signer of it is one of these very certificates, whatever their issuer and dates say
 * (as systemd takes verity.d/), and *ret_which is its index. FORMAT: no detached SignedData; REFUSED:
 * none of them signed it, the content differs, or the digest is weak.
 */
int ingot_pkcs7_verify_pinned(struct ingot_span der, struct ingot_span content,
                              const struct ingot_certificates *certificates, size_t *ret_which,
                              ingot_error *reterr);
