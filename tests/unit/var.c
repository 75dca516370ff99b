/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/bytes.h"
#include "base/cleanup.h"
#include "image/build-state.h"
#include "os/process.h"
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#define MIB (1 << 20)

static const struct ingot_uuid seed = {{7}};

static int write_var(const char *name, struct ingot_outfile *disk, ingot_error *reterr)
{
        char path[4200];
        snprintf(path, sizeof(path), "%s/%s", test_folder(), name);
        int r = ingot_outfile_create(disk, path, 0644, reterr);
        return r < 0 ? r
                     : ingot_var_write(&seed, 16 * MIB, 1700000000, test_folder(), disk, 3 * MIB,
                                       reterr);
}

static bool have_mke2fs(void)
{
        _cleanup_free_ char *path = NULL;
        return ingot_program_find("mke2fs", "e2fsprogs", &path, NULL) >= 0;
}

TEST(the_same_seed_and_time_give_the_same_bytes)
{
        ingot_error error = {0};
        _cleanup_outfile_ struct ingot_outfile a = INGOT_OUTFILE_NONE, b = INGOT_OUTFILE_NONE;
        _cleanup_free_ uint8_t *x = malloc(19 * MIB), *y = malloc(19 * MIB);
        if (!have_mke2fs())
                SKIP("no mke2fs");
        CHECK(x && y);
        CHECK_OK(write_var("a", &a, &error));
        CHECK_EQ(setenv("MKE2FS_CONFIG", "/nowhere", 1), 0);
        sleep(1);
        CHECK_OK(write_var("b", &b, &error));
        unsetenv("MKE2FS_CONFIG");
        CHECK_EQ(lseek(a.fd, 0, SEEK_END), 19 * MIB);
        CHECK_OK(ingot_file_pread(a.fd, 0, x, 19 * MIB, &error));
        CHECK_OK(ingot_file_pread(b.fd, 0, y, 19 * MIB, &error));
        CHECK(memcmp(x, y, 19 * MIB) == 0);
}

/* Documentation/filesystems/ext4/super.rst: s_wtime at 0x30, s_magic at 0x38, s_uuid at 0x68. */
TEST(the_superblock_has_what_was_given)
{
        ingot_error error = {0};
        _cleanup_outfile_ struct ingot_outfile a = INGOT_OUTFILE_NONE;
        uint8_t super[1024];
        if (!have_mke2fs())
                SKIP("no mke2fs");
        CHECK_OK(write_var("a", &a, &error));
        CHECK_OK(ingot_file_pread(a.fd, 3 * MIB + 1024, super, sizeof(super), &error));
        struct ingot_uuid uuid = ingot_uuid_derive(&seed, "var-file-system", 15);
        CHECK_EQ(ingot_le16_load(super + 0x38), 0xef53);
        CHECK_EQ(ingot_le32_load(super + 0x30), 1700000000);
        CHECK(memcmp(super + 0x68, uuid.bytes, 16) == 0);
        CHECK_EQ(ingot_le32_load(super + 4), 16 * MIB / 4096);
}
