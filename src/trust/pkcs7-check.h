/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SignedData from outside, read and checked by OpenSSL; for this layer alone. */
#pragma once

#include "trust/openssl.h"

#include <openssl/pkcs7.h>

#define INGOT_PKCS7_SIZE_MAX ((size_t) 1 << 20)
#define INGOT_PKCS7_SIGNERS_MAX 64

INGOT_DEFINE_CLEANUP(PKCS7, PKCS7_free);
#define _cleanup_pkcs7_ __attribute__((cleanup(PKCS7_free_p)))

/* The SignedData at the start of DER, and how many bytes it takes. FORMAT when there is none, or it
 * has no signer; LIMIT above the sizes above. */
int ingot_pkcs7_read(PKCS7 **ret, struct ingot_span der, size_t *ret_used, ingot_error *reterr);

size_t ingot_pkcs7_signer_count(const PKCS7 *p7);
/* The issuer and serial number that it names its signer by are those of this certificate. */
bool ingot_pkcs7_names(const PKCS7 *p7, size_t signer, const struct ingot_certificate *c);
/* REFUSED, with the reason, unless that signer signed CONTENT with the key of C: its signature, its
 * attributes if it has any (message digest and content type), and strong digests. */
int ingot_pkcs7_check(PKCS7 *p7, size_t signer, struct ingot_span content,
                      const struct ingot_certificate *c, ingot_error *reterr);
/* The certificates inside, as far as they can be read; others are passed over. */
int ingot_pkcs7_certificates(const PKCS7 *p7, struct ingot_certificates *ret, ingot_error *reterr);
/* "CN = Example", the issuer that a signer is named by. */
int ingot_pkcs7_issuer(const PKCS7 *p7, size_t signer, char **ret, ingot_error *reterr);
