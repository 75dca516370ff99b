/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Units, by their files and links. */
#include "image/unit.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "format/ini.h"

#include <string.h>

#define CONFIGURED "etc/systemd/system"
#define UNIT_NAME_MAX 255
#define ALSO_MAX 64

struct install {
        struct ingot_strings wanted_by, required_by, upheld_by, aliases, also;
        char *default_instance;
};

struct unit {
        char *name; /* with its instance */
        char *path; /* of its file, absolute */
        struct install install;
};

static void install_done(struct install *i)
{
        ingot_strings_done(&i->wanted_by);
        ingot_strings_done(&i->required_by);
        ingot_strings_done(&i->upheld_by);
        ingot_strings_done(&i->aliases);
        ingot_strings_done(&i->also);
        free(i->default_instance);
}

static void unit_done(struct unit *u)
{
        free(u->name);
        free(u->path);
        install_done(&u->install);
}

static int check_name(const char *name, ingot_error *reterr)
{
        static const char *const types[] = {"service", "socket", "target",    "timer", "path",
                                            "mount",   "slice",  "automount", "swap"};
        const char *dot = strrchr(name, '.');
        bool known = false;
        for (size_t i = 0; dot && i < ARRAY_SIZE(types); i++)
                known |= strcmp(dot + 1, types[i]) == 0;
        if (!known || dot == name || strlen(name) > UNIT_NAME_MAX || strchr(name, '/') ||
            name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                              ":-_.\\@")])
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "'%.100s' is no unit's name (NAME.service, NAME.timer …)", name);
        return 0;
}

/* Finds the file NAME in the tree's unit folders; its path, or NULL, in *ret. */
static int find_file(const struct ingot_tree *tree, const char *name, char **ret,
                     struct ingot_inode **ret_inode, ingot_error *reterr)
{
        static const char *const folders[] = {CONFIGURED, "usr/lib/systemd/system"};
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                _cleanup_free_ char *path = NULL;
                int r = ingot_format(&path, reterr, "%s/%s", folders[i], name);
                if (r < 0)
                        return r;
                struct ingot_inode *inode = ingot_tree_lookup(tree, path);
                if (!inode)
                        continue;
                *ret = TAKE_PTR(path);
                *ret_inode = inode;
                return 0;
        }
        *ret = NULL;
        return 0;
}

/* "a@b.service" is "a@.service"; a copy of any other name. */
static int template_of(const char *name, char **ret, ingot_error *reterr)
{
        const char *at = strchr(name, '@');
        return at ? ingot_format(ret, reterr, "%.*s@%s", (int) (at - name), name,
                                 strrchr(name, '.'))
                  : ingot_strdup(ret, name, reterr);
}

static int take_line(void *context, const struct ingot_ini_line *line, ingot_error *reterr)
{
        struct install *i = context;
        const struct {
                const char *key;
                struct ingot_strings *list;
        } lists[] = {{"WantedBy", &i->wanted_by},
                     {"RequiredBy", &i->required_by},
                     {"UpheldBy", &i->upheld_by},
                     {"Alias", &i->aliases},
                     {"Also", &i->also}};
        if (strcmp(line->section, "Install") != 0)
                return 0;
        for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
                if (strcmp(line->key, lists[l].key) != 0)
                        continue;
                if (!*line->value)
                        ingot_strings_done(lists[l].list);
                return ingot_strings_split(lists[l].list, line->value, " \t", reterr);
        }
        if (strcmp(line->key, "DefaultInstance") == 0) {
                free(TAKE_PTR(i->default_instance));
                return ingot_strdup(&i->default_instance, line->value, reterr);
        }
        return 0;
}

static int read_install(const struct ingot_tree *tree, struct unit *u, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        const struct ingot_inode *inode = ingot_tree_resolve(tree, u->path);
        if (!inode)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "%s is a dangling link", u->path);
        int r = ingot_inode_read(inode, INGOT_INI_SIZE_MAX, &data, &size, reterr);
        return r < 0 ? r
                     : ingot_ini_parse(u->path, INGOT_SPAN(data, size), take_line, &u->install,
                                       reterr);
}

/* Follows aliases from NAME to the unit's own file. */
static int find_unit(const struct ingot_tree *tree, const char *name, struct unit *u,
                     ingot_error *reterr)
{
        int r = check_name(name, reterr);
        if (r >= 0)
                r = ingot_strdup(&u->name, name, reterr);
        for (unsigned hop = 0; r >= 0; hop++) {
                _cleanup_free_ char *path = NULL, *template = NULL;
                struct ingot_inode *inode = NULL;
                r = find_file(tree, u->name, &path, &inode, reterr);
                if (r >= 0 && !path)
                        r = template_of(u->name, &template, reterr);
                if (r >= 0 && !path)
                        r = find_file(tree, template, &path, &inode, reterr);
                if (r < 0)
                        break;
                if (!path || hop > 8)
                        return ingot_fail(reterr, INGOT_E_NOTFOUND, "the tree has no unit '%s'",
                                          name);
                if (inode->type == INGOT_FILE_SYMLINK && strcmp(inode->target, "/dev/null") == 0)
                        return ingot_fail(reterr, INGOT_E_CONFLICT, "'%s' is masked", name);
                const char *slash = inode->target ? strrchr(inode->target, '/') : NULL;
                const char *other = slash ? slash + 1 : inode->target;
                if (inode->type != INGOT_FILE_SYMLINK || strcmp(other, strrchr(path, '/') + 1) == 0)
                        return ingot_format(&u->path, reterr, "/%s", path);
                free(TAKE_PTR(u->name));
                r = ingot_strdup(&u->name, other, reterr);
        }
        return r;
}

/* TEXT with its specifiers replaced (systemd.unit(5)). */
static int expand(const struct unit *u, const char *text, char **ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer out = {0};
        const char *at = strchr(u->name, '@'), *dot = strrchr(u->name, '.');
        int stem = (int) (dot - u->name), prefix = at ? (int) (at - u->name) : stem;
        int instance = at ? (int) (dot - at - 1) : 0;
        int r = ingot_buffer_reserve(&out, 1, reterr);
        for (const char *p = text; *p && r >= 0; p++) {
                if (*p != '%')
                        r = ingot_buffer_printf(&out, reterr, "%c", *p);
                else if (*++p == 'i' || *p == 'I')
                        r = ingot_buffer_printf(&out, reterr, "%.*s", instance, at ? at + 1 : "");
                else if (*p == 'p' || *p == 'j')
                        r = ingot_buffer_printf(&out, reterr, "%.*s", prefix, u->name);
                else if (*p == 'N')
                        r = ingot_buffer_printf(&out, reterr, "%.*s", stem, u->name);
                else if (*p == 'n')
                        r = ingot_buffer_printf(&out, reterr, "%s", u->name);
                else if (*p == '%')
                        r = ingot_buffer_printf(&out, reterr, "%%");
                else
                        return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "%s: '%.100s' in [Install]",
                                          u->path, text);
        }
        if (r >= 0)
                r = ingot_strdup(ret, out.size ? (char *) out.data : "", reterr);
        return r < 0 ? r : check_name(*ret, reterr);
}

static int link_below(struct ingot_tree *tree, const struct unit *u,
                      const struct ingot_strings *targets, const char *suffix, int64_t mtime,
                      ingot_error *reterr)
{
        for (size_t i = 0; i < targets->count; i++) {
                _cleanup_free_ char *target = NULL, *path = NULL;
                int r = expand(u, targets->items[i], &target, reterr);
                if (r >= 0)
                        r = ingot_format(&path, reterr, CONFIGURED "/%s.%s/%s", target, suffix,
                                         u->name);
                if (r >= 0)
                        r = ingot_tree_put_symlink(tree, path, u->path, mtime, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int link_aliases(struct ingot_tree *tree, const struct unit *u, int64_t mtime,
                        ingot_error *reterr)
{
        for (size_t i = 0; i < u->install.aliases.count; i++) {
                _cleanup_free_ char *alias = NULL, *path = NULL;
                int r = expand(u, u->install.aliases.items[i], &alias, reterr);
                if (r >= 0)
                        r = ingot_format(&path, reterr, CONFIGURED "/%s", alias);
                if (r < 0)
                        return r;
                const struct ingot_inode *there = ingot_tree_lookup(tree, path);
                if (there && there->type != INGOT_FILE_SYMLINK)
                        return ingot_fail(reterr, INGOT_E_CONFLICT, "%s is there already", path);
                r = ingot_tree_put_symlink(tree, path, u->path, mtime, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A template without an instance takes its default one. */
static int settle_instance(struct unit *u, ingot_error *reterr)
{
        char *at = strchr(u->name, '@');
        bool links = u->install.wanted_by.count || u->install.required_by.count ||
                     u->install.upheld_by.count;
        if (!at || at[1] != '.' || !links)
                return 0;
        if (!u->install.default_instance || !*u->install.default_instance)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "'%s' is a template: say which instance (%.*s@NAME%s)", u->name,
                                  (int) (at - u->name), u->name, at + 1);
        _cleanup_free_ char *name = NULL;
        int r = ingot_format(&name, reterr, "%.*s@%s%s", (int) (at - u->name), u->name,
                             u->install.default_instance, at + 1);
        if (r < 0)
                return r;
        free(u->name);
        u->name = TAKE_PTR(name);
        return 0;
}

/* Enables one unit and adds those of its Also= to QUEUE. */
static int enable_one(struct ingot_tree *tree, const char *name, struct ingot_strings *queue,
                      int64_t mtime, const struct ingot_log *log, ingot_error *reterr)
{
        struct unit u __attribute__((cleanup(unit_done))) = {0};
        int r = find_unit(tree, name, &u, reterr);
        if (r >= 0)
                r = read_install(tree, &u, reterr);
        if (r >= 0)
                r = settle_instance(&u, reterr);
        if (r < 0)
                return r;
        const struct install *i = &u.install;
        if (!i->wanted_by.count && !i->required_by.count && !i->upheld_by.count &&
            !i->aliases.count && !i->also.count)
                ingot_warn(log, "unit %s cannot be enabled: its [Install] says nothing", name);
        r = link_below(tree, &u, &i->wanted_by, "wants", mtime, reterr);
        if (r >= 0)
                r = link_below(tree, &u, &i->required_by, "requires", mtime, reterr);
        if (r >= 0)
                r = link_below(tree, &u, &i->upheld_by, "upholds", mtime, reterr);
        if (r >= 0)
                r = link_aliases(tree, &u, mtime, reterr);
        for (size_t a = 0; a < i->also.count && r >= 0; a++) {
                _cleanup_free_ char *also = NULL;
                r = expand(&u, i->also.items[a], &also, reterr);
                if (r >= 0 && !ingot_strings_contains(queue, also))
                        r = ingot_strings_add(queue, also, reterr);
        }
        return r;
}

int ingot_unit_check(const struct ingot_tree *tree, const char *name, ingot_error *reterr)
{
        __attribute__((cleanup(unit_done))) struct unit u = {0};
        return find_unit(tree, name, &u, reterr);
}

int ingot_unit_enable(struct ingot_tree *tree, const char *name, int64_t mtime,
                      const struct ingot_log *log, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings queue = {0};
        int r = ingot_strings_add(&queue, name, reterr);
        for (size_t i = 0; i < queue.count && r >= 0; i++) {
                if (i == ALSO_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "unit %s: too many Also=", name);
                r = enable_one(tree, queue.items[i], &queue, mtime, log, reterr);
        }
        return r;
}

static bool is_pull_folder(const char *name)
{
        return ingot_ends_with(name, ".wants") || ingot_ends_with(name, ".requires") ||
               ingot_ends_with(name, ".upholds");
}

/* Is ENTRY, a link, the unit NAME, or an instance of it when it is a template? */
static bool is_unit(const char *entry, const char *name)
{
        const char *at = strchr(name, '@'), *own = strchr(entry, '@');
        if (strcmp(entry, name) == 0)
                return true;
        return at && own && at[1] == '.' && own - entry == at - name &&
               strncmp(entry, name, (size_t) (at - name)) == 0 &&
               strcmp(strrchr(entry, '.'), at + 1) == 0;
}

static void unlink_in(struct ingot_inode *directory, const char *name, bool by_target,
                      unsigned *count)
{
        for (size_t i = directory->entry_count; i-- > 0;) {
                const struct ingot_entry *e = directory->entries + i;
                if (e->inode->type != INGOT_FILE_SYMLINK)
                        continue;
                const char *slash = strrchr(e->inode->target, '/');
                const char *target = slash ? slash + 1 : e->inode->target;
                if (by_target ? strcmp(target, name) != 0 : !is_unit(e->name, name))
                        continue;
                ingot_tree_unlink(directory, e->name, NULL);
                ++*count;
        }
}

int ingot_unit_disable(struct ingot_tree *tree, const char *name, const struct ingot_log *log,
                       ingot_error *reterr)
{
        struct unit u __attribute__((cleanup(unit_done))) = {0};
        unsigned count = 0;
        int r = find_unit(tree, name, &u, reterr);
        if (r < 0)
                return r;
        struct ingot_inode *top = ingot_tree_resolve(tree, CONFIGURED);
        if (!top || top->type != INGOT_FILE_DIRECTORY)
                return 0;
        unlink_in(top, u.name, true, &count);
        for (size_t i = 0; i < top->entry_count; i++)
                if (top->entries[i].inode->type == INGOT_FILE_DIRECTORY &&
                    is_pull_folder(top->entries[i].name))
                        unlink_in(top->entries[i].inode, u.name, false, &count);
        if (count == 0)
                ingot_warn(log, "unit %s was not enabled in /etc (Mask= keeps one from starting)",
                           name);
        return 0;
}

int ingot_unit_mask(struct ingot_tree *tree, const char *name, int64_t mtime, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = check_name(name, reterr);
        if (r >= 0)
                r = ingot_format(&path, reterr, CONFIGURED "/%s", name);
        if (r < 0)
                return r;
        const struct ingot_inode *there = ingot_tree_lookup(tree, path);
        if (there && there->type != INGOT_FILE_SYMLINK)
                return ingot_fail(reterr, INGOT_E_CONFLICT, "%s is a file, and cannot be masked",
                                  path);
        return ingot_tree_put_symlink(tree, path, "/dev/null", mtime, reterr);
}

/* "enable a.service", "enable a@.service b". */
static int preset_line(const char *name, char **ret, ingot_error *reterr)
{
        const char *at = strchr(name, '@'), *dot = strrchr(name, '.');
        if (!at || !dot || dot == at + 1)
                return ingot_format(ret, reterr, "enable %s", name);
        return ingot_format(ret, reterr, "enable %.*s@%s %.*s", (int) (at - name), name, dot,
                            (int) (dot - at - 1), at + 1);
}

static bool is_masked(const struct ingot_inode *top, const char *name)
{
        const struct ingot_entry *e = ingot_tree_entry(top, name);
        return e && e->inode->type == INGOT_FILE_SYMLINK &&
               strcmp(e->inode->target, "/dev/null") == 0;
}

/* The lines for one entry of etc/systemd/system: a folder of links, or an alias. */
static int preset_lines(const struct ingot_inode *top, const struct ingot_entry *e,
                        struct ingot_strings *lines, ingot_error *reterr)
{
        bool pulls = e->inode->type == INGOT_FILE_DIRECTORY && is_pull_folder(e->name);
        bool alias = e->inode->type == INGOT_FILE_SYMLINK && !is_masked(top, e->name);
        const char *slash = alias ? strrchr(e->inode->target, '/') : NULL;
        size_t count = pulls ? e->inode->entry_count : alias ? 1 : 0;
        for (size_t i = 0; i < count; i++) {
                _cleanup_free_ char *line = NULL;
                const char *name = pulls   ? e->inode->entries[i].name
                                   : slash ? slash + 1
                                           : e->inode->target;
                if (is_masked(top, name))
                        continue;
                int r = preset_line(name, &line, reterr);
                if (r >= 0 && !ingot_strings_contains(lines, line))
                        r = ingot_strings_add(lines, line, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int ingot_unit_write_presets(struct ingot_tree *tree, int64_t mtime, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings lines = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        const struct ingot_inode *top = ingot_tree_resolve(tree, CONFIGURED);
        int r = 0;
        for (size_t i = 0; top && i < top->entry_count && r >= 0; i++)
                r = preset_lines(top, top->entries + i, &lines, reterr);
        ingot_strings_sort(&lines);
        if (r >= 0)
                r = ingot_buffer_printf(&text, reterr,
                                        "# Made with the image: the first boot enables no more.\n");
        for (size_t i = 0; i < lines.count && r >= 0; i++)
                r = ingot_buffer_printf(&text, reterr, "%s\n", lines.items[i]);
        if (r >= 0)
                r = ingot_buffer_printf(&text, reterr, "disable *\n");
        return r < 0 ? r
                     : ingot_tree_put_bytes(tree, "usr/lib/systemd/system-preset/00-ingot.preset",
                                            0644, mtime, text.data, text.size, reterr);
}
