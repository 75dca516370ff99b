/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trust/verifier-kind.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "test.h"

#include <stdlib.h>

#define SSH_KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
#define SHORT_KEY "RWQAAQIDBAUGBwABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

TEST(each_kind_is_recognised_by_its_content)
{
        static const struct {
                const char *text;
                enum ingot_technology want;
        } cases[] = {
                {"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n", INGOT_TECHNOLOGY_OPENPGP},
                {"pub rsa\n-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n", INGOT_TECHNOLOGY_OPENPGP},
                {"\x99\x01\x0d\x04zz", INGOT_TECHNOLOGY_OPENPGP},
                {"\xc6\x33\x06\x11zz", INGOT_TECHNOLOGY_OPENPGP},
                {SSH_KEY " me@there\n", INGOT_TECHNOLOGY_SSH},
                {"# mine\n\n  " SSH_KEY "\r\n", INGOT_TECHNOLOGY_SSH},
                {"me@there namespaces=\"file\" " SSH_KEY "\n", INGOT_TECHNOLOGY_SSH},
                {"Subject: me\n-----BEGIN CERTIFICATE-----\n", INGOT_TECHNOLOGY_X509},
                {"-----BEGIN PUBLIC KEY-----\n", INGOT_TECHNOLOGY_X509},
                {"untrusted comment: minisign public key 0706050403020100\n" SHORT_KEY "\n",
                 INGOT_TECHNOLOGY_MINISIGN},
                {SHORT_KEY, INGOT_TECHNOLOGY_MINISIGN},
                {"untrusted comment: signify public key\n" SHORT_KEY "\n",
                 INGOT_TECHNOLOGY_SIGNIFY},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ingot_error error;
                enum ingot_technology got;
                CHECK_OK(ingot_verifier_recognise(INGOT_SPAN(cases[i].text, strlen(cases[i].text)),
                                                  &got, &error));
                CHECK_STR(ingot_technology_name(got), ingot_technology_name(cases[i].want));
        }
}

TEST(what_is_no_verifier_is_named)
{
        static const struct {
                const char *text, *says;
        } cases[] = {
                {"", "no key or certificate"},
                {"ssh-ed25519 AAAA\n", "no key or certificate"},
                {"ssh-rsa "
                 "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
                 "no key or certificate"},
                {SSH_KEY "\nand more\n", "no key or certificate"},
                {"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "a secret OpenPGP key"},
                {"-----BEGIN OPENSSH PRIVATE KEY-----\n", "a secret SSH key"},
                {"-----BEGIN SSH SIGNATURE-----\n", "an SSH signature"},
                {"untrusted comment: signature from minisign\nRUQ=\n", "a signature"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ingot_error error;
                enum ingot_technology got;
                CHECK_FAILS(ingot_verifier_recognise(
                                    INGOT_SPAN(cases[i].text, strlen(cases[i].text)), &got, &error),
                            INGOT_E_FORMAT, cases[i].says);
        }
}

TEST(a_minisign_key_may_stand_for_a_signify_key_and_nothing_else)
{
        CHECK(ingot_verifier_fits(INGOT_TECHNOLOGY_MINISIGN, INGOT_TECHNOLOGY_SIGNIFY));
        CHECK(ingot_verifier_fits(INGOT_TECHNOLOGY_SIGNIFY, INGOT_TECHNOLOGY_MINISIGN));
        CHECK(ingot_verifier_fits(INGOT_TECHNOLOGY_SSH, INGOT_TECHNOLOGY_SSH));
        CHECK(!ingot_verifier_fits(INGOT_TECHNOLOGY_SSH, INGOT_TECHNOLOGY_MINISIGN));
}

TEST(technologies_have_one_table)
{
        for (int t = 0; t < INGOT_TECHNOLOGY_COUNT; t++) {
                enum ingot_technology back;
                CHECK(ingot_technology_parse(ingot_technology_name(t), &back));
                CHECK_EQ(back, t);
                CHECK(!ingot_technology_suffix_matches(t, ingot_technology_suffix(t)));
        }
        CHECK(ingot_technology_suffix_matches(INGOT_TECHNOLOGY_X509, "a-public-key.pem"));
        CHECK(ingot_technology_suffix_matches(INGOT_TECHNOLOGY_X509, "a-certificate.pem"));
        CHECK(!ingot_technology_suffix_matches(INGOT_TECHNOLOGY_X509, "a.pem"));
}

TEST(base64_goes_there_and_back_and_has_one_form)
{
        static const char *const bad[] = {"A",    "AA",       "AAA",      "AA=",  "A===", "AB==",
                                          "AAB=", "AA==AAAA", "AA==\x01", "AA-_", "====", "AAA=="};
        ingot_error error;
        for (size_t n = 0; n < 50; n++) {
                uint8_t data[50];
                _cleanup_free_ char *text = NULL;
                _cleanup_buffer_ struct ingot_buffer back = {0};
                for (size_t i = 0; i < n; i++)
                        data[i] = (uint8_t) (i * 41 + n);
                CHECK_OK(ingot_base64_encode(INGOT_SPAN(data, n), &text, &error));
                CHECK_OK(ingot_base64_decode(INGOT_SPAN(text, strlen(text)), &back, &error));
                CHECK_EQ(back.size, n);
                CHECK(n == 0 || memcmp(back.data, data, n) == 0);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_buffer_ struct ingot_buffer back = {0};
                CHECK_FAILS(ingot_base64_decode(INGOT_SPAN(bad[i], strlen(bad[i])), &back, &error),
                            INGOT_E_FORMAT, "base64");
                CHECK_EQ(back.size, 0);
        }
}
