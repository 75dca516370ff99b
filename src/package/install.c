/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From verified packages to a tree. */
#include "package/install.h"
#include "base/cleanup.h"
#include "base/parallel.h"
#include "os/file.h"
#include "os/make.h"
#include "os/tree-load.h"
#include "package/deb-cache.h"
#include "package/dpkg-database.h"
#include "package/dpkg-order.h"
#include "package/dpkg-run.h"
#include "package/tidy.h"
#include "package/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#define POLICY "usr/sbin/policy-rc.d"

struct installation {
        const struct ingot_install *options;
        struct ingot_cache cache;
        struct ingot_deb_package *packages;
        struct ingot_ledger *ledger;
        char *root_path;
        int root;
};

static void installation_done(struct installation *i)
{
        for (size_t k = 0; i->packages && k < i->options->count; k++)
                ingot_deb_package_done(i->packages + k);
        free(i->packages);
        ingot_ledger_free(i->ledger);
        ingot_cache_close(&i->cache);
        free(i->root_path);
        ingot_close_p(&i->root);
}

static int load_package(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        struct installation *i = context;
        const struct ingot_install_package *package = i->options->packages + index;
        _cleanup_free_ char *path = NULL;
        (void) slot;
        int r = ingot_deb_cache_get(&i->cache, package->path, package->sha256, &path, reterr);
        return r < 0 ? r : ingot_deb_package_load(path, i->packages + index, reterr);
}

static int report_loaded(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        const struct installation *i = context;
        (void) slot;
        (void) reterr;
        ingot_progress(i->options->log, "Reading packages", index + 1, i->options->count);
        return 0;
}

static int load_packages(struct installation *i, ingot_error *reterr)
{
        const struct ingot_parallel job = {
                .threads = i->options->threads,
                .count = i->options->count,
                .work = load_package,
                .finish = report_loaded,
                .context = i,
        };
        i->packages = calloc(i->options->count ? i->options->count : 1, sizeof(*i->packages));
        if (!i->packages)
                return ingot_fail_nomem(reterr);
        for (size_t k = 0; k < i->options->count; k++)
                i->packages[k].file = INGOT_FILE_NONE;
        return ingot_parallel_run(&job, reterr);
}

static int open_root(struct installation *i, ingot_error *reterr)
{
        if (chmod(i->options->workdir, 0700) < 0)
                return ingot_fail_errno(reterr, "close folder %s to others", i->options->workdir);
        int r = ingot_format(&i->root_path, reterr, "%s/root", i->options->workdir);
        if (r < 0)
                return r;
        if (mkdir(i->root_path, 0755) < 0 || chmod(i->root_path, 0755) < 0)
                return ingot_fail_errno(reterr, "make folder %s", i->root_path);
        i->root = open(i->root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return i->root < 0 ? ingot_fail_errno(reterr, "open folder %s", i->root_path) : 0;
}

static int begin(struct installation *i, ingot_error *reterr)
{
        int r = ingot_cache_open(&i->cache, i->options->cache, reterr);
        if (r >= 0)
                r = ingot_ledger_new(&i->ledger, reterr);
        return r < 0 ? r : open_root(i, reterr);
}

static int unpack(struct installation *i, ingot_error *reterr)
{
        static const char *const folders[] = {"dev", "proc", "sys", "tmp"};
        int r = ingot_dpkg_classify(i->packages, i->options->count, reterr);
        if (r >= 0)
                r = ingot_packages_unpack(i->packages, i->options->count, i->root,
                                          i->options->threads, i->ledger, reterr);
        for (size_t k = 0; r >= 0 && k < ARRAY_SIZE(folders); k++)
                r = ingot_make_missing_directory_at(i->root, folders[k], 0755, reterr);
        if (r >= 0)
                r = ingot_dpkg_database_write(i->root, i->packages, i->options->count, reterr);
        return ingot_under(reterr, r, "unpack");
}

/* While scripts run no service starts; one who brings his own file of this name decides himself. */
static int put_policy(const struct installation *i, bool *ret_put, ingot_error *reterr)
{
        static const char text[] = "#!/bin/sh\nexit 101\n";
        *ret_put = false;
        _cleanup_close_ int fd =
                openat(i->root, POLICY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755);
        if (fd < 0)
                return errno == EEXIST || errno == ENOENT
                               ? 0
                               : ingot_fail_errno(reterr, "create " POLICY);
        int r = ingot_file_write_all(fd, text, strlen(text), reterr);
        if (r >= 0 && fchmod(fd, 0755) < 0)
                r = ingot_fail_errno(reterr, "set the mode of " POLICY);
        *ret_put = r >= 0;
        return r;
}

static int run_steps(struct installation *i, const struct ingot_dpkg_order *order,
                     ingot_error *reterr)
{
        const struct ingot_dpkg_run run = {
                .root = i->root_path,
                .ledger = i->ledger,
                .assumed = i->options->assumed,
                .environment = i->options->environment,
                .timestamp = i->options->timestamp,
                .log = i->options->log,
        };
        size_t total = 0, done = 0;
        int r = 0;
        for (size_t k = 0; k < order->count; k++)
                total += order->steps[k].count;
        for (size_t k = 0; r >= 0 && k < order->count; k++) {
                ingot_progress(i->options->log, "Installing packages", done, total);
                r = ingot_dpkg_run_step(&run, i->packages, order->steps + k, reterr);
                done += order->steps[k].count;
        }
        if (r >= 0)
                r = ingot_dpkg_run_pending(&run, reterr);
        ingot_progress(i->options->log, "Installing packages", done, total);
        return r;
}

static int configure(struct installation *i, ingot_error *reterr)
{
        struct ingot_dpkg_order order = {0};
        bool policy = false;
        int r = put_policy(i, &policy, reterr);
        if (r >= 0)
                r = ingot_dpkg_order(i->packages, i->options->count, &order, reterr);
        if (r >= 0)
                r = run_steps(i, &order, reterr);
        ingot_dpkg_order_done(&order);
        if (r >= 0 && policy && unlinkat(i->root, POLICY, 0) < 0 && errno != ENOENT)
                r = ingot_fail_errno(reterr, "remove " POLICY);
        return r;
}

int ingot_install_run(const struct ingot_install *install, struct ingot_tree **ret,
                      ingot_error *reterr)
{
        _cleanup_(installation_done) struct installation i = {.options = install, .root = -1};
        int r = begin(&i, reterr);
        if (r >= 0)
                r = load_packages(&i, reterr);
        if (r >= 0)
                r = unpack(&i, reterr);
        if (r >= 0)
                r = configure(&i, reterr);
        if (r >= 0)
                r = ingot_tidy(i.root, install->timestamp, reterr);
        const struct ingot_tree_load load = {
                .dirfd = i.root,
                .path = ".",
                .ledger = i.ledger,
                .xattrs = true,
                .clamp = true,
                .newest = install->timestamp,
        };
        return r < 0 ? r : ingot_tree_load(&load, ret, reterr);
}

int ingot_install_clean(const char *workdir, ingot_error *reterr)
{
        _cleanup_free_ char *root = NULL;
        int r = ingot_format(&root, reterr, "%s/root", workdir);
        return r < 0 ? r : ingot_remove_tree(AT_FDCWD, root, reterr);
}
