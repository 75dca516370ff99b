/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images that hold, and the tampering matrix: every changed byte is refused, or lies where the
 * report says that nothing looks.
 */
#include "base/cleanup.h"
#include "base/size.h"
#include "format/pe.h"
#include "make-image.h"
#include "test.h"

#include <stdlib.h>

#define FLIPS 1000
#define BIT(x) (1u << (x))
#define RELEASE (BIT(MADE_COUNT) - 1 - BIT(MADE_DISK))

static struct made_image *image(ingot_error *error)
{
        static struct made_image made;
        static bool done;
        if (!done && make_image(&made, NULL, error) < 0)
                return NULL;
        done = true;
        return &made;
}

static int verify(struct made_image *m, unsigned which, const char *policy,
                  struct ingot_verification *ret, ingot_error *error)
{
        struct ingot_artifact_file files[MADE_COUNT];
        struct ingot_image_policy parsed;
        struct ingot_verify_options options = {.threads = 1, .policy_text = policy};
        size_t n = made_files(m, which, files);
        int r = policy ? ingot_image_policy_parse(policy, &parsed, error) : 0;
        if (policy)
                options.policy = &parsed;
        return r < 0 ? r : ingot_verify(files, n, &options, ret, error);
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

/* Changes byte after byte of an artifact. Prints how many lay in gaps. */
static void tamper(struct made_image *m, unsigned which, enum made_artifact artifact,
                   size_t most_in_gaps)
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
                int r = verify(m, which, NULL, &v, &error);
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
        tamper(m, BIT(MADE_DISK), MADE_DISK, FLIPS);
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
        tamper(m, BIT(MADE_ROOT) | BIT(MADE_HASH), MADE_ROOT, 0);
        tamper(m, BIT(MADE_ROOT) | BIT(MADE_HASH), MADE_HASH, FLIPS);
}

TEST(no_changed_byte_of_a_release_passes)
{
        ingot_error error = {0};
        struct made_image *m = image(&error);
        CHECK(m);
        for (int i = MADE_UKI; i < MADE_COUNT; i++)
                if (m->bytes[i].size > 0)
                        tamper(m, RELEASE, (enum made_artifact) i, 0);
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
