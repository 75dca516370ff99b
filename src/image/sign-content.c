/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a signing request knows and what follows from its answers: contents, and what is signed. */
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/size.h"
#include "image/sign-request.h"
#include "trust/authenticode.h"
#include "trust/pkcs7.h"

#include <stdlib.h>
#include <string.h>

#define WIN_CERTIFICATE_REVISION 0x0200
#define VERITY_SIZE 16384 /* of the signature partition, as systemd-repart makes it */

unsigned ingot_sign_stage(enum ingot_purpose purpose)
{
        return purpose == INGOT_PURPOSE_RELEASE ? 3 : purpose == INGOT_PURPOSE_SECURE_BOOT ? 2 : 1;
}

const char *ingot_sign_algorithm(enum ingot_purpose purpose)
{
        static const char *const names[INGOT_PURPOSES] = {
                [INGOT_PURPOSE_SECURE_BOOT] = "authenticode-sha256",
                [INGOT_PURPOSE_VERITY] = "pkcs7-sha256",
                [INGOT_PURPOSE_PCR] = "rsassa-pkcs1-sha256",
                [INGOT_PURPOSE_RELEASE] = "pkcs7-sha256",
        };
        return names[purpose];
}

bool ingot_sign_is_answered(const struct ingot_sign_request *q, const struct ingot_sign_thing *t)
{
        return t->answer_count >= q->wishes[t->purpose].threshold;
}

/* The policy of a thing as .pcrsig has it; without the signature where there is none. */
static int pcr_entry(const struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                     struct ingot_pcrsig_entry *e, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer der = {0};
        int r = ingot_key_public_pkcs1(q->pcr_key, &der, reterr);
        if (r < 0)
                return r;
        ingot_sha256_of(der.data, der.size, e->key);
        e->bank = t->bank;
        e->pcrs = 1u << INGOT_PCRSIG_PCR;
        memcpy(e->policy, t->policy, sizeof(e->policy));
        if (t->answer_count == 0)
                return 0;
        return ingot_buffer_append(&e->signature, t->answers[0].signature.data,
                                   t->answers[0].signature.size, reterr);
}

int ingot_sign_pcrsig(const struct ingot_sign_request *q, struct ingot_buffer *ret,
                      ingot_error *reterr)
{
        _cleanup_pcrsig_ struct ingot_pcrsig all = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < q->thing_count; i++) {
                struct ingot_pcrsig_entry *e;
                if (q->things[i].purpose != INGOT_PURPOSE_PCR)
                        continue;
                if (q->things[i].answer_count == 0)
                        return 1;
                r = ingot_pcrsig_add(&all, &e, reterr);
                if (r >= 0)
                        r = pcr_entry(q, q->things + i, e, reterr);
        }
        if (r >= 0)
                r = ingot_pcrsig_encode(&all, &text, reterr);
        if (r >= 0 && text.size > q->pcrsig_size)
                r = ingot_fail(reterr, INGOT_E_SPACE,
                               "the PCR signatures have %zu bytes, over the reserved %llu",
                               text.size, (unsigned long long) q->pcrsig_size);
        if (r >= 0)
                r = ingot_buffer_reserve(&text, (size_t) q->pcrsig_size - text.size + 1, reterr);
        if (r < 0)
                return r;
        memset(text.data + text.size, ' ', (size_t) q->pcrsig_size - text.size);
        return ingot_buffer_append(ret, text.data, (size_t) q->pcrsig_size, reterr);
}

static const struct ingot_sign_thing *find_verity(const struct ingot_sign_request *q)
{
        for (size_t i = 0; i < q->thing_count; i++)
                if (q->things[i].purpose == INGOT_PURPOSE_VERITY)
                        return q->things + i;
        return NULL;
}

const char *ingot_sign_answer_by(const struct ingot_sign_answer *a)
{
        return a->openpgp       ? a->openpgp->name
               : a->certificate ? ingot_certificate_subject(a->certificate)
                                : "";
}

const uint8_t *ingot_sign_answer_identity(const struct ingot_sign_answer *a)
{
        return a->openpgp       ? a->openpgp->identity
               : a->certificate ? ingot_certificate_fingerprint(a->certificate)
                                : NULL;
}

int ingot_sign_detached(const struct ingot_sign_answer *a, struct ingot_buffer *ret,
                        ingot_error *reterr)
{
        if (a->openpgp)
                return ingot_buffer_append(ret, a->signature.data, a->signature.size, reterr);
        struct ingot_pkcs7_parts parts = {.certificate = a->certificate,
                                          .signature = ingot_buffer_span(&a->signature)};
        return ingot_pkcs7_assemble(&parts, ret, reterr);
}

int ingot_sign_verity(const struct ingot_sign_request *q, struct ingot_buffer *ret,
                      ingot_error *reterr)
{
        const struct ingot_sign_thing *t = find_verity(q);
        _cleanup_buffer_ struct ingot_buffer der = {0};
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_free_ char *base64 = NULL;
        const char *text;
        if (!t || t->answer_count == 0)
                return 1;
        const struct ingot_sign_answer *a = t->answers;
        int r = ingot_sign_detached(a, &der, reterr);
        if (r >= 0)
                r = ingot_base64_encode(ingot_buffer_span(&der), &base64, reterr);
        if (r >= 0)
                r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_hex(o, "rootHash", t->root_hash, sizeof(t->root_hash), reterr);
        if (r >= 0)
                r = ingot_json_add_hex(o, "certificateFingerprint",
                                       ingot_certificate_fingerprint(a->certificate),
                                       INGOT_SHA256_SIZE, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "signature", base64, reterr);
        if (r >= 0)
                r = ingot_json_text(o, false, &text, reterr);
        if (r < 0)
                return r;
        if (strlen(text) > VERITY_SIZE)
                return ingot_fail(reterr, INGOT_E_SPACE,
                                  "the signature of the root hash does not fit into its partition");
        r = ingot_buffer_append(ret, text, strlen(text), reterr);
        return r < 0 ? r : ingot_buffer_append_zeros(ret, VERITY_SIZE - strlen(text), reterr);
}

static int program_digest(struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                          uint8_t ret[INGOT_BANK_SIZE_MAX], ingot_error *reterr)
{
        if (t->content != INGOT_SIGN_NONE)
                return ingot_sign_content_digest(q, t->content, ret, reterr);
        memcpy(ret, t->digest, INGOT_SHA256_SIZE);
        return 0;
}

/* One entry that fills the table: zeros stand behind its signature, as they may. */
int ingot_sign_table(struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                     struct ingot_buffer *ret, ingot_error *reterr)
{
        uint8_t digest[INGOT_BANK_SIZE_MAX], header[8];
        _cleanup_buffer_ struct ingot_buffer der = {0};
        if (t->answer_count == 0)
                return 1;
        int r = program_digest(q, t, digest, reterr);
        if (r != 0)
                return r;
        r = ingot_authenticode_assemble(digest, t->answers[0].certificate,
                                        ingot_buffer_span(&t->answers[0].signature), &der, reterr);
        if (r >= 0 && ingot_authenticode_entry_size(der.size) > t->table)
                r = ingot_fail(reterr, INGOT_E_SPACE,
                               "the signature has %zu bytes, and %llu are reserved: make "
                               "Sign.TableSize larger and build again",
                               der.size, (unsigned long long) t->table);
        if (r < 0)
                return ingot_under(reterr, r, "%s", t->id);
        ingot_le32_store(header, (uint32_t) t->table);
        ingot_le16_store(header + 4, WIN_CERTIFICATE_REVISION);
        ingot_le16_store(header + 6, INGOT_AUTHENTICODE_PKCS7);
        r = ingot_buffer_append(ret, header, sizeof(header), reterr);
        if (r >= 0)
                r = ingot_buffer_append(ret, der.data, der.size, reterr);
        if (r >= 0)
                r = ingot_buffer_append_zeros(ret, (size_t) t->table - sizeof(header) - der.size,
                                              reterr);
        return r;
}

int ingot_sign_to_be_signed(struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                            struct ingot_buffer *ret, ingot_error *reterr)
{
        char hex[2 * INGOT_SHA256_SIZE + 1];
        uint8_t digest[INGOT_BANK_SIZE_MAX];
        int r;
        switch (t->purpose) {
        case INGOT_PURPOSE_PCR:
                return ingot_buffer_append(ret, t->policy, sizeof(t->policy), reterr);
        case INGOT_PURPOSE_VERITY:
                ingot_hex(hex, t->root_hash, sizeof(t->root_hash));
                return ingot_buffer_append(ret, hex, sizeof(hex) - 1, reterr);
        case INGOT_PURPOSE_SECURE_BOOT:
                r = program_digest(q, t, digest, reterr);
                return r != 0 ? r : ingot_authenticode_attributes(digest, ret, reterr);
        case INGOT_PURPOSE_RELEASE:
                return ingot_sign_content_bytes(q, t->content, ret, reterr);
        default:
                return ingot_fail(reterr, INGOT_E_INTERNAL, "%s: no such purpose", t->id);
        }
}

/* [from, from + size) of what an answer inserts. */
static int inserted(struct ingot_sign_request *q, const struct ingot_sign_part *p,
                    struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer whole = {0};
        int r = p->kind == INGOT_SIGN_PCRSIG ? ingot_sign_pcrsig(q, &whole, reterr)
                : p->kind == INGOT_SIGN_VERITY
                        ? ingot_sign_verity(q, &whole, reterr)
                        : ingot_sign_table(q, q->things + p->of, &whole, reterr);
        if (r != 0)
                return r;
        if (!ingot_range_inside(p->from, p->size, whole.size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "a part reaches beyond what is inserted");
        return ingot_buffer_append(ret, whole.data + p->from, (size_t) p->size, reterr);
}

/* The bytes of a part that is no state. */
static int part_bytes(struct ingot_sign_request *q, const struct ingot_sign_part *p,
                      struct ingot_buffer *ret, ingot_error *reterr)
{
        char hex[2 * INGOT_BANK_SIZE_MAX + 1];
        uint8_t digest[INGOT_BANK_SIZE_MAX];
        size_t size;
        int r;
        switch (p->kind) {
        case INGOT_SIGN_BYTES:
                return ingot_buffer_append(ret, p->bytes.data, p->bytes.size, reterr);
        case INGOT_SIGN_ZEROS:
                return ingot_buffer_append_zeros(ret, (size_t) p->size, reterr);
        case INGOT_SIGN_DIGEST:
        case INGOT_SIGN_RAW:
                r = ingot_sign_content_digest(q, p->of, digest, reterr);
                if (r != 0)
                        return r;
                size = ingot_bank_size(q->contents[p->of].algorithm);
                if (p->kind == INGOT_SIGN_RAW)
                        return ingot_buffer_append(ret, digest, size, reterr);
                ingot_hex(hex, digest, size);
                return ingot_buffer_append(ret, hex, 2 * size, reterr);
        case INGOT_SIGN_PCRSIG:
        case INGOT_SIGN_VERITY:
        case INGOT_SIGN_TABLE:
                return inserted(q, p, ret, reterr);
        default:
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "of this content only the digest is known");
        }
}

int ingot_sign_content_bytes(struct ingot_sign_request *q, size_t content, struct ingot_buffer *ret,
                             ingot_error *reterr)
{
        const struct ingot_sign_content *c = q->contents + content;
        _cleanup_buffer_ struct ingot_buffer all = {0};
        for (size_t i = 0; i < c->part_count; i++) {
                int r = part_bytes(q, c->parts + i, &all, reterr);
                if (r != 0)
                        return ingot_under(reterr, r, "%s", c->name);
        }
        return ingot_buffer_append(ret, all.data, all.size, reterr);
}

int ingot_sign_content_digest(struct ingot_sign_request *q, size_t content,
                              uint8_t ret[INGOT_BANK_SIZE_MAX], ingot_error *reterr)
{
        struct ingot_sign_content *c = q->contents + content;
        _cleanup_digest_ struct ingot_digest *d = NULL;
        int r = c->known ? 0 : ingot_digest_new(c->algorithm, &d, reterr);
        for (size_t i = 0; r >= 0 && !c->known && i < c->part_count; i++) {
                const struct ingot_sign_part *p = c->parts + i;
                _cleanup_buffer_ struct ingot_buffer bytes = {0};
                if (p->kind == INGOT_SIGN_STATE) {
                        ingot_digest_import(d, p->state, p->size);
                        continue;
                }
                r = part_bytes(q, p, &bytes, reterr);
                if (r != 0)
                        return ingot_under(reterr, r, "%s", c->name);
                ingot_digest_update(d, bytes.data, bytes.size);
        }
        if (r < 0)
                return r;
        if (!c->known)
                ingot_digest_final(d, c->digest);
        c->known = true;
        memcpy(ret, c->digest, ingot_bank_size(c->algorithm));
        return 0;
}
