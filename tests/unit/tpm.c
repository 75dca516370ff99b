/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* os/tpm.h, with swtpm as the TPM. */
#include "os/tpm.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "measure/pcrlock-nv.h"
#include "swtpm.h"
#include "test.h"

#include <stdlib.h>

#define SHA256 0x000b
#define SECRET INGOT_SPAN("0123456789abcdef0123456789abcdef", 32)

#define START(s)                                                                                   \
        do {                                                                                       \
                if (!swtpm_start(&(s)))                                                            \
                        SKIP("no swtpm");                                                          \
        } while (0)

TEST(it_says_what_it_is_and_gives_its_pcrs)
{
        ingot_error error;
        _cleanup_swtpm_ struct swtpm s = {0};
        _cleanup_tpm_ struct ingot_tpm *t = NULL;
        struct ingot_tpm_about about;
        struct ingot_tpm_pcrs before, after;
        uint8_t expect[2 * INGOT_SHA256_SIZE] = {0}, word[INGOT_SHA256_SIZE];
        START(s);
        CHECK_OK(ingot_tpm_open(&t, s.where, &error));
        CHECK_OK(ingot_tpm_query(t, &about, &error));
        CHECK_STR(about.manufacturer, "IBM");
        CHECK(about.policy_authorize_nv);
        CHECK(about.revision >= 138 && about.nv_index_max >= 34);
        bool found = false;
        for (size_t i = 0; i < about.bank_count; i++)
                found = found ||
                        (about.banks[i].algorithm == SHA256 && about.banks[i].pcrs == 0xffffff);
        CHECK(found);
        CHECK_OK(ingot_tpm_pcr_read(t, SHA256, 0xffffff, &before, &error));
        CHECK_EQ(before.have, 0xffffff);
        CHECK_EQ(before.value[17][0], 0xff);
        ingot_sha256_of("word", 4, word);
        CHECK_OK(ingot_tpm_pcr_extend(t, 11, SHA256, INGOT_SPAN(word, 32), &error));
        CHECK_OK(ingot_tpm_pcr_read(t, SHA256, 1u << 11 | 1u << 12, &after, &error));
        CHECK_EQ(after.have, 1u << 11 | 1u << 12);
        memcpy(expect + 32, word, 32);
        ingot_sha256_of(expect, 64, word);
        CHECK(memcmp(after.value[11], word, 32) == 0);
        CHECK(memcmp(after.value[12], before.value[12], 32) == 0);
}

static int policy_of_pcrs(struct ingot_tpm *t, uint32_t pcrs, uint8_t ret[32], ingot_error *reterr)
{
        _cleanup_tpm_session_ struct ingot_tpm_session s = {0};
        int r = ingot_tpm_session_start(t, &s, reterr);
        if (r >= 0)
                r = ingot_tpm_policy_pcr(&s, SHA256, pcrs, reterr);
        return r < 0 ? r : ingot_tpm_policy_digest(&s, ret, reterr);
}

static int unseal(struct ingot_tpm *t, uint32_t pcrs, const struct ingot_buffer *blob,
                  struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_tpm_session_ struct ingot_tpm_session s = {0};
        int r = ingot_tpm_session_start(t, &s, reterr);
        if (r >= 0)
                r = ingot_tpm_policy_pcr(&s, SHA256, pcrs, reterr);
        return r < 0 ? r : ingot_tpm_unseal(&s, ingot_buffer_span(blob), ret, reterr);
}

TEST(a_secret_comes_out_with_the_same_pcrs_only)
{
        ingot_error error;
        _cleanup_swtpm_ struct swtpm s = {0};
        _cleanup_tpm_ struct ingot_tpm *t = NULL;
        _cleanup_buffer_ struct ingot_buffer blob = {0}, public = {0}, secret = {0}, srk = {0};
        uint8_t policy[32];
        START(s);
        CHECK_OK(ingot_tpm_open(&t, s.where, &error));
        CHECK_OK(policy_of_pcrs(t, 1u << 7 | 1u << 11, policy, &error));
        CHECK_OK(ingot_tpm_seal(t, policy, SECRET, &blob, &public, &error));
        CHECK_OK(ingot_buffer_append(&blob, public.data, public.size, &error));
        CHECK_OK(ingot_tpm_srk(t, &srk, &error));
        CHECK_OK(unseal(t, 1u << 7 | 1u << 11, &blob, &secret, &error));
        CHECK_EQ(secret.size, 32);
        CHECK(memcmp(secret.data, SECRET.data, 32) == 0);
        /* The same after a reboot … */
        ingot_tpm_close(TAKE_PTR(t));
        CHECK(swtpm_reboot(&s));
        CHECK_OK(ingot_tpm_open(&t, s.where, &error));
        CHECK_OK(ingot_tpm_srk_check(t, ingot_buffer_span(&srk), &error));
        CHECK_OK(unseal(t, 1u << 7 | 1u << 11, &blob, &secret, &error));
        /* … but not when something else was measured, nor by another policy. */
        CHECK_FAILS(unseal(t, 1u << 7, &blob, &secret, &error), INGOT_E_REFUSED,
                    "the policy does not hold");
        CHECK_OK(ingot_tpm_pcr_extend(t, 11, SHA256, INGOT_SPAN(policy, 32), &error));
        CHECK_FAILS(unseal(t, 1u << 7 | 1u << 11, &blob, &secret, &error), INGOT_E_REFUSED,
                    "the policy does not hold");
        /* Cut or changed, it is refused with another word. */
        blob.size--;
        CHECK_FAILS(unseal(t, 1u << 7, &blob, &secret, &error), INGOT_E_FORMAT, "malformed");
        blob.size++;
        blob.data[20] ^= 1;
        CHECK_FAILS(unseal(t, 1u << 7, &blob, &secret, &error), INGOT_E_REFUSED,
                    "storage root key");
}

TEST(another_tpm_s_storage_key_is_told)
{
        ingot_error error;
        _cleanup_swtpm_ struct swtpm a = {0}, b = {0};
        _cleanup_tpm_ struct ingot_tpm *t = NULL, *u = NULL;
        _cleanup_buffer_ struct ingot_buffer srk = {0};
        START(a);
        START(b);
        CHECK_OK(ingot_tpm_open(&t, a.where, &error));
        CHECK_OK(ingot_tpm_open(&u, b.where, &error));
        CHECK_OK(ingot_tpm_srk(t, &srk, &error));
        CHECK_OK(ingot_tpm_srk_check(t, ingot_buffer_span(&srk), &error));
        CHECK_FAILS(ingot_tpm_srk_check(u, ingot_buffer_span(&srk), &error), INGOT_E_REFUSED,
                    "another TPM");
        srk.size /= 2;
        CHECK_FAILS(ingot_tpm_srk_check(t, ingot_buffer_span(&srk), &error), INGOT_E_FORMAT,
                    "malformed");
}

TEST(a_secret_too_long_for_a_tpm)
{
        ingot_error error;
        _cleanup_swtpm_ struct swtpm s = {0};
        _cleanup_tpm_ struct ingot_tpm *t = NULL;
        _cleanup_buffer_ struct ingot_buffer private = {0}, public = {0};
        uint8_t policy[32] = {0}, secret[INGOT_TPM_SECRET_MAX + 1] = {0};
        START(s);
        CHECK_OK(ingot_tpm_open(&t, s.where, &error));
        CHECK_FAILS(ingot_tpm_seal(t, policy, INGOT_SPAN(secret, sizeof(secret)), &private, &public,
                                   &error),
                    INGOT_E_LIMIT, "1 to 128 bytes");
        CHECK_OK(ingot_tpm_seal(t, policy, INGOT_SPAN(secret, sizeof(secret) - 1), &private,
                                &public, &error));
}

static int write_index(struct ingot_tpm *t, uint32_t index, const char *text,
                       struct ingot_span data, ingot_error *reterr)
{
        _cleanup_tpm_session_ struct ingot_tpm_session s = {0};
        struct ingot_pcrlock_pin pin;
        ingot_pcrlock_pin_of(text, &pin);
        int r = ingot_tpm_session_start(t, &s, reterr);
        if (r >= 0)
                r = ingot_tpm_policy_signed(&s, INGOT_SPAN(pin.secret, pin.size), reterr);
        return r < 0 ? r : ingot_tpm_nv_write(&s, index, data, reterr);
}

TEST(an_nv_index_is_written_by_who_knows_its_pin)
{
        ingot_error error;
        _cleanup_swtpm_ struct swtpm s = {0};
        _cleanup_tpm_ struct ingot_tpm *t = NULL;
        _cleanup_buffer_ struct ingot_buffer data = {0};
        _cleanup_tpm_nv_ struct ingot_tpm_nv nv = {0};
        struct ingot_pcrlock_pin pin;
        struct ingot_policy write;
        const uint8_t *policy = write.digest;
        uint8_t digest[32];
        uint32_t index, second;
        START(s);
        CHECK_OK(ingot_tpm_open(&t, s.where, &error));
        ingot_pcrlock_pin_of("pin", &pin);
        ingot_pcrlock_write_policy(&pin, &write);
        CHECK_OK(ingot_tpm_nv_define(t, 0, policy, 32, &index, &error));
        CHECK_EQ(index, INGOT_TPM_NV_FIRST);
        CHECK_EQ(ingot_tpm_nv_read(t, index, &data, &error), 1);
        CHECK_FAILS(write_index(t, index, "pim", SECRET, &error), INGOT_E_REFUSED, "NV index");
        CHECK_OK(write_index(t, index, "pin", SECRET, &error));
        CHECK_EQ(ingot_tpm_nv_read(t, index, &data, &error), 0);
        CHECK(data.size == 32 && memcmp(data.data, SECRET.data, 32) == 0);
        CHECK_FAILS(ingot_tpm_nv_define(t, index, policy, 32, &second, &error), INGOT_E_CONFLICT,
                    "already");
        CHECK_OK(ingot_tpm_nv_define(t, 0, policy, 32, &second, &error));
        CHECK_EQ(second, INGOT_TPM_NV_FIRST + 1);
        CHECK_OK(ingot_tpm_nv_public(t, index, &nv, &error));
        ingot_sha256_of(nv.public_area.data + 2, nv.public_area.size - 2, digest);
        CHECK(memcmp(nv.name + 2, digest, 32) == 0);
        CHECK_OK(ingot_tpm_nv_undefine(t, index, &error));
        CHECK_FAILS(ingot_tpm_nv_read(t, index, &data, &error), INGOT_E_NOTFOUND, "no such object");
}

TEST(places_where_no_tpm_is)
{
        ingot_error error;
        struct ingot_tpm *t = NULL;
        CHECK_FAILS(ingot_tpm_open(&t, "/nowhere/tpm", &error), INGOT_E_NOTFOUND, "no TPM");
        CHECK_FAILS(ingot_tpm_open(&t, "tabrmd:", &error), INGOT_E_USAGE, "names no TPM");
        CHECK_FAILS(ingot_tpm_open(&t, "swtpm:prot=1", &error), INGOT_E_USAGE, "prot=1");
        CHECK_FAILS(ingot_tpm_open(&t, "swtpm:path=/nowhere/socket", &error), INGOT_E_SYSTEM,
                    "connect to swtpm");
        CHECK(!t);
}

TEST(a_tpm_that_ends_is_told)
{
        ingot_error error;
        _cleanup_swtpm_ struct swtpm s = {0};
        _cleanup_tpm_ struct ingot_tpm *t = NULL;
        struct ingot_tpm_about about;
        START(s);
        CHECK_OK(ingot_tpm_open(&t, s.where, &error));
        swtpm_stop(&s);
        CHECK_FAILS(ingot_tpm_query(t, &about, &error), INGOT_E_SYSTEM, "ask what it can");
        CHECK(error.os != 0);
}
