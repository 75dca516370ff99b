/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format/sbat.h"
#include "test.h"

static int decode(const char *text, struct ingot_sbat *ret, ingot_error *reterr)
{
        return ingot_sbat_decode(INGOT_SPAN(text, strlen(text)), ret, reterr);
}

TEST(components_and_generations_are_read)
{
        ingot_error error = {0};
        _cleanup_sbat_ struct ingot_sbat s = {0};
        CHECK_OK(decode("sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim\r\n"
                        "systemd-stub,12,The systemd Developers,systemd,262,https://systemd.io/\n"
                        "\nuki,1",
                        &s, &error));
        CHECK_EQ(s.count, 3);
        CHECK_STR(s.items[1].name, "systemd-stub");
        CHECK_EQ(s.items[1].generation, 12);
        CHECK_STR(s.items[2].name, "uki");
}

TEST(what_follows_a_nul_does_not_count)
{
        ingot_error error = {0};
        _cleanup_sbat_ struct ingot_sbat s = {0};
        CHECK_OK(ingot_sbat_decode(INGOT_SPAN("a,1\n\0garbage", 12), &s, &error));
        CHECK_EQ(s.count, 1);
        CHECK_OK(ingot_sbat_decode(INGOT_SPAN(NULL, 0), &(struct ingot_sbat){0}, &error));
}

TEST(lines_that_say_no_generation_are_refused)
{
        static const char *const bad[] = {"sbat,1\nuki\n",   "sbat,1\nuki,\n",
                                          "sbat,1\nuki,0\n", "sbat,1\n,1\n",
                                          "sbat,1\nuki,x\n", "sbat,1\nuki,18446744073709551616\n"};
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                ingot_error error;
                struct ingot_sbat s = {0};
                CHECK_FAILS(decode(bad[i], &s, &error), INGOT_E_FORMAT, "line 2");
        }
}

TEST(an_older_generation_is_refused_by_name)
{
        ingot_error error = {0};
        _cleanup_sbat_ struct ingot_sbat image = {0}, low = {0}, high = {0};
        CHECK_OK(decode("sbat,1\nshim,3\nshim.debian,1\n", &image, &error));
        CHECK_OK(decode("sbat,1,2023012900\nshim,3\ngrub,4\n", &low, &error));
        CHECK_OK(decode("sbat,1,2024040900\nshim,4\n", &high, &error));
        CHECK_OK(ingot_sbat_check(&image, &low, &error));
        CHECK_FAILS(ingot_sbat_check(&image, &high, &error), INGOT_E_REFUSED,
                    "shim is of generation 3, revoked below 4");
}
