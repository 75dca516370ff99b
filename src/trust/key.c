/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys by OpenSSL's EVP: what is signed, and with what, is decided by the kind of key alone. */
#include "trust/key.h"
#include "base/text.h"
#include "os/file.h"
#include "trust/openssl.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#define KEY_SIZE_MAX ((size_t) 1 << 20)
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

int ingot_openssl_fail(ingot_error *reterr, int code, const char *format, ...)
{
        unsigned long e = ERR_peek_last_error();
        const char *reason = e ? ERR_reason_error_string(e) : NULL;
        char text[512];
        va_list list;
        va_start(list, format);
        vsnprintf(text, sizeof(text), format, list);
        va_end(list);
        ERR_clear_error();
        return ingot_fail(reterr, code, "%s%s%s", text, reason ? ": " : "", reason ? reason : "");
}

int ingot_openssl_take(BIO *bio, struct ingot_buffer *ret, ingot_error *reterr)
{
        char *data = NULL;
        long size = BIO_get_mem_data(bio, &data);
        return size > 0 ? ingot_buffer_append(ret, data, (size_t) size, reterr) : 0;
}

int ingot_openssl_take_der(uint8_t *der, int size, struct ingot_buffer *ret, ingot_error *reterr)
{
        if (size <= 0)
                return ingot_openssl_fail(reterr, INGOT_E_INTERNAL, "encode as DER");
        int r = ingot_buffer_append(ret, der, (size_t) size, reterr);
        OPENSSL_free(der);
        return r;
}

static int name_algorithm(struct ingot_key *k, ingot_error *reterr)
{
        char group[32] = "";
        k->bits = (unsigned) EVP_PKEY_get_bits(k->pkey);
        switch (EVP_PKEY_get_base_id(k->pkey)) {
        case EVP_PKEY_RSA:
                k->kind = INGOT_KEY_RSA;
                snprintf(k->algorithm, sizeof(k->algorithm), "rsa%u-sha256", k->bits);
                if (k->bits < RSA_BITS_MIN)
                        return ingot_fail(reterr, INGOT_E_REFUSED,
                                          "an RSA key of %u bits is too weak (less than %u)",
                                          k->bits, RSA_BITS_MIN);
                if (k->bits > RSA_BITS_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "an RSA key of %u bits", k->bits);
                return 0;
        case EVP_PKEY_EC:
                k->kind = INGOT_KEY_EC;
                snprintf(k->algorithm, sizeof(k->algorithm), "ecdsa%u-sha256", k->bits);
                if (EVP_PKEY_get_group_name(k->pkey, group, sizeof(group), NULL) == 1 &&
                    (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0 ||
                     strcmp(group, "secp384r1") == 0 || strcmp(group, "P-384") == 0 ||
                     strcmp(group, "secp521r1") == 0 || strcmp(group, "P-521") == 0))
                        return 0;
                return ingot_openssl_fail(reterr, INGOT_E_UNSUPPORTED,
                                          "an elliptic curve that is none of P-256, P-384, P-521");
        case EVP_PKEY_ED25519:
                k->kind = INGOT_KEY_ED25519;
                snprintf(k->algorithm, sizeof(k->algorithm), "ed25519");
                return 0;
        default:
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "a key that is none of RSA, ECDSA, Ed25519");
        }
}

int ingot_key_wrap(struct ingot_key **ret, EVP_PKEY *pkey, ingot_error *reterr)
{
        _cleanup_pkey_ EVP_PKEY *owned = pkey;
        _cleanup_key_ struct ingot_key *k = calloc(1, sizeof(*k));
        if (!k)
                return ingot_fail_nomem(reterr);
        k->pkey = TAKE_PTR(owned);
        int r = name_algorithm(k, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(k);
        return 0;
}

void ingot_key_free(struct ingot_key *k)
{
        if (!k)
                return;
        EVP_PKEY_free(k->pkey);
        free(k);
}

struct question {
        const struct ingot_key_ask *ask;
        const char *name;
        bool asked;
        int r;
        ingot_error *error;
};

static int ask_passphrase(char *ret, int size, int for_writing, void *context)
{
        struct question *q = context;
        _cleanup_free_ char *what = NULL;
        (void) for_writing;
        q->asked = true;
        if (!q->ask) {
                q->r = ingot_fail(q->error, INGOT_E_USAGE,
                                  "%s is encrypted, and nobody is asked for its passphrase",
                                  q->name);
                return -1;
        }
        q->r = ingot_format(&what, q->error, "key %s", q->name);
        if (q->r >= 0)
                q->r = q->ask->ask(q->ask->context, what, ret, (size_t) size, q->error);
        return q->r < 0 ? -1 : (int) strlen(ret);
}

int ingot_key_decode(struct ingot_key **ret, struct ingot_span pem, const char *name,
                     const struct ingot_key_ask *ask, ingot_error *reterr)
{
        struct question q = {.ask = ask, .name = name, .error = reterr};
        if (pem.size > KEY_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s is no key: more than a megabyte",
                                  name);
        _cleanup_bio_ BIO *bio = BIO_new_mem_buf(pem.data, (int) pem.size);
        if (!bio)
                return ingot_fail_nomem(reterr);
        ERR_clear_error();
        EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, ask_passphrase, &q);
        if (!pkey && q.r < 0) {
                ERR_clear_error();
                return q.r;
        }
        ERR_clear_error();
        if (!pkey)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  q.asked ? "%s is not opened by that passphrase"
                                          : "%s holds no private key in PEM",
                                  name);
        return ingot_under(reterr, ingot_key_wrap(ret, pkey, reterr), "%s", name);
}

void ingot_uri_erase(char *uri, const char *key)
{
        for (char *from; (from = strstr(uri, key));) {
                char *to = from + strcspn(from, "&;");
                /* A query's first attribute hands its "?" to the next. */
                if (from > uri && from[-1] == '?' && *to == '&')
                        memmove(from, to + 1, strlen(to));
                else
                        memmove(from > uri ? from - 1 : from, to, strlen(to) + 1);
        }
}

int ingot_key_name(char **ret, const char *where, ingot_error *reterr)
{
        int r = ingot_strdup(ret, where, reterr);
        if (r >= 0)
                ingot_uri_erase(*ret, "pin-value=");
        return r;
}

int ingot_key_open(struct ingot_key **ret, const char *where, const struct ingot_key_ask *ask,
                   ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        _cleanup_free_ char *name = NULL;
        size_t size = 0;
        if (!ingot_starts_with(where, "pkcs11:")) {
                int r = ingot_file_read(AT_FDCWD, where, KEY_SIZE_MAX, &data, &size, reterr);
                if (r >= 0)
                        r = ingot_key_decode(ret, INGOT_SPAN(data, size), where, ask, reterr);
                if (data)
                        OPENSSL_cleanse(data, size);
                return r;
        }
        EVP_PKEY *pkey = NULL;
        int r = ingot_key_name(&name, where, reterr);
        if (r < 0)
                return r;
        r = ingot_token_open(&pkey, where, ask, reterr);
        if (r >= 0)
                r = ingot_key_wrap(ret, pkey, reterr);
        return ingot_under(reterr, r, "%s", name);
}

int ingot_key_decode_public(struct ingot_key **ret, struct ingot_span data, ingot_error *reterr)
{
        const uint8_t *at = data.data;
        EVP_PKEY *pkey;
        if (data.size > KEY_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a public key of more than a megabyte");
        if (data.size > 0 && data.data[0] == 0x30) {
                pkey = d2i_PUBKEY(NULL, &at, (long) data.size);
                if (pkey && at != data.data + data.size) {
                        EVP_PKEY_free(pkey);
                        return ingot_fail(reterr, INGOT_E_FORMAT, "bytes behind the public key");
                }
        } else {
                _cleanup_bio_ BIO *bio = BIO_new_mem_buf(data.data, (int) data.size);
                if (!bio)
                        return ingot_fail_nomem(reterr);
                pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
        }
        ERR_clear_error();
        if (!pkey)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no public key in PEM or DER");
        return ingot_key_wrap(ret, pkey, reterr);
}

enum ingot_key_kind ingot_key_kind(const struct ingot_key *k)
{
        return k->kind;
}

unsigned ingot_key_bits(const struct ingot_key *k)
{
        return k->bits;
}

const char *ingot_key_algorithm(const struct ingot_key *k)
{
        return k->algorithm;
}

bool ingot_key_equal(const struct ingot_key *a, const struct ingot_key *b)
{
        return EVP_PKEY_eq(a->pkey, b->pkey) == 1;
}

/* Nonces of ECDSA by RFC 6979, where the key's implementation has them: OpenSSL 3.2 and later. */
static void make_deterministic(EVP_PKEY_CTX *context)
{
        unsigned deterministic = 1;
        const OSSL_PARAM params[] = {
                OSSL_PARAM_construct_uint("nonce-type", &deterministic),
                OSSL_PARAM_construct_end(),
        };
        const OSSL_PARAM *settable = EVP_PKEY_CTX_settable_params(context);
        if (settable && OSSL_PARAM_locate_const(settable, "nonce-type"))
                (void) EVP_PKEY_CTX_set_params(context, params);
}

int ingot_key_sign(const struct ingot_key *k, struct ingot_span message, struct ingot_buffer *ret,
                   ingot_error *reterr)
{
        _cleanup_md_ EVP_MD_CTX *md = EVP_MD_CTX_new();
        EVP_PKEY_CTX *context;
        size_t size = 0;
        const EVP_MD *digest = k->kind == INGOT_KEY_ED25519 ? NULL : EVP_sha256();
        if (!md)
                return ingot_fail_nomem(reterr);
        ERR_clear_error();
        if (EVP_DigestSignInit(md, &context, digest, NULL, k->pkey) <= 0)
                return ingot_openssl_fail(reterr, INGOT_E_SYSTEM, "sign: prepare the key");
        if (k->kind == INGOT_KEY_EC)
                make_deterministic(context);
        if (EVP_DigestSign(md, NULL, &size, message.data, message.size) <= 0)
                return ingot_openssl_fail(reterr, INGOT_E_SYSTEM, "sign");
        size_t before = ret->size;
        int r = ingot_buffer_append_zeros(ret, size, reterr);
        if (r < 0)
                return r;
        int signed_it =
                EVP_DigestSign(md, ret->data + before, &size, message.data, message.size);
        ret->size = before + (signed_it > 0 ? size : 0);
        return signed_it > 0 ? 0 : ingot_openssl_fail(reterr, INGOT_E_SYSTEM, "sign");
}

int ingot_key_verify(const struct ingot_key *k, struct ingot_span message,
                     struct ingot_span signature, ingot_error *reterr)
{
        _cleanup_md_ EVP_MD_CTX *md = EVP_MD_CTX_new();
        const EVP_MD *digest = k->kind == INGOT_KEY_ED25519 ? NULL : EVP_sha256();
        if (!md)
                return ingot_fail_nomem(reterr);
        ERR_clear_error();
        if (EVP_DigestVerifyInit(md, NULL, digest, NULL, k->pkey) <= 0)
                return ingot_openssl_fail(reterr, INGOT_E_SYSTEM, "verify: prepare the key");
        int holds = EVP_DigestVerify(md, signature.data, signature.size, message.data,
                                     message.size);
        ERR_clear_error();
        return holds == 1 ? 0
                          : ingot_fail(reterr, INGOT_E_REFUSED,
                                       "the signature is not by this key (%s)", k->algorithm);
}

int ingot_key_public_spki(const struct ingot_key *k, struct ingot_buffer *ret, ingot_error *reterr)
{
        uint8_t *der = NULL;
        int size = i2d_PUBKEY(k->pkey, &der);
        return ingot_openssl_take_der(der, size, ret, reterr);
}

int ingot_key_public_pem(const struct ingot_key *k, struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_bio_ BIO *bio = BIO_new(BIO_s_mem());
        if (!bio || PEM_write_bio_PUBKEY(bio, k->pkey) != 1)
                return ingot_openssl_fail(reterr, INGOT_E_INTERNAL, "encode the public key");
        return ingot_openssl_take(bio, ret, reterr);
}

int ingot_key_public_pkcs1(const struct ingot_key *k, struct ingot_buffer *ret,
                           ingot_error *reterr)
{
        uint8_t *der = NULL;
        if (k->kind != INGOT_KEY_RSA)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "not an RSA key (%s)",
                                  k->algorithm);
        int size = i2d_PublicKey(k->pkey, &der);
        return ingot_openssl_take_der(der, size, ret, reterr);
}

int ingot_key_generate(struct ingot_key **ret, enum ingot_key_kind kind, unsigned bits,
                       ingot_error *reterr)
{
        EVP_PKEY *pkey = NULL;
        ERR_clear_error();
        if (kind == INGOT_KEY_ED25519)
                pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        else if (kind == INGOT_KEY_RSA && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)
                pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t) bits);
        else if (kind == INGOT_KEY_EC && (bits == 256 || bits == 384 || bits == 521))
                pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC",
                                         bits == 256   ? "P-256"
                                         : bits == 384 ? "P-384"
                                                       : "P-521");
        else
                return ingot_fail(reterr, INGOT_E_USAGE, "no key has %u bits: RSA keys have 2048 "
                                  "to 8192, ECDSA keys 256, 384 or 521", bits);
        if (!pkey)
                return ingot_openssl_fail(reterr, INGOT_E_SYSTEM, "make a key");
        return ingot_key_wrap(ret, pkey, reterr);
}

int ingot_key_private_pem(const struct ingot_key *k, const char *passphrase,
                          struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_bio_ BIO *bio = BIO_new(BIO_s_mem());
        if (!bio)
                return ingot_fail_nomem(reterr);
        if (PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, passphrase ? EVP_aes_256_cbc() : NULL,
                                          passphrase, passphrase ? (int) strlen(passphrase) : 0,
                                          NULL, NULL) != 1)
                return ingot_openssl_fail(reterr, INGOT_E_UNSUPPORTED, "write the private key");
        return ingot_openssl_take(bio, ret, reterr);
}
