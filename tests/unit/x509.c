/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signatures made by openssl cms and smime, and which certificates may make them. */
#include "base/cleanup.h"
#include "fixture.h"

static ingot_error error;

/* One signature, the keys, and the reason why it is refused; NULL: it holds. */
struct case_ {
        const char *signature, *keys[3], *reason;
};

static const uint64_t clock_now = 1800000000; /* January 2027 */

static void check_case(const struct case_ *c, uint64_t now)
{
        _cleanup_fixture_ struct fixture f = {.request.now = now};
        for (size_t i = 0; i < ARRAY_SIZE(c->keys) && c->keys[i]; i++)
                CHECK_OK(fixture_key(&f, c->keys[i], &error));
        CHECK_OK(fixture_open(&f, "data", c->signature, &error));
        int r = fixture_verify(&f, &error);
        if (r < 0 || (r > 0) != (c->reason != NULL))
                test_report(__FILE__, __LINE__, "%s with %s: %d (%s)", c->signature, c->keys[0], r,
                            r < 0 ? error.text : f.verdict.items[0].reason);
        else if (c->reason && !strstr(f.verdict.items[0].reason, c->reason))
                test_report(__FILE__, __LINE__, "%s with %s: %s", c->signature, c->keys[0],
                            f.verdict.items[0].reason);
}

TEST(certificates_that_are_named_and_those_of_an_authority_hold)
{
        static const struct case_ cases[] = {
                {"data.signer.p7s", {"x509-signer.pem"}, NULL},
                {"data.signer.p7s", {"ca-certificate.pem"}, NULL},
                {"data.signer.pem", {"ca-certificate.pem"}, NULL},
                {"data.noattr.p7s", {"ca-certificate.pem"}, NULL},
                {"data.nocerts.p7s", {"x509-signer.pem"}, NULL},
                {"data.self.p7s", {"x509-self.pem"}, NULL},
                {"data.smime.p7s", {"x509-self.pem"}, NULL},
                {"data.two.p7s", {"x509-self.pem", "x509-signer.pem"}, NULL},
                {"data.signer.p7s", {"ca-certificate.pem", "crl.pem"}, NULL},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                check_case(&cases[i], clock_now);
}

TEST(what_may_not_sign_is_refused_with_the_reason)
{
        static const struct case_ cases[] = {
                {"data.server.p7s", {"ca-certificate.pem"}, "not for code signing"},
                {"data.server.p7s", {"x509-server.pem"}, "not for code signing"},
                {"data.nosign.p7s", {"x509-nosign.pem"}, "may not sign (key usage)"},
                {"data.self.p7s", {"ca-certificate.pem"}, "no verifier has its certificate"},
                {"data.nocerts.p7s", {"ca-certificate.pem"}, "no verifier has its certificate"},
                {"data.revoked.p7s", {"ca-certificate.pem", "crl.pem"}, "is revoked"},
                {"data.revoked.p7s", {"x509-revoked.pem", "crl.pem"}, "is revoked"},
                {"data.weak.p7s", {"ca-certificate.pem"}, "too weak"},
                {"data.sha1.p7s", {"ca-certificate.pem"}, "digest is weak"},
                {"data.late.p7s", {"ca-certificate.pem"}, "expired"},
                {"data.late.p7s", {"x509-old.pem"}, "expired"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                check_case(&cases[i], clock_now);
}

TEST(a_clock_at_1970_matters_only_where_the_signature_says_no_time)
{
        static const struct case_ signed_time = {"data.signer.p7s", {"ca-certificate.pem"}, NULL};
        static const struct case_ none = {
                "data.noattr.p7s", {"ca-certificate.pem"}, "not yet valid"};
        check_case(&signed_time, 0);
        check_case(&none, 0);
}

TEST(a_certificate_that_expired_after_it_signed_holds)
{
        static const struct case_ c = {"data.old.p7s", {"ca-certificate.pem"}, NULL};
        check_case(&c, clock_now);
}

TEST(a_revocation_counts_without_its_own_date_being_valid)
{
        static const struct case_ c = {
                "data.revoked.p7s", {"ca-certificate.pem", "crl.pem"}, "is revoked"};
        check_case(&c, 0);
        check_case(&c, 4000000000);
}

TEST(changed_cut_and_longer_content_is_refused)
{
        static const char *const names[] = {"data.signer.p7s", "data.noattr.p7s"};
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_fixture_ struct fixture f = {.request.now = clock_now};
                CHECK_OK(fixture_key(&f, "ca-certificate.pem", &error));
                CHECK_OK(fixture_open(&f, "data", names[i], &error));
                for (size_t at = 0; at < f.data.size; at++) {
                        f.data.data[at] ^= 1;
                        CHECK_EQ(fixture_verify(&f, &error), 1);
                        CHECK_STR(f.verdict.items[0].reason, "the signature does not match");
                        f.data.data[at] ^= 1;
                }
                f.data.size--;
                CHECK_EQ(fixture_verify(&f, &error), 1);
                f.data.size++;
                CHECK_OK(ingot_buffer_append(&f.data, "x", 1, &error));
                CHECK_EQ(fixture_verify(&f, &error), 1);
        }
}

TEST(two_signers_are_two)
{
        _cleanup_fixture_ struct fixture f = {.request.now = clock_now, .request.threshold = 2};
        CHECK_OK(fixture_key(&f, "x509-self.pem", &error));
        CHECK_OK(fixture_open(&f, "data", "data.two.p7s", &error));
        CHECK_EQ(fixture_verify(&f, &error), 1);
        CHECK_EQ(f.verdict.holding, 1);
        CHECK_OK(fixture_key(&f, "x509-signer.pem", &error));
        CHECK_EQ(fixture_verify(&f, &error), 0);
        CHECK_EQ(f.verdict.holding, 2);
}

TEST(what_is_not_detached_or_longer_or_cut_is_malformed)
{
        _cleanup_fixture_ struct fixture f = {.request.now = clock_now}, g = {0};
        CHECK_OK(fixture_key(&f, "ca-certificate.pem", &error));
        CHECK_OK(fixture_open(&f, "data", "data.attached.p7s", &error));
        CHECK_FAILS(fixture_verify(&f, &error), INGOT_E_FORMAT, "make it detached");
        CHECK_OK(fixture_key(&g, "ca-certificate.pem", &error));
        CHECK_OK(fixture_open(&g, "data", "data.signer.p7s", &error));
        size_t size = g.signature.size;
        CHECK_OK(ingot_buffer_append(&g.signature, "x", 1, &error));
        CHECK_FAILS(fixture_verify(&g, &error), INGOT_E_FORMAT, "1 bytes behind");
        for (size_t n = 30; n < size; n += 7) {
                g.signature.size = n;
                CHECK_EQ(fixture_verify(&g, &error), -INGOT_E_FORMAT);
        }
}

TEST(no_changed_byte_of_what_is_signed_holds)
{
        _cleanup_fixture_ struct fixture f = {.request.now = clock_now};
        CHECK_OK(fixture_key(&f, "x509-signer.pem", &error));
        CHECK_OK(fixture_open(&f, "data", "data.nocerts.p7s", &error));
        size_t held = 0;
        for (size_t at = 0; at < f.signature.size; at++) {
                f.signature.data[at] ^= 1;
                held += fixture_verify(&f, &error) == 0;
                f.signature.data[at] ^= 1;
        }
        /* The two version numbers, which CMS does not sign. */
        CHECK_EQ(held, 2);
}
