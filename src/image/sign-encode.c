/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The signing request as JSON. */
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "image/sign-request.h"

#include <string.h>

static int add_base64(struct json_object *o, const char *key, struct ingot_span data,
                      ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        int r = ingot_base64_encode(data, &text, reterr);
        return r < 0 ? r : ingot_json_add_text(o, key, text, reterr);
}

static int add_wish(struct json_object *wanted, const struct ingot_sign_wish *w, const char *word,
                    ingot_error *reterr)
{
        struct json_object *o, *list;
        int r = ingot_json_add_object(wanted, word, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "threshold", w->threshold, reterr);
        if (r >= 0 && w->openpgp_count > 0)
                r = ingot_json_add_array(o, "openpgp", &list, reterr);
        for (size_t i = 0; r >= 0 && i < w->openpgp_count; i++)
                r = add_base64(list, NULL, ingot_buffer_span(&w->openpgp[i]->certificate), reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "certificates", &list, reterr);
        for (size_t i = 0; r >= 0 && i < w->certificates.count; i++) {
                _cleanup_buffer_ struct ingot_buffer pem = {0};
                r = ingot_certificate_pem(w->certificates.items[i], &pem, reterr);
                if (r >= 0)
                        r = ingot_buffer_append(&pem, "", 1, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(list, NULL, (char *) pem.data, reterr);
        }
        return r;
}

static int add_head(const struct ingot_sign_request *q, struct json_object *o, ingot_error *reterr)
{
        const struct {
                const char *key, *text;
        } texts[] = {
                {"type", "ingot-signing-request"},
                {"name", q->name},
                {"version", q->version},
                {"architecture", q->architecture},
                {"label", q->label},
                {"image", q->image},
                {"uki", q->uki},
                {"esp_uki", q->esp_uki},
                {"release", q->release},
        };
        struct json_object *wanted, *pcr;
        int r = ingot_json_add_u64(o, "format", 1, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(texts); i++)
                if (texts[i].text)
                        r = ingot_json_add_text(o, texts[i].key, texts[i].text, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "timestamp", q->timestamp, reterr);
        if (r >= 0)
                r = ingot_json_add_object(o, "wanted", &wanted, reterr);
        for (unsigned i = 0; r >= 0 && i < INGOT_PURPOSES; i++)
                if (q->wishes[i].wanted)
                        r = add_wish(wanted, q->wishes + i, ingot_purpose_word(i), reterr);
        if (r < 0 || !q->wishes[INGOT_PURPOSE_PCR].wanted)
                return r;
        r = ingot_json_add_object(o, "pcr", &pcr, reterr);
        _cleanup_free_ char *pem = strndup((const char *) q->pcr_pem.data, q->pcr_pem.size);
        if (r >= 0 && !pem)
                r = ingot_fail_nomem(reterr);
        if (r >= 0)
                r = ingot_json_add_text(pcr, "public_key", pem, reterr);
        return r < 0 ? r : ingot_json_add_u64(pcr, "size", q->pcrsig_size, reterr);
}

static int add_answers(const struct ingot_sign_thing *t, struct json_object *o, ingot_error *reterr)
{
        struct json_object *list, *one;
        int r = ingot_json_add_array(o, "answers", &list, reterr);
        for (size_t i = 0; r >= 0 && i < t->answer_count; i++) {
                const struct ingot_sign_answer *a = t->answers + i;
                r = ingot_json_add_object(list, NULL, &one, reterr);
                if (r >= 0 && a->certificate)
                        r = add_base64(one, "certificate", ingot_certificate_der(a->certificate),
                                       reterr);
                if (r >= 0 && a->openpgp)
                        r = add_base64(one, "openpgp", ingot_buffer_span(&a->openpgp->certificate),
                                       reterr);
                if (r >= 0)
                        r = add_base64(one, "signature", ingot_buffer_span(&a->signature), reterr);
        }
        return r;
}

static int add_program(const struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                       struct json_object *o, ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_add_array(o, "esp", &list, reterr);
        for (size_t i = 0; r >= 0 && i < t->esp.count; i++)
                r = ingot_json_add_text(list, NULL, t->esp.items[i], reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "size", t->size, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "table", t->table, reterr);
        if (r < 0)
                return r;
        return t->content == INGOT_SIGN_NONE
                       ? ingot_json_add_hex(o, "digest", t->digest, sizeof(t->digest), reterr)
                       : ingot_json_add_text(o, "content", q->contents[t->content].name, reterr);
}

static int add_details(const struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                       struct json_object *o, ingot_error *reterr)
{
        int r;
        switch (t->purpose) {
        case INGOT_PURPOSE_PCR:
                r = ingot_json_add_text(o, "bank", ingot_bank_name(t->bank), reterr);
                if (r >= 0)
                        r = ingot_json_add_text(o, "phases", t->phases, reterr);
                if (r >= 0 && t->profile)
                        r = ingot_json_add_text(o, "profile", t->profile, reterr);
                if (r >= 0)
                        r = ingot_json_add_hex(o, "value", t->value, ingot_bank_size(t->bank),
                                               reterr);
                return r < 0 ? r
                             : ingot_json_add_hex(o, "policy", t->policy, sizeof(t->policy),
                                                  reterr);
        case INGOT_PURPOSE_VERITY:
                return ingot_json_add_hex(o, "root_hash", t->root_hash, sizeof(t->root_hash),
                                          reterr);
        case INGOT_PURPOSE_SECURE_BOOT:
                return add_program(q, t, o, reterr);
        default:
                return ingot_json_add_text(o, "content", q->contents[t->content].name, reterr);
        }
}

/* For whoever signs with another program. Of a release it is the content itself. */
static int add_to_be_signed(struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                            struct json_object *o, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        if (t->purpose == INGOT_PURPOSE_RELEASE)
                return 0;
        int r = ingot_sign_to_be_signed(q, t, &bytes, reterr);
        return r < 0    ? r
               : r == 1 ? ingot_json_add_text(o, "to_be_signed", NULL, reterr)
                        : add_base64(o, "to_be_signed", ingot_buffer_span(&bytes), reterr);
}

int ingot_sign_thing_json(const struct ingot_sign_thing *t, struct json_object *list,
                          struct json_object **ret, ingot_error *reterr)
{
        int r = ingot_json_add_object(list, NULL, ret, reterr);
        if (r >= 0)
                r = ingot_json_add_text(*ret, "id", t->id, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(*ret, "stage", ingot_sign_stage(t->purpose), reterr);
        if (r >= 0)
                r = ingot_json_add_text(*ret, "purpose", ingot_purpose_word(t->purpose), reterr);
        return r < 0 ? r
                     : ingot_json_add_text(*ret, "algorithm", ingot_sign_algorithm(t->purpose),
                                           reterr);
}

static int add_thing(struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                     struct json_object *list, ingot_error *reterr)
{
        struct json_object *o;
        int r = ingot_sign_thing_json(t, list, &o, reterr);
        if (r >= 0 && t->artifact)
                r = ingot_json_add_text(o, "artifact", t->artifact, reterr);
        if (r >= 0)
                r = add_details(q, t, o, reterr);
        if (r >= 0)
                r = add_to_be_signed(q, t, o, reterr);
        return r < 0 ? r : add_answers(t, o, reterr);
}

static int add_insert(struct json_object *o, const struct ingot_sign_part *p, const char *what,
                      ingot_error *reterr)
{
        int r = ingot_json_add_text(o, "insert", what, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "from", p->from, reterr);
        return r < 0 ? r : ingot_json_add_u64(o, "size", p->size, reterr);
}

static int add_part(const struct ingot_sign_request *q, enum ingot_bank algorithm,
                    const struct ingot_sign_part *p, struct json_object *list, ingot_error *reterr)
{
        struct json_object *o;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r < 0)
                return r;
        switch (p->kind) {
        case INGOT_SIGN_STATE:
                r = ingot_json_add_hex(o, "state", p->state, ingot_digest_state_size(algorithm),
                                       reterr);
                return r < 0 ? r : ingot_json_add_u64(o, "size", p->size, reterr);
        case INGOT_SIGN_ZEROS:
                return ingot_json_add_u64(o, "zeros", p->size, reterr);
        case INGOT_SIGN_DIGEST:
                return ingot_json_add_text(o, "digest", q->contents[p->of].name, reterr);
        case INGOT_SIGN_RAW:
                return ingot_json_add_text(o, "raw", q->contents[p->of].name, reterr);
        case INGOT_SIGN_PCRSIG:
                return add_insert(o, p, "pcr", reterr);
        case INGOT_SIGN_VERITY:
                return add_insert(o, p, "verity", reterr);
        case INGOT_SIGN_TABLE:
                return add_insert(o, p, q->things[p->of].id, reterr);
        default:
                break;
        }
        _cleanup_free_ char *text =
                strndup(p->bytes.data ? (const char *) p->bytes.data : "", p->bytes.size);
        if (!text)
                return ingot_fail_nomem(reterr);
        return strlen(text) == p->bytes.size && ingot_utf8_valid(text)
                       ? ingot_json_add_text(o, "text", text, reterr)
                       : add_base64(o, "base64", ingot_buffer_span(&p->bytes), reterr);
}

static int add_content(const struct ingot_sign_request *q, const struct ingot_sign_content *c,
                       struct json_object *list, ingot_error *reterr)
{
        struct json_object *o, *parts;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "name", c->name, reterr);
        if (r >= 0 && c->algorithm != INGOT_BANK_SHA256)
                r = ingot_json_add_text(o, "algorithm", ingot_bank_name(c->algorithm), reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "parts", &parts, reterr);
        for (size_t i = 0; r >= 0 && i < c->part_count; i++)
                r = add_part(q, c->algorithm, c->parts + i, parts, reterr);
        return r;
}

int ingot_sign_request_encode(struct ingot_sign_request *q, struct ingot_buffer *ret,
                              ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *things, *contents;
        const char *text;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = add_head(q, o, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "things", &things, reterr);
        for (size_t i = 0; r >= 0 && i < q->thing_count; i++)
                r = add_thing(q, q->things + i, things, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "contents", &contents, reterr);
        for (size_t i = 0; r >= 0 && i < q->content_count; i++)
                r = add_content(q, q->contents + i, contents, reterr);
        if (r >= 0)
                r = ingot_json_text(o, true, &text, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "%s\n", text);
}
