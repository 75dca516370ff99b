/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "os/copy.h"
#include "os/file.h"
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1 << 20)

static int new_file(const char *name)
{
        char path[4200];
        snprintf(path, sizeof(path), "%s/%s", test_folder(), name);
        return open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static uint64_t allocated(int fd)
{
        struct stat st;
        return fstat(fd, &st) < 0 ? 0 : (uint64_t) st.st_blocks * 512;
}

TEST(data_arrives_and_holes_stay_holes)
{
        ingot_error error = {0};
        _cleanup_close_ int from = new_file("a"), to = new_file("b");
        char text[8] = {0};
        CHECK_EQ(ftruncate(from, 64 * MIB), 0);
        CHECK_EQ(pwrite(from, "start", 5, 3 * MIB), 5);
        CHECK_EQ(pwrite(from, "end", 3, 40 * MIB), 3);
        CHECK_OK(ingot_copy_sparse(from, 2 * MIB, to, 4096, 62 * MIB, &error));
        CHECK_EQ(lseek(to, 0, SEEK_END), 62 * MIB + 4096);
        CHECK_EQ(pread(to, text, 5, 1 * MIB + 4096), 5);
        CHECK_STR(text, "start");
        CHECK_EQ(pread(to, text, 8, 38 * MIB + 4096), 8);
        CHECK_STR(text, "end");
        if (allocated(from) < 2 * MIB)
                CHECK(allocated(to) < 2 * MIB);
}

TEST(only_the_range_is_copied)
{
        ingot_error error = {0};
        _cleanup_close_ int from = new_file("a"), to = new_file("b");
        char text[11] = {0};
        CHECK_EQ(pwrite(from, "0123456789", 10, 0), 10);
        CHECK_EQ(pwrite(to, "..........", 10, 0), 10);
        CHECK_OK(ingot_copy_sparse(from, 2, to, 5, 3, &error));
        CHECK_EQ(pread(to, text, 10, 0), 10);
        CHECK_STR(text, ".....234..");
        CHECK_OK(ingot_copy_sparse(from, 2, to, 5, 0, &error));
}

TEST(a_source_that_is_too_short_is_an_error)
{
        ingot_error error = {0};
        _cleanup_close_ int from = new_file("a"), to = new_file("b");
        CHECK_EQ(pwrite(from, "0123456789", 10, 0), 10);
        CHECK_FAILS(ingot_copy_sparse(from, 4, to, 0, 7, &error), INGOT_E_FORMAT, "ends at 10");
        CHECK_FAILS(ingot_copy_sparse(from, 20, to, 0, 1, &error), INGOT_E_FORMAT, "ends at 10");
        CHECK_FAILS(ingot_copy_sparse(from, 4, to, 0, UINT64_MAX, &error), INGOT_E_FORMAT,
                    "ends at 10");
}
