/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which signatures count. */
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"
#include "signer.h"
#include "test.h"
#include "trust/openpgp.h"

#include <time.h>

static ingot_error error;

INGOT_DEFINE_CLEANUP(struct signer, signer_free);

static const char text[] = "Origin: test\nSuite: stable\n- dashes\n\nLast line\n";

/* A keyring file that holds the key of SIGNER. */
static struct ingot_openpgp *keyring_of(struct signer *signer, bool armour)
{
        static unsigned number;
        _cleanup_free_ char *path = NULL;
        struct ingot_openpgp *o = NULL;
        if (!signer ||
            ingot_format(&path, &error, "%s/key%u", test_folder(), number++) < 0 ||
            !signer_export(signer, path, armour) ||
            ingot_openpgp_open(&o, (const char *const[]){path}, 1, &error) < 0)
                return NULL;
        return o;
}

static int verify(struct ingot_openpgp *o, const struct ingot_buffer *document,
                  struct ingot_buffer *ret)
{
        struct ingot_openpgp_signer signer;
        return ingot_openpgp_verify_clear(o, ingot_buffer_span(document), ret, &signer, &error);
}

TEST(a_good_signature_yields_the_text_and_the_fingerprint)
{
        for (int armour = 0; armour < 2; armour++) {
                _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
                _cleanup_(ingot_openpgp_close_p) struct ingot_openpgp *o = keyring_of(s, armour);
                _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
                struct ingot_openpgp_signer who;
                CHECK(o);
                CHECK(signer_clear(s, text, "SHA512", &document));
                CHECK_OK(ingot_openpgp_verify_clear(o, ingot_buffer_span(&document), &got, &who,
                                                    &error));
                CHECK(got.size + 1 >= strlen(text));
                CHECK_EQ(memcmp(got.data, text, strlen(text) - 1), 0);
                CHECK_EQ(strlen(who.fingerprint), 40);
                CHECK(who.created > 1600000000);
        }
}

TEST(words_outside_the_signature_are_not_part_of_the_text)
{
        _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
        _cleanup_(ingot_openpgp_close_p) struct ingot_openpgp *o = keyring_of(s, false);
        _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
        CHECK(o);
        CHECK(signer_clear(s, text, "SHA256", &document));
        CHECK_OK(ingot_buffer_append(&document, "SHA256: evil\n", 13, &error));
        if (verify(o, &document, &got) == 0)
                CHECK(!memmem(got.data, got.size, "evil", 4));
}

TEST(a_changed_text_is_refused)
{
        _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
        _cleanup_(ingot_openpgp_close_p) struct ingot_openpgp *o = keyring_of(s, false);
        _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
        CHECK(o);
        CHECK(signer_clear(s, text, "SHA256", &document));
        uint8_t *word = memmem(document.data, document.size, "stable", 6);
        CHECK(word);
        word[0] = 'S';
        CHECK_FAILS(verify(o, &document, &got), INGOT_E_REFUSED, "does not match");
        CHECK_EQ(got.size, 0);
}

TEST(a_key_that_is_not_in_the_keyring_does_not_count)
{
        _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
        _cleanup_(signer_free_p) struct signer *other = signer_new(&(struct signer_options){0});
        _cleanup_(ingot_openpgp_close_p) struct ingot_openpgp *o = keyring_of(other, false);
        _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
        CHECK(o && s);
        CHECK(signer_clear(s, text, "SHA256", &document));
        CHECK_FAILS(verify(o, &document, &got), INGOT_E_REFUSED, "not in the keyring");
}

TEST(an_expired_key_does_not_count)
{
        uint64_t then = (uint64_t) time(NULL) - 100000;
        struct signer_options options = {.created = then, .lifetime = 1000};
        _cleanup_(signer_free_p) struct signer *s = signer_new(&options);
        _cleanup_(ingot_openpgp_close_p) struct ingot_openpgp *o = keyring_of(s, false);
        _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
        CHECK(o);
        CHECK(signer_clear(s, text, "SHA256", &document));
        CHECK_FAILS(verify(o, &document, &got), INGOT_E_REFUSED, "expired");
}

TEST(a_revoked_key_does_not_count)
{
        _cleanup_(signer_free_p) struct signer *s =
                signer_new(&(struct signer_options){.revoked = false});
        _cleanup_(signer_free_p) struct signer *r =
                signer_new(&(struct signer_options){.revoked = true});
        _cleanup_(ingot_openpgp_close_p) struct ingot_openpgp *o = keyring_of(r, false);
        _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
        CHECK(o && s);
        if (!signer_clear(r, text, "SHA256", &document))
                SKIP("librnp signs with no revoked key");
        CHECK_FAILS(verify(o, &document, &got), INGOT_E_REFUSED, "revoked");
}

TEST(a_weak_digest_does_not_count)
{
        _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
        _cleanup_(ingot_openpgp_close_p) struct ingot_openpgp *o = keyring_of(s, false);
        _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
        CHECK(o);
        if (!signer_clear(s, text, "SHA1", &document))
                SKIP("librnp signs with no SHA-1");
        CHECK_FAILS(verify(o, &document, &got), INGOT_E_REFUSED, "weak");
}

TEST(a_detached_signature_is_checked)
{
        _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
        _cleanup_(ingot_openpgp_close_p) struct ingot_openpgp *o = keyring_of(s, false);
        _cleanup_buffer_ struct ingot_buffer signature = {0};
        struct ingot_openpgp_signer who;
        CHECK(o);
        CHECK(signer_detached(s, text, "SHA256", &signature));
        CHECK_OK(ingot_openpgp_verify_detached(o, INGOT_SPAN(text, strlen(text)),
                                               ingot_buffer_span(&signature), &who, &error));
        CHECK_FAILS(ingot_openpgp_verify_detached(o, INGOT_SPAN(text, strlen(text) - 1),
                                                  ingot_buffer_span(&signature), &who, &error),
                    INGOT_E_REFUSED, "does not match");
        CHECK_FAILS(ingot_openpgp_verify_detached(o, INGOT_SPAN(text, strlen(text)),
                                                  INGOT_SPAN("nonsense", 8), &who, &error),
                    INGOT_E_FORMAT, "no signature");
}

TEST(what_is_no_keyring_and_no_document_is_malformed)
{
        struct ingot_openpgp *o = NULL;
        _cleanup_free_ char *path = NULL, *missing = NULL;
        _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
        _cleanup_(ingot_openpgp_close_p) struct ingot_openpgp *good = keyring_of(s, false);
        _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
        CHECK_OK(ingot_format(&path, &error, "%s/nokeys", test_folder()));
        CHECK_OK(ingot_format(&missing, &error, "%s/missing", test_folder()));
        CHECK_OK(ingot_outfile_put(path, "hello", 5, 0644, &error));
        CHECK_FAILS(ingot_openpgp_open(&o, (const char *const[]){path}, 1, &error), INGOT_E_FORMAT,
                    "holds no OpenPGP key");
        CHECK_FAILS(ingot_openpgp_open(&o, (const char *const[]){missing}, 1, &error),
                    INGOT_E_NOTFOUND, "missing");
        CHECK_OK(ingot_buffer_append(&document, text, strlen(text), &error));
        CHECK_FAILS(verify(good, &document, &got), INGOT_E_FORMAT, "not a clear-signed");
}
