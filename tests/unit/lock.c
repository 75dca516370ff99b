/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot.lock: what is written is read back, and nothing else is read. */
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"
#include "package/lock.h"
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>

static ingot_error error;

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEAD                                                                                       \
        "# Which packages a build takes: written by \"ingot lock\", to be kept under version "     \
        "control.\nformat 1\ndistribution debian\narchitecture x86-64\n"                           \
        "date 2025-11-15T10:12:13Z\nrequest " HEX "\n"                                             \
        "source 1 - trixie main contrib\nsource 2 file:/srv/m trixie-security main\n"
#define BASH "package bash 5.2.37-2 amd64 1 1500000 " HEX " pool/main/b/bash/bash.deb\n"
#define ZLIB "package zlib1g 1:1.3.dfsg amd64 2 88000 " HEX " pool/main/z/zlib1g.deb\n"

static int decode(const char *text, struct ingot_lock *ret)
{
        return ingot_lock_decode(INGOT_SPAN(text, strlen(text)), ret, &error);
}

TEST(a_lock_is_read_and_written_back)
{
        _cleanup_lock_ struct ingot_lock lock = {0};
        _cleanup_buffer_ struct ingot_buffer again = {0};
        CHECK_OK(decode(HEAD BASH ZLIB, &lock));
        CHECK_STR(lock.distribution, "debian");
        CHECK_STR(lock.architecture, "x86-64");
        CHECK_EQ(lock.date, 1763201533);
        CHECK_EQ(lock.request[31], 31);
        CHECK_EQ(lock.sources.count, 2);
        CHECK(!lock.sources.items[0].mirror);
        CHECK_STR(lock.sources.items[0].components, "main contrib");
        CHECK_STR(lock.sources.items[1].mirror, "file:/srv/m");
        CHECK_EQ(lock.count, 2);
        CHECK_STR(lock.packages[1].version, "1:1.3.dfsg");
        CHECK_EQ(lock.packages[1].source, 1);
        CHECK_EQ(lock.packages[1].size, 88000);
        CHECK_OK(ingot_lock_encode(&lock, &again, &error));
        CHECK_STR((char *) again.data, HEAD BASH ZLIB);
        CHECK(ingot_lock_find(&lock, "bash") == &lock.packages[0]);
        CHECK(ingot_lock_find(&lock, "zlib1g") == &lock.packages[1]);
        CHECK(!ingot_lock_find(&lock, "zsh"));
}

TEST(what_ingot_does_not_write_is_refused_with_its_line)
{
        _cleanup_lock_ struct ingot_lock lock = {0};
        CHECK_FAILS(decode(HEAD ZLIB BASH, &lock), INGOT_E_FORMAT, "line 10: bash is doubled");
        CHECK_FAILS(decode(HEAD BASH BASH, &lock), INGOT_E_FORMAT, "doubled");
        CHECK_FAILS(decode(HEAD "\n" BASH, &lock), INGOT_E_FORMAT, "line 9");
        CHECK_FAILS(decode(HEAD "package a 1 all 1 01 " HEX " p\n", &lock), INGOT_E_FORMAT,
                    "line 9 is not as ingot writes it");
        CHECK_FAILS(decode(HEAD "package a 1 all 3 1 " HEX " p\n", &lock), INGOT_E_FORMAT,
                    "of no source");
        CHECK_FAILS(decode(HEAD "package a 1 all 1 1 " HEX "\n", &lock), INGOT_E_FORMAT,
                    "7 fields, not 6");
        CHECK_FAILS(decode(HEAD "package a 1 all 1 1 0102 p\n", &lock), INGOT_E_FORMAT,
                    "size and digest");
        CHECK_FAILS(decode(HEAD "colour red\n", &lock), INGOT_E_FORMAT, "not understood: colour");
        CHECK_FAILS(decode(HEAD "date 2025-13-01T00:00:00Z\n", &lock), INGOT_E_FORMAT, "date");
        CHECK_FAILS(decode("", &lock), INGOT_E_FORMAT, "missing");
        CHECK_FAILS(decode(HEAD "\xc3\xa4\n", &lock), INGOT_E_FORMAT, "plain text");
}

TEST(a_path_never_leaves_the_mirror)
{
        static const char *const bad[] = {"../x", "/etc/x", "a/../b", "a//b", "./a", "a/", "a/.."};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_lock_ struct ingot_lock lock = {0};
                _cleanup_free_ char *text = NULL;
                CHECK_OK(ingot_format(&text, &error, HEAD "package a 1 all 1 1 " HEX " %s\n",
                                      bad[i]));
                CHECK_FAILS(decode(text, &lock), INGOT_E_FORMAT, "no path below its mirror");
        }
}

TEST(a_newer_format_is_unsupported_not_malformed)
{
        _cleanup_lock_ struct ingot_lock lock = {0};
        CHECK_FAILS(decode("format 2\nfoo bar baz\n", &lock), INGOT_E_UNSUPPORTED, "format 2");
}

TEST(packages_are_sorted_by_name_then_architecture)
{
        _cleanup_lock_ struct ingot_lock lock = {0};
        const char *names[] = {"zlib1g", "a+b", "a", "bash"};
        char version[] = "1", architecture[] = "all", path[] = "p";
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                struct ingot_locked_package p = {(char *) names[i], version, architecture, 1,
                                                 {0},               path,    0};
                CHECK_OK(ingot_lock_add(&lock, &p, &error));
        }
        ingot_lock_sort(&lock);
        CHECK_STR(lock.packages[0].name, "a");
        CHECK_STR(lock.packages[1].name, "a+b");
        CHECK_STR(lock.packages[3].name, "zlib1g");
}

TEST(a_lock_file_is_written_and_read)
{
        _cleanup_lock_ struct ingot_lock lock = {0}, again = {0};
        _cleanup_free_ char *path = NULL;
        CHECK_OK(ingot_format(&path, &error, "%s/ingot.lock", test_folder()));
        CHECK_FAILS(ingot_lock_read(path, &again, &error), INGOT_E_NOTFOUND, "ingot.lock");
        CHECK_OK(decode(HEAD BASH ZLIB, &lock));
        CHECK_OK(ingot_lock_write(path, &lock, &error));
        CHECK_OK(ingot_lock_read(path, &again, &error));
        CHECK_EQ(again.count, 2);
        CHECK_OK(ingot_outfile_put(path, "format x\n", 9, 0644, &error));
        CHECK_FAILS(ingot_lock_read(path, &again, &error), INGOT_E_FORMAT, "ingot.lock: line 1");
}
