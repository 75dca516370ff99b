/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the packages' tree to the root's: identity out, the recipe's files and settings in. */
#include "base/cleanup.h"
#include "image/build-state.h"
#include "image/build-update.h"
#include "image/hermetic.h"
#include "image/identity.h"
#include "image/source.h"
#include "image/system.h"

#include <fcntl.h>
#include <string.h>

#define KEYS_MAX ((size_t) 64 << 10)

static int apply_source(struct ingot_build *b, enum ingot_source_kind kind, const char *text,
                        struct ingot_strings *removed, ingot_error *reterr)
{
        _cleanup_source_ struct ingot_source source = {0};
        int r = ingot_source_of_recipe(b->recipe, kind, text, &source, reterr);
        if (r < 0)
                return r;
        source.keep_modes =
                strcmp(ingot_recipe_text(b->recipe, INGOT_FILES_MODES), "keep") == 0;
        struct ingot_source_options options = {.mtime = b->timestamp,
                                               .spool = b->work,
                                               .log = b->options->log,
                                               .removed = removed};
        return ingot_source_apply(b->tree, &source, &options, reterr);
}

static int apply_sources(struct ingot_build *b, struct ingot_strings *removed, ingot_error *reterr)
{
        static const struct {
                enum ingot_recipe_key key;
                enum ingot_source_kind kind;
        } order[] = {
                {INGOT_FILES_TREE, INGOT_SOURCE_FOLDER},
                {INGOT_FILES_TAR, INGOT_SOURCE_ARCHIVE},
                {INGOT_FILES_FILE, INGOT_SOURCE_FILE},
                {INGOT_FILES_REMOVE, INGOT_SOURCE_REMOVAL},
        };
        for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
                const struct ingot_strings *lines = ingot_recipe_list(b->recipe, order[i].key);
                for (size_t k = 0; k < lines->count; k++) {
                        int r = apply_source(b, order[i].kind, lines->items[k], removed, reterr);
                        if (r < 0)
                                return ingot_under(reterr, r, "Files.%s",
                                                   ingot_recipe_keys[order[i].key].key);
                }
        }
        return 0;
}

static int read_keys(const struct ingot_recipe *recipe, const char *file,
                     struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = ingot_recipe_path(recipe, file, &path, reterr);
        if (r >= 0)
                r = ingot_file_read(AT_FDCWD, path, KEYS_MAX, &data, &size, reterr);
        return r < 0 ? r : ingot_strings_split(ret, (const char *) data, "\r\n", reterr);
}

static int set_text(char **field, const char *value, ingot_error *reterr)
{
        free(*field);
        *field = NULL;
        return ingot_strdup(field, value, reterr);
}

/* One "name=value" of a User line. */
static int set_user_word(const struct ingot_recipe *recipe, struct ingot_system_user *user,
                         const char *word, ingot_error *reterr)
{
        static const char *const names[] = {"uid",   "groups", "shell",  "password",
                                            "keys",  "home",   "comment"};
        const char *equals = strchr(word, '=');
        _cleanup_free_ char *name = strndup(word, equals ? (size_t) (equals - word) : strlen(word));
        uint64_t number;
        if (!name)
                return ingot_fail_nomem(reterr);
        const char *value = equals ? equals + 1 : "";
        if (strcmp(name, "uid") == 0) {
                if (!ingot_parse_u64(value, &number) || number >= 1 << 30)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "'%.60s' is no user id", value);
                user->uid = (int64_t) number;
                return 0;
        }
        if (strcmp(name, "groups") == 0)
                return ingot_strings_split(&user->groups, value, ",", reterr);
        if (strcmp(name, "keys") == 0)
                return read_keys(recipe, value, &user->keys, reterr);
        if (strcmp(name, "shell") == 0)
                return set_text(&user->shell, value, reterr);
        if (strcmp(name, "password") == 0)
                return set_text(&user->password, value, reterr);
        if (strcmp(name, "home") == 0)
                return set_text(&user->home, value, reterr);
        if (strcmp(name, "comment") == 0)
                return set_text(&user->comment, value, reterr);
        const char *near = ingot_nearest(name, names, ARRAY_SIZE(names));
        return ingot_fail(reterr, INGOT_E_FORMAT, "'%.60s' is no setting of a user%s%s%s", word,
                          near ? "; did you mean '" : "", near ? near : "", near ? "=…'?" : "");
}

static int parse_user(const struct ingot_recipe *recipe, const char *line,
                      struct ingot_system_options *options, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings words = {0};
        struct ingot_system_user *user;
        int r = ingot_strings_split(&words, line, " \t", reterr);
        if (r >= 0 && words.count == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no name of a user");
        if (r >= 0)
                r = ingot_system_add_user(options, words.items[0], &user, reterr);
        for (size_t i = 1; r >= 0 && i < words.count; i++)
                r = set_user_word(recipe, user, words.items[i], reterr);
        return r;
}

static int copy_list(const struct ingot_recipe *recipe, enum ingot_recipe_key key,
                     struct ingot_strings *ret, ingot_error *reterr)
{
        const struct ingot_strings *list = ingot_recipe_list(recipe, key);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < list->count; i++)
                r = ingot_strings_add(ret, list->items[i], reterr);
        return r;
}

static int copy_text(const struct ingot_recipe *recipe, enum ingot_recipe_key key, char **ret,
                     ingot_error *reterr)
{
        const char *text = ingot_recipe_text(recipe, key);
        return text ? ingot_strdup(ret, text, reterr) : 0;
}

static int apply_system(struct ingot_build *b, ingot_error *reterr)
{
        __attribute__((cleanup(ingot_system_options_done))) struct ingot_system_options o = {0};
        const struct ingot_recipe *recipe = b->recipe;
        const struct ingot_strings *users = ingot_recipe_list(recipe, INGOT_SYSTEM_USER);
        int r = copy_text(recipe, INGOT_SYSTEM_HOSTNAME, &o.hostname, reterr);
        if (r >= 0)
                r = copy_text(recipe, INGOT_SYSTEM_LOCALE, &o.locale, reterr);
        if (r >= 0)
                r = copy_text(recipe, INGOT_SYSTEM_TIME_ZONE, &o.timezone, reterr);
        if (r >= 0)
                r = copy_text(recipe, INGOT_SYSTEM_KEYMAP, &o.keymap, reterr);
        if (r >= 0)
                r = copy_text(recipe, INGOT_SYSTEM_TARGET, &o.target, reterr);
        if (r >= 0)
                r = copy_text(recipe, INGOT_SYSTEM_ROOT_PASSWORD, &o.root_password, reterr);
        if (r >= 0)
                r = copy_list(recipe, INGOT_SYSTEM_ENABLE, &o.enable, reterr);
        if (r >= 0)
                r = copy_list(recipe, INGOT_SYSTEM_DISABLE, &o.disable, reterr);
        if (r >= 0)
                r = copy_list(recipe, INGOT_SYSTEM_MASK, &o.mask, reterr);
        for (size_t i = 0; r >= 0 && i < users->count; i++)
                r = ingot_under(reterr, parse_user(recipe, users->items[i], &o, reterr),
                                "%s: System.User",
                                recipe->values[INGOT_SYSTEM_USER].origins.items[i]);
        return r < 0 ? r
                     : ingot_under(reterr,
                                   ingot_system_apply(b->tree, &o, b->timestamp, b->options->log,
                                                      reterr),
                                   "System");
}

int ingot_build_tree(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings removed = {0};
        struct ingot_hermetic_options hermetic = {
                .image_id = b->name, .image_version = b->version, .mtime = b->timestamp};
        int r = ingot_identity_remove(b->tree, b->timestamp, &removed, reterr);
        if (r >= 0)
                r = apply_sources(b, &removed, reterr);
        if (r >= 0)
                r = apply_system(b, reterr);
        if (r >= 0)
                r = ingot_build_update(b, reterr);
        if (r >= 0)
                r = ingot_dpkg_forget(b->tree, &removed, b->timestamp, reterr);
        if (r >= 0)
                r = ingot_hermetic_apply(b->tree, &hermetic, reterr);
        return r;
}
