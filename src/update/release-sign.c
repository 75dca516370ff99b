/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A release file with its signatures inline: nothing of the payload is read before they hold. */
#include "update/release-sign.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json-read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_NUMBER 1
/* Base64 takes four bytes for three. */

void ingot_release_envelope_done(struct ingot_release_envelope *e)
{
        for (size_t i = 0; i < e->count; i++)
                ingot_buffer_done(&e->signatures[i].content);
        free(e->signatures);
        ingot_buffer_done(&e->payload);
        *e = (struct ingot_release_envelope){0};
}

int ingot_release_envelope_add(struct ingot_release_envelope *e, struct ingot_span signature,
                               ingot_error *reterr)
{
        enum ingot_technology technology;
        int r = ingot_signature_recognise(signature, &technology, reterr);
        if (r < 0)
                return r;
        struct ingot_release_signature *more =
                reallocarray(e->signatures, e->count + 1, sizeof(*more));
        if (!more)
                return ingot_fail_nomem(reterr);
        e->signatures = more;
        more += e->count++;
        *more = (struct ingot_release_signature){.technology = technology};
        return ingot_buffer_append(&more->content, signature.data, signature.size, reterr);
}

/* One of a technology that is not known here is passed over: there may be others. */
static int decode_signature(struct json_object *o, struct ingot_release_envelope *e,
                            ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        enum ingot_technology technology;
        const char *name;
        int r = ingot_json_get_text(o, "technology", &name, reterr);
        if (r >= 0 && (!ingot_technology_parse(name, &technology) ||
                       (technology == INGOT_TECHNOLOGY_OPENPGP && !HAVE_PACKAGES)))
                return 0;
        if (r >= 0)
                r = ingot_json_get_base64(o, "signature", &bytes, reterr);
        if (r >= 0 && bytes.size > INGOT_SIGNATURE_SIZE_MAX)
                r = ingot_fail(reterr, INGOT_E_LIMIT, "%zu bytes", bytes.size);
        if (r >= 0)
                r = ingot_release_envelope_add(e, ingot_buffer_span(&bytes), reterr);
        if (r >= 0 && e->signatures[e->count - 1].technology != technology)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "it is not of the technology '%s'", name);
        return r;
}

int ingot_release_envelope_decode(struct ingot_span file, struct ingot_release_envelope *ret,
                                  ingot_error *reterr)
{
        _cleanup_release_envelope_ struct ingot_release_envelope e = {0};
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list;
        int r = ingot_json_parse(file, INGOT_RELEASE_FILE_SIZE_MAX, &o, reterr);
        if (r >= 0)
                r = ingot_json_check_format(o, "ingot-release", FORMAT_NUMBER, reterr);
        if (r >= 0)
                r = ingot_json_get_base64(o, "payload", &e.payload, reterr);
        if (r >= 0)
                r = ingot_json_get_array(o, "signatures", INGOT_RELEASE_SIGNATURES_MAX, &list,
                                         reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++)
                r = ingot_under(reterr,
                                decode_signature(json_object_array_get_idx(list, i), &e, reterr),
                                "signature %zu", i + 1);
        if (r < 0)
                return r;
        *ret = e;
        e = (struct ingot_release_envelope){0};
        return 0;
}

static int add_base64(struct json_object *o, const char *key, const struct ingot_buffer *data,
                      ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        int r = ingot_base64_encode(ingot_buffer_span(data), &text, reterr);
        return r < 0 ? r : ingot_json_add_text(o, key, text, reterr);
}

int ingot_release_envelope_encode(const struct ingot_release_envelope *e, struct ingot_buffer *ret,
                                  ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list, *one;
        const char *text;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "format", FORMAT_NUMBER, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "type", "ingot-release", reterr);
        if (r >= 0)
                r = add_base64(o, "payload", &e->payload, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "signatures", &list, reterr);
        for (size_t i = 0; r >= 0 && i < e->count; i++) {
                const struct ingot_release_signature *s = e->signatures + i;
                r = ingot_json_add_object(list, NULL, &one, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "technology",
                                                ingot_technology_name(s->technology), reterr);
                if (r >= 0)
                        r = add_base64(one, "signature", &s->content, reterr);
        }
        if (r >= 0)
                r = ingot_json_text(o, true, &text, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "%s\n", text);
}

static int judge(const struct ingot_release_envelope *e,
                 const struct ingot_signature_request *request, struct ingot_verdict *ret,
                 ingot_error *reterr)
{
        struct ingot_signature_request q = *request;
        struct ingot_signature_file files[INGOT_RELEASE_SIGNATURES_MAX];
        char names[INGOT_RELEASE_SIGNATURES_MAX][32];
        struct ingot_span payload = ingot_buffer_span(&e->payload);
        struct ingot_reader content = ingot_reader_of_span(&payload);
        for (size_t i = 0; i < e->count; i++) {
                snprintf(names[i], sizeof(names[i]), "signature %zu", i + 1);
                files[i] = (struct ingot_signature_file){
                        .name = names[i], .content = ingot_buffer_span(&e->signatures[i].content)};
        }
        q.content = &content;
        return ingot_signature_verify(&q, files, e->count, ret, reterr);
}

int ingot_channel_open(struct ingot_span file, const struct ingot_signature_request *request,
                       struct ingot_channel *ret, struct ingot_verdict *ret_verdict,
                       ingot_error *reterr)
{
        _cleanup_release_envelope_ struct ingot_release_envelope e = {0};
        _cleanup_verdict_ struct ingot_verdict verdict = {0};
        int r = ingot_release_envelope_decode(file, &e, reterr);
        if (r >= 0)
                r = judge(&e, request, &verdict, reterr);
        if (r == 0)
                r = ingot_channel_decode(ingot_buffer_span(&e.payload), ret, reterr);
        if (r < 0)
                return r;
        *ret_verdict = verdict;
        verdict = (struct ingot_verdict){0};
        return r;
}
