/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Load paths, of the system and of a user. */
#include "trust/voa-path.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

void ingot_voa_paths_done(struct ingot_voa_paths *p)
{
        for (size_t i = 0; i < p->count; i++)
                free(p->items[i].path);
        free(p->items);
        *p = (struct ingot_voa_paths){0};
}

/* FOLDER without doubled slashes and those at its end; false when it is not absolute, or has a
 * component that is no name. */
static bool clean(char *path)
{
        char *out = path;
        if (*path != '/')
                return false;
        for (const char *p = path; *p;) {
                p += strspn(p, "/");
                size_t n = strcspn(p, "/");
                if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
                        return false;
                if (n == 0)
                        break;
                *out++ = '/';
                memmove(out, p, n);
                out += n;
                p += n;
        }
        *out = 0;
        return true;
}

/* FOLDER/BEHIND with those traits; the first of two equal ones stays. */
static int add(struct ingot_voa_paths *p, const char *folder, const char *behind,
               struct ingot_voa_path traits, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "%s/%s", folder, behind);
        if (r < 0)
                return r;
        if (!*folder || !clean(path))
                return 0;
        for (size_t i = 0; i < p->count; i++)
                if (strcmp(p->items[i].path, path) == 0) {
                        /* A user's own list of folders may name the administrator's. */
                        p->items[i].administrator &= traits.administrator;
                        return 0;
                }
        struct ingot_voa_path *items = realloc(p->items, (p->count + 1) * sizeof(*items));
        if (!items)
                return ingot_fail_nomem(reterr);
        p->items = items;
        traits.path = TAKE_PTR(path);
        items[p->count++] = traits;
        return 0;
}

/* Each folder of a list with colons. */
static int add_list(struct ingot_voa_paths *p, const char *list, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings folders = {0};
        int r = ingot_strings_split(&folders, list, ":", reterr);
        for (size_t i = 0; r >= 0 && i < folders.count; i++)
                r = add(p, folders.items[i], "voa", (struct ingot_voa_path){0}, reterr);
        return r;
}

int ingot_voa_paths_system(struct ingot_voa_paths *ret, ingot_error *reterr)
{
        static const struct {
                const char *folder;
                bool ephemeral, masks;
        } rows[] = {
                {"/etc", false, true},
                {"/run", true, true},
                {"/usr/local/share", false, false},
                {"/usr/share", false, false},
        };
        _cleanup_voa_paths_ struct ingot_voa_paths p = {0};
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                int r = add(&p, rows[i].folder, "voa",
                            (struct ingot_voa_path){.ephemeral = rows[i].ephemeral,
                                                    .masks = rows[i].masks},
                            reterr);
                if (r < 0)
                        return r;
        }
        *ret = p;
        p = (struct ingot_voa_paths){0};
        return 0;
}

static const char *given(const char *value, const char *otherwise)
{
        return value && *value ? value : otherwise;
}

/* A folder of the user's: as it is given, or below HOME. */
static int add_own(struct ingot_voa_paths *p, const struct ingot_voa_user *user, const char *value,
                   const char *below_home, struct ingot_voa_path traits, ingot_error *reterr)
{
        if (value && *value)
                return add(p, value, "voa", traits, reterr);
        return user->home && *user->home ? add(p, user->home, below_home, traits, reterr) : 0;
}

int ingot_voa_paths_user(struct ingot_voa_paths *ret, const struct ingot_voa_user *user,
                         ingot_error *reterr)
{
        const struct ingot_voa_path plain = {0}, masks = {.masks = true},
                                    runtime = {.ephemeral = true, .masks = true},
                                    etc = {.masks = true, .administrator = true},
                                    run = {.masks = true, .administrator = true, .ephemeral = true};
        _cleanup_voa_paths_ struct ingot_voa_paths p = {.user = true};
        int r = add(&p, "/etc", "voa", etc, reterr);
        if (r >= 0)
                r = add(&p, "/run", "voa", run, reterr);
        if (r >= 0)
                r = add_own(&p, user, user->config_home, ".config/voa", masks, reterr);
        if (r >= 0)
                r = add_list(&p, given(user->config_dirs, "/etc/xdg"), reterr);
        if (r >= 0 && user->runtime_dir)
                r = add(&p, user->runtime_dir, "voa", runtime, reterr);
        if (r >= 0)
                r = add_own(&p, user, user->data_home, ".local/share/voa", plain, reterr);
        if (r >= 0)
                r = add_list(&p, given(user->data_dirs, "/usr/local/share:/usr/share"), reterr);
        if (r < 0)
                return r;
        *ret = p;
        p = (struct ingot_voa_paths){0};
        return 0;
}
