/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys, certificates, PKCS#7 and signers; openssl(1) is asked, too. */
#include "base/cleanup.h"
#include "os/file.h"
#include "test.h"
#include "trust/pkcs7.h"
#include "trust/signer.h"

#include <fcntl.h>

static const char root_hash[] = "f843157adce84a34866dce23ff153657c7a7b270346a2b360ac7ba56ccee63cd";

static struct ingot_certificate_profile profile(const char *name)
{
        return (struct ingot_certificate_profile){
                .common_name = name,
                .organization = "Example",
                .code_signing = true,
                .not_before = 1700000000,
                .not_after = 1700000000 + INT64_C(3650) * 86400,
                .serial = {0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        };
}

static int make(struct ingot_key **ret_key, struct ingot_certificate **ret_certificate,
                enum ingot_key_kind kind, unsigned bits, const char *name, ingot_error *reterr)
{
        struct ingot_certificate_profile p = profile(name);
        int r = ingot_key_generate(ret_key, kind, bits, reterr);
        return r < 0 ? r : ingot_certificate_create(ret_certificate, *ret_key, &p, reterr);
}

/* Writes a new key and its certificate as NAME.key and NAME.crt into the test's folder. */
static int put(const char *name, enum ingot_key_kind kind, unsigned bits, struct ingot_key **key,
               struct ingot_certificate **certificate, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL, *beside = NULL;
        _cleanup_buffer_ struct ingot_buffer pem = {0}, text = {0};
        int r = make(key, certificate, kind, bits, name, reterr);
        if (r < 0 || (r = ingot_format(&path, reterr, "%s/%s.key", test_folder(), name)) < 0 ||
            (r = ingot_format(&beside, reterr, "%s/%s.crt", test_folder(), name)) < 0 ||
            (r = ingot_key_private_pem(*key, NULL, &pem, reterr)) < 0 ||
            (r = ingot_certificate_pem(*certificate, &text, reterr)) < 0 ||
            (r = ingot_outfile_put(path, pem.data, pem.size, 0600, reterr)) < 0)
                return r;
        return ingot_outfile_put(beside, text.data, text.size, 0644, reterr);
}

/* A shell command in the test's folder. */
static int shell(const char *command)
{
        char text[1024];
        snprintf(text, sizeof(text), "cd %s && { %s; } >/dev/null 2>&1", test_folder(), command);
        return system(text);
}

static int read_back(const char *name, uint8_t **ret, size_t *ret_size, ingot_error *reterr)
{
        char path[256];
        snprintf(path, sizeof(path), "%s/%s", test_folder(), name);
        return ingot_file_read(AT_FDCWD, path, 1 << 20, ret, ret_size, reterr);
}

static const struct {
        enum ingot_key_kind kind;
        unsigned bits;
        const char *algorithm;
} kinds[] = {
        {INGOT_KEY_RSA, 2048, "rsa2048-sha256"},
        {INGOT_KEY_EC, 256, "ecdsa256-sha256"},
        {INGOT_KEY_EC, 384, "ecdsa384-sha256"},
        {INGOT_KEY_ED25519, 0, "ed25519"},
};

TEST(a_signature_holds_for_its_message_and_key_alone)
{
        struct ingot_span message = INGOT_SPAN("message", 7), other = INGOT_SPAN("massage", 7);
        ingot_error error;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                _cleanup_key_ struct ingot_key *k = NULL, *foreign = NULL;
                _cleanup_buffer_ struct ingot_buffer signature = {0}, again = {0};
                CHECK_OK(ingot_key_generate(&k, kinds[i].kind, kinds[i].bits, &error));
                CHECK_OK(ingot_key_generate(&foreign, kinds[i].kind, kinds[i].bits, &error));
                CHECK_STR(ingot_key_algorithm(k), kinds[i].algorithm);
                CHECK_OK(ingot_key_sign(k, message, &signature, &error));
                CHECK_OK(ingot_key_verify(k, message, ingot_buffer_span(&signature), &error));
                CHECK_FAILS(ingot_key_verify(k, other, ingot_buffer_span(&signature), &error),
                            INGOT_E_REFUSED, "not by this key");
                CHECK_FAILS(ingot_key_verify(foreign, message, ingot_buffer_span(&signature),
                                             &error),
                            INGOT_E_REFUSED, "not by this key");
                CHECK_OK(ingot_key_sign(k, message, &again, &error));
                if (kinds[i].kind != INGOT_KEY_EC)
                        CHECK(again.size == signature.size &&
                              memcmp(again.data, signature.data, again.size) == 0);
        }
}

TEST(a_key_survives_pem_with_and_without_a_passphrase)
{
        ingot_error error;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                _cleanup_key_ struct ingot_key *k = NULL, *plain = NULL, *none = NULL;
                _cleanup_buffer_ struct ingot_buffer pem = {0}, secret = {0};
                CHECK_OK(ingot_key_generate(&k, kinds[i].kind, kinds[i].bits, &error));
                CHECK_OK(ingot_key_private_pem(k, NULL, &pem, &error));
                CHECK_OK(ingot_key_decode(&plain, ingot_buffer_span(&pem), "k", NULL, &error));
                CHECK(ingot_key_equal(k, plain));
                CHECK_OK(ingot_key_private_pem(k, "word", &secret, &error));
                CHECK_FAILS(ingot_key_decode(&none, ingot_buffer_span(&secret), "k", NULL, &error),
                            INGOT_E_USAGE, "k is encrypted");
        }
}

static int answer(void *context, const char *what, char *ret, size_t size, ingot_error *reterr)
{
        (void) what;
        (void) reterr;
        snprintf(ret, size, "%s", (const char *) context);
        return 0;
}

static int nobody(void *context, const char *what, char *ret, size_t size, ingot_error *reterr)
{
        (void) context;
        (void) ret;
        (void) size;
        return ingot_fail(reterr, INGOT_E_SYSTEM, "nobody answers for %s", what);
}

TEST(a_passphrase_is_asked_for_and_must_be_right)
{
        char right[] = "word", wrong[] = "sword";
        struct ingot_key_ask good = {answer, right}, bad = {answer, wrong}, none = {nobody, NULL};
        _cleanup_key_ struct ingot_key *k = NULL, *read = NULL, *unread = NULL;
        _cleanup_buffer_ struct ingot_buffer pem = {0};
        ingot_error error;
        CHECK_OK(ingot_key_generate(&k, INGOT_KEY_EC, 256, &error));
        CHECK_OK(ingot_key_private_pem(k, "word", &pem, &error));
        CHECK_OK(ingot_key_decode(&read, ingot_buffer_span(&pem), "a.key", &good, &error));
        CHECK(ingot_key_equal(k, read));
        CHECK_FAILS(ingot_key_decode(&unread, ingot_buffer_span(&pem), "a.key", &bad, &error),
                    INGOT_E_FORMAT, "a.key is not opened by that passphrase");
        CHECK_FAILS(ingot_key_decode(&unread, ingot_buffer_span(&pem), "a.key", &none, &error),
                    INGOT_E_SYSTEM, "nobody answers for key a.key");
}

TEST(public_keys_are_read_back_in_every_form)
{
        _cleanup_key_ struct ingot_key *k = NULL, *a = NULL, *b = NULL, *none = NULL;
        _cleanup_buffer_ struct ingot_buffer spki = {0}, pem = {0}, pkcs1 = {0};
        ingot_error error;
        CHECK_OK(ingot_key_generate(&k, INGOT_KEY_RSA, 2048, &error));
        CHECK_OK(ingot_key_public_spki(k, &spki, &error));
        CHECK_OK(ingot_key_public_pem(k, &pem, &error));
        CHECK_OK(ingot_key_public_pkcs1(k, &pkcs1, &error));
        CHECK_OK(ingot_key_decode_public(&a, ingot_buffer_span(&spki), &error));
        CHECK_OK(ingot_key_decode_public(&b, ingot_buffer_span(&pem), &error));
        CHECK(ingot_key_equal(k, a) && ingot_key_equal(k, b));
        /* SubjectPublicKeyInfo ends with RSAPublicKey. */
        CHECK(memcmp(spki.data + spki.size - pkcs1.size, pkcs1.data, pkcs1.size) == 0);
        CHECK_OK(ingot_buffer_append(&spki, "", 1, &error));
        CHECK_FAILS(ingot_key_decode_public(&none, ingot_buffer_span(&spki), &error),
                    INGOT_E_FORMAT, "behind the public key");
        CHECK_FAILS(ingot_key_decode_public(&none, INGOT_SPAN("nothing", 7), &error),
                    INGOT_E_FORMAT, "no public key");
}

TEST(weak_and_foreign_keys_are_refused)
{
        _cleanup_key_ struct ingot_key *k = NULL;
        char path[256];
        ingot_error error;
        CHECK_FAILS(ingot_key_generate(&k, INGOT_KEY_RSA, 1024, &error), INGOT_E_USAGE, "1024");
        CHECK_EQ(shell("openssl genrsa -out weak.key 1024 && "
                       "openssl ecparam -name secp256k1 -genkey -noout -out coin.key && "
                       "openssl genpkey -algorithm x25519 -out x.key"), 0);
        snprintf(path, sizeof(path), "%s/weak.key", test_folder());
        CHECK_FAILS(ingot_key_open(&k, path, NULL, &error), INGOT_E_REFUSED, "1024 bits");
        snprintf(path, sizeof(path), "%s/coin.key", test_folder());
        CHECK_FAILS(ingot_key_open(&k, path, NULL, &error), INGOT_E_UNSUPPORTED, "P-256");
        snprintf(path, sizeof(path), "%s/x.key", test_folder());
        CHECK_FAILS(ingot_key_open(&k, path, NULL, &error), INGOT_E_UNSUPPORTED, "none of RSA");
        snprintf(path, sizeof(path), "%s/nowhere.key", test_folder());
        CHECK_FAILS(ingot_key_open(&k, path, NULL, &error), INGOT_E_NOTFOUND, "nowhere.key");
}

TEST(the_pin_of_a_uri_is_in_no_message)
{
        _cleanup_free_ char *name = NULL;
        ingot_error error;
        CHECK_OK(ingot_key_name(&name, "pkcs11:token=a;object=b?pin-value=1234&module-path=/x",
                                &error));
        CHECK_STR(name, "pkcs11:token=a;object=b?module-path=/x");
}

TEST(a_certificate_says_what_it_was_made_of)
{
        _cleanup_key_ struct ingot_key *k = NULL, *other = NULL, *inside = NULL;
        _cleanup_certificate_ struct ingot_certificate *c = NULL, *again = NULL, *read = NULL;
        _cleanup_buffer_ struct ingot_buffer pem = {0};
        struct ingot_certificate_profile p = profile("Example db");
        ingot_error error;
        CHECK_OK(make(&k, &c, INGOT_KEY_RSA, 2048, "Example db", &error));
        CHECK_OK(ingot_key_generate(&other, INGOT_KEY_RSA, 2048, &error));
        CHECK_STR(ingot_certificate_subject(c), "O = Example, CN = Example db");
        CHECK_STR(ingot_certificate_issuer(c), "O = Example, CN = Example db");
        CHECK_EQ(ingot_certificate_not_before(c), 1700000000);
        CHECK_EQ(ingot_certificate_not_after(c), 1700000000 + INT64_C(3650) * 86400);
        CHECK(ingot_certificate_fits(c, k) && !ingot_certificate_fits(c, other));
        CHECK_OK(ingot_certificate_key(c, &inside, &error));
        CHECK(ingot_key_equal(k, inside));
        CHECK_OK(ingot_certificate_create(&again, k, &p, &error));
        CHECK(memcmp(ingot_certificate_fingerprint(c), ingot_certificate_fingerprint(again), 32) ==
              0);
        CHECK_OK(ingot_certificate_pem(c, &pem, &error));
        CHECK_OK(ingot_certificate_decode(&read, ingot_buffer_span(&pem), &error));
        CHECK(memcmp(ingot_certificate_fingerprint(c), ingot_certificate_fingerprint(read), 32) ==
              0);
}

TEST(a_file_may_hold_several_certificates)
{
        _cleanup_key_ struct ingot_key *a = NULL, *b = NULL;
        _cleanup_certificate_ struct ingot_certificate *ca = NULL, *cb = NULL;
        _cleanup_certificates_ struct ingot_certificates all = {0};
        _cleanup_buffer_ struct ingot_buffer pem = {0}, der = {0};
        ingot_error error;
        CHECK_OK(make(&a, &ca, INGOT_KEY_EC, 256, "a", &error));
        CHECK_OK(make(&b, &cb, INGOT_KEY_ED25519, 0, "b", &error));
        CHECK_OK(ingot_key_private_pem(a, NULL, &pem, &error));
        CHECK_OK(ingot_certificate_pem(ca, &pem, &error));
        CHECK_OK(ingot_certificate_pem(cb, &pem, &error));
        CHECK_OK(ingot_certificates_decode(&all, ingot_buffer_span(&pem), &error));
        CHECK_EQ(all.count, 2);
        CHECK_OK(ingot_certificates_decode(&all, ingot_certificate_der(ca), &error));
        CHECK_EQ(all.count, 3);
        CHECK_STR(ingot_certificate_subject(all.items[1]), "O = Example, CN = b");
        struct ingot_span bytes = ingot_certificate_der(ca);
        CHECK_OK(ingot_buffer_append(&der, bytes.data, bytes.size, &error));
        CHECK_OK(ingot_buffer_append(&der, "", 1, &error));
        CHECK_FAILS(ingot_certificates_decode(&all, ingot_buffer_span(&der), &error),
                    INGOT_E_FORMAT, "behind the certificate");
        pem.data[pem.size - 60] = '!';
        CHECK_FAILS(ingot_certificates_decode(&all, ingot_buffer_span(&pem), &error),
                    INGOT_E_FORMAT, "certificate 2");
        CHECK_EQ(all.count, 3);
}

TEST(a_detached_signature_is_what_openssl_smime_makes)
{
        _cleanup_key_ struct ingot_key *k = NULL;
        _cleanup_certificate_ struct ingot_certificate *c = NULL;
        _cleanup_buffer_ struct ingot_buffer der = {0};
        _cleanup_free_ uint8_t *theirs = NULL;
        struct ingot_span content = INGOT_SPAN(root_hash, 64);
        size_t size;
        ingot_error error;
        CHECK_OK(put("smime", INGOT_KEY_RSA, 2048, &k, &c, &error));
        CHECK_OK(ingot_pkcs7_sign_detached(k, c, content, &der, &error));
        char command[512];
        snprintf(command, sizeof(command),
                 "printf %%s %s >content; openssl smime -sign -noattr -binary -md sha256 "
                 "-outform der -inkey smime.key -signer smime.crt -in content -out theirs.p7s",
                 root_hash);
        CHECK_EQ(shell(command), 0);
        CHECK_OK(read_back("theirs.p7s", &theirs, &size, &error));
        CHECK_EQ(size, der.size);
        CHECK(memcmp(theirs, der.data, size) == 0);
}

/* Both forms verify here and by openssl; each change is told. */
static void check_forms(const char *name, enum ingot_key_kind kind, unsigned bits)
{
        _cleanup_key_ struct ingot_key *k = NULL, *k2 = NULL;
        struct ingot_certificate *items[2] = {0};
        _cleanup_certificate_ struct ingot_certificate *a = NULL, *b = NULL;
        struct ingot_certificates pinned = {items, 2}, wrong = {items, 1};
        struct ingot_span content = INGOT_SPAN(root_hash, 64);
        ingot_error error;
        CHECK_OK(make(&k2, &a, kind, bits, name, &error));
        CHECK_OK(put(name, kind, bits, &k, &b, &error));
        items[0] = a;
        items[1] = b;
        for (int form = 0; form < 2; form++) {
                _cleanup_buffer_ struct ingot_buffer der = {0};
                char path[256], command[512];
                size_t which;
                if (form == 0)
                        CHECK_OK(ingot_pkcs7_sign_detached(k, b, content, &der, &error));
                else
                        CHECK_OK(ingot_pkcs7_sign_detached_at(k, b, content, 1750000000, &der,
                                                              &error));
                struct ingot_span signature = ingot_buffer_span(&der);
                CHECK_OK(ingot_pkcs7_verify_pinned(signature, content, &pinned, &which, &error));
                CHECK_EQ(which, 1);
                /* Both have one name and number: the key tells them apart. */
                CHECK_FAILS(ingot_pkcs7_verify_pinned(signature, content, &wrong, &which, &error),
                            INGOT_E_REFUSED, "");
                CHECK_FAILS(ingot_pkcs7_verify_pinned(signature, INGOT_SPAN(root_hash, 63), &pinned,
                                                      &which, &error),
                            INGOT_E_REFUSED, "");
                snprintf(path, sizeof(path), "%s/%s.p7s", test_folder(), name);
                CHECK_OK(ingot_outfile_put(path, der.data, der.size, 0644, &error));
                snprintf(command, sizeof(command),
                         "printf %%s %s >content; openssl smime -verify -binary -inform der "
                         "-purpose any -in %s.p7s -content content -CAfile %s.crt && "
                         "openssl cms -verify -binary -inform der -purpose any -in %s.p7s "
                         "-content content -CAfile %s.crt",
                         root_hash, name, name, name, name);
                CHECK_EQ(shell(command), 0);
        }
}

TEST(rsa_signatures_verify_here_and_by_openssl)
{
        check_forms("rsa", INGOT_KEY_RSA, 2048);
}

TEST(ecdsa_signatures_verify_here_and_by_openssl)
{
        check_forms("ec", INGOT_KEY_EC, 256);
}

TEST(a_signature_by_no_given_certificate_says_whose_it_is)
{
        _cleanup_key_ struct ingot_key *k = NULL, *k2 = NULL;
        _cleanup_certificate_ struct ingot_certificate *c = NULL, *c2 = NULL;
        _cleanup_buffer_ struct ingot_buffer der = {0};
        struct ingot_span content = INGOT_SPAN(root_hash, 64);
        size_t which;
        ingot_error error;
        CHECK_OK(make(&k, &c, INGOT_KEY_EC, 256, "mine", &error));
        CHECK_OK(make(&k2, &c2, INGOT_KEY_EC, 256, "yours", &error));
        struct ingot_certificates pinned = {&c2, 1};
        CHECK_OK(ingot_pkcs7_sign_detached(k, c, content, &der, &error));
        CHECK_FAILS(ingot_pkcs7_verify_pinned(ingot_buffer_span(&der), content, &pinned, &which,
                                              &error),
                    INGOT_E_REFUSED, "issued by \"O = Example, CN = mine\"");
        CHECK_OK(ingot_buffer_append(&der, "", 1, &error));
        CHECK_FAILS(ingot_pkcs7_verify_pinned(ingot_buffer_span(&der), content, &pinned, &which,
                                              &error),
                    INGOT_E_FORMAT, "behind");
        CHECK_FAILS(ingot_pkcs7_verify_pinned(INGOT_SPAN("0", 1), content, &pinned, &which, &error),
                    INGOT_E_FORMAT, "no PKCS#7");
        CHECK_FAILS(ingot_pkcs7_sign_detached(k2, c, content, &der, &error), INGOT_E_REFUSED,
                    "does not fit");
}

TEST(weak_digests_and_embedded_content_are_not_taken)
{
        _cleanup_key_ struct ingot_key *k = NULL;
        _cleanup_certificate_ struct ingot_certificate *c = NULL;
        _cleanup_free_ uint8_t *weak = NULL, *whole = NULL;
        struct ingot_span content = INGOT_SPAN(root_hash, 64);
        size_t which, size;
        ingot_error error;
        CHECK_OK(put("w", INGOT_KEY_RSA, 2048, &k, &c, &error));
        struct ingot_certificates pinned = {&c, 1};
        char command[512];
        snprintf(command, sizeof(command),
                 "printf %%s %s >content; openssl smime -sign -binary -md sha1 -outform der "
                 "-inkey w.key -signer w.crt -in content -out weak.p7s && openssl smime -sign "
                 "-binary -nodetach -outform der -inkey w.key -signer w.crt -in content "
                 "-out whole.p7s", root_hash);
        CHECK_EQ(shell(command), 0);
        CHECK_OK(read_back("weak.p7s", &weak, &size, &error));
        CHECK_FAILS(ingot_pkcs7_verify_pinned(INGOT_SPAN(weak, size), content, &pinned, &which,
                                              &error),
                    INGOT_E_REFUSED, "SHA1 is not strong enough");
        CHECK_OK(read_back("whole.p7s", &whole, &size, &error));
        CHECK_FAILS(ingot_pkcs7_verify_pinned(INGOT_SPAN(whole, size), content, &pinned, &which,
                                              &error),
                    INGOT_E_FORMAT, "not detached");
}

TEST(signers_find_their_certificate_inside_beside_and_as_given)
{
        _cleanup_key_ struct ingot_key *k = NULL, *p = NULL;
        _cleanup_certificate_ struct ingot_certificate *c = NULL, *pc = NULL;
        _cleanup_signers_ struct ingot_signers s = {0};
        char beside[256], inside[256], given[256], bare[256];
        const char *keys[] = {beside, inside, given, bare}, *certificates[1];
        ingot_error error;
        CHECK_OK(put("s", INGOT_KEY_RSA, 2048, &k, &c, &error));
        CHECK_OK(put("p", INGOT_KEY_RSA, 2048, &p, &pc, &error));
        CHECK_EQ(shell("cat s.key s.crt >both.pem; cp s.key away; cp p.key p2.key"), 0);
        snprintf(beside, sizeof(beside), "secure-boot=%s/s.key", test_folder());
        snprintf(inside, sizeof(inside), "verity=%s/both.pem", test_folder());
        snprintf(given, sizeof(given), "release=%s/away", test_folder());
        snprintf(bare, sizeof(bare), "pcr=%s/p2.key", test_folder());
        char file[256];
        snprintf(file, sizeof(file), "release=%s/s.crt", test_folder());
        certificates[0] = file;
        CHECK_OK(ingot_signers_load(&s, keys, 4, certificates, 1, NULL, &error));
        CHECK_EQ(s.count, 4);
        CHECK(s.items[0].certificate && s.items[1].certificate && s.items[2].certificate);
        CHECK(!s.items[3].certificate);
        CHECK(ingot_signers_find(&s, INGOT_PURPOSE_PCR, NULL) == &s.items[3]);
        CHECK(!ingot_signers_find(&s, INGOT_PURPOSE_PCR, &s.items[3]));
}

TEST(signers_that_cannot_serve_are_refused_by_name)
{
        _cleanup_key_ struct ingot_key *k = NULL, *p = NULL;
        _cleanup_certificate_ struct ingot_certificate *c = NULL, *pc = NULL;
        _cleanup_signers_ struct ingot_signers s = {0};
        char key[256], file[256];
        const char *keys[] = {key}, *certificates[] = {file};
        ingot_error error;
        CHECK_OK(put("e", INGOT_KEY_EC, 256, &k, &c, &error));
        CHECK_OK(put("f", INGOT_KEY_RSA, 2048, &p, &pc, &error));
        snprintf(key, sizeof(key), "pcr=%s/e.key", test_folder());
        CHECK_FAILS(ingot_signers_load(&s, keys, 1, NULL, 0, NULL, &error), INGOT_E_REFUSED,
                    "cannot serve pcr: take an RSA key");
        snprintf(key, sizeof(key), "secureboot=%s/f.key", test_folder());
        CHECK_FAILS(ingot_signers_load(&s, keys, 1, NULL, 0, NULL, &error), INGOT_E_USAGE,
                    "did you mean \"secure-boot\"");
        snprintf(key, sizeof(key), "%s/f.key", test_folder());
        CHECK_FAILS(ingot_signers_load(&s, keys, 1, NULL, 0, NULL, &error), INGOT_E_USAGE,
                    "is not PURPOSE=FILE");
        snprintf(key, sizeof(key), "verity=%s/f.key", test_folder());
        snprintf(file, sizeof(file), "verity=%s/e.crt", test_folder());
        CHECK_FAILS(ingot_signers_load(&s, keys, 1, certificates, 1, NULL, &error),
                    INGOT_E_REFUSED, "fits no key for verity");
        CHECK_EQ(shell("cp f.key g.key; cp e.crt g.crt; cp f.key h.key"), 0);
        snprintf(key, sizeof(key), "verity=%s/g.key", test_folder());
        CHECK_FAILS(ingot_signers_load(&s, keys, 1, NULL, 0, NULL, &error), INGOT_E_REFUSED,
                    "g.crt does not fit the key");
        snprintf(key, sizeof(key), "verity=%s/h.key", test_folder());
        CHECK_FAILS(ingot_signers_load(&s, keys, 1, NULL, 0, NULL, &error), INGOT_E_NOTFOUND,
                    "--certificate verity=FILE");
}
