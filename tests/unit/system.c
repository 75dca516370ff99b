/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "image/system.h"
#include "image/unit.h"
#include "test.h"

#define UNITS "usr/lib/systemd/system/"
#define HASH "$y$j9T$abcdefghijkl$mnopqrstuvwxyz"

static int put(struct ingot_tree *tree, const char *path, const char *text, ingot_error *reterr)
{
        return ingot_tree_put_bytes(tree, path, 0644, 1, text, strlen(text), reterr);
}

static int debian(struct ingot_tree **ret, ingot_error *reterr)
{
        static const char *const files[][2] = {
                {"etc/passwd", "root:x:0:0:root:/root:/bin/sh\nother:x:1000:1000::/:/bin/sh\n"},
                {"etc/group", "root:x:0:\nother:x:1000:\nsudo:x:27:other\nadm:x:4:\n"},
                {"etc/shadow", "root::20000:0:99999:7:::\nother:!*:20000::::::\n"},
                {"etc/gshadow", "root:*::\nother:!*::\nsudo:*::other\nadm:*::\n"},
                {"etc/skel/.profile", "skel"},
                {"bin/sh", ""},
                {"etc/hosts", "127.0.0.1 localhost\n"},
                {"usr/share/zoneinfo/Europe/Berlin", "TZif"},
                {UNITS "a.service",
                 "[Unit]\nX=y\n[Install]\nWantedBy=multi-user.target\nAlias=b.service"
                 "\nAlso=a.socket\n"},
                {UNITS "a.socket", "[Install]\nWantedBy=sockets.target\nRequiredBy=a.service\n"
                                   "Also=a.service\n"},
                {UNITS "t@.service",
                 "[Install]\nWantedBy=getty.target %i.target\nDefaultInstance=one\n"},
                {UNITS "n@.service", "[Install]\nWantedBy=multi-user.target\n"},
                {UNITS "static.service", "[Service]\nExecStart=/x\n"},
                {UNITS "multi-user.target", "[Unit]\n"},
        };
        int r = ingot_tree_new(ret, reterr);
        for (size_t i = 0; i < ARRAY_SIZE(files) && r >= 0; i++)
                r = put(*ret, files[i][0], files[i][1], reterr);
        return r < 0 ? r
                     : ingot_tree_put_symlink(*ret, UNITS "alias.service", "a.service", 1, reterr);
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

static void note(void *context, const char *text)
{
        snprintf(context, 200, "%s", text);
}

#define ETC "etc/systemd/system/"

TEST(enabling_makes_the_links_of_install)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(debian(&tree, &error));
        CHECK_OK(ingot_unit_enable(tree, "alias.service", 1, NULL, &error));
        CHECK(links_to(tree, ETC "multi-user.target.wants/a.service",
                       "/usr/lib/systemd/system/a.service"));
        CHECK(links_to(tree, ETC "b.service", "/usr/lib/systemd/system/a.service"));
        CHECK(links_to(tree, ETC "sockets.target.wants/a.socket",
                       "/usr/lib/systemd/system/a.socket"));
        CHECK(links_to(tree, ETC "a.service.requires/a.socket",
                       "/usr/lib/systemd/system/a.socket"));
}

TEST(templates_take_an_instance)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(debian(&tree, &error));
        CHECK_OK(ingot_unit_enable(tree, "t@.service", 1, NULL, &error));
        CHECK_OK(ingot_unit_enable(tree, "t@two.service", 1, NULL, &error));
        CHECK(links_to(tree, ETC "getty.target.wants/t@one.service",
                       "/usr/lib/systemd/system/t@.service"));
        CHECK(links_to(tree, ETC "two.target.wants/t@two.service",
                       "/usr/lib/systemd/system/t@.service"));
        CHECK_FAILS(ingot_unit_enable(tree, "n@.service", 1, NULL, &error), INGOT_E_USAGE,
                    "n@NAME.service");
        CHECK_OK(ingot_unit_enable(tree, "a.service", 1, NULL, &error));
        CHECK_OK(ingot_unit_mask(tree, "a.socket", 1, &error));
        CHECK_OK(ingot_unit_write_presets(tree, 1, &error));
        CHECK(text_is(
                tree, "usr/lib/systemd/system-preset/00-ingot.preset",
                "# Made with the image: the first boot enables no more.\n"
                "enable a.service\nenable t@.service one\nenable t@.service two\ndisable *\n"));
        CHECK_OK(ingot_unit_disable(tree, "t@.service", NULL, &error));
        CHECK_EQ(ingot_tree_lookup(tree, ETC "getty.target.wants")->entry_count, 0u);
}

TEST(disabling_and_masking)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        char warning[200] = "";
        const struct ingot_log log = {.warning = note, .context = warning};
        CHECK_OK(debian(&tree, &error));
        CHECK_OK(ingot_unit_enable(tree, "a.service", 1, &log, &error));
        CHECK_OK(ingot_unit_disable(tree, "a.service", &log, &error));
        CHECK_STR(warning, "");
        CHECK(!ingot_tree_lookup(tree, ETC "b.service"));
        CHECK_EQ(ingot_tree_lookup(tree, ETC "multi-user.target.wants")->entry_count, 0u);
        CHECK_OK(ingot_unit_disable(tree, "a.service", &log, &error));
        CHECK(strstr(warning, "was not enabled"));
        CHECK_OK(ingot_unit_enable(tree, "static.service", 1, &log, &error));
        CHECK(strstr(warning, "static.service cannot be enabled"));
        CHECK_OK(ingot_unit_mask(tree, "a.service", 1, &error));
        CHECK(links_to(tree, ETC "a.service", "/dev/null"));
        CHECK_FAILS(ingot_unit_enable(tree, "a.service", 1, NULL, &error), INGOT_E_CONFLICT,
                    "masked");
}

TEST(unknown_units_and_names_are_refused)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(debian(&tree, &error));
        CHECK_FAILS(ingot_unit_enable(tree, "no.service", 1, NULL, &error), INGOT_E_NOTFOUND,
                    "no.service");
        CHECK_FAILS(ingot_unit_enable(tree, "a", 1, NULL, &error), INGOT_E_USAGE, "'a'");
        CHECK_FAILS(ingot_unit_enable(tree, "../a.service", 1, NULL, &error), INGOT_E_USAGE,
                    "../a");
        CHECK_OK(put(tree, UNITS "bad.service", "[Install]\nWantedBy=../../x.target\n", &error));
        CHECK_FAILS(ingot_unit_enable(tree, "bad.service", 1, NULL, &error), INGOT_E_USAGE,
                    "x.target");
}

TEST(users_stand_in_every_account_file_and_have_a_home)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        struct ingot_system_options o __attribute__((cleanup(ingot_system_options_done))) = {0};
        struct ingot_system_user *u;
        CHECK_OK(debian(&tree, &error));
        CHECK_OK(ingot_system_add_user(&o, "me", &u, &error));
        CHECK_OK(ingot_strings_add(&u->groups, "sudo", &error));
        CHECK_OK(ingot_strings_add(&u->groups, "adm", &error));
        CHECK_OK(ingot_strings_add(&u->keys, "ssh-ed25519 AAAA", &error));
        CHECK_OK(ingot_strdup(&u->password, HASH, &error));
        CHECK_OK(ingot_system_add_user(&o, "you", &u, &error));
        u->uid = 1500;
        CHECK_OK(ingot_system_apply(tree, &o, 86400 * 7, NULL, &error));
        CHECK(text_is(tree, "etc/passwd",
                      "root:x:0:0:root:/root:/bin/sh\nother:x:1000:1000::/:/bin/sh\n"
                      "me:x:1001:1001::/home/me:/bin/sh\nyou:x:1500:1500::/home/you:/bin/sh\n"));
        CHECK(text_is(tree, "etc/group",
                      "root:x:0:\nother:x:1000:\nsudo:x:27:other,me\nadm:x:4:me\n"
                      "me:x:1001:\nyou:x:1500:\n"));
        CHECK(text_is(tree, "etc/shadow",
                      "root:!*:20000:0:99999:7:::\nother:!*:20000::::::\nme:" HASH
                      ":7:0:99999:7:::\nyou:!*:7:0:99999:7:::\n"));
        CHECK(text_is(tree, "etc/gshadow",
                      "root:*::\nother:!*::\nsudo:*::other,me\nadm:*::me\n"
                      "me:!*::\nyou:!*::\n"));
        CHECK(text_is(tree, "usr/lib/sysusers.d/ingot-users.conf",
                      "# Made with the image: the users of its recipe, for a machine whose own "
                      "passwd hides them.\ng me 1001\ng you 1500\n"
                      "u me 1001:me - /home/me /bin/sh\nu you 1500:you - /home/you /bin/sh\n"
                      "m me sudo\nm me adm\n"));
        CHECK(text_is(tree, "home/me/.ssh/authorized_keys", "ssh-ed25519 AAAA\n"));
        CHECK(text_is(tree, "home/me/.profile", "skel"));
        CHECK_EQ(ingot_tree_lookup(tree, "home/me")->mode, 0700);
        CHECK_EQ(ingot_tree_lookup(tree, "home/me/.ssh/authorized_keys")->mode, 0600);
        CHECK_EQ(ingot_tree_lookup(tree, "home/me/.ssh/authorized_keys")->uid, 1001u);
        CHECK_EQ(ingot_tree_lookup(tree, "home/me/.profile")->gid, 1001u);
}

static int try_user(struct ingot_tree *tree, const char *name, int64_t uid, const char *password,
                    const char *group, const char *shell, ingot_error *reterr)
{
        struct ingot_system_options o __attribute__((cleanup(ingot_system_options_done))) = {0};
        struct ingot_system_user *u;
        int r = ingot_system_add_user(&o, name, &u, reterr);
        if (r < 0)
                return r;
        u->uid = uid;
        if (password)
                r = ingot_strdup(&u->password, password, reterr);
        if (r >= 0 && shell)
                r = ingot_strdup(&u->shell, shell, reterr);
        if (r >= 0 && group)
                r = ingot_strings_add(&u->groups, group, reterr);
        return r < 0 ? r : ingot_system_apply(tree, &o, 1, NULL, reterr);
}

TEST(users_that_cannot_be_are_refused)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(debian(&tree, &error));
        CHECK_FAILS(try_user(tree, "Me", -1, NULL, NULL, NULL, &error), INGOT_E_USAGE, "Me");
        CHECK_FAILS(try_user(tree, "a:b", -1, NULL, NULL, NULL, &error), INGOT_E_USAGE, "a:b");
        CHECK_FAILS(try_user(tree, "other", -1, NULL, NULL, NULL, &error), INGOT_E_CONFLICT,
                    "other");
        CHECK_FAILS(try_user(tree, "me", 27, NULL, NULL, NULL, &error), INGOT_E_CONFLICT, "27");
        CHECK_FAILS(try_user(tree, "me", 0, NULL, NULL, NULL, &error), INGOT_E_USAGE, "uid 0");
        CHECK_FAILS(try_user(tree, "me", -1, "secret", NULL, NULL, &error), INGOT_E_USAGE,
                    "crypt(5)");
        CHECK(!strstr(error.text, "secret"));
        CHECK_FAILS(try_user(tree, "me", -1, "$y$a:b", NULL, NULL, &error), INGOT_E_USAGE,
                    "crypt(5)");
        CHECK_FAILS(try_user(tree, "me", -1, NULL, "wheel", NULL, &error), INGOT_E_NOTFOUND,
                    "wheel");
        CHECK_FAILS(try_user(tree, "me", -1, NULL, NULL, "/bin/zsh", &error), INGOT_E_NOTFOUND,
                    "/bin/zsh");
}

TEST(names_locale_zone_and_keyboard_are_written)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(debian(&tree, &error));
        struct ingot_system_options o = {.hostname = (char *) "box",
                                         .locale = (char *) "C.UTF-8",
                                         .timezone = (char *) "Europe/Berlin",
                                         .keymap = (char *) "de-nodeadkeys",
                                         .target = (char *) "multi-user.target",
                                         .root_password = (char *) HASH};
        CHECK_OK(ingot_system_apply(tree, &o, 1, NULL, &error));
        CHECK(text_is(tree, "etc/hostname", "box\n"));
        CHECK(text_is(tree, "etc/hosts", "127.0.0.1 localhost\n127.0.1.1\tbox\n"));
        CHECK(text_is(tree, "etc/locale.conf", "LANG=C.UTF-8\n"));
        CHECK(links_to(tree, "etc/default/locale", "../locale.conf"));
        CHECK(links_to(tree, "etc/localtime", "../usr/share/zoneinfo/Europe/Berlin"));
        CHECK(text_is(tree, "etc/vconsole.conf",
                      "KEYMAP=de-nodeadkeys\nXKBMODEL=pc105\n"
                      "XKBLAYOUT=de\nXKBVARIANT=nodeadkeys\n"));
        CHECK(links_to(tree, ETC "default.target", "/usr/lib/systemd/system/multi-user.target"));
        CHECK(text_is(tree, "etc/shadow",
                      "root:" HASH ":20000:0:99999:7:::\nother:!*:20000::::::\n"));
}

TEST(values_that_cannot_be_are_refused)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(debian(&tree, &error));
        static const struct {
                struct ingot_system_options o;
                int code;
                const char *words;
        } rows[] = {
                {{.hostname = (char *) "a b"}, INGOT_E_USAGE, "host name"},
                {{.hostname = (char *) "-a"}, INGOT_E_USAGE, "host name"},
                {{.locale = (char *) "a\nb"}, INGOT_E_USAGE, "locale"},
                {{.timezone = (char *) "Europe/Bonn"}, INGOT_E_NOTFOUND, "Europe/Bonn"},
                {{.timezone = (char *) "../../etc/passwd"}, INGOT_E_USAGE, "time zone"},
                {{.keymap = (char *) "$x"}, INGOT_E_USAGE, "keymap"},
                {{.target = (char *) "x.service"}, INGOT_E_USAGE, "target"},
                {{.target = (char *) "x.target"}, INGOT_E_NOTFOUND, "x.target"},
                {{.root_password = (char *) ""}, INGOT_E_USAGE, "crypt"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                CHECK_FAILS(ingot_system_apply(tree, &rows[i].o, 1, NULL, &error), rows[i].code,
                            rows[i].words);
}
