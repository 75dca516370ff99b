/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which OpenPGP signatures count. */
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"
#include "signer.h"
#include "test.h"
#include "trust/openpgp-holder.h"
#include "trust/openpgp.h"
#include "trust/signature.h"

#include <time.h>

static ingot_error error;

INGOT_DEFINE_CLEANUP(struct signer, signer_free);

static const char text[] = "Origin: test\nSuite: stable\n- dashes\n\nLast line\n";

/* A file with the key of SIGNER. */
static bool add_key(struct ingot_key_files *keys, struct signer *signer, bool armour)
{
        static unsigned number;
        _cleanup_free_ char *path = NULL;
        return signer && ingot_format(&path, &error, "%s/key%u", test_folder(), number++) == 0 &&
               signer_export(signer, path, armour) && ingot_key_files_add(keys, path, &error) == 0;
}

static struct ingot_signature_request request(const struct ingot_key_files *keys)
{
        return (struct ingot_signature_request){.keys = keys, .now = (uint64_t) time(NULL)};
}

/* The one judgement over DOCUMENT: 0 holds, 1 refused. */
static int verify(const struct ingot_key_files *keys, const struct ingot_buffer *document,
                  struct ingot_buffer *ret, struct ingot_verdict *v)
{
        struct ingot_signature_request q = request(keys);
        return ingot_signature_verify_inside(&q, ingot_buffer_span(document), ret, v, &error);
}

static int verify_detached(const struct ingot_key_files *keys, const char *content, size_t size,
                           struct ingot_span signature, struct ingot_verdict *v)
{
        struct ingot_span span = INGOT_SPAN(content, size);
        struct ingot_reader reader = ingot_reader_of_span(&span);
        struct ingot_signature_request q = request(keys);
        struct ingot_signature_file file = {"signature", signature};
        q.content = &reader;
        return ingot_signature_verify(&q, &file, 1, v, &error);
}

/* Signed by OPTIONS' key, which is known, with HASH: what is the reason? */
static void check_refused(const struct signer_options *options, const char *hash, const char *words)
{
        _cleanup_(signer_free_p) struct signer *s = signer_new(options);
        _cleanup_key_files_ struct ingot_key_files keys = {0};
        _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
        _cleanup_verdict_ struct ingot_verdict v = {0};
        CHECK(add_key(&keys, s, false));
        if (!signer_clear(s, text, hash, &document))
                SKIP("librnp does not sign so");
        CHECK_EQ(verify(&keys, &document, &got, &v), 1);
        CHECK_EQ(v.count, 1);
        CHECK(v.items[0].reason && strstr(v.items[0].reason, words));
        CHECK_EQ(got.size, 0);
        CHECK_FAILS(ingot_verdict_error(&v, &error), INGOT_E_REFUSED, words);
}

TEST(a_good_signature_yields_the_text_and_the_fingerprint)
{
        for (int armour = 0; armour < 2; armour++) {
                _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
                _cleanup_key_files_ struct ingot_key_files keys = {0};
                _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
                _cleanup_verdict_ struct ingot_verdict v = {0};
                CHECK(add_key(&keys, s, armour));
                CHECK(signer_clear(s, text, "SHA512", &document));
                CHECK_OK(verify(&keys, &document, &got, &v));
                CHECK(got.size + 1 >= strlen(text));
                CHECK_EQ(memcmp(got.data, text, strlen(text) - 1), 0);
                CHECK_EQ(v.holding, 1);
                CHECK_EQ(strlen(v.items[0].key), 40);
                CHECK_STR(v.items[0].signer, "Test archive");
                CHECK(v.items[0].verifier == &keys.items[0]);
                CHECK(v.items[0].created > 1600000000);
        }
}

TEST(words_outside_of_the_signed_text_are_refused)
{
        _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
        _cleanup_key_files_ struct ingot_key_files keys = {0};
        _cleanup_buffer_ struct ingot_buffer document = {0}, before = {0}, head = {0}, got = {0};
        struct ingot_verdict v;
        CHECK(add_key(&keys, s, false));
        CHECK(signer_clear(s, text, "SHA256", &document));
        CHECK_OK(ingot_buffer_append(&before, "SHA256: evil\n", 13, &error));
        CHECK_OK(ingot_buffer_append(&before, document.data, document.size, &error));
        CHECK_FAILS(verify(&keys, &before, &got, &v), INGOT_E_FORMAT, "not a clear-signed");
        size_t first = (size_t) ((uint8_t *) memchr(document.data, '\n', document.size) + 1 -
                                 document.data);
        CHECK_OK(ingot_buffer_append(&head, document.data, first, &error));
        CHECK_OK(ingot_buffer_append(&head, "SHA256: evil\n", 13, &error));
        CHECK_OK(ingot_buffer_append(&head, document.data + first, document.size - first, &error));
        CHECK_FAILS(verify(&keys, &head, &got, &v), INGOT_E_FORMAT, "before the signed text");
        CHECK_OK(ingot_buffer_append(&document, "SHA256: evil\n", 13, &error));
        CHECK_FAILS(verify(&keys, &document, &got, &v), INGOT_E_FORMAT, "behind the signature");
        CHECK_EQ(got.size, 0);
}

TEST(a_changed_text_is_refused)
{
        _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
        _cleanup_key_files_ struct ingot_key_files keys = {0};
        _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
        _cleanup_verdict_ struct ingot_verdict v = {0};
        CHECK(add_key(&keys, s, false));
        CHECK(signer_clear(s, text, "SHA256", &document));
        uint8_t *word = memmem(document.data, document.size, "stable", 6);
        CHECK(word);
        word[0] = 'S';
        CHECK_EQ(verify(&keys, &document, &got, &v), 1);
        CHECK_FAILS(ingot_verdict_error(&v, &error), INGOT_E_REFUSED, "does not match");
        CHECK_EQ(got.size, 0);
}

TEST(a_key_that_no_verifier_has_does_not_count)
{
        _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
        _cleanup_(signer_free_p) struct signer *other = signer_new(&(struct signer_options){0});
        _cleanup_key_files_ struct ingot_key_files keys = {0};
        _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
        _cleanup_verdict_ struct ingot_verdict v = {0};
        CHECK(s && add_key(&keys, other, false));
        CHECK(signer_clear(s, text, "SHA256", &document));
        CHECK_EQ(verify(&keys, &document, &got, &v), 1);
        CHECK_FAILS(ingot_verdict_error(&v, &error), INGOT_E_REFUSED, "no verifier has its key");
}

TEST(a_key_that_was_expired_when_it_signed_does_not_count)
{
        check_refused(&(struct signer_options){.created = (uint64_t) time(NULL) - 100000,
                                               .lifetime = 1000,
                                               .signs = (uint64_t) time(NULL) - 50000},
                      "SHA256", "expired when it signed");
}

TEST(a_key_that_expired_after_it_signed_counts)
{
        struct signer_options options = {.created = (uint64_t) time(NULL) - 100000,
                                         .lifetime = 1000};
        _cleanup_(signer_free_p) struct signer *s = signer_new(&options);
        _cleanup_key_files_ struct ingot_key_files keys = {0};
        _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
        _cleanup_verdict_ struct ingot_verdict v = {0};
        CHECK(add_key(&keys, s, false));
        CHECK(signer_clear(s, text, "SHA256", &document));
        CHECK_EQ(verify(&keys, &document, &got, &v), 0);
}

TEST(a_revoked_key_does_not_count)
{
        check_refused(&(struct signer_options){.revoked = true}, "SHA256", "revoked");
}

TEST(a_weak_digest_does_not_count)
{
        check_refused(&(struct signer_options){0}, "SHA1", "weak");
}

TEST(a_clock_at_1970_does_not_matter)
{
        _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
        _cleanup_key_files_ struct ingot_key_files keys = {0};
        _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
        _cleanup_verdict_ struct ingot_verdict v = {0};
        CHECK(add_key(&keys, s, false));
        CHECK(signer_clear(s, text, "SHA256", &document));
        struct ingot_signature_request q = request(&keys);
        q.now = 0;
        CHECK_EQ(ingot_signature_verify_inside(&q, ingot_buffer_span(&document), &got, &v, &error),
                 0);
}

TEST(a_detached_signature_is_checked)
{
        _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
        _cleanup_key_files_ struct ingot_key_files keys = {0};
        _cleanup_buffer_ struct ingot_buffer signature = {0};
        _cleanup_verdict_ struct ingot_verdict good = {0}, cut = {0};
        struct ingot_verdict none;
        CHECK(add_key(&keys, s, false));
        CHECK(signer_detached(s, text, "SHA256", &signature));
        CHECK_OK(verify_detached(&keys, text, strlen(text), ingot_buffer_span(&signature), &good));
        CHECK_EQ(good.holding, 1);
        CHECK_STR(good.items[0].signature, "signature");
        CHECK_EQ(
                verify_detached(&keys, text, strlen(text) - 1, ingot_buffer_span(&signature), &cut),
                1);
        CHECK_FAILS(ingot_verdict_error(&cut, &error), INGOT_E_REFUSED, "does not match");
        CHECK_FAILS(verify_detached(&keys, text, strlen(text), INGOT_SPAN("nonsense", 8), &none),
                    INGOT_E_FORMAT, "no signature that ingot knows");
        CHECK_FAILS(
                verify_detached(&keys, text, strlen(text), INGOT_SPAN(signature.data, 20), &none),
                INGOT_E_FORMAT, "no signature");
}

TEST(two_signers_are_two_and_one_twice_is_one)
{
        _cleanup_(signer_free_p) struct signer *a = signer_new(&(struct signer_options){0});
        _cleanup_(signer_free_p) struct signer *b = signer_new(&(struct signer_options){0});
        _cleanup_key_files_ struct ingot_key_files keys = {0};
        _cleanup_buffer_ struct ingot_buffer by_a = {0}, by_b = {0};
        CHECK(add_key(&keys, a, false) && add_key(&keys, b, true));
        CHECK(signer_detached(a, text, "SHA256", &by_a) &&
              signer_detached(b, text, "SHA256", &by_b));
        struct ingot_span content = INGOT_SPAN(text, strlen(text));
        struct ingot_reader reader = ingot_reader_of_span(&content);
        struct ingot_signature_request q = request(&keys);
        q.content = &reader;
        q.threshold = 2;
        for (int same = 0; same < 2; same++) {
                _cleanup_verdict_ struct ingot_verdict v = {0};
                struct ingot_signature_file files[] = {
                        {"a", ingot_buffer_span(&by_a)},
                        {"b", ingot_buffer_span(same ? &by_a : &by_b)}};
                CHECK_EQ(ingot_signature_verify(&q, files, 2, &v, &error), same);
                CHECK_EQ(v.holding, 2 - same);
                if (same)
                        CHECK_FAILS(ingot_verdict_error(&v, &error), INGOT_E_REFUSED,
                                    "1 of 2 signatures hold");
        }
}

static int answer(void *context, const char *what, char *ret, size_t size, ingot_error *reterr)
{
        if (strcmp(what, "key a.secret") != 0)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "asked for %s", what);
        snprintf(ret, size, "%s", (char *) context);
        return 0;
}

TEST(a_holder_signs_the_same_bytes_each_time)
{
        _cleanup_(signer_free_p) struct signer *s =
                signer_new(&(struct signer_options){.created = 1600000000});
        _cleanup_openpgp_holder_ struct ingot_openpgp_holder *h = NULL, *public = NULL;
        _cleanup_buffer_ struct ingot_buffer secret = {0}, a = {0}, b = {0}, early = {0};
        struct ingot_span message = INGOT_SPAN(text, sizeof(text) - 1);
        CHECK(s && signer_secret(s, NULL, &secret));
        CHECK_OK(ingot_openpgp_holder_open(&h, ingot_buffer_span(&secret), "a.secret", NULL,
                                           &error));
        CHECK_STR(h->name, "Test archive");
        CHECK_OK(ingot_openpgp_holder_sign(h, message, 1700000000, &a, &error));
        CHECK_OK(ingot_openpgp_holder_sign(h, message, 1700000000, &b, &error));
        CHECK(a.size == b.size && memcmp(a.data, b.data, a.size) == 0);
        CHECK_OK(ingot_openpgp_holder_decode(&public, ingot_buffer_span(&h->certificate), &error));
        CHECK_EQ(memcmp(public->identity, h->identity, sizeof(h->identity)), 0);
        CHECK_OK(ingot_openpgp_holder_verify(public, message, ingot_buffer_span(&a), &error));
        message.size--;
        CHECK_FAILS(ingot_openpgp_holder_verify(public, message, ingot_buffer_span(&a), &error),
                    INGOT_E_REFUSED, "does not match");
        /* A build that is older than the key. */
        CHECK_OK(ingot_openpgp_holder_sign(h, message, 1, &early, &error));
        CHECK_OK(ingot_openpgp_holder_verify(public, message, ingot_buffer_span(&early), &error));
        CHECK_OK(ingot_buffer_append(&early, a.data, a.size, &error));
        CHECK(ingot_openpgp_holder_verify(public, message, ingot_buffer_span(&early), &error) < 0);
}

TEST(a_holders_passphrase_is_asked_for_and_must_be_right)
{
        char right[] = "word", wrong[] = "sword";
        struct ingot_key_ask good = {answer, right}, bad = {answer, wrong};
        _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
        _cleanup_openpgp_holder_ struct ingot_openpgp_holder *h = NULL, *none = NULL;
        _cleanup_buffer_ struct ingot_buffer secret = {0}, signature = {0};
        struct ingot_span message = INGOT_SPAN(text, sizeof(text) - 1);
        CHECK(s && signer_secret(s, right, &secret));
        struct ingot_span file = ingot_buffer_span(&secret);
        CHECK_OK(ingot_openpgp_holder_open(&h, file, "a.secret", &good, &error));
        CHECK_OK(ingot_openpgp_holder_sign(h, message, 0, &signature, &error));
        CHECK_FAILS(ingot_openpgp_holder_open(&none, file, "a.secret", &bad, &error),
                    INGOT_E_FORMAT, "a.secret: it is not opened by that passphrase");
        CHECK_FAILS(ingot_openpgp_holder_open(&none, file, "a.secret", NULL, &error), INGOT_E_USAGE,
                    "nobody is asked");
        CHECK_FAILS(ingot_openpgp_holder_open(&none, ingot_buffer_span(&h->certificate), "a.pgp",
                                              NULL, &error),
                    INGOT_E_NOTFOUND, "no secret key in it may sign");
}

TEST(an_expired_or_revoked_key_does_not_sign)
{
        static const struct signer_options bad[] = {{.created = 1500000000, .lifetime = 9},
                                                    {.revoked = true}};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_(signer_free_p) struct signer *s = signer_new(bad + i);
                _cleanup_buffer_ struct ingot_buffer secret = {0};
                struct ingot_openpgp_holder *h;
                CHECK(s && signer_secret(s, NULL, &secret));
                CHECK_FAILS(ingot_openpgp_holder_open(&h, ingot_buffer_span(&secret), "a.secret",
                                                      NULL, &error),
                            INGOT_E_NOTFOUND, "no secret key in it may sign");
        }
}

TEST(what_is_no_key_is_malformed)
{
        _cleanup_free_ char *path = NULL, *missing = NULL, *broken = NULL;
        _cleanup_(signer_free_p) struct signer *s = signer_new(&(struct signer_options){0});
        _cleanup_key_files_ struct ingot_key_files keys = {0}, cut = {0};
        _cleanup_buffer_ struct ingot_buffer document = {0}, got = {0};
        struct ingot_verdict v;
        CHECK_OK(ingot_format(&path, &error, "%s/nokeys", test_folder()));
        CHECK_OK(ingot_format(&missing, &error, "%s/missing", test_folder()));
        CHECK_OK(ingot_format(&broken, &error, "%s/broken", test_folder()));
        CHECK_OK(ingot_outfile_put(path, "hello", 5, 0644, &error));
        CHECK_FAILS(ingot_key_files_add(&keys, path, &error), INGOT_E_FORMAT, "nokeys");
        CHECK_FAILS(ingot_key_files_add(&keys, missing, &error), INGOT_E_NOTFOUND, "missing");
        CHECK(add_key(&keys, s, false));
        CHECK_OK(ingot_outfile_put(broken, keys.items[0].content.data, 20, 0644, &error));
        CHECK_OK(ingot_key_files_add(&cut, broken, &error));
        CHECK(signer_clear(s, text, "SHA256", &document));
        CHECK_FAILS(verify(&cut, &document, &got, &v), INGOT_E_FORMAT, "holds no OpenPGP key");
}
