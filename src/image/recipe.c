/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a recipe: every assignment is checked where it stands, so that errors name its line. */
#include "image/recipe.h"
#include "base/cleanup.h"
#include "format/ini.h"
#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_list(enum ingot_value_type type)
{
        return type == INGOT_VALUE_WORDS || type == INGOT_VALUE_LINES;
}

void ingot_recipe_free(struct ingot_recipe *recipe)
{
        if (!recipe)
                return;
        for (size_t i = 0; i < INGOT_RECIPE_KEY_MAX; i++) {
                ingot_strings_done(&recipe->values[i].items);
                ingot_strings_done(&recipe->values[i].origins);
        }
        free(recipe->folder);
        free(recipe);
}

bool ingot_image_name_valid(const char *text)
{
        size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-");
        return n > 0 && n <= 24 && !text[n] && text[0] != '.' && text[0] != '-';
}

bool ingot_image_version_valid(const char *text)
{
        size_t n =
                strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.~^-");
        return n > 0 && n <= 24 && !text[n];
}

static bool is_choice(const char *choices, const char *value)
{
        size_t n = strlen(value);
        for (const char *at = choices; n > 0 && (at = strstr(at, value)); at += n)
                if ((at == choices || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
                        return true;
        return false;
}

/* NULL when VALUE is of its type, else what was expected. */
static const char *what_is_wrong(const struct ingot_recipe_key_info *info, const char *value)
{
        uint64_t number;
        struct ingot_uuid uuid;
        bool flag;
        switch (info->type) {
        case INGOT_VALUE_NAME:
                return ingot_image_name_valid(value) ? NULL : "up to 24 of a-z, 0-9, '.' and '-'";
        case INGOT_VALUE_VERSION:
                return ingot_image_version_valid(value)
                               ? NULL
                               : "up to 24 of letters, digits, '.', '-', '~' and '^'";
        case INGOT_VALUE_BOOL:
                return ingot_parse_bool(value, &flag) ? NULL : "yes or no";
        case INGOT_VALUE_UINT:
                return ingot_parse_u64(value, &number) ? NULL : "a number";
        case INGOT_VALUE_SIZE:
                return ingot_parse_size(value, &number) ? NULL : "a size such as 512M";
        case INGOT_VALUE_UUID:
                return ingot_uuid_parse(value, &uuid) ? NULL : "a UUID";
        case INGOT_VALUE_CHOICE:
                return is_choice(info->choices, value) ? NULL : info->choices;
        default:
                return NULL;
        }
}

/* A value of the right type may be out of its bounds. */
static int check_bounds(const struct ingot_recipe_key_info *info, const char *value,
                        const char *place, ingot_error *reterr)
{
        uint64_t number;
        char from[16], to[16];
        if (info->most == 0 || !ingot_parse_size(value, &number) ||
            (number >= info->least && number <= info->most))
                return 0;
        if (info->type == INGOT_VALUE_UINT)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "%s: %s.%s is %.60s, not from %" PRIu64 " to %" PRIu64, place,
                                  info->section, info->key, value, info->least, info->most);
        ingot_human_size(from, info->least);
        ingot_human_size(to, info->most);
        return ingot_fail(reterr, INGOT_E_FORMAT, "%s: %s.%s is %.60s, not from %s to %s", place,
                          info->section, info->key, value, from, to);
}

/* One line of text: what a file cannot have, --set must not bring. */
static const char *control_character(const char *value)
{
        for (; *value; value++)
                if (((unsigned char) *value < ' ' && *value != '\t') || *value == 0x7f)
                        return value;
        return NULL;
}

static int check_value(const struct ingot_recipe_key_info *info, const char *value,
                       const char *place, ingot_error *reterr)
{
        const char *wrong = what_is_wrong(info, value);
        if (control_character(value))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "%s: %s.%s has a line break or another control character", place,
                                  info->section, info->key);
        if (wrong)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s: %s.%s is '%.60s', not %s%s", place,
                                  info->section, info->key, value,
                                  info->type == INGOT_VALUE_CHOICE ? "one of: " : "", wrong);
        return check_bounds(info, value, place, reterr);
}

static int add_item(struct ingot_recipe_value *v, const char *item, const char *place,
                    ingot_error *reterr)
{
        int r = ingot_strings_add(&v->items, item, reterr);
        return r < 0 ? r : ingot_strings_add(&v->origins, place, reterr);
}

static int assign(struct ingot_recipe *recipe, enum ingot_recipe_key key, const char *value,
                  const char *place, ingot_error *reterr)
{
        const struct ingot_recipe_key_info *info = ingot_recipe_keys + key;
        struct ingot_recipe_value *v = recipe->values + key;
        if (!*value || !is_list(info->type)) {
                ingot_strings_done(&v->items);
                ingot_strings_done(&v->origins);
        }
        if (!*value)
                return 0;
        int r = check_value(info, value, place, reterr);
        if (r < 0)
                return r;
        if (info->type != INGOT_VALUE_WORDS)
                return add_item(v, value, place, reterr);
        _cleanup_strings_ struct ingot_strings words = {0};
        r = ingot_strings_split(&words, value, " \t", reterr);
        for (size_t i = 0; r >= 0 && i < words.count; i++)
                r = add_item(v, words.items[i], place, reterr);
        return r;
}

static int unknown(const char *place, const char *what, const char *name, const char *near,
                   ingot_error *reterr)
{
        return near ? ingot_fail(reterr, INGOT_E_FORMAT,
                                 "%s: there is no %s '%.60s'; did you mean '%s'?", place, what,
                                 name, near)
                    : ingot_fail(reterr, INGOT_E_FORMAT, "%s: there is no %s '%.60s'", place, what,
                                 name);
}

static int find_key(const char *place, const char *section, const char *key,
                    enum ingot_recipe_key *ret, ingot_error *reterr)
{
        const char *sections[INGOT_RECIPE_KEY_MAX], *keys[INGOT_RECIPE_KEY_MAX];
        size_t n = 0;
        for (size_t i = 0; i < INGOT_RECIPE_KEY_MAX; i++) {
                sections[i] = ingot_recipe_keys[i].section;
                if (strcmp(sections[i], section) != 0)
                        continue;
                keys[n++] = ingot_recipe_keys[i].key;
                if (strcmp(keys[n - 1], key) == 0) {
                        *ret = (enum ingot_recipe_key) i;
                        return 0;
                }
        }
        if (n == 0)
                return unknown(place, "section", section,
                               ingot_nearest(section, sections, INGOT_RECIPE_KEY_MAX), reterr);
        _cleanup_free_ char *what = NULL;
        int r = ingot_format(&what, reterr, "key in section %s named", section);
        return r < 0 ? r : unknown(place, what, key, ingot_nearest(key, keys, n), reterr);
}

static int take_line(void *context, const struct ingot_ini_line *line, ingot_error *reterr)
{
        struct ingot_recipe *recipe = context;
        _cleanup_free_ char *place = NULL;
        enum ingot_recipe_key key;
        int r = ingot_format(&place, reterr, "%s:%u", line->file, line->line);
        if (r < 0)
                return r;
        r = find_key(place, line->section, line->key, &key, reterr);
        return r < 0 ? r : assign(recipe, key, line->value, place, reterr);
}

static int read_file(struct ingot_recipe *recipe, const char *name, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = ingot_recipe_path(recipe, name, &path, reterr);
        if (r < 0)
                return r;
        r = ingot_file_read(AT_FDCWD, path, INGOT_INI_SIZE_MAX, &data, &size, reterr);
        return r < 0 ? r : ingot_ini_parse(name, INGOT_SPAN(data, size), take_line, recipe, reterr);
}

static int read_dropins(struct ingot_recipe *recipe, ingot_error *reterr)
{
        _cleanup_free_ char *folder = NULL;
        _cleanup_strings_ struct ingot_strings names = {0};
        ingot_error error = {0};
        int r = ingot_recipe_path(recipe, "ingot.conf.d", &folder, reterr);
        if (r < 0)
                return r;
        r = ingot_list_directory(AT_FDCWD, folder, &names, &error);
        if (r == -INGOT_E_NOTFOUND)
                return 0;
        if (r < 0 && reterr)
                *reterr = error;
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                _cleanup_free_ char *name = NULL;
                if (!ingot_ends_with(names.items[i], ".conf") || names.items[i][0] == '.')
                        continue;
                r = ingot_format(&name, reterr, "ingot.conf.d/%s", names.items[i]);
                if (r >= 0)
                        r = read_file(recipe, name, reterr);
        }
        return r;
}

static int apply_set(struct ingot_recipe *recipe, const char *set, ingot_error *reterr)
{
        const char *dot = strchr(set, '.'), *equals = strchr(set, '=');
        if (!dot || !equals || dot > equals)
                return ingot_fail(reterr, INGOT_E_USAGE, "--set: '%.60s' is not Section.Key=VALUE",
                                  set);
        _cleanup_free_ char *section = strndup(set, (size_t) (dot - set));
        _cleanup_free_ char *name = strndup(dot + 1, (size_t) (equals - dot - 1));
        const char *value = equals + 1 + strspn(equals + 1, " \t"); /* as in a file */
        enum ingot_recipe_key key;
        if (!section || !name)
                return ingot_fail_nomem(reterr);
        int r = find_key("--set", section, name, &key, reterr);
        return r < 0 ? r : assign(recipe, key, value, "--set", reterr);
}

/* What has no value gets its default. */
static int fill_defaults(struct ingot_recipe *recipe, ingot_error *reterr)
{
        for (size_t i = 0; i < INGOT_RECIPE_KEY_MAX; i++) {
                const struct ingot_recipe_key_info *info = ingot_recipe_keys + i;
                if (recipe->values[i].items.count > 0 || !info->fallback)
                        continue;
                int r = assign(recipe, (enum ingot_recipe_key) i, info->fallback, "default",
                               reterr);
                if (r < 0)
                        return r;
        }
        for (size_t i = INGOT_IMAGE_NAME; i <= INGOT_IMAGE_VERSION; i++)
                if (recipe->values[i].items.count == 0)
                        return ingot_fail(
                                reterr, INGOT_E_FORMAT,
                                "ingot.conf: section Image needs %s=", ingot_recipe_keys[i].key);
        return 0;
}

/* The absolute folder of a recipe that is given as a folder or as a file. */
static int find_folder(const char *path, char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *copy = NULL;
        int r = ingot_strdup(&copy, path, reterr);
        if (r < 0)
                return r;
        if (strcmp(path, "ingot.conf") == 0)
                strcpy(copy, ".");
        else if (ingot_ends_with(path, "/ingot.conf"))
                copy[strlen(copy) - strlen("/ingot.conf")] = 0;
        char *real = realpath(*copy ? copy : "/", NULL);
        if (!real)
                return ingot_fail_errno(reterr, "open recipe %s", path);
        *ret = real;
        return 0;
}

bool ingot_recipe_exists(const char *path)
{
        _cleanup_free_ char *folder = NULL, *conf = NULL;
        return find_folder(path, &folder, NULL) >= 0 &&
               ingot_format(&conf, NULL, "%s/ingot.conf", folder) >= 0 && access(conf, F_OK) == 0;
}

int ingot_recipe_load(const char *path, const char *const *sets, size_t set_count,
                      struct ingot_recipe **ret, ingot_error *reterr)
{
        _cleanup_(ingot_recipe_free_p) struct ingot_recipe *recipe = calloc(1, sizeof(*recipe));
        if (!recipe)
                return ingot_fail_nomem(reterr);
        int r = find_folder(path, &recipe->folder, reterr);
        if (r >= 0)
                r = read_file(recipe, "ingot.conf", reterr);
        if (r >= 0)
                r = read_dropins(recipe, reterr);
        for (size_t i = 0; r >= 0 && i < set_count; i++)
                r = apply_set(recipe, sets[i], reterr);
        if (r >= 0)
                r = fill_defaults(recipe, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(recipe);
        return 0;
}

const struct ingot_strings *ingot_recipe_list(const struct ingot_recipe *recipe,
                                              enum ingot_recipe_key key)
{
        return &recipe->values[key].items;
}

const char *ingot_recipe_text(const struct ingot_recipe *recipe, enum ingot_recipe_key key)
{
        const struct ingot_strings *items = ingot_recipe_list(recipe, key);
        return items->count > 0 ? items->items[0] : NULL;
}

bool ingot_recipe_bool(const struct ingot_recipe *recipe, enum ingot_recipe_key key)
{
        const char *text = ingot_recipe_text(recipe, key);
        bool value = false;
        return text && ingot_parse_bool(text, &value) && value;
}

uint64_t ingot_recipe_number(const struct ingot_recipe *recipe, enum ingot_recipe_key key)
{
        const char *text = ingot_recipe_text(recipe, key);
        uint64_t value = 0;
        return text && ingot_parse_size(text, &value) ? value : 0;
}

int ingot_recipe_path(const struct ingot_recipe *recipe, const char *path, char **ret,
                      ingot_error *reterr)
{
        return *path == '/'
                       ? ingot_strdup(ret, path, reterr)
                       : ingot_format(ret, reterr, "%s/%s",
                                      strcmp(recipe->folder, "/") == 0 ? "" : recipe->folder, path);
}

struct ingot_uuid ingot_recipe_seed(const struct ingot_recipe *recipe)
{
        /* The name space of seeds that come from a name: an arbitrary constant. */
        static const struct ingot_uuid space = {{0x9c, 0x1f, 0x2b, 0x6e, 0x51, 0x7d, 0x4a, 0x38,
                                                 0x8e, 0x04, 0xd3, 0x72, 0xab, 0x96, 0xc0, 0x5f}};
        const char *text = ingot_recipe_text(recipe, INGOT_IMAGE_SEED);
        const char *name = ingot_recipe_text(recipe, INGOT_IMAGE_NAME);
        struct ingot_uuid seed;
        if (text && ingot_uuid_parse(text, &seed))
                return seed;
        return ingot_uuid_derive(&space, name, strlen(name));
}

static int print_value(const struct ingot_recipe_key_info *info, const char *item,
                       const char *origin, struct ingot_buffer *out, ingot_error *reterr)
{
        int r = origin ? ingot_buffer_printf(out, reterr, "# %s\n", origin) : 0;
        return r < 0 ? r : ingot_buffer_printf(out, reterr, "%s=%s\n", info->key, item);
}

static int print_values(const struct ingot_recipe *recipe, bool origins, bool places,
                        struct ingot_buffer *out, ingot_error *reterr)
{
        const char *section = "";
        for (size_t i = 0; i < INGOT_RECIPE_KEY_MAX; i++) {
                const struct ingot_recipe_key_info *info = ingot_recipe_keys + i;
                const struct ingot_recipe_value *v = recipe->values + i;
                int r = 0;
                if (v->items.count == 0 || (info->place && !places))
                        continue;
                if (strcmp(section, info->section) != 0)
                        r = ingot_buffer_printf(out, reterr, "%s[%s]\n", *section ? "\n" : "",
                                                info->section);
                section = info->section;
                for (size_t k = 0; r >= 0 && k < v->items.count; k++)
                        r = print_value(info, v->items.items[k],
                                        origins ? v->origins.items[k] : NULL, out, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int ingot_recipe_print(const struct ingot_recipe *recipe, bool origins, struct ingot_buffer *out,
                       ingot_error *reterr)
{
        return print_values(recipe, origins, true, out, reterr);
}

int ingot_recipe_digest(const struct ingot_recipe *recipe, uint8_t ret[INGOT_SHA256_SIZE],
                        ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = print_values(recipe, false, false, &text, reterr);
        if (r >= 0)
                ingot_sha256_of(text.data, text.size, ret);
        return r;
}
