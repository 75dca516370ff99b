/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "os/file.h"
#include "os/folder.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

static const struct ingot_folder_options kept = {.mtime = 99};

static const char *prepare(const char *name)
{
        static char folder[512], path[600];
        snprintf(folder, sizeof(folder), "%s/%s", test_folder(), name);
        snprintf(path, sizeof(path), "%s/sub", folder);
        if (mkdir(folder, 0700) < 0 || mkdir(path, 0777) < 0 || chmod(path, 0777) < 0)
                return NULL;
        snprintf(path, sizeof(path), "%s/file", folder);
        if (ingot_outfile_put(path, "content", 7, 0640, NULL) < 0)
                return NULL;
        char other[600];
        snprintf(other, sizeof(other), "%s/sub/hard", folder);
        if (link(path, other) < 0)
                return NULL;
        snprintf(other, sizeof(other), "%s/sub/script", folder);
        if (ingot_outfile_put(other, "#!", 2, 0777, NULL) < 0)
                return NULL;
        snprintf(other, sizeof(other), "%s/link", folder);
        if (symlink("sub/script", other) < 0)
                return NULL;
        snprintf(other, sizeof(other), "%s/empty", folder);
        if (ingot_outfile_put(other, "", 0, 04711, NULL) < 0)
                return NULL;
        return folder;
}

TEST(modes_are_kept_when_asked_for)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        const char *folder = prepare("kept");
        CHECK(folder);
        CHECK_OK(ingot_folder_load(folder, &kept, &tree, &error));
        CHECK_EQ(tree->root->entry_count, 4u);
        const struct ingot_inode *file = ingot_tree_lookup(tree, "file");
        CHECK_EQ(file->mode, 0640);
        CHECK_EQ(ingot_tree_lookup(tree, "sub")->mode, 0777);
        CHECK_EQ(ingot_tree_lookup(tree, "empty")->mode, 04711);
        CHECK_STR(ingot_tree_lookup(tree, "link")->target, "sub/script");
        CHECK_OK(ingot_inode_read(file, 100, &data, &size, &error));
        CHECK_EQ(size, 7u);
        CHECK_STR((char *) data, "content");
}

TEST(normal_modes_forget_umask_owner_links_and_time)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        const struct ingot_folder_options o = {.normal_modes = true, .mtime = 99};
        const char *folder = prepare("normal");
        CHECK(folder);
        CHECK_OK(ingot_folder_load(folder, &o, &tree, &error));
        CHECK_EQ(tree->root->mode, 0755);
        CHECK_EQ(ingot_tree_lookup(tree, "file")->mode, 0644);
        CHECK_EQ(ingot_tree_lookup(tree, "file")->links, 1u);
        CHECK_EQ(ingot_tree_lookup(tree, "file")->uid, 0u);
        CHECK_EQ(ingot_tree_lookup(tree, "file")->mtime, 99);
        CHECK_EQ(ingot_tree_lookup(tree, "sub")->mode, 0755);
        CHECK_EQ(ingot_tree_lookup(tree, "sub/script")->mode, 0755);
        CHECK_EQ(ingot_tree_lookup(tree, "empty")->mode, 0755);
}

TEST(file_that_changed_since_is_noticed)
{
        ingot_error error = {0};
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        _cleanup_free_ uint8_t *before = NULL, *after = NULL;
        char path[600];
        size_t size;
        const char *folder = prepare("changed");
        CHECK(folder);
        snprintf(path, sizeof(path), "%s/file", folder);
        CHECK_OK(ingot_folder_load_file(path, &kept, &inode, &error));
        CHECK_OK(ingot_inode_read(inode, 100, &before, &size, &error));
        CHECK_OK(ingot_outfile_put(path, "CONTENT", 7, 0640, &error));
        CHECK_FAILS(ingot_inode_read(inode, 100, &after, &size, &error), INGOT_E_CONFLICT,
                    "changed");
}

TEST(what_is_not_there_or_no_folder_is_named)
{
        ingot_error error = {0};
        struct ingot_tree *tree = NULL;
        struct ingot_inode *inode = NULL;
        CHECK_FAILS(ingot_folder_load("/nonexistent/x", &kept, &tree, &error), INGOT_E_NOTFOUND,
                    "/nonexistent/x");
        CHECK_FAILS(ingot_folder_load_file("/nonexistent/x", &kept, &inode, &error),
                    INGOT_E_NOTFOUND, "/nonexistent/x");
        CHECK_FAILS(ingot_folder_load_file("/dev/null", &kept, &inode, &error), INGOT_E_FORMAT,
                    "not a file");
}
