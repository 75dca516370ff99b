/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "image/hermetic.h"
#include "image/identity.h"
#include "test.h"

static const struct ingot_hermetic_options options = {
        .image_id = "appliance", .image_version = "1.2", .mtime = 86400 * 100};

static int put(struct ingot_tree *tree, const char *path, const char *text, ingot_error *reterr)
{
        return ingot_tree_put_bytes(tree, path, 0644, 1, text, strlen(text), reterr);
}

/* A small Debian. */
static int debian(struct ingot_tree **ret, ingot_error *reterr)
{
        static const char *const files[][2] = {
                {"etc/passwd",
                 "root:x:0:0:root:/root:/bin/sh\nhttp:x:33:33:A \"web\" user:/var/www:"
                 "/usr/sbin/nologin\nknown:x:34:33::/:/bin/sh\n"},
                {"etc/group", "root:x:0:\nhttp:x:33:\nlogs:x:40:http,known\nknown:x:34:\n"},
                {"etc/shadow", "root:*:20000:0:99999:7:::\nhttp:!*:20000::::::\nx:!*:::::::\n"},
                {"usr/lib/os-release", "ID=debian\nIMAGE_ID=old\n"},
                {"usr/lib/sysusers.d/known.conf", "u known 34:33 - /\n"},
                {"usr/lib/systemd/x", ""},
                {"usr/lib/tmpfiles.d/p.conf", "# /root\nd- /root 0700\nd /root/.ssh :0700 root\n"
                                              "d /var/lib/vendor 0755 - - -\n"},
                {"var/lib/dpkg/info/base.md5sums", "0123456789abcdef0123456789abcdef  usr/lib/"
                                                   "os-release\n0123456789abcdef0123456789abcdef  "
                                                   "usr/bin/x\n"},
                {"var/lib/dpkg/info/base.list", "/.\n/usr/lib/os-release\n/boot/k\n/lib/gone\n"},
                {"var/lib/db/main/one", "1"},
                {"var/lib/vendor/file", "1"},
                {"var/www/a b%\"", "1"},
                {"root/.profile", "p"},
                {"usr/local/bin/tool", "t"},
                {"dev/null", ""},
                {"run/lock/x", ""},
        };
        int r = ingot_tree_new(ret, reterr);
        for (size_t i = 0; i < ARRAY_SIZE(files) && r >= 0; i++)
                r = put(*ret, files[i][0], files[i][1], reterr);
        if (r < 0)
                return r;
        struct ingot_inode *db = ingot_tree_lookup(*ret, "var/lib/db/main");
        db->uid = db->gid = 33;
        db->mode = 0750;
        ingot_tree_lookup(*ret, "root")->mode = 0700;
        return 0;
}

static bool text_is(const struct ingot_tree *tree, const char *path, const char *text)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        const struct ingot_inode *inode = ingot_tree_resolve(tree, path);
        if (!inode || ingot_inode_read(inode, 1 << 20, &data, &size, NULL) < 0)
                return false;
        if (strcmp((char *) data, text) == 0)
                return true;
        test_report(path, 0, "holds:\n%s", (char *) data);
        return false;
}

static bool links_to(const struct ingot_tree *tree, const char *path, const char *target)
{
        const struct ingot_inode *inode = ingot_tree_lookup(tree, path);
        return inode && inode->type == INGOT_FILE_SYMLINK && strcmp(inode->target, target) == 0;
}

TEST(var_goes_to_the_factory_with_lines_that_make_it)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(debian(&tree, &error));
        CHECK_OK(ingot_hermetic_apply(tree, &options, &error));
        CHECK_EQ(ingot_tree_lookup(tree, "var")->entry_count, 0u);
        CHECK(ingot_tree_lookup(tree, "usr/share/factory/var/lib/db/main/one"));
        CHECK(text_is(tree, "usr/lib/tmpfiles.d/ingot-factory-var.conf",
                      "# Made with the image: what its packages have in /var, for a machine that "
                      "has not.\n"
                      "L+ /var/lib/dpkg - - - - /usr/lib/sysimage/dpkg\n"
                      "d /var :0755 :root :root - -\n"
                      "d /var/home :0755 :root :root - -\n"
                      "d /var/lib :0755 :root :root - -\n"
                      "C /var/lib/db - - - - /usr/share/factory/var/lib/db\n"
                      "d /var/lib/db/main :0750 :http :http - -\n"
                      "C /var/lib/vendor/file - - - - /usr/share/factory/var/lib/vendor/file\n"
                      "C /var/roothome - - - - /usr/share/factory/var/roothome\n"
                      "d /var/srv :0755 :root :root - -\n"
                      "d /var/usrlocal :0755 :root :root - -\n"
                      "d /var/usrlocal/bin :0755 :root :root - -\n"
                      "C /var/usrlocal/bin/tool - - - - /usr/share/factory/var/usrlocal/bin/tool\n"
                      "C /var/www - - - - /usr/share/factory/var/www\n"));
        CHECK(links_to(tree, "home", "var/home"));
        CHECK(links_to(tree, "root", "var/roothome"));
        CHECK(links_to(tree, "srv", "var/srv"));
        CHECK(links_to(tree, "usr/local", "../var/usrlocal"));
        CHECK(text_is(tree, "etc/tmpfiles.d/p.conf",
                      "# /root\n# d- /root 0700\nd /var/roothome/.ssh :0700 root\n"
                      "d /var/lib/vendor 0755 - - -\n"));
}

TEST(odd_names_are_quoted)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        CHECK_OK(debian(&tree, &error));
        CHECK_OK(put(tree, "var/lib/a b%\"\n", "1", &error));
        CHECK_OK(ingot_hermetic_apply(tree, &options, &error));
        CHECK_OK(ingot_inode_read(
                ingot_tree_lookup(tree, "usr/lib/tmpfiles.d/ingot-factory-var.conf"), 1 << 20,
                &data, &size, &error));
        CHECK(strstr((char *) data, "\nC \"/var/lib/a b%%\\\"\\x0a\" - - - - "
                                    "\"/usr/share/factory/var/lib/a b%%\\\"\\x0a\"\n"));
}

TEST(mount_points_are_there_and_empty)
{
        static const char *const points[] = {"proc", "sys",  "dev", "run", "tmp",
                                             "var",  "boot", "efi", "mnt", "media"};
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(debian(&tree, &error));
        CHECK_OK(ingot_hermetic_apply(tree, &options, &error));
        for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
                const struct ingot_inode *inode = ingot_tree_lookup(tree, points[i]);
                CHECK(inode && inode->type == INGOT_FILE_DIRECTORY && inode->entry_count == 0);
        }
        CHECK_EQ(ingot_tree_lookup(tree, "tmp")->mode, 01777);
}

TEST(users_of_packages_are_said_again_unless_a_package_does)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(debian(&tree, &error));
        CHECK_OK(ingot_hermetic_apply(tree, &options, &error));
        CHECK(text_is(
                tree, "usr/lib/sysusers.d/ingot-packages.conf",
                "# Made with the image: users of its packages, for a machine whose own passwd "
                "hides them.\n"
                "g root 0\ng http 33\ng logs 40\ng known 34\n"
                "u root 0:root root /root /bin/sh\n"
                "u http 33:http \"A \\\"web\\\" user\" /var/www /usr/sbin/nologin\n"
                "m http logs\nm known logs\n"));
        CHECK(text_is(tree, "etc/shadow",
                      "root:*:100:0:99999:7:::\nhttp:!*:100::::::\nx:!*:::::::\n"));
}

TEST(release_says_which_image_and_dpkg_accepts_it)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_strings_ struct ingot_strings gone = {0};
        CHECK_OK(debian(&tree, &error));
        CHECK_OK(ingot_hermetic_apply(tree, &options, &error));
        CHECK(text_is(tree, "usr/lib/os-release",
                      "ID=debian\nIMAGE_ID=\"appliance\"\nIMAGE_VERSION=\"1.2\"\n"));
        CHECK(text_is(tree, "usr/lib/sysimage/dpkg/info/base.md5sums",
                      "0123456789abcdef0123456789abcdef  usr/bin/x\n"));
        CHECK_OK(ingot_strings_add(&gone, "usr/lib/gone", &error));
        CHECK_OK(ingot_strings_add(&gone, "boot/k", &error));
        CHECK_OK(ingot_dpkg_forget(tree, &gone, 5, &error));
        CHECK(text_is(tree, "usr/lib/sysimage/dpkg/info/base.list", "/.\n/usr/lib/os-release\n"));
}

TEST(unreadable_trees_are_refused)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *one = NULL, *two = NULL, *three = NULL;
        CHECK_OK(debian(&one, &error));
        CHECK_OK(put(one, "etc/passwd", "root:x\n", &error));
        CHECK_FAILS(ingot_hermetic_apply(one, &options, &error), INGOT_E_FORMAT, "etc/passwd");
        CHECK_OK(debian(&two, &error));
        CHECK_OK(ingot_tree_remove(two, "usr/lib/os-release", &error));
        CHECK_FAILS(ingot_hermetic_apply(two, &options, &error), INGOT_E_FORMAT, "os-release");
        CHECK_OK(debian(&three, &error));
        CHECK_OK(ingot_tree_remove(three, "root", &error));
        CHECK_OK(put(three, "root", "", &error));
        CHECK_FAILS(ingot_hermetic_apply(three, &options, &error), INGOT_E_CONFLICT, "root");
}

TEST(nothing_that_names_a_machine_stays)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_strings_ struct ingot_strings removed = {0};
        static const char *const secrets[] = {"etc/hostname",
                                              "etc/machine-id",
                                              "etc/resolv.conf",
                                              "etc/ssh/ssh_host_rsa_key",
                                              "etc/ssl/private/ssl-cert-snakeoil.key",
                                              "var/lib/dbus/machine-id",
                                              "var/lib/systemd/random-seed",
                                              "var/log/dpkg.log"};
        CHECK_OK(debian(&tree, &error));
        for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
                CHECK_OK(put(tree, secrets[i], "builder", &error));
        CHECK_OK(ingot_tree_put_symlink(tree, "etc/ssl/certs/1.0", "ssl-cert-snakeoil.pem", 1,
                                        &error));
        CHECK_OK(put(tree, "etc/ssh/sshd_config", "", &error));
        CHECK_OK(ingot_identity_remove(tree, 9, &removed, &error));
        CHECK_EQ(removed.count, ARRAY_SIZE(secrets) + 1);
        for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
                CHECK(ingot_strings_contains(&removed, secrets[i]));
                if (!strstr(secrets[i], "machine-id"))
                        CHECK(!ingot_tree_lookup(tree, secrets[i]));
        }
        CHECK(!ingot_tree_lookup(tree, "etc/ssl/certs/1.0"));
        CHECK(ingot_tree_lookup(tree, "etc/ssh/sshd_config"));
        CHECK(text_is(tree, "etc/machine-id", "uninitialized\n"));
        CHECK(links_to(tree, "var/lib/dbus/machine-id", "/etc/machine-id"));
        static const char *const stamps[] = {"etc/.updated", "var/.updated"};
        for (size_t i = 0; i < ARRAY_SIZE(stamps); i++) {
                const struct ingot_inode *stamp = ingot_tree_lookup(tree, stamps[i]);
                CHECK(stamp && stamp->mtime == 9);
        }
        CHECK(!ingot_tree_lookup(tree, "usr/lib/systemd/system/ingot-ssh-keys.service"));
}

TEST(keys_are_made_anew_where_their_programs_are)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(debian(&tree, &error));
        CHECK_OK(put(tree, "usr/bin/ssh-keygen", "", &error));
        CHECK_OK(put(tree, "usr/sbin/sshd", "", &error));
        CHECK_OK(put(tree, "usr/sbin/make-ssl-cert", "", &error));
        CHECK_OK(ingot_tree_put_symlink(tree, "etc/resolv.conf", "../run/x", 1, &error));
        CHECK_OK(ingot_identity_remove(tree, 9, NULL, &error));
        CHECK(ingot_tree_resolve(
                tree, "usr/lib/systemd/system/ssh.service.wants/ingot-ssh-keys.service"));
        CHECK(ingot_tree_resolve(
                tree, "usr/lib/systemd/system/sysinit.target.wants/ingot-snakeoil.service"));
        CHECK(links_to(tree, "etc/resolv.conf", "../run/x"));
}
