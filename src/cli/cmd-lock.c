/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot lock [RECIPE] [--upgrade [PACKAGE...]] */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/print.h"
#include "image/build.h"
#include "image/manifest.h"
#include "package/lock.h"

#include <stdio.h>
#include <string.h>

struct lock_options {
        struct ingot_strings set;
        bool upgrade, offline;
        const char *cache;
};

static const struct option rows[] = {
        FLAG('u', "upgrade", struct lock_options, upgrade,
             "Take the newest version of every package, or of those named"),
        STRINGS('s', "set", "SECTION.KEY=VALUE", struct lock_options, set,
                "Override one value of the recipe"),
        FLAG(0, "offline", struct lock_options, offline, "Use the cached indexes alone"),
        STRING(0, "cache", "DIR", struct lock_options, cache,
               "Use this cache instead of $XDG_CACHE_HOME/ingot"),
        OPTION_JSON,
        OPTION_QUIET,
        {0},
};

static int print_json(const struct ingot_lock *lock, size_t changed, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "date", lock->date, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "changed", changed, reterr);
        if (r >= 0)
                r = ingot_manifest_packages(o, "packages", lock, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static int print_lock(const struct ingot_lock *lock, size_t changed, bool json, ingot_error *reterr)
{
        if (json)
                return print_json(lock, changed, reterr);
        printf("%zu packages locked, %zu changed\n", lock->count, changed);
        return 0;
}

/* Splits the operands. With --upgrade the first is a package, and the recipe the current folder,
 * unless it names a recipe or has a slash, as no package's name has. */
static int split_operands(const struct invocation *in, const char **ret_recipe,
                          struct ingot_strings *ret_packages, ingot_error *reterr)
{
        const struct lock_options *o = in->options;
        size_t first = in->operand_count > 0 &&
                       (!o->upgrade || strchr(in->operands[0], '/') ||
                        ingot_recipe_exists(in->operands[0]));
        int r = 0;
        *ret_recipe = first ? in->operands[0] : ".";
        if (in->operand_count > first && !o->upgrade)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "'%s' is a second recipe; packages are named with --upgrade",
                                  in->operands[first]);
        for (size_t i = first; r >= 0 && i < in->operand_count; i++)
                r = ingot_strings_add(ret_packages, in->operands[i], reterr);
        return r;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct lock_options *o = in->options;
        _cleanup_(ingot_recipe_free_p) struct ingot_recipe *recipe = NULL;
        _cleanup_strings_ struct ingot_strings packages = {0};
        _cleanup_lock_ struct ingot_lock lock = {0};
        const char *path;
        size_t changed = 0;
        int r = split_operands(in, &path, &packages, reterr);
        if (r >= 0)
                r = ingot_recipe_load(path, (const char *const *) o->set.items, o->set.count,
                                      &recipe, reterr);
        if (r < 0)
                return r;
        struct ingot_build_options build = {
                .recipe = recipe, .offline = o->offline, .cache = o->cache, .log = in->log};
        r = ingot_build_lock(&build, o->upgrade && packages.count == 0,
                             packages.count > 0 ? &packages : NULL, &lock, &changed, reterr);
        print_progress_end();
        return r < 0 ? r : print_lock(&lock, changed, in->json, reterr);
}

static const struct example examples[] = {
        {"ingot lock appliance", "Write appliance/ingot.lock, keeping what is locked"},
        {"ingot lock appliance --upgrade", "The same with the newest version of every package"},
        {"ingot lock appliance --upgrade nginx openssl", "The same for these two alone"},
        {0},
};

const struct command cmd_lock = {
        .name = "lock",
        .synopsis = "[RECIPE] [--upgrade [PACKAGE...]]",
        .summary = "Choose the exact packages of a recipe",
        .details =
                "Resolves the packages of RECIPE and writes ingot.lock beside it: name, version, "
                "architecture, size, SHA-256 and path of each. Packages that are locked already "
                "keep their version while the archive still has it, unless they are upgraded.\n"
                "\n"
                "With --upgrade, the operands behind RECIPE are packages; the first is one, too, "
                "when no recipe has that name. Without any, all packages are upgraded.\n"
                "\n"
                "The archive's index is checked against its OpenPGP signature. The mirror is the "
                "recipe's, else the one that this host uses itself.",
        .rows = rows,
        .examples = examples,
        .operands_max = OPERANDS_ANY,
        .options_size = sizeof(struct lock_options),
        .run = run,
};
