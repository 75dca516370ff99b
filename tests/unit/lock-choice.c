/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which PCRs a policy is made over, and why not over the others. */
#include "measure/lock-choice.h"
#include "base/cleanup.h"
#include "measure/firmware-component.h"
#include "make-firmware-log.h"
#include "test.h"

struct machine {
        struct ingot_buffer bytes;
        struct ingot_eventlog log;
        struct ingot_records events;
        struct ingot_components components;
        struct ingot_replay replay;
        struct ingot_lock_choice_request request;
        struct ingot_lock_choice choice;
};

static void machine_done(struct machine *m)
{
        ingot_buffer_done(&m->bytes);
        ingot_eventlog_done(&m->log);
        ingot_records_done(&m->events);
        ingot_components_done(&m->components);
        ingot_lock_choice_done(&m->choice);
}
#define _cleanup_machine_ __attribute__((cleanup(machine_done)))

/* A boot with these names; the TPM has what the log says. */
static int boot(struct machine *m, bool firmware_components, ingot_error *reterr)
{
        _cleanup_free_ char *note = NULL;
        make_firmware_start(&m->bytes);
        make_firmware_boot(&m->bytes, "loader", "uki");
        int r = ingot_eventlog_decode(ingot_buffer_span(&m->bytes), &m->log, reterr);
        if (r >= 0)
                r = ingot_records_of_log(&m->events, &m->log, reterr);
        ingot_replay_start(&m->replay);
        if (r >= 0)
                r = ingot_replay_log(&m->replay, &m->log, reterr);
        if (r >= 0 && firmware_components)
                r = ingot_firmware_components(&m->log, &m->components, &note, reterr);
        m->request = (struct ingot_lock_choice_request){.components = &m->components,
                                                        .events = &m->events,
                                                        .window = &ingot_prediction_window_default,
                                                        .bank = INGOT_BANK_SHA256,
                                                        .values = m->replay.pcrs,
                                                        .automatic = true};
        return r;
}

static int component(struct machine *m, const char *id, const char *variant, const char *measured,
                     bool uki, ingot_error *reterr)
{
        struct ingot_variant *v;
        struct ingot_span data = made_text(measured);
        int r = ingot_components_add(&m->components, id, variant, &v, reterr);
        if (r >= 0)
                r = ingot_records_measure(&v->records, 4, data, reterr);
        return r < 0 || !uki ? r : ingot_records_measure(&v->records, 11, data, reterr);
}

static bool taken(const struct machine *m, unsigned pcr, const char *words)
{
        if (strstr(m->choice.pcrs[pcr].reason, words))
                return m->choice.pcrs[pcr].taken;
        printf("# PCR %u: %s\n", pcr, m->choice.pcrs[pcr].reason);
        return false;
}

static bool left(const struct machine *m, unsigned pcr, const char *words)
{
        if (strstr(m->choice.pcrs[pcr].reason, words))
                return !m->choice.pcrs[pcr].taken;
        printf("# PCR %u: %s\n", pcr, m->choice.pcrs[pcr].reason);
        return false;
}

TEST(each_pcr_is_taken_or_left_for_a_reason)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        CHECK_OK(boot(&m, true, &error));
        CHECK_OK(component(&m, "610-loader", NULL, "loader", false, &error));
        CHECK_OK(component(&m, "650-kernel", "1", "uki", true, &error));
        CHECK_OK(component(&m, "650-kernel", "2", "next", true, &error));
        CHECK_OK(ingot_lock_choose(&m.request, &m.choice, &error));
        CHECK(left(&m, 0, "a firmware update"));
        CHECK(left(&m, 1, "settings"));
        CHECK(taken(&m, 4, "all of its 4 events"));
        CHECK(left(&m, 5, "no component has 1 of its 5 events"));
        CHECK(taken(&m, 7, "all of its 7 events"));
        CHECK(left(&m, 9, "nothing is measured into it"));
        CHECK(left(&m, 10, "all the time"));
        CHECK(taken(&m, 11, "all of its 1 event"));
        CHECK(left(&m, 12, "credential"));
        CHECK(taken(&m, 14, "nothing may be"));
        CHECK(left(&m, 23, "reset"));
        CHECK_EQ(m.choice.pcrs[4].count, 2);
        CHECK_EQ(m.choice.sets.count, 6);
        CHECK_OK(ingot_lock_choice_check(&m.choice, &m.request, &error));
        for (unsigned i = 0; i < INGOT_PCR_COUNT; i++)
                CHECK(m.choice.pcrs[i].reason && ingot_pcr_meaning(i));
}

TEST(a_value_that_the_log_does_not_give)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        CHECK_OK(boot(&m, true, &error));
        m.replay.pcrs[7].value[INGOT_BANK_SHA256][0] ^= 1;
        CHECK_OK(ingot_lock_choose(&m.request, &m.choice, &error));
        CHECK(left(&m, 7, "another value than its log gives"));
}

/* Everything is explained, but the moment is another one than the policy's. */
TEST(a_value_that_is_none_of_the_predicted_ones)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        static const struct ingot_prediction_window early = {.start = "100", .end = "200"};
        CHECK_OK(boot(&m, true, &error));
        m.request.window = &early;
        CHECK_OK(ingot_lock_choose(&m.request, &m.choice, &error));
        CHECK(left(&m, 7, "none of the 1 values"));
}

TEST(more_values_than_a_policy_holds)
{
        ingot_error error = {0};
        for (unsigned nested = 0; nested < 2; nested++) {
                _cleanup_machine_ struct machine m = {0};
                CHECK_OK(boot(&m, true, &error));
                CHECK_OK(component(&m, "610-loader", NULL, "loader", false, &error));
                for (unsigned i = 0; i < 9; i++) {
                        char name[8];
                        snprintf(name, sizeof(name), i ? "uki%u" : "uki", i);
                        CHECK_OK(component(&m, "650-kernel", name, name, true, &error));
                }
                m.request.nested = nested;
                CHECK_OK(ingot_lock_choose(&m.request, &m.choice, &error));
                CHECK_EQ(m.choice.pcrs[4].count, 9);
                CHECK(nested ? taken(&m, 4, "explain") : left(&m, 4, "9 values"));
        }
}

TEST(what_is_asked_for_and_cannot_be_used_is_refused)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        CHECK_OK(boot(&m, true, &error));
        m.request.automatic = false;
        m.request.pcrs = 1u << 0 | 1u << 11;
        CHECK_OK(ingot_lock_choose(&m.request, &m.choice, &error));
        CHECK(taken(&m, 0, "explain"));
        CHECK(left(&m, 7, "not asked for"));
        CHECK_FAILS(ingot_lock_choice_check(&m.choice, &m.request, &error), INGOT_E_REFUSED,
                    "PCR 11 cannot be used: no component");
}

TEST(a_policy_that_protects_nothing_is_refused)
{
        ingot_error error = {0};
        _cleanup_machine_ struct machine m = {0};
        CHECK_OK(boot(&m, false, &error));
        CHECK_OK(ingot_lock_choose(&m.request, &m.choice, &error));
        CHECK(taken(&m, 14, "nothing may be"));
        CHECK_FAILS(ingot_lock_choice_check(&m.choice, &m.request, &error), INGOT_E_REFUSED,
                    "would protect nothing");
}
