/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* X.509 certificates (RFC 5280): one, several of a file, and new ones that sign themselves. */
#pragma once

#include "base/sha256.h"
#include "trust/key.h"

struct ingot_certificate;

/* Certificates that one owns. */
struct ingot_certificates {
        struct ingot_certificate **items;
        size_t count;
};

/* From PEM (the first of it) or DER; FORMAT when it is neither, or bytes stand behind the DER. */
int ingot_certificate_decode(struct ingot_certificate **ret, struct ingot_span data,
                             ingot_error *reterr);
int ingot_certificate_load(struct ingot_certificate **ret, const char *path, ingot_error *reterr);
void ingot_certificate_free(struct ingot_certificate *c);
static inline void ingot_certificate_free_p(struct ingot_certificate **c)
{
        ingot_certificate_free(*c);
}

/* All that stand in a PEM text, or the one of a DER file, added behind those that are there. FORMAT
 * when there is none; LIMIT above 1024. On failure nothing was added. */
int ingot_certificates_decode(struct ingot_certificates *all, struct ingot_span data,
                              ingot_error *reterr);
int ingot_certificates_load(struct ingot_certificates *all, const char *path, ingot_error *reterr);
void ingot_certificates_done(struct ingot_certificates *all);

struct ingot_span ingot_certificate_der(const struct ingot_certificate *c);
/* PEM, appended to RET. */
int ingot_certificate_pem(const struct ingot_certificate *c, struct ingot_buffer *ret,
                          ingot_error *reterr);
/* SHA-256 of the DER: INGOT_SHA256_SIZE bytes. */
const uint8_t *ingot_certificate_fingerprint(const struct ingot_certificate *c);
/* "CN = Example db, O = Example"; control characters are escaped. */
const char *ingot_certificate_subject(const struct ingot_certificate *c);
const char *ingot_certificate_issuer(const struct ingot_certificate *c);
/* Seconds since 1970; valid from the first to the last of them. */
int64_t ingot_certificate_not_before(const struct ingot_certificate *c);
int64_t ingot_certificate_not_after(const struct ingot_certificate *c);
/* The DER of issuer name and serial number, as CMS names a signer by. */
struct ingot_span ingot_certificate_issuer_and_serial(const struct ingot_certificate *c);
/* SHA-256 of the TBSCertificate: what a dbx lists to revoke it (EFI_CERT_X509_SHA256). */
const uint8_t *ingot_certificate_tbs_digest(const struct ingot_certificate *c);

/* Its public key; UNSUPPORTED or REFUSED when that is of a kind, or a size, we do not use. */
int ingot_certificate_key(const struct ingot_certificate *c, struct ingot_key **ret,
                          ingot_error *reterr);
/* It certifies that key. */
bool ingot_certificate_fits(const struct ingot_certificate *c, const struct ingot_key *k);
/* REFUSED when SIGNATURE is not one of MESSAGE by its key (as ingot_key_sign makes them). */
int ingot_certificate_verify(const struct ingot_certificate *c, struct ingot_span message,
                             struct ingot_span signature, ingot_error *reterr);

/* What a new certificate says; it is signed by its own key. */
struct ingot_certificate_profile {
        const char *common_name;
        const char *organization; /* or NULL */
        bool authority;           /* a CA (PK and KEK): may sign certificates */
        bool code_signing;        /* extended key usage */
        int64_t not_before, not_after;
        uint8_t serial[16]; /* the first bit is cleared: a positive number */
};
int ingot_certificate_create(struct ingot_certificate **ret, const struct ingot_key *k,
                             const struct ingot_certificate_profile *profile, ingot_error *reterr);

#define _cleanup_certificate_ __attribute__((cleanup(ingot_certificate_free_p)))
#define _cleanup_certificates_ __attribute__((cleanup(ingot_certificates_done)))
