/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* measure/lock.h with swtpm: a policy in an NV index, and what is sealed by it. */
#include "measure/lock.h"
#include "base/cleanup.h"
#include "measure/recovery-key.h"
#include "measure/seal.h"
#include "swtpm.h"
#include "test.h"

#define SECRET INGOT_SPAN("open sesame", 11)
#define PIN "cccccccc-bbbbbbbb-dddddddd-eeeeeeee-ffffffff-gggggggg-hhhhhhhh-iiiiiiii"

/* What PCR 11 has after that word was measured into zeros. */
static void value_of(const char *word, uint8_t ret[INGOT_BANK_SIZE_MAX])
{
        uint8_t both[64] = {0};
        ingot_sha256_of(word, strlen(word), both + 32);
        ingot_sha256_of(both, sizeof(both), ret);
}

/* PCR 7 is zero; PCR 11 has one of the words' values. */
static int make_sets(const char *const *words, size_t count, struct ingot_pcr_sets *ret,
                     ingot_error *reterr)
{
        uint8_t value[INGOT_BANK_SIZE_MAX] = {0};
        struct ingot_pcr_values *set;
        int r = ingot_pcr_sets_add(ret, 7, INGOT_BANK_SHA256, &set, reterr);
        if (r >= 0)
                r = ingot_pcr_values_add(set, value, reterr);
        if (r >= 0)
                r = ingot_pcr_sets_add(ret, 11, INGOT_BANK_SHA256, &set, reterr);
        for (size_t i = 0; r >= 0 && i < count; i++) {
                value_of(words[i], value);
                r = ingot_pcr_values_add(set, value, reterr);
        }
        return r;
}

struct machine {
        struct swtpm swtpm;
        struct ingot_tpm *tpm;
        struct ingot_pcrlock_policy policy; /* as pcrlock.json has it */
        struct ingot_sealed sealed;
};

static void machine_done(struct machine *m)
{
        ingot_sealed_done(&m->sealed);
        ingot_pcrlock_policy_done(&m->policy);
        ingot_tpm_close(m->tpm);
        swtpm_stop(&m->swtpm);
}
#define _cleanup_machine_ __attribute__((cleanup(machine_done)))

static bool boot(struct machine *m, const char *word)
{
        ingot_tpm_close(TAKE_PTR(m->tpm));
        bool ok = m->swtpm.where[0] ? swtpm_reboot(&m->swtpm) : swtpm_start(&m->swtpm);
        return ok && ingot_tpm_open(&m->tpm, m->swtpm.where, NULL) >= 0 &&
               swtpm_measure(m->tpm, 11, word, NULL) >= 0;
}

/* As the command does: the policy goes through pcrlock.json. */
static int lock(struct machine *m, const char *const *words, size_t count, const char *pin,
                bool nested, ingot_error *reterr)
{
        _cleanup_pcr_sets_ struct ingot_pcr_sets sets = {0};
        _cleanup_lock_ struct ingot_lock l = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_pcrlock_policy_ struct ingot_pcrlock_policy read = {0};
        struct ingot_lock_options o = {.sets = &sets,
                                       .old = m->policy.sets.count ? &m->policy : NULL,
                                       .pin = pin,
                                       .nested = nested};
        int r = make_sets(words, count, &sets, reterr);
        if (r >= 0)
                r = ingot_lock_prepare(&l, m->tpm, &o, reterr);
        if (r >= 0)
                r = ingot_pcrlock_policy_encode(&l.policy, &text, reterr);
        if (r >= 0)
                r = ingot_pcrlock_policy_decode(ingot_buffer_span(&text), &read, reterr);
        if (r >= 0)
                r = ingot_lock_activate(&l, reterr);
        if (r < 0)
                return r;
        ingot_lock_keep(&l);
        ingot_pcrlock_policy_done(&m->policy);
        m->policy = read;
        read = (struct ingot_pcrlock_policy){0};
        return 0;
}

static int seal(struct machine *m, ingot_error *reterr)
{
        const struct ingot_seal_options o = {.bank = INGOT_BANK_SHA256, .policy = &m->policy};
        return ingot_seal(m->tpm, &o, SECRET, &m->sealed, reterr);
}

static bool opens(struct machine *m, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer secret = {0};
        const struct ingot_unseal_options o = {.policy = &m->policy};
        return ingot_unseal(m->tpm, &m->sealed, &o, &secret, reterr) >= 0 &&
               secret.size == SECRET.size && memcmp(secret.data, SECRET.data, SECRET.size) == 0;
}

static const char *const words[] = {"1.0", "1.1", "1.2", "1.3", "1.4", "1.5",
                                    "1.6", "1.7", "1.8", "1.9", "2.0"};

TEST(sealed_once_it_opens_after_every_update_that_the_policy_knows)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        if (!boot(&m, "1.0"))
                SKIP("no swtpm");
        CHECK_OK(lock(&m, words, 2, PIN, false, &error));
        CHECK_OK(seal(&m, &error));
        CHECK(opens(&m, &error));
        /* The same state after a reboot, and the next release. */
        CHECK(boot(&m, "1.0"));
        CHECK(opens(&m, &error));
        CHECK(boot(&m, "1.1"));
        CHECK(opens(&m, &error));
        /* In it the policy is rolled on: the TPM gives the PIN. The old release is out. */
        CHECK_OK(lock(&m, words + 1, 2, NULL, false, &error));
        CHECK(opens(&m, &error));
        CHECK(boot(&m, "1.2"));
        CHECK(opens(&m, &error));
        CHECK(boot(&m, "1.0"));
        CHECK(!opens(&m, &error));
        CHECK_EQ(error.code, INGOT_E_REFUSED);
        CHECK(strstr(error.text, "PCR 11 is ") && strstr(error.text, "none of 2 values"));
        CHECK(!strstr(error.text, "PCR 7"));
        /* Only who has the recovery PIN can roll it from here. */
        CHECK_FAILS(lock(&m, words, 3, NULL, false, &error), INGOT_E_REFUSED, "recovery PIN");
        CHECK_FAILS(lock(&m, words, 3, "wrong", false, &error), INGOT_E_REFUSED,
                    "the recovery PIN is wrong");
        CHECK_OK(lock(&m, words, 3, PIN, false, &error));
        CHECK(opens(&m, &error));
}

TEST(a_policy_that_does_not_hold_now_is_never_written)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        _cleanup_buffer_ struct ingot_buffer before = {0}, after = {0};
        if (!boot(&m, "1.0"))
                SKIP("no swtpm");
        CHECK_FAILS(lock(&m, words + 1, 2, PIN, false, &error), INGOT_E_REFUSED, "PCR 11 is ");
        CHECK_FAILS(ingot_tpm_nv_read(m.tpm, INGOT_TPM_NV_FIRST, &before, &error), INGOT_E_NOTFOUND,
                    "no such object");
        CHECK_OK(lock(&m, words, 1, PIN, false, &error));
        CHECK_OK(seal(&m, &error));
        CHECK_OK(ingot_tpm_nv_read(m.tpm, m.policy.nv_index, &before, &error));
        CHECK_FAILS(lock(&m, words + 1, 2, NULL, false, &error), INGOT_E_REFUSED, "PCR 11 is ");
        CHECK_OK(ingot_tpm_nv_read(m.tpm, m.policy.nv_index, &after, &error));
        CHECK(before.size == after.size && memcmp(before.data, after.data, before.size) == 0);
        CHECK(opens(&m, &error));
}

/* The PIN's object is damaged, so the trial fails after the index was written. */
TEST(when_the_trial_fails_the_index_has_the_old_policy_again)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        if (!boot(&m, "1.0"))
                SKIP("no swtpm");
        CHECK_OK(lock(&m, words, 1, PIN, false, &error));
        CHECK_OK(seal(&m, &error));
        m.policy.pin_private.data[m.policy.pin_private.size - 1] ^= 1;
        CHECK_FAILS(lock(&m, words, 2, PIN, false, &error), INGOT_E_REFUSED, "the old one is back");
        CHECK(opens(&m, &error));
}

/* Discarded before it was kept: what the command does when pcrlock.json cannot be written. */
TEST(what_was_not_kept_is_undone)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        _cleanup_pcr_sets_ struct ingot_pcr_sets sets = {0};
        if (!boot(&m, "1.0"))
                SKIP("no swtpm");
        CHECK_OK(make_sets(words, 2, &sets, &error));
        for (int i = 0; i < 2; i++) {
                _cleanup_lock_ struct ingot_lock l = {0};
                const struct ingot_lock_options o = {
                        .sets = &sets, .old = i ? &m.policy : NULL, .pin = PIN};
                CHECK_OK(ingot_lock_prepare(&l, m.tpm, &o, &error));
                CHECK_OK(ingot_lock_activate(&l, &error));
                ingot_lock_discard(&l);
                if (i == 0) {
                        _cleanup_buffer_ struct ingot_buffer data = {0};
                        CHECK_FAILS(ingot_tpm_nv_read(m.tpm, INGOT_TPM_NV_FIRST, &data, &error),
                                    INGOT_E_NOTFOUND, "no such object");
                        CHECK_OK(lock(&m, words, 1, PIN, false, &error));
                        CHECK_OK(seal(&m, &error));
                }
        }
        CHECK(opens(&m, &error));
}

TEST(more_than_eight_values_only_when_it_is_asked_for)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        if (!boot(&m, "2.0"))
                SKIP("no swtpm");
        CHECK_FAILS(lock(&m, words, 11, PIN, false, &error), INGOT_E_LIMIT, "11 values");
        CHECK_OK(lock(&m, words, 11, PIN, true, &error));
        CHECK_OK(seal(&m, &error));
        CHECK(opens(&m, &error));
        CHECK(boot(&m, "1.3"));
        CHECK(opens(&m, &error));
}

TEST(an_index_that_is_gone)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        if (!boot(&m, "1.0"))
                SKIP("no swtpm");
        CHECK_OK(lock(&m, words, 1, PIN, false, &error));
        CHECK_OK(seal(&m, &error));
        CHECK_OK(ingot_tpm_nv_undefine(m.tpm, m.policy.nv_index, &error));
        CHECK_FAILS(lock(&m, words, 1, NULL, false, &error), INGOT_E_NOTFOUND, "begin anew");
        CHECK(!opens(&m, &error));
        CHECK_EQ(error.code, INGOT_E_NOTFOUND);
}

TEST(recovery_keys_are_random_and_read_as_they_were_typed)
{
        ingot_error error = {0};
        char a[INGOT_RECOVERY_KEY_LENGTH + 1], b[INGOT_RECOVERY_KEY_LENGTH + 1];
        CHECK_OK(ingot_recovery_key_new(a, &error));
        CHECK_OK(ingot_recovery_key_new(b, &error));
        CHECK_EQ(strlen(a), INGOT_RECOVERY_KEY_LENGTH);
        CHECK(strcmp(a, b) != 0);
        CHECK_EQ(strspn(a, "cbdefghijklnrtuv-"), INGOT_RECOVERY_KEY_LENGTH);
        for (size_t i = 8; i < sizeof(a); i += 9)
                CHECK_EQ(a[i], i == 71 ? 0 : '-');
        CHECK(ingot_recovery_key_normalize(a, b));
        CHECK_STR(a, b);
        CHECK(ingot_recovery_key_normalize("CCCCCCCCBBBBBBBB dddddddd-eeeeeeee ffffffffgggggggg"
                                           "hhhhhhhh-iiiiiiii",
                                           b));
        CHECK_STR(b, PIN);
        a[70] = 0;
        CHECK(!ingot_recovery_key_normalize(a, b));
        CHECK(!ingot_recovery_key_normalize(PIN "c", b));
        CHECK(!ingot_recovery_key_normalize("aaaa", b));
}
