/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pattern is taken apart anew for each name: there is nothing to free, and names are short. */
#include "format/name-pattern.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ANY_FOLDER "**/"
#define LITERAL_MAX 255
#define MODE_MAX 0775

/* In the order of enum ingot_name_field. */
static const char letters[] = "vufagrtmsdlh";

enum kind { END, LITERAL, SLASH, FIELD };

struct element {
        enum kind kind;
        enum ingot_name_field field;
        char literal[LITERAL_MAX + 1]; /* "@@" is one '@' here */
};

bool ingot_version_valid(const char *version)
{
        size_t n = strlen(version);
        if (n == 0 || n > INGOT_NAME_VERSION_MAX || strcmp(version, ".") == 0 ||
            strcmp(version, "..") == 0)
                return false;
        for (; *version; version++)
                if (!((*version >= '0' && *version <= '9') ||
                      (*version >= 'a' && *version <= 'z') ||
                      (*version >= 'A' && *version <= 'Z') || strchr(".-~^_+", *version)))
                        return false;
        return true;
}

void ingot_name_set_version(struct ingot_name_fields *f, const char *version)
{
        size_t n = strlen(version);
        if (n > INGOT_NAME_VERSION_MAX)
                n = INGOT_NAME_VERSION_MAX;
        memcpy(f->version, version, n);
        f->version[n] = 0;
        f->have |= 1u << INGOT_NAME_VERSION;
}

void ingot_name_set_number(struct ingot_name_fields *f, enum ingot_name_field field, uint64_t value)
{
        f->number[field] = value;
        f->have |= 1u << field;
}

static bool allowed(char c)
{
        return c > 0x1f && c < 0x7f && !strchr("$*?[]!\\|", c);
}

/* The element at *P, which moves behind it. */
static int next_element(const char **p, struct element *ret, ingot_error *reterr)
{
        size_t n = 0;
        *ret = (struct element){.kind = **p ? LITERAL : END};
        if (**p == '/') {
                (*p)++;
                ret->kind = SLASH;
                return 0;
        }
        if (**p == '@' && (*p)[1] != '@') {
                const char *letter = (*p)[1] ? strchr(letters, (*p)[1]) : NULL;
                if (!letter)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "there is no field '@%.1s'",
                                          *p + 1);
                ret->kind = FIELD;
                ret->field = (enum ingot_name_field)(letter - letters);
                *p += 2;
                return 0;
        }
        for (; **p && **p != '/' && (**p != '@' || (*p)[1] == '@'); (*p)++) {
                if (!allowed(**p))
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "a pattern has no character 0x%02x", (uint8_t) * *p);
                if (n == LITERAL_MAX)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "more than %d characters",
                                          LITERAL_MAX);
                ret->literal[n++] = **p;
                *p += **p == '@';
        }
        return 0;
}

static const char *behind_folders(const char *pattern, bool *ret_any)
{
        *ret_any = ingot_starts_with(pattern, ANY_FOLDER);
        return *ret_any ? pattern + strlen(ANY_FOLDER) : pattern;
}

static int check(const char *pattern, ingot_error *reterr)
{
        bool any;
        const char *p = behind_folders(pattern, &any);
        struct element e, before = {.kind = END};
        unsigned seen = 0;
        for (;; before = e) {
                int r = next_element(&p, &e, reterr);
                if (r < 0)
                        return r;
                if (e.kind == END)
                        break;
                if (e.kind != FIELD)
                        continue;
                if (seen >> e.field & 1)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "'@%c' stands twice",
                                          letters[e.field]);
                if (before.kind == FIELD)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "nothing stands between '@%c' and '@%c'",
                                          letters[before.field], letters[e.field]);
                seen |= 1u << e.field;
        }
        return seen & 1u << INGOT_NAME_VERSION ? 0 : ingot_fail(reterr, INGOT_E_FORMAT, "no '@v'");
}

int ingot_name_pattern_check(const char *pattern, ingot_error *reterr)
{
        return ingot_under(reterr, check(pattern, reterr), "pattern '%.128s'", pattern);
}

static bool parse_digits(const char *text, unsigned base, uint64_t *ret)
{
        uint64_t value = 0;
        if (!*text)
                return false;
        for (; *text; text++) {
                char c = *text;
                unsigned digit = c >= '0' && c <= '9'   ? (unsigned) (c - '0')
                                 : c >= 'a' && c <= 'f' ? (unsigned) (c - 'a' + 10)
                                 : c >= 'A' && c <= 'F' ? (unsigned) (c - 'A' + 10)
                                                        : base;
                if (digit >= base || __builtin_mul_overflow(value, (uint64_t) base, &value) ||
                    __builtin_add_overflow(value, (uint64_t) digit, &value))
                        return false;
        }
        *ret = value;
        return true;
}

static bool parse_field(enum ingot_name_field field, const char *text, struct ingot_name_fields *f)
{
        uint64_t value = 0;
        bool yes, good;
        switch (field) {
        case INGOT_NAME_VERSION:
                good = ingot_version_valid(text);
                if (good)
                        ingot_name_set_version(f, text);
                return good;
        case INGOT_NAME_UUID:
                good = ingot_uuid_parse(text, &f->uuid);
                break;
        case INGOT_NAME_SHA256:
                good = ingot_unhex(f->sha256, INGOT_SHA256_SIZE, text);
                break;
        case INGOT_NAME_NO_AUTO:
        case INGOT_NAME_GROW_FS:
        case INGOT_NAME_READ_ONLY:
                good = ingot_parse_bool(text, &yes);
                value = good && yes;
                break;
        case INGOT_NAME_FLAGS:
                good = parse_digits(text, 16, &value);
                break;
        case INGOT_NAME_MODE:
                good = parse_digits(text, 8, &value) && (value & ~(uint64_t) MODE_MAX) == 0;
                break;
        default:
                good = parse_digits(text, 10, &value);
        }
        if (good)
                ingot_name_set_number(f, field, value);
        return good;
}

/* The field's text at *NAME, which ends where NEXT begins; false when it never does. */
static bool take_field(const char **name, enum ingot_name_field field, const struct element *next,
                       struct ingot_name_fields *f)
{
        char text[LITERAL_MAX + 1];
        const char *end = *name + strcspn(*name, "/");
        if (next->kind == LITERAL)
                end = strstr(*name, next->literal);
        else if (next->kind == SLASH && *end == 0)
                return false;
        if (!end || end - *name > LITERAL_MAX)
                return false;
        memcpy(text, *name, (size_t) (end - *name));
        text[end - *name] = 0;
        *name = end;
        return !strchr(text, '/') && parse_field(field, text, f);
}

int ingot_name_match(const char *pattern, const char *name, struct ingot_name_fields *ret,
                     ingot_error *reterr)
{
        struct ingot_name_fields f = {0};
        struct element e, next;
        bool any;
        int r = ingot_name_pattern_check(pattern, reterr);
        if (r < 0)
                return r;
        const char *p = behind_folders(pattern, &any), *slash = strrchr(name, '/');
        if (any && slash)
                name = slash + 1;
        (void) next_element(&p, &e, NULL);
        for (; e.kind != END; e = next) {
                (void) next_element(&p, &next, NULL);
                if (e.kind == SLASH && *name == 0)
                        return 2;
                if (e.kind == SLASH   ? *name++ != '/'
                    : e.kind == FIELD ? !take_field(&name, e.field, &next, &f)
                                      : !ingot_starts_with(name, e.literal))
                        return 1;
                if (e.kind == LITERAL)
                        name += strlen(e.literal);
        }
        if (*name)
                return 1;
        *ret = f;
        return 0;
}

static int put_field(struct ingot_buffer *out, enum ingot_name_field field,
                     const struct ingot_name_fields *f, ingot_error *reterr)
{
        char uuid[INGOT_UUID_TEXT_SIZE], hex[2 * INGOT_SHA256_SIZE + 1];
        uint64_t n = f->number[field];
        switch (field) {
        case INGOT_NAME_VERSION:
                return ingot_buffer_printf(out, reterr, "%s", f->version);
        case INGOT_NAME_UUID:
                ingot_uuid_format(&f->uuid, uuid);
                return ingot_buffer_printf(out, reterr, "%s", uuid);
        case INGOT_NAME_SHA256:
                ingot_hex(hex, f->sha256, INGOT_SHA256_SIZE);
                return ingot_buffer_printf(out, reterr, "%s", hex);
        case INGOT_NAME_FLAGS:
                return ingot_buffer_printf(out, reterr, "%" PRIx64, n);
        case INGOT_NAME_MODE:
                return ingot_buffer_printf(out, reterr, "%" PRIo64, n);
        default:
                return ingot_buffer_printf(out, reterr, "%" PRIu64, n);
        }
}

int ingot_name_make(const char *pattern, const struct ingot_name_fields *fields, char **ret,
                    ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer out = {0};
        struct element e;
        bool any;
        int r = ingot_name_pattern_check(pattern, reterr);
        const char *p = behind_folders(pattern, &any);
        while (r >= 0) {
                (void) next_element(&p, &e, NULL);
                if (e.kind == END)
                        break;
                if (e.kind == FIELD && !ingot_name_has(fields, e.field))
                        return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                          "pattern '%.128s': nothing says what '@%c' is", pattern,
                                          letters[e.field]);
                r = e.kind == FIELD ? put_field(&out, e.field, fields, reterr)
                                    : ingot_buffer_printf(&out, reterr, "%s",
                                                          e.kind == SLASH ? "/" : e.literal);
        }
        if (r < 0)
                return r;
        *ret = (char *) ingot_buffer_take(&out);
        return 0;
}
