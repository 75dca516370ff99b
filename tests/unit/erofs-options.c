/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format/erofs.h"
#include "test.h"

TEST(compressors_have_names_and_levels)
{
        ingot_error error = {0};
        enum ingot_erofs_compressor c;
        int level;
        CHECK_OK(ingot_erofs_compressor_parse("zstd:19", &c, &level, &error));
        CHECK_EQ(c, INGOT_EROFS_ZSTD);
        CHECK_EQ(level, 19);
        CHECK_OK(ingot_erofs_compressor_parse("lz4", &c, &level, &error));
        CHECK_EQ(c, INGOT_EROFS_LZ4);
        CHECK_EQ(level, 0);
        CHECK_FAILS(ingot_erofs_compressor_parse("zstd:23", &c, &level, &error), INGOT_E_USAGE,
                    "levels 1 to 22");
        CHECK_FAILS(ingot_erofs_compressor_parse("lz4hc:", &c, &level, &error), INGOT_E_USAGE,
                    "levels 1 to 12");
        CHECK_FAILS(ingot_erofs_compressor_parse("lz", &c, &level, &error), INGOT_E_USAGE,
                    "not none, lz4");
}

TEST(a_kernel_without_the_compressor_is_refused)
{
        ingot_error error = {0};
        struct ingot_erofs_options o = {.compressor = INGOT_EROFS_ZSTD};
        CHECK_OK(ingot_erofs_kernel_check(&o, "6.12.57+deb13-cloud-amd64", &error));
        CHECK_OK(ingot_erofs_kernel_check(&o, "6.10.0", &error));
        CHECK_OK(ingot_erofs_kernel_check(&o, "7.0-rc1", &error));
        CHECK_FAILS(ingot_erofs_kernel_check(&o, "6.9.12", &error), INGOT_E_UNSUPPORTED,
                    "zstd: that needs Linux 6.10");
        CHECK_FAILS(ingot_erofs_kernel_check(&o, "x6.12", &error), INGOT_E_FORMAT,
                    "no kernel version");
        o.compressor = INGOT_EROFS_LZ4HC;
        CHECK_OK(ingot_erofs_kernel_check(&o, "6.1.0-41-amd64", &error));
        CHECK_FAILS(ingot_erofs_kernel_check(&o, "5.10.0", &error), INGOT_E_UNSUPPORTED, "lz4hc");
}
