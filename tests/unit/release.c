/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Release files: decoded, encoded, refused with a reason; signatures by m of n keys. */
#include "update/release.h"
#include "base/cleanup.h"
#include "test.h"
#include "trust/certificate.h"
#include "trust/pkcs7.h"
#include "update/release-sign.h"
#include "update/sums.h"

#include <stdlib.h>

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define FILE_OF(name, size)                                                                        \
        "{\"name\": \"" name "\", \"size\": " size ", \"sha256\": \"" DIGEST "\"}"

/* 16 MiB of root in 4096 blocks: 32 hash blocks of leaves, 1 above, and the superblock. */
#define RELEASE(version)                                                                           \
        "{\"version\": \"" version "\", \"rollout\": 100, \"root_hash\": \"" DIGEST                \
        "\", \"verity\": {\"uuid\": \"01234567-89ab-4cde-8f01-23456789abcd\", \"salt\": "          \
        "\"a0a1\", \"data_block_size\": 4096, \"hash_block_size\": 4096, \"data_blocks\": 4096}, " \
        "\"root\": " FILE_OF("m_" version ".root.raw", "16777216") ", \"tree\": " FILE_OF(         \
                "m_" version ".verity.raw",                                                        \
                "139264") ", \"uki\": {\"name\": "                                                 \
                          "\"m_" version ".efi\", \"size\": "                                      \
                          "1048577, \"sha256\": "                                                  \
                          "\"" DIGEST "\", \"extent_size\": 1048576, \"extents\": [\"" DIGEST      \
                          "\", \"" DIGEST                                                          \
                          "\"]}, \"manifest\": " FILE_OF("m_" version ".manifest.json", "99") "}"
#define CHANNEL(more, releases)                                                                    \
        "{\"type\": \"ingot-channel\", \"format\": 1, \"name\": \"m\", \"channel\": \"stable\", "  \
        "\"architecture\": \"x86-64\", \"serial\": 7, " more "\"releases\": [" releases "]}"

static int decode(const char *text, struct ingot_channel *ret, ingot_error *reterr)
{
        return ingot_channel_decode(INGOT_SPAN(text, strlen(text)), ret, reterr);
}

/* The text with FROM, which stands in it, changed to TO. */
static char *changed(const char *text, const char *from, const char *to)
{
        const char *at = strstr(text, from);
        char *ret = NULL;
        if (at && asprintf(&ret, "%.*s%s%s", (int) (at - text), text, to, at + strlen(from)) < 0)
                ret = NULL;
        return ret;
}

TEST(a_release_file_is_read_and_written_as_the_same)
{
        _cleanup_channel_ struct ingot_channel c = {0}, back = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0}, again = {0};
        ingot_error error;
        CHECK_OK(decode(CHANNEL("\"expires\": 1800000000, \"minimum\": \"1\", ",
                                RELEASE("2") ", " RELEASE("1")),
                        &c, &error));
        CHECK_STR(c.name, "m");
        CHECK_EQ(c.serial, 7);
        CHECK_EQ(c.expires, 1800000000);
        CHECK_STR(c.minimum, "1");
        CHECK_EQ(c.release_count, 2);
        CHECK_STR(c.releases[0].version, "2");
        CHECK_EQ(c.releases[0].extent_count, 2);
        CHECK_EQ(c.releases[0].verity.salt_size, 2);
        CHECK(!c.releases[0].signature.name);
        CHECK(ingot_channel_find(&c, "1") == c.releases + 1);
        CHECK(!ingot_channel_find(&c, "3"));
        CHECK_OK(ingot_channel_encode(&c, &text, &error));
        CHECK_OK(ingot_channel_decode(ingot_buffer_span(&text), &back, &error));
        CHECK_OK(ingot_channel_encode(&back, &again, &error));
        CHECK_EQ(text.size, again.size);
        CHECK(memcmp(text.data, again.data, text.size) == 0);
}

TEST(extensions_have_a_kind_a_name_and_a_file)
{
        _cleanup_free_ char *text =
                changed(CHANNEL("", RELEASE("2")), "\"manifest\": ",
                        "\"os_release\": \"ID=web\\n\", \"extensions\": [{\"kind\": \"sysext\", "
                        "\"name\": \"debug\", \"version\": \"5\", "
                        "\"file\": " FILE_OF("debug_5.raw", "4096") "}], \"manifest\": ");
        _cleanup_free_ char *twice = NULL;
        _cleanup_channel_ struct ingot_channel c = {0}, d = {0};
        _cleanup_buffer_ struct ingot_buffer again = {0};
        ingot_error error;
        CHECK_OK(decode(text, &c, &error));
        CHECK_EQ(c.releases[0].extension_count, 1);
        CHECK_EQ(c.releases[0].extensions[0].kind, INGOT_EXTENSION_SYSEXT);
        CHECK_STR(c.releases[0].extensions[0].file.name, "debug_5.raw");
        CHECK_OK(ingot_channel_encode(&c, &again, &error));
        CHECK_OK(ingot_channel_decode(ingot_buffer_span(&again), &d, &error));
        CHECK_STR(d.releases[0].extensions[0].version, "5");
        CHECK_STR(d.releases[0].os_release, "ID=web\n");
        twice = changed(text, "\"sysext\"", "\"other\"");
        CHECK_FAILS(decode(twice, &d, &error), INGOT_E_FORMAT, "neither sysext nor confext");
}

TEST(signatures_stand_beside_the_measurement_manifest)
{
        static const struct {
                const char *from, *to;
                int code;
                const char *words;
        } cases[] = {
                {"json.p7s", "json.exe", INGOT_E_FORMAT, "no name of a signature"},
                {"m_2.measurement.json.p7s", "m_1.measurement.json.p7s", INGOT_E_FORMAT,
                 "no name of a signature"},
                {"\"size\": 1700", "\"size\": 0", INGOT_E_FORMAT, "empty"},
                {"\"size\": 1700", "\"size\": 99999999", INGOT_E_LIMIT, "measurement"},
                {"signatures\": [{", "signatures\": [1, {", INGOT_E_FORMAT, "signature 1"},
                {"signatures\": [{\"name\"", "signatures\": [{\"nam\"", INGOT_E_FORMAT, "'name'"},
        };
        _cleanup_free_ char *text = changed(
                CHANNEL("", RELEASE("2")), "\"manifest\": ",
                "\"measurement\": {\"name\": \"m_2.measurement.json\", \"size\": 9, \"sha256\": "
                "\"" DIGEST
                "\", \"signatures\": [" FILE_OF("m_2.measurement.json.p7s", "1700") ", " FILE_OF(
                        "m_2.measurement.json.2.gpg", "300") "]}, \"manifest\": ");
        _cleanup_channel_ struct ingot_channel c = {0}, d = {0};
        _cleanup_buffer_ struct ingot_buffer again = {0};
        ingot_error error;
        CHECK_OK(decode(text, &c, &error));
        CHECK_EQ(c.releases[0].measurement_signature_count, 2);
        CHECK_STR(ingot_release_part(c.releases, INGOT_RELEASE_PARTS + 1, NULL)->name,
                  "m_2.measurement.json.2.gpg");
        CHECK(!ingot_release_part(c.releases, INGOT_RELEASE_PARTS + 2, NULL));
        CHECK_OK(ingot_channel_encode(&c, &again, &error));
        CHECK_OK(ingot_channel_decode(ingot_buffer_span(&again), &d, &error));
        CHECK_EQ(d.releases[0].measurement_signature_count, 2);
        CHECK_EQ(d.releases[0].measurement_signatures[0].size, 1700);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_channel_ struct ingot_channel bad = {0};
                _cleanup_free_ char *wrong = changed(text, cases[i].from, cases[i].to);
                CHECK(wrong);
                CHECK_FAILS(decode(wrong, &bad, &error), cases[i].code, cases[i].words);
        }
}

TEST(what_contradicts_itself_is_refused_with_its_reason)
{
        static const struct {
                const char *from, *to;
                int code;
                const char *words;
        } cases[] = {
                {"ingot-channel", "ingot-measurement", INGOT_E_FORMAT, "not ingot-channel"},
                {"\"format\": 1", "\"format\": 2", INGOT_E_UNSUPPORTED, "a newer ingot"},
                {"\"name\": \"m\"", "\"name\": \"../m\"", INGOT_E_FORMAT, "no product's name"},
                {"\"stable\"", "\"st.able\"", INGOT_E_FORMAT, "no channel's name"},
                {"\"x86-64\"", "\"x86_64\"", INGOT_E_FORMAT, "no architecture"},
                {"\"serial\": 7", "\"serial\": 0", INGOT_E_FORMAT, "serial of 0"},
                {"\"serial\": 7", "\"serial\": -1", INGOT_E_FORMAT, "negative"},
                {"\"serial\": 7", "\"serial\": 7, \"minimum\": \"a/b\"", INGOT_E_FORMAT,
                 "no version"},
                {"\"version\": \"2\"", "\"version\": \"2_1\"", INGOT_E_FORMAT, "no version"},
                {"\"rollout\": 100", "\"rollout\": 101", INGOT_E_FORMAT, "101 percent"},
                {"\"rollout\": 100", "\"rollout\": 4294967296", INGOT_E_FORMAT, "32 bits"},
                {"\"root_hash\": \"0", "\"root_hash\": \"g", INGOT_E_FORMAT, "root_hash"},
                {"\"a0a1\"", "\"a0a\"", INGOT_E_FORMAT, "salt"},
                {"\"data_blocks\": 4096", "\"data_blocks\": 4095", INGOT_E_FORMAT, "not 4095"},
                {"\"data_blocks\": 4096", "\"data_blocks\": 0", INGOT_E_FORMAT, "verity"},
                {"\"data_blocks\": 4096", "\"data_blocks\": 4294967297", INGOT_E_LIMIT, "2^32"},
                {"\"hash_block_size\": 4096", "\"hash_block_size\": 4095", INGOT_E_FORMAT,
                 "verity"},
                {"139264", "139265", INGOT_E_FORMAT, "hash tree"},
                {"\"extent_size\": 1048576", "\"extent_size\": 0", INGOT_E_FORMAT, "power of two"},
                {"\"extent_size\": 1048576", "\"extent_size\": 524288", INGOT_E_FORMAT,
                 "2 extents"},
                {"1048577", "4294967296", INGOT_E_LIMIT, "uki"},
                {"[\"00", "[\"0", INGOT_E_FORMAT, "item 1 of 'extents'"},
                {"m_2.efi", "../2.efi", INGOT_E_FORMAT, "cannot be a file's name"},
                {"m_2.efi", ".hidden", INGOT_E_FORMAT, "cannot be a file's name"},
                {"m_2.efi", "a\\u001bb", INGOT_E_FORMAT, "cannot be a file's name"},
                {"m_2.efi", "SHA256SUMS.gpg", INGOT_E_FORMAT, "cannot be a file's name"},
                {"m_2.efi", "m.other.release.json", INGOT_E_FORMAT, "cannot be a file's name"},
                {"m_2.efi", "m_2.root.raw", INGOT_E_FORMAT, "two different files"},
                {"\"size\": 99", "\"size\": 0", INGOT_E_FORMAT, "empty"},
                {"\"size\": 99", "\"size\": 99999999", INGOT_E_LIMIT, "manifest"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_channel_ struct ingot_channel c = {0};
                _cleanup_free_ char *text =
                        changed(CHANNEL("", RELEASE("2")), cases[i].from, cases[i].to);
                ingot_error error;
                CHECK(text);
                CHECK_FAILS(decode(text, &c, &error), cases[i].code, cases[i].words);
        }
}

TEST(versions_are_in_order_and_none_is_there_twice)
{
        _cleanup_channel_ struct ingot_channel c = {0};
        ingot_error error;
        CHECK_FAILS(decode(CHANNEL("", RELEASE("1") ", " RELEASE("2")), &c, &error), INGOT_E_FORMAT,
                    "version 2");
        CHECK_FAILS(decode(CHANNEL("", RELEASE("2") ", " RELEASE("2")), &c, &error), INGOT_E_FORMAT,
                    "version 2");
        CHECK_FAILS(decode(CHANNEL("", ""), &c, &error), INGOT_E_FORMAT, "no release");
        /* UAPI.10: ~ is before the end. */
        CHECK_OK(decode(CHANNEL("", RELEASE("10") ", " RELEASE("9") ", " RELEASE("9~rc1")), &c,
                        &error));
}

TEST(what_a_machine_may_take_is_asked_in_one_place)
{
        _cleanup_channel_ struct ingot_channel c = {0};
        struct ingot_channel_wish wish = {.name = "m",
                                          .channel = "stable",
                                          .architecture = "x86-64",
                                          .now = 1799999999,
                                          .serial = 7};
        ingot_error error;
        CHECK_OK(decode(CHANNEL("\"expires\": 1800000000, \"minimum\": \"2\", ", RELEASE("2")), &c,
                        &error));
        CHECK_OK(ingot_channel_acceptable(&c, &wish, &error));
        wish.now++;
        CHECK_FAILS(ingot_channel_acceptable(&c, &wish, &error), INGOT_E_REFUSED,
                    "expired at 2027-01-15 08:00:00 UTC");
        wish.now = 0;
        wish.serial = 8;
        CHECK_FAILS(ingot_channel_acceptable(&c, &wish, &error), INGOT_E_REFUSED,
                    "its serial is 7, and 8 was seen before");
        wish.serial = 0;
        wish.channel = "testing";
        CHECK_FAILS(ingot_channel_acceptable(&c, &wish, &error), INGOT_E_REFUSED,
                    "for the channel 'stable', and this is 'testing'");
        wish.architecture = "arm64";
        CHECK_FAILS(ingot_channel_acceptable(&c, &wish, &error), INGOT_E_REFUSED,
                    "for the architecture 'x86-64', and this is 'arm64'");
        wish.name = "other";
        CHECK_FAILS(ingot_channel_acceptable(&c, &wish, &error), INGOT_E_REFUSED,
                    "for the product 'm', and this is 'other'");
        wish = (struct ingot_channel_wish){0};
        CHECK_OK(ingot_channel_acceptable(&c, &wish, &error));
        CHECK_OK(ingot_channel_check_minimum(&c, "2", &error));
        CHECK_FAILS(ingot_channel_check_minimum(&c, "2~rc1", &error), INGOT_E_REFUSED,
                    "older than 2");
}

static struct ingot_key *keys[3];
static struct ingot_certificate *certificates[3];

/* Keys of three people; made once. */
static int make_people(ingot_error *reterr)
{
        static const char *const names[] = {"first", "second", "stranger"};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(names) && !certificates[i]; i++) {
                struct ingot_certificate_profile profile = {.common_name = names[i],
                                                            .not_after = 2000000000,
                                                            .serial = {1, (uint8_t) i}};
                r = ingot_key_generate(&keys[i], INGOT_KEY_RSA, 2048, reterr);
                if (r >= 0)
                        r = ingot_certificate_create(&certificates[i], keys[i], &profile, reterr);
        }
        return r;
}

static int trust(struct ingot_key_files *files, size_t person, ingot_error *reterr)
{
        struct ingot_key_file file = {.technology = INGOT_TECHNOLOGY_X509};
        int r = ingot_strdup(&file.path, "person.crt", reterr);
        if (r >= 0)
                r = ingot_certificate_pem(certificates[person], &file.content, reterr);
        return r < 0 ? r : ingot_key_files_take(files, &file, reterr);
}

static int sign(struct ingot_release_envelope *e, size_t person, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer der = {0};
        int r = ingot_pkcs7_sign_detached(keys[person], certificates[person],
                                          ingot_buffer_span(&e->payload), &der, reterr);
        return r < 0 ? r : ingot_release_envelope_add(e, ingot_buffer_span(&der), reterr);
}

TEST(a_release_file_is_read_when_m_of_n_signed_it)
{
        _cleanup_release_envelope_ struct ingot_release_envelope e = {0};
        _cleanup_key_files_ struct ingot_key_files both = {0};
        _cleanup_buffer_ struct ingot_buffer one = {0}, two = {0};
        _cleanup_channel_ struct ingot_channel c = {0};
        _cleanup_verdict_ struct ingot_verdict few = {0}, enough = {0};
        struct ingot_signature_request q = {.keys = &both, .undated = true, .threshold = 2};
        const char *payload = CHANNEL("", RELEASE("2"));
        ingot_error error;
        CHECK_OK(make_people(&error));
        CHECK_OK(trust(&both, 0, &error));
        CHECK_OK(trust(&both, 1, &error));
        CHECK_OK(ingot_buffer_append(&e.payload, payload, strlen(payload), &error));
        CHECK_OK(sign(&e, 0, &error));
        CHECK_OK(sign(&e, 0, &error));
        CHECK_OK(sign(&e, 2, &error));
        CHECK_OK(ingot_release_envelope_encode(&e, &one, &error));
        /* Twice by one, and once by a stranger: that is one of two. */
        CHECK_EQ(ingot_channel_open(ingot_buffer_span(&one), &q, &c, &few, &error), 1);
        CHECK(!c.name);
        CHECK_EQ(few.holding, 1);
        CHECK_FAILS(ingot_verdict_error(&few, &error), INGOT_E_REFUSED,
                    "1 of 2 signatures hold, by CN=first");
        CHECK(strstr(error.text, "; 1 of the other keys must sign, too: by X.509 key"));
        CHECK_OK(sign(&e, 1, &error));
        CHECK_OK(ingot_release_envelope_encode(&e, &two, &error));
        CHECK_EQ(ingot_channel_open(ingot_buffer_span(&two), &q, &c, &enough, &error), 0);
        CHECK_EQ(enough.holding, 2);
        CHECK_STR(c.releases->version, "2");
}

TEST(a_changed_payload_is_refused_before_it_is_read)
{
        _cleanup_release_envelope_ struct ingot_release_envelope e = {0};
        _cleanup_key_files_ struct ingot_key_files files = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_channel_ struct ingot_channel c = {0};
        _cleanup_verdict_ struct ingot_verdict verdict = {0};
        struct ingot_signature_request q = {.keys = &files, .undated = true};
        const char *payload = CHANNEL("", RELEASE("2"));
        ingot_error error;
        CHECK_OK(make_people(&error));
        CHECK_OK(trust(&files, 0, &error));
        CHECK_OK(ingot_buffer_append(&e.payload, payload, strlen(payload), &error));
        CHECK_OK(sign(&e, 0, &error));
        e.payload.data[0] = '[';
        CHECK_OK(ingot_release_envelope_encode(&e, &text, &error));
        CHECK_EQ(ingot_channel_open(ingot_buffer_span(&text), &q, &c, &verdict, &error), 1);
        CHECK_FAILS(ingot_verdict_error(&verdict, &error), INGOT_E_REFUSED, "no signature holds");
}

TEST(signatures_of_unknown_technologies_are_passed_over)
{
        _cleanup_release_envelope_ struct ingot_release_envelope e = {0}, other = {0};
        const char *unknown =
                "{\"format\": 1, \"type\": \"ingot-release\", \"payload\": \"\", "
                "\"signatures\": [{\"technology\": \"new\", \"signature\": \"eA==\"}]}";
        const char *wrong = "{\"format\": 1, \"type\": \"ingot-release\", \"payload\": \"\", "
                            "\"signatures\": [{\"technology\": \"ssh\", \"signature\": \"eA==\"}]}";
        ingot_error error;
        CHECK_OK(ingot_release_envelope_decode(INGOT_SPAN(unknown, strlen(unknown)), &e, &error));
        CHECK_EQ(e.count, 0);
        CHECK_FAILS(ingot_release_envelope_decode(INGOT_SPAN(wrong, strlen(wrong)), &other, &error),
                    INGOT_E_FORMAT, "signature 1");
}

TEST(sums_are_sorted_and_name_one_content_each)
{
        static const uint8_t a[INGOT_SHA256_SIZE] = {0xaa}, b[INGOT_SHA256_SIZE] = {0xbb};
        _cleanup_sums_ struct ingot_sums sums = {0}, back = {0}, none = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        ingot_error error;
        CHECK_OK(ingot_sums_add(&sums, "z", a, &error));
        CHECK_OK(ingot_sums_add(&sums, "a b", b, &error));
        CHECK_OK(ingot_sums_add(&sums, "z", a, &error));
        CHECK_OK(ingot_sums_encode(&sums, &text, &error));
        CHECK_OK(ingot_sums_decode(ingot_buffer_span(&text), &back, &error));
        CHECK_EQ(back.count, 2);
        CHECK_STR(back.items[0].name, "a b");
        CHECK_EQ(ingot_sums_find(&back, "z")[0], 0xaa);
        CHECK(!ingot_sums_find(&back, "y"));
        CHECK_OK(ingot_sums_add(&sums, "z", b, &error));
        CHECK_FAILS(ingot_sums_encode(&sums, &text, &error), INGOT_E_CONFLICT,
                    "z is two different files");
        static const char *const bad[] = {DIGEST "  a", DIGEST "  \n",     DIGEST " a\n",
                                          "x\n",        DIGEST "  ../a\n", "g" DIGEST "  a\n"};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                CHECK_FAILS(ingot_sums_decode(INGOT_SPAN(bad[i], strlen(bad[i])), &none, &error),
                            INGOT_E_FORMAT, "SHA256SUMS");
}
