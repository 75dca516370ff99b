/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* .pcrsig: made, read, checked. */
#include "measure/pcrsig.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json-read.h"
#include "base/text.h"
#include "measure/pcr-mask.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE_MAX 2048 /* bytes: RSA of 16384 bits */

void ingot_pcrsig_done(struct ingot_pcrsig *s)
{
        for (size_t i = 0; i < s->count; i++) {
                free(s->entries[i].reference);
                ingot_buffer_done(&s->entries[i].signature);
        }
        free(s->entries);
        *s = (struct ingot_pcrsig){0};
}

int ingot_pcrsig_add(struct ingot_pcrsig *s, struct ingot_pcrsig_entry **ret, ingot_error *reterr)
{
        if (s->count == INGOT_PCRSIG_ENTRIES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d PCR signatures",
                                  INGOT_PCRSIG_ENTRIES_MAX);
        struct ingot_pcrsig_entry *more =
                reallocarray(s->entries, s->count + 1, sizeof(*s->entries));
        if (!more)
                return ingot_fail_nomem(reterr);
        s->entries = more;
        *ret = more + s->count++;
        **ret = (struct ingot_pcrsig_entry){0};
        return 0;
}

static int decode_entry(struct json_object *o, struct ingot_pcrsig_entry *e, ingot_error *reterr)
{
        const char *text;
        if (!json_object_is_type(o, json_type_object))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no object");
        int r = ingot_pcr_mask_decode(o, "pcrs", &e->pcrs, reterr);
        if (r > 0)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "no member 'pcrs'");
        if (r >= 0)
                r = ingot_json_get_hex(o, "pkfp", e->key, sizeof(e->key), reterr);
        if (r >= 0)
                r = ingot_json_get_hex(o, "pol", e->policy, sizeof(e->policy), reterr);
        if (r >= 0)
                r = ingot_json_want_text(o, "ref", &text, reterr);
        if (r >= 0 && text)
                r = ingot_strdup(&e->reference, text, reterr);
        if (r >= 0)
                r = ingot_json_want_text(o, "sig", &text, reterr);
        if (r >= 0 && text)
                r = ingot_json_get_base64(o, "sig", &e->signature, reterr);
        if (r >= 0 && e->signature.size > SIGNATURE_MAX)
                r = ingot_fail(reterr, INGOT_E_LIMIT, "'sig' has %zu bytes", e->signature.size);
        return r;
}

static int decode_bank(struct ingot_pcrsig *s, enum ingot_bank bank, struct json_object *list,
                       ingot_error *reterr)
{
        if (!json_object_is_type(list, json_type_array))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no list");
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                struct ingot_pcrsig_entry *e;
                int r = ingot_pcrsig_add(s, &e, reterr);
                if (r < 0)
                        return r;
                e->bank = bank;
                r = decode_entry(json_object_array_get_idx(list, i), e, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "entry %zu", i + 1);
        }
        return 0;
}

int ingot_pcrsig_decode(struct ingot_span text, struct ingot_pcrsig *ret, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_pcrsig_ struct ingot_pcrsig s = {0};
        int r = ingot_json_parse(text, INGOT_PCRSIG_SIZE_MAX, &o, reterr);
        if (r < 0)
                return r;
        if (!json_object_is_type(o, json_type_object))
                return ingot_fail(reterr, INGOT_E_FORMAT, "PCR signatures: no object");
        json_object_object_foreach(o, name, list)
        {
                enum ingot_bank bank;
                if (!ingot_bank_parse(name, &bank))
                        continue;
                r = decode_bank(&s, bank, list, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "PCR signatures: %s", name);
        }
        *ret = s;
        s = (struct ingot_pcrsig){0};
        return 0;
}

static int encode_entry(const struct ingot_pcrsig_entry *e, struct json_object *list,
                        ingot_error *reterr)
{
        struct json_object *o;
        _cleanup_free_ char *base64 = NULL;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_pcr_mask_encode(o, "pcrs", e->pcrs, reterr);
        if (r >= 0)
                r = ingot_json_add_hex(o, "pkfp", e->key, sizeof(e->key), reterr);
        if (r >= 0 && e->reference)
                r = ingot_json_add_text(o, "ref", e->reference, reterr);
        if (r >= 0)
                r = ingot_json_add_hex(o, "pol", e->policy, sizeof(e->policy), reterr);
        if (r < 0 || e->signature.size == 0)
                return r;
        r = ingot_base64_encode(ingot_buffer_span(&e->signature), &base64, reterr);
        return r < 0 ? r : ingot_json_add_text(o, "sig", base64, reterr);
}

int ingot_pcrsig_encode(const struct ingot_pcrsig *s, struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        const char *text;
        int r = ingot_json_new_object(&o, reterr);
        for (size_t i = 0; r >= 0 && i < s->count; i++) {
                const char *bank = ingot_bank_name(s->entries[i].bank);
                struct json_object *list;
                if (!json_object_object_get_ex(o, bank, &list))
                        r = ingot_json_add_array(o, bank, &list, reterr);
                if (r >= 0)
                        r = encode_entry(s->entries + i, list, reterr);
        }
        if (r >= 0)
                r = ingot_json_text(o, false, &text, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "%s", text);
}

int ingot_pcrsig_key(struct evp_pkey_st *key, uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        uint8_t *der = NULL;
        if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "a key for PCR policies must be RSA: TPMs check no other");
        int size = i2d_PublicKey(key, &der);
        if (size <= 0)
                return ingot_fail_nomem(reterr);
        ingot_sha256_of(der, (size_t) size, ret);
        OPENSSL_free(der);
        return 0;
}

int ingot_pcrsig_to_be_signed(const struct ingot_pcrsig_entry *e, struct ingot_buffer *ret,
                              ingot_error *reterr)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        int r = ingot_buffer_append(ret, e->policy, sizeof(e->policy), reterr);
        if (r < 0 || !e->reference)
                return r;
        ingot_sha256_of(e->reference, strlen(e->reference), digest);
        return ingot_buffer_append(ret, digest, sizeof(digest), reterr);
}

static void free_context(EVP_MD_CTX **c)
{
        EVP_MD_CTX_free(*c);
}

int ingot_pcrsig_check(const struct ingot_pcrsig_entry *e, struct evp_pkey_st *key,
                       ingot_error *reterr)
{
        uint8_t fingerprint[INGOT_SHA256_SIZE];
        _cleanup_buffer_ struct ingot_buffer message = {0};
        _cleanup_(free_context) EVP_MD_CTX *c = EVP_MD_CTX_new();
        EVP_PKEY_CTX *pc = NULL;
        int r = ingot_pcrsig_key(key, fingerprint, reterr);
        if (r >= 0 && memcmp(fingerprint, e->key, sizeof(fingerprint)) != 0)
                r = ingot_fail(reterr, INGOT_E_REFUSED, "PCR signature: made by another key");
        if (r >= 0)
                r = ingot_pcrsig_to_be_signed(e, &message, reterr);
        if (r < 0)
                return r;
        if (!c || EVP_DigestVerifyInit(c, &pc, EVP_sha256(), NULL, key) != 1 ||
            EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PADDING) != 1)
                return ingot_fail_nomem(reterr);
        if (EVP_DigestVerify(c, e->signature.data, e->signature.size, message.data, message.size) !=
            1)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "PCR signature: it is not this key's over this policy");
        return 0;
}

int ingot_pcrsig_of_uki(const struct ingot_reader *r, const struct ingot_uki *uki, uint32_t profile,
                        unsigned wanted, const uint8_t key[INGOT_SHA256_SIZE],
                        struct ingot_pcrsig *ret, ingot_error *reterr)
{
        _cleanup_pcrsig_ struct ingot_pcrsig s = {0};
        struct ingot_pcr booted;
        int e = ingot_pcr11_of_uki(r, uki, profile, &booted, reterr);
        for (enum ingot_bank bank = 0; e >= 0 && bank < INGOT_BANK_MAX; bank++)
                for (size_t i = 0; e >= 0 && wanted >> bank & 1 && ingot_pcr11_paths[i]; i++) {
                        struct ingot_pcr pcr = booted;
                        struct ingot_pcrsig_entry *entry;
                        e = ingot_pcr11_phases(&pcr, ingot_pcr11_paths[i], reterr);
                        if (e >= 0)
                                e = ingot_pcrsig_add(&s, &entry, reterr);
                        if (e < 0)
                                break;
                        entry->bank = bank;
                        entry->pcrs = 1u << INGOT_PCRSIG_PCR;
                        memcpy(entry->key, key, sizeof(entry->key));
                        ingot_policy_of_pcr(bank, INGOT_PCRSIG_PCR, pcr.value[bank],
                                            entry->policy);
                }
        if (e < 0)
                return e;
        *ret = s;
        s = (struct ingot_pcrsig){0};
        return 0;
}
