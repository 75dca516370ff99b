/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From small packages to files, dpkg's database, and the order of what dpkg is to do. */
#include "base/cleanup.h"
#include "make-deb.h"
#include "os/file.h"
#include "os/tree-load.h"
#include "package/deb-cache.h"
#include "package/dpkg-database.h"
#include "package/dpkg-order.h"
#include "package/dpkg-run.h"
#include "package/tidy.h"
#include "package/unpack.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PACKAGES_MAX 8

static struct ingot_deb_package packages[PACKAGES_MAX];
static size_t count;
static char root[4200];

static const char *in_folder(const char *name)
{
        static char path[4300];
        snprintf(path, sizeof(path), "%s/%s", test_folder(), name);
        return path;
}

static void reset(void)
{
        while (count > 0)
                ingot_deb_package_done(packages + --count);
        snprintf(root, sizeof(root), "%s/root", test_folder());
        ingot_remove_tree(AT_FDCWD, root, NULL);
        must(ingot_make_directories(root, 0755, NULL));
}

/* A package of these control fields and files; EXTRA is one more control file's name, or NULL. */
static int add(const char *fields, const char *extra, const char *content,
               const struct tar_member *files, size_t file_count, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer control = {0}, data = {0}, deb = {0};
        tar_add(&control, &(struct tar_member){.path = "./", .type = '5', .mode = 0755});
        tar_add(&control,
                &(struct tar_member){
                        .path = "./control", .type = '0', .mode = 0644, .content = fields});
        tar_add(&control, &(struct tar_member){.path = "./md5sums", .type = '0', .mode = 0644});
        if (extra)
                tar_add(&control,
                        &(struct tar_member){
                                .path = extra, .type = '0', .mode = 0755, .content = content});
        for (size_t i = 0; i < file_count; i++)
                tar_add(&data, files + i);
        must(ingot_buffer_append_zeros(&control, 1024, NULL));
        must(ingot_buffer_append_zeros(&data, 1024, NULL));
        deb_bytes(&deb, &control, &data);
        char name[32];
        snprintf(name, sizeof(name), "%zu.deb", count);
        int r = ingot_outfile_put(in_folder(name), deb.data, deb.size, 0644, reterr);
        if (r >= 0)
                r = ingot_deb_package_load(in_folder(name), packages + count, reterr);
        count += r >= 0;
        return r;
}

#define ADD(fields, extra, content, ...)                                                           \
        add(fields, extra, content, (const struct tar_member[]){__VA_ARGS__},                      \
            sizeof((const struct tar_member[]){__VA_ARGS__}) / sizeof(struct tar_member), &error)

#define CONTROL(name, more) "Package: " name "\nVersion: 1\nArchitecture: all\n" more

#define BASE_FILES                                                                                 \
        {.path = "./", .type = '5', .mode = 0755},                                                 \
                {.path = "./lib", .type = '2', .target = "usr/lib"},                               \
                {.path = "./usr/", .type = '5', .mode = 0755},                                     \
                {.path = "./usr/lib/", .type = '5', .mode = 0755},                                 \
        {                                                                                          \
                .path = "./tmp/", .type = '5', .mode = 01777                                       \
        }

static int unpack(unsigned threads, struct ingot_tree **ret, ingot_error *reterr)
{
        _cleanup_(ingot_ledger_free_p) struct ingot_ledger *ledger = NULL;
        _cleanup_close_ int fd = open(root, O_RDONLY | O_DIRECTORY);
        int r = ingot_ledger_new(&ledger, reterr);
        if (r >= 0)
                r = ingot_dpkg_classify(packages, count, reterr);
        if (r >= 0)
                r = ingot_packages_unpack(packages, count, fd, threads, ledger, reterr);
        if (r >= 0)
                r = ingot_dpkg_database_write(fd, packages, count, reterr);
        const struct ingot_tree_load load = {.dirfd = fd, .path = ".", .ledger = ledger};
        return r < 0 ? r : ingot_tree_load(&load, ret, reterr);
}

static const char *text_of(const struct ingot_tree *tree, const char *path)
{
        static uint8_t *data;
        size_t size;
        struct ingot_inode *inode = ingot_tree_lookup(tree, path);
        free(data);
        data = NULL;
        if (!inode || ingot_inode_read(inode, 1 << 20, &data, &size, NULL) < 0)
                return NULL;
        return (char *) data;
}

TEST(files_go_where_dpkg_would_put_them)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        reset();
        CHECK_OK(ADD(CONTROL("a", ""), "./conffiles", "/etc/a.conf\n",
                     {.path = "./lib/", .type = '5', .mode = 0700},
                     {.path = "./lib/a", .type = '0', .mode = 04750, .content = "A", .gid = 42},
                     {.path = "./lib/b", .type = '1', .target = "./lib/a"},
                     {.path = "./etc/", .type = '5', .mode = 0755},
                     {.path = "./etc/a.conf", .type = '0', .mode = 0644, .content = "conf"},
                     {.path = "./tmp/", .type = '5', .mode = 0755},
                     {.path = "./null", .type = '3', .mode = 0666, .major = 1, .minor = 3}));
        CHECK_OK(ADD(CONTROL("base-files", "Essential: yes\n"), NULL, NULL, BASE_FILES));
        CHECK_OK(unpack(2, &tree, &error));
        CHECK_EQ(packages[0].unpacker, INGOT_DEB_OURS);
        CHECK_STR(ingot_tree_lookup(tree, "lib")->target, "usr/lib");
        const struct ingot_inode *a = ingot_tree_lookup(tree, "usr/lib/a");
        CHECK(a && a == ingot_tree_lookup(tree, "usr/lib/b"));
        CHECK_EQ(a->mode, 04750);
        CHECK_EQ(a->gid, 42);
        CHECK_EQ(a->mtime, 1000000);
        CHECK_EQ(ingot_tree_lookup(tree, "usr/lib")->mode, 0755);
        CHECK_EQ(ingot_tree_lookup(tree, "tmp")->mode, 01777);
        CHECK(!ingot_tree_lookup(tree, "etc/a.conf"));
        CHECK_STR(text_of(tree, "etc/a.conf.dpkg-new"), "conf");
        CHECK_EQ(ingot_tree_lookup(tree, "null")->type, INGOT_FILE_CHARACTER);
        CHECK_STR(text_of(tree, "var/lib/dpkg/info/a.list"),
                  "/lib\n/lib/a\n/lib/b\n/etc\n/etc/a.conf\n/tmp\n/null\n");
        CHECK_STR(text_of(tree, "var/lib/dpkg/status"),
                  "Status: install ok unpacked\n" CONTROL(
                          "a", "") "Conffiles:\n /etc/a.conf newconffile\n\n"
                                   "Status: install ok unpacked\n" CONTROL(
                                           "base-files", "Essential: yes\n") "\n");
}

TEST(what_two_packages_bring_is_left_to_dpkg)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        reset();
        CHECK_OK(ADD(CONTROL("a", ""), NULL, NULL, {.path = "./x", .type = '0', .content = "a"}));
        CHECK_OK(ADD(CONTROL("b", ""), NULL, NULL, {.path = "./y", .type = '0', .content = "b"},
                     {.path = "./x", .type = '0', .content = "b"}));
        CHECK_OK(ADD(CONTROL("c", ""), "./preinst", "#!/bin/sh\n",
                     {.path = "./z", .type = '0', .content = "c"}));
        CHECK_OK(ADD(CONTROL("d", ""), NULL, NULL, {.path = "./y", .type = '0', .content = "d"}));
        CHECK_OK(unpack(1, &tree, &error));
        CHECK_EQ(packages[0].unpacker, INGOT_DEB_OURS);
        CHECK_EQ(packages[1].unpacker, INGOT_DEB_DPKG);
        CHECK_EQ(packages[2].unpacker, INGOT_DEB_DPKG);
        CHECK_EQ(packages[3].unpacker, INGOT_DEB_OURS);
        CHECK_STR(text_of(tree, "x"), "a");
        CHECK_STR(text_of(tree, "y"), "d");
        CHECK(!ingot_tree_lookup(tree, "z"));
        CHECK(!ingot_tree_lookup(tree, "var/lib/dpkg/info/b.list"));
}

TEST(interests_in_triggers_are_entered)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        reset();
        CHECK_OK(ADD("Package: a\nVersion: 1\nArchitecture: amd64\nMulti-Arch: same\n",
                     "./triggers",
                     "# why\ninterest-noawait ldconfig\ninterest /usr/share/x\n"
                     "activate-noawait other\n",
                     {.path = "./x", .type = '0'}));
        CHECK_OK(unpack(1, &tree, &error));
        CHECK_STR(text_of(tree, "var/lib/dpkg/triggers/ldconfig"), "a:amd64/noawait\n");
        CHECK_STR(text_of(tree, "var/lib/dpkg/triggers/File"), "/usr/share/x a:amd64\n");
        CHECK(ingot_tree_lookup(tree, "var/lib/dpkg/info/a:amd64.triggers"));
        reset();
        CHECK_OK(ADD(CONTROL("a", ""), "./triggers", "interest ../../etc/x\n",
                     {.path = "./x", .type = '0'}));
        _cleanup_(ingot_tree_free_p) struct ingot_tree *none = NULL;
        CHECK_FAILS(unpack(1, &none, &error), INGOT_E_FORMAT, "triggers");
}

TEST(a_file_below_a_file_is_refused)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        reset();
        CHECK_OK(ADD(CONTROL("a", ""), NULL, NULL, {.path = "./x", .type = '2', .target = "/etc"},
                     {.path = "./x/passwd", .type = '0', .content = "out"}));
        CHECK_FAILS(unpack(1, &tree, &error), INGOT_E_CONFLICT, "x");
        reset();
        CHECK_FAILS(ADD("Package: ../a\nVersion: 1\nArchitecture: all\n", NULL, NULL,
                        {.path = "./x", .type = '0'}),
                    INGOT_E_FORMAT, "control");
}

/* "u:0 1 c:…" */
static void describe(const struct ingot_dpkg_order *order, char *ret, size_t size)
{
        size_t n = 0;
        *ret = 0;
        for (size_t i = 0; i < order->count; i++) {
                n += (size_t) snprintf(ret + n, size - n, "%s%s:", i ? " " : "",
                                       order->steps[i].configure ? "c" : "u");
                for (size_t k = 0; k < order->steps[i].count; k++)
                        n += (size_t) snprintf(ret + n, size - n, "%s%s", k ? "," : "",
                                               packages[order->steps[i].packages[k]].name);
        }
}

TEST(pre_dependencies_are_configured_first)
{
        ingot_error error = {0};
        _cleanup_(ingot_dpkg_order_done) struct ingot_dpkg_order order = {0};
        char text[512];
        const struct tar_member *none = NULL;
        reset();
        CHECK_OK(add(CONTROL("app", "Pre-Depends: virtual | nothing (>= 1), lib:any\n"),
                     "./preinst", "", none, 0, &error));
        CHECK_OK(add(CONTROL("core", "Essential: yes\nDepends: libc\n"), "./preinst", "", none, 0,
                     &error));
        CHECK_OK(add(CONTROL("lib", ""), NULL, NULL, none, 0, &error));
        CHECK_OK(add(CONTROL("libc", ""), NULL, NULL, none, 0, &error));
        CHECK_OK(add(CONTROL("plain", "Depends: absent\n"), NULL, NULL, none, 0, &error));
        CHECK_OK(add(CONTROL("real", "Provides: other, virtual (= 1)\n"), "./preinst", "", none, 0,
                     &error));
        CHECK_OK(ingot_dpkg_classify(packages, count, &error));
        CHECK_EQ(packages[1].unpacker, INGOT_DEB_BOTH);
        CHECK_EQ(packages[0].unpacker, INGOT_DEB_DPKG);
        CHECK_OK(ingot_dpkg_order(packages, count, &order, &error));
        describe(&order, text, sizeof(text));
        CHECK_STR(text, "u:core c:core,libc u:real c:real,lib u:app c:app,plain");
}

TEST(a_circle_of_pre_dependencies_ends)
{
        ingot_error error = {0};
        _cleanup_(ingot_dpkg_order_done) struct ingot_dpkg_order order = {0};
        char text[512];
        reset();
        CHECK_OK(add(CONTROL("a", "Pre-Depends: b\n"), "./preinst", "", NULL, 0, &error));
        CHECK_OK(add(CONTROL("b", "Pre-Depends: a\n"), "./preinst", "", NULL, 0, &error));
        CHECK_OK(ingot_dpkg_classify(packages, count, &error));
        CHECK_OK(ingot_dpkg_order(packages, count, &order, &error));
        describe(&order, text, sizeof(text));
        CHECK_STR(text, "u:b c:b u:a c:a");
}

TEST(failures_name_package_and_script)
{
        ingot_error error = {0};
        CHECK_FAILS(
                ingot_dpkg_explain(
                        "Setting up bar (1) ...\nall is well\n"
                        "Setting up foo (1) ...\nno such user: x\n"
                        "dpkg: error processing package foo (--configure):\n"
                        " installed foo package post-installation script subprocess returned "
                        "error exit status 7\nErrors were encountered while processing:\n foo\n",
                        1, &error),
                INGOT_E_SYSTEM, "package foo: its postinst failed");
        CHECK(strstr(error.text, "no such user: x") && strstr(error.text, "status 7"));
        CHECK(!strchr(error.text, '\n') && !strstr(error.text, "all is well"));
        CHECK_FAILS(
                ingot_dpkg_explain(
                        "Preparing to unpack /dev/ingot/shy_all.deb ...\nnot today\n"
                        "dpkg: error processing archive /dev/ingot/shy_all.deb (--unpack):\n"
                        " new shy package pre-installation script subprocess returned error exit "
                        "status 3\nErrors were encountered while processing:\n"
                        " /dev/ingot/shy_all.deb\n",
                        1, &error),
                INGOT_E_SYSTEM, "package shy: its preinst failed");
        CHECK(strstr(error.text, "not today") && !strstr(error.text, "archive"));
        CHECK_FAILS(ingot_dpkg_explain(
                            "dpkg: error processing archive /dev/ingot/b_all.deb (--unpack):\n"
                            " trying to overwrite '/x', which is also in package a 1\n",
                            1, &error),
                    INGOT_E_CONFLICT, "package b: trying to overwrite '/x'");
        CHECK_FAILS(ingot_dpkg_explain("Killed\n", 137, &error), INGOT_E_SYSTEM, "Killed");
}

TEST(shadow_and_logs_are_made_the_same)
{
        ingot_error error = {0};
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        reset();
        must(ingot_make_directories(in_folder("root/etc"), 0755, &error));
        must(ingot_make_directories(in_folder("root/var/log/x"), 0755, &error));
        must(ingot_make_directories(in_folder("root/var/cache/man/de"), 0755, &error));
        must(ingot_make_directories(in_folder("root/run/lock"), 0755, &error));
        must(ingot_outfile_put(in_folder("root/etc/shadow"),
                               "root:*:19999:0:99999:7:::\nold:!:12::::::\nodd\n", 45, 0, &error));
        must(ingot_outfile_put(in_folder("root/etc/machine-id"), "0123\n", 5, 0444, &error));
        must(ingot_outfile_put(in_folder("root/var/log/x/log"), "line\n", 5, 0640, &error));
        must(ingot_outfile_put(in_folder("root/var/log/dpkg.log"), "line\n", 5, 0640, &error));
        must(ingot_outfile_put(in_folder("root/var/cache/man/de/index.db"), "db", 2, 0644, &error));
        _cleanup_close_ int fd = open(root, O_RDONLY | O_DIRECTORY);
        CHECK_OK(ingot_tidy(fd, 19000 * 86400 + 5, &error));
        struct stat st;
        CHECK(fstatat(fd, "etc/shadow", &st, 0) == 0 && (st.st_mode & 07777) == 0);
        CHECK(fchmodat(fd, "etc/shadow", 0600, 0) == 0);
        CHECK_OK(ingot_file_read(fd, "etc/shadow", 1000, &data, &size, &error));
        CHECK_STR((char *) data, "root:*:19000:0:99999:7:::\nold:!:12::::::\nodd\n");
        CHECK(fstatat(fd, "etc/machine-id", &st, 0) == 0 && st.st_size == 0);
        CHECK_EQ(st.st_mode & 07777, 0444);
        CHECK(fstatat(fd, "var/log/x/log", &st, 0) == 0 && st.st_size == 0);
        CHECK_EQ(st.st_mode & 07777, 0640);
        CHECK(faccessat(fd, "var/log/dpkg.log", F_OK, 0) < 0);
        CHECK(faccessat(fd, "var/cache/man/de/index.db", F_OK, 0) < 0);
        CHECK(faccessat(fd, "var/cache/man/de", F_OK, 0) == 0);
        CHECK(faccessat(fd, "run/lock", F_OK, 0) < 0 && faccessat(fd, "run", F_OK, 0) == 0);
        reset();
}

TEST(a_package_is_kept_without_its_compression)
{
        ingot_error error = {0};
        static const uint8_t gzip_of_tar[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3,
                                              3,    0,    0, 0, 0, 0, 0, 0, 0, 0};
        _cleanup_buffer_ struct ingot_buffer deb = {0};
        _cleanup_(ingot_cache_close) struct ingot_cache cache = {0};
        _cleanup_free_ char *path = NULL, *again = NULL;
        const uint8_t digest[INGOT_SHA256_SIZE] = {1};
        must(ingot_buffer_append(&deb, "!<arch>\n", 8, NULL));
        ar_add(&deb, "debian-binary", "2.0\n", 4);
        ar_add(&deb, "control.tar.gz", gzip_of_tar, sizeof(gzip_of_tar));
        ar_add(&deb, "data.tar", "odd", 3);
        must(ingot_outfile_put(in_folder("c.deb"), deb.data, deb.size, 0644, &error));
        CHECK_OK(ingot_cache_open(&cache, in_folder("cache"), &error));
        CHECK_OK(ingot_deb_cache_get(&cache, in_folder("c.deb"), digest, &path, &error));
        unlink(in_folder("c.deb"));
        CHECK_OK(ingot_deb_cache_get(&cache, in_folder("c.deb"), digest, &again, &error));
        CHECK_STR(path, again);
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        CHECK_OK(ingot_file_read(AT_FDCWD, path, 1000, &data, &size, &error));
        CHECK_EQ(size, 8 + 64 + 60 + 60 + 4);
        CHECK(memcmp(data + 72, "control.tar ", 12) == 0);
        CHECK(memcmp(data + 192, "odd\n", 4) == 0);
}
