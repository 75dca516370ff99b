/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "format/version.h"
#include "oracle.h"
#include "test.h"

static int sign(int v)
{
        return (v > 0) - (v < 0);
}

/* The specification's examples: LEFT is before (-1), equal to (0) or after (1) RIGHT. */
TEST(examples_of_the_specification)
{
        static const struct {
                const char *left;
                int want;
                const char *right;
        } cases[] = {
                {"11", 0, "11"},          {"systemd-123", 0, "systemd-123"},
                {"bar-123", -1, "foo-123"}, {"123a", 1, "123"},
                {"123.a", 1, "123"},      {"123.a", -1, "123.b"},
                {"123a", 1, "123.a"},     {"11α", 0, "11β"},
                {"B", -1, "a"},           {"", -1, "0"},
                {"0.", 1, "0"},           {"0.0", 1, "0"},
                {"0", 1, "~"},            {"", 1, "~"},
                {"1_", 0, "1"},           {"_1", 0, "1"},
                {"1_", -1, "1.2"},        {"1_2_3", 1, "1.3.3"},
                {"1+", 0, "1"},           {"+1", 0, "1"},
                {"1+", -1, "1.2"},        {"1+2+3", 1, "1.3.3"},
                {"01", 0, "1"},           {"1-_1", -1, "1-1"},
                {"18446744073709551617", 1, "18446744073709551616"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int have = sign(ingot_version_compare(cases[i].left, cases[i].right));
                int letter = sign(ingot_version_compare_by_letter(cases[i].left, cases[i].right));
                if (have != cases[i].want || letter != cases[i].want)
                        test_report(__FILE__, __LINE__, "'%s' to '%s' is %d and %d, not %d",
                                    cases[i].left, cases[i].right, have, letter, cases[i].want);
        }
}

TEST(the_chain_of_the_specification_ascends)
{
        static const char *const chain[] = {
                "122.1",   "123~rc1-1", "123",     "123-a",  "123-a.1", "123-1",
                "123-1.1", "123^post1", "123.a-1", "123.1-1", "123a-1",  "124-1"};
        for (size_t i = 0; i < ARRAY_SIZE(chain); i++)
                for (size_t k = 0; k < ARRAY_SIZE(chain); k++)
                        CHECK_EQ(sign(ingot_version_compare(chain[i], chain[k])),
                                 (i > k) - (i < k));
}

TEST(a_number_is_newer_than_none_but_for_the_letter_of_the_specification)
{
        CHECK(ingot_version_compare("0", "a") > 0);
        CHECK(ingot_version_compare_by_letter("0", "a") < 0);
}

static void random_version(char ret[10], uint64_t *state)
{
        size_t n = (size_t) (test_random(state) % 9);
        for (size_t i = 0; i < n; i++)
                ret[i] = "01aZ.-~^_+"[test_random(state) % 10];
        ret[n] = 0;
}

TEST(any_three_versions_have_an_order)
{
        uint64_t state = test_seed();
        for (int i = 0; i < 60000; i++) {
                char a[10], b[10], c[10];
                random_version(a, &state);
                random_version(b, &state);
                random_version(c, &state);
                CHECK_EQ(ingot_version_compare(a, a), 0);
                CHECK_EQ(sign(ingot_version_compare(a, b)), -sign(ingot_version_compare(b, a)));
                if (ingot_version_compare(a, b) <= 0 && ingot_version_compare(b, c) <= 0)
                        CHECK(ingot_version_compare(a, c) <= 0);
                if (ingot_version_compare_by_letter(a, b) <= 0 &&
                    ingot_version_compare_by_letter(b, c) <= 0)
                        CHECK(ingot_version_compare_by_letter(a, c) <= 0);
        }
}

TEST(systemd_agrees)
{
        uint64_t state = test_seed();
        if (!oracle_found("systemd-analyze"))
                SKIP("no systemd-analyze");
        for (int i = 0; i < 60; i++) {
                char a[10], b[10];
                random_version(a, &state);
                random_version(b, &state);
                if (!*a || !*b)
                        continue;
                int status = oracle_run(NULL, "systemd-analyze compare-versions -- '%s' '%s'", a, b);
                int want = status == 11 ? 1 : status == 12 ? -1 : 0;
                CHECK(status == 0 || status == 11 || status == 12);
                if (sign(ingot_version_compare(a, b)) != want)
                        test_report(__FILE__, __LINE__, "'%s' to '%s': systemd says %d", a, b,
                                    want);
        }
}
