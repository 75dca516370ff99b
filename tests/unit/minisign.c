/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signatures made by minisign and signify hold, and nothing that is near to them. */
#include "base/cleanup.h"
#include "fixture.h"
#include "format/minisign.h"
#include "trust/minisign.h"

static ingot_error error;

static const char *const names[] = {"data.minisig", "data.legacy.minisig", "data.sig"};

TEST(what_minisign_and_signify_sign_holds)
{
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_fixture_ struct fixture f = {0};
                CHECK_OK(fixture_key(&f, i < 2 ? "minisign.pub" : "signify.pub", &error));
                CHECK_OK(fixture_open(&f, "data", names[i], &error));
                CHECK_EQ(fixture_verify(&f, &error), 0);
                CHECK_EQ(strlen(f.verdict.items[0].key), 16);
                CHECK_EQ(f.verdict.items[0].technology,
                         i < 2 ? INGOT_TECHNOLOGY_MINISIGN : INGOT_TECHNOLOGY_SIGNIFY);
                if (i < 2)
                        CHECK_STR(f.verdict.items[0].comment, "version 1");
        }
}

TEST(any_changed_byte_of_the_content_is_refused)
{
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_fixture_ struct fixture f = {0};
                CHECK_OK(fixture_key(&f, i < 2 ? "minisign.pub" : "signify.pub", &error));
                CHECK_OK(fixture_open(&f, "data", names[i], &error));
                for (size_t at = 0; at < f.data.size; at++) {
                        f.data.data[at] ^= 1;
                        CHECK_EQ(fixture_verify(&f, &error), 1);
                        CHECK_STR(f.verdict.items[0].reason, "the signature does not match");
                        f.data.data[at] ^= 1;
                }
        }
}

TEST(truncation_and_extension_are_refused)
{
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_fixture_ struct fixture f = {0};
                CHECK_OK(fixture_key(&f, i < 2 ? "minisign.pub" : "signify.pub", &error));
                CHECK_OK(fixture_open(&f, "data", names[i], &error));
                f.data.size--;
                CHECK_EQ(fixture_verify(&f, &error), 1);
                f.data.size++;
                CHECK_OK(ingot_buffer_append(&f.data, "x", 1, &error));
                CHECK_EQ(fixture_verify(&f, &error), 1);
        }
}

TEST(no_changed_byte_of_a_signature_holds_but_in_the_untrusted_comment)
{
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_fixture_ struct fixture f = {0};
                CHECK_OK(fixture_key(&f, i < 2 ? "minisign.pub" : "signify.pub", &error));
                CHECK_OK(fixture_open(&f, "data", names[i], &error));
                size_t end =
                        (size_t) ((uint8_t *) memchr(f.signature.data, '\n', f.signature.size) -
                                  f.signature.data);
                for (size_t at = 0; at < f.signature.size; at++) {
                        uint8_t was = f.signature.data[at];
                        f.signature.data[at] ^= 1;
                        int r = fixture_verify(&f, &error);
                        /* A line may end in CR LF, and the last one needs no end. */
                        if (at >= end && was != '\n' && r == 0)
                                test_report(__FILE__, __LINE__, "%s: byte %zu", names[i], at);
                        f.signature.data[at] = was;
                }
        }
}

TEST(bytes_behind_a_signature_and_cut_ones_are_malformed)
{
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_fixture_ struct fixture f = {0};
                CHECK_OK(fixture_key(&f, i < 2 ? "minisign.pub" : "signify.pub", &error));
                CHECK_OK(fixture_open(&f, "data", names[i], &error));
                size_t size = f.signature.size;
                CHECK_OK(ingot_buffer_append(&f.signature, "more\n", 5, &error));
                CHECK_FAILS(fixture_verify(&f, &error), INGOT_E_FORMAT, "behind the");
                f.signature.size = size - 10;
                CHECK_EQ(fixture_verify(&f, &error), -INGOT_E_FORMAT);
        }
}

TEST(a_key_that_is_not_there_is_said)
{
        _cleanup_fixture_ struct fixture f = {0};
        CHECK_OK(fixture_key(&f, "signify.pub", &error));
        CHECK_OK(fixture_open(&f, "data", "data.minisig", &error));
        CHECK_EQ(fixture_verify(&f, &error), 1);
        CHECK_STR(f.verdict.items[0].reason, "no verifier has its key");
}

TEST(swapped_signatures_are_refused)
{
        _cleanup_fixture_ struct fixture f = {0};
        CHECK_OK(fixture_key(&f, "minisign.pub", &error));
        CHECK_OK(fixture_open(&f, "minisign.pub", "data.minisig", &error));
        CHECK_EQ(fixture_verify(&f, &error), 1);
}

TEST(another_key_with_the_same_number_is_refused)
{
        _cleanup_fixture_ struct fixture f = {0};
        struct ingot_minisign m;
        CHECK_OK(fixture_open(&f, "data", "data.minisig", &error));
        CHECK_OK(fixture_key(&f, "minisign.pub", &error));
        CHECK_OK(ingot_minisign_decode(ingot_buffer_span(&f.signature), &m, &error));
        CHECK(m.prehashed && m.has_comment);
        struct ingot_buffer *key = &f.keys.items[0].content;
        uint8_t *line = memchr(key->data, '\n', key->size);
        line[40] ^= 1;
        CHECK_EQ(fixture_verify(&f, &error), 1);
        CHECK_STR(f.verdict.items[0].reason, "the signature does not match");
}

static int read_zeros(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        (void) context;
        (void) offset;
        (void) reterr;
        memset(ret, 0, size);
        return 0;
}

TEST(a_large_file_must_be_signed_prehashed)
{
        _cleanup_fixture_ struct fixture f = {0};
        struct ingot_reader zeros = {.read_at = read_zeros, .size = INGOT_MINISIGN_WHOLE_MAX + 1};
        CHECK_OK(fixture_key(&f, "signify.pub", &error));
        CHECK_OK(fixture_open(&f, "data", "data.sig", &error));
        f.request.content = &zeros;
        CHECK_FAILS(fixture_verify(&f, &error), INGOT_E_LIMIT, "prehashed");
}
