/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* measure/seal.h with swtpm, and the object that a sealed secret is. */
#include "measure/seal.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "measure/pcr-mask.h"
#include "swtpm.h"
#include "test.h"
#include "trust/key.h"

#define SECRET INGOT_SPAN("open sesame", 11)

#define START(s, t)                                                                                \
        do {                                                                                       \
                if (!swtpm_start(&(s)))                                                            \
                        SKIP("no swtpm");                                                          \
                CHECK_OK(ingot_tpm_open(&(t), (s).where, &error));                                 \
        } while (0)

static bool opens(struct ingot_tpm *t, const struct ingot_sealed *s,
                  const struct ingot_unseal_options *o, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer secret = {0};
        return ingot_unseal(t, s, o, &secret, reterr) >= 0 && secret.size == SECRET.size &&
               memcmp(secret.data, SECRET.data, SECRET.size) == 0;
}

/* Through its text, as it would be kept. */
static int reread(const struct ingot_sealed *s, struct ingot_sealed *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_sealed_encode(s, &text, reterr);
        return r < 0 ? r : ingot_sealed_decode(ingot_buffer_span(&text), ret, reterr);
}

TEST(sealed_by_pcrs_it_opens_until_one_of_them_changes_which_is_named)
{
        ingot_error error = {0};
        _cleanup_swtpm_ struct swtpm s = {0};
        _cleanup_tpm_ struct ingot_tpm *t = NULL;
        _cleanup_sealed_ struct ingot_sealed made = {0}, sealed = {0};
        const struct ingot_seal_options o = {.bank = INGOT_BANK_SHA256, .pcrs = 1u << 7 | 1u << 9};
        const struct ingot_unseal_options nothing = {0};
        START(s, t);
        CHECK_OK(swtpm_measure(t, 9, "kernel", &error));
        CHECK_OK(ingot_seal(t, &o, SECRET, &made, &error));
        CHECK_OK(reread(&made, &sealed, &error));
        CHECK(opens(t, &sealed, &nothing, &error));
        ingot_tpm_close(TAKE_PTR(t));
        CHECK(swtpm_reboot(&s));
        CHECK_OK(ingot_tpm_open(&t, s.where, &error));
        CHECK_OK(swtpm_measure(t, 9, "kernel", &error));
        CHECK(opens(t, &sealed, &nothing, &error));
        CHECK_OK(swtpm_measure(t, 9, "more", &error));
        CHECK(!opens(t, &sealed, &nothing, &error));
        CHECK_EQ(error.code, INGOT_E_REFUSED);
        CHECK(strstr(error.text, "PCR 9 is ") && !strstr(error.text, "PCR 7"));
        /* Without the values that were written down, it is known that a PCR differs, not which. */
        ingot_pcr_sets_done(&sealed.values);
        CHECK(!opens(t, &sealed, &nothing, &error));
        CHECK(strstr(error.text, "PCR 7+9 are not as they were"));
}

/* A signed policy over PCR 11 as it is now. */
static int sign_now(struct ingot_tpm *t, const struct ingot_key *key, const char *reference,
                    struct ingot_pcrsig *ret, ingot_error *reterr)
{
        _cleanup_pcr_sets_ struct ingot_pcr_sets now = {0};
        _cleanup_buffer_ struct ingot_buffer message = {0}, pkcs1 = {0};
        struct ingot_pcrsig_entry *e;
        int r = ingot_tpm_pcrs_now(t, INGOT_BANK_SHA256, 1u << 11, &now, reterr);
        if (r >= 0)
                r = ingot_pcrsig_add(ret, &e, reterr);
        if (r >= 0)
                r = ingot_key_public_pkcs1(key, &pkcs1, reterr);
        if (r < 0)
                return r;
        e->bank = INGOT_BANK_SHA256;
        e->pcrs = 1u << 11;
        ingot_sha256_of(pkcs1.data, pkcs1.size, e->key);
        ingot_policy_of_pcr(e->bank, 11, now.items[0].values[0], e->policy);
        if (reference)
                r = ingot_strdup(&e->reference, reference, reterr);
        if (r >= 0)
                r = ingot_pcrsig_to_be_signed(e, &message, reterr);
        return r < 0 ? r : ingot_key_sign(key, ingot_buffer_span(&message), &e->signature, reterr);
}

static void signed_policy(const char *reference)
{
        ingot_error error = {0};
        _cleanup_swtpm_ struct swtpm s = {0};
        _cleanup_tpm_ struct ingot_tpm *t = NULL;
        _cleanup_key_ struct ingot_key *key = NULL, *other = NULL;
        _cleanup_buffer_ struct ingot_buffer pem = {0};
        _cleanup_pcrsig_ struct ingot_pcrsig signatures = {0}, foreign = {0};
        _cleanup_sealed_ struct ingot_sealed made = {0}, sealed = {0};
        START(s, t);
        CHECK_OK(ingot_key_generate(&key, INGOT_KEY_RSA, 2048, &error));
        CHECK_OK(ingot_key_generate(&other, INGOT_KEY_RSA, 2048, &error));
        CHECK_OK(ingot_key_public_pem(key, &pem, &error));
        const struct ingot_seal_options o = {.bank = INGOT_BANK_SHA256,
                                             .pcrs = 1u << 7,
                                             .public_key = ingot_buffer_span(&pem),
                                             .public_key_pcrs = 1u << 11,
                                             .reference = reference};
        CHECK_OK(ingot_seal(t, &o, SECRET, &made, &error));
        CHECK_OK(reread(&made, &sealed, &error));
        /* The value of a release that is made later is signed by then. */
        CHECK_OK(swtpm_measure(t, 11, "another kernel", &error));
        CHECK_OK(sign_now(t, key, reference, &signatures, &error));
        CHECK_OK(sign_now(t, other, reference, &foreign, &error));
        const struct ingot_unseal_options known = {.signatures = &signatures},
                                          strange = {.signatures = &foreign}, none = {0};
        CHECK(opens(t, &sealed, &known, &error));
        CHECK(!opens(t, &sealed, &strange, &error));
        CHECK(strstr(error.text, "none of the 1 PCR signatures is by the key"));
        CHECK(!opens(t, &sealed, &none, &error));
        CHECK_EQ(error.code, INGOT_E_USAGE);
        signatures.entries[0].signature.data[0] ^= 1;
        CHECK(!opens(t, &sealed, &known, &error));
        CHECK(strstr(error.text, "the signature is wrong"));
        signatures.entries[0].signature.data[0] ^= 1;
        CHECK_OK(swtpm_measure(t, 11, "leave-initrd", &error));
        CHECK(!opens(t, &sealed, &known, &error));
        CHECK(strstr(error.text, "PCR 11 has a value that none of the key's 1 signatures is for"));
}

TEST(sealed_by_a_key_it_opens_to_what_the_key_signed)
{
        signed_policy(NULL);
}

TEST(a_signed_policy_has_a_reference)
{
        signed_policy("initrd");
}

TEST(what_cannot_be_sealed)
{
        ingot_error error = {0};
        _cleanup_swtpm_ struct swtpm s = {0};
        _cleanup_tpm_ struct ingot_tpm *t = NULL;
        _cleanup_sealed_ struct ingot_sealed sealed = {0};
        const struct ingot_seal_options nothing = {0};
        const struct ingot_seal_options no_bank = {.bank = INGOT_BANK_SHA512, .pcrs = 1u << 7};
        const struct ingot_seal_options no_key = {.public_key = INGOT_SPAN("key", 3),
                                                  .public_key_pcrs = 1u << 11};
        START(s, t);
        CHECK_FAILS(ingot_seal(t, &nothing, SECRET, &sealed, &error), INGOT_E_USAGE, "name PCRs");
        CHECK_FAILS(ingot_seal(t, &no_key, SECRET, &sealed, &error), INGOT_E_FORMAT, "key");
        int r = ingot_seal(t, &no_bank, SECRET, &sealed, &error);
        CHECK(r >= 0 || r == -INGOT_E_UNSUPPORTED);
}

static void refused(const char *text, int code, const char *words)
{
        ingot_error error = {0};
        _cleanup_sealed_ struct ingot_sealed s = {0};
        CHECK_FAILS(ingot_sealed_decode(INGOT_SPAN(text, strlen(text)), &s, &error), code, words);
}

#define HASH "0000000000000000000000000000000000000000000000000000000000000000"
#define TOKEN(members)                                                                             \
        "{\"type\":\"systemd-tpm2\",\"tpm2-blob\":\"AAAA\",\"tpm2-policy-hash\":\"" HASH           \
        "\"," members "}"

TEST(objects_that_are_no_sealed_secret)
{
        refused("[]", INGOT_E_FORMAT, "no object");
        refused("{\"type\":\"systemd-recovery\"}", INGOT_E_UNSUPPORTED, "systemd-recovery");
        refused("{\"type\":\"systemd-tpm2\"}", INGOT_E_FORMAT, "tpm2-blob");
        refused("{\"type\":\"systemd-tpm2\",\"tpm2-blob\":[],\"tpm2-policy-hash\":[]}",
                INGOT_E_FORMAT, "0 items");
        refused("{\"type\":\"systemd-tpm2\",\"tpm2-blob\":[\"AAAA\",\"AAAA\"],"
                "\"tpm2-policy-hash\":\"" HASH "\"}",
                INGOT_E_FORMAT, "2 blobs and 1 policies");
        refused("{\"type\":\"systemd-tpm2\",\"tpm2-blob\":\"AAAA\",\"tpm2-policy-hash\":\"00\"}",
                INGOT_E_FORMAT, "SHA-256");
        refused(TOKEN("\"tpm2-pcrs\":[24]"), INGOT_E_FORMAT, "no PCR");
        refused(TOKEN("\"tpm2-pcr-bank\":\"md5\""), INGOT_E_UNSUPPORTED, "md5");
        refused(TOKEN("\"tpm2_pubkey\":\"AAAA\""), INGOT_E_FORMAT, "tpm2_pubkey_pcrs");
        refused(TOKEN("\"ingot_pcr_values\":{\"7\":\"00\"}"), INGOT_E_FORMAT, "ingot_pcr_values");
}

TEST(pcrs_as_text)
{
        ingot_error error = {0};
        char text[INGOT_PCR_MASK_TEXT_MAX];
        uint32_t mask;
        CHECK_OK(ingot_pcr_mask_parse("11+7,0", &mask, &error));
        CHECK_EQ(mask, 1u << 11 | 1u << 7 | 1u);
        CHECK_STR(ingot_pcr_mask_text(mask, text), "0+7+11");
        CHECK_STR(ingot_pcr_mask_text(0, text), "");
        CHECK_EQ(strlen(ingot_pcr_mask_text(0xffffff, text)), 61);
        CHECK_FAILS(ingot_pcr_mask_parse("7+24", &mask, &error), INGOT_E_USAGE, "24");
        CHECK_FAILS(ingot_pcr_mask_parse("seven", &mask, &error), INGOT_E_USAGE, "seven");
}
