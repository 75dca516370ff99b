/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CMS over content that is read once, each signer judged alone. */
#include "trust/x509.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "trust/evp.h"
#include "trust/x509-keys.h"

#include <ctype.h>
#include <openssl/cms.h>
#include <stdlib.h>

enum { SIGNERS_MAX = 64, PIECE = 1 << 18 };

static const char *const labels[] = {"PKCS7", "CMS", "PKCS #7 SIGNED DATA"};

static void cms_free(CMS_ContentInfo **c)
{
        CMS_ContentInfo_free(*c);
}

static void bio_free_all(BIO **b)
{
        BIO_free_all(*b);
}

static void certificates_free(STACK_OF(X509) * *s)
{
        sk_X509_pop_free(*s, X509_free);
}

/* The label of the armour, or NULL. */
static const char *label_of(struct ingot_span text)
{
        char line[64];
        for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
                int n = snprintf(line, sizeof(line), "-----BEGIN %s-----", labels[i]);
                if (text.size > (size_t) n && memcmp(text.data, line, (size_t) n) == 0)
                        return labels[i];
        }
        return NULL;
}

/* A sequence that starts with the object identifier of signed data. */
bool ingot_x509_recognise(struct ingot_span text)
{
        static const uint8_t signed_data[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                              0xf7, 0x0d, 0x01, 0x07, 0x02};
        size_t head = text.size < 24 ? text.size : 24;
        return label_of(text) || (head > 0 && text.data[0] == 0x30 &&
                                  memmem(text.data, head, signed_data, sizeof(signed_data)));
}

static int decode_armour(struct ingot_span text, const char *label, struct ingot_buffer *ret,
                         ingot_error *reterr)
{
        char line[64];
        size_t skip = strlen("-----BEGIN -----") + strlen(label);
        int n = snprintf(line, sizeof(line), "-----END %s-----", label);
        struct ingot_span body = INGOT_SPAN(text.data + skip, text.size - skip);
        const uint8_t *end = memmem(body.data, body.size, line, (size_t) n);
        if (!end)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the end of the signature is missing");
        for (const uint8_t *p = end + n; p < text.data + text.size; p++)
                if (!isspace(*p))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "%zu bytes behind the signature",
                                          (size_t) (text.data + text.size - p));
        return ingot_base64_decode(INGOT_SPAN(body.data, (size_t) (end - body.data)), ret, reterr);
}

static int decode(struct ingot_span text, CMS_ContentInfo **ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        _cleanup_(cms_free) CMS_ContentInfo *cms = NULL;
        const char *label = label_of(text);
        int r = label ? decode_armour(text, label, &bytes, reterr) : 0;
        if (r < 0)
                return r;
        if (label)
                text = ingot_buffer_span(&bytes);
        const uint8_t *p = text.data;
        cms = d2i_CMS_ContentInfo(NULL, &p, (long) text.size);
        if (!cms)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the CMS signature is malformed: %s",
                                  ingot_evp_reason());
        if (p != text.data + text.size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%zu bytes behind the signature",
                                  (size_t) (text.data + text.size - p));
        if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no signed data in the CMS");
        if (CMS_is_detached(cms) != 1)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "the signature carries a content of its own: make it detached");
        if (OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "the signature is over something else than a file's bytes");
        *ret = TAKE_PTR(cms);
        return 0;
}

/* Reads the content through OpenSSL's digests. */
static int digest_content(CMS_ContentInfo *cms, const struct ingot_reader *content, BIO **ret,
                          ingot_error *reterr)
{
        _cleanup_free_ uint8_t *piece = malloc(PIECE);
        ingot_error error;
        BIO *source = ingot_evp_bio(content, &error);
        _cleanup_(bio_free_all) BIO *all = source ? CMS_dataInit(cms, source) : NULL;
        if (!all)
                BIO_free(source);
        if (!piece || !source)
                return ingot_fail_nomem(reterr);
        if (!all)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "the signature's digests: %s",
                                  ingot_evp_reason());
        while (BIO_read(all, piece, PIECE) > 0)
                ;
        if (error.code) {
                if (reterr)
                        *reterr = error;
                return -error.code;
        }
        *ret = TAKE_PTR(all);
        return 0;
}

struct work {
        const struct ingot_signature_request *request;
        struct ingot_x509_keys keys;
        CMS_ContentInfo *cms;
        BIO *content;
        STACK_OF(X509) * sent;
};

static void work_done(struct work *w)
{
        ingot_x509_keys_done(&w->keys);
        bio_free_all(&w->content);
        certificates_free(&w->sent);
        cms_free(&w->cms);
}

/* The signer's certificate: of the key files before the signature's own, which anyone may add. */
static X509 *find_signer(const struct work *w, CMS_SignerInfo *si)
{
        for (size_t i = 0; i < w->keys.count; i++)
                if (w->keys.items[i].certificate && !w->keys.items[i].file->anchor &&
                    CMS_SignerInfo_cert_cmp(si, w->keys.items[i].certificate) == 0)
                        return w->keys.items[i].certificate;
        for (int i = 0; i < sk_X509_num(w->sent); i++)
                if (CMS_SignerInfo_cert_cmp(si, sk_X509_value(w->sent, i)) == 0)
                        return sk_X509_value(w->sent, i);
        return NULL;
}

static int describe(X509 *signer, const char *digest, struct ingot_judgement *j,
                    ingot_error *reterr)
{
        uint8_t bytes[EVP_MAX_MD_SIZE];
        char text[2 * EVP_MAX_MD_SIZE + 1];
        unsigned size = 0;
        BIO *b = BIO_new(BIO_s_mem());
        char *name = NULL;
        int r = b ? 0 : ingot_fail_nomem(reterr);
        if (r >= 0 &&
            X509_NAME_print_ex(b, X509_get_subject_name(signer), 0,
                               XN_FLAG_RFC2253 & ~(unsigned long) ASN1_STRFLGS_ESC_MSB) >= 0) {
                long n = BIO_get_mem_data(b, &name);
                r = ingot_format(&j->signer, reterr, "%.*s", (int) n, name);
        }
        BIO_free(b);
        if (r >= 0 && X509_digest(signer, EVP_sha256(), bytes, &size) == 1) {
                ingot_hex(text, bytes, size);
                r = ingot_strdup(&j->key, text, reterr);
        }
        if (r >= 0 && X509_pubkey_digest(signer, EVP_sha256(), bytes, &size) == 1) {
                ingot_hex(text, bytes, size);
                r = ingot_strdup(&j->identity, text, reterr);
        }
        j->algorithm = digest;
        return r;
}

/* The digest's name when it is strong, else NULL. */
static const char *digest_of(CMS_SignerInfo *si)
{
        static const int strong[] = {NID_sha256, NID_sha384, NID_sha512};
        X509_ALGOR *algorithm = NULL;
        const ASN1_OBJECT *object = NULL;
        CMS_SignerInfo_get0_algs(si, NULL, NULL, &algorithm, NULL);
        X509_ALGOR_get0(&object, NULL, NULL, algorithm);
        for (size_t i = 0; i < ARRAY_SIZE(strong); i++)
                if (OBJ_obj2nid(object) == strong[i])
                        return OBJ_nid2sn(strong[i]);
        return NULL;
}

/* The name of the signature's algorithm, which OpenSSL does not look at, must fit the digest. */
static bool algorithm_fits(CMS_SignerInfo *si)
{
        X509_ALGOR *digest = NULL, *signature = NULL;
        const ASN1_OBJECT *d = NULL, *s = NULL;
        int with = NID_undef;
        CMS_SignerInfo_get0_algs(si, NULL, NULL, &digest, &signature);
        X509_ALGOR_get0(&d, NULL, NULL, digest);
        X509_ALGOR_get0(&s, NULL, NULL, signature);
        if (OBJ_obj2nid(s) == NID_rsaEncryption)
                return true;
        return OBJ_find_sigid_algs(OBJ_obj2nid(s), &with, NULL) == 1 &&
               (with == NID_undef || with == OBJ_obj2nid(d));
}

/* The signed time, if any: exactly one, of exactly one value. */
static bool signing_time(CMS_SignerInfo *si, uint64_t *ret)
{
        static const int types[] = {V_ASN1_UTCTIME, V_ASN1_GENERALIZEDTIME};
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                const ASN1_TIME *t = CMS_signed_get0_data_by_OBJ(
                        si, OBJ_nid2obj(NID_pkcs9_signingTime), -3, types[i]);
                if (t)
                        return ingot_x509_time(t, ret);
        }
        return false;
}

/* The signed attributes, where there are some, must say that the content is plain data. */
static bool content_type_fits(CMS_SignerInfo *si)
{
        const ASN1_OBJECT *type = CMS_signed_get0_data_by_OBJ(
                si, OBJ_nid2obj(NID_pkcs9_contentType), -3, V_ASN1_OBJECT);
        return CMS_signed_get_attr_count(si) < 0 || (type && OBJ_obj2nid(type) == NID_pkcs7_data);
}

static const char *signature_fault(const struct work *w, CMS_SignerInfo *si, X509 *signer)
{
        CMS_SignerInfo_set1_signer_cert(si, signer);
        bool ok = content_type_fits(si) && algorithm_fits(si) &&
                  (CMS_signed_get_attr_count(si) < 0 || CMS_SignerInfo_verify(si) > 0) &&
                  CMS_SignerInfo_verify_content(si, w->content) > 0;
        ingot_evp_reason();
        return ok ? NULL : "the signature does not match";
}

static int judge_signer(struct work *w, CMS_SignerInfo *si, struct ingot_verdict *v,
                        ingot_error *reterr)
{
        struct ingot_judgement *j;
        X509 *signer = find_signer(w, si);
        const char *digest = digest_of(si);
        uint64_t time = w->request->undated ? INGOT_X509_UNDATED : w->request->now;
        int r = ingot_verdict_add(v, INGOT_TECHNOLOGY_X509, &j, reterr);
        if (r < 0)
                return r;
        if (!signer)
                return ingot_judgement_refuse(j, reterr, "no verifier has its certificate");
        if (signing_time(si, &time))
                j->created = time;
        const struct ingot_x509_item *item = ingot_x509_keys_find(&w->keys, signer);
        j->verifier = item ? item->file : NULL;
        r = describe(signer, digest, j, reterr);
        if (r >= 0 && !digest)
                r = ingot_judgement_refuse(j, reterr, "its digest is weak or not known");
        if (r < 0 || j->reason)
                return r;
        const char *fault = signature_fault(w, si, signer);
        if (fault)
                return ingot_judgement_refuse(j, reterr, "%s", fault);
        return ingot_x509_check(&w->keys, signer, w->sent, item, time, j, reterr);
}

int ingot_x509_judge(const struct ingot_signature_request *q, struct ingot_span signature,
                     struct ingot_verdict *v, ingot_error *reterr)
{
        _cleanup_(work_done) struct work w = {.request = q};
        int r = decode(signature, &w.cms, reterr);
        if (r >= 0)
                r = ingot_x509_keys_load(q->keys, &w.keys, v, reterr);
        if (r < 0)
                return r;
        STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(w.cms);
        int count = sk_CMS_SignerInfo_num(signers);
        if (count <= 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "there is no signature");
        if (count > SIGNERS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%d signatures are too many", count);
        w.sent = CMS_get1_certs(w.cms);
        r = digest_content(w.cms, q->content, &w.content, reterr);
        for (int i = 0; r >= 0 && i < count; i++)
                r = judge_signer(&w, sk_CMS_SignerInfo_value(signers, i), v, reterr);
        return r;
}
