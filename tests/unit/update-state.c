/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "os/file.h"
#include "test.h"
#include "update/state.h"

static int fill(struct ingot_update_state *s, ingot_error *reterr)
{
        const struct ingot_update_failure failures[] = {
                {(char *) "3", (char *) "app.service", NULL, 1700000000},
                {(char *) "4", NULL, (char *) "its entry ran out of tries", 0}};
        s->checked = 1700000002;
        s->last = (struct ingot_update_last){.begun = 1, .finished = 2, .fetched = 3, .msec = 4};
        int r = ingot_strdup(&s->pin, "2", reterr);
        if (r >= 0)
                r = ingot_strdup(&s->last.version, "2", reterr);
        if (r >= 0)
                r = ingot_update_serial_set(s, "app.stable", 7, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(failures); i++)
                r = ingot_update_failure_add(s, failures + i, reterr);
        return r;
}

TEST(what_was_saved_is_loaded)
{
        _cleanup_update_state_ struct ingot_update_state s = {0}, t = {0}, none = {0};
        ingot_error error = {0};
        CHECK_OK(ingot_update_state_load(test_folder(), &none, &error));
        CHECK(!none.pin && none.serial_count == 0);
        CHECK_OK(fill(&s, &error));
        CHECK_OK(ingot_update_state_save(test_folder(), &s, &error));
        CHECK_OK(ingot_update_state_load(test_folder(), &t, &error));
        CHECK_EQ(t.checked, 1700000002);
        CHECK_STR(t.pin, "2");
        CHECK_EQ(t.last.msec, 4);
        CHECK(!t.last.problem);
        CHECK_EQ(ingot_update_serial(&t, "app.stable"), 7);
        CHECK_EQ(ingot_update_serial(&t, "app.beta"), 0);
        CHECK_STR(ingot_update_failure(&t, "3")->unit, "app.service");
        CHECK_STR(ingot_update_failure(&t, "4")->reason, "its entry ran out of tries");
        CHECK(!ingot_update_failure(&t, "5"));
}

TEST(a_failure_keeps_what_is_known_and_the_oldest_go)
{
        _cleanup_update_state_ struct ingot_update_state s = {0};
        ingot_error error = {0};
        CHECK_OK(fill(&s, &error));
        const struct ingot_update_failure more = {(char *) "3", NULL, (char *) "tries", 0};
        CHECK_OK(ingot_update_failure_add(&s, &more, &error));
        CHECK_EQ(s.failure_count, 2);
        CHECK_STR(s.failures[0].unit, "app.service");
        CHECK_STR(s.failures[0].reason, "tries");
        CHECK_EQ(s.failures[0].time, 1700000000);
        for (unsigned i = 0; i < 2 * INGOT_UPDATE_FAILURES_MAX; i++) {
                char text[16];
                snprintf(text, sizeof(text), "9.%u", i);
                const struct ingot_update_failure f = {.version = text};
                CHECK_OK(ingot_update_failure_add(&s, &f, &error));
        }
        CHECK_EQ(s.failure_count, INGOT_UPDATE_FAILURES_MAX);
        CHECK(!ingot_update_failure(&s, "3"));
        ingot_update_failure_forget(&s, "9.127");
        CHECK_EQ(s.failure_count, INGOT_UPDATE_FAILURES_MAX - 1);
}

TEST(a_damaged_state_is_an_error_that_says_what_it_costs)
{
        static const char *const bad[][2] = {
                {"{", "JSON"},
                {"[]", "no JSON object"},
                {"{}", "format"},
                {"{\"format\":2}", "newer ingot"},
                {"{\"format\":1,\"checked\":-1}", "negative"},
                {"{\"format\":1,\"checked\":1,\"pin\":null}", "last"},
        };
        _cleanup_update_state_ struct ingot_update_state s = {0};
        ingot_error error = {0};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                int r = ingot_update_state_decode(INGOT_SPAN(bad[i][0], strlen(bad[i][0])), &s,
                                                  &error);
                CHECK(r < 0);
                CHECK(strstr(error.text, bad[i][1]));
        }
        CHECK_OK(ingot_make_directories(test_path("d" INGOT_UPDATE_STATE_FOLDER), 0755, &error));
        CHECK_OK(ingot_outfile_put(test_path("d" INGOT_UPDATE_STATE_FOLDER "/state.json"), "x", 1,
                                   0644, &error));
        CHECK(ingot_update_state_load(test_path("d"), &s, &error) < 0);
        CHECK(strstr(error.text, "moving the file away"));
}

TEST(only_one_at_a_time)
{
        ingot_error error = {0};
        _cleanup_close_ int first = -1, second = -1;
        CHECK_OK(ingot_update_state_lock(test_folder(), &first, &error));
        CHECK_FAILS(ingot_update_state_lock(test_folder(), &second, &error), INGOT_E_CONFLICT,
                    "at work on this machine");
}
