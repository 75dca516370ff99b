/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signing and judging PE images. The digest is computed by our own reader, the PKCS#7 around it is
 * checked by OpenSSL, and the path from the signer to a listed certificate, too: the listed ones
 * are its only trust anchors, ends of a path by themselves, and dates do not count (firmware has no
 * clock to be trusted).
 */
#include "trust/authenticode.h"
#include "base/text.h"
#include "trust/pkcs7-check.h"
#include "trust/pkcs7.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#define TABLE_SIZE_MAX (32u << 20)

int ingot_authenticode_attributes(const uint8_t digest[INGOT_SHA256_SIZE],
                                  struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer content = {0};
        struct ingot_span inner;
        uint8_t message[INGOT_SHA256_SIZE];
        int r = ingot_authenticode_encode_content(digest, &content, reterr);
        if (r >= 0)
                r = ingot_authenticode_signed_content(ingot_buffer_span(&content), &inner, reterr);
        if (r < 0)
                return r;
        ingot_sha256_of(inner.data, inner.size, message);
        return ingot_pkcs7_attributes(INGOT_AUTHENTICODE_CONTENT, message, -1, ret, reterr);
}

int ingot_authenticode_assemble(const uint8_t digest[INGOT_SHA256_SIZE],
                                const struct ingot_certificate *c, struct ingot_span signature,
                                struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer content = {0}, attributes = {0};
        int r = ingot_authenticode_encode_content(digest, &content, reterr);
        if (r >= 0)
                r = ingot_authenticode_attributes(digest, &attributes, reterr);
        if (r >= 0)
                r = ingot_certificate_verify(c, ingot_buffer_span(&attributes), signature, reterr);
        if (r < 0)
                return r;
        struct ingot_pkcs7_parts parts = {
                .certificate = c,
                .signature = signature,
                .attributes = ingot_buffer_span(&attributes),
                .content_type = INGOT_AUTHENTICODE_CONTENT,
                .content = ingot_buffer_span(&content),
        };
        return ingot_pkcs7_assemble(&parts, ret, reterr);
}

int ingot_authenticode_sign(const uint8_t digest[INGOT_SHA256_SIZE], const struct ingot_key *k,
                            const struct ingot_certificate *c, struct ingot_buffer *ret,
                            ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer attributes = {0}, signature = {0};
        int r = ingot_authenticode_attributes(digest, &attributes, reterr);
        if (r >= 0)
                r = ingot_key_sign(k, ingot_buffer_span(&attributes), &signature, reterr);
        if (r >= 0)
                r = ingot_authenticode_assemble(digest, c, ingot_buffer_span(&signature), ret,
                                                reterr);
        return r;
}

void ingot_authenticode_report_done(struct ingot_authenticode_report *r)
{
        for (size_t i = 0; i < r->count; i++) {
                free(r->signatures[i].signer);
                free(r->signatures[i].anchor);
        }
        free(r->signatures);
        *r = (struct ingot_authenticode_report){0};
}

/* The listed certificates, as those whom a path may end at. Firmware skips what it cannot read. */
static int make_store(const struct ingot_efi_signatures *list, X509_STORE **ret,
                      ingot_error *reterr)
{
        X509_STORE *store = X509_STORE_new();
        if (!store)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < list->count; i++) {
                const uint8_t *at = list->items[i].data.data;
                if (list->items[i].kind != INGOT_EFI_SIGNATURE_X509)
                        continue;
                X509 *x509 = d2i_X509(NULL, &at, (long) list->items[i].data.size);
                if (x509)
                        X509_STORE_add_cert(store, x509);
                X509_free(x509);
        }
        ERR_clear_error();
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
        X509_STORE_set_purpose(store, X509_PURPOSE_ANY);
        *ret = store;
        return 0;
}

/* The path from SIGNER to a certificate of the list, by those inside the signature: 1 and the path,
 * or 0 and why there is none. */
static int find_path(const struct ingot_efi_signatures *list,
                     const struct ingot_certificate *signer, const PKCS7 *p7,
                     STACK_OF(X509) **ret_path, const char **ret_why, ingot_error *reterr)
{
        X509_STORE *store = NULL;
        int r = make_store(list, &store, reterr);
        if (r < 0)
                return r;
        X509_STORE_CTX *context = X509_STORE_CTX_new();
        int found = -1;
        if (context &&
            X509_STORE_CTX_init(context, store, signer->x509, p7->d.sign->cert) == 1) {
                found = X509_verify_cert(context) == 1;
                if (found)
                        *ret_path = X509_STORE_CTX_get1_chain(context);
                *ret_why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
        }
        X509_STORE_CTX_free(context);
        X509_STORE_free(store);
        ERR_clear_error();
        return found < 0 ? ingot_fail_nomem(reterr) : found;
}

static const struct ingot_efi_signature *find_digest(const struct ingot_efi_signatures *list,
                                                     enum ingot_efi_signature_kind kind,
                                                     const uint8_t digest[INGOT_SHA256_SIZE])
{
        for (size_t i = 0; i < list->count; i++)
                if (list->items[i].kind == kind && list->items[i].data.size >= INGOT_SHA256_SIZE &&
                    memcmp(list->items[i].data.data, digest, INGOT_SHA256_SIZE) == 0)
                        return list->items + i;
        return NULL;
}

static bool lists(const struct ingot_efi_signatures *list, enum ingot_efi_signature_kind kind,
                  const uint8_t digest[INGOT_SHA256_SIZE])
{
        return find_digest(list, kind, digest) != NULL;
}

/* A certificate of the path is in dbx by the digest of what was signed of it. */
static int check_revoked_path(const struct ingot_efi_signatures *dbx, STACK_OF(X509) *path,
                              ingot_error *reterr)
{
        for (int i = 0; i < sk_X509_num(path); i++) {
                _cleanup_certificate_ struct ingot_certificate *c = NULL;
                X509 *x509 = sk_X509_value(path, i);
                X509_up_ref(x509);
                int r = ingot_certificate_wrap(&c, x509, reterr);
                if (r < 0)
                        return r;
                if (lists(dbx, INGOT_EFI_SIGNATURE_X509_SHA256, c->tbs_digest))
                        return ingot_fail(reterr, INGOT_E_REFUSED,
                                          "the certificate \"%s\" is revoked: dbx has its digest",
                                          c->subject);
        }
        return 0;
}

static void free_path(STACK_OF(X509) **path)
{
        sk_X509_pop_free(*path, X509_free);
}

#define _cleanup_path_ __attribute__((cleanup(free_path)))

/* By a certificate that dbx has, or one below it. */
static int check_revoked(const struct ingot_efi_signatures *dbx, const PKCS7 *p7,
                         const struct ingot_certificate *signer, ingot_error *reterr)
{
        _cleanup_path_ STACK_OF(X509) *path = NULL;
        _cleanup_free_ char *name = NULL;
        const char *why;
        int r = find_path(dbx, signer, p7, &path, &why, reterr);
        if (r <= 0)
                return r;
        X509 *last = sk_X509_value(path, sk_X509_num(path) - 1);
        r = ingot_openssl_name(X509_get_subject_name(last), &name, reterr);
        if (r < 0)
                return r;
        return ingot_fail(reterr, INGOT_E_REFUSED, "the certificate \"%s\" is revoked: dbx has it",
                          name);
}

/* Who put the certificate into the list; zeros: nobody did. */
static int find_owner(const struct ingot_efi_signatures *list, X509 *certificate,
                      struct ingot_uuid *ret, ingot_error *reterr)
{
        unsigned char *der = NULL;
        int size = i2d_X509(certificate, &der);
        if (size < 0)
                return ingot_openssl_fail(reterr, INGOT_E_INTERNAL, "a certificate's DER");
        for (size_t i = 0; i < list->count; i++) {
                const struct ingot_efi_signature *s = list->items + i;
                if (s->kind != INGOT_EFI_SIGNATURE_X509 || s->data.size != (size_t) size ||
                    memcmp(s->data.data, der, (size_t) size) != 0)
                        continue;
                *ret = s->owner;
                break;
        }
        OPENSSL_free(der);
        return 0;
}

/* Firmware tries one entry after another, each for itself. */
static int find_first(const struct ingot_efi_signatures *list, const PKCS7 *p7,
                      const struct ingot_certificate *signer,
                      const struct ingot_efi_signature **ret, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r == 0 && i < list->count; i++) {
                _cleanup_path_ STACK_OF(X509) *path = NULL;
                const struct ingot_efi_signatures one = {.items = list->items + i, .count = 1};
                const char *why;
                if (list->items[i].kind != INGOT_EFI_SIGNATURE_X509)
                        continue;
                r = find_path(&one, signer, p7, &path, &why, reterr);
                *ret = list->items + i;
        }
        return r < 0 ? r : 0;
}

static int check_path(const struct ingot_efi_signatures *db, const struct ingot_efi_signatures *dbx,
                      const PKCS7 *p7, const struct ingot_certificate *signer,
                      struct ingot_authenticode_signature *s, ingot_error *reterr)
{
        _cleanup_path_ STACK_OF(X509) *path = NULL;
        const char *why = "";
        int r = check_revoked(dbx, p7, signer, reterr);
        if (r >= 0 && lists(dbx, INGOT_EFI_SIGNATURE_X509_SHA256, signer->tbs_digest))
                r = ingot_fail(reterr, INGOT_E_REFUSED,
                               "the certificate \"%s\" is revoked: dbx has its digest",
                               signer->subject);
        s->revoked = r == -INGOT_E_REFUSED;
        if (r < 0)
                return r;
        r = find_path(db, signer, p7, &path, &why, reterr);
        if (r < 0)
                return r;
        if (r == 0)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "the certificate \"%s\" leads to none in db (%s)",
                                  signer->subject, why);
        r = check_revoked_path(dbx, path, reterr);
        s->revoked = r == -INGOT_E_REFUSED;
        if (r < 0)
                return r;
        X509 *last = sk_X509_value(path, sk_X509_num(path) - 1);
        r = find_owner(db, last, &s->anchor_owner, reterr);
        if (r >= 0)
                r = find_first(db, p7, signer, &s->entry, reterr);
        return r < 0 ? r : ingot_openssl_name(X509_get_subject_name(last), &s->anchor, reterr);
}

/* The certificate inside that the signature names. */
static const struct ingot_certificate *find_signer(const PKCS7 *p7,
                                                   const struct ingot_certificates *inside)
{
        for (size_t i = 0; i < inside->count; i++)
                if (ingot_pkcs7_names(p7, 0, inside->items[i]))
                        return inside->items[i];
        return NULL;
}

/* The signed content of the SignedData: SpcIndirectDataContent, as DER. */
static int take_content(const PKCS7 *p7, struct ingot_span *ret, ingot_error *reterr)
{
        const PKCS7 *contents = p7->d.sign->contents;
        char type[64];
        OBJ_obj2txt(type, sizeof(type), contents->type, 1);
        if (strcmp(type, INGOT_AUTHENTICODE_CONTENT) != 0 || !contents->d.other ||
            contents->d.other->type != V_ASN1_SEQUENCE)
                return ingot_fail(reterr, INGOT_E_FORMAT, "PKCS#7, but no Authenticode");
        *ret = INGOT_SPAN(contents->d.other->value.sequence->data,
                          contents->d.other->value.sequence->length);
        return 0;
}

static int read_signature(struct ingot_span data, PKCS7 **ret, ingot_error *reterr)
{
        _cleanup_pkcs7_ PKCS7 *p7 = NULL;
        size_t used = 0;
        int r = ingot_pkcs7_read(&p7, data, &used, reterr);
        if (r < 0)
                return r;
        for (size_t i = used; i < data.size; i++)
                if (data.data[i])
                        return ingot_fail(reterr, INGOT_E_FORMAT, "bytes behind the signature");
        if (ingot_pkcs7_signer_count(p7) != 1)
                return ingot_fail(reterr, INGOT_E_FORMAT, "Authenticode of more than one signer");
        *ret = TAKE_PTR(p7);
        return 0;
}

/* One entry of the table: the digest, the signature over it, then who it is. */
static int judge_entry(const struct ingot_authenticode_entry *e,
                       const uint8_t digest[INGOT_SHA256_SIZE],
                       const struct ingot_efi_signatures *db,
                       const struct ingot_efi_signatures *dbx,
                       struct ingot_authenticode_signature *s, ingot_error *reterr)
{
        _cleanup_pkcs7_ PKCS7 *p7 = NULL;
        _cleanup_certificates_ struct ingot_certificates inside = {0};
        struct ingot_span content, signed_part;
        uint8_t signed_digest[INGOT_SHA256_SIZE];
        if (e->type != INGOT_AUTHENTICODE_PKCS7 || e->revision != 0x0200)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "an entry of type %#x, revision %#x",
                                  e->type, e->revision);
        int r = read_signature(e->data, &p7, reterr);
        if (r >= 0)
                r = ingot_pkcs7_certificates(p7, &inside, reterr);
        const struct ingot_certificate *signer = r < 0 ? NULL : find_signer(p7, &inside);
        if (r < 0)
                return r;
        if (!signer)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "the signer's certificate is not inside the signature");
        memcpy(s->fingerprint, signer->fingerprint, INGOT_SHA256_SIZE);
        r = ingot_strdup(&s->signer, signer->subject, reterr);
        if (r >= 0)
                r = take_content(p7, &content, reterr);
        if (r >= 0)
                r = ingot_authenticode_decode_content(content, signed_digest, reterr);
        if (r >= 0)
                r = ingot_authenticode_signed_content(content, &signed_part, reterr);
        if (r < 0)
                return r;
        if (memcmp(digest, signed_digest, INGOT_SHA256_SIZE) != 0)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "\"%s\" signed another image: the digests differ",
                                  signer->subject);
        r = ingot_pkcs7_check(p7, 0, signed_part, signer, reterr);
        return r < 0 ? r : check_path(db, dbx, p7, signer, s, reterr);
}

static int read_table(const struct ingot_reader *image, const struct ingot_pe *pe,
                      struct ingot_buffer *ret, struct ingot_authenticode_table *ret_table,
                      ingot_error *reterr)
{
        struct ingot_pe_directory d = ingot_pe_certificates(pe);
        if (d.size > TABLE_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "certificate table: more than 32 MiB");
        int r = ingot_buffer_append_zeros(ret, d.size, reterr);
        if (r >= 0)
                r = ingot_read_at(image, d.address, ret->data, d.size, reterr);
        if (r >= 0)
                r = ingot_authenticode_decode(ingot_buffer_span(ret), ret_table, reterr);
        return r;
}

/* With each signature in turn edk2 looks for its certificates in dbx and db, then for the digest of
 * the image (DxeImageVerificationLib.c). */
static const struct ingot_efi_signature *choose_entry(const struct ingot_authenticode_report *p,
                                                      const struct ingot_efi_signatures *db)
{
        for (size_t i = 0; i < p->count && !p->signatures[i].revoked; i++) {
                if (p->signatures[i].holds)
                        return p->signatures[i].entry;
                if (p->in_dbx || p->in_db)
                        break;
        }
        if (p->in_dbx || (p->count > 0 && p->signatures[0].revoked))
                return NULL;
        return find_digest(db, INGOT_EFI_SIGNATURE_SHA256, p->digest);
}

/* The last word: dbx before db, as in firmware. */
static void conclude(struct ingot_authenticode_report *p)
{
        const struct ingot_authenticode_signature *revoked = NULL;
        bool holds = false;
        for (size_t i = 0; i < p->count; i++) {
                if (p->signatures[i].revoked && !revoked)
                        revoked = &p->signatures[i];
                holds = holds || p->signatures[i].holds;
        }
        p->allowed = !p->in_dbx && !revoked && (p->in_db || holds);
        if (p->in_dbx)
                ingot_fail(&p->why, INGOT_E_REFUSED, "the image is revoked: dbx has its digest");
        else if (revoked)
                ingot_fail(&p->why, INGOT_E_REFUSED, "%s", revoked->why.text);
        else if (!p->allowed && p->count == 0)
                ingot_fail(&p->why, INGOT_E_REFUSED,
                           "the image is not signed, and its digest is not in db");
        else if (!p->allowed && p->count == 1)
                ingot_fail(&p->why, INGOT_E_REFUSED, "%s", p->signatures[0].why.text);
        else if (!p->allowed)
                ingot_fail(&p->why, INGOT_E_REFUSED,
                           "none of its %zu signatures leads to db; the first: %s", p->count,
                           p->signatures[0].why.text);
}

int ingot_authenticode_judge(const struct ingot_reader *image,
                             const struct ingot_efi_signatures *db,
                             const struct ingot_efi_signatures *dbx,
                             struct ingot_authenticode_report *ret, ingot_error *reterr)
{
        _cleanup_pe_ struct ingot_pe pe = {0};
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        _cleanup_authenticode_report_ struct ingot_authenticode_report p = {0};
        struct ingot_authenticode_table table;
        int r = ingot_pe_decode(image, &pe, reterr);
        if (r >= 0)
                r = ingot_pe_authenticode_sha256(image, &pe, p.digest, reterr);
        if (r >= 0)
                r = read_table(image, &pe, &bytes, &table, reterr);
        if (r < 0)
                return r;
        p.signatures = calloc(table.count > 0 ? table.count : 1, sizeof(*p.signatures));
        if (!p.signatures)
                return ingot_fail_nomem(reterr);
        for (p.count = 0; p.count < table.count;) {
                struct ingot_authenticode_signature *s = &p.signatures[p.count++];
                r = judge_entry(&table.entries[p.count - 1], p.digest, db, dbx, s, &s->why);
                if (r == -INGOT_E_NOMEM)
                        return ingot_fail_nomem(reterr);
                s->holds = r >= 0;
        }
        p.in_db = lists(db, INGOT_EFI_SIGNATURE_SHA256, p.digest);
        p.in_dbx = lists(dbx, INGOT_EFI_SIGNATURE_SHA256, p.digest);
        conclude(&p);
        p.entry = choose_entry(&p, db);
        *ret = p;
        p = (struct ingot_authenticode_report){0};
        return 0;
}

int ingot_authenticode_verify(const struct ingot_reader *image,
                              const struct ingot_efi_signatures *db,
                              const struct ingot_efi_signatures *dbx, ingot_error *reterr)
{
        _cleanup_authenticode_report_ struct ingot_authenticode_report p = {0};
        int r = ingot_authenticode_judge(image, db, dbx, &p, reterr);
        if (r < 0 || p.allowed)
                return r;
        return ingot_fail(reterr, INGOT_E_REFUSED, "%s", p.why.text);
}
