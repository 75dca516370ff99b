/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The TAP printer and the few helpers that most tests want. */
#include "test.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

struct test *test_first;
int test_failed;
const char *test_skipped;
static char folder[64];

void test_register(struct test *t)
{
        struct test **last = &test_first;
        while (*last)
                last = &(*last)->next;
        *last = t;
}

void test_report(const char *file, int line, const char *format, ...)
{
        va_list args;
        char *text = NULL;
        test_failed = 1;
        va_start(args, format);
        if (vasprintf(&text, format, args) < 0)
                text = NULL;
        va_end(args);
        /* Every line is a comment: what another program printed is no TAP. */
        printf("# %s:%d: ", file, line);
        for (const char *p = text ? text : ""; *p; p++)
                if (*p == '\n')
                        fputs("\n# ", stdout);
                else
                        putchar(*p);
        printf(" (INGOT_SEED=%" PRIu64 ")\n", test_seed());
        free(text);
}

uint64_t test_seed(void)
{
        const char *text = getenv("INGOT_SEED");
        return text ? strtoull(text, NULL, 10) : 20261122;
}

uint64_t test_random(uint64_t *state)
{
        uint64_t z = (*state += 0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void) st, (void) type, (void) ftw;
        return remove(path);
}

static void remove_folder(void)
{
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

const char *test_folder(void)
{
        if (!*folder) {
                snprintf(folder, sizeof(folder), "/var/tmp/ingot-test-XXXXXX");
                if (!mkdtemp(folder)) {
                        perror("mkdtemp");
                        exit(1);
                }
                atexit(remove_folder);
        }
        return folder;
}

const char *test_path(const char *name)
{
        static char paths[4][4096];
        static unsigned next;
        char *path = paths[next++ % 4];
        snprintf(path, sizeof(paths[0]), "%s/%s", test_folder(), name);
        return path;
}

const char *test_source(const char *path)
{
        static char full[4096];
        const char *top = getenv("INGOT_SOURCE");
        snprintf(full, sizeof(full), "%s/%s", top ? top : ".", path);
        return full;
}

int main(int argc, char **argv)
{
        int count = 0, number = 0, failed = 0;
        for (struct test *t = test_first; t; t = t->next)
                count += argc < 2 || strcmp(argv[1], t->name) == 0;
        printf("1..%d\n", count);
        for (struct test *t = test_first; t; t = t->next) {
                if (argc > 1 && strcmp(argv[1], t->name) != 0)
                        continue;
                test_failed = 0;
                test_skipped = NULL;
                t->run();
                failed |= test_failed;
                printf("%sok %d - %s%s%s\n", test_failed ? "not " : "", ++number, t->name,
                       test_skipped ? " # SKIP " : "", test_skipped ? test_skipped : "");
                fflush(stdout);
        }
        return failed;
}
