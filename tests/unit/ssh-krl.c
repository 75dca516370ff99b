/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists by ssh-keygen -k, and lists that it would not write. */
#include "base/cleanup.h"
#include "base/sha256.h"
#include "fixture.h"
#include "format/ssh-krl.h"
#include "os/file.h"
#include "trust/evp.h"

#include <fcntl.h>

static ingot_error error;

/* The certificate of tests/signatures: serial number 1, ID "a key", by the authority there. */
static int open_certificate(struct ingot_sshsig *ret)
{
        _cleanup_fixture_ struct fixture f = {0};
        int r = fixture_open(&f, "data", "data.certified-ed25519.ssh", &error);
        return r < 0 ? r : ingot_sshsig_decode(ingot_buffer_span(&f.signature), ret, &error);
}

static void make_subject(struct ingot_span blob, const struct ingot_ssh_certificate *c,
                         struct ingot_ssh_subject *ret)
{
        uint8_t sha1[INGOT_EVP_DIGEST_MAX];
        size_t size;
        *ret = (struct ingot_ssh_subject){.blob = blob, .certificate = c};
        ingot_sha256_of(blob.data, blob.size, ret->sha256);
        if (ingot_evp_digest(blob, "SHA1", sha1, &size, &error) == 0 && size == sizeof(ret->sha1))
                memcpy(ret->sha1, sha1, size);
}

static bool file_revokes(const char *name, const struct ingot_ssh_subject *s)
{
        _cleanup_free_ uint8_t *data = NULL;
        struct ingot_ssh_krl krl;
        char path[128];
        size_t size;
        snprintf(path, sizeof(path), "tests/signatures/%s", name);
        if (ingot_file_read(AT_FDCWD, test_source(path), 1 << 20, &data, &size, &error) < 0 ||
            ingot_ssh_krl_decode(INGOT_SPAN(data, size), &krl, &error) < 0) {
                test_report(__FILE__, __LINE__, "%s: %s", name, error.text);
                return false;
        }
        return ingot_ssh_krl_revokes(&krl, s);
}

TEST(lists_of_ssh_keygen_revoke_what_they_name)
{
        static const struct {
                const char *list;
                bool key, certificate, authority;
        } lists[] = {{"ssh-keys.krl", true, false, false},
                     {"ssh-sha1.krl", true, false, false},
                     {"ssh-sha256.krl", true, false, false},
                     {"ssh-authority.krl", false, false, true},
                     {"ssh-id.krl", false, true, false},
                     {"ssh-id-of-any.krl", false, true, false},
                     {"ssh-many.krl", false, true, false},
                     {"ssh-other-serials.krl", false, false, false}};
        _cleanup_sshsig_ struct ingot_sshsig s = {0}, plain = {0};
        _cleanup_fixture_ struct fixture f = {0};
        struct ingot_ssh_subject key, certificate, authority;
        CHECK_OK(open_certificate(&s));
        CHECK_OK(fixture_open(&f, "data", "data.ed25519.ssh", &error));
        CHECK_OK(ingot_sshsig_decode(ingot_buffer_span(&f.signature), &plain, &error));
        make_subject(plain.key.blob, NULL, &key);
        make_subject(s.key.blob, &s.certificate, &certificate);
        make_subject(s.certificate.authority.blob, NULL, &authority);
        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
                CHECK_EQ(file_revokes(lists[i].list, &key), lists[i].key);
                CHECK_EQ(file_revokes(lists[i].list, &certificate), lists[i].certificate);
                CHECK_EQ(file_revokes(lists[i].list, &authority), lists[i].authority);
        }
}

TEST(each_kind_of_serial_numbers_ends_where_it_says)
{
        static const struct {
                uint64_t serial;
                bool revoked;
        } serials[] = {
                {0, false},          {1, true},          {2, false},          {3, true},
                {199, true},         {200, false},       {201, false},        {999, false},
                {1000, true},        {1500, true},       {2000, true},        {2001, false},
                {4294967295, false}, {4294967296, true}, {4294967297, false}, {UINT64_MAX, false}};
        _cleanup_sshsig_ struct ingot_sshsig s = {0};
        struct ingot_ssh_subject subject;
        CHECK_OK(open_certificate(&s));
        s.certificate.id = INGOT_SPAN("other", 5);
        make_subject(s.key.blob, &s.certificate, &subject);
        for (size_t i = 0; i < ARRAY_SIZE(serials); i++) {
                s.certificate.serial = serials[i].serial;
                if (file_revokes("ssh-many.krl", &subject) != serials[i].revoked)
                        test_report(__FILE__, __LINE__, "serial number %" PRIu64,
                                    serials[i].serial);
        }
        /* Another authority's certificates have numbers of their own. */
        s.certificate.serial = 1;
        s.certificate.authority.blob = s.key.blob;
        CHECK(!file_revokes("ssh-many.krl", &subject));
        s.certificate.id = INGOT_SPAN("a key", 5);
        CHECK(!file_revokes("ssh-id.krl", &subject));
        CHECK(file_revokes("ssh-id-of-any.krl", &subject));
}

#define HEADER "SSHKRL\n\0\0\0\0\1" ZEROS ZEROS ZEROS "\0\0\0\0\0\0\0\0"
#define ZEROS "\0\0\0\0\0\0\0\0"
#define ED25519 "\0\0\0\x0bssh-ed25519\0\0\0\x20" ZEROS ZEROS ZEROS ZEROS
#define OF_ANY(size, content) "\1\0\0\0" size "\0\0\0\0\0\0\0\0" content
#define LIST(text)                                                                                 \
        {                                                                                          \
                text, sizeof(text) - 1                                                             \
        }

TEST(lists_that_are_none_are_named)
{
        static const struct {
                const char *words;
                int code;
                struct {
                        const char *data;
                        size_t size;
                } list;
        } bad[] = {
                {"no key revocation list", INGOT_E_FORMAT, LIST("SSHKRL\n")},
                {"header", INGOT_E_FORMAT, LIST("SSHKRL\n\0\0\0\0\1" ZEROS ZEROS)},
                {"version 2", INGOT_E_UNSUPPORTED,
                 LIST("SSHKRL\n\0\0\0\0\2" ZEROS ZEROS ZEROS "\0\0\0\0\0\0\0\0")},
                {"a section: malformed", INGOT_E_FORMAT, LIST(HEADER "\2\0\0\0\1")},
                {"a section: malformed", INGOT_E_FORMAT, LIST(HEADER "\2\0\0")},
                {"kind 77", INGOT_E_UNSUPPORTED, LIST(HEADER "\x4d\0\0\0\0")},
                {"signed in itself", INGOT_E_UNSUPPORTED, LIST(HEADER "\4\0\0\0\0\0\0\0\0")},
                {"keys: malformed", INGOT_E_FORMAT, LIST(HEADER "\2\0\0\0\3\0\0\0")},
                {"the SSH key is malformed", INGOT_E_FORMAT, LIST(HEADER "\2\0\0\0\4\0\0\0\0")},
                {"a certificate where a key belongs", INGOT_E_FORMAT,
                 LIST(HEADER
                      "\2\0\0\0\x2a\0\0\0\x26\0\0\0\x20ssh-ed25519-cert-v01@openssh.com\0\0")},
                {"a digest of 19 bytes where 20 belong", INGOT_E_FORMAT,
                 LIST(HEADER "\3\0\0\0\x17\0\0\0\x13" ZEROS ZEROS "\0\0\0")},
                {"a digest of 20 bytes where 32 belong", INGOT_E_FORMAT,
                 LIST(HEADER "\5\0\0\0\x18\0\0\0\x14" ZEROS ZEROS "\0\0\0\0")},
                {"digests of keys: malformed", INGOT_E_FORMAT, LIST(HEADER "\3\0\0\0\2\0\0")},
                {"critical extension \"x\"", INGOT_E_UNSUPPORTED,
                 LIST(HEADER "\xff\0\0\0\x0a\0\0\0\1x\1\0\0\0\0")},
                {"an extension: malformed", INGOT_E_FORMAT,
                 LIST(HEADER "\xff\0\0\0\x0b\0\0\0\1x\0\0\0\0\0!")},
                {"certificates: malformed", INGOT_E_FORMAT, LIST(HEADER "\1\0\0\0\4\0\0\0\0")},
                {"the SSH key is malformed", INGOT_E_FORMAT,
                 LIST(HEADER "\1\0\0\0\x09\0\0\0\1x\0\0\0\0")},
                {"certificates of kind 0x24", INGOT_E_UNSUPPORTED,
                 LIST(HEADER OF_ANY("\x0d", "\x24\0\0\0\0"))},
                {"certificates: malformed", INGOT_E_FORMAT,
                 LIST(HEADER OF_ANY("\x0e", "\x20\0\0\0\1\1"))},
                {"certificates: malformed", INGOT_E_FORMAT,
                 LIST(HEADER OF_ANY("\x0d", "\x20\0\0\0\1"))},
                {"serial number 0", INGOT_E_FORMAT,
                 LIST(HEADER OF_ANY("\x15", "\x20\0\0\0\x08" ZEROS))},
                {"end before they start", INGOT_E_FORMAT,
                 LIST(HEADER OF_ANY("\x1d", "\x21\0\0\0\x10\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1"))},
                {"certificates: malformed", INGOT_E_FORMAT,
                 LIST(HEADER OF_ANY("\x1e", "\x21\0\0\0\x11\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2!"))},
                {"serial number 0", INGOT_E_FORMAT,
                 LIST(HEADER OF_ANY("\x1a", "\x22\0\0\0\x0d" ZEROS "\0\0\0\1\1"))},
                {"serial numbers: malformed", INGOT_E_FORMAT,
                 LIST(HEADER OF_ANY("\x1a", "\x22\0\0\0\x0d\0\0\0\0\0\0\0\1\0\0\0\1\x80"))},
                {"serial numbers: malformed", INGOT_E_FORMAT,
                 LIST(HEADER OF_ANY("\x19", "\x22\0\0\0\x0c\0\0\0\0\0\0\0\1\0\0\0\0"))},
                {"more than 64 bits", INGOT_E_FORMAT,
                 LIST(HEADER OF_ANY("\x1a", "\x22\0\0\0\x0d\xff\xff\xff\xff\xff\xff\xff\xff"
                                            "\0\0\0\1\2"))},
                {"certificates: malformed", INGOT_E_FORMAT,
                 LIST(HEADER OF_ANY("\x11", "\x23\0\0\0\4\0\0\0\1"))},
                {"critical extension \"y\"", INGOT_E_UNSUPPORTED,
                 LIST(HEADER OF_ANY("\x17", "\x39\0\0\0\x0a\0\0\0\1y\1\0\0\0\0"))},
        };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct ingot_ssh_krl krl;
                CHECK_FAILS(ingot_ssh_krl_decode(INGOT_SPAN(bad[i].list.data, bad[i].list.size),
                                                 &krl, &error),
                            bad[i].code, bad[i].words);
        }
}

TEST(what_may_be_passed_over_is)
{
        static const char good[] = HEADER "\xff\0\0\0\x0a\0\0\0\1x\0\0\0\0\0"
                                          "\2\0\0\0\x0b\0\0\0\7\0\0\0\3new"
                                          "\2\0\0\0\x37\0\0\0\x33" ED25519;
        struct ingot_ssh_subject subject;
        struct ingot_ssh_krl krl;
        CHECK_OK(ingot_ssh_krl_decode(INGOT_SPAN(good, sizeof(good) - 1), &krl, &error));
        CHECK_EQ(krl.keys, 2);
        make_subject(INGOT_SPAN(ED25519, 51), NULL, &subject);
        CHECK(ingot_ssh_krl_revokes(&krl, &subject));
        make_subject(INGOT_SPAN("\0\0\0\x0bssh-ed25519\0\0\0\x20" ZEROS ZEROS ZEROS
                                "\0\0\0\0\0\0\0\1",
                                51),
                     NULL, &subject);
        CHECK(!ingot_ssh_krl_revokes(&krl, &subject));
}

TEST(every_cut_list_is_malformed)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        struct ingot_ssh_krl krl;
        CHECK_OK(ingot_file_read(AT_FDCWD, test_source("tests/signatures/ssh-many.krl"), 1 << 20,
                                 &data, &size, &error));
        CHECK_OK(ingot_ssh_krl_decode(INGOT_SPAN(data, size), &krl, &error));
        CHECK_EQ(krl.version, 9);
        CHECK_EQ(krl.authorities, 1);
        for (size_t n = 0; n < size; n++)
                if (n != 44) /* behind the header: a list of nothing */
                        CHECK_EQ(ingot_ssh_krl_decode(INGOT_SPAN(data, n), &krl, &error),
                                 -INGOT_E_FORMAT);
}
