/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ingot.lock as text. Reading is strict in a simple way: what was read is written again, and the
 * first line that differs from the input is the error. So there is one spelling of each lock.
 */
#include "package/lock.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SOURCES_MAX 100
#define WORDS_MAX 64
#define DATE_SIZE 21
#define DATE_MAX 253402300799 /* the last second of the year 9999 */

static const char head[] = "# Which packages a build takes: written by \"ingot lock\", to be kept "
                           "under version control.\n";

static void source_done(struct ingot_package_source *s)
{
        free(s->mirror);
        free(s->suite);
        free(s->components);
}

void ingot_package_sources_done(struct ingot_package_sources *s)
{
        for (size_t i = 0; i < s->count; i++)
                source_done(&s->items[i]);
        free(s->items);
        *s = (struct ingot_package_sources){0};
}

static void locked_done(struct ingot_locked_package *p)
{
        free(p->name);
        free(p->version);
        free(p->architecture);
        free(p->path);
}

void ingot_lock_done(struct ingot_lock *lock)
{
        for (size_t i = 0; i < lock->count; i++)
                locked_done(&lock->packages[i]);
        free(lock->packages);
        free(lock->distribution);
        free(lock->architecture);
        ingot_package_sources_done(&lock->sources);
        *lock = (struct ingot_lock){0};
}

/* Room for one more of SIZE bytes each in *items. */
static int grow(void **items, size_t count, size_t *allocated, size_t size, ingot_error *reterr)
{
        if (count < *allocated)
                return 0;
        size_t room = *allocated ? *allocated * 2 : 16;
        void *grown = reallocarray(*items, room, size);
        if (!grown)
                return ingot_fail_nomem(reterr);
        *items = grown;
        *allocated = room;
        return 0;
}

static int join_components(const char *components, char **ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings words = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        int r = ingot_strings_split(&words, components, " \t,", reterr);
        for (size_t i = 0; r >= 0 && i < words.count; i++)
                r = ingot_buffer_printf(&b, reterr, "%s%s", i > 0 ? " " : "", words.items[i]);
        if (r >= 0 && words.count == 0)
                r = ingot_fail(reterr, INGOT_E_USAGE, "a package source has no component");
        if (r >= 0)
                *ret = (char *) ingot_buffer_take(&b);
        return r;
}

int ingot_package_sources_add(struct ingot_package_sources *s, const char *mirror,
                              const char *suite, const char *components, ingot_error *reterr)
{
        struct ingot_package_source new = {0};
        int r = grow((void **) &s->items, s->count, &s->allocated, sizeof(new), reterr);
        if (r >= 0)
                r = ingot_strdup(&new.suite, suite, reterr);
        if (r >= 0)
                r = join_components(components, &new.components, reterr);
        if (r >= 0 && mirror)
                r = ingot_strdup(&new.mirror, mirror, reterr);
        if (r < 0) {
                source_done(&new);
                return r;
        }
        size_t n = new.mirror ? strlen(new.mirror) : 0;
        if (n > 0 && new.mirror[n - 1] == '/')
                new.mirror[n - 1] = 0;
        s->items[s->count++] = new;
        return 0;
}

int ingot_lock_add(struct ingot_lock *lock, const struct ingot_locked_package *package,
                   ingot_error *reterr)
{
        struct ingot_locked_package new = *package;
        int r = grow((void **) &lock->packages, lock->count, &lock->allocated, sizeof(new), reterr);
        if (r < 0)
                return r;
        new.name = new.version = new.architecture = new.path = NULL;
        r = ingot_strdup(&new.name, package->name, reterr);
        if (r >= 0)
                r = ingot_strdup(&new.version, package->version, reterr);
        if (r >= 0)
                r = ingot_strdup(&new.architecture, package->architecture, reterr);
        if (r >= 0)
                r = ingot_strdup(&new.path, package->path, reterr);
        if (r < 0) {
                locked_done(&new);
                return r;
        }
        lock->packages[lock->count++] = new;
        return 0;
}

static int compare(const void *a, const void *b)
{
        const struct ingot_locked_package *p = a, *q = b;
        int c = strcmp(p->name, q->name);
        return c != 0 ? c : strcmp(p->architecture, q->architecture);
}

void ingot_lock_sort(struct ingot_lock *lock)
{
        if (lock->count > 1)
                qsort(lock->packages, lock->count, sizeof(*lock->packages), compare);
}

const struct ingot_locked_package *ingot_lock_find(const struct ingot_lock *lock,
                                                   const char *name)
{
        size_t low = 0, high = lock->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (strcmp(lock->packages[middle].name, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        bool found = low < lock->count && strcmp(lock->packages[low].name, name) == 0;
        return found ? &lock->packages[low] : NULL;
}

static void format_date(uint64_t date, char ret[DATE_SIZE])
{
        struct tm tm = {0};
        time_t t = (time_t) (date <= DATE_MAX ? date : DATE_MAX);
        gmtime_r(&t, &tm);
        strftime(ret, DATE_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static bool parse_date(const char *text, uint64_t *ret)
{
        struct tm tm = {0};
        const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
        if (!end || *end != 0)
                return false;
        time_t t = timegm(&tm);
        *ret = (uint64_t) t;
        return t >= 0 && *ret <= DATE_MAX;
}

int ingot_lock_encode(const struct ingot_lock *lock, struct ingot_buffer *ret, ingot_error *reterr)
{
        char date[DATE_SIZE], hex[2 * INGOT_SHA256_SIZE + 1];
        format_date(lock->date, date);
        ingot_hex(hex, lock->request, sizeof(lock->request));
        int r = ingot_buffer_printf(ret, reterr,
                                    "%sformat %d\ndistribution %s\narchitecture %s\ndate %s\n"
                                    "request %s\n",
                                    head, INGOT_LOCK_FORMAT, lock->distribution,
                                    lock->architecture, date, hex);
        for (size_t i = 0; r >= 0 && i < lock->sources.count; i++) {
                const struct ingot_package_source *s = &lock->sources.items[i];
                r = ingot_buffer_printf(ret, reterr, "source %zu %s %s %s\n", i + 1,
                                        s->mirror ? s->mirror : "-", s->suite, s->components);
        }
        for (size_t i = 0; r >= 0 && i < lock->count; i++) {
                const struct ingot_locked_package *p = &lock->packages[i];
                ingot_hex(hex, p->sha256, sizeof(p->sha256));
                r = ingot_buffer_printf(ret, reterr, "package %s %s %s %zu %" PRIu64 " %s %s\n",
                                        p->name, p->version, p->architecture, p->source + 1,
                                        p->size, hex, p->path);
        }
        return r;
}

/* A path that stays below its mirror. */
static bool path_safe(const char *path)
{
        for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/') {
                size_t n = strcspn(p, "/");
                if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
                        return false;
        }
        return path[0] != 0 && path[strlen(path) - 1] != '/';
}

static bool name_safe(const char *name)
{
        return name[0] != 0 && name[0] != '.' && !strchr(name, '/');
}

/* One "key word word …" line, cut into words in place. */
struct line {
        char *words[WORDS_MAX];
        size_t count;
};

static int decode_package(struct ingot_lock *lock, const struct line *l, ingot_error *reterr)
{
        struct ingot_locked_package p = {0};
        uint64_t source;
        if (l->count != 8)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a package has 7 fields, not %zu",
                                  l->count - 1);
        if (lock->count >= INGOT_LOCK_PACKAGES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d packages",
                                  INGOT_LOCK_PACKAGES_MAX);
        p.name = l->words[1];
        p.version = l->words[2];
        p.architecture = l->words[3];
        p.path = l->words[7];
        if (!name_safe(p.name) || !name_safe(p.version) || !name_safe(p.architecture))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no name of a package: %s %s %s", p.name,
                                  p.version, p.architecture);
        if (!ingot_parse_u64(l->words[4], &source) || source == 0 || source > lock->sources.count)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is of no source", p.name);
        p.source = (size_t) source - 1;
        if (!ingot_parse_u64(l->words[5], &p.size) ||
            !ingot_unhex(p.sha256, sizeof(p.sha256), l->words[6]))
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s has no valid size and digest",
                                  p.name);
        if (!path_safe(p.path))
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s has no path below its mirror: %s",
                                  p.name, p.path);
        if (lock->count > 0 && compare(&lock->packages[lock->count - 1], &p) >= 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is doubled or out of order", p.name);
        return ingot_lock_add(lock, &p, reterr);
}

static int decode_source(struct ingot_lock *lock, const struct line *l, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer components = {0};
        int r = 0;
        if (l->count < 5)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a source has at least 4 fields");
        if (lock->sources.count >= SOURCES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d sources", SOURCES_MAX);
        for (size_t i = 4; r >= 0 && i < l->count; i++)
                r = ingot_buffer_printf(&components, reterr, "%s ", l->words[i]);
        if (r < 0)
                return r;
        const char *mirror = strcmp(l->words[2], "-") == 0 ? NULL : l->words[2];
        return ingot_package_sources_add(&lock->sources, mirror, l->words[3],
                                         (const char *) components.data, reterr);
}

static int decode_format(const char *word, ingot_error *reterr)
{
        uint64_t format;
        if (!ingot_parse_u64(word, &format))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no format number: %s", word);
        if (format != INGOT_LOCK_FORMAT)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "format %" PRIu64 ", this ingot reads %d", format,
                                  INGOT_LOCK_FORMAT);
        return 0;
}

static int decode_line(struct ingot_lock *lock, const struct line *l, ingot_error *reterr)
{
        const char *key = l->words[0];
        if (l->count == 0 || key[0] == '#')
                return 0;
        if (strcmp(key, "package") == 0)
                return decode_package(lock, l, reterr);
        if (strcmp(key, "source") == 0)
                return decode_source(lock, l, reterr);
        if (l->count != 2)
                return ingot_fail(reterr, INGOT_E_FORMAT, "\"%s\" is not one word", key);
        if (strcmp(key, "format") == 0)
                return decode_format(l->words[1], reterr);
        if (strcmp(key, "distribution") == 0 && !lock->distribution)
                return ingot_strdup(&lock->distribution, l->words[1], reterr);
        if (strcmp(key, "architecture") == 0 && !lock->architecture)
                return ingot_strdup(&lock->architecture, l->words[1], reterr);
        if (strcmp(key, "date") == 0 && parse_date(l->words[1], &lock->date))
                return 0;
        if (strcmp(key, "request") == 0 &&
            ingot_unhex(lock->request, sizeof(lock->request), l->words[1]))
                return 0;
        return ingot_fail(reterr, INGOT_E_FORMAT, "not understood: %s %s", key, l->words[1]);
}

static int split_line(char *text, struct line *ret, ingot_error *reterr)
{
        char *rest = text, *word;
        *ret = (struct line){0};
        while ((word = strsep(&rest, " "))) {
                if (ret->count == WORDS_MAX || word[0] == 0)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "odd spaces");
                ret->words[ret->count++] = word;
                if (word == text && word[0] == '#')
                        break;
        }
        return 0;
}

/* All lines of TEXT, which it cuts up. */
static int decode_lines(char *text, struct ingot_lock *lock, ingot_error *reterr)
{
        size_t number = 1;
        for (char *rest = text, *line; (line = strsep(&rest, "\n")); number++) {
                struct line words;
                if (line[0] == 0 && !rest)
                        break;
                int r = split_line(line, &words, reterr);
                if (r >= 0)
                        r = decode_line(lock, &words, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "line %zu", number);
        }
        if (!lock->distribution || !lock->architecture)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no lock: distribution or architecture "
                                                          "is missing");
        return 0;
}

/* TEXT is exactly what encoding LOCK gives, or which line is not. */
static int check_canonical(struct ingot_span text, const struct ingot_lock *lock,
                           ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer again = {0};
        int r = ingot_lock_encode(lock, &again, reterr);
        if (r < 0)
                return r;
        size_t line = 1, i = 0;
        while (i < text.size && i < again.size && text.data[i] == again.data[i])
                line += text.data[i++] == '\n';
        if (i == text.size && i == again.size)
                return 0;
        return ingot_fail(reterr, INGOT_E_FORMAT, "line %zu is not as ingot writes it", line);
}

int ingot_lock_decode(struct ingot_span text, struct ingot_lock *ret, ingot_error *reterr)
{
        _cleanup_lock_ struct ingot_lock lock = {0};
        _cleanup_free_ char *copy = NULL;
        if (text.size > INGOT_LOCK_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a lock of %zu bytes", text.size);
        for (size_t i = 0; i < text.size; i++)
                if (text.data[i] != '\n' && (text.data[i] < 0x20 || text.data[i] > 0x7e))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "byte %zu is not plain text", i);
        copy = malloc(text.size + 1);
        if (!copy)
                return ingot_fail_nomem(reterr);
        if (text.size > 0)
                memcpy(copy, text.data, text.size);
        copy[text.size] = 0;
        int r = decode_lines(copy, &lock, reterr);
        if (r >= 0)
                r = check_canonical(text, &lock, reterr);
        if (r < 0)
                return r;
        *ret = lock;
        lock = (struct ingot_lock){0};
        return 0;
}

int ingot_lock_read(const char *path, struct ingot_lock *ret, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_LOCK_SIZE_MAX, &data, &size, reterr);
        if (r < 0)
                return r;
        return ingot_under(reterr, ingot_lock_decode(INGOT_SPAN(data, size), ret, reterr), "%s",
                           path);
}

int ingot_lock_write(const char *path, const struct ingot_lock *lock, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_lock_encode(lock, &text, reterr);
        if (r < 0)
                return r;
        return ingot_outfile_put(path, text.data, text.size, 0644, reterr);
}
