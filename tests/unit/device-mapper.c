/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "os/device-mapper.h"
#include "test.h"

#include <string.h>

static struct ingot_dm_verity example(void)
{
        static const uint8_t root[4] = {0xde, 0xad, 0xbe, 0xef}, salt[2] = {0x00, 0x1f};
        return (struct ingot_dm_verity){.data_device = "/dev/vda2",
                                        .hash_device = "/dev/vda3",
                                        .data_block_size = 4096,
                                        .hash_block_size = 512,
                                        .data_blocks = 1234567890123,
                                        .hash_start = 1,
                                        .algorithm = "sha256",
                                        .root_hash = root,
                                        .root_hash_size = sizeof(root),
                                        .salt = salt,
                                        .salt_size = sizeof(salt)};
}

TEST(a_verity_table)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        struct ingot_dm_verity v = example();
        CHECK_OK(ingot_dm_verity_table(&v, &b, &error));
        CHECK_STR((char *) b.data,
                  "1 /dev/vda2 /dev/vda3 4096 512 1234567890123 1 sha256 deadbeef 001f");
}

TEST(a_verity_table_without_salt_and_with_options)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        struct ingot_dm_verity v = example();
        v.salt_size = 0;
        v.options = "restart_on_corruption ignore_zero_blocks";
        CHECK_OK(ingot_dm_verity_table(&v, &b, &error));
        CHECK_STR((char *) b.data, "1 /dev/vda2 /dev/vda3 4096 512 1234567890123 1 sha256 deadbeef "
                                   "- 2 restart_on_corruption ignore_zero_blocks");
}

TEST(a_root_hash_is_read_from_a_table)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        struct ingot_dm_verity v = example();
        uint8_t hash[32], found[32] = {0};
        memset(hash, 0xa5, sizeof(hash));
        v.root_hash = hash;
        v.root_hash_size = sizeof(hash);
        CHECK_OK(ingot_dm_verity_table(&v, &b, &error));
        CHECK(ingot_dm_verity_table_hash((char *) b.data, found));
        CHECK(memcmp(hash, found, sizeof(hash)) == 0);
        /* Another algorithm, another target, nothing. */
        CHECK(!ingot_dm_verity_table_hash("1 8:1 8:2 4096 4096 9 1 sha512 deadbeef -", found));
        CHECK(!ingot_dm_verity_table_hash("8:1 0", found));
        CHECK(!ingot_dm_verity_table_hash("", found));
}

TEST(a_file_system_that_is_not_on_device_mapper)
{
        ingot_error error = {0};
        _cleanup_free_ char *name = NULL;
        CHECK_EQ(1, ingot_dm_verity_of("/proc", &name, &error));
        CHECK(!name);
        CHECK_FAILS(ingot_dm_verity_of("/no/such", &name, &error), INGOT_E_SYSTEM, "/no/such");
}
