/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format/verity-signature.h"
#include "test.h"

#define HASH "463706035feb32cb6d6800dc06038101c54e913b567169f19737e9062f90c7e6"

static int decode(const char *text, struct ingot_verity_signature *ret, ingot_error *reterr)
{
        return ingot_verity_signature_decode(INGOT_SPAN(text, strlen(text)), ret, reterr);
}

TEST(hash_and_signature_are_read_from_a_padded_partition)
{
        static const char text[16384] =
                "{\"rootHash\":\"" HASH "\",\n  \"certificateFingerprint\" : "
                "\"00\", \"version\": 2, \"x\":null,"
                "\"signature\":\"AAEC\"}\n";
        ingot_error error = {0};
        _cleanup_verity_signature_ struct ingot_verity_signature s = {0};
        CHECK_OK(ingot_verity_signature_decode(INGOT_SPAN(text, sizeof(text)), &s, &error));
        CHECK_EQ(s.root_hash[0], 0x46);
        CHECK_EQ(s.pkcs7.size, 3);
        CHECK(memcmp(s.pkcs7.data, "\0\1\2", 3) == 0);
}

TEST(what_is_no_such_object_is_refused)
{
        static const char *const bad[] = {
                "",
                "{}",
                "[]",
                "{\"rootHash\":\"" HASH "\"}",
                "{\"signature\":\"AAEC\"}",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"AAEC\"",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"AAEC\"}x",
                "{\"rootHash\":\"46\",\"signature\":\"AAEC\"}",
                "{\"rootHash\":\"" HASH "\",\"signature\":12}",
                "{\"rootHash\":\"" HASH "\",\"signature\":{\"a\":1}}",
                "{\"rootHash\":\"" HASH "\",\"signature\":\"AA\\u0041\"}",
        };
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                ingot_error error;
                struct ingot_verity_signature s = {0};
                CHECK_FAILS(decode(bad[i], &s, &error), INGOT_E_FORMAT, "no signature");
        }
        ingot_error error;
        struct ingot_verity_signature s = {0};
        CHECK_FAILS(decode("{\"rootHash\":\"" HASH "\",\"signature\":\"A!\"}", &s, &error),
                    INGOT_E_FORMAT, "its signature");
}
