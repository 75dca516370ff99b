/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "os/file.h"
#include "test.h"

#include <fcntl.h>

static char path[4200];
static const char *in_folder(const char *name)
{
        snprintf(path, sizeof(path), "%s/%s", test_folder(), name);
        return path;
}

TEST(an_output_that_is_not_committed_leaves_nothing)
{
        ingot_error error = {0};
        {
                _cleanup_outfile_ struct ingot_outfile o = INGOT_OUTFILE_NONE;
                CHECK_OK(ingot_outfile_create(&o, in_folder("a/b"), 0644, &error) < 0 ? 0 : -1);
                CHECK_OK(ingot_outfile_create(&o, in_folder("out"), 0644, &error));
                CHECK_OK(ingot_file_write_all(o.fd, "half", 4, &error));
        }
        _cleanup_strings_ struct ingot_strings names = {0};
        CHECK_OK(ingot_list_directory(AT_FDCWD, test_folder(), &names, &error));
        CHECK_EQ(names.count, (size_t) 0);
}

TEST(a_committed_output_is_read_back)
{
        ingot_error error = {0};
        CHECK_OK(ingot_outfile_put(in_folder("whole"), "text", 4, 0600, &error));
        _cleanup_free_ uint8_t *data = NULL;
        size_t size = 0;
        CHECK_OK(ingot_file_read(AT_FDCWD, in_folder("whole"), 100, &data, &size, &error));
        CHECK_STR((char *) data, "text");
        CHECK_FAILS(ingot_file_read(AT_FDCWD, in_folder("whole"), 3, &data, &size, &error),
                    INGOT_E_LIMIT, "4 bytes");
        CHECK_FAILS(ingot_file_read(AT_FDCWD, in_folder("none"), 3, &data, &size, &error),
                    INGOT_E_NOTFOUND, "none");
        CHECK_OK(ingot_remove_tree(AT_FDCWD, in_folder("whole"), &error));
}

TEST(trees_are_made_and_removed)
{
        ingot_error error = {0};
        CHECK_OK(ingot_make_directories(in_folder("x/y/z"), 0755, &error));
        CHECK_OK(ingot_outfile_put(in_folder("x/y/f"), "", 0, 0400, &error));
        CHECK_OK(ingot_remove_tree(AT_FDCWD, in_folder("x"), &error));
        CHECK(access(in_folder("x"), F_OK) < 0);
}
