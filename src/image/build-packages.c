/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The packages of a build: what the recipe asks for becomes a request, the request a lock beside
 * the recipe, the lock a tree. A recipe without packages starts from an empty tree.
 */
#include "base/cleanup.h"
#include "image/build-state.h"

#include <stdlib.h>
#include <string.h>

#if HAVE_PACKAGES
#include "package/install.h"
#include "package/package.h"

static int add_source(struct ingot_package_sources *sources, const char *mirror, const char *suite,
                      const struct ingot_strings *words, size_t first, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer components = {0};
        int r = 0;
        for (size_t i = first; r >= 0 && i < words->count; i++)
                r = ingot_buffer_printf(&components, reterr, "%s%s", i > first ? " " : "",
                                        words->items[i]);
        return r < 0 ? r
                     : ingot_package_sources_add(sources, mirror, suite,
                                                 (const char *) components.data, reterr);
}

/* "[MIRROR] SUITE [COMPONENT]…"; without components those of the release. */
static int parse_source(const char *line, const struct ingot_strings *components,
                        struct ingot_package_sources *sources, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings words = {0};
        int r = ingot_strings_split(&words, line, " \t", reterr);
        if (r < 0)
                return r;
        size_t suite = words.count > 0 && strstr(words.items[0], ":/") ? 1 : 0;
        if (suite >= words.count)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "Distribution.Source '%.60s' names no suite", line);
        const char *mirror = suite ? words.items[0] : NULL;
        if (words.count == suite + 1)
                return add_source(sources, mirror, words.items[suite], components, 0, reterr);
        return add_source(sources, mirror, words.items[suite], &words, suite + 1, reterr);
}

static int fill_sources(const struct ingot_recipe *recipe, struct ingot_package_sources *ret,
                        ingot_error *reterr)
{
        const struct ingot_strings *more = ingot_recipe_list(recipe, INGOT_DISTRIBUTION_SOURCES);
        const struct ingot_strings *components =
                ingot_recipe_list(recipe, INGOT_DISTRIBUTION_COMPONENTS);
        const char *release = ingot_recipe_text(recipe, INGOT_DISTRIBUTION_RELEASE);
        if (!release)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "ingot.conf: packages need Distribution.Release, such as trixie");
        int r = add_source(ret, ingot_recipe_text(recipe, INGOT_DISTRIBUTION_MIRROR), release,
                           components, 0, reterr);
        for (size_t i = 0; r >= 0 && i < more->count; i++)
                r = parse_source(more->items[i], components, ret, reterr);
        return r;
}

static int fill_request(const struct ingot_build_options *o, struct ingot_package_request *ret,
                        ingot_error *reterr)
{
        const struct ingot_recipe *recipe = o->recipe;
        const struct ingot_strings *packages = ingot_recipe_list(recipe, INGOT_PACKAGES_INSTALL);
        const struct ingot_strings *assumed = ingot_recipe_list(recipe, INGOT_PACKAGES_ASSUME);
        const char *base = ingot_recipe_text(recipe, INGOT_PACKAGES_BASE);
        ret->distribution = ingot_recipe_text(recipe, INGOT_DISTRIBUTION_NAME);
        ret->architecture = ingot_recipe_text(recipe, INGOT_IMAGE_ARCHITECTURE);
        ret->base = strcmp(base, "required") == 0 ? INGOT_PACKAGE_BASE_REQUIRED
                                                  : INGOT_PACKAGE_BASE_ESSENTIAL;
        ret->recommends = ingot_recipe_bool(recipe, INGOT_PACKAGES_RECOMMENDS);
        ret->allow_expired = !ingot_recipe_bool(recipe, INGOT_DISTRIBUTION_CHECK_VALID_UNTIL);
        ret->keyring = ingot_recipe_text(recipe, INGOT_DISTRIBUTION_KEYRING);
        ret->offline = o->offline;
        ret->cache = o->cache;
        ret->log = o->log;
        int r = fill_sources(recipe, &ret->sources, reterr);
        for (size_t i = 0; r >= 0 && i < packages->count; i++)
                r = ingot_strings_add(&ret->packages, packages->items[i], reterr);
        for (size_t i = 0; r >= 0 && i < assumed->count; i++)
                r = ingot_strings_add(&ret->assumed, assumed->items[i], reterr);
        return r;
}

static int lock_path(const struct ingot_recipe *recipe, char **ret, ingot_error *reterr)
{
        return ingot_recipe_path(recipe, "ingot.lock", ret, reterr);
}

/* 1 when there is none. */
static int read_lock(const struct ingot_recipe *recipe, struct ingot_lock *ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        ingot_error error = {0};
        int r = lock_path(recipe, &path, reterr);
        if (r < 0)
                return r;
        r = ingot_lock_read(path, ret, &error);
        if (r == -INGOT_E_NOTFOUND)
                return 1;
        if (r < 0 && reterr)
                *reterr = error;
        return r;
}

static int write_lock(const struct ingot_recipe *recipe, const struct ingot_lock *lock,
                      ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = lock_path(recipe, &path, reterr);
        return r < 0 ? r : ingot_lock_write(path, lock, reterr);
}

/* What B differs from A in, counted in packages. */
static size_t count_changes(const struct ingot_lock *a, const struct ingot_lock *b)
{
        size_t changed = 0, i = 0, k = 0;
        while (i < a->count || k < b->count) {
                int order = i == a->count   ? 1
                            : k == b->count ? -1
                                            : strcmp(a->packages[i].name, b->packages[k].name);
                if (order != 0 || memcmp(a->packages[i].sha256, b->packages[k].sha256,
                                         INGOT_SHA256_SIZE) != 0)
                        changed++;
                i += order <= 0;
                k += order >= 0;
        }
        return changed;
}

int ingot_build_lock(const struct ingot_build_options *options, bool upgrade_all,
                     const struct ingot_strings *upgrade, struct ingot_lock *ret,
                     size_t *ret_changed, ingot_error *reterr)
{
        _cleanup_package_request_ struct ingot_package_request request = {0};
        _cleanup_lock_ struct ingot_lock before = {0}, after = {0};
        int r = fill_request(options, &request, reterr);
        if (r >= 0)
                r = read_lock(options->recipe, &before, reterr);
        if (r < 0)
                return r;
        if (r == 0)
                request.current = &before;
        request.upgrade_all = upgrade_all;
        request.upgrade = upgrade;
        r = ingot_package_lock(&request, &after, reterr);
        if (r >= 0)
                r = write_lock(options->recipe, &after, reterr);
        if (r < 0)
                return r;
        *ret_changed = count_changes(&before, &after);
        *ret = after;
        after = (struct ingot_lock){0};
        return 0;
}

/* The lock of this build: the one beside the recipe where it fits, else a new one. */
static int get_lock(struct ingot_build *b, const struct ingot_package_request *request,
                    ingot_error *reterr)
{
        ingot_error error = {0};
        size_t changed;
        int r = read_lock(b->recipe, &b->lock, reterr);
        if (r < 0)
                return r;
        if (r == 0) {
                r = ingot_package_lock_check(request, &b->lock, &error);
                if (r >= 0)
                        return 0;
                if (r != -INGOT_E_CONFLICT || b->options->locked) {
                        if (reterr)
                                *reterr = error;
                        return r;
                }
                ingot_lock_done(&b->lock);
        } else if (b->options->locked) {
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "--locked, but there is no ingot.lock: run 'ingot lock' first");
        }
        r = ingot_build_lock(b->options, false, NULL, &b->lock, &changed, reterr);
        if (r >= 0)
                ingot_warn(b->options->log, "ingot.lock: %zu packages changed", changed);
        return r;
}

static int install(struct ingot_build *b, const struct ingot_strings *paths,
                   const struct ingot_strings *assumed, ingot_error *reterr)
{
        _cleanup_free_ struct ingot_install_package *packages =
                calloc(paths->count + 1, sizeof(*packages));
        _cleanup_free_ const char **names = calloc(assumed->count + 1, sizeof(*names));
        _cleanup_free_ char *unpacked = NULL;
        if (!packages || !names)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < paths->count; i++) {
                packages[i].path = paths->items[i];
                memcpy(packages[i].sha256, b->lock.packages[i].sha256, INGOT_SHA256_SIZE);
        }
        for (size_t i = 0; i < assumed->count; i++)
                names[i] = assumed->items[i];
        int r = ingot_format(&unpacked, reterr, "%s/unpacked", b->cache);
        if (r < 0)
                return r;
        struct ingot_install options = {.packages = packages,
                                        .count = paths->count,
                                        .assumed = names,
                                        .cache = unpacked,
                                        .workdir = b->work,
                                        .threads = b->options->threads,
                                        .timestamp = b->timestamp,
                                        .log = b->options->log};
        b->has_packages = true;
        return ingot_install_run(&options, &b->tree, reterr);
}

int ingot_build_packages(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_package_request_ struct ingot_package_request request = {0};
        _cleanup_strings_ struct ingot_strings paths = {0};
        if (ingot_recipe_list(b->recipe, INGOT_PACKAGES_INSTALL)->count == 0)
                return ingot_tree_new(&b->tree, reterr);
        int r = fill_request(b->options, &request, reterr);
        if (r >= 0)
                r = get_lock(b, &request, reterr);
        if (r < 0)
                return r;
        if (!ingot_recipe_text(b->recipe, INGOT_IMAGE_TIMESTAMP))
                b->timestamp = (int64_t) b->lock.date;
        r = ingot_package_fetch(&request, &b->lock, &paths, reterr);
        return r < 0 ? r : install(b, &paths, &request.assumed, reterr);
}

void ingot_build_packages_done(struct ingot_build *b)
{
        if (b->has_packages)
                (void) ingot_install_clean(b->work, NULL);
        ingot_lock_done(&b->lock);
}

#else

int ingot_build_packages(struct ingot_build *b, ingot_error *reterr)
{
        if (ingot_recipe_list(b->recipe, INGOT_PACKAGES_INSTALL)->count == 0)
                return ingot_tree_new(&b->tree, reterr);
        return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                          "this ingot was built without packages; use the whole one");
}

int ingot_build_lock(const struct ingot_build_options *options, bool upgrade_all,
                     const struct ingot_strings *upgrade, struct ingot_lock *ret,
                     size_t *ret_changed, ingot_error *reterr)
{
        (void) options, (void) upgrade_all, (void) upgrade, (void) ret, (void) ret_changed;
        return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                          "this ingot was built without packages; use the whole one");
}

void ingot_build_packages_done(struct ingot_build *b)
{
        (void) b;
}

#endif
