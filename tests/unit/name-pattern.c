/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format/name-pattern.h"
#include "base/cleanup.h"
#include "test.h"

TEST(a_name_gives_its_fields)
{
        struct ingot_name_fields f;
        ingot_error error = {0};
        CHECK_EQ(ingot_name_match("app_@v+@l-@d.efi", "app_1.2~rc1+3-0.efi", &f, &error), 0);
        CHECK_STR(f.version, "1.2~rc1");
        CHECK_EQ(f.number[INGOT_NAME_TRIES_LEFT], 3);
        CHECK_EQ(f.number[INGOT_NAME_TRIES_DONE], 0);
        CHECK(ingot_name_has(&f, INGOT_NAME_TRIES_LEFT) && !ingot_name_has(&f, INGOT_NAME_UUID));
        CHECK_EQ(ingot_name_match("app_@v.root.@u.raw",
                                  "app_7.root.00112233-4455-6677-8899-aabbccddeeff.raw", &f,
                                  &error),
                 0);
        CHECK_EQ(f.uuid.bytes[15], 0xff);
        CHECK_EQ(ingot_name_match("@v_@f_@a@@@m", "1_1000000000000000_1@755", &f, &error), 0);
        CHECK_EQ(f.number[INGOT_NAME_FLAGS], 1ULL << 60);
        CHECK_EQ(f.number[INGOT_NAME_MODE], 0755);
        CHECK_EQ(ingot_name_match("**/@v.efi", "EFI/Linux/9.efi", &f, &error), 0);
        CHECK_STR(f.version, "9");
        CHECK_EQ(ingot_name_match("a/@v", "a/1", &f, &error), 0);
        CHECK_EQ(ingot_name_match("a@v/x", "a1", &f, &error), 1);
        CHECK_EQ(ingot_name_match("a/@v", "a", &f, &error), 2);
}

/* What the notes on systemd-sysupdate's matching say: no going back. */
TEST(a_field_ends_at_the_first_place_where_it_can)
{
        static const struct {
                const char *pattern, *name;
        } cases[] = {
                {"app_@v_@u.raw", "app_1_2_00112233-4455-6677-8899-aabbccddeeff.raw"},
                {"app_@v.efi", "app_1.efi.efi"},
                {"app_@v", "app_"},
                {"app_@v", "app_1/2"},
                {"app_@v", "app_1 2"},
                {"app_@v", "App_1"},
                {"app_@v+@l.efi", "app_1+x.efi"},
                {"app_@v+@l.efi", "app_1+.efi"},
                {"app_@v-@m", "app_1-0777"},
                {"app_@v-@m", "app_1-9"},
                {"app_@v@@@h", "app_1@00"},
                {"app_@v+@l", "app_1+18446744073709551616"},
        };
        struct ingot_name_fields f;
        ingot_error error = {0};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                CHECK_EQ(ingot_name_match(cases[i].pattern, cases[i].name, &f, &error), 1);
}

TEST(a_name_is_made_of_its_fields)
{
        struct ingot_name_fields f = {0};
        _cleanup_free_ char *a = NULL, *b = NULL, *c = NULL;
        ingot_error error = {0};
        ingot_name_set_version(&f, "1.2");
        ingot_name_set_number(&f, INGOT_NAME_TRIES_LEFT, 3);
        ingot_name_set_number(&f, INGOT_NAME_TRIES_DONE, 0);
        ingot_name_set_number(&f, INGOT_NAME_MODE, 0644);
        ingot_name_set_number(&f, INGOT_NAME_FLAGS, 0xab);
        CHECK_OK(ingot_name_make("app_@v+@l-@d.efi", &f, &a, &error));
        CHECK_STR(a, "app_1.2+3-0.efi");
        CHECK_OK(ingot_name_make("x@@/@v.@m.@f", &f, &b, &error));
        CHECK_STR(b, "x@/1.2.644.ab");
        CHECK_FAILS(ingot_name_make("@v.@h", &f, &c, &error), INGOT_E_NOTFOUND, "'@h'");
}

TEST(patterns_that_are_none)
{
        static const char *const bad[][2] = {
                {"app", "no '@v'"},  {"", "no '@v'"},           {"@v@u", "between '@v' and '@u'"},
                {"@v.@v", "twice"},  {"@v@x", "no field '@x'"}, {"@v@", "no field '@'"},
                {"@v*", "0x2a"},     {"@v\x7f", "0x7f"},        {"@v$", "0x24"},
                {"a\xc3@v", "0xc3"},
        };
        ingot_error error = {0};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                CHECK_FAILS(ingot_name_pattern_check(bad[i][0], &error), INGOT_E_FORMAT, bad[i][1]);
}

TEST(versions)
{
        CHECK(ingot_version_valid("1.2~rc^1-a_b+c"));
        CHECK(!ingot_version_valid("") && !ingot_version_valid("..") &&
              !ingot_version_valid("1/2") && !ingot_version_valid("1 2"));
}
