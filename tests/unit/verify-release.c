/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signatures of sums and manifests beside them: who signed, how many must have, and which do not.
 */
#include "base/cleanup.h"
#include "fixture.h"
#include "image/verify.h"
#include "test.h"
#include "trust/pkcs7.h"

#include <stdlib.h>

#define CHECK_NAME "release signature"
#define FILES_MAX 8
#define FAR_FUTURE 4000000000

static ingot_error error;

struct signer {
        struct ingot_key *key;
        struct ingot_certificate *certificate;
};
static struct signer one, two;

static int make_signer(struct signer *s, const char *name)
{
        /* Not valid yet, by any clock of these tests: that does not count. */
        const struct ingot_certificate_profile profile = {.common_name = name,
                                                          .not_before = FAR_FUTURE,
                                                          .not_after = FAR_FUTURE + 1,
                                                          .serial = {1}};
        int r = s->key ? 0 : ingot_key_generate(&s->key, INGOT_KEY_RSA, 2048, &error);
        return r < 0 || s->certificate
                       ? r
                       : ingot_certificate_create(&s->certificate, s->key, &profile, &error);
}

/* A folder with one artifact, its sums, and what is put beside them. */
struct folder {
        const char *names[FILES_MAX];
        struct ingot_buffer bytes[FILES_MAX];
        size_t count;
        struct ingot_key_files keys;
        size_t threshold;
        struct ingot_verification found;
};

static void folder_done(struct folder *f)
{
        for (size_t i = 0; i < f->count; i++)
                ingot_buffer_done(f->bytes + i);
        ingot_key_files_done(&f->keys);
        ingot_verification_done(&f->found);
}
#define _cleanup_folder_ __attribute__((cleanup(folder_done)))

static struct ingot_buffer *add(struct folder *f, const char *name)
{
        f->names[f->count] = name;
        return f->bytes + f->count++;
}

enum { ARTIFACT, SUMS };

static int make_folder(struct folder *f, const char *sums)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        char hex[2 * INGOT_SHA256_SIZE + 1];
        int r = make_signer(&one, "one");
        if (r >= 0)
                r = make_signer(&two, "two");
        if (r >= 0)
                r = ingot_buffer_printf(add(f, "bare.bin"), &error, "what is in it");
        if (r < 0)
                return r;
        ingot_sha256_of(f->bytes[ARTIFACT].data, f->bytes[ARTIFACT].size, digest);
        ingot_hex(hex, digest, sizeof(digest));
        return ingot_buffer_printf(add(f, sums), &error, "%s  bare.bin\n", hex);
}

static int add_key(struct folder *f, const struct signer *s)
{
        struct ingot_key_file file = {.technology = INGOT_TECHNOLOGY_X509};
        int r = ingot_certificate_pem(s->certificate, &file.content, &error);
        if (r >= 0)
                r = ingot_strdup(&file.path, "key.crt", &error);
        return r < 0 ? r : ingot_key_files_take(&f->keys, &file, &error);
}

static int add_signature(struct folder *f, const char *name, const struct signer *s,
                         struct ingot_span content)
{
        return ingot_pkcs7_sign_detached(s->key, s->certificate, content, add(f, name), &error);
}

static struct ingot_span sums_of(const struct folder *f)
{
        return ingot_buffer_span(f->bytes + SUMS);
}

static enum ingot_finding_state verify(struct folder *f)
{
        struct ingot_artifact_file files[FILES_MAX];
        struct ingot_span spans[FILES_MAX];
        const struct ingot_verify_options options = {.threads = 1,
                                                     .release = f->keys.count ? &f->keys : NULL,
                                                     .release_threshold = f->threshold};
        for (size_t i = 0; i < f->count; i++) {
                spans[i] = ingot_buffer_span(f->bytes + i);
                files[i] = (struct ingot_artifact_file){.name = f->names[i],
                                                        .reader = ingot_reader_of_span(spans + i)};
        }
        ingot_verification_done(&f->found);
        if (ingot_verify(files, f->count, &options, &f->found, &error) < 0)
                return INGOT_FINDING_STATE_MAX;
        return ingot_verification_state(&f->found);
}

/* What was found about the signatures of that file. */
static const struct ingot_finding *find(const struct folder *f, const char *where)
{
        for (size_t i = 0; i < f->found.count; i++)
                if (strcmp(f->found.findings[i].check, CHECK_NAME) == 0 &&
                    strcmp(f->found.findings[i].where, where) == 0)
                        return f->found.findings + i;
        return NULL;
}

TEST(a_release_holds_by_its_signer_whatever_the_clock_says)
{
        _cleanup_folder_ struct folder f = {0};
        CHECK_OK(make_folder(&f, "SHA256SUMS"));
        CHECK_OK(add_signature(&f, "SHA256SUMS.p7s", &one, sums_of(&f)));
        CHECK_OK(add_key(&f, &one));
        CHECK_EQ(verify(&f), INGOT_FINDING_HOLDS);
        CHECK_EQ(find(&f, "SHA256SUMS.p7s")->state, INGOT_FINDING_HOLDS);
        CHECK(strstr(find(&f, "SHA256SUMS.p7s")->by, "one"));
        CHECK_STR(find(&f, "SHA256SUMS")->by, "1 of 1 signers");
        CHECK_EQ(f.found.gap_count, 0);
}

TEST(without_keys_a_signature_is_nobodys_and_nothing_is_not_signed)
{
        _cleanup_folder_ struct folder f = {0}, g = {0};
        CHECK_OK(make_folder(&f, "SHA256SUMS"));
        CHECK_EQ(verify(&f), INGOT_FINDING_HOLDS);
        CHECK_EQ(find(&f, "SHA256SUMS")->state, INGOT_FINDING_NOT_SIGNED);
        CHECK_OK(add_key(&f, &one));
        CHECK_EQ(verify(&f), INGOT_FINDING_REFUSED);
        CHECK_STR(find(&f, "SHA256SUMS")->why, "it is not signed");
        CHECK_OK(make_folder(&g, "SHA256SUMS"));
        CHECK_OK(add_signature(&g, "SHA256SUMS.p7s", &one, sums_of(&g)));
        CHECK_EQ(verify(&g), INGOT_FINDING_HOLDS);
        CHECK_EQ(find(&g, "SHA256SUMS.p7s")->state, INGOT_FINDING_NO_KEY);
}

TEST(a_signature_by_another_does_not_count_and_does_not_harm)
{
        _cleanup_folder_ struct folder f = {0};
        CHECK_OK(make_folder(&f, "SHA256SUMS"));
        CHECK_OK(add_signature(&f, "SHA256SUMS.p7s", &two, sums_of(&f)));
        CHECK_OK(add_key(&f, &one));
        CHECK_EQ(verify(&f), INGOT_FINDING_REFUSED);
        CHECK_EQ(find(&f, "SHA256SUMS.p7s")->state, INGOT_FINDING_NO_KEY);
        CHECK(strstr(find(&f, "SHA256SUMS")->why, "0 of the given keys signed it"));
        CHECK_OK(add_signature(&f, "SHA256SUMS.2.p7s", &one, sums_of(&f)));
        CHECK_EQ(verify(&f), INGOT_FINDING_HOLDS);
}

TEST(as_many_different_keys_as_the_threshold_says_must_have_signed)
{
        _cleanup_folder_ struct folder f = {.threshold = 2};
        CHECK_OK(make_folder(&f, "SHA256SUMS"));
        CHECK_OK(add_signature(&f, "SHA256SUMS.p7s", &one, sums_of(&f)));
        CHECK_OK(add_signature(&f, "SHA256SUMS.2.p7s", &one, sums_of(&f)));
        CHECK_OK(add_key(&f, &one));
        CHECK_OK(add_key(&f, &two));
        CHECK_EQ(verify(&f), INGOT_FINDING_REFUSED);
        CHECK_STR(find(&f, "SHA256SUMS")->by, "1 of 2 signers");
        CHECK_OK(add_signature(&f, "SHA256SUMS.3.p7s", &two, sums_of(&f)));
        CHECK_EQ(verify(&f), INGOT_FINDING_HOLDS);
}

TEST(swapped_signatures_are_refused)
{
        _cleanup_folder_ struct folder f = {0};
        CHECK_OK(make_folder(&f, "SHA256SUMS"));
        CHECK_OK(ingot_buffer_printf(add(&f, "bare.manifest.json"), &error, "{}\n"));
        CHECK_OK(add_signature(&f, "SHA256SUMS.p7s", &one, INGOT_SPAN("{}\n", 3)));
        CHECK_OK(add_signature(&f, "bare.manifest.json.p7s", &one, sums_of(&f)));
        CHECK_OK(add_key(&f, &one));
        CHECK_EQ(verify(&f), INGOT_FINDING_REFUSED);
        CHECK_EQ(find(&f, "SHA256SUMS.p7s")->state, INGOT_FINDING_REFUSED);
        CHECK_EQ(find(&f, "bare.manifest.json.p7s")->state, INGOT_FINDING_REFUSED);
}

TEST(a_signature_over_only_the_first_bytes_is_refused)
{
        for (int keys = 0; keys < 2; keys++) {
                _cleanup_folder_ struct folder f = {0};
                CHECK_OK(make_folder(&f, "SHA256SUMS"));
                struct ingot_span first = INGOT_SPAN(sums_of(&f).data, sums_of(&f).size - 1);
                CHECK_OK(add_signature(&f, "SHA256SUMS.p7s", &one, first));
                if (keys)
                        CHECK_OK(add_key(&f, &one));
                CHECK_EQ(verify(&f), INGOT_FINDING_REFUSED);
                CHECK_EQ(find(&f, "SHA256SUMS.p7s")->state, INGOT_FINDING_REFUSED);
        }
}

/* Made by openssl cms, by a certificate that is for TLS servers only. */
TEST(a_certificate_with_a_wrong_purpose_is_refused)
{
        static const struct {
                const char *signature, *key;
                enum ingot_finding_state state;
        } cases[] = {
                {"data.server.p7s", "x509-server.pem", INGOT_FINDING_REFUSED},
                {"data.nosign.p7s", "x509-nosign.pem", INGOT_FINDING_REFUSED},
                {"data.noattr.p7s", "ca-certificate.pem", INGOT_FINDING_HOLDS},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_fixture_ struct fixture x = {0};
                _cleanup_folder_ struct folder f = {0};
                CHECK_OK(fixture_open(&x, "data", cases[i].signature, &error));
                CHECK_OK(fixture_key(&x, cases[i].key, &error));
                CHECK_OK(ingot_buffer_append(add(&f, "SHA256SUMS"), x.data.data, x.data.size,
                                             &error));
                CHECK_OK(ingot_buffer_append(add(&f, "SHA256SUMS.p7s"), x.signature.data,
                                             x.signature.size, &error));
                f.keys = x.keys;
                x.keys = (struct ingot_key_files){0};
                CHECK(verify(&f) != INGOT_FINDING_STATE_MAX);
                CHECK_EQ(find(&f, "SHA256SUMS.p7s")->state, cases[i].state);
        }
}

TEST(a_manifest_that_too_few_signed_holds_by_signed_sums_that_name_it)
{
        _cleanup_folder_ struct folder f = {0};
        uint8_t digest[INGOT_SHA256_SIZE];
        char hex[2 * INGOT_SHA256_SIZE + 1];
        CHECK_OK(make_folder(&f, "SHA256SUMS"));
        ingot_sha256_of((const uint8_t *) "{}\n", 3, digest);
        ingot_hex(hex, digest, sizeof(digest));
        CHECK_OK(ingot_buffer_printf(f.bytes + SUMS, &error, "%s  bare.manifest.json\n", hex));
        CHECK_OK(ingot_buffer_printf(add(&f, "bare.manifest.json"), &error, "{}\n"));
        CHECK_OK(add_key(&f, &one));
        verify(&f);
        CHECK_EQ(find(&f, "bare.manifest.json")->state, INGOT_FINDING_REFUSED);
        CHECK_OK(add_signature(&f, "SHA256SUMS.p7s", &one, sums_of(&f)));
        verify(&f);
        CHECK_EQ(find(&f, "bare.manifest.json")->state, INGOT_FINDING_HOLDS);
        CHECK_STR(find(&f, "bare.manifest.json")->by, "SHA256SUMS");
        /* Both must have signed the sums; one of them signs nothing else. */
        f.threshold = 2;
        CHECK_OK(add_key(&f, &two));
        CHECK_OK(add_signature(&f, "bare.manifest.json.p7s", &one, INGOT_SPAN("{}\n", 3)));
        verify(&f);
        CHECK_EQ(find(&f, "bare.manifest.json")->state, INGOT_FINDING_REFUSED);
        CHECK_OK(add_signature(&f, "SHA256SUMS.2.p7s", &two, sums_of(&f)));
        verify(&f);
        CHECK_EQ(find(&f, "bare.manifest.json")->state, INGOT_FINDING_HOLDS);
}

/* It is no part of the release: its bytes count, and vouch for nothing when a key is given. */
TEST(the_sum_of_an_image_beside_it_is_checked)
{
        _cleanup_folder_ struct folder f = {0};
        CHECK_OK(make_folder(&f, "bare.bin.sha256"));
        CHECK_EQ(verify(&f), INGOT_FINDING_HOLDS);
        CHECK(!find(&f, "bare.bin.sha256"));
        CHECK_EQ(f.found.gap_count, 0);
        CHECK_OK(add_key(&f, &one));
        CHECK_EQ(verify(&f), INGOT_FINDING_HOLDS);
        CHECK_EQ(f.found.gap_count, 1);
        f.bytes[ARTIFACT].data[0] ^= 1;
        CHECK_EQ(verify(&f), INGOT_FINDING_REFUSED);
}

TEST(no_changed_byte_of_a_signed_release_passes)
{
        _cleanup_folder_ struct folder f = {0};
        size_t unseen = 0;
        CHECK_OK(make_folder(&f, "SHA256SUMS"));
        CHECK_OK(add_signature(&f, "SHA256SUMS.p7s", &one, sums_of(&f)));
        CHECK_OK(add_key(&f, &one));
        for (size_t i = 0; i < f.count; i++)
                for (size_t at = 0; at < f.bytes[i].size; at++) {
                        f.bytes[i].data[at] ^= 0x21;
                        bool refused = verify(&f) == INGOT_FINDING_REFUSED;
                        f.bytes[i].data[at] ^= 0x21;
                        bool gap = f.found.gap_count == 1 &&
                                   strcmp(f.found.gaps[0].artifact, f.names[i]) == 0;
                        unseen += !refused && gap;
                        if (refused || gap)
                                continue;
                        test_report(__FILE__, __LINE__, "%s: byte %zu is not seen", f.names[i], at);
                        return;
                }
        printf("# %zu bytes in gaps\n", unseen);
        CHECK(unseen < 64);
}
