/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The signing request in memory, and out of its file. */
#include "image/sign-request.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json-read.h"
#include "base/size.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define THINGS_MAX 4096
#define CONTENTS_MAX 65536
#define PARTS_MAX 262144 /* of all contents */
#define ANSWERS_MAX 64   /* of one thing */
#define PATHS_MAX 64
#define DEPTH_MAX 512 /* of contents that build on each other */
#define CERTIFICATES_MAX 64
#define ZEROS_MAX ((uint64_t) 64 << 20) /* of all contents */
#define PROGRAM_MAX ((uint64_t) UINT32_MAX)

static void thing_done(struct ingot_sign_thing *t)
{
        for (size_t i = 0; i < t->answer_count; i++) {
                ingot_certificate_free(t->answers[i].certificate);
                ingot_openpgp_holder_free(t->answers[i].openpgp);
                ingot_buffer_done(&t->answers[i].signature);
        }
        free(t->answers);
        free(t->id);
        free(t->artifact);
        free(t->phases);
        free(t->profile);
        ingot_strings_done(&t->esp);
}

static void content_done(struct ingot_sign_content *c)
{
        for (size_t i = 0; i < c->part_count; i++)
                ingot_buffer_done(&c->parts[i].bytes);
        free(c->parts);
        free(c->name);
}

void ingot_sign_wish_done(struct ingot_sign_wish *w)
{
        ingot_certificates_done(&w->certificates);
        for (size_t i = 0; i < w->openpgp_count; i++)
                ingot_openpgp_holder_free(w->openpgp[i]);
        free(w->openpgp);
        *w = (struct ingot_sign_wish){0};
}

void ingot_sign_request_done(struct ingot_sign_request *q)
{
        for (size_t i = 0; i < q->thing_count; i++)
                thing_done(q->things + i);
        for (size_t i = 0; i < q->content_count; i++)
                content_done(q->contents + i);
        for (size_t i = 0; i < INGOT_PURPOSES; i++)
                ingot_sign_wish_done(q->wishes + i);
        free(q->things);
        free(q->contents);
        free(q->name);
        free(q->version);
        free(q->architecture);
        free(q->label);
        free(q->image);
        free(q->uki);
        free(q->esp_uki);
        free(q->release);
        ingot_key_free(q->pcr_key);
        ingot_buffer_done(&q->pcr_pem);
        *q = (struct ingot_sign_request){0};
}

/* Room for one more, which is zeros. Doubles, so that many are added in linear time. */
static void *grow(void **items, size_t count, size_t size, ingot_error *reterr)
{
        if ((count & (count - 1)) == 0) {
                void *more = reallocarray(*items, count ? 2 * count : 1, size);
                if (!more) {
                        ingot_fail_nomem(reterr);
                        return NULL;
                }
                *items = more;
        }
        return memset((char *) *items + count * size, 0, size);
}

int ingot_sign_add_thing(struct ingot_sign_request *q, enum ingot_purpose purpose, const char *id,
                         struct ingot_sign_thing **ret, ingot_error *reterr)
{
        struct ingot_sign_thing *t =
                grow((void **) &q->things, q->thing_count, sizeof(*q->things), reterr);
        int r = t ? ingot_strdup(&t->id, id, reterr) : -INGOT_E_NOMEM;
        if (r < 0)
                return r;
        t->purpose = purpose;
        t->content = INGOT_SIGN_NONE;
        q->thing_count++;
        *ret = t;
        return 0;
}

int ingot_sign_add_content(struct ingot_sign_request *q, const char *name,
                           struct ingot_sign_content **ret, ingot_error *reterr)
{
        struct ingot_sign_content *c =
                grow((void **) &q->contents, q->content_count, sizeof(*q->contents), reterr);
        int r = c ? ingot_strdup(&c->name, name, reterr) : -INGOT_E_NOMEM;
        if (r < 0)
                return r;
        c->algorithm = INGOT_BANK_SHA256;
        q->content_count++;
        *ret = c;
        return 0;
}

int ingot_sign_add_part(struct ingot_sign_content *c, enum ingot_sign_part_kind kind,
                        struct ingot_sign_part **ret, ingot_error *reterr)
{
        struct ingot_sign_part *p =
                grow((void **) &c->parts, c->part_count, sizeof(*c->parts), reterr);
        if (!p)
                return -INGOT_E_NOMEM;
        p->kind = kind;
        c->part_count++;
        *ret = p;
        return 0;
}

int ingot_sign_add_openpgp(struct ingot_sign_wish *w, struct ingot_span content,
                           ingot_error *reterr)
{
        struct ingot_openpgp_holder **h = grow((void **) &w->openpgp, w->openpgp_count,
                                               sizeof(struct ingot_openpgp_holder *), reterr);
        if (!h)
                return -INGOT_E_NOMEM;
        int r = ingot_openpgp_holder_decode(h, content, reterr);
        if (r >= 0)
                w->openpgp_count++;
        return r;
}

size_t ingot_sign_find_content(const struct ingot_sign_request *q, const char *name)
{
        for (size_t i = 0; i < q->content_count; i++)
                if (strcmp(q->contents[i].name, name) == 0)
                        return i;
        return INGOT_SIGN_NONE;
}

/* A file's name, that cannot lead out of its folder. */
static int get_file_name(struct json_object *o, const char *key, char **ret, ingot_error *reterr)
{
        const char *text;
        int r = ingot_json_get_text(o, key, &text, reterr);
        if (r < 0)
                return r;
        if (!*text || *text == '.' || strchr(text, '/') || strlen(text) > 255)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' is no file name", key);
        return ingot_strdup(ret, text, reterr);
}

/* What a build's request names, and one of a folder of releases does not. */
static int decode_files(struct ingot_sign_request *q, struct json_object *o, ingot_error *reterr)
{
        const char *text;
        if (json_object_object_get(o, "release"))
                return get_file_name(o, "release", &q->release, reterr);
        int r = get_file_name(o, "label", &q->label, reterr);
        if (r >= 0)
                r = get_file_name(o, "image", &q->image, reterr);
        if (r >= 0)
                r = get_file_name(o, "uki", &q->uki, reterr);
        if (r >= 0)
                r = ingot_json_get_text(o, "esp_uki", &text, reterr);
        return r < 0 ? r : ingot_strdup(&q->esp_uki, text, reterr);
}

static int decode_head(struct ingot_sign_request *q, struct json_object *o, ingot_error *reterr)
{
        const char *type, *text;
        uint64_t format;
        int r = ingot_json_get_text(o, "type", &type, reterr);
        if (r >= 0 && strcmp(type, "ingot-signing-request") != 0)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "not a signing request");
        if (r >= 0)
                r = ingot_json_get_u64(o, "format", &format, reterr);
        if (r >= 0 && format != 1)
                r = ingot_fail(reterr, INGOT_E_UNSUPPORTED, "a signing request of format %llu",
                               (unsigned long long) format);
        if (r >= 0)
                r = ingot_json_get_text(o, "name", &text, reterr);
        if (r >= 0)
                r = ingot_strdup(&q->name, text, reterr);
        if (r >= 0)
                r = ingot_json_get_text(o, "version", &text, reterr);
        if (r >= 0)
                r = ingot_strdup(&q->version, text, reterr);
        if (r >= 0)
                r = ingot_json_get_text(o, "architecture", &text, reterr);
        if (r >= 0)
                r = ingot_strdup(&q->architecture, text, reterr);
        if (r >= 0)
                r = decode_files(q, o, reterr);
        return r < 0 ? r : ingot_json_get_u64(o, "timestamp", &q->timestamp, reterr);
}

/* Those who may by OpenPGP; the member came later than the others. */
static int decode_openpgp(struct ingot_sign_wish *w, struct json_object *o, ingot_error *reterr)
{
        struct json_object *list;
        if (!json_object_object_get_ex(o, "openpgp", &list))
                return 0;
        int r = ingot_json_get_array(o, "openpgp", CERTIFICATES_MAX, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                const char *text = json_object_get_string(json_object_array_get_idx(list, i));
                _cleanup_buffer_ struct ingot_buffer bytes = {0};
                if (!text)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "a certificate that is no text");
                r = ingot_base64_decode(INGOT_SPAN(text, strlen(text)), &bytes, reterr);
                if (r >= 0)
                        r = ingot_sign_add_openpgp(w, ingot_buffer_span(&bytes), reterr);
        }
        return r;
}

static int decode_wish(struct ingot_sign_wish *w, struct json_object *o, ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_get_u64(o, "threshold", &w->threshold, reterr);
        if (r >= 0)
                r = ingot_json_get_array(o, "certificates", CERTIFICATES_MAX, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                const char *pem = json_object_get_string(json_object_array_get_idx(list, i));
                if (!pem)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "a certificate that is no text");
                r = ingot_certificates_decode(&w->certificates, INGOT_SPAN(pem, strlen(pem)),
                                              reterr);
        }
        if (r >= 0)
                r = decode_openpgp(w, o, reterr);
        if (r < 0)
                return r;
        size_t count = w->certificates.count + w->openpgp_count;
        if (w->threshold < 1 || w->threshold > ANSWERS_MAX || (count > 0 && w->threshold > count))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'threshold' cannot be reached");
        w->wanted = true;
        return 0;
}

static int decode_wishes(struct ingot_sign_request *q, struct json_object *o, ingot_error *reterr)
{
        struct json_object *wanted, *pcr;
        const char *pem;
        int r = ingot_json_get_object(o, "wanted", &wanted, reterr);
        if (r < 0)
                return r;
        json_object_object_foreach(wanted, word, one)
        {
                enum ingot_purpose purpose;
                r = ingot_purpose_parse(word, &purpose, reterr);
                if (r < 0)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "'wanted': no purpose '%s'",
                                          word);
                r = ingot_under(reterr, decode_wish(q->wishes + purpose, one, reterr), "%s", word);
                if (r < 0)
                        return r;
                if (q->release && purpose != INGOT_PURPOSE_RELEASE)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "%s: not of a release", word);
                if (purpose != INGOT_PURPOSE_RELEASE && q->wishes[purpose].openpgp_count > 0)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "%s: not by OpenPGP", word);
                if (purpose != INGOT_PURPOSE_RELEASE && q->wishes[purpose].threshold != 1)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "%s: 'threshold' is not 1", word);
        }
        if (!q->wishes[INGOT_PURPOSE_PCR].wanted)
                return 0;
        r = ingot_json_get_object(o, "pcr", &pcr, reterr);
        if (r >= 0)
                r = ingot_json_get_text(pcr, "public_key", &pem, reterr);
        if (r >= 0)
                r = ingot_key_decode_public(&q->pcr_key, INGOT_SPAN(pem, strlen(pem)), reterr);
        if (r >= 0 && ingot_key_kind(q->pcr_key) != INGOT_KEY_RSA)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "'public_key' is no RSA key");
        if (r >= 0)
                r = ingot_buffer_append(&q->pcr_pem, pem, strlen(pem), reterr);
        if (r >= 0)
                r = ingot_json_get_u64(pcr, "size", &q->pcrsig_size, reterr);
        if (r >= 0 && q->pcrsig_size > INGOT_PCRSIG_SIZE_MAX)
                r = ingot_fail(reterr, INGOT_E_LIMIT, "'size' of the PCR signatures");
        return r;
}

static int decode_pcr(struct ingot_sign_thing *t, struct json_object *o, ingot_error *reterr)
{
        uint8_t policy[INGOT_SHA256_SIZE];
        const char *text;
        int r = ingot_json_get_text(o, "bank", &text, reterr);
        if (r >= 0 && !ingot_bank_parse(text, &t->bank))
                r = ingot_fail(reterr, INGOT_E_FORMAT, "no PCR bank '%s'", text);
        if (r >= 0)
                r = ingot_json_get_text(o, "phases", &text, reterr);
        if (r >= 0)
                r = ingot_strdup(&t->phases, text, reterr);
        if (r >= 0)
                r = ingot_json_want_text(o, "profile", &text, reterr);
        if (r >= 0 && text)
                r = ingot_strdup(&t->profile, text, reterr);
        if (r >= 0)
                r = ingot_json_get_hex(o, "value", t->value, ingot_bank_size(t->bank), reterr);
        if (r >= 0)
                r = ingot_json_get_hex(o, "policy", policy, sizeof(policy), reterr);
        if (r < 0)
                return r;
        ingot_policy_of_pcr(t->bank, INGOT_PCRSIG_PCR, t->value, t->policy);
        if (memcmp(policy, t->policy, sizeof(policy)) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'policy' is not that of 'value'");
        return 0;
}

static int decode_program(const struct ingot_sign_request *q, struct ingot_sign_thing *t,
                          struct json_object *o, ingot_error *reterr)
{
        const char *content;
        int r = ingot_json_get_u64(o, "size", &t->size, reterr);
        if (r >= 0)
                r = ingot_json_get_u64(o, "table", &t->table, reterr);
        if (r >= 0 && (t->size > PROGRAM_MAX || t->table > INGOT_SIGN_TABLE_MAX || t->table % 8))
                r = ingot_fail(reterr, INGOT_E_LIMIT, "'size' or 'table'");
        if (r >= 0)
                r = ingot_json_want_text(o, "content", &content, reterr);
        if (r < 0)
                return r;
        if (!content)
                return ingot_json_get_hex(o, "digest", t->digest, sizeof(t->digest), reterr);
        t->content = ingot_sign_find_content(q, content);
        if (t->content == INGOT_SIGN_NONE)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no content '%s'", content);
        /* Nothing that would need its own answer. */
        const struct ingot_sign_content *c = q->contents + t->content;
        for (size_t i = 0; i < c->part_count; i++)
                if (c->parts[i].kind >= INGOT_SIGN_DIGEST && c->parts[i].kind != INGOT_SIGN_PCRSIG)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "'%s' has parts that a program cannot have", c->name);
        if (c->algorithm != INGOT_BANK_SHA256)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%s': only SHA-256 is signed", c->name);
        return 0;
}

static int decode_release(const struct ingot_sign_request *q, struct ingot_sign_thing *t,
                          struct json_object *o, ingot_error *reterr)
{
        const char *content;
        int r = ingot_json_get_text(o, "content", &content, reterr);
        if (r < 0)
                return r;
        t->content = ingot_sign_find_content(q, content);
        if (t->content == INGOT_SIGN_NONE)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no content '%s'", content);
        return 0;
}

static int decode_answer(struct ingot_sign_thing *t, struct json_object *o, ingot_error *reterr)
{
        struct ingot_sign_answer *a =
                grow((void **) &t->answers, t->answer_count, sizeof(*t->answers), reterr);
        _cleanup_buffer_ struct ingot_buffer der = {0};
        if (!a)
                return -INGOT_E_NOMEM;
        t->answer_count++;
        int r = ingot_json_get_base64(o, "signature", &a->signature, reterr);
        if (r < 0 || t->purpose == INGOT_PURPOSE_PCR)
                return r;
        if (t->purpose == INGOT_PURPOSE_RELEASE && json_object_object_get_ex(o, "openpgp", NULL)) {
                r = ingot_json_get_base64(o, "openpgp", &der, reterr);
                return r < 0 ? r
                             : ingot_openpgp_holder_decode(&a->openpgp, ingot_buffer_span(&der),
                                                           reterr);
        }
        r = ingot_json_get_base64(o, "certificate", &der, reterr);
        return r < 0 ? r
                     : ingot_certificate_decode(&a->certificate, ingot_buffer_span(&der), reterr);
}

static int decode_answers(struct ingot_sign_thing *t, struct json_object *o, ingot_error *reterr)
{
        struct json_object *list;
        size_t most = t->purpose == INGOT_PURPOSE_RELEASE ? ANSWERS_MAX : 1;
        int r = ingot_json_get_array(o, "answers", most, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++)
                r = ingot_under(reterr,
                                decode_answer(t, json_object_array_get_idx(list, i), reterr),
                                "answer %zu", i + 1);
        return r;
}

static int decode_esp(struct ingot_sign_thing *t, struct json_object *o, ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_get_array(o, "esp", PATHS_MAX, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                const char *path = json_object_get_string(json_object_array_get_idx(list, i));
                r = path ? ingot_strings_add(&t->esp, path, reterr)
                         : ingot_fail(reterr, INGOT_E_FORMAT, "'esp' has what is no path");
        }
        return r;
}

static int decode_thing(struct ingot_sign_request *q, struct json_object *o, ingot_error *reterr)
{
        const char *id, *word, *artifact;
        struct ingot_sign_thing *t;
        enum ingot_purpose purpose;
        int r = ingot_json_get_text(o, "id", &id, reterr);
        if (r >= 0)
                r = ingot_json_get_text(o, "purpose", &word, reterr);
        if (r >= 0)
                r = ingot_purpose_parse(word, &purpose, reterr);
        if (r == -INGOT_E_USAGE)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "no purpose '%s'", word);
        if (r >= 0)
                r = ingot_sign_add_thing(q, purpose, id, &t, reterr);
        if (r >= 0)
                r = ingot_json_want_text(o, "artifact", &artifact, reterr);
        if (r >= 0 && artifact)
                r = get_file_name(o, "artifact", &t->artifact, reterr);
        if (r >= 0)
                r = decode_answers(t, o, reterr);
        if (r < 0)
                return r;
        if (!q->wishes[purpose].wanted)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is not wanted", word);
        if (q->thing_count > 1 && ingot_sign_stage(t[-1].purpose) > ingot_sign_stage(purpose))
                return ingot_fail(reterr, INGOT_E_FORMAT, "it stands behind a later stage");
        switch (purpose) {
        case INGOT_PURPOSE_PCR:
                return decode_pcr(t, o, reterr);
        case INGOT_PURPOSE_VERITY:
                return ingot_json_get_hex(o, "root_hash", t->root_hash, sizeof(t->root_hash),
                                          reterr);
        case INGOT_PURPOSE_SECURE_BOOT:
                r = decode_esp(t, o, reterr);
                return r < 0 ? r : decode_program(q, t, o, reterr);
        default:
                return decode_release(q, t, o, reterr);
        }
}

/* What a whole request may ask for; an attacker's must not cost more. */
struct budget {
        uint64_t zeros, parts;
};

/* A part that is made of another content's digest. */
static int decode_reference(struct ingot_sign_request *q, size_t content, struct ingot_sign_part *p,
                            struct json_object *o, const char *key, ingot_error *reterr)
{
        struct ingot_sign_content *c = q->contents + content;
        const char *text;
        int r = ingot_json_get_text(o, key, &text, reterr);
        if (r < 0)
                return r;
        p->of = ingot_sign_find_content(q, text);
        if (p->of >= content)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no content '%s' before", text);
        if (q->contents[p->of].depth >= c->depth)
                c->depth = q->contents[p->of].depth + 1;
        if (c->depth > DEPTH_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "more than %d contents build on each other", DEPTH_MAX);
        return 0;
}

static int decode_state(const struct ingot_sign_content *c, struct ingot_sign_part *p,
                        struct json_object *o, ingot_error *reterr)
{
        int r = ingot_json_get_hex(o, "state", p->state, ingot_digest_state_size(c->algorithm),
                                   reterr);
        if (r >= 0)
                r = ingot_json_get_u64(o, "size", &p->size, reterr);
        if (r >= 0 && (p->size % ingot_digest_block_size(c->algorithm) || p->size > PROGRAM_MAX ||
                       c->part_count > 1))
                r = ingot_fail(reterr, INGOT_E_FORMAT, "a state that cannot be there");
        return r;
}

/* The one member that says of which kind the part is. */
static int decode_part(struct ingot_sign_request *q, size_t content, struct json_object *o,
                       struct budget *b, ingot_error *reterr)
{
        static const struct {
                const char *key;
                enum ingot_sign_part_kind kind;
        } references[] = {{"digest", INGOT_SIGN_DIGEST}, {"raw", INGOT_SIGN_RAW}};
        struct ingot_sign_part *p;
        struct json_object *m;
        const char *text;
        int r = ingot_sign_add_part(q->contents + content, INGOT_SIGN_BYTES, &p, reterr);
        if (r < 0)
                return r;
        if (b->parts-- == 0)
                return ingot_fail(reterr, INGOT_E_LIMIT, "too many parts");
        if (json_object_object_get_ex(o, "text", &m)) {
                r = ingot_json_get_text(o, "text", &text, reterr);
                return r < 0 ? r : ingot_buffer_append(&p->bytes, text, strlen(text), reterr);
        }
        if (json_object_object_get_ex(o, "base64", &m))
                return ingot_json_get_base64(o, "base64", &p->bytes, reterr);
        if (json_object_object_get_ex(o, "zeros", &m)) {
                p->kind = INGOT_SIGN_ZEROS;
                r = ingot_json_get_u64(o, "zeros", &p->size, reterr);
                if (r >= 0 && p->size > b->zeros)
                        r = ingot_fail(reterr, INGOT_E_LIMIT, "too many zeros");
                b->zeros -= r >= 0 ? p->size : 0;
                return r;
        }
        if (json_object_object_get_ex(o, "state", &m)) {
                p->kind = INGOT_SIGN_STATE;
                return decode_state(q->contents + content, p, o, reterr);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(references); i++)
                if (json_object_object_get_ex(o, references[i].key, &m)) {
                        p->kind = references[i].kind;
                        return decode_reference(q, content, p, o, references[i].key, reterr);
                }
        r = ingot_json_get_text(o, "insert", &text, reterr);
        if (r < 0)
                return r;
        p->kind = strcmp(text, "pcr") == 0      ? INGOT_SIGN_PCRSIG
                  : strcmp(text, "verity") == 0 ? INGOT_SIGN_VERITY
                                                : INGOT_SIGN_TABLE;
        r = ingot_json_get_u64(o, "from", &p->from, reterr);
        if (r >= 0)
                r = ingot_json_get_u64(o, "size", &p->size, reterr);
        if (r >= 0 && p->kind == INGOT_SIGN_TABLE)
                r = ingot_buffer_append(&p->bytes, text, strlen(text) + 1, reterr);
        return r;
}

static int decode_contents(struct ingot_sign_request *q, struct json_object *o, ingot_error *reterr)
{
        struct budget budget = {.zeros = ZEROS_MAX, .parts = PARTS_MAX};
        struct json_object *list, *parts;
        int r = ingot_json_get_array(o, "contents", CONTENTS_MAX, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                struct json_object *one = json_object_array_get_idx(list, i);
                struct ingot_sign_content *c;
                const char *name, *algorithm;
                r = ingot_json_get_text(one, "name", &name, reterr);
                if (r >= 0 && ingot_sign_find_content(q, name) != INGOT_SIGN_NONE)
                        r = ingot_fail(reterr, INGOT_E_FORMAT, "content '%s' stands twice", name);
                if (r >= 0)
                        r = ingot_sign_add_content(q, name, &c, reterr);
                if (r >= 0)
                        r = ingot_json_want_text(one, "algorithm", &algorithm, reterr);
                if (r >= 0 && algorithm && !ingot_bank_parse(algorithm, &c->algorithm))
                        r = ingot_fail(reterr, INGOT_E_FORMAT, "content '%s': no digest '%s'", name,
                                       algorithm);
                if (r >= 0)
                        r = ingot_json_get_array(one, "parts", PARTS_MAX, &parts, reterr);
                for (size_t k = 0; r >= 0 && k < json_object_array_length(parts); k++)
                        r = ingot_under(reterr,
                                        decode_part(q, i, json_object_array_get_idx(parts, k),
                                                    &budget, reterr),
                                        "content '%s': part %zu", name, k + 1);
        }
        return r;
}

/* Things stand behind the contents that they name; parts that name things wait for them. */
static int resolve_tables(struct ingot_sign_request *q, ingot_error *reterr)
{
        for (size_t i = 0; i < q->content_count; i++)
                for (size_t k = 0; k < q->contents[i].part_count; k++) {
                        struct ingot_sign_part *p = q->contents[i].parts + k;
                        if (p->kind != INGOT_SIGN_TABLE)
                                continue;
                        const char *id = (const char *) p->bytes.data;
                        for (p->of = 0; p->of < q->thing_count; p->of++)
                                if (strcmp(q->things[p->of].id, id) == 0)
                                        break;
                        if (p->of == q->thing_count ||
                            q->things[p->of].purpose != INGOT_PURPOSE_SECURE_BOOT)
                                return ingot_fail(reterr, INGOT_E_FORMAT,
                                                  "content '%s': nothing to insert from '%s'",
                                                  q->contents[i].name, id);
                }
        return 0;
}

static int decode_things(struct ingot_sign_request *q, struct json_object *o, ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_get_array(o, "things", THINGS_MAX, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                r = decode_thing(q, json_object_array_get_idx(list, i), reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "thing %zu", i + 1);
                for (size_t k = 0; k < i; k++)
                        if (strcmp(q->things[k].id, q->things[i].id) == 0)
                                return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' stands twice",
                                                  q->things[i].id);
        }
        return r;
}

int ingot_sign_request_decode(struct ingot_span text, struct ingot_sign_request *ret,
                              ingot_error *reterr)
{
        _cleanup_sign_request_ struct ingot_sign_request q = {0};
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_parse(text, INGOT_SIGN_REQUEST_MAX, &o, reterr);
        if (r >= 0)
                r = decode_head(&q, o, reterr);
        if (r >= 0)
                r = decode_wishes(&q, o, reterr);
        if (r >= 0)
                r = decode_contents(&q, o, reterr);
        if (r >= 0)
                r = decode_things(&q, o, reterr);
        if (r >= 0)
                r = resolve_tables(&q, reterr);
        if (r < 0)
                return r;
        *ret = q;
        q = (struct ingot_sign_request){0};
        return 0;
}

int ingot_sign_request_load(const char *path, struct ingot_sign_request *ret, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_SIGN_REQUEST_MAX, &text, &size, reterr);
        return r < 0 ? r
                     : ingot_under(reterr,
                                   ingot_sign_request_decode(INGOT_SPAN(text, size), ret, reterr),
                                   "%s", path);
}

int ingot_sign_request_save(struct ingot_sign_request *q, const char *path, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_sign_request_encode(q, &text, reterr);
        return r < 0 ? r : ingot_outfile_put(path, text.data, text.size, 0644, reterr);
}
