/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The token of a sealed secret: read and written. */
#include "measure/sealed.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json-read.h"
#include "base/text.h"
#include "measure/pcr-mask.h"
#include "measure/replay.h"

#include <stdio.h>

#define TYPE "systemd-tpm2"
#define BLOB_MAX 4096
#define PEM_MAX 16384
/* Ours: what no other reader looks at. */
#define VALUES "ingot_pcr_values"

void ingot_sealed_done(struct ingot_sealed *s)
{
        for (size_t i = 0; i < ARRAY_SIZE(s->blobs); i++)
                ingot_buffer_done(s->blobs + i);
        ingot_buffer_done(&s->public_key);
        ingot_buffer_done(&s->srk);
        ingot_buffer_done(&s->nv);
        ingot_pcr_sets_done(&s->values);
        free(s->reference);
        *s = (struct ingot_sealed){0};
}

static bool has(struct json_object *o, const char *key)
{
        struct json_object *m;
        return json_object_object_get_ex(o, key, &m) && m;
}

static int decode_bool(struct json_object *o, const char *key, bool *ret, ingot_error *reterr)
{
        return has(o, key) ? ingot_json_get_bool(o, key, ret, reterr) : 0;
}

static int decode_bytes(struct json_object *o, const char *key, size_t max,
                        struct ingot_buffer *ret, ingot_error *reterr)
{
        int r = has(o, key) ? ingot_json_get_base64(o, key, ret, reterr) : 0;
        if (r >= 0 && ret->size > max)
                r = ingot_fail(reterr, INGOT_E_LIMIT, "'%s' has %zu bytes", key, ret->size);
        return r;
}

/* One text, or a list of up to two. */
static int texts(struct json_object *o, const char *key, const char *ret[INGOT_SEALED_BLOBS_MAX],
                 size_t *ret_count, ingot_error *reterr)
{
        struct json_object *m = NULL;
        size_t count = 1;
        (void) json_object_object_get_ex(o, key, &m);
        bool list = json_object_is_type(m, json_type_array);
        if (list)
                count = json_object_array_length(m);
        if (count == 0 || count > INGOT_SEALED_BLOBS_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' has %zu items", key, count);
        for (size_t i = 0; i < count; i++) {
                struct json_object *text = list ? json_object_array_get_idx(m, i) : m;
                if (!json_object_is_type(text, json_type_string))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' is no text", key);
                ret[i] = json_object_get_string(text);
        }
        *ret_count = count;
        return 0;
}

static int decode_blobs(struct json_object *o, struct ingot_sealed *s, ingot_error *reterr)
{
        const char *blobs[INGOT_SEALED_BLOBS_MAX], *hashes[INGOT_SEALED_BLOBS_MAX];
        size_t hash_count = 0;
        int r = texts(o, "tpm2-blob", blobs, &s->count, reterr);
        if (r >= 0)
                r = texts(o, "tpm2-policy-hash", hashes, &hash_count, reterr);
        if (r >= 0 && hash_count != s->count)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "%zu blobs and %zu policies", s->count,
                               hash_count);
        for (size_t i = 0; r >= 0 && i < s->count; i++) {
                r = ingot_base64_decode(INGOT_SPAN(blobs[i], strlen(blobs[i])), s->blobs + i,
                                        reterr);
                if (r >= 0 && s->blobs[i].size > BLOB_MAX)
                        r = ingot_fail(reterr, INGOT_E_LIMIT, "'tpm2-blob' has %zu bytes",
                                       s->blobs[i].size);
                if (r >= 0 && !ingot_unhex(s->policies[i].digest, INGOT_SHA256_SIZE, hashes[i]))
                        r = ingot_fail(reterr, INGOT_E_FORMAT, "'tpm2-policy-hash' is no SHA-256");
        }
        return r;
}

static int decode_algorithms(struct json_object *o, struct ingot_sealed *s, ingot_error *reterr)
{
        const char *bank, *primary;
        int r = ingot_json_want_text(o, "tpm2-pcr-bank", &bank, reterr);
        if (r >= 0)
                r = ingot_json_want_text(o, "tpm2-primary-alg", &primary, reterr);
        if (r < 0)
                return r;
        s->bank = INGOT_BANK_SHA256;
        s->rsa = primary && strcmp(primary, "ecc") != 0;
        return !bank || ingot_bank_parse(bank, &s->bank)
                       ? 0
                       : ingot_fail(reterr, INGOT_E_UNSUPPORTED, "no bank '%s' is known", bank);
}

static int decode_public_key(struct json_object *o, struct ingot_sealed *s, ingot_error *reterr)
{
        const char *reference;
        int r = decode_bytes(o, "tpm2_pubkey", PEM_MAX, &s->public_key, reterr);
        if (r >= 0)
                r = ingot_pcr_mask_decode(o, "tpm2_pubkey_pcrs", &s->public_key_pcrs, reterr);
        if (r >= 0)
                r = ingot_json_want_text(o, "tpm2_pubkey_ref", &reference, reterr);
        if (r >= 0 && reference)
                r = ingot_strdup(&s->reference, reference, reterr);
        if (r >= 0 && s->public_key.size > 0 && s->public_key_pcrs == 0)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "a public key without 'tpm2_pubkey_pcrs'");
        /* systemd writes the member also where no key is. */
        if (r >= 0 && s->public_key.size == 0)
                s->public_key_pcrs = 0;
        return r;
}

static int decode_values(struct json_object *o, struct ingot_sealed *s, ingot_error *reterr)
{
        struct json_object *values;
        if (!has(o, VALUES))
                return 0;
        int r = ingot_json_get_object(o, VALUES, &values, reterr);
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++) {
                uint8_t value[INGOT_BANK_SIZE_MAX];
                struct ingot_pcr_values *set;
                char number[4];
                snprintf(number, sizeof(number), "%u", i);
                if (!has(values, number))
                        continue;
                r = ingot_json_get_hex(values, number, value, ingot_bank_size(s->bank), reterr);
                if (r >= 0)
                        r = ingot_pcr_sets_add(&s->values, i, s->bank, &set, reterr);
                if (r >= 0)
                        r = ingot_pcr_values_add(set, value, reterr);
        }
        return ingot_under(reterr, r, VALUES);
}

int ingot_sealed_decode_object(struct json_object *o, struct ingot_sealed *ret, ingot_error *reterr)
{
        _cleanup_sealed_ struct ingot_sealed s = {0};
        const char *type;
        int r = ingot_json_get_text(o, "type", &type, reterr);
        if (r >= 0 && strcmp(type, TYPE) != 0)
                r = ingot_fail(reterr, INGOT_E_UNSUPPORTED, "a token of type '%s', not " TYPE,
                               type);
        if (r >= 0)
                r = decode_blobs(o, &s, reterr);
        if (r >= 0)
                r = decode_algorithms(o, &s, reterr);
        if (r >= 0)
                r = ingot_pcr_mask_decode(o, "tpm2-pcrs", &s.pcrs, reterr);
        if (r >= 0)
                r = decode_bool(o, "tpm2-pin", &s.pin, reterr);
        if (r >= 0)
                r = decode_bool(o, "tpm2_pcrlock", &s.pcrlock, reterr);
        if (r >= 0)
                r = decode_public_key(o, &s, reterr);
        if (r >= 0)
                r = decode_bytes(o, "tpm2_srk", BLOB_MAX, &s.srk, reterr);
        if (r >= 0)
                r = decode_bytes(o, "tpm2_pcrlock_nv", BLOB_MAX, &s.nv, reterr);
        if (r >= 0)
                r = decode_values(o, &s, reterr);
        if (r < 0)
                return r;
        *ret = s;
        s = (struct ingot_sealed){0};
        return 0;
}

int ingot_sealed_decode(struct ingot_span text, struct ingot_sealed *ret, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_parse(text, INGOT_SEALED_SIZE_MAX, &o, reterr);
        if (r >= 0)
                r = ingot_sealed_decode_object(o, ret, reterr);
        return r < 0 ? ingot_under(reterr, r, "sealed secret") : 0;
}

static int encode_bytes(struct json_object *o, const char *key, const struct ingot_buffer *bytes,
                        ingot_error *reterr)
{
        _cleanup_free_ char *base64 = NULL;
        int r = ingot_base64_encode(ingot_buffer_span(bytes), &base64, reterr);
        return r < 0 ? r : ingot_json_add_text(o, key, base64, reterr);
}

static int encode_blobs(struct json_object *o, const struct ingot_sealed *s, ingot_error *reterr)
{
        struct json_object *blobs = o, *hashes = o;
        const char *blob_key = "tpm2-blob", *hash_key = "tpm2-policy-hash";
        int r = 0;
        if (s->count > 1) {
                r = ingot_json_add_array(o, blob_key, &blobs, reterr);
                if (r >= 0)
                        r = ingot_json_add_array(o, hash_key, &hashes, reterr);
                blob_key = hash_key = NULL;
        }
        for (size_t i = 0; r >= 0 && i < s->count; i++) {
                r = encode_bytes(blobs, blob_key, s->blobs + i, reterr);
                if (r >= 0)
                        r = ingot_json_add_hex(hashes, hash_key, s->policies[i].digest,
                                               INGOT_SHA256_SIZE, reterr);
        }
        return r;
}

static int encode_values(struct json_object *o, const struct ingot_sealed *s, ingot_error *reterr)
{
        struct json_object *values;
        if (s->values.count == 0)
                return 0;
        int r = ingot_json_add_object(o, VALUES, &values, reterr);
        for (size_t i = 0; r >= 0 && i < s->values.count; i++) {
                const struct ingot_pcr_values *set = s->values.items + i;
                char number[4];
                snprintf(number, sizeof(number), "%u", set->pcr & 31u);
                r = ingot_json_add_hex(values, number, set->values[0], ingot_bank_size(set->bank),
                                       reterr);
        }
        return r;
}

static int encode_public_key(struct json_object *o, const struct ingot_sealed *s,
                             ingot_error *reterr)
{
        if (s->public_key.size == 0)
                return 0;
        int r = ingot_pcr_mask_encode(o, "tpm2_pubkey_pcrs", s->public_key_pcrs, reterr);
        if (r >= 0)
                r = encode_bytes(o, "tpm2_pubkey", &s->public_key, reterr);
        if (r >= 0 && s->reference)
                r = ingot_json_add_text(o, "tpm2_pubkey_ref", s->reference, reterr);
        return r;
}

int ingot_sealed_encode(const struct ingot_sealed *s, struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *slots;
        const char *text;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "type", TYPE, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "keyslots", &slots, reterr);
        if (r >= 0)
                r = encode_blobs(o, s, reterr);
        if (r >= 0)
                r = ingot_pcr_mask_encode(o, "tpm2-pcrs", s->pcrs, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "tpm2-pcr-bank", ingot_bank_name(s->bank), reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "tpm2-primary-alg", s->rsa ? "rsa" : "ecc", reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "tpm2-pin", s->pin, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "tpm2_pcrlock", s->pcrlock, reterr);
        if (r >= 0)
                r = encode_public_key(o, s, reterr);
        if (r >= 0 && s->srk.size > 0)
                r = encode_bytes(o, "tpm2_srk", &s->srk, reterr);
        if (r >= 0 && s->nv.size > 0)
                r = encode_bytes(o, "tpm2_pcrlock_nv", &s->nv, reterr);
        if (r >= 0)
                r = encode_values(o, s, reterr);
        if (r >= 0)
                r = ingot_json_text(o, true, &text, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "%s\n", text);
}
