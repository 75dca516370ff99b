/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "os/file.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

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

/* As after a kill: the temporary file is there, and nobody has it open. */
TEST(what_a_killed_process_left_is_swept_and_nothing_else)
{
        static const char *const keep[] = {".part", ".f.part", ".f.1-.part", ".f.-1.part",
                                           ".1-1.part", "f.1-1.part", ".f.1-1.parts"};
        ingot_error error = {0};
        _cleanup_outfile_ struct ingot_outfile o = INGOT_OUTFILE_NONE;
        _cleanup_strings_ struct ingot_strings names = {0};
        CHECK_OK(ingot_make_directories(in_folder("swept"), 0755, &error));
        CHECK_OK(ingot_outfile_create(&o, in_folder("swept/under-way"), 0644, &error));
        for (size_t i = 0; i < ARRAY_SIZE(keep); i++) {
                char name[64];
                snprintf(name, sizeof(name), "swept/%s", keep[i]);
                CHECK_OK(ingot_outfile_put(in_folder(name), "", 0, 0644, &error));
        }
        CHECK_OK(ingot_outfile_put(in_folder("swept/.image.raw.4711-0.part"), "", 0, 0644, &error));
        CHECK_OK(ingot_outfile_put(in_folder("swept/.f.1-999.part"), "", 0, 0400, &error));
        ingot_outfile_sweep(in_folder("swept"));
        ingot_outfile_sweep(in_folder("nowhere"));
        CHECK_OK(ingot_list_directory(AT_FDCWD, in_folder("swept"), &names, &error));
        CHECK_EQ(names.count, ARRAY_SIZE(keep) + 1);
        CHECK_OK(ingot_outfile_commit(&o, &error));
        CHECK_OK(ingot_remove_tree(AT_FDCWD, in_folder("swept"), &error));
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

TEST(a_pipe_is_refused_and_never_waited_for)
{
        ingot_error error = {0};
        struct ingot_file f = INGOT_FILE_NONE;
        uint8_t digest[INGOT_SHA256_SIZE];
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        CHECK_EQ(mkfifo(in_folder("pipe"), 0600), 0);
        CHECK_FAILS(ingot_file_open(&f, path, &error), INGOT_E_FORMAT, "is not a file");
        CHECK_FAILS(ingot_file_read(AT_FDCWD, path, 100, &data, &size, &error), INGOT_E_FORMAT,
                    "is a pipe");
        (void) ingot_file_digest(path, digest, &error);
}
