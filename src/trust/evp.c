/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenSSL's EVP interface over ingot's readers and spans. */
#include "trust/evp.h"
#include "base/cleanup.h"
#include "base/size.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>

enum { PIECE = 1 << 18 };

static void md_free(EVP_MD_CTX **c)
{
        EVP_MD_CTX_free(*c);
}

static void fetched_free(EVP_MD **m)
{
        EVP_MD_free(*m);
}

const char *ingot_evp_reason(void)
{
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        ERR_clear_error();
        return reason ? reason : "no reason";
}

static int digest_start(const char *algorithm, EVP_MD_CTX **ret, ingot_error *reterr)
{
        _cleanup_(md_free) EVP_MD_CTX *c = EVP_MD_CTX_new();
        _cleanup_(fetched_free) EVP_MD *md = EVP_MD_fetch(NULL, algorithm, NULL);
        if (!c)
                return ingot_fail_nomem(reterr);
        if (!md || EVP_DigestInit_ex(c, md, NULL) != 1)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "OpenSSL has no %s (%s)", algorithm,
                                  ingot_evp_reason());
        *ret = TAKE_PTR(c);
        return 0;
}

static int digest_end(EVP_MD_CTX *c, uint8_t *ret, size_t *ret_size, ingot_error *reterr)
{
        unsigned n = 0;
        if (EVP_DigestFinal_ex(c, ret, &n) != 1)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "digest: %s", ingot_evp_reason());
        *ret_size = n;
        return 0;
}

int ingot_evp_digest_reader(const struct ingot_reader *r, const char *algorithm,
                            uint8_t ret[INGOT_EVP_DIGEST_MAX], size_t *ret_size,
                            ingot_error *reterr)
{
        _cleanup_(md_free) EVP_MD_CTX *c = NULL;
        _cleanup_free_ uint8_t *piece = malloc(PIECE);
        if (!piece)
                return ingot_fail_nomem(reterr);
        int e = digest_start(algorithm, &c, reterr);
        for (uint64_t at = 0; e >= 0 && at < r->size; at += PIECE) {
                size_t n = (size_t) ingot_min_u64(PIECE, r->size - at);
                e = ingot_read_at(r, at, piece, n, reterr);
                if (e >= 0 && EVP_DigestUpdate(c, piece, n) != 1)
                        e = ingot_fail(reterr, INGOT_E_INTERNAL, "digest: %s", ingot_evp_reason());
        }
        return e < 0 ? e : digest_end(c, ret, ret_size, reterr);
}

int ingot_evp_digest(struct ingot_span data, const char *algorithm,
                     uint8_t ret[INGOT_EVP_DIGEST_MAX], size_t *ret_size, ingot_error *reterr)
{
        struct ingot_reader r = ingot_reader_of_span(&data);
        return ingot_evp_digest_reader(&r, algorithm, ret, ret_size, reterr);
}

int ingot_evp_verify(EVP_PKEY *key, const char *digest, struct ingot_span data,
                     struct ingot_span signature, ingot_error *reterr)
{
        _cleanup_(md_free) EVP_MD_CTX *c = EVP_MD_CTX_new();
        if (!c)
                return ingot_fail_nomem(reterr);
        if (EVP_DigestVerifyInit_ex(c, NULL, digest, NULL, NULL, key, NULL) != 1)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "OpenSSL does not check with %s: %s",
                                  digest ? digest : "this key", ingot_evp_reason());
        int ok = EVP_DigestVerify(c, signature.data, signature.size, data.data, data.size);
        ERR_clear_error();
        return ok == 1 ? 0 : 1;
}

int ingot_evp_ed25519_verify(const uint8_t key[32], struct ingot_span data,
                             struct ingot_span signature, ingot_error *reterr)
{
        _cleanup_pkey_ EVP_PKEY *pkey =
                EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
        if (!pkey)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the Ed25519 key: %s",
                                  ingot_evp_reason());
        return ingot_evp_verify(pkey, NULL, data, signature, reterr);
}

struct source {
        const struct ingot_reader *reader;
        uint64_t at;
        ingot_error *error;
};

static int source_read(BIO *b, char *ret, size_t size, size_t *ret_size)
{
        struct source *s = BIO_get_data(b);
        size_t n = (size_t) ingot_min_u64(size, s->reader->size - s->at);
        BIO_clear_retry_flags(b);
        *ret_size = n;
        if (n == 0 || ingot_read_at(s->reader, s->at, ret, n, s->error) < 0)
                return 0;
        s->at += n;
        return 1;
}

static long source_control(BIO *b, int command, long number, void *pointer)
{
        struct source *s = BIO_get_data(b);
        (void) number;
        (void) pointer;
        return command == BIO_CTRL_FLUSH ||
               (command == BIO_CTRL_EOF && s->at == s->reader->size);
}

static int source_destroy(BIO *b)
{
        free(BIO_get_data(b));
        return 1;
}

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void method_make(void)
{
        BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ingot");
        if (m && BIO_meth_set_read_ex(m, source_read) && BIO_meth_set_ctrl(m, source_control) &&
            BIO_meth_set_destroy(m, source_destroy))
                method = m;
}

static __attribute__((destructor)) void method_free(void)
{
        BIO_meth_free(method);
}

BIO *ingot_evp_bio(const struct ingot_reader *r, ingot_error *reterr)
{
        pthread_once(&method_once, method_make);
        struct source *s = malloc(sizeof(*s));
        BIO *b = s && method ? BIO_new(method) : NULL;
        if (!b) {
                free(s);
                return NULL;
        }
        *s = (struct source){.reader = r, .error = reterr};
        *reterr = (ingot_error){0};
        BIO_set_data(b, s);
        BIO_set_init(b, 1);
        return b;
}
