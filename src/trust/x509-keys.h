/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Certificates and CRLs of the key files, and the chain from a signer to what is trusted. */
#pragma once

#include "trust/verdict.h"

#include <openssl/x509.h>

struct ingot_x509_item {
        X509 *certificate; /* one of both */
        X509_CRL *crl;
        const struct ingot_key_file *file;
};

struct ingot_x509_keys {
        struct ingot_x509_item *items;
        size_t count, allocated;
};

void ingot_x509_keys_done(struct ingot_x509_keys *k);
#define _cleanup_x509_keys_ __attribute__((cleanup(ingot_x509_keys_done)))
int ingot_x509_keys_load(const struct ingot_key_files *files, struct ingot_x509_keys *ret,
                         struct ingot_verdict *v, ingot_error *reterr);
/* The item that holds this very certificate and is no anchor, or NULL. */
const struct ingot_x509_item *ingot_x509_keys_find(const struct ingot_x509_keys *k, X509 *signer);

/* No time: dates do not count, and a revocation counts whenever it was. */
#define INGOT_X509_UNDATED UINT64_MAX

/* May SIGNER have signed at TIME? If not, J is refused. SENT are the signature's certificates; ITEM
 * is what ingot_x509_keys_find() says. */
int ingot_x509_check(const struct ingot_x509_keys *k, X509 *signer, STACK_OF(X509) * sent,
                     const struct ingot_x509_item *item, uint64_t time, struct ingot_judgement *j,
                     ingot_error *reterr);

/* Seconds since 1970, 0 before that; false when it is no time. */
bool ingot_x509_time(const ASN1_TIME *time, uint64_t *ret);
