/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of VOA, judged character by character: nothing else of them ever becomes a path. */
#include "trust/voa-name.h"
#include "base/cleanup.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { SHA1_DIGITS = 40, SHA256_DIGITS = 64, PLACE_PARTS = 5 };

static bool is_part(const char *text, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z') ||
                      text[i] == '.' || text[i] == '_' || text[i] == '-'))
                        return false;
        return true;
}

/* What holds for every name in the hierarchy. */
static const char *name_fault(const char *name, const char *but)
{
        if (!*name)
                return "is empty";
        if (strlen(name) > NAME_MAX)
                return "is too long";
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                return "is no name";
        for (const char *p = name; *p; p++)
                if (!is_part(p, 1) && !strchr(but, *p))
                        return "has a character other than 0-9, a-z, '.', '_' and '-'";
        return NULL;
}

const char *ingot_voa_os_fault(const char *os)
{
        size_t colons = 0;
        const char *fault = name_fault(os, ":");
        if (fault)
                return fault;
        for (const char *p = os; *p; p++)
                colons += *p == ':';
        if (os[0] == ':')
                return "has no ID";
        if (os[strlen(os) - 1] == ':')
                return "ends in a colon";
        return colons >= INGOT_VOA_OS_PARTS ? "has more than five parts" : NULL;
}

bool ingot_voa_purpose_is_anchor(const char *purpose)
{
        return ingot_starts_with(purpose, INGOT_VOA_ANCHOR_PREFIX);
}

const char *ingot_voa_purpose_fault(const char *purpose)
{
        const char *role = purpose, *fault = name_fault(purpose, "");
        if (fault)
                return fault;
        if (ingot_voa_purpose_is_anchor(purpose))
                role += strlen(INGOT_VOA_ANCHOR_PREFIX);
        if (!*role)
                return "is of a trust anchor without a role";
        return ingot_voa_purpose_is_anchor(role) ? "has \"trust-anchor-\" twice" : NULL;
}

const char *ingot_voa_context_fault(const char *context)
{
        return name_fault(context, "");
}

size_t ingot_voa_file_digits(enum ingot_technology t, const char *name)
{
        if (t == INGOT_TECHNOLOGY_SSH)
                return SHA256_DIGITS;
        if (t != INGOT_TECHNOLOGY_OPENPGP)
                return 0;
        size_t stem = strlen(name) - strlen(ingot_technology_suffix(t));
        return stem == SHA256_DIGITS ? SHA256_DIGITS : SHA1_DIGITS;
}

const char *ingot_voa_file_fault(enum ingot_technology t, const char *name)
{
        static const char digits[] = "0123456789abcdef";
        if (!ingot_technology_suffix_matches(t, name))
                return t == INGOT_TECHNOLOGY_OPENPGP ? "does not end in .openpgp"
                       : t == INGOT_TECHNOLOGY_X509
                               ? "does not end in -certificate.pem or -public-key.pem"
                               : "does not end in .pub";
        size_t want = ingot_voa_file_digits(t, name);
        size_t stem = strlen(name) - strlen(ingot_technology_suffix(t));
        if (want > 0 && (stem != want || strspn(name, digits) != stem))
                return t == INGOT_TECHNOLOGY_SSH
                               ? "is not the key's SHA-256 in 64 lower-case hexadecimal digits"
                               : "is not a fingerprint in 40 or 64 lower-case hexadecimal digits";
        return NULL;
}

bool ingot_voa_file_revokes(enum ingot_technology t, const char *name)
{
        return t == INGOT_TECHNOLOGY_SSH && strlen(name) > strlen(".krl") &&
               ingot_ends_with(name, ".krl");
}

void ingot_voa_place_done(struct ingot_voa_place *p)
{
        free(p->os);
        free(p->purpose);
        free(p->context);
        free(p->name);
        *p = (struct ingot_voa_place){0};
}

static int check_part(const char *what, const char *text, const char *fault, ingot_error *reterr)
{
        return fault ? ingot_fail(reterr, INGOT_E_FORMAT, "%s '%s' %s", what, text, fault) : 0;
}

int ingot_voa_place_parse(const char *path, struct ingot_voa_place *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings parts = {0};
        enum ingot_technology technology;
        for (const char *end; path; path = end ? end + 1 : NULL) {
                end = strchr(path, '/');
                int e = ingot_strings_add_n(&parts, path,
                                            end ? (size_t) (end - path) : strlen(path), reterr);
                if (e < 0)
                        return e;
        }
        if (parts.count != PLACE_PARTS)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "is not of the form OS/PURPOSE/CONTEXT/TECHNOLOGY/FILE");
        char **p = parts.items;
        int r = check_part("the OS", p[0], ingot_voa_os_fault(p[0]), reterr);
        if (r == 0)
                r = check_part("the purpose", p[1], ingot_voa_purpose_fault(p[1]), reterr);
        if (r == 0)
                r = check_part("the context", p[2], ingot_voa_context_fault(p[2]), reterr);
        if (r == 0 && !ingot_technology_parse(p[3], &technology))
                r = ingot_fail(reterr, INGOT_E_FORMAT, "the technology '%s' is none", p[3]);
        if (r == 0)
                r = check_part("the name", p[4], ingot_voa_file_fault(technology, p[4]), reterr);
        if (r < 0)
                return r;
        *ret = (struct ingot_voa_place){TAKE_PTR(p[0]), TAKE_PTR(p[1]), TAKE_PTR(p[2]),
                                        TAKE_PTR(p[4]), technology};
        return 0;
}

int ingot_voa_place_format(const struct ingot_voa_place *p, char **ret, ingot_error *reterr)
{
        return ingot_format(ret, reterr, "%s/%s/%s/%s/%s", p->os, p->purpose, p->context,
                            ingot_technology_name(p->technology), p->name);
}

/* os-release's value without quotes; in double quotes a backslash takes the next character. */
static int unquote(struct ingot_span value, char **ret, ingot_error *reterr)
{
        char quote = value.size > 0 && (value.data[0] == '"' || value.data[0] == '\'')
                             ? (char) value.data[0]
                             : 0;
        char *out = calloc(1, value.size + 1);
        if (!out)
                return ingot_fail_nomem(reterr);
        size_t n = 0;
        for (size_t i = quote != 0; i < value.size && (!quote || value.data[i] != quote); i++) {
                if (value.data[i] == '\\' && quote != '\'' && i + 1 < value.size)
                        i++;
                out[n++] = (char) value.data[i];
        }
        *ret = out;
        return 0;
}

static const char *const release_keys[INGOT_VOA_OS_PARTS] = {
        "ID=", "VERSION_ID=", "VARIANT_ID=", "IMAGE_ID=", "IMAGE_VERSION="};

static int read_release_line(const uint8_t *line, size_t size, char *parts[INGOT_VOA_OS_PARTS],
                             ingot_error *reterr)
{
        for (size_t i = 0; i < INGOT_VOA_OS_PARTS; i++) {
                size_t n = strlen(release_keys[i]);
                if (size < n || memcmp(line, release_keys[i], n) != 0)
                        continue;
                free(TAKE_PTR(parts[i])); /* the last one counts */
                while (size > n && (line[size - 1] == ' ' || line[size - 1] == '\r'))
                        size--;
                return unquote(INGOT_SPAN(line + n, size - n), &parts[i], reterr);
        }
        return 0;
}

static int join_parts(char *const parts[INGOT_VOA_OS_PARTS], char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *os = NULL;
        const char *id = parts[0] && *parts[0] ? parts[0] : "linux";
        for (size_t i = 0; i < INGOT_VOA_OS_PARTS; i++)
                if (parts[i] && !is_part(parts[i], strlen(parts[i])))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "%s'%s' is no part of an OS name",
                                          release_keys[i], parts[i]);
        int r = ingot_format(&os, reterr, "%s:%s:%s:%s:%s", id, parts[1] ? parts[1] : "",
                             parts[2] ? parts[2] : "", parts[3] ? parts[3] : "",
                             parts[4] ? parts[4] : "");
        if (r < 0)
                return r;
        for (size_t n = strlen(os); n > 0 && os[n - 1] == ':'; n--)
                os[n - 1] = 0;
        *ret = TAKE_PTR(os);
        return 0;
}

int ingot_voa_os_of_release(struct ingot_span text, char **ret, ingot_error *reterr)
{
        char *parts[INGOT_VOA_OS_PARTS] = {NULL};
        int r = 0;
        for (size_t at = 0; r == 0 && at < text.size;) {
                const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
                size_t n = end ? (size_t) (end - text.data) - at : text.size - at;
                r = read_release_line(text.data + at, n, parts, reterr);
                at += n + 1;
        }
        if (r == 0)
                r = join_parts(parts, ret, reterr);
        for (size_t i = 0; i < INGOT_VOA_OS_PARTS; i++)
                free(parts[i]);
        return r;
}
