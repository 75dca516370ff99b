/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/root.h"
#include "base/cleanup.h"
#include "os/file.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int make(const char *path, const char *text, ingot_error *reterr)
{
        return ingot_outfile_put(test_path(path), text, strlen(text), 0644, reterr);
}

/* A root, and beside it what no link in it may lead to. */
static int make_tree(ingot_error *reterr)
{
        int r = ingot_make_directories(test_path("root/etc/many"), 0755, reterr);
        if (r >= 0)
                r = make("outside", "outside", reterr);
        if (r >= 0)
                r = make("root/etc/file", "inside", reterr);
        if (r >= 0)
                r = make("root/outside", "in the root", reterr);
        if (r >= 0)
                r = make("root/etc/empty", "", reterr);
        if (r >= 0)
                r = make("root/etc/many/.hidden", "", reterr);
        return r < 0 ? r : make("root/etc/many/b", "b", reterr);
}

TEST(links_never_lead_out_of_a_root)
{
        static const char *const links[] = {"/outside", "../outside", "../../../../outside"};
        ingot_error error;
        _cleanup_close_ int root = -1;
        CHECK_OK(make_tree(&error));
        CHECK_OK(ingot_root_open(test_path("root"), &root, &error));
        for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
                _cleanup_buffer_ struct ingot_buffer text = {0};
                CHECK_EQ(symlink(links[i], test_path("root/etc/link")), 0);
                CHECK_OK(ingot_root_read(root, "/etc/link", 100, &text, &error));
                CHECK_EQ(text.size, 11);
                CHECK(memcmp(text.data, "in the root", 11) == 0);
                CHECK_EQ(unlink(test_path("root/etc/link")), 0);
        }
        CHECK_OK(ingot_remove_tree(AT_FDCWD, test_path("root"), &error));
}

TEST(what_is_in_a_root_has_a_kind)
{
        static const struct {
                const char *path;
                enum ingot_root_kind kind;
        } rows[] = {
                {"/etc/file", INGOT_ROOT_FILE},     {"/etc/many", INGOT_ROOT_FOLDER},
                {"/etc/empty", INGOT_ROOT_EMPTY},   {"/etc/none", INGOT_ROOT_ABSENT},
                {"/etc/file/x", INGOT_ROOT_ABSENT}, {"/etc/mask", INGOT_ROOT_MASK},
                {"/etc/dead", INGOT_ROOT_ABSENT},   {"/etc/alias", INGOT_ROOT_FOLDER},
                {"/etc/pipe", INGOT_ROOT_OTHER},
        };
        ingot_error error;
        _cleanup_close_ int root = -1;
        CHECK_OK(make_tree(&error));
        CHECK_OK(ingot_root_open(test_path("root"), &root, &error));
        CHECK_EQ(symlink("/dev/null", test_path("root/etc/mask")), 0);
        CHECK_EQ(symlink("/dev/nul", test_path("root/etc/dead")), 0);
        CHECK_EQ(symlink("/etc/many", test_path("root/etc/alias")), 0);
        CHECK_EQ(mkfifo(test_path("root/etc/pipe"), 0600), 0);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                enum ingot_root_kind kind;
                CHECK_OK(ingot_root_look(root, rows[i].path, &kind, &error));
                CHECK_EQ(kind, rows[i].kind);
        }
        CHECK_OK(ingot_remove_tree(AT_FDCWD, test_path("root"), &error));
}

TEST(folders_and_files_of_a_root_are_read_within_bounds)
{
        ingot_error error;
        _cleanup_close_ int root = -1;
        _cleanup_strings_ struct ingot_strings names = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        CHECK_OK(make_tree(&error));
        CHECK_OK(ingot_root_open(test_path("root"), &root, &error));
        CHECK_EQ(ingot_root_list(root, "/etc/many", &names, &error), 0);
        CHECK_EQ(names.count, 1);
        CHECK_STR(names.items[0], "b");
        CHECK_EQ(ingot_root_list(root, "/etc/none", &names, &error), 1);
        CHECK_FAILS(ingot_root_read(root, "/etc/none", 100, &text, &error), INGOT_E_NOTFOUND,
                    "no file /etc/none");
        CHECK_FAILS(ingot_root_read(root, "/etc/many", 100, &text, &error), INGOT_E_FORMAT,
                    "/etc/many is no file");
        CHECK_FAILS(ingot_root_read(root, "/etc/file", 5, &text, &error), INGOT_E_LIMIT,
                    "more than 5 bytes");
        CHECK_EQ(mkfifo(test_path("root/etc/pipe"), 0600), 0);
        CHECK_FAILS(ingot_root_read(root, "/etc/pipe", 100, &text, &error), INGOT_E_FORMAT,
                    "/etc/pipe is no file");
        CHECK_EQ(text.size, 0);
        CHECK_FAILS(ingot_root_open(test_path("outside"), &root, &error), INGOT_E_NOTFOUND,
                    "no folder");
        CHECK_OK(ingot_remove_tree(AT_FDCWD, test_path("root"), &error));
}

/* Their size is told as a page, or as nothing. */
TEST(files_of_the_kernel_are_read_to_their_end)
{
        static const char *const paths[] = {"/sys/kernel/mm/transparent_hugepage/enabled",
                                            "/proc/sys/kernel/ostype"};
        _cleanup_close_ int root = -1;
        ingot_error error = {0};
        CHECK_OK(ingot_root_open(NULL, &root, &error));
        for (size_t i = 0; i < 2; i++) {
                _cleanup_buffer_ struct ingot_buffer text = {0};
                if (access(paths[i], R_OK) < 0)
                        continue;
                CHECK_OK(ingot_root_read(root, paths[i], 256, &text, &error));
                CHECK(text.size > 3 && text.data[text.size - 1] == '\n');
                CHECK_FAILS(ingot_root_read(root, paths[i], 3, &text, &error), INGOT_E_LIMIT,
                            "more than 3 bytes");
        }
}
