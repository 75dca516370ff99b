/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may sign, and whether they did. */
#include "trust/ssh.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "format/sshsig.h"
#include "trust/evp.h"

#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <stdlib.h>

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
static int token_bytes(const struct made *m, struct ingot_buffer *bytes, ingot_error *reterr)
{
        uint8_t application[INGOT_EVP_DIGEST_MAX], message[INGOT_EVP_DIGEST_MAX], rest[5];
        size_t a, n;
        int r = ingot_evp_digest(m->key->application, "SHA256", application, &a, reterr);
        if (r >= 0)
                r = ingot_evp_digest(ingot_buffer_span(bytes), "SHA256", message, &n, reterr);
        if (r < 0)
                return r;
        rest[0] = m->raw->flags;
        ingot_be32_store(rest + 1, m->raw->counter);
        ingot_buffer_done(bytes);
        r = ingot_buffer_append(bytes, application, a, reterr);
        if (r >= 0)
                r = ingot_buffer_append(bytes, rest, sizeof(rest), reterr);
        return r < 0 ? r : ingot_buffer_append(bytes, message, n, reterr);
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

/* 1: the signature does not match. */
static int check_bytes(const struct made *m, struct ingot_buffer *bytes, struct ingot_judgement *j,
                       ingot_error *reterr)
{
        bool token = m->key->kind >= INGOT_SSH_SK_ED25519;
        int r = token ? token_bytes(m, bytes, reterr) : 0;
        if (r < 0)
                return r;
        if (token && !(m->raw->flags & 1))
                return ingot_judgement_refuse(j, reterr, "nobody touched the token");
        switch (m->key->kind) {
        case INGOT_SSH_RSA:
                return check_rsa(m, ingot_buffer_span(bytes), j, reterr);
        case INGOT_SSH_ECDSA:
        case INGOT_SSH_SK_ECDSA:
                return check_ecdsa(m, ingot_buffer_span(bytes), reterr);
        default:
                return ingot_evp_ed25519_verify(m->key->point.data, ingot_buffer_span(bytes),
                                                m->raw->signature, reterr);
        }
}

static int check(const struct ingot_sshsig *s, const struct ingot_reader *content,
                 struct ingot_judgement *j, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        const struct made made = {&s->key, &s->raw};
        uint8_t digest[INGOT_EVP_DIGEST_MAX];
        size_t size;
        int r = ingot_evp_digest_reader(content, is(s->hash, "sha512") ? "SHA512" : "SHA256",
                                        digest, &size, reterr);
        if (r >= 0)
                r = ingot_sshsig_signed(s, INGOT_SPAN(digest, size), &bytes, reterr);
        return r < 0 ? r : check_bytes(&made, &bytes, j, reterr);
}

/* Did the authority make the certificate? 1: it did not. */
static int check_authority(const struct ingot_ssh_certificate *c, struct ingot_judgement *j,
                           ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        const struct made made = {&c->authority, &c->raw};
        int r = ingot_buffer_append(&bytes, c->signed_bytes.data, c->signed_bytes.size, reterr);
        return r < 0 ? r : check_bytes(&made, &bytes, j, reterr);
}

/* Is PRINCIPAL one that the authority of that line may speak for, and the one that is asked for? */
static bool is_principal(const struct ingot_signature_request *q,
                         const struct ingot_ssh_signer *line, struct ingot_span principal)
{
        return ingot_ssh_patterns_match(line->principals, principal) &&
               (!q->identity || is(principal, q->identity));
}

/* Those principals of a certificate, with commas between them; none: NULL. */
static int principals_of(const struct ingot_signature_request *q,
                         const struct ingot_ssh_signer *line, const struct ingot_ssh_certificate *c,
                         char **ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer names = {0};
        struct ingot_span left = c->principals, one;
        int r = 0;
        while (r >= 0 && ingot_ssh_string_next(&left, &one))
                if (is_principal(q, line, one))
                        r = ingot_buffer_printf(&names, reterr, "%s%.*s", names.size ? "," : "",
                                                (int) one.size, (const char *) one.data);
        *ret = r < 0 || names.size == 0 ? NULL : (char *) ingot_buffer_take(&names);
        return r;
}

/* NULL when that line's authority lets the certificate's key sign; NAMES are its principals. */
static const char *certificate_fault(const struct ingot_signature_request *q,
                                     const struct ingot_ssh_certificate *c, const char *names)
{
        if (c->type != INGOT_SSH_USER)
                return "its certificate is a host's";
        if (c->critical_options.size > 0)
                return "its certificate has critical options, which are for logging in";
        if (q->now < c->after)
                return "its certificate is not valid yet";
        if (q->now >= c->before)
                return "its certificate is not valid any more";
        if (c->principals.size == 0)
                return "its certificate has no principal";
        return names ? NULL : "its certificate is another signer's";
}

/* NULL when the limits of that line let the signature count, else why not. */
static const char *limit_fault(const struct ingot_signature_request *q,
                               const struct ingot_ssh_signer *line, const struct ingot_sshsig *s)
{
        if (line->namespaces.size > 0 && !ingot_ssh_patterns_match(line->namespaces, s->name_space))
                return "its key may not sign for this namespace";
        if (line->after && q->now < line->after)
                return "its key is not valid yet";
        if (line->before && q->now > line->before)
                return "its key is not valid any more";
        return NULL;
}

/* The same for a key that the line names itself. */
static const char *key_fault(const struct ingot_signature_request *q,
                             const struct ingot_ssh_signer *line)
{
        if (line->authority)
                return "its key is that of an authority, which signs nothing itself";
        if (q->identity && line->principals.size > 0 &&
            !ingot_ssh_patterns_match(line->principals,
                                      INGOT_SPAN(q->identity, strlen(q->identity))))
                return "its key is another signer's";
        if (q->identity && line->principals.size == 0)
                return "its key has no principal";
        return NULL;
}

/* What the lines of the key files say of the key; the first that allows it, or the first at all. */
struct allowed {
        const struct ingot_key_file *file;
        char *signer;
        const char *fault;
};

static void allowed_done(struct allowed *a)
{
        free(a->signer);
}

static bool same(struct ingot_span a, struct ingot_span b)
{
        return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* What a line says that has the key, or that of the certificate's authority. */
static int take_line(const struct ingot_signature_request *q, const struct ingot_key_file *f,
                     const struct ingot_ssh_signer *line, const struct ingot_sshsig *s,
                     struct allowed *a, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        struct ingot_span text = line->principals.size ? line->principals : line->comment;
        const char *fault = limit_fault(q, line, s);
        const struct ingot_ssh_certificate *c = s->certified ? &s->certificate : NULL;
        if (!same(ingot_buffer_span(&line->blob), c ? c->authority.blob : s->key.blob) ||
            (c && !line->authority))
                return 0;
        int r = c           ? principals_of(q, line, c, &name, reterr)
                : text.size ? ingot_format(&name, reterr, "%.*s", (int) text.size,
                                           (const char *) text.data)
                            : 0;
        if (!fault)
                fault = c ? certificate_fault(q, c, name) : key_fault(q, line);
        if (r < 0 || (a->file && (fault || !a->fault)))
                return r;
        a->file = f;
        a->fault = fault;
        free(a->signer);
        a->signer = TAKE_PTR(name);
        return 0;
}

static int read_file(const struct ingot_signature_request *q, const struct ingot_key_file *f,
                     const struct ingot_sshsig *s, struct allowed *a, ingot_error *reterr)
{
        struct ingot_span left = ingot_buffer_span(&f->content);
        unsigned number = 0, count = 0;
        for (;; count++) {
                _cleanup_ssh_signer_ struct ingot_ssh_signer line = {0};
                int r = ingot_ssh_signers_next(&left, &number, &line, reterr);
                if (r > 0)
                        r = take_line(q, f, &line, s, a, reterr);
                else if (r == 0)
                        break;
                if (r < 0)
                        return r;
        }
        return count > 0 ? 0 : ingot_fail(reterr, INGOT_E_FORMAT, "holds no SSH key that is known");
}

static int find(const struct ingot_signature_request *q, const struct ingot_sshsig *s,
                struct ingot_verdict *v, struct allowed *a, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < q->keys->count; i++) {
                const struct ingot_key_file *f = &q->keys->items[i];
                if (f->technology != INGOT_TECHNOLOGY_SSH || f->anchor)
                        continue;
                r = read_file(q, f, s, a, reterr);
                if (r < 0)
                        r = ingot_verdict_bad_key(v, f, r, reterr);
        }
        return r;
}

static int namespace_of(const struct ingot_signature_request *q, char **ret, ingot_error *reterr)
{
        if (!q->purpose)
                return ingot_strdup(ret, "file", reterr);
        return ingot_format(ret, reterr, "%s/%s", q->purpose, q->context ? q->context : "default");
}

static int describe_certificate(const struct ingot_ssh_certificate *c, struct ingot_judgement *j,
                                ingot_error *reterr)
{
        _cleanup_free_ char *before = TAKE_PTR(j->comment);
        return ingot_format(&j->comment, reterr, "%s, certificate \"%.*s\", serial %" PRIu64,
                            before, (int) c->id.size, (const char *) c->id.data, c->serial);
}

static int describe(const struct ingot_sshsig *s, struct ingot_judgement *j, ingot_error *reterr)
{
        static const char *const names[] = {"Ed25519", "RSA", "ECDSA", "Ed25519 in a token",
                                            "ECDSA in a token"};
        _cleanup_free_ char *text = NULL;
        uint8_t digest[INGOT_EVP_DIGEST_MAX];
        size_t size;
        int r = ingot_evp_digest(s->key.blob, "SHA256", digest, &size, reterr);
        if (r >= 0)
                r = ingot_base64_encode(INGOT_SPAN(digest, size), &text, reterr);
        if (r >= 0)
                r = ingot_format(&j->key, reterr, "SHA256:%.*s", (int) strcspn(text, "="), text);
        if (r >= 0)
                r = ingot_format(&j->comment, reterr, "namespace %.*s", (int) s->name_space.size,
                                 (const char *) s->name_space.data);
        if (r >= 0 && s->certified)
                r = describe_certificate(&s->certificate, j, reterr);
        j->algorithm = names[s->key.kind];
        return r;
}

int ingot_ssh_judge(const struct ingot_signature_request *q, struct ingot_span signature,
                    struct ingot_verdict *v, ingot_error *reterr)
{
        _cleanup_sshsig_ struct ingot_sshsig s = {0};
        _cleanup_(allowed_done) struct allowed a = {0};
        _cleanup_free_ char *name = NULL;
        struct ingot_judgement *j;
        int r = ingot_sshsig_decode(signature, &s, reterr);
        if (r >= 0)
                r = namespace_of(q, &name, reterr);
        if (r >= 0)
                r = find(q, &s, v, &a, reterr);
        if (r >= 0)
                r = ingot_verdict_add(v, INGOT_TECHNOLOGY_SSH, &j, reterr);
        if (r >= 0)
                r = describe(&s, j, reterr);
        if (r < 0)
                return r;
        j->verifier = a.file;
        j->signer = TAKE_PTR(a.signer);
        if (!a.file)
                return ingot_judgement_refuse(j, reterr, "no verifier has its key");
        if (a.fault)
                return ingot_judgement_refuse(j, reterr, "%s", a.fault);
        if (!is(s.name_space, name))
                return ingot_judgement_refuse(j, reterr, "it is for namespace \"%.*s\", not \"%s\"",
                                              (int) s.name_space.size,
                                              (const char *) s.name_space.data, name);
        r = s.certified ? check_authority(&s.certificate, j, reterr) : 0;
        if (r > 0)
                return ingot_judgement_refuse(j, reterr,
                                              "the authority's signature in its certificate does "
                                              "not match");
        if (r >= 0)
                r = check(&s, q->content, j, reterr);
        return r > 0 ? ingot_judgement_refuse(j, reterr, "the signature does not match") : r;
}
