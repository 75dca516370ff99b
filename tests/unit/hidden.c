/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What files of the machine hide of a new version. */
#include "update/hidden.h"
#include "base/cleanup.h"
#include "os/root.h"
#include "test.h"

#include <string.h>

static ingot_error error;

static int put(struct ingot_tree *t, const char *path, const char *text)
{
        return ingot_tree_put_bytes(t, path, 0644, 0, text, strlen(text), &error);
}

static int change(const char *name)
{
        char path[1024], *slash;
        snprintf(path, sizeof(path), "%s" INGOT_ETC_UPPER "/%s", test_path("root"), name);
        slash = strrchr(path, '/');
        *slash = 0;
        int r = ingot_make_directories(path, 0755, &error);
        *slash = '/';
        return r < 0 ? r : ingot_outfile_put(path, "own", 3, 0644, &error);
}

TEST(only_what_the_machine_changed_and_the_new_version_too)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *old = NULL, *new = NULL;
        _cleanup_strings_ struct ingot_strings hidden = {0};
        _cleanup_close_ int root = -1;
        CHECK_OK(ingot_tree_new(&old, &error));
        CHECK_OK(ingot_tree_new(&new, &error));
        CHECK_OK(change("kept"));
        CHECK_OK(change("changed"));
        CHECK_OK(change("deep/sized"));
        CHECK_OK(change("added"));
        CHECK_OK(change("link"));
        CHECK_OK(change("removed"));
        CHECK_OK(change("alone"));
        CHECK_OK(put(old, "etc/kept", "1") | put(new, "etc/kept", "1"));
        CHECK_OK(put(old, "etc/changed", "1") | put(new, "etc/changed", "2"));
        CHECK_OK(put(old, "etc/deep/sized", "1") | put(new, "etc/deep/sized", "11"));
        CHECK_OK(put(old, "etc/others", "1") | put(new, "etc/others", "2"));
        CHECK_OK(put(old, "usr/changed", "1") | put(new, "usr/changed", "2"));
        CHECK_OK(put(new, "etc/added", "1"));
        CHECK_OK(put(old, "etc/removed", "1"));
        CHECK_OK(ingot_tree_put_symlink(old, "etc/link", "kept", 0, &error));
        CHECK_OK(put(new, "etc/link", "1"));
        CHECK_OK(ingot_root_open(test_path("root"), &root, &error));
        CHECK_OK(ingot_hidden_files(root, old, new, &hidden, &error));
        CHECK_EQ(hidden.count, 4);
        CHECK_STR(hidden.items[0], "/etc/added");
        CHECK_STR(hidden.items[1], "/etc/changed");
        CHECK_STR(hidden.items[2], "/etc/deep/sized");
        CHECK_STR(hidden.items[3], "/etc/link");
}

TEST(a_machine_that_changed_nothing_hides_nothing)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *old = NULL, *new = NULL;
        _cleanup_strings_ struct ingot_strings hidden = {0};
        _cleanup_close_ int root = -1;
        CHECK_OK(ingot_make_directories(test_path("empty"), 0755, &error));
        CHECK_OK(ingot_tree_new(&old, &error));
        CHECK_OK(ingot_tree_new(&new, &error));
        CHECK_OK(put(new, "etc/changed", "2"));
        CHECK_OK(ingot_root_open(test_path("empty"), &root, &error));
        CHECK_OK(ingot_hidden_files(root, old, new, &hidden, &error));
        CHECK_EQ(hidden.count, 0);
}
