/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/pcrlock-nv.h"
#include "base/bytes.h"

#define ALGORITHM_HMAC 0x0005
#define ALGORITHM_KEYEDHASH 0x0008
#define ALGORITHM_SHA256 0x000b
#define OBJECT_SIGN 0x00040000 /* TPMA_OBJECT */
#define ATTRIBUTES_AT 6        /* in TPMS_NV_PUBLIC: index, algorithm, attributes, policy, size */

void ingot_pcrlock_pin_of(const char *text, struct ingot_pcrlock_pin *ret)
{
        ingot_sha256_of(text, strlen(text), ret->secret);
        /* A TPM takes zeros off the end of a secret. */
        for (ret->size = sizeof(ret->secret); ret->size > 0 && ret->secret[ret->size - 1] == 0;)
                ret->size--;
}

void ingot_pcrlock_pin_public(const struct ingot_pcrlock_pin *pin,
                              uint8_t ret[INGOT_PCRLOCK_PIN_PUBLIC_SIZE])
{
        struct ingot_sha256 h;
        static const uint8_t seed[INGOT_SHA256_SIZE];
        ingot_be16_store(ret, ALGORITHM_KEYEDHASH);
        ingot_be16_store(ret + 2, ALGORITHM_SHA256);
        ingot_be32_store(ret + 4, OBJECT_SIGN);
        ingot_be16_store(ret + 8, 0); /* no policy */
        ingot_be16_store(ret + 10, ALGORITHM_HMAC);
        ingot_be16_store(ret + 12, ALGORITHM_SHA256);
        ingot_be16_store(ret + 14, INGOT_SHA256_SIZE);
        ingot_sha256_init(&h);
        ingot_sha256_update(&h, seed, sizeof(seed));
        ingot_sha256_update(&h, pin->secret, pin->size);
        ingot_sha256_final(&h, ret + 16);
}

void ingot_pcrlock_write_policy(const struct ingot_pcrlock_pin *pin, struct ingot_policy *ret)
{
        uint8_t public_area[INGOT_PCRLOCK_PIN_PUBLIC_SIZE], name[INGOT_POLICY_NAME_SIZE];
        ingot_pcrlock_pin_public(pin, public_area);
        ingot_policy_name(INGOT_SPAN(public_area, sizeof(public_area)), name);
        *ret = (struct ingot_policy){0};
        ingot_policy_signed(ret, INGOT_SPAN(name, sizeof(name)), (struct ingot_span){0});
}

void ingot_pcrlock_nv_public(uint32_t index, uint32_t attributes, const struct ingot_policy *write,
                             uint8_t ret[INGOT_PCRLOCK_NV_PUBLIC_SIZE])
{
        ingot_be32_store(ret, index);
        ingot_be16_store(ret + 4, ALGORITHM_SHA256);
        ingot_be32_store(ret + ATTRIBUTES_AT, attributes);
        ingot_be16_store(ret + 10, INGOT_SHA256_SIZE);
        memcpy(ret + 12, write->digest, INGOT_SHA256_SIZE);
        ingot_be16_store(ret + 12 + INGOT_SHA256_SIZE, INGOT_PCRLOCK_NV_DATA_SIZE);
}

void ingot_pcrlock_nv_data(const struct ingot_policy *policy,
                           uint8_t ret[INGOT_PCRLOCK_NV_DATA_SIZE])
{
        ingot_be16_store(ret, ALGORITHM_SHA256);
        memcpy(ret + 2, policy->digest, INGOT_SHA256_SIZE);
}

int ingot_pcrlock_sealed_policy(struct ingot_span public_area, struct ingot_policy *ret,
                                ingot_error *reterr)
{
        uint8_t copy[INGOT_PCRLOCK_NV_PUBLIC_SIZE], name[INGOT_POLICY_NAME_SIZE];
        if (public_area.size != sizeof(copy) ||
            ingot_be16_load(public_area.data + 4) != ALGORITHM_SHA256)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "this is not the public area of an NV index for a policy");
        memcpy(copy, public_area.data, sizeof(copy));
        uint32_t attributes = ingot_be32_load(copy + ATTRIBUTES_AT) | INGOT_NV_WRITTEN;
        ingot_be32_store(copy + ATTRIBUTES_AT, attributes);
        ingot_policy_name(INGOT_SPAN(copy, sizeof(copy)), name);
        ingot_policy_authorize_nv(ret, INGOT_SPAN(name, sizeof(name)));
        return 0;
}
