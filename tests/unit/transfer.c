/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transfer files of systemd-sysupdate, and update.conf. */
#include "update/transfer.h"
#include "base/cleanup.h"
#include "format/partition-type.h"
#include "os/file.h"
#include "os/root.h"
#include "test.h"
#include "update/config.h"

#include <stdlib.h>
#include <unistd.h>

static ingot_error error;

static int put(const char *name, const char *text)
{
        char path[1024], *slash;
        snprintf(path, sizeof(path), "%s/%s", test_folder(), name);
        slash = strrchr(path, '/');
        *slash = 0;
        int r = ingot_make_directories(path, 0755, &error);
        *slash = '/';
        return r < 0 ? r : ingot_outfile_put(path, text, strlen(text), 0644, &error);
}

static int load(const char *root, struct ingot_transfers *ret)
{
        static const char release[] = "ID=app\nIMAGE_ID=app\nIMAGE_VERSION=\"1.2\"\n";
        _cleanup_close_ int fd = -1;
        int r = ingot_root_open(test_path(root), &fd, &error);
        const struct ingot_transfer_system system = {
                .root = fd,
                .os_release = INGOT_SPAN(release, sizeof(release) - 1),
                .name = "app",
                .architecture = "x86-64"};
        return r < 0 ? r : ingot_transfers_load(&system, ret, &error);
}

TEST(without_transfer_files_it_is_what_a_build_makes)
{
        _cleanup_(ingot_transfers_done) struct ingot_transfers t = {0};
        struct ingot_name_fields f = {0};
        CHECK_OK(put("none/etc/x", ""));
        CHECK_OK(load("none", &t));
        CHECK(!t.found && !t.source && !t.minimum);
        CHECK_STR(t.uki_folder, "EFI/Linux");
        CHECK_EQ(t.tries_left, 3);
        CHECK_EQ(ingot_transfer_match(&t.parts[0].patterns, "app_7", &f, &error), 0);
        CHECK_STR(f.version, "7");
        CHECK_EQ(ingot_transfer_match(&t.parts[0].patterns, "other_7", &f, &error), 1);
        CHECK_EQ(ingot_transfer_match(&t.uki_patterns, "app_7+0-3.efi", &f, &error), 0);
        CHECK_EQ(f.number[INGOT_NAME_TRIES_LEFT], 0);
        CHECK_EQ(ingot_transfer_attributes(t.parts), INGOT_GPT_READ_ONLY);
}

static const char root_transfer[] =
        "[Transfer]\nProtectVersion=%A\nMinVersion=0.9\n[Source]\nType=url-file\n"
        "Path=https://example.org/%M\nMatchPattern=app_@v.%a.@u.raw\n"
        "[Target]\nType=partition\nPath=auto\nMatchPattern=slot-@v app_@v\n"
        "MatchPartitionType=root\nPartitionNoAuto=no\nPartitionGrowFileSystem=yes\nReadOnly=yes\n";

TEST(transfer_files_say_where_versions_lie)
{
        _cleanup_(ingot_transfers_done) struct ingot_transfers t = {0};
        CHECK_OK(put("full/usr/lib/sysupdate.d/10-root.transfer", root_transfer));
        CHECK_OK(put("full/etc/sysupdate.d/10-root.transfer.d/a.conf",
                     "[Target]\nReadOnly=no\n[Transfer]\nMinVersion=1.0\n"));
        CHECK_OK(put("full/usr/lib/sysupdate.d/20-uki.transfer",
                     "[Source]\nMatchPattern=x_@v.efi\n[Target]\nType=regular-file\n"
                     "Path=/EFI/Own\nPathRelativeTo=boot\nMatchPattern=x_@v+@l-@d.efi x_@v.efi\n"
                     "TriesLeft=5\nTriesDone=1\n"));
        CHECK_OK(load("full", &t));
        CHECK(t.found);
        CHECK_STR(t.source, "https://example.org/app");
        CHECK_STR(t.minimum, "1.0");
        CHECK_STR(t.protect.items[0], "1.2");
        CHECK_STR(t.parts[INGOT_SLOT_DATA].patterns.items[0], "slot-@v");
        CHECK_EQ(ingot_transfer_attributes(t.parts), INGOT_GPT_GROW_FS);
        CHECK_STR(t.parts[INGOT_SLOT_TREE].patterns.items[0], "app_@v");
        CHECK_STR(t.uki_folder, "EFI/Own");
        CHECK_EQ(t.tries_left, 5);
        CHECK_EQ(t.tries_done, 1);
}

TEST(a_link_to_dev_null_masks_a_transfer_file)
{
        _cleanup_(ingot_transfers_done) struct ingot_transfers t = {0};
        CHECK_OK(put("mask/usr/lib/sysupdate.d/10-root.transfer", root_transfer));
        CHECK_OK(put("mask/etc/sysupdate.d/x", ""));
        CHECK_EQ(symlink("/dev/null", test_path("mask/etc/sysupdate.d/10-root.transfer")), 0);
        CHECK_OK(load("mask", &t));
        CHECK(!t.found);
}

TEST(transfer_files_that_are_refused)
{
        static const struct {
                const char *text;
                int code;
                const char *words;
        } bad[] = {
                {"[Target]\nType=partition\nMatchPartitionType=root\nMatchPattern=app\n",
                 INGOT_E_FORMAT, "a.transfer:4: MatchPattern=: pattern 'app': no '@v'"},
                {"[Target]\nType=partition\nMatchPartitionType=usr\nMatchPattern=app_@v\n",
                 INGOT_E_UNSUPPORTED, "/usr alone"},
                {"[Target]\nType=partition\nMatchPartitionType=root\n", INGOT_E_FORMAT,
                 "no MatchPattern="},
                {"[Source]\nPath=%i\n", INGOT_E_UNSUPPORTED, "'%i'"},
                {"[Target]\nPartitionNoAuto=perhaps\n", INGOT_E_FORMAT, "neither yes nor no"},
                {"[Target]\nTriesLeft=some\n", INGOT_E_FORMAT, "no number"},
                {"[Target]\nType=regular-file\nPathRelativeTo=xbootldr\nMatchPattern=a_@v.efi\n",
                 INGOT_E_UNSUPPORTED, "XBOOTLDR"},
                {"no section\n", INGOT_E_FORMAT, "a.transfer:1"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_(ingot_transfers_done) struct ingot_transfers t = {0};
                CHECK_OK(put("bad/etc/sysupdate.d/a.transfer", bad[i].text));
                CHECK_FAILS(load("bad", &t), bad[i].code, bad[i].words);
        }
}

static int load_config(const char *root, struct ingot_update_config *ret)
{
        _cleanup_close_ int fd = -1;
        int r = ingot_root_open(test_path(root), &fd, &error);
        return r < 0 ? r : ingot_update_config_load(fd, ret, &error);
}

TEST(update_conf_and_its_drop_ins)
{
        _cleanup_update_config_ struct ingot_update_config c = {0};
        CHECK_OK(put("conf/usr/lib/ingot/update.conf",
                     "[Update]\nSource=https://a/ https://b/\nChannel=stable\nThreshold=2\n"));
        CHECK_OK(put("conf/etc/ingot/update.conf.d/10-site.conf",
                     "[Update]\nSource=\nSource=file:///srv\nChannel=rc\nLimit=2M\nKey=/a /b\n"));
        CHECK_OK(load_config("conf", &c));
        CHECK_EQ(c.sources.count, 1);
        CHECK_STR(c.sources.items[0], "file:///srv");
        CHECK_STR(c.channel, "rc");
        CHECK_EQ(c.threshold, 2);
        CHECK_EQ(c.limit, 2 << 20);
        CHECK_EQ(c.keys.count, 2);
}

TEST(an_update_conf_that_is_refused)
{
        static const char *const bad[][2] = {{"[Update]\nSorce=x\n", "no such key"},
                                             {"[Upgrade]\nSource=x\n", "the only section"},
                                             {"[Update]\nThreshold=all\n", "no number"},
                                             {"[Update]\nLimit=fast\n", "no size"}};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_update_config_ struct ingot_update_config c = {0};
                CHECK_OK(put("badconf/etc/ingot/update.conf", bad[i][0]));
                CHECK_FAILS(load_config("badconf", &c), INGOT_E_FORMAT, bad[i][1]);
        }
}
