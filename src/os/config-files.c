/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UAPI.6, over openat2(). */
#include "os/config-files.h"
#include "base/cleanup.h"
#include "os/root.h"

const char *const ingot_config_folders[] = {"/etc", "/run", "/usr/local/lib", "/usr/lib", NULL};

int ingot_config_find(int root, const char *const *folders, const char *name, char **ret,
                      ingot_error *reterr)
{
        for (; *folders; folders++) {
                _cleanup_free_ char *path = NULL;
                enum ingot_root_kind kind;
                int r = ingot_format(&path, reterr, "%s/%s", *folders, name);
                if (r >= 0)
                        r = ingot_root_look(root, path, &kind, reterr);
                if (r < 0)
                        return r;
                if (kind == INGOT_ROOT_FILE) {
                        *ret = TAKE_PTR(path);
                        return 0;
                }
                if (kind == INGOT_ROOT_MASK || kind == INGOT_ROOT_EMPTY)
                        break;
        }
        return ingot_strdup(ret, "", reterr);
}

/* The names in all of the folders, each once, sorted. */
static int collect(int root, const char *const *folders, const char *sub, const char *suffix,
                   struct ingot_strings *names, ingot_error *reterr)
{
        int r = 0;
        for (; r >= 0 && *folders; folders++) {
                _cleanup_strings_ struct ingot_strings here = {0};
                _cleanup_free_ char *folder = NULL;
                r = ingot_format(&folder, reterr, "%s/%s", *folders, sub);
                if (r >= 0)
                        r = ingot_root_list(root, folder, &here, reterr);
                for (size_t i = 0; r >= 0 && i < here.count; i++)
                        if (ingot_ends_with(here.items[i], suffix) &&
                            !ingot_strings_contains(names, here.items[i]))
                                r = ingot_strings_add(names, here.items[i], reterr);
        }
        ingot_strings_sort(names);
        return r;
}

int ingot_config_list(int root, const char *const *folders, const char *sub, const char *suffix,
                      struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = collect(root, folders, sub, suffix, &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                _cleanup_free_ char *name = NULL, *path = NULL;
                r = ingot_format(&name, reterr, "%s/%s", sub, names.items[i]);
                if (r >= 0)
                        r = ingot_config_find(root, folders, name, &path, reterr);
                if (r >= 0 && *path)
                        r = ingot_strings_add(ret, path, reterr);
        }
        return r < 0 ? r : 0;
}
