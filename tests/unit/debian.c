/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Debian's own words: releases, dates, relations, and the host's mirror. */
#include "base/cleanup.h"
#include "base/text.h"
#include "format/deb822.h"
#include "os/file.h"
#include "package/debian-pool.h"
#include "test.h"

static ingot_error error;

static struct ingot_span span(const char *text)
{
        return INGOT_SPAN(text, strlen(text));
}

static void free_pool(Pool **pool)
{
        pool_free(*pool);
}

static const char release_text[] =
        "Origin: Debian\nSuite: stable\nCodename: trixie\nDate: Sat, 15 Nov 2025 10:12:13 UTC\n"
        "Valid-Until: Sat, 22 Nov 2025 10:12:13 UTC\nAcquire-By-Hash: yes\n"
        "No-Support-for-Architecture-all: Packages\nArchitectures: all amd64\nSHA256:\n"
        " 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f  12 main/a/Packages\n"
        " 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e20 345 main/b/Packages\n";

TEST(a_release_is_read)
{
        struct ingot_debian_release r;
        struct ingot_debian_file f;
        CHECK_OK(ingot_debian_release_decode(span(release_text), &r, &error));
        CHECK(ingot_span_is(r.codename, "trixie") && r.by_hash && r.all_included);
        CHECK_EQ(r.date, 1763201533);
        CHECK_EQ(r.valid_until - r.date, 7 * 86400);
        CHECK_EQ(ingot_debian_release_find(&r, "main/b/Packages", &f, &error), 0);
        CHECK_EQ(f.size, 345);
        CHECK_EQ(f.sha256[31], 0x20);
        CHECK_EQ(ingot_debian_release_find(&r, "main/c/Packages", &f, &error), 1);
        CHECK(ingot_debian_list_has(r.architectures, "amd64"));
        CHECK(!ingot_debian_list_has(r.architectures, "amd"));
}

TEST(a_release_holds_for_its_suite_and_its_time)
{
        struct ingot_debian_release r;
        CHECK_OK(ingot_debian_release_decode(span(release_text), &r, &error));
        CHECK_OK(ingot_debian_release_check(&r, "stable", r.valid_until, false, &error));
        CHECK_OK(ingot_debian_release_check(&r, "trixie", r.date, false, &error));
        CHECK_FAILS(ingot_debian_release_check(&r, "sid", r.date, true, &error), INGOT_E_REFUSED,
                    "not of sid");
        CHECK_FAILS(ingot_debian_release_check(&r, "trixie", r.valid_until + 1, false, &error),
                    INGOT_E_REFUSED, "CheckValidUntil=no");
        CHECK_OK(ingot_debian_release_check(&r, "trixie", r.valid_until + 1, true, &error));
        CHECK_FAILS(ingot_debian_release_check(&r, "trixie", r.date - 90000, false, &error),
                    INGOT_E_REFUSED, "clock");
}

TEST(a_release_without_sums_or_date_is_malformed)
{
        struct ingot_debian_release r;
        CHECK_FAILS(ingot_debian_release_decode(span(""), &r, &error), INGOT_E_FORMAT, "empty");
        CHECK_FAILS(ingot_debian_release_decode(span("Suite: x\n"), &r, &error), INGOT_E_FORMAT,
                    "no SHA256");
        CHECK_FAILS(ingot_debian_release_decode(span("SHA256:\n a 1 b\n"), &r, &error),
                    INGOT_E_FORMAT, "no date");
        CHECK_FAILS(ingot_debian_release_decode(span("Date: soon\nSHA256:\n a 1 b\n"), &r, &error),
                    INGOT_E_FORMAT, "no date: Date: soon");
}

TEST(dates_are_read_or_refused)
{
        uint64_t t;
        CHECK(ingot_debian_parse_date(span("Thu, 01 Jan 1970 00:00:01 +0000"), &t) && t == 1);
        CHECK(ingot_debian_parse_date(span("1 Jan 1970 00:00:02 GMT"), &t) && t == 2);
        CHECK(!ingot_debian_parse_date(span("Thu, 01 Jan 1970 00:00:01 CET"), &t));
        CHECK(!ingot_debian_parse_date(span("Thu, 01 Foo 1970 00:00:01 UTC"), &t));
        CHECK(!ingot_debian_parse_date(span("Thu, 01 Jan 1970 25:00:01 UTC"), &t));
        CHECK(!ingot_debian_parse_date(span("Thu, 01 Jan 1970 00:00:01 UTC x"), &t));
}

TEST(relations_are_read_and_written)
{
        static const struct {
                const char *in, *out;
        } good[] = {
                {"libc6 (>= 2.38)", "libc6 (>= 2.38)"},
                {"libc6(>=2.38)", "libc6 (>= 2.38)"},
                {"python3:any", "python3"},
                {"a (<< 1) | b (= 1:2-3) | c", "a (<< 1) | b (= 1:2-3) | c"},
                {"a:i386", "a:i386"},
                {"a (> 1)", "a (>= 1)"},
        };
        static const char *const bad[] = {"", "|", "a |", "(>= 1)", "a (1)", "a (>= )", "a (>= 1",
                                          "a b", "a (<> 1)"};
        __attribute__((cleanup(free_pool))) Pool *pool = pool_create();
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                _cleanup_buffer_ struct ingot_buffer text = {0};
                Id id;
                CHECK_OK(ingot_debian_relation(pool, span(good[i].in), &id, &error));
                CHECK_OK(ingot_debian_relation_text(pool, id, &text, &error));
                CHECK_STR((char *) text.data, good[i].out);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                Id id;
                CHECK_FAILS(ingot_debian_relation(pool, span(bad[i]), &id, &error), INGOT_E_FORMAT,
                            "no relation");
        }
}

static int mirror_of(const char *name, const char *text, const char *suite, char **ret)
{
        static unsigned number;
        _cleanup_free_ char *folder = NULL, *path = NULL, *parts = NULL;
        if (ingot_format(&folder, &error, "%s/apt%u", test_folder(), number++) < 0 ||
            ingot_format(&parts, &error, "%s/sources.list.d", folder) < 0 ||
            ingot_format(&path, &error, "%s/%s", folder, name) < 0 ||
            ingot_make_directories(parts, 0755, &error) < 0 ||
            ingot_outfile_put(path, text, strlen(text), 0644, &error) < 0)
                return -1;
        return ingot_debian_host_mirror(folder, suite, ret, &error);
}

TEST(the_mirror_is_the_one_apt_uses)
{
        static const char list[] = "# deb http://no.example/debian x main\n"
                                   "deb-src http://src.example/debian x main\n"
                                   "deb https://other.example/node x main\n"
                                   "deb [arch=amd64] http://m.example/debian/ bookworm main\n";
        static const char sources[] = "Types: deb\nURIs: https://other.example/\nSuites: x\n\n"
                                      "Enabled: no\nTypes: deb\nURIs: http://off.example/debian\n\n"
                                      "Types: deb\nURIs: http://m.example/debian\nSuites: x\n\n"
                                      "Types: deb\nURIs: http://s.example/debian-security\n";
        _cleanup_free_ char *a = NULL, *b = NULL, *c = NULL, *d = NULL;
        CHECK_OK(mirror_of("sources.list", list, "trixie", &a));
        CHECK_STR(a, "http://m.example/debian");
        CHECK_OK(mirror_of("sources.list", list, "trixie-security", &b));
        CHECK_STR(b, "http://m.example/debian-security");
        CHECK_OK(mirror_of("sources.list.d/debian.sources", sources, "trixie-security", &c));
        CHECK_STR(c, "http://s.example/debian-security");
        CHECK_OK(mirror_of("sources.list.d/debian.sources", sources, "trixie", &d));
        CHECK_STR(d, "http://m.example/debian");
        CHECK_FAILS(mirror_of("sources.list.d/ignored.txt", sources, "trixie", &a),
                    INGOT_E_NOTFOUND, "Distribution.Mirror=");
}
