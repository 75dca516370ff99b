/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "os/acl.h"
#include "os/file.h"
#include "os/ledger.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

static char path[4200];
static const char *in_folder(const char *name)
{
        snprintf(path, sizeof(path), "%s/%s", test_folder(), name);
        return path;
}

/* user::rwx group::r-x group:4:r-x mask::r-x other::--- */
static const uint8_t named_acl[] = {
        2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 4,  0, 5, 0, 255, 255, 255, 255, 8,  0,
        5, 0, 4, 0, 0, 0, 16, 0, 5, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255};

TEST(entries_survive_growth_and_removal)
{
        ingot_error error = {0};
        _cleanup_(ingot_ledger_free_p) struct ingot_ledger *ledger = NULL;
        struct ingot_ledger_entry entry;
        CHECK_OK(ingot_ledger_new(&ledger, &error));
        for (uint32_t i = 0; i < 5000; i++) {
                struct ingot_ledger_key key = {.device = 1, .inode = i, .birth = i * 3};
                entry = (struct ingot_ledger_entry){.uid = i + 1, .gid = 7};
                CHECK_OK(ingot_ledger_put(ledger, &key, &entry, &error));
        }
        for (uint32_t i = 0; i < 5000; i += 2) {
                struct ingot_ledger_key key = {.device = 1, .inode = i, .birth = i * 3};
                entry = (struct ingot_ledger_entry){0};
                CHECK_OK(ingot_ledger_put(ledger, &key, &entry, &error));
        }
        CHECK_EQ(ingot_ledger_count(ledger), 2500);
        for (uint32_t i = 0; i < 5000; i++) {
                struct ingot_ledger_key key = {.device = 1, .inode = i, .birth = i * 3};
                CHECK_EQ(ingot_ledger_get(ledger, &key, &entry), i % 2);
                CHECK_EQ(entry.uid, i % 2 ? i + 1 : 0);
        }
}

TEST(a_file_made_anew_is_another_file)
{
        struct ingot_ledger_key a, b;
        unsigned same = 0;
        for (int i = 0; i < 50; i++) {
                _cleanup_close_ int first = open(in_folder("f"), O_CREAT | O_EXCL | O_RDWR, 0600);
                CHECK(first >= 0);
                CHECK(ingot_ledger_key_at(first, "", AT_EMPTY_PATH, 0, NULL, &a) == 0);
                close(first);
                unlink(path);
                first = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
                CHECK(first >= 0);
                CHECK(ingot_ledger_key_at(AT_FDCWD, path, 0, 0, NULL, &b) == 0);
                same += a.inode == b.inode && a.birth == b.birth;
                unlink(path);
        }
        CHECK_EQ(same, 0);
}

TEST(a_ledger_is_the_same_on_the_other_side)
{
        ingot_error error = {0};
        _cleanup_(ingot_ledger_free_p) struct ingot_ledger *a = NULL, *b = NULL;
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        struct ingot_ledger_key key = {.device = 5, .inode = 6, .birth = 7};
        struct ingot_ledger_entry entry = {.uid = 1,
                                           .gid = 2,
                                           .device_type = S_IFCHR,
                                           .major = 3,
                                           .minor = 4,
                                           .acl_access = (uint8_t *) named_acl,
                                           .acl_access_size = sizeof(named_acl),
                                           .acl_default = (uint8_t *) "",
                                           .acl_default_size = 0};
        CHECK_OK(ingot_ledger_new(&a, &error));
        CHECK_OK(ingot_ledger_new(&b, &error));
        CHECK_OK(ingot_ledger_put(a, &key, &entry, &error));
        CHECK_OK(ingot_ledger_encode(a, &bytes, &error));
        CHECK_OK(ingot_ledger_decode(b, ingot_buffer_span(&bytes), &error));
        CHECK(ingot_ledger_get(b, &key, &entry));
        CHECK_EQ(entry.gid, 2);
        CHECK_EQ(entry.minor, 4);
        CHECK_EQ(entry.acl_access_size, sizeof(named_acl));
        CHECK(memcmp(entry.acl_access, named_acl, sizeof(named_acl)) == 0);
        CHECK(entry.acl_default && entry.acl_default_size == 0);
        bytes.size--;
        CHECK_FAILS(ingot_ledger_decode(b, ingot_buffer_span(&bytes), &error), INGOT_E_FORMAT,
                    "ends");
}

TEST(lists_follow_the_mode)
{
        uint8_t acl[sizeof(named_acl)];
        memcpy(acl, named_acl, sizeof(acl));
        CHECK(ingot_acl_valid(acl, sizeof(acl)));
        CHECK(!ingot_acl_trivial(acl, sizeof(acl)));
        CHECK_EQ(ingot_acl_mode(acl, sizeof(acl)), 0750);
        ingot_acl_follow_mode(acl, sizeof(acl), 0604);
        CHECK_EQ(ingot_acl_mode(acl, sizeof(acl)), 0604);
        CHECK(!ingot_acl_valid(acl, sizeof(acl) - 1));
        acl[0] = 3;
        CHECK(!ingot_acl_valid(acl, sizeof(acl)));
}
