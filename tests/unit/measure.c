/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "base/json-read.h"
#include "base/text.h"
#include "make-pe.h"
#include "measure/pcrsig.h"
#include "test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

/* The vectors were made by systemd-measure 252. */
static const char public_key[] =
        "-----BEGIN PUBLIC KEY-----\n"
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxoI3iioHTe0T1wu29wij\n"
        "3rINzTPBVYTHr/qbpJA/cAbz8Zj4c1LtzVqWhVy712ny9edA+G8EbtSRbDx+yGvr\n"
        "+OZi3Lc9uN8BwZU8JeUqWVu+kxkun2LAf901uj+vRITTMW4yV8JxoqBBPWkP4ZCz\n"
        "fk+IT/AOucr/kX3QhogIeQFpReaftf3SFEXiXEsD8PV+ifjTOyrZhPOZwnBdTX2C\n"
        "ktULBrXZnl4+25L1vDxAEbQHwlziPC4MbEqEtzeCStmg0G0Hj5jNCIHktX8S5udM\n"
        "dbKIxn5ZDe8imCNM77h4fuZPuBwQAr7hgXVrwI/1zCDssYw71siu6lEqnsQKO8xU\n"
        "GQIDAQAB\n"
        "-----END PUBLIC KEY-----\n";

static const char signed_text[] =
        "{\"sha256\":[{\"pcrs\":[11],"
        "\"pkfp\":\"a1765391930f8ab010f058d1f313205a919cd6d1b43fac3dcd97a79e230d5878\","
        "\"pol\":\"3128f8030b36bd5e652325a3d638dc4ce46d19f6164d70393f9ff62a14d69cb6\","
        "\"sig\":\"NM2P+rPSxfHCJMUTj7S1UO1EME6YfMAG49yU8rzb0bR87dVR2I624StvEpEgRBpFTjBqjpiNjcrKqGyE"
        "qooonr048OLIu2hV2m6wOChurzjBBihEtTu4HB7KQzqhEQ4193w7gR/GdQ8kqXkBPchIpvfax5bnNYjUY/Kb8KfrKW"
        "uEFVYdtZutwZt7zLkAiShPVyqLx/ZIUGpNXxB38Z2nhZXHsekwBsEoKpazDC6D+eO9pDF6VqGpdSQyceu8k17gHM65"
        "wTq+ywnY3BWOvHfrR3M+gW3Pg5mwjDSwa31bI8w1ROLQpregN/D5uZJUL0naAC8Z8B50M84XwLiuGIbtng==\"}]}";

static const struct {
        const char *bank, *path, *pcr, *policy;
} vectors[] = {
        {"sha1", "", "fda08249acade307ce037c76ab13fb2a14bf1e30",
         "461e3a5c329dc20bef158724002f538e298f13f049f5c3383b8b2e2cfd68e782"},
        {"sha1", "enter-initrd", "6768b08145ce963091fccded71bc80767aa30ca9",
         "4dbbcf6764c7b28e96dc29385016e71c6e924a1f9833ade93a411ab910f27849"},
        {"sha1", "enter-initrd:leave-initrd", "c129ebf769d7ae2815c0884c4317113adc392674",
         "b642d4c2a03b888c9bc087d42c2da57f044aa39171133313a099ff42cfd82823"},
        {"sha256", "", "c83c8bcb578f35c52fc6ae23730226a43fb04c6fcbe4d54ee173f5beada2417a",
         "edfc13f801b998af71c847cde6c14726863be745549b54616d338417fb41a2e9"},
        {"sha256", "enter-initrd",
         "e6d317d765321ebe699dc1e9cdf19b84c231ef845db0fe728dae38774793184a",
         "3128f8030b36bd5e652325a3d638dc4ce46d19f6164d70393f9ff62a14d69cb6"},
        {"sha256", "enter-initrd:leave-initrd",
         "ea058ac8ea5c96bf4890b9fc46defa408f837952cb28caab02b5b67e772ebc7d",
         "4a29e508438a204449e8945b2c2c94f4335e4c3c7a68c4bc1e1fd14072a5bb93"},
};

static void free_key(EVP_PKEY **k)
{
        EVP_PKEY_free(*k);
}
#define _cleanup_key_ _cleanup_(free_key)

static EVP_PKEY *load_key(void)
{
        BIO *bio = BIO_new_mem_buf(public_key, -1);
        EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
        BIO_free(bio);
        return key;
}

/* A UKI whose table has another order than the measurement. */
static struct ingot_span vector_uki(void)
{
        static const struct made_section sections[] = {
                {".text", "stub"},
                {".pcrpkey", public_key},
                {".osrel", "ID=foo\nVERSION_ID=1\n"},
                {".linux", "KERNEL"},
                {".pcrsig", "{}"},
                {".initrd", "INITRD"},
                {".cmdline", "quiet"},
                {".uname", ""},
        };
        return make_pe(INGOT_PE_MACHINE_X86_64, sections, 8);
}

struct opened {
        struct ingot_span span;
        struct ingot_reader reader;
        struct ingot_uki uki;
};

static void opened_done(struct opened *o)
{
        ingot_uki_done(&o->uki);
        free((void *) o->span.data);
}
#define _cleanup_opened_ _cleanup_(opened_done)

static int open_uki(struct opened *o, struct ingot_span span, ingot_error *reterr)
{
        o->span = span;
        o->reader = ingot_reader_of_span(&o->span);
        return ingot_uki_read(&o->reader, &o->uki, reterr);
}

TEST(pcr_11_and_its_policy_are_those_of_systemd_measure)
{
        ingot_error error;
        _cleanup_opened_ struct opened o = {0};
        struct ingot_pcr booted;
        CHECK_OK(open_uki(&o, vector_uki(), &error));
        CHECK_OK(ingot_pcr11_of_uki(&o.reader, &o.uki, 0, &booted, &error));
        for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
                char hex[2 * INGOT_BANK_SIZE_MAX + 1];
                uint8_t policy[INGOT_SHA256_SIZE];
                struct ingot_pcr pcr = booted;
                enum ingot_bank bank;
                CHECK(ingot_bank_parse(vectors[i].bank, &bank));
                CHECK_OK(ingot_pcr11_phases(&pcr, vectors[i].path, &error));
                ingot_hex(hex, pcr.value[bank], ingot_bank_size(bank));
                CHECK_STR(hex, vectors[i].pcr);
                ingot_policy_of_pcr(bank, 11, pcr.value[bank], policy);
                ingot_hex(hex, policy, sizeof(policy));
                CHECK_STR(hex, vectors[i].policy);
        }
}

TEST(a_section_is_measured_as_it_is_in_memory)
{
        static const struct made_section sections[] = {{".linux", "KERNEL"}, {".osrel", "ID=a"}};
        ingot_error error;
        _cleanup_opened_ struct opened o = {0}, longer = {0}, grown = {0};
        struct ingot_pcr a, b, c;
        CHECK_OK(open_uki(&o, make_pe(INGOT_PE_MACHINE_X86_64, sections, 2), &error));
        CHECK_OK(ingot_pcr11_of_uki(&o.reader, &o.uki, 0, &a, &error));
        /* What stands in the file behind VirtualSize does not count … */
        struct ingot_span more = make_pe(INGOT_PE_MACHINE_X86_64, sections, 2);
        ((uint8_t *) more.data)[MADE_HEADERS + 6] = 'X';
        CHECK_OK(open_uki(&longer, more, &error));
        CHECK_OK(ingot_pcr11_of_uki(&longer.reader, &longer.uki, 0, &b, &error));
        CHECK(memcmp(&a, &b, sizeof(a)) == 0);
        /* … and the zeros that it has beyond the file do. */
        more = make_pe(INGOT_PE_MACHINE_X86_64, sections, 2);
        ingot_le32_store((uint8_t *) more.data + MADE_TABLE + 8, 0x300);
        CHECK_OK(open_uki(&grown, more, &error));
        CHECK_OK(ingot_pcr11_of_uki(&grown.reader, &grown.uki, 0, &c, &error));
        CHECK(memcmp(&a, &c, sizeof(a)) != 0);
        ingot_le32_store((uint8_t *) more.data + MADE_TABLE + 8, 0x7fffffff);
        ingot_uki_done(&grown.uki);
        CHECK_OK(ingot_uki_read(&grown.reader, &grown.uki, &error));
        CHECK_FAILS(ingot_pcr11_of_uki(&grown.reader, &grown.uki, 0, &c, &error), INGOT_E_LIMIT,
                    "zeros");
}

TEST(each_profile_has_its_own_value)
{
        static const struct made_section sections[] = {{".linux", "KERNEL"},
                                                       {".cmdline", "quiet"},
                                                       {".profile", "ID=main"},
                                                       {".profile", "ID=debug"},
                                                       {".cmdline", "debug"}};
        static const struct made_section alone[] = {
                {".linux", "KERNEL"}, {".cmdline", "debug"}, {".profile", "ID=debug"}};
        ingot_error error;
        _cleanup_opened_ struct opened o = {0}, one = {0};
        struct ingot_pcr first, second, same;
        CHECK_OK(open_uki(&o, make_pe(INGOT_PE_MACHINE_X86_64, sections, 5), &error));
        CHECK_OK(ingot_pcr11_of_uki(&o.reader, &o.uki, 0, &first, &error));
        CHECK_OK(ingot_pcr11_of_uki(&o.reader, &o.uki, 1, &second, &error));
        CHECK_FAILS(ingot_pcr11_of_uki(&o.reader, &o.uki, 2, &same, &error), INGOT_E_NOTFOUND,
                    "no profile 2");
        CHECK(memcmp(&first, &second, sizeof(first)) != 0);
        CHECK_OK(open_uki(&one, make_pe(INGOT_PE_MACHINE_X86_64, alone, 3), &error));
        CHECK_OK(ingot_pcr11_of_uki(&one.reader, &one.uki, 0, &same, &error));
        CHECK(memcmp(&second, &same, sizeof(same)) == 0);
}

TEST(what_depends_on_the_machine_has_no_value)
{
        static const struct made_section sections[] = {{".linux", "K"}, {".dtbauto", "D"}};
        ingot_error error;
        _cleanup_opened_ struct opened o = {0};
        struct ingot_pcr pcr;
        CHECK_OK(open_uki(&o, make_pe(INGOT_PE_MACHINE_ARM64, sections, 2), &error));
        CHECK_FAILS(ingot_pcr11_of_uki(&o.reader, &o.uki, 0, &pcr, &error), INGOT_E_UNSUPPORTED,
                    "depends on the machine");
}

TEST(a_malformed_phase_path_changes_nothing)
{
        ingot_error error;
        struct ingot_pcr pcr = {0}, zero = {0};
        CHECK_FAILS(ingot_pcr11_phases(&pcr, "a::b", &error), INGOT_E_USAGE, "empty word");
        CHECK_FAILS(ingot_pcr11_phases(&pcr, "a:", &error), INGOT_E_USAGE, "ends with");
        CHECK(memcmp(&pcr, &zero, sizeof(pcr)) == 0);
}

TEST(a_signature_of_systemd_measure_holds_and_round_trips)
{
        ingot_error error;
        _cleanup_pcrsig_ struct ingot_pcrsig s = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_key_ EVP_PKEY *key = load_key();
        CHECK_OK(ingot_pcrsig_decode(INGOT_SPAN(signed_text, sizeof(signed_text)), &s, &error));
        CHECK_EQ(s.count, 1);
        CHECK_EQ(s.entries[0].pcrs, 1 << 11);
        CHECK_OK(ingot_pcrsig_check(s.entries, key, &error));
        CHECK_OK(ingot_pcrsig_encode(&s, &text, &error));
        CHECK_STR((char *) text.data, signed_text);
        s.entries[0].policy[7] ^= 1;
        CHECK_FAILS(ingot_pcrsig_check(s.entries, key, &error), INGOT_E_REFUSED,
                    "over this policy");
        s.entries[0].policy[7] ^= 1;
        s.entries[0].key[0] ^= 1;
        CHECK_FAILS(ingot_pcrsig_check(s.entries, key, &error), INGOT_E_REFUSED, "another key");
}

TEST(a_reference_is_part_of_what_is_signed)
{
        ingot_error error;
        _cleanup_pcrsig_ struct ingot_pcrsig s = {0};
        _cleanup_buffer_ struct ingot_buffer plain = {0}, named = {0};
        CHECK_OK(ingot_pcrsig_decode(INGOT_SPAN(signed_text, sizeof(signed_text)), &s, &error));
        CHECK_OK(ingot_pcrsig_to_be_signed(s.entries, &plain, &error));
        CHECK_OK(ingot_strdup(&s.entries[0].reference, "initrd", &error));
        CHECK_OK(ingot_pcrsig_to_be_signed(s.entries, &named, &error));
        CHECK_EQ(plain.size, 32);
        CHECK_EQ(named.size, 64);
        CHECK(memcmp(plain.data, named.data, 32) == 0);
}

TEST(the_policies_of_a_uki_are_one_for_each_phase_and_bank)
{
        ingot_error error;
        _cleanup_opened_ struct opened o = {0};
        _cleanup_pcrsig_ struct ingot_pcrsig s = {0};
        _cleanup_key_ EVP_PKEY *key = load_key();
        uint8_t fingerprint[INGOT_SHA256_SIZE], want[INGOT_SHA256_SIZE];
        CHECK_OK(open_uki(&o, vector_uki(), &error));
        CHECK_OK(ingot_pcrsig_key(key, fingerprint, &error));
        CHECK_OK(ingot_pcrsig_of_uki(&o.reader, &o.uki, 0,
                                     1u << INGOT_BANK_SHA1 | 1u << INGOT_BANK_SHA256, fingerprint,
                                     &s, &error));
        CHECK_EQ(s.count, 8);
        CHECK(ingot_unhex(want, sizeof(want), vectors[1].policy));
        CHECK(memcmp(s.entries[0].policy, want, sizeof(want)) == 0);
        CHECK(ingot_unhex(want, sizeof(want), vectors[4].policy));
        CHECK(memcmp(s.entries[4].policy, want, sizeof(want)) == 0);
        CHECK_EQ(s.entries[4].bank, INGOT_BANK_SHA256);
}

TEST(malformed_pcr_signatures_are_refused)
{
        static const struct {
                const char *text, *words;
        } bad[] = {
                {"", "no JSON"},
                {"[]", "no object"},
                {"{\"sha256\":{}}", "no list"},
                {"{} x", "JSON"},
                {"{\"sha256\":[1]}", "no object"},
                {"{\"sha256\":[{\"pcrs\":[24]}]}", "no PCR"},
                {"{\"sha256\":[{\"pcrs\":[11],\"pkfp\":\"00\"}]}", "'pkfp'"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                ingot_error error;
                _cleanup_pcrsig_ struct ingot_pcrsig s = {0};
                CHECK_FAILS(ingot_pcrsig_decode(INGOT_SPAN(bad[i].text, strlen(bad[i].text)), &s,
                                                &error),
                            INGOT_E_FORMAT, bad[i].words);
        }
}

TEST(json_numbers_and_texts_have_bounds)
{
        ingot_error error;
        _cleanup_json_ struct json_object *o = NULL;
        const char *text =
                "{\"n\":-1,\"big\":18446744073709551615,\"t\":\"a\\u0000b\",\"b\":\"AA=\"}";
        const char *ret;
        uint64_t n;
        _cleanup_buffer_ struct ingot_buffer b = {0};
        CHECK_OK(ingot_json_parse(INGOT_SPAN(text, strlen(text)), 1000, &o, &error));
        CHECK_FAILS(ingot_json_get_u64(o, "n", &n, &error), INGOT_E_FORMAT, "negative");
        CHECK_OK(ingot_json_get_u64(o, "big", &n, &error));
        CHECK(n == UINT64_MAX);
        CHECK_FAILS(ingot_json_get_text(o, "t", &ret, &error), INGOT_E_FORMAT, "NUL");
        CHECK_FAILS(ingot_json_get_text(o, "none", &ret, &error), INGOT_E_FORMAT, "no member");
        CHECK_FAILS(ingot_json_get_text(o, "n", &ret, &error), INGOT_E_FORMAT, "no string");
        CHECK_FAILS(ingot_json_get_base64(o, "b", &b, &error), INGOT_E_FORMAT, "'b'");
        CHECK_FAILS(ingot_json_parse(INGOT_SPAN(text, strlen(text)), 10, &o, &error), INGOT_E_LIMIT,
                    "over 10");
}
