/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this layer that use OpenSSL share; no other layer sees its types. */
#pragma once

#include "base/cleanup.h"
#include "trust/certificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

struct ingot_key {
        EVP_PKEY *pkey;
        enum ingot_key_kind kind;
        unsigned bits;
        char algorithm[24];
};

struct ingot_certificate {
        X509 *x509;
        uint8_t *der, *issuer_and_serial;
        size_t der_size, issuer_and_serial_size;
        uint8_t fingerprint[INGOT_SHA256_SIZE], tbs_digest[INGOT_SHA256_SIZE];
        char *subject, *issuer;
        int64_t not_before, not_after;
};

/* OpenSSL failed: its reason behind the text. Empties its queue of errors. */
int ingot_openssl_fail(ingot_error *reterr, int code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* These take over what they wrap, also on failure. */
int ingot_key_wrap(struct ingot_key **ret, EVP_PKEY *pkey, ingot_error *reterr);

int ingot_certificate_wrap(struct ingot_certificate **ret, X509 *x509, ingot_error *reterr);

/* What a BIO in memory holds, appended. */
int ingot_openssl_take(BIO *bio, struct ingot_buffer *ret, ingot_error *reterr);
/* DER that OpenSSL allocated, appended and freed; SIZE as i2d_…() returns it. */
int ingot_openssl_take_der(uint8_t *der, int size, struct ingot_buffer *ret, ingot_error *reterr);

/* A name as one line of text. */
int ingot_openssl_name(X509_NAME *name, char **ret, ingot_error *reterr);

/* Takes "KEYvalue" out of a URI, wherever it stands; KEY ends with "=". */
void ingot_uri_erase(char *uri, const char *key);

/* A private key of a token, by URI; see ingot_key_open(). */
int ingot_token_open(EVP_PKEY **ret, const char *uri, const struct ingot_key_ask *ask,
                     ingot_error *reterr);

/* The work of ingot_key_generate_in_token(), by p11-kit. PIN: "" takes the URI's pin-value. */
int ingot_token_generate(const char *uri, const char *pin, enum ingot_key_kind kind, unsigned bits,
                         ingot_error *reterr);

INGOT_DEFINE_CLEANUP(BIO, BIO_vfree);
INGOT_DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free);
INGOT_DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free);
INGOT_DEFINE_CLEANUP(X509, X509_free);

#define _cleanup_bio_ __attribute__((cleanup(BIO_vfree_p)))
#define _cleanup_pkey_ __attribute__((cleanup(EVP_PKEY_free_p)))
#define _cleanup_md_ __attribute__((cleanup(EVP_MD_CTX_free_p)))
#define _cleanup_x509_ __attribute__((cleanup(X509_free_p)))
