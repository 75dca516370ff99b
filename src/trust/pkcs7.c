/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Written by our own DER, so that a signature made elsewhere can be wrapped; checked by OpenSSL. */
#include "trust/pkcs7.h"
#include "base/cleanup.h"
#include "format/der.h"

#define OID_SIGNED_DATA "1.2.840.113549.1.7.2"
#define OID_SHA256 "2.16.840.1.101.3.4.2.1"
#define OID_RSA "1.2.840.113549.1.1.1"
#define OID_ECDSA_SHA256 "1.2.840.10045.4.3.2"
#define OID_CONTENT_TYPE "1.2.840.113549.1.9.3"
#define OID_MESSAGE_DIGEST "1.2.840.113549.1.9.4"
#define OID_SIGNING_TIME "1.2.840.113549.1.9.5"

static void write_signer(struct ingot_der_writer *w, const struct ingot_pkcs7_parts *p, bool rsa)
{
        size_t set = ingot_der_begin(w, INGOT_DER_SET);
        size_t signer = ingot_der_begin(w, INGOT_DER_SEQUENCE);
        ingot_der_small(w, 1);
        ingot_der_raw(w, ingot_certificate_issuer_and_serial(p->certificate));
        ingot_der_algorithm(w, OID_SHA256, true);
        if (p->attributes.size > 0) {
                /* Signed as a SET OF, stored as [0]. */
                uint8_t tag = INGOT_DER_CONTEXT(0);
                ingot_der_raw(w, INGOT_SPAN(&tag, 1));
                ingot_der_raw(w, INGOT_SPAN(p->attributes.data + 1, p->attributes.size - 1));
        }
        ingot_der_algorithm(w, rsa ? OID_RSA : OID_ECDSA_SHA256, rsa);
        ingot_der_put(w, INGOT_DER_OCTETS, p->signature);
        ingot_der_end(w, signer);
        ingot_der_end(w, set);
}

int ingot_pkcs7_assemble(const struct ingot_pkcs7_parts *p, struct ingot_buffer *ret,
                         ingot_error *reterr)
{
        _cleanup_key_ struct ingot_key *k = NULL;
        _cleanup_buffer_ struct ingot_buffer der = {0};
        struct ingot_der_writer w = {.out = &der, .error = reterr};
        int r = ingot_certificate_key(p->certificate, &k, reterr);
        if (r < 0)
                return r;
        if (ingot_key_kind(k) == INGOT_KEY_ED25519)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "PKCS#7 has no signatures by Ed25519: take an RSA or ECDSA key");
        if (p->attributes.size > 0 && p->attributes.data[0] != INGOT_DER_SET)
                return ingot_fail(reterr, INGOT_E_FORMAT, "signed attributes that are no set");
        size_t info = ingot_der_begin(&w, INGOT_DER_SEQUENCE);
        ingot_der_oid(&w, OID_SIGNED_DATA);
        size_t explicit_data = ingot_der_begin(&w, INGOT_DER_CONTEXT(0));
        size_t data = ingot_der_begin(&w, INGOT_DER_SEQUENCE);
        ingot_der_small(&w, 1);
        size_t digests = ingot_der_begin(&w, INGOT_DER_SET);
        ingot_der_algorithm(&w, OID_SHA256, true);
        ingot_der_end(&w, digests);
        size_t content = ingot_der_begin(&w, INGOT_DER_SEQUENCE);
        ingot_der_oid(&w, p->content_type ? p->content_type : INGOT_PKCS7_DATA);
        if (p->content.size > 0)
                ingot_der_put(&w, INGOT_DER_CONTEXT(0), p->content);
        ingot_der_end(&w, content);
        ingot_der_put(&w, INGOT_DER_CONTEXT(0), ingot_certificate_der(p->certificate));
        write_signer(&w, p, ingot_key_kind(k) == INGOT_KEY_RSA);
        ingot_der_end(&w, data);
        ingot_der_end(&w, explicit_data);
        ingot_der_end(&w, info);
        if (w.r < 0)
                return w.r;
        return ingot_buffer_append(ret, der.data, der.size, reterr);
}

/* SEQUENCE { OID, SET { what is written until end_attribute() } } */
static void begin_attribute(struct ingot_der_writer *w, const char *type, size_t ret_begun[2])
{
        ret_begun[0] = ingot_der_begin(w, INGOT_DER_SEQUENCE);
        ingot_der_oid(w, type);
        ret_begun[1] = ingot_der_begin(w, INGOT_DER_SET);
}

static void end_attribute(struct ingot_der_writer *w, const size_t begun[2])
{
        ingot_der_end(w, begun[1]);
        ingot_der_end(w, begun[0]);
}

int ingot_pkcs7_attributes(const char *content_type, const uint8_t digest[INGOT_SHA256_SIZE],
                           int64_t signing_time, struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer der = {0};
        struct ingot_der_writer w = {.out = &der, .error = reterr};
        size_t begun[2];
        /* DER sorts a set by its elements' bytes: these have ascending lengths in their second. */
        size_t set = ingot_der_begin(&w, INGOT_DER_SET);
        begin_attribute(&w, OID_CONTENT_TYPE, begun);
        ingot_der_oid(&w, content_type ? content_type : INGOT_PKCS7_DATA);
        end_attribute(&w, begun);
        if (signing_time >= 0) {
                begin_attribute(&w, OID_SIGNING_TIME, begun);
                ingot_der_time(&w, signing_time);
                end_attribute(&w, begun);
        }
        begin_attribute(&w, OID_MESSAGE_DIGEST, begun);
        ingot_der_put(&w, INGOT_DER_OCTETS, INGOT_SPAN(digest, INGOT_SHA256_SIZE));
        end_attribute(&w, begun);
        ingot_der_end(&w, set);
        if (w.r < 0)
                return w.r;
        return ingot_buffer_append(ret, der.data, der.size, reterr);
}

static int sign(const struct ingot_key *k, const struct ingot_certificate *c,
                struct ingot_span content, struct ingot_span attributes, struct ingot_buffer *ret,
                ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer signature = {0};
        if (!ingot_certificate_fits(c, k))
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "certificate \"%s\" does not fit the key",
                                  ingot_certificate_subject(c));
        int r = ingot_key_sign(k, attributes.size > 0 ? attributes : content, &signature, reterr);
        if (r < 0)
                return r;
        struct ingot_pkcs7_parts parts = {
                .certificate = c,
                .signature = ingot_buffer_span(&signature),
                .attributes = attributes,
        };
        return ingot_pkcs7_assemble(&parts, ret, reterr);
}

int ingot_pkcs7_sign_detached(const struct ingot_key *k, const struct ingot_certificate *c,
                              struct ingot_span content, struct ingot_buffer *ret,
                              ingot_error *reterr)
{
        return sign(k, c, content, INGOT_SPAN(NULL, 0), ret, reterr);
}

int ingot_pkcs7_sign_detached_at(const struct ingot_key *k, const struct ingot_certificate *c,
                                 struct ingot_span content, int64_t signing_time,
                                 struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer attributes = {0};
        uint8_t digest[INGOT_SHA256_SIZE];
        ingot_sha256_of(content.data, content.size, digest);
        int r = ingot_pkcs7_attributes(NULL, digest, signing_time, &attributes, reterr);
        if (r < 0)
                return r;
        return sign(k, c, content, ingot_buffer_span(&attributes), ret, reterr);
}
