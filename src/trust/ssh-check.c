/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenSSH's keys and signatures in OpenSSL's form. */
#include "trust/ssh-check.h"
#include "base/cleanup.h"
#include "trust/evp.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#define RSA_BITS_MIN 2048

static void params_free(OSSL_PARAM **p)
{
        OSSL_PARAM_free(*p);
}

static void builder_free(OSSL_PARAM_BLD **b)
{
        OSSL_PARAM_BLD_free(*b);
}

static void number_free(BIGNUM **n)
{
        BN_free(*n);
}

static void context_free(EVP_PKEY_CTX **c)
{
        EVP_PKEY_CTX_free(*c);
}

static void ecdsa_free(ECDSA_SIG **s)
{
        ECDSA_SIG_free(*s);
}

static bool is(struct ingot_span s, const char *text)
{
        return s.size == strlen(text) && memcmp(s.data, text, s.size) == 0;
}

static int make_key(const char *type, OSSL_PARAM_BLD *b, EVP_PKEY **ret, ingot_error *reterr)
{
        _cleanup_(params_free) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
        _cleanup_(context_free) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
        if (!params || !c)
                return ingot_fail_nomem(reterr);
        if (EVP_PKEY_fromdata_init(c) != 1 ||
            EVP_PKEY_fromdata(c, ret, EVP_PKEY_PUBLIC_KEY, params) != 1)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the SSH key: %s", ingot_evp_reason());
        return 0;
}

static int open_rsa(const struct ingot_ssh_key *k, EVP_PKEY **ret, ingot_error *reterr)
{
        _cleanup_(builder_free) OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
        _cleanup_(number_free) BIGNUM *n = BN_bin2bn(k->n.data, (int) k->n.size, NULL);
        _cleanup_(number_free) BIGNUM *e = BN_bin2bn(k->e.data, (int) k->e.size, NULL);
        if (!b || !n || !e || !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) ||
            !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e))
                return ingot_fail_nomem(reterr);
        return make_key("RSA", b, ret, reterr);
}

static int open_ecdsa(const struct ingot_ssh_key *k, EVP_PKEY **ret, ingot_error *reterr)
{
        _cleanup_(builder_free) OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
        if (!b || !OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, k->curve, 0) ||
            !OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, k->point.data,
                                              k->point.size))
                return ingot_fail_nomem(reterr);
        return make_key("EC", b, ret, reterr);
}

/* A signature over bytes, and the key that made it. */
struct made {
        const struct ingot_ssh_key *key;
        const struct ingot_ssh_raw *raw;
};

/* What a token signs: digests, and between them what it says of itself. */
static int token_bytes(const struct made *m, struct ingot_span signed_bytes,
                       struct ingot_buffer *ret, ingot_error *reterr)
{
        uint8_t application[INGOT_EVP_DIGEST_MAX], message[INGOT_EVP_DIGEST_MAX], rest[5];
        size_t a, n;
        int r = ingot_evp_digest(m->key->application, "SHA256", application, &a, reterr);
        if (r >= 0)
                r = ingot_evp_digest(signed_bytes, "SHA256", message, &n, reterr);
        if (r < 0)
                return r;
        rest[0] = m->raw->flags;
        ingot_be32_store(rest + 1, m->raw->counter);
        r = ingot_buffer_append(ret, application, a, reterr);
        if (r >= 0)
                r = ingot_buffer_append(ret, rest, sizeof(rest), reterr);
        return r < 0 ? r : ingot_buffer_append(ret, message, n, reterr);
}

static int check_ecdsa(const struct made *m, struct ingot_span bytes, ingot_error *reterr)
{
        static const struct {
                const char *curve, *digest;
        } digests[] = {{"P-256", "SHA256"}, {"P-384", "SHA384"}, {"P-521", "SHA512"}};
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_(ecdsa_free) ECDSA_SIG *numbers = ECDSA_SIG_new();
        struct ingot_span left = m->raw->signature, r, t;
        size_t i = 0;
        while (strcmp(digests[i].curve, m->key->curve) != 0)
                i++;
        int e = ingot_sshsig_number(&left, &r, reterr);
        if (e >= 0)
                e = ingot_sshsig_number(&left, &t, reterr);
        if (e >= 0 && left.size > 0)
                e = ingot_fail(reterr, INGOT_E_FORMAT, "%zu bytes behind the numbers", left.size);
        if (e >= 0)
                e = open_ecdsa(m->key, &key, reterr);
        if (e < 0)
                return e;
        BIGNUM *first = BN_bin2bn(r.data, (int) r.size, NULL);
        BIGNUM *second = BN_bin2bn(t.data, (int) t.size, NULL);
        if (!numbers || ECDSA_SIG_set0(numbers, first, second) != 1)
                return ingot_fail_nomem(reterr);
        uint8_t *der = NULL;
        int size = i2d_ECDSA_SIG(numbers, &der);
        if (size < 0)
                return ingot_fail_nomem(reterr);
        e = ingot_evp_verify(key, digests[i].digest, bytes, INGOT_SPAN(der, size), reterr);
        OPENSSL_free(der);
        return e;
}

static int check_rsa(const struct made *m, struct ingot_span bytes, struct ingot_judgement *j,
                     ingot_error *reterr)
{
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        bool wide = is(m->raw->algorithm, "rsa-sha2-512");
        if (!wide && !is(m->raw->algorithm, "rsa-sha2-256"))
                return ingot_judgement_refuse(j, reterr, "its digest is weak (SHA-1)");
        int r = open_rsa(m->key, &key, reterr);
        if (r < 0)
                return r;
        if (EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
                return ingot_judgement_refuse(j, reterr, "the key is weak (RSA of %d bits)",
                                              EVP_PKEY_get_bits(key));
        return ingot_evp_verify(key, wide ? "SHA512" : "SHA256", bytes, m->raw->signature, reterr);
}

int ingot_ssh_check(const struct ingot_ssh_key *key, const struct ingot_ssh_raw *raw,
                    struct ingot_span message, struct ingot_judgement *j, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        const struct made m = {key, raw};
        bool token = key->kind >= INGOT_SSH_SK_ED25519;
        int r = token ? token_bytes(&m, message, &bytes, reterr) : 0;
        if (r < 0)
                return r;
        if (token && !(raw->flags & 1))
                return ingot_judgement_refuse(j, reterr, "nobody touched the token");
        if (token)
                message = ingot_buffer_span(&bytes);
        switch (key->kind) {
        case INGOT_SSH_RSA:
                return check_rsa(&m, message, j, reterr);
        case INGOT_SSH_ECDSA:
        case INGOT_SSH_SK_ECDSA:
                return check_ecdsa(&m, message, reterr);
        default:
                return ingot_evp_ed25519_verify(key->point.data, message, raw->signature, reterr);
        }
}
