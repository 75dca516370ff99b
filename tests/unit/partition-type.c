/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format/partition-type.h"
#include "test.h"

static bool is(const struct ingot_uuid *u, const char *text)
{
        char have[INGOT_UUID_TEXT_SIZE];
        ingot_uuid_format(u, have);
        return strcmp(have, text) == 0;
}

TEST(every_type_is_found_by_each_of_its_keys)
{
        size_t count;
        const struct ingot_partition_type *all = ingot_partition_types(&count);
        CHECK_EQ(count, 21 * 6 + 9);
        for (size_t i = 0; i < count; i++) {
                CHECK(ingot_partition_type_by_uuid(&all[i].uuid) == all + i);
                CHECK(ingot_partition_type_by_name(all[i].name) == all + i);
                CHECK(ingot_partition_type_find(all[i].designator, all[i].architecture) ==
                      all + i);
        }
        CHECK(!ingot_partition_type_by_name("root"));
        CHECK(!ingot_partition_type_find(INGOT_DESIGNATOR_ROOT, "vax"));
        CHECK(!ingot_partition_type_find(INGOT_DESIGNATOR_ROOT, NULL));
}

TEST(guids_are_those_of_the_specification)
{
        CHECK(is(&ingot_partition_type_by_name("esp")->uuid,
                 "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"));
        CHECK(is(&ingot_partition_type_by_name("root-x86-64")->uuid,
                 "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"));
        CHECK(is(&ingot_partition_type_by_name("root-arm64-verity")->uuid,
                 "df3300ce-d69f-4c92-978c-9bfb0f38d820"));
        CHECK(is(&ingot_partition_type_by_name("usr-ppc64-le-verity-sig")->uuid,
                 "c8bfbd1e-268e-4521-8bba-bf314c399557"));
        CHECK_STR(ingot_designator_name(INGOT_DESIGNATOR_USR_VERITY_SIG), "usr-verity-sig");
}

TEST(types_of_unfinished_updates_are_those_of_sysupdate)
{
        struct ingot_uuid u =
                ingot_partition_type_partial(&ingot_partition_type_by_name("usr-x86-64")->uuid);
        CHECK(is(&u, "dc0226f3-2b45-4572-844b-c7575b748b24"));
        u = ingot_partition_type_pending(&ingot_partition_type_by_name("usr-x86-64")->uuid);
        CHECK(is(&u, "ac8558b5-455e-4869-8c5e-d8272455c06a"));
        u = ingot_partition_type_partial(&ingot_partition_type_by_name("root-x86-64")->uuid);
        CHECK(is(&u, "7a01d3c6-92ac-43e9-bd77-5726b602ad9d"));
        u = ingot_partition_type_pending(
                &ingot_partition_type_by_name("usr-x86-64-verity-sig")->uuid);
        CHECK(is(&u, "67bb3065-75bb-4279-ab3d-26f453d171ac"));
}
