/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "os/file.h"
#include "os/tree-load.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

static char path[4200];
static const char *in_folder(const char *name)
{
        snprintf(path, sizeof(path), "%s/%s", test_folder(), name);
        return path;
}

static int make_folder(ingot_error *reterr)
{
        ingot_remove_tree(AT_FDCWD, in_folder("t"), NULL);
        int r = ingot_make_directories(in_folder("t/d"), 0750, reterr);
        if (r >= 0)
                r = ingot_outfile_put(in_folder("t/d/file"), "content", 7, 04711, reterr);
        if (r >= 0)
                r = ingot_outfile_put(in_folder("t/secret"), "key", 3, 0, reterr);
        char other[4200];
        snprintf(other, sizeof(other), "%s/t/link", test_folder());
        if (r >= 0 && (link(in_folder("t/d/file"), other) < 0 ||
                       symlink("d/file", in_folder("t/symbolic")) < 0 ||
                       mkfifo(in_folder("t/pipe"), 0600) < 0))
                r = ingot_fail_errno(reterr, "make files");
        return r;
}

TEST(a_folder_is_loaded_with_the_owners_of_the_ledger)
{
        ingot_error error = {0};
        _cleanup_(ingot_ledger_free_p) struct ingot_ledger *ledger = NULL;
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(make_folder(&error));
        CHECK_OK(ingot_ledger_new(&ledger, &error));
        struct ingot_ledger_key key;
        struct ingot_ledger_entry entry = {.uid = 5, .gid = 6};
        CHECK(ingot_ledger_key_at(AT_FDCWD, in_folder("t/link"), 0, 0, NULL, &key) == 0);
        CHECK_OK(ingot_ledger_put(ledger, &key, &entry, &error));
        entry = (struct ingot_ledger_entry){.device_type = S_IFCHR, .major = 1, .minor = 3};
        CHECK(ingot_ledger_key_at(AT_FDCWD, in_folder("t/secret"), 0, 0, NULL, &key) == 0);
        CHECK_OK(ingot_ledger_put(ledger, &key, &entry, &error));
        struct ingot_tree_load load = {.dirfd = AT_FDCWD, .path = in_folder("t"),
                                       .ledger = ledger, .xattrs = true, .clamp = true,
                                       .newest = 1000};
        CHECK_OK(ingot_tree_load(&load, &tree, &error));

        struct ingot_inode *file = ingot_tree_lookup(tree, "d/file");
        CHECK(file && file == ingot_tree_lookup(tree, "link"));
        CHECK_EQ(file->links, 2);
        CHECK_EQ(file->mode, 04711);
        CHECK_EQ(file->uid, 5);
        CHECK_EQ(file->gid, 6);
        CHECK_EQ(file->mtime, 1000);
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        CHECK_OK(ingot_inode_read(file, 100, &data, &size, &error));
        CHECK_STR((char *) data, "content");
        struct ingot_inode *device = ingot_tree_lookup(tree, "secret");
        CHECK_EQ(device->type, INGOT_FILE_CHARACTER);
        CHECK_EQ(device->minor, 3);
        CHECK_EQ(device->mode, 0);
        CHECK_EQ(ingot_tree_lookup(tree, "d")->uid, 0);
        CHECK_STR(ingot_tree_lookup(tree, "symbolic")->target, "d/file");
        CHECK_EQ(ingot_tree_lookup(tree, "pipe")->type, INGOT_FILE_FIFO);
}

TEST(a_folder_of_ours_has_the_owners_we_say)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL, *second = NULL;
        CHECK_OK(make_folder(&error));
        struct ingot_tree_load load = {.dirfd = AT_FDCWD, .path = in_folder("t"),
                                       .root_owned = true};
        CHECK_OK(ingot_tree_load(&load, &tree, &error));
        CHECK_EQ(ingot_tree_lookup(tree, "d/file")->uid, 0);
        CHECK(ingot_tree_lookup(tree, "d/file")->mtime > 1000);
        load.root_owned = false;
        CHECK_OK(ingot_tree_load(&load, &second, &error));
        CHECK_EQ(ingot_tree_lookup(second, "d/file")->uid, geteuid());
        load.path = in_folder("absent");
        CHECK_FAILS(ingot_tree_load(&load, &tree, &error), INGOT_E_SYSTEM, "absent");
}
