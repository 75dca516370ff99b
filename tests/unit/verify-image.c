/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images that hold, and the tampering matrix: every changed byte is refused, or lies where the
 * report says that nothing looks.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "base/size.h"
#include "format/pe.h"
#include "make-image.h"
#include "base/base64.h"
#include "measure/pcrsig.h"
#include "test.h"
#include "trust/authenticode.h"
#include "trust/pkcs7.h"
#include "trust/secure-boot.h"

#include <stdlib.h>

#define FLIPS 1000
#define BIT(x) (1u << (x))
#define RELEASE (BIT(MADE_COUNT) - 1 - BIT(MADE_DISK))

/* Keys that are made once. */
struct signer {
        struct ingot_key *key;
        struct ingot_certificate *certificate;
};

static int make_signer(struct signer *s, const char *name, ingot_error *error)
{
        const struct ingot_certificate_profile profile = {
                .common_name = name, .code_signing = true, .not_after = 4000000000, .serial = {1}};
        int r = ingot_key_generate(&s->key, INGOT_KEY_RSA, 2048, error);
        return r < 0 ? r : ingot_certificate_create(&s->certificate, s->key, &profile, error);
}

/* As systemd-repart writes it into 16 KiB. */
static int sign_root(void *context, const char *root_hash, struct ingot_buffer *ret,
                     ingot_error *error)
{
        const struct signer *s = context;
        _cleanup_buffer_ struct ingot_buffer der = {0};
        _cleanup_free_ char *base64 = NULL;
        char fingerprint[2 * INGOT_SHA256_SIZE + 1];
        ingot_hex(fingerprint, ingot_certificate_fingerprint(s->certificate), INGOT_SHA256_SIZE);
        int r = ingot_pkcs7_sign_detached(s->key, s->certificate,
                                          INGOT_SPAN(root_hash, strlen(root_hash)), &der, error);
        if (r >= 0)
                r = ingot_base64_encode(ingot_buffer_span(&der), &base64, error);
        if (r >= 0)
                r = ingot_buffer_printf(ret, error,
                                        "{\"rootHash\":\"%s\",\"certificateFingerprint\":\"%s\","
                                        "\"signature\":\"%s\"}",
                                        root_hash, fingerprint, base64);
        return r < 0 ? r : ingot_buffer_append_zeros(ret, 16384 - ret->size, error);
}

static int write_buffer(void *context, uint64_t offset, const void *data, size_t size,
                        ingot_error *error)
{
        struct ingot_buffer *b = context;
        int r = offset + size <= b->size
                        ? 0
                        : ingot_buffer_append_zeros(b, (size_t) offset + size - b->size, error);
        if (r >= 0)
                memcpy(b->data + offset, data, size);
        return r;
}

/* KEEP: behind the signatures that are there. */
static int sign_again(const struct signer *s, struct ingot_buffer *bytes, bool keep,
                      ingot_error *error)
{
        _cleanup_pe_ struct ingot_pe pe = {0};
        _cleanup_buffer_ struct ingot_buffer der = {0}, out = {0};
        const struct ingot_span span = ingot_buffer_span(bytes);
        const struct ingot_reader r = ingot_reader_of_span(&span);
        const struct ingot_writer w = {.write_at = write_buffer, .context = &out};
        uint8_t digest[INGOT_SHA256_SIZE];
        uint64_t size;
        int e = ingot_pe_decode(&r, &pe, error);
        if (e >= 0)
                e = ingot_pe_authenticode_sha256(&r, &pe, digest, error);
        if (e >= 0)
                e = ingot_authenticode_sign(digest, s->key, s->certificate, &der, error);
        if (e < 0)
                return e;
        const struct ingot_authenticode_attachment a = {.signature = ingot_buffer_span(&der),
                                                        .keep = keep};
        e = ingot_authenticode_attach(&r, &pe, &a, &w, &size, error);
        if (e < 0)
                return e;
        ingot_buffer_done(bytes);
        *bytes = out;
        out = (struct ingot_buffer){0};
        return 0;
}

static int sign_program(void *context, struct ingot_buffer *bytes, ingot_error *error)
{
        return sign_again(context, bytes, false, error);
}

static struct signer ours, theirs;

static struct made_image *made(bool is_signed, ingot_error *error)
{
        static struct made_image images[2];
        static bool done[2];
        const struct made_signer by = {
                .root = sign_root, .program = sign_program, .context = &ours};
        if (!ours.key &&
            (make_signer(&ours, "ours", error) < 0 || make_signer(&theirs, "theirs", error) < 0))
                return NULL;
        if (!done[is_signed] && make_image(images + is_signed, is_signed ? &by : NULL, error) < 0)
                return NULL;
        done[is_signed] = true;
        return images + is_signed;
}

static struct made_image *image(ingot_error *error)
{
        return made(false, error);
}

static struct made_image *signed_image(ingot_error *error)
{
        return made(true, error);
}

/* BY: whose certificate is given for everything; NULL: none. */
static int verify_by(struct made_image *m, unsigned which, const char *policy,
                     const struct signer *by, struct ingot_verification *ret, ingot_error *error)
{
        struct ingot_artifact_file files[MADE_COUNT];
        struct ingot_image_policy parsed;
        struct ingot_verify_options options = {.threads = 1, .policy_text = policy};
        struct ingot_certificate *one = by ? by->certificate : NULL;
        const struct ingot_certificates certificates = {.items = &one, .count = 1};
        static const struct ingot_uuid nobody;
        _cleanup_efi_signatures_ struct ingot_efi_signatures db = {0};
        size_t n = made_files(m, which, files);
        int r = policy ? ingot_image_policy_parse(policy, &parsed, error) : 0;
        if (policy)
                options.policy = &parsed;
        if (r >= 0 && by)
                r = ingot_efi_signatures_add(&db, INGOT_EFI_SIGNATURE_X509, &nobody,
                                             ingot_certificate_der(one), error);
        options.db = by ? &db : NULL;
        options.verity = by ? &certificates : NULL;
        return r < 0 ? r : ingot_verify(files, n, &options, ret, error);
}

static int verify(struct made_image *m, unsigned which, const char *policy,
                  struct ingot_verification *ret, ingot_error *error)
{
        return verify_by(m, which, policy, NULL, ret, error);
}

/* The first finding of that check and state, or NULL. */
static const struct ingot_finding *find(const struct ingot_verification *v, const char *check,
                                        enum ingot_finding_state state)
{
        for (size_t i = 0; i < v->count; i++)
                if (strcmp(v->findings[i].check, check) == 0 && v->findings[i].state == state)
                        return v->findings + i;
        return NULL;
}

static bool is_covered(const struct ingot_verification *v, const char *artifact, uint64_t offset)
{
        for (size_t i = 0; i < v->gap_count; i++)
                if (strcmp(v->gaps[i].artifact, artifact) == 0 && offset >= v->gaps[i].offset &&
                    offset - v->gaps[i].offset < v->gaps[i].size)
                        return false;
        return true;
}

static void print_findings(const struct ingot_verification *v)
{
        for (size_t i = 0; i < v->count; i++)
                printf("# %s: %s: %s (%s) %s\n", v->findings[i].where, v->findings[i].check,
                       ingot_finding_state_name(v->findings[i].state),
                       v->findings[i].by ? v->findings[i].by : "",
                       v->findings[i].why ? v->findings[i].why : "");
        for (size_t i = 0; i < v->gap_count; i++)
                printf("# gap %s %" PRIu64 "+%" PRIu64 ": %s\n", v->gaps[i].artifact,
                       v->gaps[i].offset, v->gaps[i].size, v->gaps[i].reason);
}

TEST(a_whole_disk_holds)
{
        ingot_error error = {0};
        struct made_image *m = image(&error);
        CHECK(m);
        _cleanup_verification_ struct ingot_verification v = {0};
        CHECK_OK(verify(m, BIT(MADE_DISK), NULL, &v, &error));
        if (getenv("INGOT_TEST_VERBOSE"))
                print_findings(&v);
        CHECK_EQ(ingot_verification_state(&v), INGOT_FINDING_HOLDS);
        CHECK(find(&v, "partition table", INGOT_FINDING_HOLDS));
        CHECK_STR(find(&v, "hash tree", INGOT_FINDING_HOLDS)->where,
                  "partition 3 (root-x86-64-verity)");
        CHECK_STR(find(&v, "root hash", INGOT_FINDING_HOLDS)->where, "partition 2 (root-x86-64)");
}

TEST(a_whole_release_holds)
{
        ingot_error error = {0};
        struct made_image *m = image(&error);
        CHECK(m);
        _cleanup_verification_ struct ingot_verification v = {0};
        CHECK_OK(verify(m, RELEASE, NULL, &v, &error));
        if (getenv("INGOT_TEST_VERBOSE"))
                print_findings(&v);
        CHECK_EQ(ingot_verification_state(&v), INGOT_FINDING_HOLDS);
        CHECK_EQ(v.gap_count, 0);
        CHECK(find(&v, "sums", INGOT_FINDING_HOLDS));
        CHECK(find(&v, "manifest", INGOT_FINDING_HOLDS));
        CHECK(find(&v, "root hash", INGOT_FINDING_HOLDS));
}

TEST(policies_are_checked_and_never_passed_over)
{
        static const struct {
                const char *policy;
                enum ingot_finding_state state;
                const char *why;
        } cases[] = {
                {"root=verity:=ignore", INGOT_FINDING_HOLDS, "root verity, esp unused, var unused"},
                {"root=signed", INGOT_FINDING_REFUSED, "root is verity; the policy allows signed"},
                {"root=", INGOT_FINDING_HOLDS, "root verity (the policy allows anything here)"},
                {"root=verity:=absent", INGOT_FINDING_REFUSED, "esp is there"},
                {"root=verity+read-only-off", INGOT_FINDING_REFUSED, "marked read-only"},
        };
        ingot_error error = {0};
        struct made_image *m = image(&error);
        CHECK(m);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_verification_ struct ingot_verification v = {0};
                CHECK_OK(verify(m, BIT(MADE_DISK), cases[i].policy, &v, &error));
                const struct ingot_finding *f = find(&v, "policy", cases[i].state);
                CHECK(f);
                CHECK(strstr(f->why, cases[i].why));
        }
        _cleanup_verification_ struct ingot_verification v = {0};
        CHECK_OK(verify(m, BIT(MADE_ROOT), "root=verity", &v, &error));
        CHECK(find(&v, "policy", INGOT_FINDING_NOT_CHECKED));
}

/* Changes byte after byte of an artifact, with and without the key. Prints how many lay in gaps. */
static void tamper(struct made_image *m, unsigned which, enum made_artifact artifact,
                   size_t most_in_gaps, const struct signer *by)
{
        ingot_error error = {0};
        struct ingot_buffer *b = m->bytes + artifact;
        uint64_t state = test_seed() + artifact;
        size_t in_gaps = 0;
        for (int i = 0; i < FLIPS; i++) {
                size_t at = (size_t) (test_random(&state) % b->size);
                uint8_t change = (uint8_t) (1 + test_random(&state) % 255);
                b->data[at] ^= change;
                _cleanup_verification_ struct ingot_verification v = {0};
                int r = verify_by(m, which, NULL, i % 2 ? by : NULL, &v, &error);
                b->data[at] ^= change;
                CHECK_OK(r);
                bool refused = ingot_verification_state(&v) == INGOT_FINDING_REFUSED;
                if (!refused && is_covered(&v, m->names[artifact], at)) {
                        print_findings(&v);
                        test_report(__FILE__, __LINE__, "%s: byte %zu, changed by %#x, is not seen",
                                    m->names[artifact], at, change);
                        return;
                }
                in_gaps += !refused;
        }
        printf("# %s: %d changes, %zu in gaps\n", m->names[artifact], FLIPS, in_gaps);
        CHECK(in_gaps <= most_in_gaps);
}

TEST(no_changed_byte_of_a_disk_passes)
{
        ingot_error error = {0};
        struct made_image *m = image(&error);
        CHECK(m);
        tamper(m, BIT(MADE_DISK), MADE_DISK, FLIPS, NULL);
}

/* Where the bytes are that matter: the ESP of a small image is most of it. */
TEST(no_changed_byte_of_the_covered_parts_of_a_disk_passes)
{
        ingot_error error = {0};
        struct made_image *m = image(&error);
        CHECK(m);
        _cleanup_verification_ struct ingot_verification whole = {0};
        CHECK_OK(verify(m, BIT(MADE_DISK), NULL, &whole, &error));
        struct ingot_buffer *b = m->bytes + MADE_DISK;
        uint64_t state = test_seed();
        for (int i = 0; i < FLIPS;) {
                size_t at = (size_t) (test_random(&state) % b->size);
                if (!is_covered(&whole, m->names[MADE_DISK], at))
                        continue;
                i++;
                b->data[at] ^= 0x40;
                _cleanup_verification_ struct ingot_verification v = {0};
                int r = verify(m, BIT(MADE_DISK), NULL, &v, &error);
                b->data[at] ^= 0x40;
                CHECK_OK(r);
                if (ingot_verification_state(&v) != INGOT_FINDING_REFUSED) {
                        print_findings(&v);
                        test_report(__FILE__, __LINE__, "byte %zu is not seen", at);
                        return;
                }
        }
}

TEST(no_changed_byte_of_a_root_and_its_tree_passes)
{
        ingot_error error = {0};
        struct made_image *m = image(&error);
        CHECK(m);
        tamper(m, BIT(MADE_ROOT) | BIT(MADE_HASH), MADE_ROOT, 0, NULL);
        tamper(m, BIT(MADE_ROOT) | BIT(MADE_HASH), MADE_HASH, FLIPS, NULL);
}

TEST(no_changed_byte_of_a_release_passes)
{
        ingot_error error = {0};
        struct made_image *m = image(&error);
        CHECK(m);
        for (int i = MADE_UKI; i < MADE_COUNT; i++)
                if (m->bytes[i].size > 0)
                        tamper(m, RELEASE, (enum made_artifact) i, 0, NULL);
}

/* By one byte, by half, and to nothing; and longer by a byte or a block. */
TEST(no_cut_or_longer_artifact_passes)
{
        ingot_error error = {0};
        struct made_image *m = image(&error);
        CHECK(m);
        for (int i = 0; i < MADE_COUNT; i++) {
                struct ingot_buffer *b = m->bytes + i;
                size_t size = b->size;
                const size_t cuts[] = {size - 1, size - 512, size / 2, 1};
                unsigned which = i == MADE_DISK ? BIT(MADE_DISK) : RELEASE;
                for (size_t k = 0; size && k < ARRAY_SIZE(cuts); k++) {
                        _cleanup_verification_ struct ingot_verification v = {0};
                        b->size = ingot_min_u64(cuts[k], size - 1);
                        int r = verify(m, which, NULL, &v, &error);
                        b->size = size;
                        CHECK_OK(r);
                        if (ingot_verification_state(&v) != INGOT_FINDING_HOLDS)
                                continue;
                        print_findings(&v);
                        test_report(__FILE__, __LINE__, "%s of %zu bytes is not seen", m->names[i],
                                    cuts[k]);
                        return;
                }
                for (size_t more = 1; size && more <= 4096; more += 4095) {
                        _cleanup_verification_ struct ingot_verification v = {0};
                        CHECK_OK(ingot_buffer_append_zeros(b, more, &error));
                        int r = verify(m, which, NULL, &v, &error);
                        b->size = size;
                        CHECK_OK(r);
                        CHECK(ingot_verification_state(&v) == INGOT_FINDING_REFUSED ||
                              !is_covered(&v, m->names[i], size));
                }
        }
}

TEST(a_root_of_another_release_is_refused)
{
        ingot_error error = {0};
        struct made_image *m = image(&error);
        CHECK(m);
        struct ingot_buffer *uki = m->bytes + MADE_UKI;
        uint8_t *line = memmem(uki->data, uki->size, "roothash=", 9);
        CHECK(line);
        _cleanup_verification_ struct ingot_verification v = {0};
        uint8_t old = line[9];
        line[9] = old == 'a' ? 'b' : 'a';
        int r = verify(m, BIT(MADE_UKI) | BIT(MADE_ROOT) | BIT(MADE_HASH), NULL, &v, &error);
        line[9] = old;
        CHECK_OK(r);
        const struct ingot_finding *f = find(&v, "root hash", INGOT_FINDING_REFUSED);
        CHECK(f);
        CHECK(strstr(f->why, "no hash tree here has that root hash"));
}

TEST(a_signature_of_a_root_hash_holds_by_its_key_and_by_no_other)
{
        static const struct {
                const struct signer *by;
                enum ingot_finding_state state, whole, policy;
        } cases[] = {
                {&ours, INGOT_FINDING_HOLDS, INGOT_FINDING_HOLDS, INGOT_FINDING_HOLDS},
                {&theirs, INGOT_FINDING_REFUSED, INGOT_FINDING_REFUSED, INGOT_FINDING_REFUSED},
                {NULL, INGOT_FINDING_NO_KEY, INGOT_FINDING_NOT_CHECKED, INGOT_FINDING_NOT_CHECKED},
        };
        ingot_error error = {0};
        struct made_image *m = signed_image(&error);
        CHECK(m);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_verification_ struct ingot_verification v = {0};
                CHECK_OK(verify_by(m, BIT(MADE_DISK), "root=signed:=ignore", cases[i].by, &v,
                                   &error));
                const struct ingot_finding *f = find(&v, "verity signature", cases[i].state);
                CHECK(f);
                CHECK(cases[i].state == INGOT_FINDING_REFUSED || strstr(f->by, "ours"));
                CHECK(find(&v, "policy", cases[i].policy));
                CHECK(find(&v, "Authenticode", cases[i].state));
                CHECK_EQ(ingot_verification_state(&v), cases[i].whole);
        }
}

TEST(no_changed_byte_of_a_signature_partition_passes)
{
        ingot_error error = {0};
        struct made_image *m = signed_image(&error);
        CHECK(m);
        /* With the key at hand a certificate inside that cannot be read is none, and a gap. */
        unsigned which = BIT(MADE_ROOT) | BIT(MADE_HASH) | BIT(MADE_SIGNATURE);
        tamper(m, which, MADE_SIGNATURE, 40, &ours);
        /* Most of it is padding: now where the text is. */
        size_t size = m->bytes[MADE_SIGNATURE].size;
        m->bytes[MADE_SIGNATURE].size = strlen((char *) m->bytes[MADE_SIGNATURE].data);
        tamper(m, which, MADE_SIGNATURE, 40, &ours);
        m->bytes[MADE_SIGNATURE].size = size;
}

TEST(a_signature_of_another_root_is_refused)
{
        ingot_error error = {0};
        struct made_image *m = signed_image(&error);
        CHECK(m);
        _cleanup_buffer_ struct ingot_buffer other = {0};
        char hash[2 * INGOT_SHA256_SIZE + 1];
        memset(hash, 'a', sizeof(hash) - 1);
        hash[sizeof(hash) - 1] = 0;
        CHECK_OK(sign_root(&ours, hash, &other, &error));
        struct ingot_buffer *b = m->bytes + MADE_SIGNATURE, old = *b;
        *b = other;
        _cleanup_verification_ struct ingot_verification v = {0};
        int r = verify_by(m, BIT(MADE_ROOT) | BIT(MADE_HASH) | BIT(MADE_SIGNATURE), NULL, &ours, &v,
                          &error);
        *b = old;
        CHECK_OK(r);
        const struct ingot_finding *f = find(&v, "verity signature", INGOT_FINDING_REFUSED);
        CHECK(f);
        CHECK(strstr(f->why, "no hash tree here"));
}

TEST(what_is_not_signed_is_refused_once_a_key_is_given)
{
        ingot_error error = {0};
        struct made_image *m = image(&error);
        CHECK(m);
        _cleanup_verification_ struct ingot_verification v = {0}, w = {0};
        CHECK_OK(verify_by(m, BIT(MADE_DISK), NULL, NULL, &v, &error));
        CHECK(find(&v, "verity signature", INGOT_FINDING_NOT_SIGNED));
        CHECK_OK(verify_by(m, BIT(MADE_DISK), NULL, &ours, &w, &error));
        CHECK(find(&w, "verity signature", INGOT_FINDING_REFUSED));
}

TEST(no_changed_byte_of_a_signed_uki_passes)
{
        ingot_error error = {0};
        struct made_image *m = signed_image(&error);
        CHECK(m);
        /* Without the key, which is every other time, its certificates are in a gap. */
        tamper(m, BIT(MADE_UKI), MADE_UKI, FLIPS / 2, &ours);
}

/* The addon as an artifact by itself: it takes the UKI's place. */
static int addon_alone(struct made_image *ret, ingot_error *error)
{
        const struct made_image *m = signed_image(error);
        *ret = (struct made_image){.names[MADE_UKI] = "debug.addon.efi"};
        return m ? ingot_buffer_append(ret->bytes + MADE_UKI, m->addon.data, m->addon.size, error)
                 : -INGOT_E_INTERNAL;
}

TEST(no_changed_byte_of_a_signed_addon_passes)
{
        ingot_error error = {0};
        _cleanup_made_ struct made_image m = {0};
        _cleanup_verification_ struct ingot_verification v = {0};
        CHECK_OK(addon_alone(&m, &error));
        CHECK_OK(verify_by(&m, BIT(MADE_UKI), NULL, &ours, &v, &error));
        CHECK_EQ(ingot_verification_state(&v), INGOT_FINDING_HOLDS);
        tamper(&m, BIT(MADE_UKI), MADE_UKI, FLIPS / 2, &ours);
}

TEST(an_addon_of_another_signer_or_of_none_is_refused)
{
        ingot_error error = {0};
        _cleanup_made_ struct made_image m = {0};
        _cleanup_verification_ struct ingot_verification v = {0}, w = {0};
        CHECK_OK(addon_alone(&m, &error));
        CHECK_OK(verify_by(&m, BIT(MADE_UKI), NULL, &theirs, &v, &error));
        CHECK(find(&v, "Authenticode", INGOT_FINDING_REFUSED));
        const struct made_image *unsigned_one = image(&error);
        CHECK(unsigned_one);
        ingot_buffer_done(m.bytes + MADE_UKI);
        CHECK_OK(ingot_buffer_append(m.bytes + MADE_UKI, unsigned_one->addon.data,
                                     unsigned_one->addon.size, &error));
        CHECK_OK(verify_by(&m, BIT(MADE_UKI), NULL, &ours, &w, &error));
        CHECK(find(&w, "Authenticode", INGOT_FINDING_REFUSED));
}

/* All that a signature covers of a PROGRAM on a disk that is signed. */
static void tamper_on_disk(const struct ingot_buffer *program, int flips)
{
        ingot_error error = {0};
        struct made_image *m = signed_image(&error);
        CHECK(m);
        _cleanup_verification_ struct ingot_verification whole = {0};
        CHECK_OK(verify_by(m, BIT(MADE_DISK), NULL, &ours, &whole, &error));
        struct ingot_buffer *b = m->bytes + MADE_DISK;
        const uint8_t *at = memmem(b->data, b->size, program->data, program->size);
        CHECK(at);
        size_t first = (size_t) (at - b->data), covered = 0;
        for (size_t i = 0; i < program->size; i++)
                covered += is_covered(&whole, m->names[MADE_DISK], first + i);
        CHECK_EQ(covered, program->size - 4);
        uint64_t state = test_seed();
        for (int i = 0; i < flips; i++) {
                size_t k = first + (size_t) (test_random(&state) % program->size);
                _cleanup_verification_ struct ingot_verification v = {0};
                b->data[k] ^= 0x11;
                int r = verify_by(m, BIT(MADE_DISK), NULL, &ours, &v, &error);
                b->data[k] ^= 0x11;
                CHECK_OK(r);
                CHECK(ingot_verification_state(&v) == INGOT_FINDING_REFUSED ||
                      !is_covered(&v, m->names[MADE_DISK], k));
        }
}

TEST(no_changed_byte_of_signed_programs_on_a_disk_passes)
{
        ingot_error error = {0};
        struct made_image *m = signed_image(&error);
        CHECK(m);
        tamper_on_disk(m->bytes + MADE_UKI, FLIPS / 4);
        tamper_on_disk(&m->addon, FLIPS / 4);
}

TEST(a_signature_of_another_program_is_refused)
{
        ingot_error error = {0};
        struct made_image *m = signed_image(&error);
        CHECK(m);
        struct ingot_buffer *uki = m->bytes + MADE_UKI;
        _cleanup_verification_ struct ingot_verification v = {0};
        uint8_t *kernel = memmem(uki->data, uki->size, "kernel", 6);
        CHECK(kernel);
        kernel[0] = 'K';
        int r = verify_by(m, BIT(MADE_UKI), NULL, &ours, &v, &error);
        kernel[0] = 'k';
        CHECK_OK(r);
        const struct ingot_finding *f = find(&v, "Authenticode", INGOT_FINDING_REFUSED);
        CHECK(f);
        CHECK(strstr(f->why, "the digests differ"));
}

static int extend(struct ingot_buffer *pe, const char *name, struct ingot_span content,
                  ingot_error *error)
{
        _cleanup_buffer_ struct ingot_buffer out = {0};
        const struct ingot_reader part = ingot_reader_of_span(&content);
        const struct ingot_pe_addition addition = {
                .name = name, .parts = &part, .part_count = 1, .characteristics = INGOT_PE_DATA};
        const struct ingot_writer w = {.write_at = write_buffer, .context = &out};
        uint64_t size;
        int r = ingot_pe_extend(ingot_buffer_span(pe), &addition, 1, NULL, &w, &size, error);
        if (r < 0)
                return r;
        ingot_buffer_done(pe);
        *pe = out;
        out = (struct ingot_buffer){0};
        return 0;
}

/* .pcrpkey and .pcrsig for a UKI, as the build and its signer make them. */
static int add_pcr_signature(struct ingot_buffer *uki, const struct signer *s, ingot_error *error)
{
        _cleanup_buffer_ struct ingot_buffer pem = {0}, pkcs1 = {0}, text = {0};
        _cleanup_pcrsig_ struct ingot_pcrsig sig = {0};
        _cleanup_uki_ struct ingot_uki parsed = {0};
        uint8_t pkfp[INGOT_SHA256_SIZE];
        int r = ingot_key_public_pem(s->key, &pem, error);
        if (r >= 0)
                r = ingot_key_public_pkcs1(s->key, &pkcs1, error);
        if (r >= 0)
                r = extend(uki, ".pcrpkey", ingot_buffer_span(&pem), error);
        if (r < 0)
                return r;
        ingot_sha256_of(pkcs1.data, pkcs1.size, pkfp);
        const struct ingot_span span = ingot_buffer_span(uki);
        const struct ingot_reader reader = ingot_reader_of_span(&span);
        r = ingot_uki_read(&reader, &parsed, error);
        if (r >= 0)
                r = ingot_pcrsig_of_uki(&reader, &parsed, 0, 1u << INGOT_BANK_SHA256, pkfp, &sig,
                                        error);
        for (size_t i = 0; r >= 0 && i < sig.count; i++) {
                _cleanup_buffer_ struct ingot_buffer message = {0};
                r = ingot_pcrsig_to_be_signed(sig.entries + i, &message, error);
                if (r >= 0)
                        r = ingot_key_sign(s->key, ingot_buffer_span(&message),
                                           &sig.entries[i].signature, error);
        }
        if (r >= 0)
                r = ingot_pcrsig_encode(&sig, &text, error);
        return r < 0 ? r : extend(uki, ".pcrsig", ingot_buffer_span(&text), error);
}

static int verify_uki(struct ingot_buffer *uki, const struct ingot_key *key,
                      struct ingot_verification *ret, ingot_error *error)
{
        const struct ingot_span span = ingot_buffer_span(uki);
        const struct ingot_artifact_file file = {.name = "uki.efi",
                                                 .reader = ingot_reader_of_span(&span)};
        const struct ingot_verify_options options = {.threads = 1, .pcr_key = key};
        return ingot_verify(&file, 1, &options, ret, error);
}

TEST(a_pcr_signature_holds_for_its_uki_and_key)
{
        ingot_error error = {0};
        struct made_image *m = image(&error);
        CHECK(m);
        _cleanup_buffer_ struct ingot_buffer uki = {0};
        const struct ingot_buffer *plain = m->bytes + MADE_UKI;
        CHECK_OK(ingot_buffer_append(&uki, plain->data, plain->size, &error));
        CHECK_OK(add_pcr_signature(&uki, &ours, &error));
        _cleanup_verification_ struct ingot_verification a = {0}, b = {0}, c = {0}, d = {0};
        CHECK_OK(verify_uki(&uki, ours.key, &a, &error));
        CHECK(find(&a, "PCR signature", INGOT_FINDING_HOLDS));
        CHECK(strstr(find(&a, "PCR signature", INGOT_FINDING_HOLDS)->by, "rsa2048-sha256 "));
        CHECK_OK(verify_uki(&uki, NULL, &b, &error));
        CHECK(find(&b, "PCR signature", INGOT_FINDING_NO_KEY));
        CHECK_OK(verify_uki(&uki, theirs.key, &c, &error));
        CHECK(find(&c, "PCR signature", INGOT_FINDING_REFUSED));
        uint8_t *quiet = memmem(uki.data, uki.size, "quiet", 5);
        CHECK(quiet);
        quiet[0] = 'Q';
        CHECK_OK(verify_uki(&uki, ours.key, &d, &error));
        const struct ingot_finding *f = find(&d, "PCR signature", INGOT_FINDING_REFUSED);
        CHECK(f);
        CHECK(strstr(f->why, "no value of PCR 11"));
}

/* What efivarfs shows of MokListRT, read as `--key=secure-boot=` reads it. */
static int enrol_mok(struct ingot_secure_boot *s, enum ingot_efi_signature_kind kind,
                     struct ingot_span data, ingot_error *error)
{
        static const struct ingot_uuid nobody;
        _cleanup_efi_signatures_ struct ingot_efi_signatures list = {0};
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        int r = ingot_buffer_append(&bytes, "\6\0\0\0", 4, error);
        if (r >= 0)
                r = ingot_efi_signatures_add(&list, kind, &ingot_secure_boot_shim, data, error);
        if (r >= 0)
                r = ingot_efi_signatures_encode(&list, &bytes, error);
        return r < 0 ? r
                     : ingot_secure_boot_add(s, INGOT_SECURE_BOOT_DB, ingot_buffer_span(&bytes),
                                             &nobody, error);
}

static int verify_shim(const struct ingot_buffer *program, const struct ingot_secure_boot *keys,
                       const char *level, struct ingot_verification *ret, ingot_error *error)
{
        _cleanup_sbat_ struct ingot_sbat sbat = {0};
        const struct ingot_span span = ingot_buffer_span(program);
        const struct ingot_artifact_file file = {.name = "uki.efi",
                                                 .reader = ingot_reader_of_span(&span)};
        const struct ingot_verify_options options = {
                .threads = 1,
                .db = keys ? &keys->variables[INGOT_SECURE_BOOT_DB].list : NULL,
                .sbat_level = level ? &sbat : NULL,
                .sbat_level_name = "level.csv"};
        int r = level ? ingot_sbat_decode(INGOT_SPAN(level, strlen(level)), &sbat, error) : 0;
        return r < 0 ? r : ingot_verify(&file, 1, &options, ret, error);
}

TEST(a_program_holds_by_an_enrolled_mok_and_by_no_other)
{
        ingot_error error = {0};
        struct made_image *m = signed_image(&error);
        CHECK(m);
        _cleanup_secure_boot_ struct ingot_secure_boot good = {0}, bad = {0};
        _cleanup_verification_ struct ingot_verification v = {0}, w = {0};
        CHECK_OK(enrol_mok(&good, INGOT_EFI_SIGNATURE_X509, ingot_certificate_der(ours.certificate),
                           &error));
        CHECK_OK(enrol_mok(&bad, INGOT_EFI_SIGNATURE_X509,
                           ingot_certificate_der(theirs.certificate), &error));
        CHECK_OK(verify_shim(m->bytes + MADE_UKI, &good, NULL, &v, &error));
        const struct ingot_finding *f = find(&v, "Authenticode", INGOT_FINDING_HOLDS);
        CHECK(f);
        CHECK_STR(f->by, "MOK CN = ours");
        CHECK_OK(verify_shim(m->bytes + MADE_UKI, &bad, NULL, &w, &error));
        CHECK(find(&w, "Authenticode", INGOT_FINDING_REFUSED));
        CHECK(!find(&w, "SBAT", INGOT_FINDING_HOLDS));
}

/* Signed by somebody unknown or by nobody: its digest is enough, and its signature is in a gap. */
TEST(a_program_holds_by_an_enrolled_digest)
{
        ingot_error error = {0};
        struct made_image *images[] = {image(&error), signed_image(&error)};
        CHECK(images[0]);
        CHECK(images[1]);
        for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
                struct ingot_buffer *uki = images[i]->bytes + MADE_UKI;
                const struct ingot_span span = ingot_buffer_span(uki);
                const struct ingot_reader reader = ingot_reader_of_span(&span);
                _cleanup_pe_ struct ingot_pe pe = {0};
                _cleanup_secure_boot_ struct ingot_secure_boot mok = {0};
                _cleanup_verification_ struct ingot_verification v = {0}, w = {0};
                uint8_t digest[INGOT_SHA256_SIZE];
                CHECK_OK(ingot_pe_decode(&reader, &pe, &error));
                CHECK_OK(ingot_pe_authenticode_sha256(&reader, &pe, digest, &error));
                CHECK_OK(enrol_mok(&mok, INGOT_EFI_SIGNATURE_SHA256,
                                   INGOT_SPAN(digest, sizeof(digest)), &error));
                CHECK_OK(verify_shim(uki, &mok, NULL, &v, &error));
                const struct ingot_finding *f = find(&v, "Authenticode", INGOT_FINDING_HOLDS);
                CHECK(f);
                CHECK_STR(f->by, "MOK digest");
                CHECK_EQ(is_covered(&v, "uki.efi", uki->size - 1), i == 0);
                uint8_t *kernel = memmem(uki->data, uki->size, "kernel", 6);
                CHECK(kernel);
                kernel[0] = 'K';
                int r = verify_shim(uki, &mok, NULL, &w, &error);
                kernel[0] = 'k';
                CHECK_OK(r);
                CHECK(find(&w, "Authenticode", INGOT_FINDING_REFUSED));
        }
}

TEST(revoked_components_are_refused_by_name_and_generation)
{
        static const struct {
                const char *sbat, *level;
                enum ingot_finding_state state;
                const char *why;
        } cases[] = {
                {"sbat,1\nstub,2\n", "sbat,1,2024040900\nstub,2\n", INGOT_FINDING_HOLDS, NULL},
                {"sbat,1\nstub,2\n", "sbat,1,2024040900\nstub,3\n", INGOT_FINDING_REFUSED,
                 "component stub is of generation 2, revoked below 3"},
                {"sbat,1\nstub\n", "sbat,1\n", INGOT_FINDING_REFUSED, "line 2"},
                {"sbat,1\nstub\n", NULL, INGOT_FINDING_REFUSED, "line 2"},
                {NULL, "sbat,1\n", INGOT_FINDING_REFUSED, "no section .sbat"},
        };
        ingot_error error = {0};
        struct made_image *m = image(&error);
        CHECK(m);
        _cleanup_secure_boot_ struct ingot_secure_boot keys = {0};
        CHECK_OK(enrol_mok(&keys, INGOT_EFI_SIGNATURE_X509, ingot_certificate_der(ours.certificate),
                           &error));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_buffer_ struct ingot_buffer uki = {0};
                _cleanup_verification_ struct ingot_verification v = {0}, w = {0};
                const struct ingot_buffer *plain = m->bytes + MADE_UKI;
                CHECK_OK(ingot_buffer_append(&uki, plain->data, plain->size, &error));
                if (cases[i].sbat)
                        CHECK_OK(extend(&uki, ".sbat",
                                        INGOT_SPAN(cases[i].sbat, strlen(cases[i].sbat)), &error));
                /* What an unsigned program says of itself is no reason to trust it. */
                CHECK_OK(verify_shim(&uki, NULL, cases[i].level, &w, &error));
                CHECK(find(&w, "SBAT",
                           cases[i].why ? INGOT_FINDING_REFUSED : INGOT_FINDING_NOT_SIGNED));
                CHECK_OK(sign_program(&ours, &uki, &error));
                CHECK_OK(verify_shim(&uki, &keys, cases[i].level, &v, &error));
                const struct ingot_finding *f = find(&v, "SBAT", cases[i].state);
                CHECK(f);
                CHECK(!cases[i].why || strstr(f->why, cases[i].why));
                CHECK_EQ(ingot_verification_state(&v), cases[i].state);
        }
}

/* What firmware has in db, and in dbx: the certificate or the program's digest. */
static int verify_program(struct ingot_buffer *uki, const struct signer *by,
                          const struct ingot_efi_signatures *dbx, struct ingot_verification *ret,
                          ingot_error *error)
{
        const struct ingot_span span = ingot_buffer_span(uki);
        const struct ingot_artifact_file file = {.name = "uki.efi",
                                                 .reader = ingot_reader_of_span(&span)};
        static const struct ingot_uuid nobody;
        _cleanup_efi_signatures_ struct ingot_efi_signatures db = {0};
        const struct ingot_verify_options options = {
                .threads = 1, .db = by ? &db : NULL, .dbx = dbx};
        int r = by ? ingot_efi_signatures_add(&db, INGOT_EFI_SIGNATURE_X509, &nobody,
                                              ingot_certificate_der(by->certificate), error)
                   : 0;
        return r < 0 ? r : ingot_verify(&file, 1, &options, ret, error);
}

static int copy_uki(struct made_image *m, struct ingot_buffer *ret, ingot_error *error)
{
        return ingot_buffer_append(ret, m->bytes[MADE_UKI].data, m->bytes[MADE_UKI].size, error);
}

TEST(of_two_signatures_of_a_uki_one_that_is_known_is_enough)
{
        ingot_error error = {0};
        struct made_image *m = signed_image(&error);
        CHECK(m);
        _cleanup_buffer_ struct ingot_buffer uki = {0};
        CHECK_OK(copy_uki(m, &uki, &error));
        CHECK_OK(sign_again(&theirs, &uki, true, &error));
        const struct signer *both[] = {&ours, &theirs};
        for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
                _cleanup_verification_ struct ingot_verification v = {0};
                CHECK_OK(verify_program(&uki, both[i], NULL, &v, &error));
                const struct ingot_finding *f = find(&v, "Authenticode", INGOT_FINDING_HOLDS);
                CHECK(f);
                CHECK_STR(f->by, i == 0 ? "CN = ours" : "CN = theirs");
        }
        struct signer third = {0};
        _cleanup_verification_ struct ingot_verification v = {0};
        CHECK_OK(make_signer(&third, "third", &error));
        int r = verify_program(&uki, &third, NULL, &v, &error);
        ingot_key_free(third.key);
        ingot_certificate_free(third.certificate);
        CHECK_OK(r);
        CHECK(find(&v, "Authenticode", INGOT_FINDING_REFUSED));
}

TEST(what_dbx_has_is_refused_with_a_key_and_without)
{
        ingot_error error = {0};
        struct made_image *m = signed_image(&error), *plain = image(&error);
        CHECK(m && plain);
        const struct ingot_uuid owner = {0};
        _cleanup_efi_signatures_ struct ingot_efi_signatures dbx = {0}, digests = {0}, other = {0};
        CHECK_OK(ingot_efi_signatures_add(&dbx, INGOT_EFI_SIGNATURE_X509, &owner,
                                          ingot_certificate_der(ours.certificate), &error));
        CHECK_OK(ingot_efi_signatures_add(&other, INGOT_EFI_SIGNATURE_X509, &owner,
                                          ingot_certificate_der(theirs.certificate), &error));
        const struct signer *keys[] = {&ours, NULL};
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                _cleanup_verification_ struct ingot_verification v = {0}, w = {0};
                CHECK_OK(verify_program(m->bytes + MADE_UKI, keys[i], &dbx, &v, &error));
                const struct ingot_finding *f = find(&v, "Authenticode", INGOT_FINDING_REFUSED);
                CHECK(f);
                CHECK(strstr(f->why, "revoked: dbx has it"));
                CHECK_OK(verify_program(m->bytes + MADE_UKI, keys[i], &other, &w, &error));
                CHECK(!find(&w, "Authenticode", INGOT_FINDING_REFUSED));
        }
        /* By its digest, also when nobody signed it. */
        const struct ingot_span span = ingot_buffer_span(plain->bytes + MADE_UKI);
        const struct ingot_reader reader = ingot_reader_of_span(&span);
        _cleanup_pe_ struct ingot_pe pe = {0};
        uint8_t digest[INGOT_SHA256_SIZE];
        CHECK_OK(ingot_pe_decode(&reader, &pe, &error));
        CHECK_OK(ingot_pe_authenticode_sha256(&reader, &pe, digest, &error));
        CHECK_OK(ingot_efi_signatures_add(&digests, INGOT_EFI_SIGNATURE_SHA256, &owner,
                                          INGOT_SPAN(digest, sizeof(digest)), &error));
        _cleanup_verification_ struct ingot_verification v = {0};
        CHECK_OK(verify_program(plain->bytes + MADE_UKI, NULL, &digests, &v, &error));
        CHECK(find(&v, "Authenticode", INGOT_FINDING_REFUSED));
        CHECK(strstr(find(&v, "Authenticode", INGOT_FINDING_REFUSED)->why, "dbx has its digest"));
}
