/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/glob.h"
#include "test.h"

TEST(patterns_match_whole_paths)
{
        static const struct {
                const char *pattern, *path;
                bool matches;
        } rows[] = {
                {"usr/share/doc", "usr/share/doc", true},
                {"usr/share/doc", "usr/share/docs", false},
                {"usr/share/doc", "usr/share/doc/a", false},
                {"usr/*/doc", "usr/share/doc", true},
                {"usr/*", "usr/share/doc", false},
                {"*.pyc", "a.pyc", true},
                {"*.pyc", "usr/a.pyc", false},
                {"**/*.pyc", "a.pyc", true},
                {"**/*.pyc", "usr/lib/python3/a.b.pyc", true},
                {"usr/**/x/*.h", "usr/x/a/x/b.h", true},
                {"usr/**/x/*.h", "usr/x/a/y/b.h", false},
                {"usr/share/doc/**", "usr/share/doc", false},
                {"usr/share/doc/**", "usr/share/doc/a", true},
                {"usr/share/doc/**", "usr/share/doc/a/b", true},
                {"**", "a/b", true},
                {"a**b", "axxb", true},
                {"a**b", "ax/xb", false},
                {"a/**/b", "a/b", true},
                {"a/**/b/**/c", "a/x/b/y/z/b/c", true},
                {"a/**/b/**/c", "a/x/b/y/z/d", false},
                {"a/*x*/*y", "a/bxb/zy", true},
                {"a/*x*/*y", "a/bb/zxy", false},
                {"?", "\303\274", true},
                {"?", "/", false},
                {"a?c", "a/c", false},
                {"[a-c]x", "bx", true},
                {"[!a-c]x", "bx", false},
                {"[!a-c]x", "dx", true},
                {"a[!b]c", "a/c", false},
                {"[]]", "]", true},
                {"[a", "[a", true},
                {"\\*", "*", true},
                {"\\*", "a", false},
                {"", "a", false},
                {"a*", "a", true},
                {"a/*", "a", false},
        };
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (ingot_glob_match(rows[i].pattern, rows[i].path) != rows[i].matches) {
                        test_report(__FILE__, __LINE__, "'%s' against '%s' is not %d",
                                    rows[i].pattern, rows[i].path, rows[i].matches);
                        return;
                }
}

TEST(many_stars_take_no_exponential_time)
{
        char path[2001];
        memset(path, 'a', 2000);
        path[2000] = 0;
        CHECK(!ingot_glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", path));
        for (size_t i = 1; i < 2000; i += 2)
                path[i] = '/';
        CHECK(!ingot_glob_match("**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b", path));
}

TEST(literal_part_ends_before_the_first_special_component)
{
        CHECK_EQ(ingot_glob_literal("usr/share/doc"), 13u);
        CHECK_EQ(ingot_glob_literal("usr/share/d*c"), 9u);
        CHECK_EQ(ingot_glob_literal("**/a"), 0u);
        CHECK_EQ(ingot_glob_literal("a/[b]"), 1u);
}
