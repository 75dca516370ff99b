/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "format/tree.h"
#include "make-pe.h"
#include "measure/predict.h"
#include "measure/stub-archive.h"
#include "test.h"

/* Digests of an archive, and of bytes. */
static int archive_sha256(const struct ingot_stub_archive *a, struct ingot_record *ret,
                          ingot_error *reterr)
{
        _cleanup_digests_ struct ingot_digests d = {0};
        ingot_digests_start(&d);
        int r = ingot_stub_archive_digest(a, &d, reterr);
        return r < 0 ? r : ingot_digests_finish(&d, ret, reterr);
}

#define NUMBERS(inode, mode, links, size, name_size)                                               \
        "070701" inode mode "00000000"                                                             \
                            "00000000" links "00000000" size "00000000"                            \
                            "00000000"                                                             \
                            "00000000"                                                             \
                            "00000000" name_size "00000000"

TEST(the_stub_s_archives_are_known_to_the_byte)
{
        static const char expected[] =
                NUMBERS("00000001", "0000416d", "00000001", "00000000", "00000007") ".extra\0\0\0\0"
                NUMBERS("00000002", "00004140", "00000001", "00000000", "00000013")
                ".extra/credentials\0\0\0\0"
                NUMBERS("00000003", "00008100", "00000001", "00000005", "0000001a")
                ".extra/credentials/a.cred\0" "hello\0\0\0"
                NUMBERS("00000004", "00008100", "00000001", "00000000", "0000001b")
                ".extra/credentials/bb.cred\0\0\0\0"
                NUMBERS("00000000", "00000000", "00000001", "00000000", "0000000B")
                "TRAILER!!!\0\0\0";
        static const struct ingot_span hello = {(const uint8_t *) "hello", 5};
        ingot_error error = {0};
        _cleanup_stub_archive_ struct ingot_stub_archive a = {0};
        struct ingot_reader content = ingot_reader_of_span(&hello), nothing = {0};
        struct ingot_record record = {0};
        uint8_t digest[INGOT_BANK_SIZE_MAX];
        CHECK_OK(ingot_stub_archive_start(&a, ".extra/credentials", 0500, 0400, &error));
        CHECK_OK(ingot_stub_archive_add(&a, "a.cred", &content, &error));
        CHECK_OK(ingot_stub_archive_add(&a, "bb.cred", &nothing, &error));
        CHECK_OK(ingot_stub_archive_finish(&a, &error));
        CHECK_EQ(ingot_stub_archive_size(&a), sizeof(expected));
        CHECK_OK(archive_sha256(&a, &record, &error));
        CHECK_OK(ingot_bank_digest(INGOT_BANK_SHA256, INGOT_SPAN(expected, sizeof(expected)),
                                   digest, &error));
        CHECK(memcmp(record.digest[INGOT_BANK_SHA256], digest, 32) == 0);
}
