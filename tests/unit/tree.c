/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "format/tree.h"
#include "test.h"

static int print(void *context, const char *path, struct ingot_inode *inode, ingot_error *reterr)
{
        return ingot_buffer_printf(context, reterr, "%s%s ", path,
                                   inode->type == INGOT_FILE_DIRECTORY ? "/" : "");
}

TEST(entries_stand_in_byte_order_whatever_the_order_of_entering)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_buffer_ struct ingot_buffer out = {0};
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_OK(ingot_tree_put_bytes(tree, "/b/z", 0644, 1, "1", 1, &error));
        CHECK_OK(ingot_tree_put_bytes(tree, "b/a", 0644, 1, "1", 1, &error));
        CHECK_OK(ingot_tree_put_bytes(tree, "a", 0644, 1, "", 0, &error));
        CHECK_OK(ingot_tree_put_symlink(tree, "c", "b", 1, &error));
        CHECK_OK(ingot_tree_put_bytes(tree, "c/through", 0644, 1, "", 0, &error));
        CHECK_OK(ingot_tree_walk(tree, print, &out, &error));
        CHECK_STR((char *) out.data, "a b/ b/a b/through b/z c ");
}

TEST(hard_links_share_an_inode_until_the_last_goes)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_OK(ingot_tree_put_bytes(tree, "one", 0644, 1, "x", 1, &error));
        CHECK_OK(ingot_tree_link(tree->root, "two", ingot_tree_lookup(tree, "one"), &error));
        CHECK_EQ(ingot_tree_lookup(tree, "two")->links, 2u);
        CHECK_EQ(ingot_tree_remove(tree, "one", &error), 1);
        CHECK_EQ(ingot_tree_lookup(tree, "two")->links, 1u);
        CHECK_EQ(ingot_tree_remove(tree, "one", &error), 0);
}

TEST(impossible_names_and_conflicts_are_refused)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_FAILS(ingot_tree_put_bytes(tree, "a/..", 0644, 1, "", 0, &error), INGOT_E_FORMAT,
                    "not a file name");
        CHECK_OK(ingot_tree_put_bytes(tree, "f", 0644, 1, "", 0, &error));
        CHECK_FAILS(ingot_tree_make_directory(tree, "f/x", 1, NULL, &error), INGOT_E_CONFLICT,
                    "not a directory");
        CHECK_OK(ingot_tree_put_symlink(tree, "loop", "loop", 1, &error));
        CHECK(!ingot_tree_resolve(tree, "loop/x"));
}
