/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which locks of a machine open after the restart into a release. */
#include "update/tpm-check.h"
#include "base/cleanup.h"
#include "make-firmware-log.h"
#include "make-pe.h"
#include "measure/measurement-loader.h"
#include "test.h"

#define BANK INGOT_BANK_SHA256
#define SIZE 32

/* The machine as it runs: PCR n of its TPM was measured "old" into, but PCR 11 has grown since. */
struct machine {
        struct ingot_tpm_state tpm;
        struct ingot_boot_log log;
        struct ingot_pcrlock_policy policy;
        struct ingot_unlock_facts facts;
        struct ingot_measurement m; /* of the new release */
        struct ingot_measured_profile *profile;
        struct ingot_tpm_check check;
        struct ingot_luks_tokens tokens;
        struct ingot_tpm_locks locks;
};

static void machine_done(struct machine *m)
{
        ingot_boot_log_done(&m->log);
        ingot_tpm_state_done(&m->tpm);
        ingot_pcrlock_policy_done(&m->policy);
        ingot_measurement_done(&m->m);
        ingot_luks_tokens_done(&m->tokens);
        ingot_tpm_locks_done(&m->locks);
}
#define _cleanup_machine_ __attribute__((cleanup(machine_done)))

static int extend(struct ingot_pcr *pcr, const char *word, ingot_error *reterr)
{
        return ingot_pcr_extend(pcr, made_text(word), reterr);
}

/* The release measures WORD into PCR; NULL: something that is not known. */
static int measures(struct machine *m, uint32_t pcr, const char *word, ingot_error *reterr)
{
        struct ingot_measured_event *e;
        int r = ingot_measured_profile_add(m->profile, &e, reterr);
        if (r < 0)
                return r;
        e->record.pcr = pcr;
        if (!word) {
                e->state = INGOT_MEASURED_UNKNOWN;
                return ingot_strdup(&e->reason, "chance", reterr);
        }
        e->record.banks = (1u << INGOT_BANK_MAX) - 1;
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                r = ingot_bank_digest(bank, made_text(word), e->record.digest[bank], reterr);
        return r;
}

static int start(struct machine *m, ingot_error *reterr)
{
        m->tpm.found = true;
        m->tpm.banks = 1u << BANK;
        m->tpm.have[BANK] = 0xffffff;
        m->facts.tpm = &m->tpm;
        int r = ingot_measurement_add(&m->m, &m->profile, reterr);
        for (unsigned i = 0; r >= 0 && i < 12; i++)
                r = extend(m->tpm.values + i, "old", reterr);
        if (r >= 0)
                r = extend(m->tpm.values + 11, "ready", reterr);
        m->check = (struct ingot_tpm_check){.profile = m->profile, .facts = &m->facts};
        m->tokens.items = calloc(4, sizeof(*m->tokens.items));
        return r < 0 || m->tokens.items ? r : ingot_fail_nomem(reterr);
}

/* A token of PCRs that have the values of now. */
static int add_token(struct machine *m, uint32_t pcrs, struct ingot_sealed **ret,
                     ingot_error *reterr)
{
        struct ingot_luks_token *t = m->tokens.items + m->tokens.count;
        _cleanup_buffer_ struct ingot_buffer values = {0};
        t->id = m->tokens.count++;
        t->sealed = (struct ingot_sealed){.count = 1, .pcrs = pcrs, .bank = BANK};
        *ret = &t->sealed;
        int r = ingot_strdup(&t->type, "systemd-tpm2", reterr);
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++)
                if (pcrs >> i & 1)
                        r = ingot_buffer_append(&values, m->tpm.values[i].value[BANK], SIZE,
                                                reterr);
        if (r >= 0)
                ingot_policy_pcr(t->sealed.policies, BANK, pcrs, ingot_buffer_span(&values));
        return r;
}

/* The policy in the NV index, over the value that "WORD" makes of PCR. */
static int add_policy(struct machine *m, unsigned pcr, const char *word, ingot_error *reterr)
{
        struct ingot_pcr_values *set;
        struct ingot_pcr value = {0};
        int r = ingot_pcr_sets_add(&m->policy.sets, pcr, BANK, &set, reterr);
        if (r >= 0)
                r = extend(&value, word, reterr);
        if (r >= 0)
                r = ingot_pcr_values_add(set, value.value[BANK], reterr);
        if (r >= 0 && strcmp(word, "old") != 0)
                r = ingot_pcr_values_add(set, m->tpm.values[pcr].value[BANK], reterr);
        m->facts.policy = &m->policy;
        return r < 0 ? r : 0;
}

static int judge(struct machine *m, ingot_error *reterr)
{
        ingot_tpm_locks_done(&m->locks);
        int r = ingot_tpm_check_policy(&m->check, "/pcrlock.json", &m->locks, reterr);
        return r < 0 ? r
                     : ingot_tpm_check_volume(&m->check, "/dev/vda5", &m->tokens, &m->locks,
                                              reterr);
}

static void expect(struct machine *m, size_t index, enum ingot_unlock want, const char *why)
{
        ingot_error error = {0};
        CHECK_OK(judge(m, &error));
        CHECK(index < m->locks.count);
        CHECK_EQ(m->locks.items[index].opens, want);
        CHECK_STR(m->locks.items[index].why ? m->locks.items[index].why : "", why);
}

TEST(a_machine_without_locks_has_nothing_to_say)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        CHECK_OK(start(&m, &error));
        CHECK_OK(judge(&m, &error));
        CHECK_EQ(m.locks.count, 0);
        CHECK_OK(ingot_tpm_locks_check(&m.locks, "2", NULL, &error));
}

TEST(a_policy_that_has_the_new_values_opens)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        CHECK_OK(start(&m, &error));
        CHECK_OK(measures(&m, 4, "new", &error));
        CHECK_OK(add_policy(&m, 4, "new", &error));
        CHECK_OK(add_policy(&m, 7, "old", &error));
        expect(&m, 0, INGOT_UNLOCK_YES, "");
        CHECK_STR(m.locks.items[0].what, "the policy over PCR 4+7");
        CHECK_OK(ingot_tpm_locks_check(&m.locks, "2", NULL, &error));
}

TEST(a_policy_without_the_new_values_is_refused_by_pcr_and_command)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        CHECK_OK(start(&m, &error));
        CHECK_OK(measures(&m, 4, "new", &error));
        CHECK_OK(add_policy(&m, 4, "old", &error));
        expect(&m, 0, INGOT_UNLOCK_NO, "PCR 4: its value is none of the policy's");
        CHECK_FAILS(ingot_tpm_locks_check(&m.locks, "2", NULL, &error), INGOT_E_REFUSED,
                    "would lock /pcrlock.json");
        CHECK(strstr(error.text, "version 2 would lock /pcrlock.json (the policy over PCR 4): PCR "
                                 "4: its value"));
        CHECK(strstr(error.text, "'ingot pcr lock'"));
        CHECK(strstr(error.text, "--allow-lock-out"));
        CHECK(ingot_tpm_locks_want_reseal(&m.locks));
        CHECK_FAILS(ingot_tpm_locks_check(&m.locks, "2", "PCR 4 cannot be used", &error),
                    INGOT_E_REFUSED, "cannot be made anew (PCR 4 cannot be used): write the");
        m.locks.items[0].stale = true;
        CHECK(!ingot_tpm_locks_want_reseal(&m.locks));
}

TEST(what_the_manifest_does_not_know_cannot_be_known_and_is_not_refused)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        struct ingot_sealed *s;
        CHECK_OK(start(&m, &error));
        CHECK_OK(measures(&m, 9, NULL, &error));
        CHECK_OK(add_policy(&m, 9, "old", &error));
        CHECK_OK(add_token(&m, 1u << 9, &s, &error));
        expect(&m, 0, INGOT_UNLOCK_UNKNOWN, "PCR 9: chance");
        expect(&m, 1, INGOT_UNLOCK_UNKNOWN, "PCR 9: chance");
        CHECK_OK(ingot_tpm_locks_check(&m.locks, "2", NULL, &error));
}

TEST(without_a_manifest_only_the_firmware_s_pcrs_are_known)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        _cleanup_measurement_ struct ingot_measurement nothing = {0};
        struct ingot_sealed *s;
        CHECK_OK(start(&m, &error));
        CHECK_OK(ingot_tpm_check_nothing_known(&nothing, &error));
        m.check.profile = nothing.profiles;
        CHECK_OK(add_token(&m, 1u << 4, &s, &error));
        CHECK_OK(add_token(&m, 1u << 7, &s, &error));
        CHECK_OK(add_token(&m, 1u << 7, &s, &error));
        CHECK_OK(ingot_buffer_append(&s->public_key, "KEY", 3, &error));
        s->public_key_pcrs = 1u << 11;
        expect(&m, 0, INGOT_UNLOCK_UNKNOWN, "PCR 4: the release does not say what it measures");
        expect(&m, 1, INGOT_UNLOCK_YES, "");
        expect(&m, 2, INGOT_UNLOCK_UNKNOWN, "PCR 11: the release does not say what it measures");
}

TEST(what_cannot_be_read_cannot_be_known)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        struct ingot_sealed *s;
        CHECK_OK(start(&m, &error));
        CHECK_OK(measures(&m, 4, "new", &error));
        CHECK_OK(add_token(&m, 1u << 4, &s, &error));
        s->count = 0;
        CHECK_OK(ingot_strdup(&m.tokens.items[0].problem, "no blob", &error));
        expect(&m, 0, INGOT_UNLOCK_UNKNOWN, "no blob");
        CHECK_OK(ingot_tpm_check_unread("/dev/vdb", "no permission", &m.locks, &error));
        CHECK_EQ(m.locks.items[1].opens, INGOT_UNLOCK_UNKNOWN);
        CHECK_OK(ingot_tpm_locks_check(&m.locks, "2", NULL, &error));
}

TEST(a_token_of_the_firmware_s_pcrs_is_not_touched)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        struct ingot_sealed *s;
        CHECK_OK(start(&m, &error));
        CHECK_OK(measures(&m, 4, "new", &error));
        CHECK_OK(add_token(&m, 1u << 0 | 1u << 7, &s, &error));
        expect(&m, 0, INGOT_UNLOCK_YES, "");
        CHECK_STR(m.locks.items[0].what, "token 0, by PCR 0+7");
}

TEST(a_token_of_what_a_release_changes_does_not_open)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        struct ingot_sealed *s;
        CHECK_OK(start(&m, &error));
        CHECK_OK(measures(&m, 4, "new", &error));
        CHECK_OK(measures(&m, 12, "new", &error));
        CHECK_OK(add_token(&m, 1u << 4 | 1u << 7 | 1u << 12 | 1u << 13, &s, &error));
        expect(&m, 0, INGOT_UNLOCK_NO, "PCR 4+12: the new release gives it another value");
        CHECK_FAILS(ingot_tpm_locks_check(&m.locks, "2", NULL, &error), INGOT_E_REFUSED,
                    "would lock /dev/vda5");
        CHECK(strstr(error.text, "/dev/vda5 (token 0, by PCR 4+7+12+13)"));
        CHECK(strstr(error.text, "enroll it by what stays the same"));
}

TEST(a_token_of_what_a_release_leaves_opens)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        struct ingot_sealed *s;
        CHECK_OK(start(&m, &error));
        CHECK_OK(measures(&m, 4, "old", &error));
        CHECK_OK(add_token(&m, 1u << 4 | 1u << 13 | 1u << 15, &s, &error));
        expect(&m, 0, INGOT_UNLOCK_YES, "");
}

/* It is sealed to what PCR 11 has in the initrd, which is no more what it has now. */
TEST(a_token_of_pcr_11_is_compared_by_its_policy)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        struct ingot_sealed *s;
        struct ingot_pcr initrd = {0};
        CHECK_OK(start(&m, &error));
        CHECK_OK(measures(&m, 11, "old", &error));
        CHECK_OK(extend(&initrd, "old", &error));
        m.tpm.values[11] = initrd;
        CHECK_OK(add_token(&m, 1u << 7 | 1u << 11, &s, &error));
        CHECK_OK(extend(m.tpm.values + 11, "ready", &error));
        expect(&m, 0, INGOT_UNLOCK_YES, "");
        s->pin = true;
        expect(&m, 0, INGOT_UNLOCK_NO, "PCR 11: the new release gives it another value");
        ingot_policy_auth_value(s->policies);
        expect(&m, 0, INGOT_UNLOCK_YES, "");
        s->pcrs |= 1u << 15;
        expect(&m, 0, INGOT_UNLOCK_UNKNOWN,
               "PCR 7+11+15: the values that PCRs must have are not written down");
}

TEST(the_partition_table_is_in_pcr_5)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        struct ingot_buffer bytes = {0};
        struct ingot_sealed *s;
        CHECK_OK(start(&m, &error));
        CHECK_OK(add_token(&m, 1u << 5, &s, &error));
        CHECK_OK(add_policy(&m, 5, "old", &error));
        expect(&m, 0, INGOT_UNLOCK_YES, "");
        m.check.table = true;
        expect(&m, 0, INGOT_UNLOCK_NO, "PCR 5: the new release gives it another value");
        expect(&m, 1, INGOT_UNLOCK_NO, "PCR 5: the new release gives it another value");
        make_eventlog_start(&bytes);
        make_separator(&bytes, 5);
        m.log.firmware_bytes = bytes.data;
        CHECK_OK(ingot_eventlog_decode(ingot_buffer_span(&bytes), &m.log.firmware, &error));
        m.check.log = &m.log;
        expect(&m, 1, INGOT_UNLOCK_YES, "");
}

TEST(a_signed_policy_holds_with_the_same_key)
{
        ingot_error error = {0};
        const char *other = "PCR 11: the UKI has no key for signed PCR policies, or another than "
                            "this one";
        static const char *const same[] = {"KEY", "KEY\n"};
        for (size_t i = 0; i < 4; i++) {
                _cleanup_machine_ struct machine m = {0};
                struct ingot_sealed *s;
                CHECK_OK(start(&m, &error));
                CHECK_OK(measures(&m, 11, i < 2 ? same[i] : "another", &error));
                CHECK_OK(add_token(&m, 1u << 7, &s, &error));
                s->public_key_pcrs = 1u << 11;
                CHECK_OK(ingot_buffer_append(&s->public_key, "KEY\n", i == 3 ? 3 : 4, &error));
                expect(&m, 0, i < 2 ? INGOT_UNLOCK_YES : INGOT_UNLOCK_NO, i < 2 ? "" : other);
                CHECK_OK(measures(&m, 11, NULL, &error));
                expect(&m, 0, i < 2 ? INGOT_UNLOCK_YES : INGOT_UNLOCK_UNKNOWN,
                       i < 2 ? "" : "PCR 11: chance");
                s->public_key_pcrs |= 1u << 4;
                expect(&m, 0, INGOT_UNLOCK_UNKNOWN,
                       "PCR 4+11: which values its key signs is not known");
        }
}

TEST(a_volume_is_open_when_one_of_its_tokens_is)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        struct ingot_sealed *s;
        CHECK_OK(start(&m, &error));
        CHECK_OK(measures(&m, 4, "new", &error));
        CHECK_OK(add_token(&m, 1u << 4, &s, &error));
        CHECK_OK(add_token(&m, 1u << 7, &s, &error));
        CHECK_OK(judge(&m, &error));
        CHECK_OK(ingot_tpm_locks_check(&m.locks, "2", NULL, &error));
        s->pcrs = 1u << 4;
        s->policies[0] = m.tokens.items[0].sealed.policies[0];
        CHECK_OK(judge(&m, &error));
        CHECK_FAILS(ingot_tpm_locks_check(&m.locks, "2", NULL, &error), INGOT_E_REFUSED,
                    "would lock /dev/vda5");
}

TEST(what_is_locked_now_is_not_locked_by_the_release)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        struct ingot_sealed *s;
        CHECK_OK(start(&m, &error));
        CHECK_OK(measures(&m, 4, "new", &error));
        CHECK_OK(add_policy(&m, 4, "old", &error));
        CHECK_OK(add_token(&m, 1u << 4, &s, &error));
        CHECK_OK(extend(m.tpm.values + 4, "more", &error));
        CHECK_OK(judge(&m, &error));
        CHECK(m.locks.items[0].opens == INGOT_UNLOCK_NO && m.locks.items[0].stale);
        CHECK(m.locks.items[1].opens == INGOT_UNLOCK_NO && m.locks.items[1].stale);
        CHECK_OK(ingot_tpm_locks_check(&m.locks, "2", NULL, &error));
}

/* ---- the loader stays ---- */

#define MAGIC(version) "#### LoaderInfo: systemd-boot " version " ####"

/* A loader, measured into PCR 4 by itself, and its event. */
static int make_loader(struct machine *m, const char *magic, struct ingot_span *ret,
                       ingot_error *reterr)
{
        const struct made_section sections[] = {{".text", "another"}, {".sdmagic", magic}};
        *ret = make_pe(INGOT_PE_MACHINE_X86_64, sections, 2);
        int r = measures(m, 4, "the release's loader", reterr);
        if (r < 0)
                return r;
        m->profile->events[0].by = INGOT_MEASURER_FIRMWARE;
        r = ingot_strdup(&m->profile->events[0].component, "620-loader", reterr);
        if (r >= 0)
                r = measures(m, 12, "parameters", reterr);
        if (r >= 0)
                r = ingot_strdup(&m->m.loader.path, "EFI/BOOT/BOOTX64.EFI", reterr);
        return r < 0 ? r : ingot_strdup(&m->m.loader.info, "systemd-boot 257.1", reterr);
}

TEST(the_loader_of_the_machine_counts)
{
        static const struct {
                const char *magic;
                enum ingot_measured_state parameters;
        } cases[] = {{MAGIC("257.9"), INGOT_MEASURED_FINAL},
                     {MAGIC("254.1"), INGOT_MEASURED_UNKNOWN},
                     {"#### LoaderInfo: GRUB 2.12 ####", INGOT_MEASURED_UNKNOWN}};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ingot_error error = {0};
                _cleanup_machine_ struct machine m = {0};
                struct ingot_span pe;
                uint8_t before[SIZE];
                CHECK_OK(start(&m, &error));
                int r = make_loader(&m, cases[i].magic, &pe, &error);
                struct ingot_reader file = ingot_reader_of_span(&pe);
                const struct ingot_measured_event *e = m.profile->events;
                memcpy(before, e[0].record.digest[BANK], SIZE);
                if (r >= 0)
                        r = ingot_measurement_put_loader(&m.m, &file, &error);
                free((uint8_t *) pe.data);
                CHECK_OK(r);
                CHECK(memcmp(before, e[0].record.digest[BANK], SIZE) != 0);
                CHECK_EQ(e[0].state, INGOT_MEASURED_FINAL);
                CHECK_EQ(e[1].state, cases[i].parameters);
                CHECK_OK(ingot_measurement_put_loader(&m.m, NULL, &error));
                CHECK_EQ(e[0].state, INGOT_MEASURED_UNKNOWN);
        }
}

TEST(the_same_loader_changes_nothing)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        struct ingot_span pe;
        CHECK_OK(start(&m, &error));
        int r = make_loader(&m, "#### LoaderInfo: GRUB 2.12 ####", &pe, &error);
        struct ingot_reader file = ingot_reader_of_span(&pe);
        const struct ingot_measured_event *e = m.profile->events;
        if (r >= 0)
                r = ingot_measurement_put_loader(&m.m, &file, &error);
        memcpy(m.m.loader.digest, e[0].record.digest[BANK], SIZE);
        m.profile->events[1].state = INGOT_MEASURED_FINAL;
        if (r >= 0)
                r = ingot_measurement_put_loader(&m.m, &file, &error);
        free((uint8_t *) pe.data);
        CHECK_OK(r);
        CHECK_EQ(e[1].state, INGOT_MEASURED_FINAL);
        struct ingot_span none = made_text("no program");
        file = ingot_reader_of_span(&none);
        CHECK_FAILS(ingot_measurement_put_loader(&m.m, &file, &error), INGOT_E_FORMAT,
                    "boot loader");
}
