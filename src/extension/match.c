/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules stand in the order in which systemd asks them; each gives a reason or passes on. */
#include "extension/match.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "format/os-release.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[INGOT_EXTENSION_KINDS] = {
        [INGOT_EXTENSION_SYSEXT] = "sysext", [INGOT_EXTENSION_CONFEXT] = "confext"};
static const char *const scope_keys[INGOT_EXTENSION_KINDS] = {"SYSEXT_SCOPE", "CONFEXT_SCOPE"};
static const char *const level_keys[INGOT_EXTENSION_KINDS] = {"SYSEXT_LEVEL", "CONFEXT_LEVEL"};

const char *ingot_extension_kind_name(enum ingot_extension_kind kind)
{
        return kind_names[kind];
}

bool ingot_extension_kind_parse(const char *name, enum ingot_extension_kind *ret)
{
        for (unsigned i = 0; i < INGOT_EXTENSION_KINDS; i++)
                if (strcmp(name, kind_names[i]) == 0) {
                        *ret = i;
                        return true;
                }
        return false;
}

struct question {
        enum ingot_extension_kind kind;
        struct ingot_span extension;
        const struct ingot_extension_os *os;
        char **why;
};

/* Is WORD one of the words in LIST? */
static bool has_word(const char *list, const char *word)
{
        size_t n = strlen(word);
        for (const char *p = list; (p = strstr(p, word)); p += n)
                if ((p == list || p[-1] == ' ') && (p[n] == 0 || p[n] == ' '))
                        return true;
        return false;
}

/* An empty value is none. */
static int value(struct ingot_span text, const char *key, char **ret, ingot_error *reterr)
{
        int r = ingot_os_release_field(text, key, ret, reterr);
        if (r >= 0 && *ret && **ret == 0)
                free(TAKE_PTR(*ret));
        return r;
}

static int check_scope(const struct question *q, ingot_error *reterr)
{
        _cleanup_free_ char *scope = NULL;
        int r = value(q->extension, scope_keys[q->kind], &scope, reterr);
        if (r < 0 || !scope || has_word(scope, "system"))
                return r;
        r = ingot_format(q->why, reterr, "%s is \"%s\": it is not for the running system",
                         scope_keys[q->kind], scope);
        return r < 0 ? r : 1;
}

static int check_architecture(const struct question *q, ingot_error *reterr)
{
        _cleanup_free_ char *architecture = NULL;
        int r = value(q->extension, "ARCHITECTURE", &architecture, reterr);
        if (r < 0 || !architecture || strcmp(architecture, "_any") == 0 ||
            strcmp(architecture, q->os->architecture) == 0)
                return r;
        r = ingot_format(q->why, reterr, "ARCHITECTURE is %s, the OS has %s", architecture,
                         q->os->architecture);
        return r < 0 ? r : 1;
}

/* > 1: it fits whatever its version is. */
static int check_id(const struct question *q, ingot_error *reterr)
{
        _cleanup_free_ char *id = NULL, *have = NULL, *like = NULL;
        int r = value(q->extension, "ID", &id, reterr);
        if (r >= 0 && !id)
                return ingot_fail(reterr, INGOT_E_FORMAT, "its extension-release has no ID=");
        if (r >= 0 && strcmp(id, "_any") == 0)
                return 2;
        if (r >= 0)
                r = value(q->os->os_release, "ID", &have, reterr);
        if (r >= 0)
                r = value(q->os->os_release, "ID_LIKE", &like, reterr);
        if (r < 0 || (have && strcmp(id, have) == 0) || (like && has_word(like, id)))
                return r;
        r = ingot_format(q->why, reterr, "ID is %s, the OS has %s", id, have ? have : "none");
        return r < 0 ? r : 1;
}

/* 1 and a reason unless both are equal. */
static int same(const struct question *q, const char *key, const char *theirs, const char *ours,
                ingot_error *reterr)
{
        if (theirs && strcmp(theirs, ours) == 0)
                return 0;
        int r = ingot_format(q->why, reterr, "%s is %s, the OS has %s", key,
                             theirs ? theirs : "not set", ours);
        return r < 0 ? r : 1;
}

static int check_version(const struct question *q, ingot_error *reterr)
{
        const char *level_key = level_keys[q->kind];
        _cleanup_free_ char *level = NULL, *os_level = NULL, *version = NULL, *os_version = NULL;
        int r = value(q->extension, level_key, &level, reterr);
        if (r >= 0)
                r = value(q->os->os_release, level_key, &os_level, reterr);
        if (r >= 0)
                r = value(q->extension, "VERSION_ID", &version, reterr);
        if (r >= 0)
                r = value(q->os->os_release, "VERSION_ID", &os_version, reterr);
        if (r < 0)
                return r;
        if (level && os_level)
                return same(q, level_key, level, os_level, reterr);
        return os_version ? same(q, "VERSION_ID", version, os_version, reterr) : 0;
}

int ingot_extension_fits(enum ingot_extension_kind kind, struct ingot_span extension,
                         const struct ingot_extension_os *os, char **ret_why, ingot_error *reterr)
{
        _cleanup_free_ char *why = NULL;
        const struct question q = {kind, extension, os, &why};
        int r = check_scope(&q, reterr);
        if (r == 0)
                r = check_architecture(&q, reterr);
        if (r == 0)
                r = check_id(&q, reterr);
        if (r == 0)
                r = check_version(&q, reterr);
        if (r == 1)
                *ret_why = TAKE_PTR(why);
        return r == 1 ? 1 : r < 0 ? r : 0;
}
