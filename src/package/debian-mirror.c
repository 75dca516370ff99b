/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which mirror this host uses: sources.list(5) in both of its forms. So that a recipe names no
 * mirror, and works behind whatever mirror its user has.
 */
#include "base/cleanup.h"
#include "os/file.h"
#include "package/debian.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_SIZE_MAX ((size_t) 1 << 20)

/* What was found so far: the first URI of each archive. */
struct found {
        char *archive, *security;
};

/* Has the URI's path a folder of that name? */
static bool has_folder(const char *uri, const char *name)
{
        const char *host = strstr(uri, "://");
        size_t n = strlen(name);
        for (const char *p = host ? strchr(host + 3, '/') : NULL; p; p = strchr(p + 1, '/'))
                if (strncmp(p + 1, name, n) == 0 && (p[1 + n] == '/' || p[1 + n] == 0))
                        return true;
        return false;
}

static int consider(struct found *f, const char *uri, ingot_error *reterr)
{
        if (!ingot_starts_with(uri, "http://") && !ingot_starts_with(uri, "https://") &&
            !ingot_starts_with(uri, "file:/"))
                return 0;
        char **to = has_folder(uri, "debian-security") ? &f->security
                    : has_folder(uri, "debian")        ? &f->archive
                                                       : NULL;
        if (!to || *to)
                return 0;
        int r = ingot_strdup(to, uri, reterr);
        for (size_t n; r >= 0 && (n = strlen(*to)) > 0 && (*to)[n - 1] == '/';)
                (*to)[n - 1] = 0;
        return r;
}

/* "deb [options] URI suite component…" */
static int read_one_line(struct found *f, char *line, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings words = {0};
        line[strcspn(line, "#")] = 0;
        char *open = strchr(line, '['), *shut = open ? strchr(open, ']') : NULL;
        if (shut)
                memset(open, ' ', (size_t) (shut - open) + 1);
        int r = ingot_strings_split(&words, line, " \t\r", reterr);
        if (r < 0 || words.count < 3 || strcmp(words.items[0], "deb") != 0)
                return r;
        return consider(f, words.items[1], reterr);
}

static int read_list(struct found *f, char *text, ingot_error *reterr)
{
        int r = 0;
        for (char *line; r >= 0 && (line = strsep(&text, "\n"));)
                r = read_one_line(f, line, reterr);
        return r;
}

/* One paragraph of a .sources file, as far as it was read. */
struct paragraph {
        bool enabled, binary;
        struct ingot_strings uris;
};

static int paragraph_end(struct found *f, struct paragraph *p, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && p->enabled && p->binary && i < p->uris.count; i++)
                r = consider(f, p->uris.items[i], reterr);
        ingot_strings_done(&p->uris);
        *p = (struct paragraph){.enabled = true};
        return r;
}

static int paragraph_field(struct paragraph *p, const char *line, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings words = {0};
        const char *colon = strchr(line, ':');
        bool value;
        if (line[0] == '#' || !colon)
                return 0;
        int r = ingot_strings_split(&words, colon + 1, " \t\r", reterr);
        if (r < 0)
                return r;
        if (strncasecmp(line, "URIs:", 5) == 0)
                return ingot_strings_split(&p->uris, colon + 1, " \t\r", reterr);
        if (strncasecmp(line, "Types:", 6) == 0)
                p->binary = ingot_strings_contains(&words, "deb");
        if (strncasecmp(line, "Enabled:", 8) == 0 && words.count == 1 &&
            ingot_parse_bool(words.items[0], &value))
                p->enabled = value;
        return 0;
}

static int read_paragraphs(struct found *f, char *text, ingot_error *reterr)
{
        struct paragraph p = {.enabled = true};
        int r = 0;
        for (char *line; r >= 0 && (line = strsep(&text, "\n"));)
                r = line[strspn(line, " \t\r")] == 0 ? paragraph_end(f, &p, reterr)
                                                     : paragraph_field(&p, line, reterr);
        if (r >= 0)
                r = paragraph_end(f, &p, reterr);
        ingot_strings_done(&p.uris);
        return r;
}

static int read_sources(struct found *f, const char *folder, const char *name, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        ingot_error why = {0};
        size_t size;
        int r = ingot_format(&path, reterr, "%s/%s", folder, name);
        if (r < 0)
                return r;
        r = ingot_file_read(AT_FDCWD, path, SOURCES_SIZE_MAX, &data, &size, &why);
        if (r < 0)
                return 0; /* what cannot be read names no mirror */
        return ingot_ends_with(name, ".list") ? read_list(f, (char *) data, reterr)
                                              : read_paragraphs(f, (char *) data, reterr);
}

static int read_all(struct found *f, const char *folder, ingot_error *reterr)
{
        _cleanup_free_ char *parts = NULL;
        _cleanup_strings_ struct ingot_strings names = {0};
        ingot_error why = {0};
        int r = read_sources(f, folder, "sources.list", reterr);
        if (r >= 0)
                r = ingot_format(&parts, reterr, "%s/sources.list.d", folder);
        if (r < 0 || ingot_list_directory(AT_FDCWD, parts, &names, &why) < 0)
                return r;
        for (size_t i = 0; r >= 0 && i < names.count; i++)
                if (ingot_ends_with(names.items[i], ".list") ||
                    ingot_ends_with(names.items[i], ".sources"))
                        r = read_sources(f, parts, names.items[i], reterr);
        return r;
}

int ingot_debian_host_mirror(const char *folder, const char *suite, char **ret,
                             ingot_error *reterr)
{
        struct found f = {0};
        int r = read_all(&f, folder, reterr);
        _cleanup_free_ char *archive = f.archive, *security = f.security;
        bool wants_security = ingot_ends_with(suite, "-security");
        if (r < 0)
                return r;
        if (wants_security && security)
                *ret = TAKE_PTR(security);
        else if (wants_security && archive)
                return ingot_format(ret, reterr, "%s-security", archive);
        else if (archive)
                *ret = TAKE_PTR(archive);
        else
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "%s names no Debian mirror for suite %s: give one in the recipe "
                                  "(Distribution.Mirror=)",
                                  folder, suite);
        return 0;
}
