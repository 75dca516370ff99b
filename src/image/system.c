/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The System section: names, locale, zone, keyboard, units. Users are in system-user.c. */
#include "image/system.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "image/system-user.h"
#include "image/unit.h"

#include <string.h>

#define HOSTS_SIZE_MAX ((size_t) 1 << 20)
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

void ingot_system_user_done(struct ingot_system_user *u)
{
        free(u->name);
        free(u->comment);
        free(u->home);
        free(u->shell);
        free(u->password);
        ingot_strings_done(&u->groups);
        ingot_strings_done(&u->keys);
        *u = (struct ingot_system_user){0};
}

void ingot_system_options_done(struct ingot_system_options *o)
{
        free(o->hostname);
        free(o->locale);
        free(o->timezone);
        free(o->keymap);
        free(o->target);
        free(o->root_password);
        ingot_strings_done(&o->root_keys);
        ingot_strings_done(&o->enable);
        ingot_strings_done(&o->disable);
        ingot_strings_done(&o->mask);
        for (size_t i = 0; i < o->user_count; i++)
                ingot_system_user_done(o->users + i);
        free(o->users);
        *o = (struct ingot_system_options){0};
}

int ingot_system_add_user(struct ingot_system_options *o, const char *name,
                          struct ingot_system_user **ret, ingot_error *reterr)
{
        struct ingot_system_user *users =
                reallocarray(o->users, o->user_count + 1, sizeof(*users));
        if (!users)
                return ingot_fail_nomem(reterr);
        o->users = users;
        users[o->user_count] = (struct ingot_system_user){.uid = -1};
        int r = ingot_strdup(&users[o->user_count].name, name, reterr);
        if (r < 0)
                return r;
        *ret = users + o->user_count++;
        return 0;
}

/* TEXT must consist of these characters only. */
static int check(const char *what, const char *text, const char *alphabet, size_t max,
                 ingot_error *reterr)
{
        if (!*text || strlen(text) > max || text[strspn(text, alphabet)])
                return ingot_fail(reterr, INGOT_E_USAGE, "not a %s: '%.100s'", what, text);
        return 0;
}

static int put_format(struct ingot_tree *tree, const char *path, int64_t mtime, const char *before,
                      const char *value, ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        int r = ingot_format(&text, reterr, "%s%s\n", before, value);
        return r < 0 ? r
                     : ingot_tree_put_bytes(tree, path, 0644, mtime, text, strlen(text), reterr);
}

/* The name, and its address: what asks for its own name must not need a network. */
static int set_hostname(struct ingot_tree *tree, const char *name, int64_t mtime,
                        ingot_error *reterr)
{
        _cleanup_free_ uint8_t *hosts = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        int r = check("host name", name, LETTERS DIGITS "-.", 64, reterr);
        if (r >= 0 && (strchr("-.", name[0]) || strchr("-.", name[strlen(name) - 1]) ||
                       strstr(name, "..")))
                r = ingot_fail(reterr, INGOT_E_USAGE, "not a host name: '%s'", name);
        if (r >= 0)
                r = put_format(tree, "etc/hostname", mtime, "", name, reterr);
        const struct ingot_inode *inode = ingot_tree_resolve(tree, "etc/hosts");
        if (r >= 0 && inode)
                r = ingot_inode_read(inode, HOSTS_SIZE_MAX, &hosts, &size, reterr);
        if (r >= 0)
                r = ingot_format(&text, reterr, "%s127.0.1.1\t%s\n",
                                 hosts ? (char *) hosts : "127.0.0.1\tlocalhost\n", name);
        return r < 0 ? r
                     : ingot_tree_put_bytes(tree, "etc/hosts", 0644, mtime, text, strlen(text),
                                            reterr);
}

static bool has_locale(const struct ingot_tree *tree, const char *locale)
{
        static const char *const builtin[] = {"C", "POSIX", "C.UTF-8", "C.utf8"};
        for (size_t i = 0; i < ARRAY_SIZE(builtin); i++)
                if (strcmp(locale, builtin[i]) == 0)
                        return true;
        const struct ingot_inode *folder = ingot_tree_resolve(tree, "usr/lib/locale");
        if (!folder || folder->type != INGOT_FILE_DIRECTORY)
                return false;
        size_t n = strcspn(locale, ".@");
        for (size_t i = 0; i < folder->entry_count; i++) {
                const char *name = folder->entries[i].name;
                if (strcmp(name, "locale-archive") == 0 || strncmp(name, locale, n) == 0)
                        return true;
        }
        return false;
}

static int set_locale(struct ingot_tree *tree, const char *locale, int64_t mtime,
                      const struct ingot_log *log, ingot_error *reterr)
{
        int r = check("locale", locale, LETTERS DIGITS "._@-", 100, reterr);
        if (r < 0)
                return r;
        if (!has_locale(tree, locale))
                ingot_warn(log, "the tree has no locale %s (package locales-all, or locales)",
                           locale);
        r = put_format(tree, "etc/locale.conf", mtime, "LANG=", locale, reterr);
        return r < 0 ? r
                     : ingot_tree_put_symlink(tree, "etc/default/locale", "../locale.conf", mtime,
                                              reterr);
}

static int set_timezone(struct ingot_tree *tree, const char *zone, int64_t mtime,
                        ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL, *target = NULL;
        int r = check("time zone", zone, LETTERS DIGITS "/_+-", 100, reterr);
        if (r >= 0)
                r = ingot_format(&path, reterr, "usr/share/zoneinfo/%s", zone);
        if (r < 0)
                return r;
        const struct ingot_inode *inode = ingot_tree_resolve(tree, path);
        if (!inode || inode->type != INGOT_FILE_REGULAR) {
                /* Without a link it is UTC, with no package needed (localtime(5)). */
                if (strcmp(zone, "UTC") == 0 && !ingot_tree_resolve(tree, "usr/share/zoneinfo")) {
                        r = ingot_tree_remove(tree, "etc/localtime", reterr);
                        return r < 0 ? r : 0;
                }
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "the tree has no time zone '%s' (package tzdata)", zone);
        }
        r = ingot_format(&target, reterr, "../%s", path);
        if (r >= 0)
                r = ingot_tree_put_symlink(tree, "etc/localtime", target, mtime, reterr);
        if (r >= 0 && ingot_tree_resolve(tree, "etc/timezone"))
                r = put_format(tree, "etc/timezone", mtime, "", zone, reterr);
        return r;
}

/* Debian's tmpfiles.d makes vconsole.conf a link to default/keyboard at every boot. */
static int set_keymap(struct ingot_tree *tree, const char *keymap, int64_t mtime,
                      ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        int r = check("keymap", keymap, LETTERS DIGITS "._-", 100, reterr);
        if (r >= 0)
                r = ingot_format(&text, reterr,
                                 "KEYMAP=%s\nXKBMODEL=pc105\nXKBLAYOUT=%.*s\nXKBVARIANT=%s\n",
                                 keymap, (int) strcspn(keymap, "-"), keymap,
                                 strchr(keymap, '-') ? strchr(keymap, '-') + 1 : "");
        if (r >= 0)
                r = ingot_tree_put_bytes(tree, "etc/default/keyboard", 0644, mtime, text,
                                         strlen(text), reterr);
        return r < 0 ? r
                     : ingot_tree_put_symlink(tree, "etc/vconsole.conf", "default/keyboard", mtime,
                                              reterr);
}

static int set_target(struct ingot_tree *tree, const char *target, int64_t mtime,
                      ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        if (!ingot_ends_with(target, ".target") || strchr(target, '/'))
                return ingot_fail(reterr, INGOT_E_USAGE, "not a target: '%.100s'", target);
        int r = ingot_format(&path, reterr, "/usr/lib/systemd/system/%s", target);
        if (r < 0)
                return r;
        if (!ingot_tree_resolve(tree, path))
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "the tree has no unit '%s'", target);
        return ingot_tree_put_symlink(tree, "etc/systemd/system/default.target", path, mtime,
                                      reterr);
}

static int apply_names(struct ingot_tree *tree, const struct ingot_system_options *o, int64_t mtime,
                       const struct ingot_log *log, ingot_error *reterr)
{
        int r = 0;
        if (o->hostname)
                r = set_hostname(tree, o->hostname, mtime, reterr);
        if (r >= 0 && o->locale)
                r = set_locale(tree, o->locale, mtime, log, reterr);
        if (r >= 0 && o->timezone)
                r = set_timezone(tree, o->timezone, mtime, reterr);
        if (r >= 0 && o->keymap)
                r = set_keymap(tree, o->keymap, mtime, reterr);
        if (r >= 0 && o->target)
                r = set_target(tree, o->target, mtime, reterr);
        return r;
}

static int apply_units(struct ingot_tree *tree, const struct ingot_system_options *o, int64_t mtime,
                       const struct ingot_log *log, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < o->disable.count && r >= 0; i++)
                r = ingot_unit_disable(tree, o->disable.items[i], log, reterr);
        for (size_t i = 0; i < o->enable.count && r >= 0; i++)
                r = ingot_unit_enable(tree, o->enable.items[i], mtime, log, reterr);
        for (size_t i = 0; i < o->mask.count && r >= 0; i++)
                r = ingot_unit_mask(tree, o->mask.items[i], mtime, reterr);
        return r;
}

int ingot_system_apply(struct ingot_tree *tree, const struct ingot_system_options *options,
                       int64_t mtime, const struct ingot_log *log, ingot_error *reterr)
{
        int r = apply_names(tree, options, mtime, log, reterr);
        if (r >= 0)
                r = apply_units(tree, options, mtime, log, reterr);
        if (r >= 0)
                r = ingot_system_apply_users(tree, options, mtime, reterr);
        return r < 0 ? r : 0;
}
