/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the section [Update] puts into an image. */
#include "image/build-update.h"
#include "base/cleanup.h"
#include "image/build-state.h"
#include "image/unit.h"
#include "os/file.h"
#include "test.h"

#define UNITS "usr/lib/systemd/system/"
#define RECIPE "[Image]\nName=device\nVersion=1\n"
#define UPDATE "[Update]\nSource=https://example.org/a%20b\nKey=/verifier.openpgp\n"

struct world {
        struct ingot_build b;
        struct ingot_build_options options;
        struct ingot_recipe *recipe;
};

static void world_done(struct world *w)
{
        ingot_tree_free(w->b.tree);
        ingot_recipe_free_p(&w->recipe);
}
#define _cleanup_world_ __attribute__((cleanup(world_done)))

static int put(struct ingot_tree *tree, const char *path, const char *text, ingot_error *reterr)
{
        return ingot_tree_put_bytes(tree, path, 0644, 1, text, strlen(text), reterr);
}

/* A recipe of TEXT, in which keys are files of the source tree, and a tree with what it needs. */
static int make(struct world *w, const char *text, ingot_error *reterr)
{
        static const char *const files[][2] = {
                {"usr/lib/os-release", "ID=debian\nVERSION_ID=13\n"},
                {"usr/lib/systemd/systemd-bless-boot", ""},
                {"usr/lib/systemd/import-pubring.gpg", "the distribution's"},
                {"usr/bin/ingot", ""},
                {UNITS "a.service", "[Unit]\n"},
                {UNITS "b@.service", "[Unit]\n"},
        };
        const char *folder = test_folder(), *path = test_path("ingot.conf");
        int r = ingot_outfile_put(path, text, strlen(text), 0644, reterr);
        if (r >= 0)
                r = ingot_recipe_load(folder, NULL, 0, &w->recipe, reterr);
        if (r >= 0)
                r = ingot_tree_new(&w->b.tree, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(files); i++)
                r = put(w->b.tree, files[i][0], files[i][1], reterr);
        w->b.recipe = w->recipe;
        w->b.options = &w->options;
        w->b.name = "device";
        w->b.timestamp = 77;
        return r;
}

static int add_key(struct world *w, const char *name, ingot_error *reterr)
{
        struct ingot_recipe_value *v = w->recipe->values + INGOT_UPDATE_KEYS;
        int r = ingot_strings_add(&v->items, test_source(name), reterr);
        return r < 0 ? r : ingot_strings_add(&v->origins, "test", reterr);
}

/* The recipe's keys are replaced by one of the source tree. */
static int build(struct world *w, const char *text, ingot_error *reterr)
{
        int r = make(w, text, reterr);
        if (r >= 0 && w->recipe->values[INGOT_UPDATE_KEYS].items.count > 0) {
                ingot_strings_done(&w->recipe->values[INGOT_UPDATE_KEYS].items);
                ingot_strings_done(&w->recipe->values[INGOT_UPDATE_KEYS].origins);
                r = add_key(w, "tests/keys/verifier.openpgp", reterr);
        }
        if (r >= 0)
                r = ingot_build_check_update(w->recipe, reterr);
        return r < 0 ? r : ingot_build_update(&w->b, reterr);
}

static bool text_is(const struct world *w, const char *path, const char *text)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        const struct ingot_inode *inode = ingot_tree_resolve(w->b.tree, path);
        if (!inode || ingot_inode_read(inode, 1 << 20, &data, &size, NULL) < 0)
                return false;
        if (strcmp((char *) data, text) == 0)
                return true;
        test_report(path, 0, "holds:\n%s", (char *) data);
        return false;
}

static bool has(const struct world *w, const char *path)
{
        return ingot_tree_resolve(w->b.tree, path) != NULL;
}

static int count(void *context, const char *path, struct ingot_inode *inode, ingot_error *reterr)
{
        (void) path;
        (void) inode;
        (void) reterr;
        ++*(size_t *) context;
        return 0;
}

TEST(without_the_section_nothing_is_written)
{
        _cleanup_world_ struct world w = {0};
        _cleanup_buffer_ struct ingot_buffer line = {0}, recipe = {0};
        ingot_error error = {0};
        size_t before = 0, after = 0;
        CHECK_OK(make(&w, RECIPE, &error));
        CHECK_OK(ingot_tree_walk(w.b.tree, count, &before, &error));
        CHECK_OK(ingot_build_check_update(w.recipe, &error));
        CHECK_OK(ingot_build_update(&w.b, &error));
        CHECK_OK(ingot_tree_walk(w.b.tree, count, &after, &error));
        CHECK_EQ(before, after);
        CHECK(text_is(&w, "usr/lib/systemd/import-pubring.gpg", "the distribution's"));
        CHECK_OK(ingot_build_update_words(w.recipe, &line, &error));
        CHECK_EQ(line.size, 0);
        CHECK_EQ(ingot_build_watchdog(w.recipe), 0);
        /* Its digest, which stands in manifests, does not know of the section. */
        CHECK_OK(ingot_recipe_print(w.recipe, false, &recipe, &error));
        CHECK(!strstr((char *) recipe.data, "Update"));
}

TEST(transfer_files_match_the_names_of_a_release)
{
        _cleanup_world_ struct world w = {0};
        ingot_error error = {0};
        CHECK_OK(build(&w, RECIPE UPDATE "[Boot]\nTries=5\n", &error));
        CHECK(text_is(&w, "usr/lib/sysupdate.d/52-root-x86-64.transfer",
                      "[Transfer]\nProtectVersion=%A\n\n[Source]\nType=url-file\n"
                      "Path=https://example.org/a%%20b\n"
                      "MatchPattern=device_@v.root-x86-64.@u.raw\n\n[Target]\nType=partition\n"
                      "Path=auto\nMatchPattern=device_@v\nMatchPartitionType=root-x86-64\n"
                      "PartitionNoAuto=no\nReadOnly=yes\nInstancesMax=2\n"));
        CHECK(text_is(&w, "usr/lib/sysupdate.d/59-uki.transfer",
                      "[Transfer]\nProtectVersion=%A\n\n[Source]\nType=url-file\n"
                      "Path=https://example.org/a%%20b\nMatchPattern=device_@v.efi\n\n[Target]\n"
                      "Type=regular-file\nPath=/EFI/Linux\nPathRelativeTo=boot\n"
                      "MatchPattern=device_@v+@l-@d.efi device_@v+@l.efi device_@v.efi\n"
                      "Mode=0444\nTriesLeft=5\nTriesDone=0\nInstancesMax=2\n"));
        CHECK(has(&w, "usr/lib/sysupdate.d/50-root-x86-64-verity-sig.transfer"));
        CHECK(has(&w, "usr/lib/sysupdate.d/51-root-x86-64-verity.transfer"));
        CHECK(text_is(&w, "usr/lib/ingot/update.conf",
                      "[Update]\nSource=https://example.org/a%20b\nChannel=stable\nThreshold=1\n"));
}

TEST(releases_without_a_signature_of_the_root_hash_have_no_such_transfer)
{
        _cleanup_world_ struct world w = {0};
        ingot_error error = {0};
        CHECK_OK(build(&w, RECIPE UPDATE "Channel=beta\n[Sign]\nVerity=no\n", &error));
        CHECK(!has(&w, "usr/lib/sysupdate.d/50-root-x86-64-verity-sig.transfer"));
        CHECK(has(&w, "usr/lib/sysupdate.d/51-root-x86-64-verity.transfer"));
        CHECK(text_is(&w, "usr/lib/ingot/update.conf",
                      "[Update]\nSource=https://example.org/a%20b\nChannel=beta\nThreshold=1\n"));
}

TEST(a_boot_is_good_when_what_is_checked_is_up)
{
        _cleanup_world_ struct world w = {0};
        _cleanup_buffer_ struct ingot_buffer line = {0};
        ingot_error error = {0};
        CHECK_OK(build(&w, RECIPE UPDATE "Check=a.service b@1.service\nBootTimeout=90\n", &error));
        CHECK(text_is(&w, UNITS "boot-complete.target.d/50-ingot.conf",
                      "[Unit]\nRequires=multi-user.target a.service b@1.service\n"
                      "After=multi-user.target a.service b@1.service\n"
                      "OnFailure=ingot-boot-failed.service\nJobTimeoutSec=90\n"));
        CHECK(text_is(&w, "usr/lib/systemd/system.conf.d/50-ingot-update.conf",
                      "[Manager]\nCrashAction=reboot\nRuntimeWatchdogSec=60\n"));
        CHECK(has(&w, UNITS "sysinit.target.wants/ingot-boot-begin.service"));
        CHECK(has(&w, UNITS "sysinit.target.wants/ingot-extensions.service"));
        CHECK(has(&w, UNITS "systemd-bless-boot.service.wants/ingot-boot-complete.service"));
        CHECK(has(&w, UNITS "emergency.target.wants/ingot-boot-failed.service"));
        CHECK(has(&w, UNITS "ingot-update.timer"));
        CHECK(!has(&w, UNITS "timers.target.wants/ingot-update.timer"));
        CHECK_OK(ingot_build_update_words(w.recipe, &line, &error));
        CHECK_STR((char *) line.data, " panic=10");
}

TEST(users_of_a_new_release_are_made_where_etc_is_kept)
{
        _cleanup_world_ struct world w = {0}, v = {0};
        ingot_error error = {0};
        CHECK_OK(build(&w, RECIPE UPDATE, &error));
        CHECK(text_is(&w, UNITS "systemd-sysusers.service.d/50-ingot.conf",
                      "[Unit]\nConditionNeedsUpdate=\n"));
        CHECK_OK(build(&v, RECIPE UPDATE "[Boot]\nEtc=volatile\n", &error));
        CHECK(!has(&v, UNITS "systemd-sysusers.service.d"));
}

TEST(a_timer_is_started_and_a_watchdog_not_when_the_recipe_says_so)
{
        _cleanup_world_ struct world w = {0};
        _cleanup_buffer_ struct ingot_buffer line = {0};
        ingot_error error = {0};
        CHECK_OK(build(
                &w, RECIPE "[Boot]\nCommandLine=quiet panic=3\n" UPDATE "Timer=yes\nWatchdog=0\n",
                &error));
        CHECK(has(&w, UNITS "timers.target.wants/ingot-update.timer"));
        CHECK(text_is(&w, "usr/lib/systemd/system.conf.d/50-ingot-update.conf",
                      "[Manager]\nCrashAction=reboot\n"));
        CHECK_EQ(ingot_build_watchdog(w.recipe), 0);
        CHECK_OK(ingot_build_update_words(w.recipe, &line, &error));
        CHECK_EQ(line.size, 0);
}

TEST(units_of_a_package_stay_as_they_are)
{
        _cleanup_world_ struct world w = {0};
        ingot_error error = {0};
        CHECK_OK(make(&w, RECIPE UPDATE, &error));
        ingot_strings_done(&w.recipe->values[INGOT_UPDATE_KEYS].items);
        CHECK_OK(add_key(&w, "tests/keys/verifier.openpgp", &error));
        CHECK_OK(put(w.b.tree, UNITS "ingot-update.service", "its own", &error));
        CHECK_OK(ingot_build_update(&w.b, &error));
        CHECK(text_is(&w, UNITS "ingot-update.service", "its own"));
}

TEST(keys_stand_where_both_clients_look)
{
        static const char *const files[] = {
                "tests/signatures/x509-self.pem", "tests/signatures/x509-signer.pem",
                "tests/signatures/ssh-ed25519.pub", "tests/signatures/minisign.pub"};
        _cleanup_world_ struct world w = {0};
        ingot_error error = {0};
        CHECK_OK(make(&w, RECIPE UPDATE "Threshold=5\n", &error));
        ingot_strings_done(&w.recipe->values[INGOT_UPDATE_KEYS].items);
        CHECK_OK(add_key(&w, "tests/keys/verifier.openpgp", &error));
        CHECK_FAILS(ingot_build_update(&w.b, &error), INGOT_E_CONFLICT, "in Update.Key (1)");
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                CHECK_OK(add_key(&w, files[i], &error));
        CHECK_OK(ingot_build_update(&w.b, &error));
        const struct ingot_inode *image = ingot_tree_lookup(w.b.tree, "usr/share/voa/debian/image/"
                                                                      "default");
        const struct ingot_inode *anchors =
                ingot_tree_lookup(w.b.tree, "usr/share/voa/debian/trust-anchor-image/default/x509");
        CHECK(image && anchors);
        CHECK_EQ(anchors->entry_count, 1);
        CHECK_EQ(image->entry_count, 4);
        static const size_t counts[] = {1, 1, 1, 2}; /* minisign, openpgp, ssh, x509 */
        for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
                CHECK_EQ(image->entries[i].inode->entry_count, counts[i]);
        const struct ingot_inode *one =
                ingot_tree_lookup(w.b.tree, "usr/lib/systemd/import-pubring.gpg");
        const struct ingot_inode *other =
                ingot_tree_lookup(w.b.tree, "usr/lib/systemd/import-pubring.pgp");
        CHECK(one && other && one->content.size > 100 && one->content.size == other->content.size);
}

TEST(without_an_openpgp_key_the_keyring_is_empty)
{
        _cleanup_world_ struct world w = {0};
        ingot_error error = {0};
        CHECK_OK(make(&w, RECIPE UPDATE, &error));
        ingot_strings_done(&w.recipe->values[INGOT_UPDATE_KEYS].items);
        CHECK_OK(add_key(&w, "tests/signatures/ssh-ed25519.pub", &error));
        CHECK_OK(ingot_build_update(&w.b, &error));
        CHECK(text_is(&w, "usr/lib/systemd/import-pubring.gpg", ""));
}

TEST(what_cannot_work_is_refused)
{
        static const struct {
                const char *text;
                int code;
                const char *words;
        } bad[] = {
                {RECIPE "[Update]\nTimer=yes\n", INGOT_E_CONFLICT, "Update.Timer without"},
                {RECIPE "[Update]\nSource=https://a/b\n", INGOT_E_CONFLICT, "without Update.Key"},
                {RECIPE UPDATE "[Partitions]\nLayout=single\n", INGOT_E_CONFLICT, "two slots"},
                {RECIPE UPDATE "Source=ftp://a/b\n", INGOT_E_FORMAT, "no URL of a folder"},
                {RECIPE UPDATE "Source=https://\n", INGOT_E_FORMAT, "no URL of a folder"},
                {RECIPE UPDATE "Source=https://a b\n", INGOT_E_FORMAT, "no URL of a folder"},
                {RECIPE UPDATE "Check=c.service\n", INGOT_E_NOTFOUND,
                 "Update.Check: the tree has no unit"},
                {RECIPE UPDATE "Check=c\n", INGOT_E_USAGE, "Update.Check"},
                {RECIPE UPDATE "Watchdog=3601\n", INGOT_E_FORMAT, "Watchdog"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_world_ struct world w = {0};
                ingot_error error = {0};
                CHECK_FAILS(build(&w, bad[i].text, &error), bad[i].code, bad[i].words);
        }
}

static void keep_warning(void *context, const char *text)
{
        snprintf(context, 256, "%s", text);
}

TEST(an_image_that_cannot_repair_its_esp_is_warned_of)
{
        _cleanup_world_ struct world w = {0};
        ingot_error error = {0};
        char warning[256] = "";
        const struct ingot_log log = {.warning = keep_warning, .context = warning};
        w.options.log = &log;
        CHECK_OK(build(&w, RECIPE UPDATE, &error));
        CHECK(strstr(warning, "fsck.vfat"));
        warning[0] = 0;
        CHECK_OK(put(w.b.tree, "usr/sbin/fsck.vfat", "", &error));
        CHECK_OK(ingot_build_update(&w.b, &error));
        CHECK_STR(warning, "");
}

TEST(without_what_blesses_a_boot_there_is_no_update)
{
        _cleanup_world_ struct world w = {0};
        ingot_error error = {0};
        CHECK_OK(make(&w, RECIPE UPDATE, &error));
        CHECK_OK(ingot_tree_remove(w.b.tree, "usr/lib/systemd/systemd-bless-boot", &error));
        CHECK_FAILS(ingot_build_update(&w.b, &error), INGOT_E_NOTFOUND, "package systemd-boot");
}
