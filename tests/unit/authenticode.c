/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signed PE images: made here and judged by others, made by others and judged here. */
#include "base/cleanup.h"
#include "base/text.h"
#include "make-pe.h"
#include "oracle.h"
#include "os/file.h"
#include "test.h"
#include "trust/authenticode.h"

#include <fcntl.h>

struct owner {
        struct ingot_key *key;
        struct ingot_certificate *certificate;
};

static void owner_done(struct owner *o)
{
        ingot_key_free(o->key);
        ingot_certificate_free(o->certificate);
}

#define _cleanup_owner_ __attribute__((cleanup(owner_done)))

static int make_owner(struct owner *ret, const char *name, ingot_error *reterr)
{
        struct ingot_certificate_profile p = {
                .common_name = name,
                .code_signing = true,
                /* Long expired: firmware does not look at dates. */
                .not_before = 1000000000,
                .not_after = 1100000000,
                .serial = {1},
        };
        int r = ingot_key_generate(&ret->key, INGOT_KEY_RSA, 2048, reterr);
        return r < 0 ? r : ingot_certificate_create(&ret->certificate, ret->key, &p, reterr);
}

static struct ingot_span made(const char *text)
{
        struct made_section sections[] = {{".text", text}, {".data", "some data"}};
        return make_pe(INGOT_PE_MACHINE_X86_64, sections, 2);
}

static void span_done(struct ingot_span *s)
{
        free((void *) s->data);
}

static int write_buffer(void *context, uint64_t offset, const void *data, size_t size,
                        ingot_error *reterr)
{
        struct ingot_buffer *b = context;
        if (offset + size > b->size) {
                int r = ingot_buffer_append_zeros(b, offset + size - b->size, reterr);
                if (r < 0)
                        return r;
        }
        memcpy(b->data + offset, data, size);
        return 0;
}

static int digest_of(struct ingot_span image, uint8_t ret[32], ingot_error *reterr)
{
        _cleanup_pe_ struct ingot_pe pe = {0};
        struct ingot_reader r = ingot_reader_of_span(&image);
        int e = ingot_pe_decode(&r, &pe, reterr);
        return e < 0 ? e : ingot_pe_authenticode_sha256(&r, &pe, ret, reterr);
}

static int attach(struct ingot_span image, struct ingot_span signature, uint32_t entry_size,
                  bool keep, struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_pe_ struct ingot_pe pe = {0};
        struct ingot_reader r = ingot_reader_of_span(&image);
        struct ingot_writer w = {.write_at = write_buffer, .context = ret};
        struct ingot_authenticode_attachment a = {signature, entry_size, keep};
        uint64_t size;
        int e = ingot_pe_decode(&r, &pe, reterr);
        if (e >= 0)
                e = ingot_authenticode_attach(&r, &pe, &a, &w, &size, reterr);
        if (e >= 0 && size != ret->size)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "another size was written");
        return e;
}

static int sign(struct ingot_span image, const struct owner *o, bool keep,
                struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer signature = {0};
        uint8_t digest[32];
        int r = digest_of(image, digest, reterr);
        if (r >= 0)
                r = ingot_authenticode_sign(digest, o->key, o->certificate, &signature, reterr);
        return r < 0 ? r
                     : attach(image, ingot_buffer_span(&signature), 0, keep, ret, reterr);
}

static int add_certificate(struct ingot_efi_signatures *list, const struct owner *o,
                           ingot_error *reterr)
{
        struct ingot_uuid nobody = {0};
        return ingot_efi_signatures_add(list, INGOT_EFI_SIGNATURE_X509, &nobody,
                                        ingot_certificate_der(o->certificate), reterr);
}

/* Judges by one certificate in db and nothing in dbx. */
static int verify(struct ingot_span image, const struct owner *o, ingot_error *reterr)
{
        _cleanup_efi_signatures_ struct ingot_efi_signatures db = {0}, dbx = {0};
        struct ingot_reader r = ingot_reader_of_span(&image);
        int e = o ? add_certificate(&db, o, reterr) : 0;
        return e < 0 ? e : ingot_authenticode_verify(&r, &db, &dbx, reterr);
}

TEST(a_signed_image_is_allowed_by_its_certificate_alone)
{
        _cleanup_owner_ struct owner a = {0}, b = {0};
        _cleanup_(span_done) struct ingot_span image = made("code");
        _cleanup_buffer_ struct ingot_buffer out = {0}, again = {0};
        ingot_error error;
        CHECK_OK(make_owner(&a, "a", &error));
        CHECK_OK(make_owner(&b, "b", &error));
        CHECK_FAILS(verify(image, &a, &error), INGOT_E_REFUSED, "the image is not signed");
        CHECK_OK(sign(image, &a, false, &out, &error));
        CHECK_OK(verify(ingot_buffer_span(&out), &a, &error));
        CHECK_FAILS(verify(ingot_buffer_span(&out), &b, &error), INGOT_E_REFUSED,
                    "the certificate \"CN = a\" leads to none in db");
        CHECK_FAILS(verify(ingot_buffer_span(&out), NULL, &error), INGOT_E_REFUSED,
                    "leads to none in db");
        CHECK_OK(sign(image, &a, false, &again, &error));
        CHECK(again.size == out.size && memcmp(again.data, out.data, out.size) == 0);
}

TEST(checksum_and_size_of_a_signed_image_are_right)
{
        _cleanup_owner_ struct owner a = {0};
        _cleanup_(span_done) struct ingot_span image = made("code");
        _cleanup_free_ uint8_t *odd = malloc(image.size + 3);
        _cleanup_buffer_ struct ingot_buffer out = {0};
        _cleanup_pe_ struct ingot_pe pe = {0};
        uint32_t checksum;
        ingot_error error;
        /* A file that does not end at a multiple of 8. */
        memcpy(odd, image.data, image.size);
        memcpy(odd + image.size, "odd", 3);
        CHECK_OK(make_owner(&a, "a", &error));
        CHECK_OK(sign(INGOT_SPAN(odd, image.size + 3), &a, false, &out, &error));
        struct ingot_span span = ingot_buffer_span(&out);
        struct ingot_reader r = ingot_reader_of_span(&span);
        CHECK_OK(ingot_pe_decode(&r, &pe, &error));
        CHECK_OK(ingot_pe_checksum(&r, &pe, &checksum, &error));
        CHECK_EQ(checksum, pe.checksum);
        CHECK_EQ(out.size % 8, 0);
        CHECK_EQ(ingot_pe_certificates(&pe).address, (image.size + 3 + 7) / 8 * 8);
        CHECK_OK(verify(span, &a, &error));
}

TEST(a_signature_made_in_two_steps_has_the_same_bytes)
{
        _cleanup_owner_ struct owner a = {0}, b = {0};
        _cleanup_buffer_ struct ingot_buffer whole = {0}, tbs = {0}, raw = {0}, assembled = {0};
        uint8_t digest[32] = "some digest of an image";
        ingot_error error;
        CHECK_OK(make_owner(&a, "a", &error));
        CHECK_OK(make_owner(&b, "b", &error));
        CHECK_OK(ingot_authenticode_sign(digest, a.key, a.certificate, &whole, &error));
        CHECK_OK(ingot_authenticode_attributes(digest, &tbs, &error));
        CHECK_OK(ingot_key_sign(a.key, ingot_buffer_span(&tbs), &raw, &error));
        CHECK_OK(ingot_authenticode_assemble(digest, a.certificate, ingot_buffer_span(&raw),
                                             &assembled, &error));
        CHECK(whole.size == assembled.size && !memcmp(whole.data, assembled.data, whole.size));
        CHECK_FAILS(ingot_authenticode_assemble(digest, b.certificate, ingot_buffer_span(&raw),
                                                &assembled, &error),
                    INGOT_E_REFUSED, "certificate \"CN = b\": the signature is not by this key");
        digest[0] ^= 1;
        CHECK_FAILS(ingot_authenticode_assemble(digest, a.certificate, ingot_buffer_span(&raw),
                                                &assembled, &error),
                    INGOT_E_REFUSED, "not by this key");
}

/* Which entry of db lets the image pass, by its number; -1: none, -2: it cannot be judged. */
static int entry_of(struct ingot_span image, const struct ingot_efi_signatures *db,
                    const struct ingot_efi_signatures *dbx)
{
        _cleanup_authenticode_report_ struct ingot_authenticode_report report = {0};
        struct ingot_reader r = ingot_reader_of_span(&image);
        if (ingot_authenticode_judge(&r, db, dbx, &report, NULL) < 0)
                return -2;
        return report.entry ? (int) (report.entry - db->items) : -1;
}

TEST(the_entry_is_what_firmware_finds_first)
{
        _cleanup_owner_ struct owner a = {0}, b = {0};
        _cleanup_(span_done) struct ingot_span image = made("code");
        _cleanup_buffer_ struct ingot_buffer one = {0}, two = {0};
        _cleanup_efi_signatures_ struct ingot_efi_signatures db = {0}, dbx = {0}, other = {0},
                                                             none = {0};
        const struct ingot_uuid nobody = {0}, somebody = {{1}};
        uint8_t digest[32];
        ingot_error error;
        CHECK_OK(make_owner(&a, "a", &error));
        CHECK_OK(make_owner(&b, "b", &error));
        CHECK_OK(digest_of(image, digest, &error));
        CHECK_OK(sign(image, &a, false, &one, &error));
        CHECK_OK(sign(ingot_buffer_span(&one), &b, true, &two, &error));
        CHECK_OK(add_certificate(&db, &b, &error));
        CHECK_OK(ingot_efi_signatures_add(&db, INGOT_EFI_SIGNATURE_SHA256, &nobody,
                                          INGOT_SPAN(digest, 32), &error));
        CHECK_OK(add_certificate(&db, &a, &error));
        CHECK_OK(ingot_efi_signatures_add(&db, INGOT_EFI_SIGNATURE_X509, &somebody,
                                          ingot_certificate_der(a.certificate), &error));
        CHECK_OK(ingot_efi_signatures_add(&other, INGOT_EFI_SIGNATURE_SHA256, &nobody,
                                          INGOT_SPAN(digest, 32), &error));
        CHECK_OK(add_certificate(&other, &b, &error));
        CHECK_OK(ingot_efi_signatures_add(&dbx, INGOT_EFI_SIGNATURE_SHA256, &nobody,
                                          INGOT_SPAN(digest, 32), &error));
        CHECK_EQ(entry_of(image, &db, &none), 1);
        CHECK_EQ(entry_of(ingot_buffer_span(&one), &db, &none), 2);
        CHECK_EQ(entry_of(ingot_buffer_span(&two), &db, &none), 2);
        /* The first signature leads to none, and then the digest is looked for. */
        CHECK_EQ(entry_of(ingot_buffer_span(&two), &other, &none), 0);
        other.items++, other.count--;
        CHECK_EQ(entry_of(ingot_buffer_span(&two), &other, &none), 0);
        other.items--, other.count++;
        CHECK_EQ(entry_of(ingot_buffer_span(&one), &none, &none), -1);
        /* A certificate is found before the digest is seen to be revoked. */
        CHECK_EQ(entry_of(image, &db, &dbx), -1);
        CHECK_EQ(entry_of(ingot_buffer_span(&one), &db, &dbx), 2);
        CHECK_EQ(entry_of(ingot_buffer_span(&one), &other, &dbx), -1);
        CHECK_OK(add_certificate(&dbx, &a, &error));
        CHECK_EQ(entry_of(ingot_buffer_span(&two), &db, &dbx), -1);
}

TEST(two_signatures_stand_side_by_side_and_one_is_enough)
{
        _cleanup_owner_ struct owner a = {0}, b = {0}, c = {0};
        _cleanup_(span_done) struct ingot_span image = made("code");
        _cleanup_buffer_ struct ingot_buffer one = {0}, two = {0}, only = {0};
        ingot_error error;
        CHECK_OK(make_owner(&a, "a", &error));
        CHECK_OK(make_owner(&b, "b", &error));
        CHECK_OK(make_owner(&c, "c", &error));
        CHECK_OK(sign(image, &a, false, &one, &error));
        CHECK_OK(sign(ingot_buffer_span(&one), &b, true, &two, &error));
        CHECK_OK(verify(ingot_buffer_span(&two), &a, &error));
        CHECK_OK(verify(ingot_buffer_span(&two), &b, &error));
        CHECK_FAILS(verify(ingot_buffer_span(&two), &c, &error), INGOT_E_REFUSED,
                    "none of its 2 signatures leads to db");
        CHECK_OK(sign(ingot_buffer_span(&two), &b, false, &only, &error));
        CHECK_FAILS(verify(ingot_buffer_span(&only), &a, &error), INGOT_E_REFUSED, "CN = b");
}

TEST(what_dbx_lists_does_not_start)
{
        _cleanup_owner_ struct owner a = {0}, b = {0};
        _cleanup_(span_done) struct ingot_span image = made("code");
        _cleanup_buffer_ struct ingot_buffer one = {0}, two = {0};
        _cleanup_efi_signatures_ struct ingot_efi_signatures db = {0}, none = {0}, by_x509 = {0},
                                                             by_image = {0}, by_tbs = {0};
        struct ingot_uuid nobody = {0};
        uint8_t digest[32], tbs[48] = {0};
        ingot_error error;
        CHECK_OK(make_owner(&a, "a", &error));
        CHECK_OK(make_owner(&b, "b", &error));
        CHECK_OK(sign(image, &a, false, &one, &error));
        CHECK_OK(sign(ingot_buffer_span(&one), &b, true, &two, &error));
        CHECK_OK(digest_of(image, digest, &error));
        memcpy(tbs, ingot_certificate_tbs_digest(a.certificate), 32);
        CHECK_OK(add_certificate(&db, &a, &error));
        CHECK_OK(add_certificate(&db, &b, &error));
        CHECK_OK(add_certificate(&by_x509, &a, &error));
        CHECK_OK(ingot_efi_signatures_add(&by_image, INGOT_EFI_SIGNATURE_SHA256, &nobody,
                                          INGOT_SPAN(digest, 32), &error));
        CHECK_OK(ingot_efi_signatures_add(&by_tbs, INGOT_EFI_SIGNATURE_X509_SHA256, &nobody,
                                          INGOT_SPAN(tbs, 48), &error));
        struct ingot_span span = ingot_buffer_span(&two);
        struct ingot_reader r = ingot_reader_of_span(&span), u = ingot_reader_of_span(&image);
        CHECK_OK(ingot_authenticode_verify(&r, &db, &none, &error));
        CHECK_FAILS(ingot_authenticode_verify(&r, &db, &by_x509, &error), INGOT_E_REFUSED,
                    "the certificate \"CN = a\" is revoked: dbx has it");
        CHECK_FAILS(ingot_authenticode_verify(&r, &db, &by_tbs, &error), INGOT_E_REFUSED,
                    "the certificate \"CN = a\" is revoked: dbx has its digest");
        CHECK_FAILS(ingot_authenticode_verify(&r, &db, &by_image, &error), INGOT_E_REFUSED,
                    "the image is revoked: dbx has its digest");
        CHECK_FAILS(ingot_authenticode_verify(&u, &by_image, &by_image, &error), INGOT_E_REFUSED,
                    "the image is revoked");
        CHECK_OK(ingot_authenticode_verify(&u, &by_image, &none, &error));
}

TEST(space_that_is_kept_for_a_signature_is_zeros_and_nothing_else)
{
        _cleanup_owner_ struct owner a = {0};
        _cleanup_(span_done) struct ingot_span image = made("code");
        _cleanup_buffer_ struct ingot_buffer signature = {0}, out = {0}, none = {0};
        uint8_t digest[32];
        ingot_error error;
        CHECK_OK(make_owner(&a, "a", &error));
        CHECK_OK(digest_of(image, digest, &error));
        CHECK_OK(ingot_authenticode_sign(digest, a.key, a.certificate, &signature, &error));
        struct ingot_span s = ingot_buffer_span(&signature);
        CHECK_OK(attach(image, s, 4096, false, &out, &error));
        CHECK_EQ(out.size, image.size + 4096);
        CHECK_OK(verify(ingot_buffer_span(&out), &a, &error));
        out.data[out.size - 1] = 1;
        CHECK_FAILS(verify(ingot_buffer_span(&out), &a, &error), INGOT_E_REFUSED,
                    "bytes behind the signature");
        CHECK_FAILS(attach(image, s, 1024, false, &none, &error), INGOT_E_SPACE, "needs");
        CHECK_FAILS(attach(image, s, 4100, false, &none, &error), INGOT_E_SPACE, "needs");
}

TEST(a_signature_of_another_image_is_told)
{
        _cleanup_owner_ struct owner a = {0};
        _cleanup_(span_done) struct ingot_span image = made("code"), other = made("core");
        _cleanup_buffer_ struct ingot_buffer signature = {0}, out = {0};
        uint8_t digest[32];
        ingot_error error;
        CHECK_OK(make_owner(&a, "a", &error));
        CHECK_OK(digest_of(other, digest, &error));
        CHECK_OK(ingot_authenticode_sign(digest, a.key, a.certificate, &signature, &error));
        CHECK_OK(attach(image, ingot_buffer_span(&signature), 0, false, &out, &error));
        CHECK_FAILS(verify(ingot_buffer_span(&out), &a, &error), INGOT_E_REFUSED,
                    "\"CN = a\" signed another image: the digests differ");
}

TEST(cut_and_extended_images_are_not_taken)
{
        _cleanup_owner_ struct owner a = {0};
        _cleanup_(span_done) struct ingot_span image = made("code");
        _cleanup_buffer_ struct ingot_buffer out = {0};
        ingot_error error;
        CHECK_OK(make_owner(&a, "a", &error));
        CHECK_OK(sign(image, &a, false, &out, &error));
        for (size_t cut = 1; cut < out.size; cut += 7) {
                int r = verify(INGOT_SPAN(out.data, out.size - cut), &a, &error);
                CHECK(r == -INGOT_E_FORMAT || r == -INGOT_E_REFUSED);
        }
        CHECK_OK(ingot_buffer_append(&out, "12345678", 8, &error));
        CHECK_FAILS(verify(ingot_buffer_span(&out), &a, &error), INGOT_E_FORMAT,
                    "not at the end of the file");
}

/* Flips one bit in each of 1000 bytes: what still is allowed must be a byte that says nothing. */
TEST(a_thousand_flipped_bytes_are_told_but_for_the_checksum)
{
        _cleanup_owner_ struct owner a = {0};
        _cleanup_(span_done) struct ingot_span image = made("code");
        _cleanup_buffer_ struct ingot_buffer out = {0};
        _cleanup_pe_ struct ingot_pe pe = {0};
        uint64_t state = test_seed();
        unsigned flips = 0;
        ingot_error error;
        CHECK_OK(make_owner(&a, "a", &error));
        CHECK_OK(sign(image, &a, false, &out, &error));
        struct ingot_span span = ingot_buffer_span(&out);
        struct ingot_reader r = ingot_reader_of_span(&span);
        CHECK_OK(ingot_pe_decode(&r, &pe, &error));
        while (flips < 1000) {
                size_t at = (size_t) (test_random(&state) % out.size);
                uint8_t bit = (uint8_t) (1u << test_random(&state) % 8);
                bool checksum = at - pe.checksum_offset < 4;
                out.data[at] ^= bit;
                int e = verify(span, &a, &error);
                out.data[at] ^= bit;
                flips++;
                if (checksum ? e != 0 : e != -INGOT_E_FORMAT && e != -INGOT_E_REFUSED &&
                                                e != -INGOT_E_LIMIT)
                        test_report(__FILE__, __LINE__, "byte %#zx of %#zx (table at %#x), bit "
                                    "%#x: %d", at, out.size, ingot_pe_certificates(&pe).address,
                                    bit, e);
        }
}

TEST(every_byte_of_the_certificate_table_counts)
{
        _cleanup_owner_ struct owner a = {0};
        _cleanup_(span_done) struct ingot_span image = made("code");
        _cleanup_buffer_ struct ingot_buffer out = {0};
        ingot_error error;
        CHECK_OK(make_owner(&a, "a", &error));
        CHECK_OK(sign(image, &a, false, &out, &error));
        for (size_t at = image.size; at < out.size; at++)
                /* Bit 5 turns DER's types into others of the same meaning for lax readers. */
                for (unsigned bit = (unsigned) at % 5; bit < 8; bit += 5 - (unsigned) at % 5) {
                        out.data[at] ^= (uint8_t) (1u << bit);
                        int e = verify(ingot_buffer_span(&out), &a, &error);
                        out.data[at] ^= (uint8_t) (1u << bit);
                        if (e >= 0)
                                test_report(__FILE__, __LINE__, "byte %#zx of the table, bit %u",
                                            at - image.size, bit);
                }
}

TEST(malformed_tables_are_format_errors)
{
        static const struct {
                const char *bytes;
                size_t size;
                const char *says;
        } bad[] = {
                {"\x07\0\0\0\0\2\2\0", 8, "entry 1 does not fit"},
                {"\x09\0\0\0\0\2\2\0", 8, "entry 1 does not fit"},
                {"\xff\xff\xff\xff\0\2\2\0", 8, "entry 1 does not fit"},
                {"\x08\0\0\0\0\2\2", 7, "entry 1 does not fit"},
                {"\x08\0\0\0\0\2\2\0\0\0\0\0\0\0\0\0", 16, "entry 2 does not fit"},
                {"\x09\0\0\0\0\2\2\0x\0\0\0\0\0\0", 15, "no zeros behind entry 1"},
                {"\x09\0\0\0\0\2\2\0x\0\0\0\0\0\0\1", 16, "no zeros behind entry 1"},
        };
        struct ingot_authenticode_table table;
        ingot_error error;
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                CHECK_FAILS(ingot_authenticode_decode(INGOT_SPAN(bad[i].bytes, bad[i].size),
                                                      &table, &error),
                            INGOT_E_FORMAT, bad[i].says);
        CHECK_OK(ingot_authenticode_decode(INGOT_SPAN("", 0), &table, &error));
        CHECK_EQ(table.count, 0);
        uint8_t many[33 * 8];
        for (size_t i = 0; i < 33; i++)
                memcpy(many + 8 * i, "\x08\0\0\0\0\2\2\0", 8);
        CHECK_FAILS(ingot_authenticode_decode(INGOT_SPAN(many, sizeof(many)), &table, &error),
                    INGOT_E_LIMIT, "more than 32");
}

TEST(the_signed_content_holds_one_sha256_digest)
{
        _cleanup_buffer_ struct ingot_buffer der = {0};
        uint8_t digest[32] = {1, 2, 3}, read[32];
        ingot_error error;
        CHECK_OK(ingot_authenticode_encode_content(digest, &der, &error));
        CHECK_OK(ingot_authenticode_decode_content(ingot_buffer_span(&der), read, &error));
        CHECK_EQ(memcmp(digest, read, 32), 0);
        for (size_t n = 0; n < der.size; n++)
                CHECK_FAILS(ingot_authenticode_decode_content(INGOT_SPAN(der.data, n), read,
                                                              &error),
                            INGOT_E_FORMAT, "");
        CHECK_OK(ingot_buffer_append(&der, "", 1, &error));
        CHECK_FAILS(ingot_authenticode_decode_content(ingot_buffer_span(&der), read, &error),
                    INGOT_E_FORMAT, "");
        der.data[der.size - 38]++; /* the last arc of the digest's OID: SHA-384 */
        CHECK_FAILS(ingot_authenticode_decode_content(INGOT_SPAN(der.data, der.size - 1), read,
                                                      &error),
                    INGOT_E_UNSUPPORTED, "not SHA-256");
}

/* A key and a certificate by openssl, in the test's folder, read by us. */
static int make_peer(struct owner *ret, ingot_error *reterr)
{
        char path[4200];
        int status = oracle_run(NULL, "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=peer "
                                "-days 30 -keyout %s/peer.key -out %s/peer.crt 2>/dev/null",
                                test_folder(), test_folder());
        if (status != 0)
                return ingot_fail(reterr, INGOT_E_SYSTEM, "openssl: %d", status);
        snprintf(path, sizeof(path), "%s/peer.key", test_folder());
        int r = ingot_key_open(&ret->key, path, NULL, reterr);
        snprintf(path, sizeof(path), "%s/peer.crt", test_folder());
        return r < 0 ? r : ingot_certificate_load(&ret->certificate, path, reterr);
}

/* PROGRAM takes what we sign, with an entry as large as needed and with a larger one, and refuses
 * another program under the same signature. */
static void check_theirs(const char *program, const char *arguments, const char *behind)
{
        static const uint32_t sizes[] = {0, 4096};
        _cleanup_owner_ struct owner peer = {0};
        _cleanup_(span_done) struct ingot_span image = made("code");
        _cleanup_buffer_ struct ingot_buffer signature = {0};
        uint8_t digest[32];
        ingot_error error;
        if (!oracle_found(program))
                SKIP("the program is missing");
        CHECK_OK(make_peer(&peer, &error));
        CHECK_OK(digest_of(image, digest, &error));
        CHECK_OK(ingot_authenticode_sign(digest, peer.key, peer.certificate, &signature, &error));
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                _cleanup_buffer_ struct ingot_buffer out = {0};
                CHECK_OK(attach(image, ingot_buffer_span(&signature), sizes[i], false, &out,
                                &error));
                const char *path = oracle_file("ours.efi", out.data, out.size);
                CHECK_EQ(oracle_run(NULL, "%s %s %s/peer.crt %s %s >/dev/null 2>&1", program,
                                    arguments, test_folder(), behind, path), 0);
                out.data[MADE_HEADERS] ^= 1; /* another program under the same signature */
                path = oracle_file("ours.efi", out.data, out.size);
                CHECK(oracle_run(NULL, "%s %s %s/peer.crt %s %s >/dev/null 2>&1", program,
                                 arguments, test_folder(), behind, path) != 0);
        }
}

TEST(sbverify_takes_our_signature_and_tells_a_change)
{
        check_theirs("sbverify", "--cert", "");
}

TEST(osslsigncode_takes_our_signature_and_tells_a_change)
{
        check_theirs("osslsigncode", "verify -CAfile", "-in");
}

/* What COMMAND makes of our image is taken for peer's, and for nobody else's. */
static void check_ours(const char *program, const char *command, bool newest)
{
        _cleanup_owner_ struct owner peer = {0}, other = {0};
        _cleanup_(span_done) struct ingot_span image = made("code");
        _cleanup_free_ uint8_t *theirs = NULL;
        char text[8192], path[4200];
        const char *folder = test_folder();
        size_t size;
        ingot_error error;
        if (newest ? !oracle_found_newest(program) : !oracle_found(program))
                SKIP("the program is missing");
        CHECK_OK(make_peer(&peer, &error));
        CHECK_OK(make_owner(&other, "other", &error));
        oracle_file("unsigned.efi", image.data, image.size);
        /* The folder, wherever the command says @. */
        size_t n = 0;
        for (const char *c = command; *c && n + strlen(folder) + 1 < sizeof(text); c++)
                n += (size_t) (*c == '@' ? snprintf(text + n, sizeof(text) - n, "%s", folder)
                                         : snprintf(text + n, sizeof(text) - n, "%c", *c));
        CHECK_EQ(newest ? oracle_run_newest(NULL, "%s >/dev/null 2>&1", text)
                        : oracle_run(NULL, "%s >/dev/null 2>&1", text), 0);
        snprintf(path, sizeof(path), "%s/theirs.efi", folder);
        CHECK_OK(ingot_file_read(AT_FDCWD, path, 1 << 20, &theirs, &size, &error));
        CHECK_OK(verify(INGOT_SPAN(theirs, size), &peer, &error));
        CHECK_FAILS(verify(INGOT_SPAN(theirs, size), &other, &error), INGOT_E_REFUSED,
                    "leads to none in db");
        theirs[MADE_HEADERS] ^= 1;
        CHECK_FAILS(verify(INGOT_SPAN(theirs, size), &peer, &error), INGOT_E_REFUSED,
                    "signed another image");
        CHECK_OK(ingot_file_remove(path, &error));
}

TEST(a_signature_by_sbsign_is_taken)
{
        check_ours("sbsign", "sbsign --key @/peer.key --cert @/peer.crt --output @/theirs.efi "
                   "@/unsigned.efi", false);
}

TEST(a_signature_by_osslsigncode_is_taken)
{
        check_ours("osslsigncode", "osslsigncode sign -certs @/peer.crt -key @/peer.key -h sha256 "
                   "-in @/unsigned.efi -out @/theirs.efi", false);
}

TEST(a_signature_by_systemd_sbsign_is_taken)
{
        check_ours("systemd-sbsign", "/usr/lib/systemd/systemd-sbsign sign "
                   "--private-key=@/peer.key --certificate=@/peer.crt --output=@/theirs.efi "
                   "@/unsigned.efi", true);
}
