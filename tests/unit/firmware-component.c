/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "make-firmware-log.h"
#include "measure/component-claim.h"
#include "measure/firmware-component.h"
#include "test.h"

/* A log, and the components that come of it. */
struct made {
        struct ingot_buffer bytes;
        struct ingot_eventlog log;
        struct ingot_records events;
        struct ingot_components components;
        char *note;
};

static void made_done(struct made *m)
{
        ingot_components_done(&m->components);
        ingot_records_done(&m->events);
        ingot_eventlog_done(&m->log);
        ingot_buffer_done(&m->bytes);
        free(m->note);
}
#define _cleanup_made_ _cleanup_(made_done)

static int decode(struct made *m, ingot_error *reterr)
{
        int r = ingot_eventlog_decode(ingot_buffer_span(&m->bytes), &m->log, reterr);
        if (r >= 0)
                r = ingot_records_of_log(&m->events, &m->log, reterr);
        return r < 0 ? r : ingot_firmware_components(&m->log, &m->components, &m->note, reterr);
}

/* The boot loader's and the UKI's own components, in two variants of which "b" is another one. */
static int add_boot(struct ingot_components *c, ingot_error *reterr)
{
        static const struct {
                const char *id, *variant;
                uint32_t pcr;
                const char *text;
        } records[] = {
                {"610-loader", "a", 4, "loader"},  {"610-loader", "a", 5, "loader.conf"},
                {"610-loader", "b", 4, "loader2"}, {"610-loader", "b", 5, "loader.conf"},
                {"650-uki", "a", 4, "uki"},        {"650-uki", "a", 11, "uki"},
                {"650-uki", "b", 4, "uki2"},       {"650-uki", "b", 11, "uki2"},
        };
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(records); i++) {
                struct ingot_variant *v;
                if (i % 2 == 0)
                        r = ingot_components_add(c, records[i].id, records[i].variant, &v, reterr);
                if (r >= 0)
                        r = ingot_records_measure(&v->records, records[i].pcr,
                                                  made_text(records[i].text), reterr);
        }
        return r;
}

static size_t records_of(const struct ingot_components *c, const char *id)
{
        const struct ingot_component *component = ingot_components_find(c, id);
        return component ? component->variants[0].records.count : 0;
}

TEST(each_event_of_the_firmware_is_in_its_component)
{
        ingot_error error;
        _cleanup_made_ struct made m = {0};
        make_firmware_start(&m.bytes);
        make_firmware_boot(&m.bytes, "loader", "uki");
        CHECK_OK(decode(&m, &error));
        CHECK(!m.note);
        CHECK_EQ(m.components.count, 10);
        CHECK_EQ(records_of(&m.components, "240-secureboot-policy"), 5);
        CHECK_EQ(records_of(&m.components, "250-firmware-code-early"), 3);
        CHECK_EQ(records_of(&m.components, "250-firmware-config-early"), 1);
        CHECK_EQ(records_of(&m.components, "350-action-efi-application"), 1);
        CHECK_EQ(records_of(&m.components, "400-secureboot-separator"), 1);
        CHECK_EQ(records_of(&m.components, "500-separator"), 7);
        CHECK_EQ(records_of(&m.components, "550-firmware-config-late"), 1);
        CHECK_EQ(records_of(&m.components, "600-gpt"), 1);
        CHECK_EQ(records_of(&m.components, "620-secureboot-authority"), 1);
        CHECK_EQ(records_of(&m.components, "700-action-efi-exit-boot-services"), 2);
        CHECK_STR(ingot_components_find(&m.components, "500-separator")->variants[0].id,
                  "300-0x00000000");
        CHECK(ingot_components_find(&m.components, "350-action-efi-application")->variants[0].own);
}

TEST(with_the_loader_and_the_uki_they_explain_the_log_and_predict_it)
{
        ingot_error error;
        _cleanup_made_ struct made m = {0};
        _cleanup_claims_ struct ingot_claims claims = {0};
        struct ingot_prediction_window window = {0};
        struct ingot_replay replay;
        make_firmware_start(&m.bytes);
        make_firmware_boot(&m.bytes, "loader", "uki");
        CHECK_OK(decode(&m, &error));
        CHECK_OK(add_boot(&m.components, &error));
        ingot_replay_start(&replay);
        CHECK_OK(ingot_replay_log(&replay, &m.log, &error));
        CHECK_OK(ingot_components_claim(&m.components, &m.events, &window, INGOT_BANK_SHA256,
                                        replay.pcrs, &claims, &error));
        for (unsigned pcr = 0; pcr < INGOT_PCR_COUNT; pcr++) {
                _cleanup_pcr_values_ struct ingot_pcr_values values = {0};
                CHECK_EQ(claims.pcrs[pcr].faults, 0);
                CHECK_OK(ingot_components_predict(&m.components, &window, pcr, INGOT_BANK_SHA256,
                                                  &values, &error));
                CHECK_EQ(values.count, pcr == 4 ? 4 : pcr == 11 ? 2 : 1);
                CHECK(ingot_pcr_values_find(&values, replay.pcrs[pcr].value[INGOT_BANK_SHA256]) ==
                      0);
        }
        CHECK_EQ(claims.later, 0);
        CHECK_EQ(claims.variants[0], 0);
}

TEST(a_pcr_that_is_not_explained_says_why)
{
        ingot_error error;
        _cleanup_made_ struct made m = {0};
        _cleanup_claims_ struct ingot_claims claims = {0};
        _cleanup_buffer_ struct ingot_buffer loader = {0}, value = {0}, uki = {0};
        struct ingot_prediction_window window = {0};
        struct ingot_replay replay;
        make_firmware_start(&m.bytes);
        make_firmware_boot(&m.bytes, "another loader", "another uki");
        CHECK_OK(decode(&m, &error));
        CHECK_OK(add_boot(&m.components, &error));
        ingot_replay_start(&replay);
        CHECK_OK(ingot_replay_log(&replay, &m.log, &error));
        replay.pcrs[7].value[INGOT_BANK_SHA256][3] ^= 1;
        CHECK_OK(ingot_components_claim(&m.components, &m.events, &window, INGOT_BANK_SHA256,
                                        replay.pcrs, &claims, &error));
        CHECK_EQ(claims.pcrs[7].faults, 1u << INGOT_PCR_FAULT_VALUE);
        CHECK_EQ(claims.pcrs[4].faults,
                 1u << INGOT_PCR_FAULT_EVENT | 1u << INGOT_PCR_FAULT_COMPONENT);
        CHECK_EQ(claims.pcrs[4].unclaimed, 2);
        /* The loader's component is not met: so not what it has in PCR 5 either. */
        CHECK_EQ(claims.pcrs[5].faults,
                 1u << INGOT_PCR_FAULT_EVENT | 1u << INGOT_PCR_FAULT_COMPONENT);
        CHECK_EQ(claims.pcrs[0].faults, 0);
        CHECK_OK(ingot_claims_text(&claims, &m.components, 4, &loader, &error));
        CHECK_STR((char *) loader.data, "no component has 2 of its 4 events, first event 22 of the "
                                        "log; component 610-loader is not in the log");
        CHECK_OK(ingot_claims_text(&claims, &m.components, 7, &value, &error));
        CHECK_STR((char *) value.data, "the TPM has another value than its log gives");
        CHECK_OK(ingot_claims_text(&claims, &m.components, 0, &uki, &error));
        CHECK_EQ(uki.size, 0);
}

TEST(what_need_not_have_run_yet_is_not_missed)
{
        ingot_error error;
        struct ingot_prediction_window window = {.start = "610-", .end = "620-"};
        _cleanup_made_ struct made m = {0};
        make_firmware_start(&m.bytes);
        CHECK_OK(decode(&m, &error));
        CHECK_OK(add_boot(&m.components, &error));
        for (unsigned i = 0; i < 3; i++) {
                _cleanup_claims_ struct ingot_claims claims = {0};
                CHECK_OK(ingot_components_claim(&m.components, &m.events, &window,
                                                INGOT_BANK_SHA256, NULL, &claims, &error));
                /* From 610-; only from 650-; from nowhere, until 620-. */
                CHECK_EQ(claims.later, i == 0 ? 2 : 1);
                CHECK_EQ(claims.pcrs[4].faults != 0, i != 0);
                CHECK_EQ(claims.pcrs[11].faults, 0);
                window.start = i == 0 ? "650-" : NULL;
        }
}

TEST(an_empty_variant_is_always_there_and_claims_nothing)
{
        ingot_error error;
        struct ingot_prediction_window window = {0};
        _cleanup_made_ struct made m = {0};
        _cleanup_claims_ struct ingot_claims claims = {0};
        struct ingot_variant *v;
        make_firmware_start(&m.bytes);
        make_event(&m.bytes, 9, INGOT_EV_IPL, "x");
        CHECK_OK(decode(&m, &error));
        CHECK_OK(ingot_components_add(&m.components, "700-x", "1", &v, &error));
        CHECK_OK(ingot_components_add(&m.components, "700-x", "2", &v, &error));
        CHECK_OK(ingot_records_measure(&v->records, 9, made_text("x"), &error));
        CHECK_OK(ingot_components_claim(&m.components, &m.events, &window, INGOT_BANK_SHA256, NULL,
                                        &claims, &error));
        CHECK_EQ(claims.pcrs[9].faults, 1u << INGOT_PCR_FAULT_EVENT);
}

TEST(secure_boot_that_is_not_as_specified_is_left_out)
{
        static const struct {
                const char *names[3];
                const char *words;
        } bad[] = {
                {{NULL}, "variable SecureBoot was not measured"},
                {{"SecureBoot", "KEK", "PK"}, "variable PK was not measured where"},
                {{"SecureBoot", "PK", "PK"}, "variable PK was measured twice"},
                {{"SecureBoot", "PK", "KEK"}, "variable db was not measured"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                ingot_error error;
                _cleanup_made_ struct made m = {0};
                make_eventlog_start(&m.bytes);
                for (size_t j = 0; j < 3 && bad[i].names[j]; j++)
                        make_variable(&m.bytes, INGOT_EV_EFI_VARIABLE_DRIVER_CONFIG, MADE_GLOBAL,
                                      bad[i].names[j], "x");
                for (uint32_t pcr = 0; pcr < 8; pcr++)
                        make_separator(&m.bytes, pcr);
                CHECK_OK(decode(&m, &error));
                CHECK(m.note && strstr(m.note, bad[i].words));
                CHECK_EQ(records_of(&m.components, "400-secureboot-separator"), 0);
                CHECK_EQ(records_of(&m.components, "500-separator"), 7);
        }
}

TEST(a_variable_behind_an_authority_is_told)
{
        ingot_error error;
        _cleanup_made_ struct made m = {0};
        make_firmware_start(&m.bytes);
        make_firmware_boot(&m.bytes, "loader", "uki");
        make_variable(&m.bytes, INGOT_EV_EFI_VARIABLE_DRIVER_CONFIG, MADE_DATABASE, "dbt", "x");
        CHECK_OK(decode(&m, &error));
        CHECK(m.note && strstr(m.note, "variable dbt was measured when it had been used"));
}

TEST(a_log_without_separators_is_refused)
{
        ingot_error error;
        _cleanup_made_ struct made none = {0}, one = {0};
        make_eventlog_start(&none.bytes);
        make_event(&none.bytes, 0, INGOT_EV_S_CRTM_VERSION, "1");
        CHECK_FAILS(decode(&none, &error), INGOT_E_REFUSED, "PCR 4 has no separator");
        make_eventlog_start(&one.bytes);
        make_event(&one.bytes, 4, INGOT_EV_EFI_ACTION, "Calling EFI Application from Boot Option");
        CHECK_FAILS(decode(&one, &error), INGOT_E_REFUSED, "PCR 5 has no separator");
}
