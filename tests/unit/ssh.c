/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signatures made by ssh-keygen -Y sign, and who may sign. */
#include "base/cleanup.h"
#include "fixture.h"
#include "format/sshsig.h"
#include "os/file.h"

static ingot_error error;

/* 0 holds; the reason of a refusal must hold WORDS. */
static int ask(struct fixture *f, const char *words)
{
        int r = fixture_verify(f, &error);
        if (r < 0) {
                test_report(__FILE__, __LINE__, "%s", error.text);
        } else if (r > 0) {
                const char *reason = f->verdict.items[0].reason;
                if (!words || !reason || !strstr(reason, words))
                        test_report(__FILE__, __LINE__, "'%s' does not say '%s'", reason,
                                    words ? words : "nothing");
        }
        return r;
}

TEST(each_kind_of_key_holds)
{
        static const char *const kinds[] = {"ed25519", "rsa", "ecdsa-256", "ecdsa-384",
                                            "ecdsa-521"};
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                _cleanup_fixture_ struct fixture f = {0};
                char key[64], signature[64];
                snprintf(key, sizeof(key), "ssh-%s.pub", kinds[i]);
                snprintf(signature, sizeof(signature), "data.%s.ssh", kinds[i]);
                CHECK_OK(fixture_key(&f, key, &error));
                CHECK_OK(fixture_open(&f, "data", signature, &error));
                CHECK_EQ(ask(&f, NULL), 0);
                CHECK_STR(f.verdict.items[0].signer, kinds[i]);
                CHECK(strncmp(f.verdict.items[0].key, "SHA256:", 7) == 0);
                for (size_t at = 0; at < f.data.size; at++) {
                        f.data.data[at] ^= 0x80;
                        CHECK_EQ(ask(&f, "does not match"), 1);
                        f.data.data[at] ^= 0x80;
                }
                f.data.size--;
                CHECK_EQ(ask(&f, "does not match"), 1);
        }
}

TEST(sha256_holds_too)
{
        _cleanup_fixture_ struct fixture f = {0};
        CHECK_OK(fixture_key(&f, "ssh-ed25519.pub", &error));
        CHECK_OK(fixture_open(&f, "data", "data.sha256.ssh", &error));
        CHECK_EQ(ask(&f, NULL), 0);
}

static void change_each_byte(const char *key, const char *signature)
{
        _cleanup_fixture_ struct fixture f = {0};
        CHECK_OK(fixture_key(&f, key, &error));
        CHECK_OK(fixture_open(&f, "data", signature, &error));
        CHECK_EQ(ask(&f, NULL), 0);
        for (size_t at = 0; at < f.signature.size; at++) {
                uint8_t was = f.signature.data[at];
                f.signature.data[at] ^= 1;
                /* Line ends are no part of base64. */
                if (was != '\n' && fixture_verify(&f, &error) == 0)
                        test_report(__FILE__, __LINE__, "%s: byte %zu", signature, at);
                f.signature.data[at] = was;
        }
}

TEST(no_changed_byte_of_a_signature_holds)
{
        change_each_byte("ssh-ed25519.pub", "data.ed25519.ssh");
        change_each_byte("ssh-rsa.pub", "data.rsa.ssh");
        change_each_byte("ssh-ecdsa-256.pub", "data.ecdsa-256.ssh");
}

TEST(no_changed_byte_of_a_signature_by_a_certificate_holds)
{
        change_each_byte("ssh-authorities", "data.certified-ed25519.ssh");
        change_each_byte("ssh-authorities", "data.certified-rsa.ssh");
}

TEST(a_certificate_counts_by_its_authority_and_for_its_principals)
{
        _cleanup_fixture_ struct fixture f = {0}, g = {0};
        CHECK_OK(fixture_key(&f, "ssh-authorities", &error));
        CHECK_OK(fixture_open(&f, "data", "data.certified-ed25519.ssh", &error));
        CHECK_EQ(ask(&f, NULL), 0);
        CHECK_STR(f.verdict.items[0].signer, "certified@example.org");
        CHECK(strstr(f.verdict.items[0].comment, "certificate \"a key\", serial 1"));
        f.request.identity = "certified@example.org";
        CHECK_EQ(ask(&f, NULL), 0);
        f.request.identity = "other"; /* the certificate has it, but the authority may not say it */
        CHECK_EQ(ask(&f, "another signer's"), 1);
        CHECK_OK(fixture_key(&g, "allowed-signers", &error));
        CHECK_OK(fixture_open(&g, "data", "data.certified-ed25519.ssh", &error));
        CHECK_EQ(ask(&g, "no verifier has its key"), 1);
}

/* Adds NAME of tests/signatures as what is revoked. */
static int add_revoked(struct fixture *f, const char *name)
{
        char path[128];
        snprintf(path, sizeof(path), "tests/signatures/%s", name);
        return ingot_key_files_add_revoked(&f->keys, test_source(path), &error);
}

TEST(what_is_revoked_is_refused)
{
        static const struct {
                const char *list, *words;
        } lists[] = {{"ssh-id.krl", "its certificate is revoked"},
                     {"ssh-many.krl", "its certificate is revoked"},
                     {"ssh-authority.krl", "the authority of its certificate is revoked"}};
        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
                _cleanup_fixture_ struct fixture f = {0};
                CHECK_OK(fixture_key(&f, "ssh-authorities", &error));
                CHECK_OK(fixture_open(&f, "data", "data.certified-ed25519.ssh", &error));
                CHECK_OK(add_revoked(&f, "ssh-other-serials.krl"));
                CHECK_EQ(ask(&f, NULL), 0);
                CHECK_OK(add_revoked(&f, lists[i].list));
                CHECK_EQ(ask(&f, lists[i].words), 1);
        }
        _cleanup_fixture_ struct fixture f = {0}, g = {0};
        CHECK_OK(fixture_key(&f, "ssh-ed25519.pub", &error));
        CHECK_OK(fixture_key(&f, "ssh-sha256.krl", &error)); /* recognised among the keys */
        CHECK_OK(fixture_open(&f, "data", "data.ed25519.ssh", &error));
        CHECK_EQ(ask(&f, "its key is revoked"), 1);
        CHECK_OK(fixture_key(&g, "ssh-ed25519.pub", &error));
        CHECK_OK(add_revoked(&g, "ssh-rsa.pub")); /* and allowed by nothing */
        CHECK_OK(fixture_open(&g, "data", "data.rsa.ssh", &error));
        CHECK_EQ(ask(&g, "no verifier has its key"), 1);
}

TEST(files_that_revoke_nothing_are_named)
{
        static const char none[] = "no revocation list of OpenSSH, no CRL, and no SSH keys";
        static const char *const bad[][2] = {{"data", none},
                                             {"minisign.pub", none},
                                             {"x509-signer.pem", none},
                                             {"data.sig", none},
                                             {"ssh-authorities", "line 1: principals or options"}};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_fixture_ struct fixture f = {0};
                CHECK_FAILS(add_revoked(&f, bad[i][0]), INGOT_E_FORMAT, bad[i][1]);
        }
}

TEST(a_short_rsa_key_is_weak)
{
        _cleanup_fixture_ struct fixture f = {0};
        CHECK_OK(fixture_key(&f, "ssh-rsa-1024.pub", &error));
        CHECK_OK(fixture_open(&f, "data", "data.rsa-1024.ssh", &error));
        CHECK_EQ(ask(&f, "weak"), 1);
}

TEST(the_namespace_must_be_the_purpose_and_context)
{
        _cleanup_fixture_ struct fixture f = {0}, g = {0};
        CHECK_OK(fixture_key(&f, "ssh-ed25519.pub", &error));
        CHECK_OK(fixture_open(&f, "data", "data.image.ssh", &error));
        CHECK_EQ(ask(&f, "it is for namespace \"image/default\", not \"file\""), 1);
        f.request.purpose = "image";
        CHECK_EQ(ask(&f, NULL), 0);
        f.request.context = "core";
        CHECK_EQ(ask(&f, "not \"image/core\""), 1);
        CHECK_OK(fixture_key(&g, "ssh-ed25519.pub", &error));
        CHECK_OK(fixture_open(&g, "data", "data.ed25519.ssh", &error));
        g.request.purpose = "image";
        CHECK_EQ(ask(&g, "it is for namespace \"file\""), 1);
}

TEST(allowed_signers_limit_time_namespace_and_principal)
{
        _cleanup_fixture_ struct fixture f = {0};
        CHECK_OK(fixture_key(&f, "allowed-signers", &error));
        CHECK_OK(fixture_open(&f, "data", "data.ed25519.ssh", &error));
        f.request.now = 1763800000;
        CHECK_EQ(ask(&f, NULL), 0);
        CHECK_STR(f.verdict.items[0].signer, "*@example.org,!mallory@example.org");
        f.request.identity = "alice@example.org";
        CHECK_EQ(ask(&f, NULL), 0);
        f.request.identity = "mallory@example.org";
        CHECK_EQ(ask(&f, "another signer's"), 1);
        f.request.identity = NULL;
        f.request.now = 0;
        CHECK_EQ(ask(&f, "not valid yet"), 1);
        f.request.now = 1900000000;
        CHECK_EQ(ask(&f, "not valid any more"), 1);
}

TEST(an_authority_signs_nothing_itself)
{
        _cleanup_fixture_ struct fixture f = {0};
        CHECK_OK(fixture_key(&f, "allowed-signers", &error));
        CHECK_OK(fixture_open(&f, "data", "data.rsa.ssh", &error));
        CHECK_EQ(ask(&f, "authority"), 1);
}

TEST(a_key_that_is_not_there_is_said)
{
        _cleanup_fixture_ struct fixture f = {0};
        CHECK_OK(fixture_key(&f, "ssh-rsa.pub", &error));
        CHECK_OK(fixture_open(&f, "data", "data.ed25519.ssh", &error));
        CHECK_EQ(ask(&f, "no verifier has its key"), 1);
}

TEST(bytes_behind_a_signature_and_cut_ones_are_malformed)
{
        _cleanup_fixture_ struct fixture f = {0};
        CHECK_OK(fixture_key(&f, "ssh-ed25519.pub", &error));
        CHECK_OK(fixture_open(&f, "data", "data.ed25519.ssh", &error));
        size_t size = f.signature.size;
        CHECK_OK(ingot_buffer_append(&f.signature, "more\n", 5, &error));
        CHECK_FAILS(fixture_verify(&f, &error), INGOT_E_FORMAT, "behind the signature");
        for (size_t n = 40; n < size - 1; n++) {
                f.signature.size = n;
                CHECK_EQ(fixture_verify(&f, &error), -INGOT_E_FORMAT);
        }
}

static int next(const char *text, struct ingot_ssh_signer *ret)
{
        struct ingot_span left = INGOT_SPAN(text, strlen(text));
        unsigned line = 0;
        return ingot_ssh_signers_next(&left, &line, ret, &error);
}

TEST(malformed_lines_of_signers_are_named)
{
        static const char key[] =
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx0AfcKTXmLjrqWJbSYwSbNmMrLTDi4eNkCdMRWbZvS";
        static const struct {
                const char *before, *words;
        } bad[] = {{"a@b nonsense ", "no option of a signer"},
                   {"a@b valid-after=\"2020\" ", "no option of a signer"},
                   {"a@b namespaces ", "no option of a signer"},
                   {"a@b cert-authority,,cert-authority ", "no option of a signer"},
                   {"a@b valid-after=\"20201345\" ", "no option of a signer"}};
        _cleanup_free_ char *good = NULL;
        _cleanup_ssh_signer_ struct ingot_ssh_signer s = {0};
        CHECK_OK(ingot_format(&good, &error, "\n# x\n\"a b\" %s c d \n", key));
        CHECK_EQ(next(good, &s), 1);
        CHECK_EQ(s.principals.size, 3);
        CHECK_EQ(s.comment.size, 3);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_free_ char *text = NULL;
                struct ingot_ssh_signer none;
                CHECK_OK(ingot_format(&text, &error, "%s%s", bad[i].before, key));
                CHECK_FAILS(next(text, &none), INGOT_E_FORMAT, bad[i].words);
        }
}

static bool matches(const char *patterns, const char *text)
{
        return ingot_ssh_patterns_match(INGOT_SPAN(patterns, strlen(patterns)),
                                        INGOT_SPAN(text, strlen(text)));
}

TEST(patterns_are_those_of_ssh)
{
        CHECK(matches("*", "x") && matches("a*c", "abc") && matches("a?c", "abc"));
        CHECK(matches("x,a*", "abc") && !matches("a*,!abc", "abc") && !matches("!abc", "x"));
        CHECK(!matches("", "x") && !matches("a", "ab") && matches("*b*b", "abab"));
}
