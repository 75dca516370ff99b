/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "test.h"
#include "vm/check.h"

static int feed(struct ingot_check *c, const char *text, ingot_error *reterr)
{
        return ingot_check_feed(c, INGOT_SPAN(text, strlen(text)), reterr);
}

#define PCR4_SHA1 "00112233445566778899aabbccddeeff00112233"
/* FIPS 180-2, appendix B.1 */
#define ABC_SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define PCR4 "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"

static const char good[] = "BdsDxe: loading Boot0001\r\n\x1b[2J\r\n"
                           "ingot-check begin 2\r\n"
                           "ingot-check state running\r\n"
                           "ingot-check target multi-user.target\r\n"
                           "ingot-check target-state active\r\n"
                           "ingot-check kernel 6.12.0-cloud-amd64\r\n"
                           "ingot-check time Firmware 5000000\r\n"
                           "ingot-check time Loader 1500000\r\n"
                           "ingot-check time InitRD 2000000\r\n"
                           "ingot-check time Userspace 3000000\r\n"
                           "ingot-check time Finish 7000000\r\n"
                           "ingot-check pcr sha256 4 " PCR4 "\r\n"
                           "ingot-check pcr sha1 4 " PCR4_SHA1 "\r\n"
                           "ingot-check secure-boot 1\r\n"
                           "ingot-check profile 1\r\n"
                           "ingot-check file firmware-log 3 " ABC_SHA256 "\r\n"
                           "ingot-check data YWJj\r\n"

                           "ingot-check something new\r\n";

TEST(a_good_report_is_healthy)
{
        ingot_error error = {0};
        _cleanup_check_ struct ingot_check c = {0};
        CHECK_OK(feed(&c, good, &error));
        CHECK(!ingot_check_healthy(&c));
        CHECK_OK(feed(&c, "ingot-check end\r\n", &error));
        CHECK(ingot_check_healthy(&c));
        CHECK_STR(c.target, "multi-user.target");
        CHECK_STR(c.kernel, "6.12.0-cloud-amd64");
        CHECK_EQ(c.firmware_usec, 3500000);
        CHECK_EQ(c.loader_usec, 1500000);
        CHECK_EQ(c.kernel_usec, 2000000);
        CHECK_EQ(c.initrd_usec, 1000000);
        CHECK_EQ(c.userspace_usec, 4000000);
        CHECK_EQ(c.pcrs.banks[4], 1U << INGOT_BANK_SHA256 | 1U << INGOT_BANK_SHA1);
        CHECK_EQ(c.pcrs.pcrs[4].value[INGOT_BANK_SHA256][31], 0xef);
        CHECK_EQ(c.pcrs.pcrs[4].value[INGOT_BANK_SHA1][19], 0x33);
        CHECK_EQ(c.pcrs.banks[5], 0U);
        CHECK_EQ(c.profile, 1U);
        CHECK(c.secure_boot);
        CHECK(c.files[INGOT_CHECK_FIRMWARE_LOG].there);
        CHECK_EQ(c.files[INGOT_CHECK_FIRMWARE_LOG].data.size, (size_t) 3);
        CHECK(memcmp(c.files[INGOT_CHECK_FIRMWARE_LOG].data.data, "abc", 3) == 0);
        CHECK(!c.files[INGOT_CHECK_USERSPACE_LOG].there);
}

TEST(bytes_may_come_one_by_one)
{
        ingot_error error = {0};
        _cleanup_check_ struct ingot_check c = {0};
        for (const char *p = good; *p; p++)
                CHECK_OK(ingot_check_feed(&c, INGOT_SPAN(p, 1), &error));
        CHECK_OK(feed(&c, "ingot-check end\n", &error));
        CHECK(ingot_check_healthy(&c));
}

/* The same report with one line more or another. */
static void check_sick(const char *line)
{
        ingot_error error = {0};
        _cleanup_check_ struct ingot_check c = {0};
        CHECK_OK(feed(&c, good, &error));
        CHECK_OK(feed(&c, line, &error));
        CHECK_OK(feed(&c, "ingot-check end\n", &error));
        CHECK(c.ended);
        CHECK(!ingot_check_healthy(&c));
}

TEST(what_went_wrong_makes_it_unhealthy)
{
        check_sick("ingot-check failed nginx.service A web server\n");
        check_sick("ingot-check job dev-sda.device start running\n");
        check_sick("ingot-check state degraded\n");
        check_sick("ingot-check target-state inactive\n");
}

TEST(failed_units_have_their_log)
{
        ingot_error error = {0};
        _cleanup_check_ struct ingot_check c = {0};
        CHECK_OK(feed(&c, "ingot-check begin 2\n"
                          "ingot-check failed a.service The first\n"
                          "ingot-check log one two\n"
                          "ingot-check failed b.service\n"
                          "ingot-check log  three\n"
                          "ingot-check end\n",
                      &error));
        CHECK_EQ(c.failed_count, (size_t) 2);
        CHECK_STR(c.failed[0].name, "a.service");
        CHECK_STR(c.failed[0].description, "The first");
        CHECK_STR(c.failed[0].log.items[0], "one two");
        CHECK_STR(c.failed[1].description, "");
        CHECK_STR(c.failed[1].log.items[0], " three");
}

#define FILE_LINE(size) \
        "ingot-check begin 2\ningot-check file firmware-log " size " " ABC_SHA256 "\n"

TEST(a_report_that_cannot_be_meant_is_refused)
{
        static const struct {
                const char *text, *words;
                int code;
        } cases[] = {
                {"ingot-check state running\n", "outside of the report", INGOT_E_FORMAT},
                {"ingot-check begin 1\n", "version '1'", INGOT_E_UNSUPPORTED},
                {"ingot-check begin 2\ningot-check begin 2\n", "second report", INGOT_E_FORMAT},
                {"ingot-check begin 2\ningot-check pcr sha256 24 " PCR4 "\n", "PCR", INGOT_E_FORMAT},
                {"ingot-check begin 2\ningot-check pcr sha256 1 1234\n", "PCR", INGOT_E_FORMAT},
                {"ingot-check begin 2\ningot-check pcr md5 1 1234\n", "PCR", INGOT_E_FORMAT},
                {"ingot-check begin 2\ningot-check file firmware-log 3 1234\n", "digest",
                 INGOT_E_FORMAT},
                {FILE_LINE("3") "ingot-check file firmware-log 3 " ABC_SHA256 "\n", "digest", INGOT_E_FORMAT},
                {FILE_LINE("3") "ingot-check data ?\n", "base64", INGOT_E_FORMAT},
                {FILE_LINE("2") "ingot-check data YWJj\n", "longer", INGOT_E_FORMAT},
                {FILE_LINE("1048577") "ingot-check data YWJj\n", "longer", INGOT_E_FORMAT},
                {FILE_LINE("4") "ingot-check data YWJj\ningot-check end\n", "as it was sent",
                 INGOT_E_FORMAT},
                {FILE_LINE("3") "ingot-check data YWJk\ningot-check end\n", "as it was sent",
                 INGOT_E_FORMAT},
                {"ingot-check begin 2\ningot-check time Finish soon\n", "time", INGOT_E_FORMAT},
                {"ingot-check begin 2\ningot-check secure-boot on\n", "Secure Boot", INGOT_E_FORMAT},
                {"ingot-check begin 2\ningot-check profile main\n", "profile", INGOT_E_FORMAT},
                {"ingot-check begin 2\ningot-check log x\n", "log line", INGOT_E_FORMAT},
                {"ingot-check begin 2\ningot-check failed\n", "without a name", INGOT_E_FORMAT},
                {"ingot-check begin 2\ningot-check end\ningot-check end\n", "outside",
                 INGOT_E_FORMAT},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ingot_error error = {0};
                _cleanup_check_ struct ingot_check c = {0};
                CHECK_FAILS(feed(&c, cases[i].text, &error), cases[i].code, cases[i].words);
        }
}

TEST(a_log_that_is_too_long_has_no_data)
{
        ingot_error error = {0};
        _cleanup_check_ struct ingot_check c = {0};
        CHECK_OK(feed(&c, FILE_LINE("1048577") "ingot-check file other 3 xyz\n"
                          "ingot-check data passed over\ningot-check end\n",
                      &error));
        CHECK(c.ended && c.files[INGOT_CHECK_FIRMWARE_LOG].there);
        CHECK_EQ(c.files[INGOT_CHECK_FIRMWARE_LOG].data.size, (size_t) 0);
}

TEST(noise_is_bounded)
{
        ingot_error error = {0};
        _cleanup_check_ struct ingot_check c = {0};
        for (int i = 0; i < 100000; i++)
                CHECK_OK(feed(&c, "garbage ", &error));
        CHECK(c.line.allocated < 100000);
        CHECK_OK(feed(&c, "\ningot-check begin 2\n", &error));
        CHECK(c.begun);
        for (int i = 0; i < 1000; i++)
                CHECK_OK(feed(&c, "ingot-check failed a.service\ningot-check job b\n", &error));
        CHECK_EQ(c.failed_count, (size_t) INGOT_CHECK_UNITS_MAX);
        CHECK_EQ(c.jobs.count, (size_t) INGOT_CHECK_UNITS_MAX);
}

TEST(credentials_are_encoded)
{
        ingot_error error = {0};
        _cleanup_strings_ struct ingot_strings s = {0};
        /* RFC 4648, section 10 */
        static const char *const vectors[][2] = {{"", ""},         {"f", "Zg=="},
                                                 {"fo", "Zm8="},   {"foo", "Zm9v"},
                                                 {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
                                                 {"foobar", "Zm9vYmFy"}};
        for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
                char want[128];
                CHECK_OK(ingot_credential_smbios(
                        "x.y", INGOT_SPAN(vectors[i][0], strlen(vectors[i][0])), &s, &error));
                snprintf(want, sizeof(want), "io.systemd.credential.binary:x.y=%s", vectors[i][1]);
                CHECK_STR(s.items[i], want);
        }
        static const char *const bad[] = {"", "a/b", "..", "a b", "a:b"};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                CHECK_FAILS(ingot_credential_smbios(bad[i], INGOT_SPAN("", 0), &s, &error),
                            INGOT_E_USAGE, "not a credential's name");
}

TEST(the_guest_is_asked_by_five_credentials)
{
        ingot_error error = {0};
        _cleanup_strings_ struct ingot_strings s = {0};
        CHECK_OK(ingot_check_smbios(100, &s, &error));
        CHECK_EQ(s.count, (size_t) 5);
        CHECK(ingot_starts_with(s.items[0], "io.systemd.credential.binary:ingot.check=d2FpdD0xMDAK"));
}
