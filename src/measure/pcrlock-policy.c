/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pcrlock.json: read and written. */
#include "measure/pcrlock-policy.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json-read.h"
#include "base/text.h"
#include "measure/replay.h"

#define BLOB_MAX 65536 /* bytes of what comes from the TPM library */

static const struct {
        const char *name;
        size_t offset;
} blobs[] = {
        {"nvHandle", offsetof(struct ingot_pcrlock_policy, nv_handle)},
        {"nvPublic", offsetof(struct ingot_pcrlock_policy, nv_public)},
        {"srkHandle", offsetof(struct ingot_pcrlock_policy, srk_handle)},
        {"pinPublic", offsetof(struct ingot_pcrlock_policy, pin_public)},
        {"pinPrivate", offsetof(struct ingot_pcrlock_policy, pin_private)},
};

static struct ingot_buffer *blob(const struct ingot_pcrlock_policy *p, size_t i)
{
        return (struct ingot_buffer *) ((char *) p + blobs[i].offset);
}

void ingot_pcrlock_policy_done(struct ingot_pcrlock_policy *p)
{
        ingot_pcr_sets_done(&p->sets);
        for (size_t i = 0; i < ARRAY_SIZE(blobs); i++)
                ingot_buffer_done(blob(p, i));
}

static int decode_values(struct json_object *list, struct ingot_pcr_values *set,
                         ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                struct json_object *text = json_object_array_get_idx(list, i);
                uint8_t value[INGOT_BANK_SIZE_MAX];
                size_t size = ingot_bank_size(set->bank);
                if (!json_object_is_type(text, json_type_string) ||
                    !ingot_unhex(value, size, json_object_get_string(text)))
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "value %zu is no %zu hexadecimal digits", i + 1,
                                          2 * size);
                r = ingot_pcr_values_add(set, value, reterr);
        }
        return r;
}

static int decode_set(struct json_object *o, struct ingot_pcrlock_policy *p, ingot_error *reterr)
{
        struct ingot_pcr_values *set;
        struct json_object *list;
        uint64_t pcr;
        int r = ingot_json_get_u64(o, "pcr", &pcr, reterr);
        if (r >= 0 && pcr >= INGOT_PCR_COUNT)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "there is no PCR %" PRIu64, pcr);
        if (r >= 0)
                r = ingot_json_get_array(o, "values", INGOT_PCR_VALUES_MAX, &list, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < p->sets.count; i++)
                if (p->sets.items[i].pcr == pcr)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "PCR %" PRIu64 " is there twice",
                                          pcr);
        r = ingot_pcr_sets_add(&p->sets, (unsigned) pcr, p->bank, &set, reterr);
        return r < 0 ? r
                     : ingot_under(reterr, decode_values(list, set, reterr), "PCR %" PRIu64, pcr);
}

static int decode_sets(struct json_object *o, struct ingot_pcrlock_policy *p, ingot_error *reterr)
{
        struct json_object *list;
        const char *bank;
        int r = ingot_json_get_text(o, "pcrBank", &bank, reterr);
        if (r >= 0 && !ingot_bank_parse(bank, &p->bank))
                r = ingot_fail(reterr, INGOT_E_FORMAT, "'pcrBank' is no bank that we know");
        if (r >= 0)
                r = ingot_json_get_array(o, "pcrValues", INGOT_PCR_COUNT, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++)
                r = ingot_under(reterr, decode_set(json_object_array_get_idx(list, i), p, reterr),
                                "'pcrValues' item %zu", i + 1);
        return r;
}

static int decode_handles(struct json_object *o, struct ingot_pcrlock_policy *p,
                          ingot_error *reterr)
{
        uint64_t index;
        int r = ingot_json_get_u64(o, "nvIndex", &index, reterr);
        if (r >= 0 && index > UINT32_MAX)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "'nvIndex' is no handle of a TPM");
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(blobs); i++) {
                r = ingot_json_get_base64(o, blobs[i].name, blob(p, i), reterr);
                if (r >= 0 && blob(p, i)->size > BLOB_MAX)
                        r = ingot_fail(reterr, INGOT_E_LIMIT, "'%s' has %zu bytes", blobs[i].name,
                                       blob(p, i)->size);
        }
        if (r >= 0)
                p->nv_index = (uint32_t) index;
        return r;
}

int ingot_pcrlock_policy_decode(struct ingot_span text, struct ingot_pcrlock_policy *ret,
                                ingot_error *reterr)
{
        _cleanup_pcrlock_policy_ struct ingot_pcrlock_policy p = {0};
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_parse(text, INGOT_PCRLOCK_POLICY_SIZE_MAX, &o, reterr);
        if (r >= 0)
                r = decode_sets(o, &p, reterr);
        if (r >= 0)
                r = decode_handles(o, &p, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "pcrlock policy");
        *ret = p;
        p = (struct ingot_pcrlock_policy){0};
        return 0;
}

static int encode_set(const struct ingot_pcr_values *set, struct json_object *list,
                      ingot_error *reterr)
{
        struct json_object *o, *values;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "pcr", set->pcr, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "values", &values, reterr);
        for (size_t i = 0; r >= 0 && i < set->count; i++)
                r = ingot_json_add_hex(values, NULL, set->values[i], ingot_bank_size(set->bank),
                                       reterr);
        return r;
}

int ingot_pcrlock_policy_encode(const struct ingot_pcrlock_policy *p, struct ingot_buffer *ret,
                                ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list;
        const char *text;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "pcrBank", ingot_bank_name(p->bank), reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "pcrValues", &list, reterr);
        for (size_t i = 0; r >= 0 && i < p->sets.count; i++)
                r = encode_set(p->sets.items + i, list, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "nvIndex", p->nv_index, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(blobs); i++) {
                _cleanup_free_ char *base64 = NULL;
                r = ingot_base64_encode(ingot_buffer_span(blob(p, i)), &base64, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(o, blobs[i].name, base64, reterr);
        }
        if (r >= 0)
                r = ingot_json_text(o, false, &text, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "%s\n", text);
}
