/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One signer at a time, against one certificate: who is to be believed is the caller's matter. What
 * OpenSSL leaves open is closed here: versions, parameters, weak digests, the content's type.
 */
#include "trust/pkcs7-check.h"
#include "trust/pkcs7.h"

#include <openssl/err.h>

/* Parameters of an algorithm: NULL or none; bytes that mean nothing are no place to hide. */
static bool bare(const X509_ALGOR *algorithm)
{
        int type;
        X509_ALGOR_get0(NULL, &type, NULL, algorithm);
        return type == V_ASN1_NULL || type == V_ASN1_UNDEF;
}

/* OpenSSL reads more than DER; only DER has one spelling of each thing. */
static int check_der(PKCS7 *p7, struct ingot_span der, ingot_error *reterr)
{
        uint8_t *again = NULL;
        int size = i2d_PKCS7(p7, &again);
        bool same = size > 0 && (size_t) size == der.size && memcmp(again, der.data, der.size) == 0;
        for (int i = 0; same && i < sk_X509_ALGOR_num(p7->d.sign->md_algs); i++)
                same = bare(sk_X509_ALGOR_value(p7->d.sign->md_algs, i));
        OPENSSL_free(again);
        ERR_clear_error();
        return same ? 0 : ingot_fail(reterr, INGOT_E_FORMAT, "PKCS#7 that is not in DER");
}

int ingot_pkcs7_read(PKCS7 **ret, struct ingot_span der, size_t *ret_used, ingot_error *reterr)
{
        const uint8_t *at = der.data;
        if (der.size > INGOT_PKCS7_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a PKCS#7 signature of more than 1 MiB");
        ERR_clear_error();
        _cleanup_pkcs7_ PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long) der.size);
        if (!p7)
                return ingot_openssl_fail(reterr, INGOT_E_FORMAT, "no PKCS#7");
        if (!PKCS7_type_is_signed(p7) || !p7->d.sign || !p7->d.sign->contents)
                return ingot_fail(reterr, INGOT_E_FORMAT, "PKCS#7, but nothing that is signed");
        if (ASN1_INTEGER_get(p7->d.sign->version) != 1)
                return ingot_fail(reterr, INGOT_E_FORMAT, "SignedData of another version than 1");
        size_t signers = ingot_pkcs7_signer_count(p7);
        if (signers == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "PKCS#7 without a signature");
        if (signers > INGOT_PKCS7_SIGNERS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "PKCS#7 with %zu signatures", signers);
        *ret_used = (size_t) (at - der.data);
        int r = check_der(p7, INGOT_SPAN(der.data, *ret_used), reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p7);
        return 0;
}

size_t ingot_pkcs7_signer_count(const PKCS7 *p7)
{
        int n = sk_PKCS7_SIGNER_INFO_num(p7->d.sign->signer_info);
        return n > 0 ? (size_t) n : 0;
}

static PKCS7_SIGNER_INFO *signer_info(const PKCS7 *p7, size_t signer)
{
        return sk_PKCS7_SIGNER_INFO_value(p7->d.sign->signer_info, (int) signer);
}

bool ingot_pkcs7_names(const PKCS7 *p7, size_t signer, const struct ingot_certificate *c)
{
        const PKCS7_ISSUER_AND_SERIAL *named = signer_info(p7, signer)->issuer_and_serial;
        const uint8_t *a, *b;
        size_t a_size, b_size;
        /* To the byte: OpenSSL's own comparison takes several spellings of a name for one. */
        return ASN1_INTEGER_cmp(named->serial, X509_get0_serialNumber(c->x509)) == 0 &&
               X509_NAME_get0_der(named->issuer, &a, &a_size) == 1 &&
               X509_NAME_get0_der(X509_get_issuer_name(c->x509), &b, &b_size) == 1 &&
               a_size == b_size && memcmp(a, b, a_size) == 0;
}

int ingot_pkcs7_issuer(const PKCS7 *p7, size_t signer, char **ret, ingot_error *reterr)
{
        X509_NAME *name = signer_info(p7, signer)->issuer_and_serial->issuer;
        return ingot_openssl_name(name, ret, reterr);
}

static int check_algorithms(const PKCS7_SIGNER_INFO *si, const struct ingot_certificate *c,
                            ingot_error *reterr)
{
        _cleanup_key_ struct ingot_key *k = NULL;
        int digest = OBJ_obj2nid(si->digest_alg->algorithm), with, key, r;
        int signature = OBJ_obj2nid(si->digest_enc_alg->algorithm);
        if (ASN1_INTEGER_get(si->version) != 1 || !bare(si->digest_alg) ||
            !bare(si->digest_enc_alg))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "a signature of another version, or with parameters");
        if (digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512)
                return ingot_fail(reterr, INGOT_E_REFUSED, "the digest %s is not strong enough",
                                  OBJ_nid2sn(digest));
        r = ingot_certificate_key(c, &k, reterr);
        if (r < 0)
                return r;
        int wanted = EVP_PKEY_get_base_id(k->pkey);
        if (signature != wanted &&
            (OBJ_find_sigid_algs(signature, &with, &key) != 1 || key != wanted || with != digest))
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "the signature's algorithm (%s) is not that of the key (%s)",
                                  OBJ_nid2sn(signature), ingot_key_algorithm(k));
        return 0;
}

static int check_content_type(const PKCS7 *p7, PKCS7_SIGNER_INFO *si, ingot_error *reterr)
{
        if (sk_X509_ATTRIBUTE_num(si->auth_attr) <= 0) {
                if (PKCS7_type_is_data(p7->d.sign->contents))
                        return 0;
                return ingot_fail(reterr, INGOT_E_REFUSED, "a signature without attributes");
        }
        const ASN1_TYPE *type = PKCS7_get_signed_attribute(si, NID_pkcs9_contentType);
        if (!type || type->type != V_ASN1_OBJECT ||
            OBJ_cmp(type->value.object, p7->d.sign->contents->type) != 0)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "the content is not of the type that was signed");
        return 0;
}

/* Runs CONTENT through the digests that the signature names. */
static int digest_content(PKCS7 *p7, struct ingot_span content, BIO **ret, ingot_error *reterr)
{
        uint8_t block[4096];
        BIO *memory = BIO_new_mem_buf(content.size > 0 ? (const void *) content.data : "",
                                      (int) content.size);
        if (!memory)
                return ingot_fail_nomem(reterr);
        BIO *chain = PKCS7_dataInit(p7, memory);
        if (!chain) {
                BIO_free(memory);
                return ingot_openssl_fail(reterr, INGOT_E_REFUSED, "the signature's digests");
        }
        while (BIO_read(chain, block, sizeof(block)) > 0)
                ;
        *ret = chain;
        return 0;
}

int ingot_pkcs7_check(PKCS7 *p7, size_t signer, struct ingot_span content,
                      const struct ingot_certificate *c, ingot_error *reterr)
{
        PKCS7_SIGNER_INFO *si = signer_info(p7, signer);
        BIO *chain = NULL;
        if (content.size > INT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "signed content of more than 2 GiB");
        int r = check_algorithms(si, c, reterr);
        if (r >= 0)
                r = check_content_type(p7, si, reterr);
        if (r >= 0)
                r = digest_content(p7, content, &chain, reterr);
        if (r < 0)
                return r;
        ERR_clear_error();
        bool holds = PKCS7_signatureVerify(chain, p7, si, c->x509) == 1;
        bool digest = ERR_GET_REASON(ERR_peek_last_error()) == PKCS7_R_DIGEST_FAILURE;
        ERR_clear_error();
        BIO_free_all(chain);
        if (holds)
                return 0;
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          digest ? "the content is not what \"%s\" signed"
                                 : "the signature does not hold with the key of \"%s\"",
                          c->subject);
}

int ingot_pkcs7_certificates(const PKCS7 *p7, struct ingot_certificates *ret, ingot_error *reterr)
{
        int count = sk_X509_num(p7->d.sign->cert);
        _cleanup_certificates_ struct ingot_certificates all = {0};
        for (int i = 0; i < count; i++) {
                _cleanup_buffer_ struct ingot_buffer bytes = {0};
                uint8_t *der = NULL;
                int size = i2d_X509(sk_X509_value(p7->d.sign->cert, i), &der);
                int r = ingot_openssl_take_der(der, size, &bytes, reterr);
                if (r >= 0)
                        r = ingot_certificates_decode(&all, ingot_buffer_span(&bytes), NULL);
                if (r < 0 && r != -INGOT_E_FORMAT)
                        return ingot_fail(reterr, -r, "certificates of a PKCS#7 signature");
        }
        *ret = all;
        all = (struct ingot_certificates){0};
        return 0;
}

int ingot_pkcs7_inside(struct ingot_span der, struct ingot_certificates *all, ingot_error *reterr)
{
        _cleanup_pkcs7_ PKCS7 *p7 = NULL;
        _cleanup_certificates_ struct ingot_certificates inside = {0};
        size_t used;
        int r = ingot_pkcs7_read(&p7, der, &used, reterr);
        if (r >= 0)
                r = ingot_pkcs7_certificates(p7, &inside, reterr);
        for (size_t i = 0; i < inside.count && r >= 0; i++)
                r = ingot_certificates_decode(all, ingot_certificate_der(inside.items[i]), reterr);
        return r;
}

/* No pinned certificate is the one that it names. */
static int unknown_signer(const PKCS7 *p7, size_t pinned, ingot_error *reterr)
{
        _cleanup_free_ char *issuer = NULL;
        int r = ingot_pkcs7_issuer(p7, 0, &issuer, reterr);
        if (r < 0)
                return r;
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "signed with a certificate issued by \"%s\", which is not %s", issuer,
                          pinned == 1 ? "the given one" : "among the given ones");
}

int ingot_pkcs7_verify_pinned(struct ingot_span der, struct ingot_span content,
                              const struct ingot_certificates *certificates, size_t *ret_which,
                              ingot_error *reterr)
{
        _cleanup_pkcs7_ PKCS7 *p7 = NULL;
        size_t used = 0;
        bool named = false;
        int r = ingot_pkcs7_read(&p7, der, &used, reterr);
        if (r < 0)
                return r;
        if (used != der.size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "bytes behind the PKCS#7 signature");
        if (!PKCS7_type_is_data(p7->d.sign->contents) || PKCS7_get_detached(p7) != 1)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "the PKCS#7 signature is not detached: it brings its content");
        for (size_t s = 0; s < ingot_pkcs7_signer_count(p7); s++)
                for (size_t i = 0; i < certificates->count; i++) {
                        if (!ingot_pkcs7_names(p7, s, certificates->items[i]))
                                continue;
                        named = true;
                        r = ingot_pkcs7_check(p7, s, content, certificates->items[i], reterr);
                        if (r < 0)
                                continue;
                        *ret_which = i;
                        return 0;
                }
        return named ? r : unknown_signer(p7, certificates->count, reterr);
}
