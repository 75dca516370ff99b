/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of a certificate is taken out of it once, when it is read. */
#include "trust/certificate.h"
#include "base/text.h"
#include "format/der.h"
#include "os/file.h"
#include "trust/openssl.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#define FILE_SIZE_MAX ((size_t) 16 << 20)
#define CERTIFICATES_MAX 1024

void ingot_certificate_free(struct ingot_certificate *c)
{
        if (!c)
                return;
        X509_free(c->x509);
        free(c->der);
        free(c->issuer_and_serial);
        free(c->subject);
        free(c->issuer);
        free(c);
}

int ingot_openssl_name(X509_NAME *name, char **ret, ingot_error *reterr)
{
        _cleanup_bio_ BIO *bio = BIO_new(BIO_s_mem());
        _cleanup_buffer_ struct ingot_buffer text = {0};
        if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) < 0)
                return ingot_openssl_fail(reterr, INGOT_E_FORMAT, "name of a certificate");
        int r = ingot_openssl_take(bio, &text, reterr);
        if (r >= 0)
                r = ingot_buffer_append(&text, "", 1, reterr);
        if (r >= 0)
                *ret = (char *) ingot_buffer_take(&text);
        return r;
}

static int time_of(const ASN1_TIME *t, int64_t *ret, ingot_error *reterr)
{
        struct tm tm = {0};
        if (ASN1_TIME_to_tm(t, &tm) != 1)
                return ingot_openssl_fail(reterr, INGOT_E_FORMAT, "validity of a certificate");
        *ret = timegm(&tm);
        return 0;
}

/* IssuerAndSerialNumber, out of the certificate's own bytes:
 * SEQUENCE { SEQUENCE { [0] version, serial, algorithm, issuer … } … } */
static int take_names(struct ingot_certificate *c, ingot_error *reterr)
{
        struct ingot_cursor at = ingot_cursor_over(INGOT_SPAN(c->der, c->der_size));
        struct ingot_span whole = {0}, tbs = {0}, serial, algorithm, issuer, version;
        _cleanup_buffer_ struct ingot_buffer names = {0};
        struct ingot_der_writer w = {.out = &names, .error = reterr};
        bool good = ingot_der_take(&at, INGOT_DER_SEQUENCE, &whole);
        at = ingot_cursor_over(whole);
        good = good && ingot_der_take(&at, INGOT_DER_SEQUENCE, &tbs);
        if (good)
                ingot_sha256_of(whole.data, at.at, c->tbs_digest);
        at = ingot_cursor_over(tbs);
        if (good && tbs.size > 0 && tbs.data[0] == INGOT_DER_CONTEXT(0))
                good = ingot_der_take(&at, INGOT_DER_CONTEXT(0), &version);
        good = good && ingot_der_take(&at, INGOT_DER_INTEGER, &serial) &&
               ingot_der_take(&at, INGOT_DER_SEQUENCE, &algorithm) &&
               ingot_der_take(&at, INGOT_DER_SEQUENCE, &issuer);
        if (!good)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the certificate is no DER");
        size_t begun = ingot_der_begin(&w, INGOT_DER_SEQUENCE);
        ingot_der_put(&w, INGOT_DER_SEQUENCE, issuer);
        ingot_der_put(&w, INGOT_DER_INTEGER, serial);
        ingot_der_end(&w, begun);
        if (w.r < 0)
                return w.r;
        c->issuer_and_serial_size = names.size;
        c->issuer_and_serial = ingot_buffer_take(&names);
        return 0;
}

int ingot_certificate_wrap(struct ingot_certificate **ret, X509 *x509, ingot_error *reterr)
{
        _cleanup_x509_ X509 *owned = x509;
        _cleanup_certificate_ struct ingot_certificate *c = calloc(1, sizeof(*c));
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        uint8_t *der = NULL;
        if (!c)
                return ingot_fail_nomem(reterr);
        c->x509 = TAKE_PTR(owned);
        int size = i2d_X509(c->x509, &der);
        int r = ingot_openssl_take_der(der, size, &bytes, reterr);
        if (r < 0)
                return r;
        c->der_size = bytes.size;
        c->der = ingot_buffer_take(&bytes);
        ingot_sha256_of(c->der, c->der_size, c->fingerprint);
        r = take_names(c, reterr);
        if (r >= 0)
                r = ingot_openssl_name(X509_get_subject_name(c->x509), &c->subject, reterr);
        if (r >= 0)
                r = ingot_openssl_name(X509_get_issuer_name(c->x509), &c->issuer, reterr);
        if (r >= 0)
                r = time_of(X509_get0_notBefore(c->x509), &c->not_before, reterr);
        if (r >= 0)
                r = time_of(X509_get0_notAfter(c->x509), &c->not_after, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

static int add(struct ingot_certificates *all, X509 *x509, ingot_error *reterr)
{
        struct ingot_certificate *c = NULL;
        if (all->count >= CERTIFICATES_MAX) {
                X509_free(x509);
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d certificates",
                                  CERTIFICATES_MAX);
        }
        int r = ingot_certificate_wrap(&c, x509, reterr);
        if (r < 0)
                return r;
        struct ingot_certificate **items =
                reallocarray(all->items, all->count + 1, sizeof(struct ingot_certificate *));
        if (!items) {
                ingot_certificate_free(c);
                return ingot_fail_nomem(reterr);
        }
        all->items = items;
        all->items[all->count++] = c;
        return 0;
}

static int decode_der(struct ingot_certificates *all, struct ingot_span data, ingot_error *reterr)
{
        const uint8_t *at = data.data;
        X509 *x509 = d2i_X509(NULL, &at, (long) data.size);
        if (x509 && at != data.data + data.size) {
                X509_free(x509);
                return ingot_fail(reterr, INGOT_E_FORMAT, "bytes behind the certificate");
        }
        if (!x509)
                return ingot_openssl_fail(reterr, INGOT_E_FORMAT, "malformed certificate");
        return add(all, x509, reterr);
}

static int decode_pem(struct ingot_certificates *all, struct ingot_span data, ingot_error *reterr)
{
        _cleanup_bio_ BIO *bio = BIO_new_mem_buf(data.data, (int) data.size);
        size_t before = all->count;
        int r = 0;
        X509 *x509;
        if (!bio)
                return ingot_fail_nomem(reterr);
        while (r >= 0 && (x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
                r = add(all, x509, reterr);
        if (r < 0)
                return r;
        /* The end is where no further "-----BEGIN" comes; anything else is damage. */
        bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        if (!ended && all->count > before)
                return ingot_openssl_fail(reterr, INGOT_E_FORMAT, "certificate %zu",
                                          all->count - before + 1);
        ERR_clear_error();
        return all->count > before ? 0
                                   : ingot_fail(reterr, INGOT_E_FORMAT,
                                                "no certificate in PEM or DER");
}

int ingot_certificates_decode(struct ingot_certificates *all, struct ingot_span data,
                              ingot_error *reterr)
{
        _cleanup_certificates_ struct ingot_certificates found = {0};
        if (data.size > FILE_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "certificates of more than 16 MiB");
        ERR_clear_error();
        bool der = data.size > 0 && data.data[0] == INGOT_DER_SEQUENCE;
        int r = der ? decode_der(&found, data, reterr) : decode_pem(&found, data, reterr);
        if (r < 0)
                return r;
        if (all->count + found.count > CERTIFICATES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d certificates",
                                  CERTIFICATES_MAX);
        struct ingot_certificate **items = reallocarray(all->items, all->count + found.count,
                                                        sizeof(struct ingot_certificate *));
        if (!items)
                return ingot_fail_nomem(reterr);
        memcpy(items + all->count, found.items, found.count * sizeof(struct ingot_certificate *));
        all->items = items;
        all->count += found.count;
        found.count = 0;
        return 0;
}

int ingot_certificates_load(struct ingot_certificates *all, const char *path, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, FILE_SIZE_MAX, &data, &size, reterr);
        if (r < 0)
                return r;
        return ingot_under(reterr, ingot_certificates_decode(all, INGOT_SPAN(data, size), reterr),
                           "%s", path);
}

void ingot_certificates_done(struct ingot_certificates *all)
{
        for (size_t i = 0; i < all->count; i++)
                ingot_certificate_free(all->items[i]);
        free(all->items);
        *all = (struct ingot_certificates){0};
}

/* The first of a list that is then gone. */
static struct ingot_certificate *take_first(struct ingot_certificates *all)
{
        return TAKE_PTR(all->items[0]);
}

int ingot_certificate_decode(struct ingot_certificate **ret, struct ingot_span data,
                             ingot_error *reterr)
{
        _cleanup_certificates_ struct ingot_certificates all = {0};
        int r = ingot_certificates_decode(&all, data, reterr);
        if (r >= 0)
                *ret = take_first(&all);
        return r;
}

int ingot_certificate_load(struct ingot_certificate **ret, const char *path, ingot_error *reterr)
{
        _cleanup_certificates_ struct ingot_certificates all = {0};
        int r = ingot_certificates_load(&all, path, reterr);
        if (r >= 0)
                *ret = take_first(&all);
        return r;
}

struct ingot_span ingot_certificate_der(const struct ingot_certificate *c)
{
        return INGOT_SPAN(c->der, c->der_size);
}

int ingot_certificate_pem(const struct ingot_certificate *c, struct ingot_buffer *ret,
                          ingot_error *reterr)
{
        _cleanup_bio_ BIO *bio = BIO_new(BIO_s_mem());
        if (!bio || PEM_write_bio_X509(bio, c->x509) != 1)
                return ingot_openssl_fail(reterr, INGOT_E_INTERNAL, "encode the certificate");
        return ingot_openssl_take(bio, ret, reterr);
}

const uint8_t *ingot_certificate_fingerprint(const struct ingot_certificate *c)
{
        return c->fingerprint;
}

const uint8_t *ingot_certificate_tbs_digest(const struct ingot_certificate *c)
{
        return c->tbs_digest;
}

const char *ingot_certificate_subject(const struct ingot_certificate *c)
{
        return c->subject;
}

const char *ingot_certificate_issuer(const struct ingot_certificate *c)
{
        return c->issuer;
}

int64_t ingot_certificate_not_before(const struct ingot_certificate *c)
{
        return c->not_before;
}

int64_t ingot_certificate_not_after(const struct ingot_certificate *c)
{
        return c->not_after;
}

struct ingot_span ingot_certificate_issuer_and_serial(const struct ingot_certificate *c)
{
        return INGOT_SPAN(c->issuer_and_serial, c->issuer_and_serial_size);
}

int ingot_certificate_key(const struct ingot_certificate *c, struct ingot_key **ret,
                          ingot_error *reterr)
{
        EVP_PKEY *pkey = X509_get_pubkey(c->x509);
        if (!pkey)
                return ingot_openssl_fail(reterr, INGOT_E_UNSUPPORTED, "key of certificate \"%s\"",
                                          c->subject);
        return ingot_under(reterr, ingot_key_wrap(ret, pkey, reterr), "certificate \"%s\"",
                           c->subject);
}

bool ingot_certificate_fits(const struct ingot_certificate *c, const struct ingot_key *k)
{
        EVP_PKEY *pkey = X509_get0_pubkey(c->x509);
        bool fits = pkey && EVP_PKEY_eq(pkey, k->pkey) == 1;
        ERR_clear_error();
        return fits;
}

int ingot_certificate_verify(const struct ingot_certificate *c, struct ingot_span message,
                             struct ingot_span signature, ingot_error *reterr)
{
        _cleanup_key_ struct ingot_key *k = NULL;
        int r = ingot_certificate_key(c, &k, reterr);
        if (r < 0)
                return r;
        return ingot_under(reterr, ingot_key_verify(k, message, signature, reterr),
                           "certificate \"%s\"", c->subject);
}

/* Extensions: name and value as OpenSSL's configuration spells them. */
static bool extend(X509 *x509, int nid, const char *value)
{
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        bool done = e && X509_add_ext(x509, e, -1) == 1;
        X509_EXTENSION_free(e);
        return done;
}

static bool set_name(X509 *x509, const struct ingot_certificate_profile *p)
{
        X509_NAME *name = X509_get_subject_name(x509);
        if (p->organization &&
            X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const uint8_t *) p->organization,
                                       -1, -1, 0) != 1)
                return false;
        return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                          (const uint8_t *) p->common_name, -1, -1, 0) == 1 &&
               X509_set_issuer_name(x509, name) == 1;
}

static bool set_serial(X509 *x509, const uint8_t serial[16])
{
        uint8_t positive[16];
        memcpy(positive, serial, sizeof(positive));
        positive[0] &= 0x7f;
        BIGNUM *number = BN_bin2bn(positive, sizeof(positive), NULL);
        bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
        BN_free(number);
        return done;
}

static bool set_times(X509 *x509, int64_t not_before, int64_t not_after)
{
        return ASN1_TIME_set(X509_getm_notBefore(x509), (time_t) not_before) &&
               ASN1_TIME_set(X509_getm_notAfter(x509), (time_t) not_after);
}

static bool set_extensions(X509 *x509, const struct ingot_certificate_profile *p)
{
        return extend(x509, NID_basic_constraints,
                      p->authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
               extend(x509, NID_key_usage,
                      p->authority ? "critical,digitalSignature,keyCertSign,cRLSign"
                                   : "critical,digitalSignature") &&
               (!p->code_signing || extend(x509, NID_ext_key_usage, "codeSigning")) &&
               extend(x509, NID_subject_key_identifier, "hash");
}

int ingot_certificate_create(struct ingot_certificate **ret, const struct ingot_key *k,
                             const struct ingot_certificate_profile *profile, ingot_error *reterr)
{
        _cleanup_x509_ X509 *x509 = X509_new();
        const EVP_MD *digest = k->kind == INGOT_KEY_ED25519 ? NULL : EVP_sha256();
        ERR_clear_error();
        if (!x509 || X509_set_version(x509, X509_VERSION_3) != 1 ||
            X509_set_pubkey(x509, k->pkey) != 1)
                return ingot_openssl_fail(reterr, INGOT_E_INTERNAL, "make a certificate");
        if (!set_name(x509, profile))
                return ingot_openssl_fail(reterr, INGOT_E_USAGE,
                                          "\"%s\" cannot be the name in a certificate",
                                          profile->common_name);
        if (!set_serial(x509, profile->serial) ||
            !set_times(x509, profile->not_before, profile->not_after) ||
            !set_extensions(x509, profile) || X509_sign(x509, k->pkey, digest) <= 0)
                return ingot_openssl_fail(reterr, INGOT_E_INTERNAL, "make a certificate");
        return ingot_certificate_wrap(ret, TAKE_PTR(x509), reterr);
}
