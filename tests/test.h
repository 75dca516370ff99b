/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The test harness: TAP on stdout, one binary for each noun.
 *
 *     TEST(backup_header_wins_when_primary_is_corrupt) { CHECK_EQ(a, b); }
 *
 * A failing CHECK prints where and returns, so cleanup attributes run and the leak checker stays
 * quiet. `NAME [TEST]` runs one test. SKIP("why") ends a test as skipped.
 */
#pragma once

#include "base/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct test {
        const char *name;
        void (*run)(void);
        struct test *next;
};

extern struct test *test_first;
extern int test_failed;
extern const char *test_skipped;

void test_register(struct test *t);
void test_report(const char *file, int line, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* The seed of property tests: INGOT_SEED, or a fixed one; printed with every failure. */
uint64_t test_seed(void);
/* A small generator; the same seed gives the same numbers everywhere. */
uint64_t test_random(uint64_t *state);
/* A new folder, removed at exit. */
const char *test_folder(void);
/* The path of NAME in that folder; good until the fourth next call. */
const char *test_path(const char *name);
/* The path of a file of the source tree: test_source("tests/golden/gpt"). */
const char *test_source(const char *path);

#define TEST(n)                                                                                    \
        static void n(void);                                                                       \
        static struct test n##_test = {#n, n, NULL};                                               \
        __attribute__((constructor)) static void n##_register(void)                                \
        {                                                                                          \
                test_register(&n##_test);                                                          \
        }                                                                                          \
        static void n(void)

#define CHECK(condition)                                                                           \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        test_report(__FILE__, __LINE__, "%s", #condition);                         \
                        return;                                                                    \
                }                                                                                  \
        } while (0)

/* Compared as wide integers, so that -1 is not the largest unsigned number. */
#define CHECK_EQ(a, b)                                                                             \
        do {                                                                                       \
                __extension__ __int128 a_ = (a), b_ = (b);                                         \
                if (a_ != b_) {                                                                    \
                        test_report(__FILE__, __LINE__, "%s is %lld (%#llx), not %s = %lld", #a,   \
                                    (long long) a_, (unsigned long long) a_, #b, (long long) b_);  \
                        return;                                                                    \
                }                                                                                  \
        } while (0)

#define CHECK_STR(a, b)                                                                            \
        do {                                                                                       \
                const char *a_ = (a), *b_ = (b);                                                   \
                if (!a_ || !b_ || strcmp(a_, b_) != 0) {                                           \
                        test_report(__FILE__, __LINE__, "%s is '%s', not '%s'", #a,                \
                                    a_ ? a_ : "(null)", b_ ? b_ : "(null)");                       \
                        return;                                                                    \
                }                                                                                  \
        } while (0)

/* The call succeeds; needs an `ingot_error error` in scope, whose text is printed if not. */
#define CHECK_OK(call)                                                                             \
        do {                                                                                       \
                int r_ = (call);                                                                   \
                if (r_ < 0) {                                                                      \
                        test_report(__FILE__, __LINE__, "%s: %s", #call, error.text);              \
                        return;                                                                    \
                }                                                                                  \
        } while (0)

/* The call fails with that code and a text that holds WORDS. */
#define CHECK_FAILS(call, want, words)                                                             \
        do {                                                                                       \
                error = (ingot_error){0};                                                          \
                int r_ = (call);                                                                   \
                if (r_ != -(want) || error.code != (want)) {                                       \
                        test_report(__FILE__, __LINE__, "%s returned %d (%s), not %s", #call, r_,  \
                                    error.text, ingot_code_name(want));                            \
                        return;                                                                    \
                }                                                                                  \
                if (!strstr(error.text, words)) {                                                  \
                        test_report(__FILE__, __LINE__, "'%s' does not say '%s'", error.text,      \
                                    words);                                                        \
                        return;                                                                    \
                }                                                                                  \
        } while (0)

#define SKIP(why)                                                                                  \
        do {                                                                                       \
                test_skipped = (why);                                                              \
                return;                                                                            \
        } while (0)
