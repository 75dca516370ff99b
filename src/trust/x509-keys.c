/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which certificates may sign, at a time. */
#include "trust/x509-keys.h"
#include "base/cleanup.h"
#include "trust/evp.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

enum { SECURITY_LEVEL = 2 /* 112 bits */, ITEMS_MAX = 4096 };

static void bio_free(BIO **b)
{
        BIO_free(*b);
}

static void infos_free(STACK_OF(X509_INFO) * *s)
{
        sk_X509_INFO_pop_free(*s, X509_INFO_free);
}

static void store_free(X509_STORE **s)
{
        X509_STORE_free(*s);
}

static void store_context_free(X509_STORE_CTX **c)
{
        X509_STORE_CTX_free(*c);
}

static void stack_free(STACK_OF(X509) * *s)
{
        sk_X509_free(*s);
}

void ingot_x509_keys_done(struct ingot_x509_keys *k)
{
        for (size_t i = 0; i < k->count; i++) {
                X509_free(k->items[i].certificate);
                X509_CRL_free(k->items[i].crl);
        }
        free(k->items);
        *k = (struct ingot_x509_keys){0};
}

static int add(struct ingot_x509_keys *k, const struct ingot_key_file *file, X509_INFO *info,
               ingot_error *reterr)
{
        if (k->count == ITEMS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "too many certificates");
        if (k->count == k->allocated) {
                size_t n = k->allocated ? 2 * k->allocated : 8;
                void *more = reallocarray(k->items, n, sizeof(*k->items));
                if (!more)
                        return ingot_fail_nomem(reterr);
                k->items = more;
                k->allocated = n;
        }
        k->items[k->count++] = (struct ingot_x509_item){info->x509, info->crl, file};
        info->x509 = NULL;
        info->crl = NULL;
        return 0;
}

/* Nobody is asked for anything. */
static int no_password(char *ret, int size, int writing, void *context)
{
        (void) ret;
        (void) size;
        (void) writing;
        (void) context;
        return -1;
}

static int load(const struct ingot_key_file *f, struct ingot_x509_keys *k, ingot_error *reterr)
{
        _cleanup_(bio_free) BIO *b = BIO_new_mem_buf(f->content.data, (int) f->content.size);
        if (!b)
                return ingot_fail_nomem(reterr);
        _cleanup_(infos_free) STACK_OF(X509_INFO) *infos =
                PEM_X509_INFO_read_bio(b, NULL, no_password, NULL);
        size_t before = k->count;
        int r = infos ? 0
                      : ingot_fail(reterr, INGOT_E_FORMAT, "no X.509 certificate: %s",
                                   ingot_evp_reason());
        for (int i = 0; r >= 0 && i < sk_X509_INFO_num(infos); i++) {
                X509_INFO *info = sk_X509_INFO_value(infos, i);
                if (f->revokes) { /* a certificate beside a CRL is trusted by nothing */
                        X509_free(info->x509);
                        info->x509 = NULL;
                }
                if (info->x509 || info->crl)
                        r = add(k, f, info, reterr);
        }
        if (r >= 0 && k->count == before && f->revokes)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "holds no list of revocations (CRL)");
        if (r >= 0 && k->count == before)
                r = ingot_fail(reterr, INGOT_E_FORMAT,
                               "holds no X.509 certificate, which a signature of CMS needs");
        return r;
}

int ingot_x509_keys_load(const struct ingot_key_files *files, struct ingot_x509_keys *ret,
                         struct ingot_verdict *v, ingot_error *reterr)
{
        _cleanup_x509_keys_ struct ingot_x509_keys k = {0};
        for (size_t i = 0; i < files->count; i++) {
                if (files->items[i].technology != INGOT_TECHNOLOGY_X509)
                        continue;
                int r = load(&files->items[i], &k, reterr);
                if (r < 0)
                        r = ingot_verdict_bad_key(v, &files->items[i], r, reterr);
                if (r < 0)
                        return r;
        }
        *ret = k;
        k = (struct ingot_x509_keys){0};
        return 0;
}

const struct ingot_x509_item *ingot_x509_keys_find(const struct ingot_x509_keys *k, X509 *signer)
{
        for (size_t i = 0; i < k->count; i++)
                if (k->items[i].certificate && !k->items[i].file->anchor &&
                    X509_cmp(k->items[i].certificate, signer) == 0)
                        return &k->items[i];
        return NULL;
}

bool ingot_x509_time(const ASN1_TIME *time, uint64_t *ret)
{
        struct tm tm;
        if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
                return false;
        time_t t = timegm(&tm);
        *ret = t < 0 ? 0 : (uint64_t) t;
        return true;
}

/* What is trusted for a signer: the very certificate that the caller named; VOA's anchors; or the
 * authorities that the caller named. */
static bool trusts(const struct ingot_x509_item *item, const struct ingot_x509_item *one)
{
        if (!one->certificate)
                return false;
        if (item && !item->file->load_path)
                return one == item;
        if (item)
                return one->file->anchor;
        return !one->file->load_path && X509_check_ca(one->certificate) != 0;
}

static X509_STORE *make_store(const struct ingot_x509_keys *k, const struct ingot_x509_item *item)
{
        X509_STORE *store = X509_STORE_new();
        for (size_t i = 0; store && i < k->count; i++)
                if (trusts(item, &k->items[i]) &&
                    X509_STORE_add_cert(store, k->items[i].certificate) != 1) {
                        X509_STORE_free(store);
                        return NULL;
                }
        return store;
}

/* Certificates that may stand between: those of the signature, and of the key files. */
static STACK_OF(X509) * between(const struct ingot_x509_keys *k, STACK_OF(X509) * sent)
{
        STACK_OF(X509) *all = sk_X509_new_null();
        bool ok = all;
        for (int i = 0; ok && i < sk_X509_num(sent); i++)
                ok = sk_X509_push(all, sk_X509_value(sent, i)) > 0;
        for (size_t i = 0; ok && i < k->count; i++)
                ok = !k->items[i].certificate || sk_X509_push(all, k->items[i].certificate) > 0;
        if (ok)
                return all;
        sk_X509_free(all);
        return NULL;
}

/* Revoked for good, or before TIME? */
static bool revokes(X509_REVOKED *entry, uint64_t time)
{
        uint64_t when;
        int critical;
        ASN1_ENUMERATED *e = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &critical, NULL);
        long reason = e ? ASN1_ENUMERATED_get(e) : CRL_REASON_UNSPECIFIED;
        ASN1_ENUMERATED_free(e);
        bool harmless = reason == CRL_REASON_AFFILIATION_CHANGED ||
                        reason == CRL_REASON_SUPERSEDED ||
                        reason == CRL_REASON_CESSATION_OF_OPERATION;
        return !harmless || !ingot_x509_time(X509_REVOKED_get0_revocationDate(entry), &when) ||
               when <= time;
}

/* The CRL's signature is checked where its issuer is there; where not, the file it is in, which is
 * as trusted as the certificates, is enough: it can only refuse. */
static const char *crl_fault(const struct ingot_x509_keys *k, STACK_OF(X509) * chain, uint64_t time)
{
        for (size_t i = 0; i < k->count; i++) {
                X509_CRL *crl = k->items[i].crl;
                for (int c = 0; crl && c < sk_X509_num(chain); c++) {
                        X509 *one = sk_X509_value(chain, c);
                        X509 *issuer = sk_X509_value(chain, c + 1);
                        X509_REVOKED *entry = NULL;
                        if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(one)) != 0)
                                continue;
                        if (issuer && X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1)
                                return "a list of revocations is not signed by its issuer";
                        if (X509_CRL_get0_by_cert(crl, &entry, one) == 1 && revokes(entry, time))
                                return c ? "a certificate of its chain is revoked"
                                         : "its certificate is revoked";
                }
        }
        return NULL;
}

/* What the certificate itself says it is for; PINNED: the caller named it. */
static const char *usage_fault(X509 *signer, bool pinned)
{
        uint32_t usage = X509_get_key_usage(signer);
        uint32_t extended = X509_get_extended_key_usage(signer);
        if (usage != UINT32_MAX && !(usage & KU_DIGITAL_SIGNATURE))
                return "its certificate may not sign (key usage)";
        if (extended == UINT32_MAX)
                return pinned ? NULL : "its certificate is not for code signing";
        return extended & XKU_CODE_SIGN ? NULL : "its certificate is not for code signing";
}

static const struct ingot_key_file *file_of(const struct ingot_x509_keys *k, X509 *root)
{
        for (size_t i = 0; i < k->count; i++)
                if (k->items[i].certificate && X509_cmp(k->items[i].certificate, root) == 0)
                        return k->items[i].file;
        return NULL;
}

static int build(X509_STORE *store, X509 *signer, STACK_OF(X509) * all, uint64_t time,
                 X509_STORE_CTX *c, ingot_error *reterr)
{
        if (X509_STORE_CTX_init(c, store, signer, all) != 1)
                return ingot_fail_nomem(reterr);
        X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(c);
        if (time == INGOT_X509_UNDATED)
                X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_NO_CHECK_TIME);
        else
                X509_VERIFY_PARAM_set_time(p, (time_t) time);
        X509_VERIFY_PARAM_set_auth_level(p, SECURITY_LEVEL);
        X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN);
        return 0;
}

int ingot_x509_check(const struct ingot_x509_keys *k, X509 *signer, STACK_OF(X509) * sent,
                     const struct ingot_x509_item *item, uint64_t time, struct ingot_judgement *j,
                     ingot_error *reterr)
{
        _cleanup_(store_free) X509_STORE *store = make_store(k, item);
        _cleanup_(stack_free) STACK_OF(X509) *all = between(k, sent);
        _cleanup_(store_context_free) X509_STORE_CTX *c = X509_STORE_CTX_new();
        if (!store || !all || !c)
                return ingot_fail_nomem(reterr);
        bool pinned = item && !item->file->load_path;
        const char *fault = usage_fault(signer, pinned);
        int r = build(store, signer, all, time, c, reterr);
        if (r < 0)
                return r;
        int ok = X509_verify_cert(c);
        int why = X509_STORE_CTX_get_error(c);
        STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(c);
        ingot_evp_reason();
        if (ok == 1 && !item)
                j->verifier = file_of(k, sk_X509_value(chain, sk_X509_num(chain) - 1));
        if (ok != 1 && (why == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                        why == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
                        why == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
                        why == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
                        why == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE))
                return ingot_judgement_refuse(j, reterr, "%s",
                                              item ? "no trust anchor is behind its certificate"
                                                   : "no verifier has its certificate or issuer");
        if (ok != 1)
                return ingot_judgement_refuse(j, reterr, "its certificate: %s",
                                              X509_verify_cert_error_string(why));
        if (!fault)
                fault = crl_fault(k, chain, time);
        return fault ? ingot_judgement_refuse(j, reterr, "%s", fault) : 0;
}
