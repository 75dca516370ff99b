/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profiles of a UKI, out of the recipe. */
#include "image/profile.h"
#include "base/cleanup.h"
#include "format/uki.h"

#include <stdlib.h>
#include <string.h>

#define KEY "Boot.Profile"

static void profile_done(struct ingot_profile *p)
{
        free(p->id);
        free(p->title);
        free(p->words);
        free(p->text);
}

void ingot_profiles_done(struct ingot_profiles *p)
{
        for (size_t i = 0; i < p->count; i++)
                profile_done(p->items + i);
        free(p->items);
        *p = (struct ingot_profiles){0};
}

/* The kernel takes the last roothash=, our initrd refuses two. */
int ingot_command_line_check(const char *word, const char *key, const char *origin,
                             ingot_error *reterr)
{
        if (!ingot_starts_with(word, "roothash="))
                return 0;
        return ingot_fail(reterr, INGOT_E_FORMAT, "%s: %s has roothash=, which the build adds",
                          origin, key);
}

static int check_words(const char *words, const char *origin, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings list = {0};
        size_t quotes = 0;
        int r = ingot_strings_split(&list, words, " \t", reterr);
        for (size_t i = 0; r >= 0 && i < list.count; i++)
                r = ingot_command_line_check(list.items[i], KEY, origin, reterr);
        for (const char *c = words; *c; c++)
                quotes += *c == '"';
        if (r >= 0 && quotes % 2)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "%s: " KEY " opens a quote that it does not close", origin);
        return r;
}

static bool valid_id(const char *id)
{
        return *id && !id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-_")] && strlen(id) <= 32;
}

/* Of the characters that mean something in quotes none: readers differ in what they make of them.
 */
static bool valid_title(const char *title)
{
        return *title && !title[strcspn(title, "\"\\$`")] && ingot_utf8_valid(title);
}

/* Up to the next colon, or to the end, without blanks around it. */
static int take_field(const char **text, bool last, char **ret, ingot_error *reterr)
{
        const char *from = *text + strspn(*text, " \t");
        size_t size = last ? strlen(from) : strcspn(from, ":");
        *text = from + size + (from[size] == ':');
        while (size > 0 && strchr(" \t", from[size - 1]))
                size--;
        return ingot_format(ret, reterr, "%.*s", (int) size, from);
}

static int parse(const char *line, const char *origin, struct ingot_profile *p, ingot_error *reterr)
{
        const char *at = line;
        int r = take_field(&at, false, &p->id, reterr);
        if (r >= 0)
                r = take_field(&at, false, &p->title, reterr);
        if (r >= 0)
                r = take_field(&at, true, &p->words, reterr);
        if (r < 0)
                return r;
        if (!valid_id(p->id))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "%s: " KEY " '%.60s' is not ID:TITLE[:WORDS] with an ID of a-z, "
                                  "0-9, '-' and '_'",
                                  origin, line);
        if (!valid_title(p->title))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "%s: " KEY " '%.60s' needs a title without quotes, '\\', '$' and "
                                  "'`'",
                                  origin, line);
        r = check_words(p->words, origin, reterr);
        return r < 0 ? r
                     : ingot_format(&p->text, reterr, "ID=%s\nTITLE=\"%s\"\n", p->id, p->title);
}

static int check_unique(const struct ingot_profiles *all, const char *origin, ingot_error *reterr)
{
        const char *id = all->items[all->count - 1].id;
        for (size_t i = 0; i + 1 < all->count; i++)
                if (strcmp(all->items[i].id, id) == 0)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "%s: there is a profile '%s' already", origin, id);
        return 0;
}

int ingot_profiles_of_recipe(const struct ingot_recipe *recipe, struct ingot_profiles *ret,
                             ingot_error *reterr)
{
        const struct ingot_recipe_value *v = recipe->values + INGOT_BOOT_PROFILES;
        _cleanup_profiles_ struct ingot_profiles all = {0};
        if (v->items.count == 0)
                return 0;
        if (v->items.count >= INGOT_UKI_PROFILES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, KEY ": more than %d profiles",
                                  INGOT_UKI_PROFILES_MAX - 1);
        all.items = calloc(v->items.count + 1, sizeof(*all.items));
        if (!all.items)
                return ingot_fail_nomem(reterr);
        all.count = 1;
        int r = ingot_strdup(&all.items[0].id, INGOT_PROFILE_MAIN, reterr);
        if (r >= 0)
                r = ingot_strdup(&all.items[0].text, "ID=" INGOT_PROFILE_MAIN "\n", reterr);
        for (size_t i = 0; r >= 0 && i < v->items.count; i++) {
                const char *origin = v->origins.items[i];
                r = parse(v->items.items[i], origin, all.items + all.count++, reterr);
                if (r >= 0)
                        r = check_unique(&all, origin, reterr);
        }
        if (r < 0)
                return r;
        *ret = all;
        all = (struct ingot_profiles){0};
        return 0;
}
