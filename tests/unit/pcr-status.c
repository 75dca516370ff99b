/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How it stands with PCRs, and with what is locked to them. */
#include "measure/pcr-status.h"
#include "base/cleanup.h"
#include "make-firmware-log.h"
#include "test.h"

struct machine {
        struct ingot_boot_log log;
        struct ingot_tpm_state tpm;
        struct ingot_pcrlock_policy policy;
        struct ingot_pcrsig signatures;
        struct ingot_unlock_facts facts;
};

static void machine_done(struct machine *m)
{
        ingot_boot_log_done(&m->log);
        ingot_tpm_state_done(&m->tpm);
        ingot_pcrlock_policy_done(&m->policy);
        ingot_pcrsig_done(&m->signatures);
}
#define _cleanup_machine_ __attribute__((cleanup(machine_done)))

/* The TPM has what the log gives, in bank sha256. */
static int boot(struct machine *m, ingot_error *reterr)
{
        struct ingot_buffer bytes = {0};
        struct ingot_replay replay;
        make_firmware_start(&bytes);
        make_firmware_boot(&bytes, "loader", "uki");
        m->log.firmware_bytes = bytes.data;
        int r = ingot_eventlog_decode(ingot_buffer_span(&bytes), &m->log.firmware, reterr);
        if (r >= 0)
                r = ingot_boot_log_replay(&m->log, &replay, reterr);
        if (r < 0)
                return r;
        memcpy(m->tpm.values, replay.pcrs, sizeof(m->tpm.values));
        m->tpm.found = true;
        m->tpm.banks = 1u << INGOT_BANK_SHA256;
        m->tpm.have[INGOT_BANK_SHA256] = 0xffffff;
        m->facts.tpm = &m->tpm;
        return 0;
}

static uint8_t *value(struct machine *m, unsigned pcr)
{
        return m->tpm.values[pcr].value[INGOT_BANK_SHA256];
}

static int lock(struct machine *m, unsigned pcr, ingot_error *reterr)
{
        struct ingot_pcr_values *set;
        int r = ingot_pcr_sets_add(&m->policy.sets, pcr, INGOT_BANK_SHA256, &set, reterr);
        m->facts.policy = &m->policy;
        return r < 0 ? r : ingot_pcr_values_add(set, value(m, pcr), reterr);
}

TEST(each_pcr_stands_as_log_and_tpm_say)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        enum ingot_pcr_standing pcrs[INGOT_PCR_COUNT];
        CHECK_OK(boot(&m, &error));
        value(&m, 5)[0] ^= 1;
        value(&m, 14)[0] ^= 1;
        value(&m, 10)[0] ^= 1; /* IMA's */
        m.tpm.have[INGOT_BANK_SHA256] &= ~(1u << 6);
        CHECK_OK(ingot_pcr_stand(&m.log, &m.tpm, pcrs, &error));
        CHECK_EQ(pcrs[4], INGOT_PCR_EXPLAINED);
        CHECK_EQ(pcrs[5], INGOT_PCR_DIFFERS);
        CHECK_EQ(pcrs[6], INGOT_PCR_UNREAD);
        CHECK_EQ(pcrs[9], INGOT_PCR_EMPTY);
        CHECK_EQ(pcrs[10], INGOT_PCR_UNLOGGED);
        CHECK_EQ(pcrs[14], INGOT_PCR_DIFFERS);
        CHECK_EQ(pcrs[17], INGOT_PCR_EMPTY);
        CHECK_OK(ingot_pcr_stand(NULL, &m.tpm, pcrs, &error));
        CHECK_EQ(pcrs[4], INGOT_PCR_UNLOGGED);
}

TEST(a_policy_unlocks_or_says_why_not)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        _cleanup_buffer_ struct ingot_buffer why = {0};
        enum ingot_unlock unlocks;
        CHECK_OK(boot(&m, &error));
        CHECK_OK(lock(&m, 4, &error));
        CHECK_OK(lock(&m, 7, &error));
        m.tpm.policy_asked = m.tpm.policy_held = true;
        CHECK_OK(ingot_policy_unlocks(&m.facts, &unlocks, &why, &error));
        CHECK(unlocks == INGOT_UNLOCK_YES && why.size == 0);
        m.tpm.have[INGOT_BANK_SHA256] = 1u << 7;
        CHECK_OK(ingot_policy_unlocks(&m.facts, &unlocks, &why, &error));
        CHECK_EQ(unlocks, INGOT_UNLOCK_UNKNOWN);
        value(&m, 7)[0] ^= 1;
        m.tpm.policy_held = false;
        why.size = 0;
        CHECK_OK(ingot_policy_unlocks(&m.facts, &unlocks, &why, &error));
        CHECK_EQ(unlocks, INGOT_UNLOCK_NO);
        CHECK_STR((char *) why.data, "the TPM's values are not known; PCR 7: a value that it does "
                                     "not have; the NV index holds another policy");
}

static void check_sealed(struct machine *m, const struct ingot_sealed *s, enum ingot_unlock want,
                         const char *words)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer why = {0};
        enum ingot_unlock unlocks;
        CHECK_OK(ingot_sealed_unlocks(s, &m->facts, &unlocks, &why, &error));
        CHECK_EQ(unlocks, want);
        CHECK(why.size ? strstr((char *) why.data, words) != NULL : !*words);
}

TEST(sealed_by_pcrs_alone_is_computed)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        struct ingot_sealed s = {.count = 1, .pcrs = 1u << 7, .bank = INGOT_BANK_SHA256};
        CHECK_OK(boot(&m, &error));
        ingot_policy_pcr(s.policies, s.bank, s.pcrs, INGOT_SPAN(value(&m, 7), 32));
        check_sealed(&m, &s, INGOT_UNLOCK_YES, "");
        s.pin = true;
        check_sealed(&m, &s, INGOT_UNLOCK_NO, "changed");
        ingot_policy_auth_value(s.policies);
        check_sealed(&m, &s, INGOT_UNLOCK_YES, "");
        value(&m, 7)[0] ^= 1;
        check_sealed(&m, &s, INGOT_UNLOCK_NO, "changed");
        m.tpm.have[INGOT_BANK_SHA256] = 0;
        check_sealed(&m, &s, INGOT_UNLOCK_UNKNOWN, "not written down");
}

TEST(sealed_by_a_key_needs_a_signature_for_now)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        struct ingot_pcrsig_entry *e;
        _cleanup_sealed_ struct ingot_sealed s = {
                .count = 1, .public_key_pcrs = 1u << 11, .bank = INGOT_BANK_SHA256};
        CHECK_OK(boot(&m, &error));
        CHECK_OK(ingot_buffer_append(&s.public_key, "key", 3, &error));
        check_sealed(&m, &s, INGOT_UNLOCK_UNKNOWN, "no tpm2-pcr-signature.json");
        m.facts.signatures = &m.signatures;
        check_sealed(&m, &s, INGOT_UNLOCK_NO, "no signature");
        CHECK_OK(ingot_pcrsig_add(&m.signatures, &e, &error));
        ingot_policy_of_pcr(INGOT_BANK_SHA256, 11, value(&m, 11), e->policy);
        check_sealed(&m, &s, INGOT_UNLOCK_YES, "");
}

TEST(sealed_by_the_policy_of_an_index)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        _cleanup_buffer_ struct ingot_buffer words = {0};
        _cleanup_sealed_ struct ingot_sealed s = {
                .count = 1, .pcrlock = true, .bank = INGOT_BANK_SHA256};
        CHECK_OK(boot(&m, &error));
        check_sealed(&m, &s, INGOT_UNLOCK_UNKNOWN, "no pcrlock.json");
        CHECK_OK(lock(&m, 4, &error));
        check_sealed(&m, &s, INGOT_UNLOCK_YES, "");
        CHECK_OK(ingot_buffer_append(&s.nv, "index", 5, &error));
        check_sealed(&m, &s, INGOT_UNLOCK_NO, "another NV index");
        s.pcrs = 1u << 7;
        s.pin = true;
        CHECK_OK(ingot_sealed_text(&s, &words, &error));
        CHECK_STR((char *) words.data, "the policy of pcrlock.json, and PCR 7, and a PIN");
}

/* One event into PCR 4, which a manifest knows, or does not. */
static int measured(struct ingot_measured_profile *p, const char *word, ingot_error *reterr)
{
        struct ingot_measured_event *e;
        _cleanup_records_ struct ingot_records records = {0};
        int r = ingot_measured_profile_add(p, &e, reterr);
        if (r >= 0 && !word)
                e->state = INGOT_MEASURED_UNKNOWN;
        if (r >= 0 && !word)
                return ingot_strdup(&e->reason, "chance", reterr);
        if (r >= 0)
                r = ingot_records_measure(&records, 4, made_text(word), reterr);
        if (r >= 0)
                e->record = records.items[0];
        return r;
}

static void profile_done(struct ingot_measured_profile *p)
{
        for (size_t i = 0; i < p->count; i++)
                ingot_measured_event_done(p->events + i);
        free(p->events);
}

TEST(the_next_boot_by_its_manifest)
{
        ingot_error error = {0};
        static const char *const cases[] = {"1.0", "6.6", NULL};
        static const enum ingot_unlock want[] = {INGOT_UNLOCK_YES, INGOT_UNLOCK_NO,
                                                 INGOT_UNLOCK_UNKNOWN};
        static const char *const words[] = {"", "PCR 4: its value is none of the policy's",
                                            "PCR 4: chance"};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_machine_ struct machine m = {0};
                _cleanup_buffer_ struct ingot_buffer why = {0};
                _cleanup_(profile_done) struct ingot_measured_profile p = {0};
                const struct ingot_next_boot next = {.profile = &p, .log = &m.log};
                struct ingot_record record = {.pcr = 4, .banks = 1u << INGOT_BANK_SHA256};
                struct ingot_pcr pcr = {0};
                enum ingot_unlock unlocks;
                CHECK_OK(boot(&m, &error));
                CHECK_OK(measured(&p, cases[i], &error));
                if (!cases[i])
                        p.events[0].record.pcr = 4;
                CHECK_OK(ingot_bank_digest(INGOT_BANK_SHA256, made_text("1.0"),
                                           record.digest[INGOT_BANK_SHA256], &error));
                CHECK_OK(ingot_record_extend(&record, &pcr, &error));
                memcpy(value(&m, 4), pcr.value[INGOT_BANK_SHA256], 32);
                CHECK_OK(lock(&m, 4, &error));
                CHECK_OK(lock(&m, 7, &error));
                CHECK_OK(ingot_policy_unlocks_next(&m.policy, &next, &unlocks, &why, &error));
                CHECK_EQ(unlocks, want[i]);
                CHECK_STR(why.size ? (char *) why.data : "", words[i]);
        }
}
