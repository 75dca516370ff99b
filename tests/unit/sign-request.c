/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "image/sign-program.h"
#include "image/sign-request.h"
#include "make-pe.h"
#include "test.h"

#include <stdlib.h>

/* Two who may sign, each with a certificate; made once, as RSA keys take their time. */
static struct ingot_signers people(void)
{
        static struct ingot_signer items[4];
        if (!items[0].key) {
                static const enum ingot_purpose purposes[] = {
                        INGOT_PURPOSE_VERITY, INGOT_PURPOSE_SECURE_BOOT, INGOT_PURPOSE_RELEASE,
                        INGOT_PURPOSE_RELEASE};
                for (size_t i = 0; i < 4; i++) {
                        struct ingot_certificate_profile profile = {.common_name = i < 3 ? "first"
                                                                                         : "second",
                                                                    .not_after = 2000000000,
                                                                    .serial = {1, (uint8_t) i}};
                        items[i].purpose = purposes[i];
                        items[i].name = (char *) "test.key";
                        if (i == 0 || i == 3)
                                ingot_key_generate(&items[i].key, INGOT_KEY_RSA, 2048, NULL);
                        else
                                items[i].key = items[0].key;
                        ingot_certificate_create(&items[i].certificate, items[i].key, &profile,
                                                 NULL);
                }
        }
        return (struct ingot_signers){.items = items, .count = 4};
}

static int text_part(struct ingot_sign_content *c, const char *text, ingot_error *reterr)
{
        struct ingot_sign_part *p;
        int r = ingot_sign_add_part(c, INGOT_SIGN_BYTES, &p, reterr);
        return r < 0 ? r : ingot_buffer_append(&p->bytes, text, strlen(text), reterr);
}

/* A root hash, a loader, and sums that name the signed UKI whose table the loader's is. */
static int make(struct ingot_sign_request *q, ingot_error *reterr)
{
        struct ingot_sign_content *c;
        struct ingot_sign_thing *t;
        struct ingot_sign_part *p;
        char **texts[] = {&q->name,  &q->version, &q->architecture, &q->label,
                          &q->image, &q->uki,     &q->esp_uki};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(texts); i++)
                r = ingot_strdup(texts[i], "demo", reterr);
        for (size_t i = 0; i < INGOT_PURPOSES; i++)
                q->wishes[i] =
                        (struct ingot_sign_wish){.wanted = i != INGOT_PURPOSE_PCR, .threshold = 1};
        q->wishes[INGOT_PURPOSE_RELEASE].threshold = 2;
        if (r >= 0)
                r = ingot_sign_add_content(q, "demo.efi", &c, reterr);
        if (r >= 0)
                r = text_part(c, "a program, and behind it ", reterr);
        if (r >= 0)
                r = ingot_sign_add_part(c, INGOT_SIGN_TABLE, &p, reterr);
        if (r < 0)
                return r;
        p->of = 1;
        p->size = 4096;
        r = ingot_sign_add_content(q, "SHA256SUMS", &c, reterr);
        if (r >= 0)
                r = ingot_sign_add_part(c, INGOT_SIGN_DIGEST, &p, reterr);
        if (r >= 0)
                r = text_part(c, "  demo.efi\n", reterr);
        if (r >= 0)
                r = ingot_sign_add_thing(q, INGOT_PURPOSE_VERITY, "verity:root", &t, reterr);
        if (r >= 0)
                r = ingot_sign_add_thing(q, INGOT_PURPOSE_SECURE_BOOT, "secure-boot:demo.efi", &t,
                                         reterr);
        if (r < 0)
                return r;
        t->size = 24;
        t->table = 4096;
        t->digest[0] = 7;
        r = ingot_sign_add_thing(q, INGOT_PURPOSE_RELEASE, "release:SHA256SUMS", &t, reterr);
        if (r >= 0)
                t->content = 1;
        return r;
}

static int encode(struct ingot_sign_request *q, struct ingot_buffer *ret, ingot_error *reterr)
{
        return ingot_sign_request_encode(q, ret, reterr);
}

static int reread(struct ingot_sign_request *q, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = encode(q, &text, reterr);
        ingot_sign_request_done(q);
        return r < 0 ? r : ingot_sign_request_decode(ingot_buffer_span(&text), q, reterr);
}

TEST(holders_one_after_the_other_give_what_one_holder_gives)
{
        ingot_error error;
        _cleanup_sign_request_ struct ingot_sign_request one = {0}, many = {0};
        _cleanup_buffer_ struct ingot_buffer a = {0}, b = {0};
        struct ingot_signers all = people();
        static const size_t order[] = {3, 0, 1, 3, 2};
        size_t made;
        CHECK_OK(make(&one, &error));
        CHECK_OK(make(&many, &error));
        CHECK_OK(ingot_sign_answer(&one, &all, &made, &error));
        CHECK_EQ(made, 4);
        for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
                struct ingot_signers single = {.items = all.items + order[i], .count = 1};
                CHECK_OK(reread(&many, &error));
                CHECK_OK(ingot_sign_answer(&many, &single, &made, &error));
                CHECK_EQ(made, i != 0); /* the release is not known before the rest */
        }
        CHECK_OK(encode(&one, &a, &error));
        CHECK_OK(encode(&many, &b, &error));
        CHECK_STR((char *) a.data, (char *) b.data);
        CHECK_OK(ingot_sign_check_complete(&many, &error));
}

TEST(missing_wrong_and_foreign_answers_are_refused_by_name)
{
        ingot_error error;
        _cleanup_sign_request_ struct ingot_sign_request q = {0};
        struct ingot_signers all = people(), first = {.items = all.items, .count = 3};
        _cleanup_buffer_ struct ingot_buffer pem = {0};
        size_t made;
        CHECK_OK(make(&q, &error));
        CHECK_OK(ingot_sign_answer(&q, &first, &made, &error));
        CHECK_FAILS(ingot_sign_check_complete(&q, &error), INGOT_E_REFUSED,
                    "release:SHA256SUMS has 1 of 2 answers");
        q.things[0].answers[0].signature.data[9] ^= 1;
        CHECK_FAILS(ingot_sign_check(&q, &error), INGOT_E_REFUSED, "verity:root");
        CHECK_FAILS(ingot_sign_answer(&q, &all, &made, &error), INGOT_E_REFUSED, "verity:root");
        q.things[0].answers[0].signature.data[9] ^= 1;
        CHECK_OK(ingot_certificate_pem(all.items[3].certificate, &pem, &error));
        CHECK_OK(ingot_certificates_decode(&q.wishes[INGOT_PURPOSE_RELEASE].certificates,
                                           ingot_buffer_span(&pem), &error));
        CHECK_FAILS(ingot_sign_check(&q, &error), INGOT_E_REFUSED,
                    "whom the request does not name");
        first.items += 2;
        first.count = 1;
        CHECK_FAILS(ingot_sign_answer(&q, &first, &made, &error), INGOT_E_REFUSED,
                    "whom the request does not name");
}

TEST(an_answer_to_something_else_does_not_pass)
{
        ingot_error error;
        _cleanup_sign_request_ struct ingot_sign_request q = {0};
        struct ingot_signers all = people();
        size_t made;
        CHECK_OK(make(&q, &error));
        CHECK_OK(ingot_sign_answer(&q, &all, &made, &error));
        q.things[1].digest[0] ^= 1;
        CHECK_FAILS(ingot_sign_check(&q, &error), INGOT_E_REFUSED, "secure-boot:demo.efi");
        q.things[1].digest[0] ^= 1;
        q.things[0].root_hash[5] ^= 1;
        CHECK_FAILS(ingot_sign_check(&q, &error), INGOT_E_REFUSED, "verity:root");
}

TEST(every_digest_goes_on_from_its_state)
{
        ingot_error error;
        uint8_t data[1000];
        for (size_t i = 0; i < sizeof(data); i++)
                data[i] = (uint8_t) (i * 7);
        for (enum ingot_bank bank = 0; bank < INGOT_BANK_MAX; bank++) {
                for (size_t blocks = 0; blocks < 4; blocks++) {
                        _cleanup_digest_ struct ingot_digest *start = NULL, *end = NULL;
                        uint8_t want[64], got[64], state[INGOT_DIGEST_STATE_MAX];
                        size_t size = blocks * ingot_digest_block_size(bank);
                        CHECK_OK(ingot_bank_digest(bank, INGOT_SPAN(data, sizeof(data)), want,
                                                   &error));
                        CHECK_OK(ingot_digest_new(bank, &start, &error));
                        CHECK_OK(ingot_digest_new(bank, &end, &error));
                        ingot_digest_update(start, data, size);
                        ingot_digest_export(start, state);
                        ingot_digest_import(end, state, size);
                        ingot_digest_update(end, data + size, sizeof(data) - size);
                        ingot_digest_final(end, got);
                        CHECK(memcmp(got, want, ingot_bank_size(bank)) == 0);
                }
        }
}

/* demo.efi#linux is of SHA-384; #pcr is a PCR that was extended with its digest. */
static int make_pcr(struct ingot_sign_request *q, ingot_error *reterr)
{
        struct ingot_sign_content *c;
        struct ingot_sign_part *p;
        int r = make(q, reterr);
        if (r >= 0)
                r = ingot_sign_add_content(q, "demo.efi#linux", &c, reterr);
        if (r < 0)
                return r;
        c->algorithm = INGOT_BANK_SHA384;
        r = text_part(c, "abc", reterr);
        if (r >= 0)
                r = ingot_sign_add_content(q, "demo.efi#pcr", &c, reterr);
        if (r < 0)
                return r;
        c->algorithm = INGOT_BANK_SHA384;
        r = ingot_sign_add_part(c, INGOT_SIGN_ZEROS, &p, reterr);
        p->size = 48;
        if (r >= 0)
                r = ingot_sign_add_part(c, INGOT_SIGN_RAW, &p, reterr);
        p->of = 2;
        return r;
}

TEST(a_pcr_is_made_of_digests_that_are_not_known_yet)
{
        ingot_error error;
        _cleanup_sign_request_ struct ingot_sign_request q = {0};
        struct ingot_pcr pcr = {0};
        uint8_t digest[INGOT_BANK_SIZE_MAX];
        CHECK_OK(make_pcr(&q, &error));
        CHECK_OK(reread(&q, &error));
        CHECK_EQ(q.contents[3].algorithm, INGOT_BANK_SHA384);
        CHECK_OK(ingot_pcr_extend(&pcr, INGOT_SPAN("abc", 3), &error));
        CHECK_OK(ingot_sign_content_digest(&q, 3, digest, &error));
        CHECK(memcmp(digest, pcr.value[INGOT_BANK_SHA384], 48) == 0);
        CHECK_EQ(q.contents[1].algorithm, INGOT_BANK_SHA256);
}

TEST(contents_do_not_build_on_each_other_without_end)
{
        ingot_error error;
        _cleanup_sign_request_ struct ingot_sign_request q = {0}, back = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        CHECK_OK(make_pcr(&q, &error));
        for (size_t i = 0; i < 600; i++) {
                struct ingot_sign_content *c;
                struct ingot_sign_part *p;
                char name[32];
                snprintf(name, sizeof(name), "#%zu", i);
                CHECK_OK(ingot_sign_add_content(&q, name, &c, &error));
                CHECK_OK(ingot_sign_add_part(c, i % 2 ? INGOT_SIGN_RAW : INGOT_SIGN_DIGEST, &p,
                                             &error));
                p->of = q.content_count - 2;
        }
        CHECK_OK(encode(&q, &text, &error));
        CHECK_FAILS(ingot_sign_request_decode(ingot_buffer_span(&text), &back, &error),
                    INGOT_E_LIMIT, "build on each other");
}

TEST(malformed_requests_are_refused)
{
        static const struct {
                const char *from, *to, *words;
                int code;
        } bad[] = {
                {"ingot-signing-request", "another thing", "not a signing request", INGOT_E_FORMAT},
                {"\"format\": 1", "\"format\": 2", "format 2", INGOT_E_UNSUPPORTED},
                {"\"threshold\": 2", "\"threshold\": 0", "cannot be reached", INGOT_E_FORMAT},
                {"\"demo\"", "\"../demo\"", "", INGOT_E_FORMAT},
                {"\"digest\": \"demo.efi\"", "\"digest\": \"SHA256SUMS\"", "before",
                 INGOT_E_FORMAT},
                {"\"insert\": \"secure-boot:demo.efi\"", "\"insert\": \"verity:root\"",
                 "nothing to insert", INGOT_E_FORMAT},
                {"\"table\": 4096", "\"table\": 9999999", "'table'", INGOT_E_LIMIT},
                {"\"algorithm\": \"sha384\"", "\"algorithm\": \"md5\"", "no digest 'md5'",
                 INGOT_E_FORMAT},
                {"\"raw\": \"demo.efi#linux\"", "\"raw\": \"demo.efi#pcr\"", "before",
                 INGOT_E_FORMAT},
                {"\"id\": \"verity:root\"", "\"id\": \"release:SHA256SUMS\"", "stands twice",
                 INGOT_E_FORMAT},
        };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                ingot_error error;
                _cleanup_sign_request_ struct ingot_sign_request q = {0}, back = {0};
                _cleanup_buffer_ struct ingot_buffer text = {0}, changed = {0};
                CHECK_OK(make_pcr(&q, &error));
                CHECK_OK(encode(&q, &text, &error));
                const char *at = i == 3 ? strstr((char *) text.data, "\"label\": \"demo\"") + 9
                                        : strstr((char *) text.data, bad[i].from);
                CHECK(at);
                CHECK_OK(ingot_buffer_printf(&changed, &error, "%.*s%s%s",
                                             (int) (at - (char *) text.data), (char *) text.data,
                                             bad[i].to, at + strlen(bad[i].from)));
                CHECK_FAILS(ingot_sign_request_decode(ingot_buffer_span(&changed), &back, &error),
                            bad[i].code, bad[i].words);
        }
}

TEST(a_program_is_read_as_it_will_be_when_it_is_signed)
{
        static const struct made_section sections[] = {{".linux", "K"}, {".pcrsig", "{}      "}};
        ingot_error error;
        struct ingot_span image = make_pe(INGOT_PE_MACHINE_X86_64, sections, 2);
        struct ingot_reader source = ingot_reader_of_span(&image);
        struct ingot_sign_program p;
        _cleanup_pe_ struct ingot_pe pe = {0}, was = {0};
        uint8_t table[16] = {16, 0, 0, 0, 0, 2, 2, 0, 9}, got[16], a[32], b[32];
        CHECK_OK(ingot_pe_decode(&source, &was, &error));
        CHECK_OK(ingot_pe_authenticode_sha256(&source, &was, a, &error));
        CHECK_OK(ingot_sign_program_open(&source, sizeof(table), &p, &error));
        ingot_sign_program_put_table(&p, INGOT_SPAN(table, sizeof(table)));
        struct ingot_reader whole = ingot_sign_program_reader(&p);
        CHECK_OK(ingot_pe_decode(&whole, &pe, &error));
        CHECK_EQ(whole.size, image.size + 16);
        CHECK_EQ(ingot_pe_certificates(&pe).address, image.size);
        CHECK_EQ(ingot_pe_certificates(&pe).size, 16);
        CHECK_OK(ingot_pe_authenticode_sha256(&whole, &pe, b, &error));
        CHECK(memcmp(a, b, sizeof(a)) == 0);
        CHECK_OK(ingot_read_at(&whole, image.size, got, sizeof(got), &error));
        CHECK(memcmp(got, table, sizeof(got)) == 0);
        CHECK_EQ(p.pcrsig_size, 8);
        ingot_sign_program_put_pcrsig(&p, INGOT_SPAN("{\"a\":1} ", 8));
        struct ingot_reader hashed = ingot_sign_program_hashed(&p);
        CHECK_OK(ingot_read_at(&hashed, p.pcrsig_offset - 12, got, 8, &error));
        CHECK(memcmp(got, "{\"a\":1} ", 8) == 0);
        free((void *) image.data);
}
