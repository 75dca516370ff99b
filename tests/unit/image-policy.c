/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Image policies: spelling, what follows from them, and systemd-analyze as the judge. */
#include "format/image-policy.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "oracle.h"
#include "test.h"

#include <stdlib.h>

TEST(policies_are_printed_in_one_spelling)
{
        static const char *const cases[][2] = {
                {"*", "=verity+signed+encrypted+encryptedwithintegrity+unprotected+unused+absent"},
                {"-", "=unused+absent"},
                {"", "=unused+absent"},
                {"~", "=absent"},
                {"root=", "root=-:=unused+absent"},
                {" usr = signed + verity : root=absent", "root=absent:usr=verity+signed:"
                                                         "=unused+absent"},
                {"=open:var=growfs-on+ext4+read-only-off",
                 "var=read-only-off+growfs-on+ext4:"
                 "=verity+signed+encrypted+encryptedwithintegrity+unprotected+unused+absent"},
        };
        ingot_error error = {0};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct ingot_image_policy p, again;
                _cleanup_free_ char *text = NULL, *twice = NULL;
                CHECK_OK(ingot_image_policy_parse(cases[i][0], &p, &error));
                CHECK_OK(ingot_image_policy_print(&p, &text, &error));
                CHECK_STR(text, cases[i][1]);
                CHECK_OK(ingot_image_policy_parse(text, &again, &error));
                CHECK_OK(ingot_image_policy_print(&again, &twice, &error));
                CHECK_STR(twice, text);
        }
}

TEST(a_misspelt_policy_is_an_error_with_the_right_word)
{
        static const char *const cases[][2] = {
                {"root=sigend", "'sigend' is no flag of an image policy; did you mean 'signed'"},
                {"rot=signed", "'rot' is no partition of an image policy; did you mean 'root'"},
                {"root=Verity", "did you mean 'verity'"},
                {"root", "has no '='"},
                {"root=verity:", "has no '='"},
                {"root=verity::usr=signed", "has no '='"},
                {"root=verity+", "an empty word"},
                {"root=+verity", "an empty word"},
                {"root==verity", "is no flag"},
                {"root=verity:root=signed", "two rules for root"},
                {"=open:=ignore", "two rules for all other partitions"},
                {"root=*", "is no flag"},
                {"*:root=verity", "has no '='"},
                {"   ", "has no '='"},
                {"root=ver\\ity", "is no flag"},
                {"root=\033[31m", "\\x1b[31m"},
                {"linux-generic=open", "is no partition"},
        };
        ingot_error error = {0};
        struct ingot_image_policy p;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                CHECK_FAILS(ingot_image_policy_parse(cases[i][0], &p, &error), INGOT_E_USAGE,
                            cases[i][1]);
}

TEST(a_rule_that_names_no_state_is_an_open_door)
{
        ingot_error error = {0};
        struct ingot_image_policy p;
        CHECK_OK(ingot_image_policy_parse("root=:usr=read-only-on:home=open:=absent", &p, &error));
        CHECK(ingot_image_policy_is_open(&p, INGOT_DESIGNATOR_ROOT));
        CHECK(ingot_image_policy_is_open(&p, INGOT_DESIGNATOR_USR));
        CHECK(!ingot_image_policy_is_open(&p, INGOT_DESIGNATOR_HOME));
        CHECK(!ingot_image_policy_is_open(&p, INGOT_DESIGNATOR_VAR));
}

/* What the image of the tests has: a root with hash tree and signature, read-only; an ESP. */
static void fill(struct ingot_image_policy_found found[INGOT_DESIGNATOR_MAX])
{
        memset(found, 0, INGOT_DESIGNATOR_MAX * sizeof(*found));
        found[INGOT_DESIGNATOR_ROOT] = (struct ingot_image_policy_found){
                .present = true, .read_only = true, .fstype = INGOT_POLICY_EROFS};
        found[INGOT_DESIGNATOR_ROOT_VERITY].present = true;
        found[INGOT_DESIGNATOR_ROOT_VERITY_SIG].present = true;
        found[INGOT_DESIGNATOR_ESP] =
                (struct ingot_image_policy_found){.present = true, .fstype = INGOT_POLICY_VFAT};
        found[INGOT_DESIGNATOR_VAR] = (struct ingot_image_policy_found){
                .present = true, .growfs = true, .encrypted = true};
}

TEST(an_image_is_used_as_the_policy_allows_or_refused)
{
        static const struct {
                const char *policy, *refused;
                uint32_t root;
        } cases[] = {
                {"*", NULL, INGOT_POLICY_SIGNED},
                {"-", NULL, INGOT_POLICY_UNUSED},
                {"~", "root is there; the policy allows absent", 0},
                {"root=signed", NULL, INGOT_POLICY_SIGNED},
                {"root=verity", NULL, INGOT_POLICY_VERITY},
                {"root=verity:=absent", "esp is there", 0},
                {"root=unprotected", NULL, INGOT_POLICY_UNPROTECTED},
                {"root=encrypted", "root is unprotected; the policy allows encrypted", 0},
                {"root=signed:usr=signed", "usr is absent; the policy allows signed", 0},
                {"root=signed+read-only-off", "root is marked read-only", 0},
                {"root=signed+growfs-on", "root is not marked to grow", 0},
                {"root=signed+ext4", "root is another file system; the policy allows ext4", 0},
                {"root=signed+erofs+ext4", NULL, INGOT_POLICY_SIGNED},
                {"root=signed:var=unprotected", "var is encrypted", 0},
                {"root=signed:var=encrypted+growfs-on", NULL, INGOT_POLICY_SIGNED},
                {"root=verity+signed:root-verity=absent", "root-verity is there", 0},
        };
        ingot_error error = {0};
        struct ingot_image_policy_found found[INGOT_DESIGNATOR_MAX];
        fill(found);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct ingot_image_policy p;
                struct ingot_image_policy_result result;
                CHECK_OK(ingot_image_policy_parse(cases[i].policy, &p, &error));
                if (cases[i].refused) {
                        CHECK_FAILS(ingot_image_policy_check(&p, found, &result, &error),
                                    INGOT_E_REFUSED, cases[i].refused);
                        continue;
                }
                CHECK_OK(ingot_image_policy_check(&p, found, &result, &error));
                CHECK_EQ(result.state[INGOT_DESIGNATOR_ROOT], cases[i].root);
                CHECK(!result.undecided);
        }
}

TEST(integrity_of_a_luks_volume_is_undecided)
{
        ingot_error error = {0};
        struct ingot_image_policy_found found[INGOT_DESIGNATOR_MAX];
        struct ingot_image_policy p;
        struct ingot_image_policy_result result;
        fill(found);
        CHECK_OK(ingot_image_policy_parse("var=encryptedwithintegrity", &p, &error));
        CHECK_OK(ingot_image_policy_check(&p, found, &result, &error));
        CHECK(result.undecided);
}

/* A random policy: right and wrong words, repeated and missing ones. */
static int make_policy(struct ingot_buffer *text, uint64_t *state, ingot_error *error)
{
        static const char *const names[] = {"root",
                                            "usr",
                                            "home",
                                            "srv",
                                            "esp",
                                            "xbootldr",
                                            "swap",
                                            "root-verity",
                                            "usr-verity",
                                            "root-verity-sig",
                                            "usr-verity-sig",
                                            "tmp",
                                            "var",
                                            "",
                                            "",
                                            "boot"};
        static const char *const flags[] = {"verity",
                                            "signed",
                                            "encrypted",
                                            "encryptedwithintegrity",
                                            "unprotected",
                                            "unused",
                                            "absent",
                                            "open",
                                            "ignore",
                                            "read-only-on",
                                            "read-only-off",
                                            "growfs-on",
                                            "growfs-off",
                                            "btrfs",
                                            "erofs",
                                            "ext4",
                                            "f2fs",
                                            "squashfs",
                                            "vfat",
                                            "xfs",
                                            " verity ",
                                            "",
                                            "-",
                                            "verty"};
        size_t rules = 1 + test_random(state) % 4;
        int r = 0;
        for (size_t i = 0; i < rules && r >= 0; i++) {
                size_t words = test_random(state) % 5;
                r = ingot_buffer_printf(text, error, "%s%s=", i ? ":" : "",
                                        names[test_random(state) % ARRAY_SIZE(names)]);
                for (size_t k = 0; k < words && r >= 0; k++) {
                        size_t which = test_random(state) % 64;
                        which = which < ARRAY_SIZE(flags) ? which : which % 20;
                        r = ingot_buffer_printf(text, error, "%s%s", k ? "+" : "", flags[which]);
                }
        }
        return r;
}

static int print_part(struct ingot_buffer *out, uint32_t flags, uint32_t on, uint32_t off,
                      ingot_error *error)
{
        bool has_on = flags & on, has_off = flags & off;
        return ingot_buffer_printf(out, error, " %s",
                                   has_on == has_off ? "-"
                                   : has_on          ? "yes"
                                                     : "no");
}

/* What systemd-analyze prints of POLICY, with single spaces. */
static int describe(struct ingot_buffer *out, const char *policy, ingot_error *error)
{
        struct ingot_image_policy p;
        _cleanup_free_ char *spelling = NULL;
        if (ingot_image_policy_parse(policy, &p, NULL) < 0)
                return ingot_buffer_printf(out, error, "bad\n");
        int r = ingot_image_policy_print(&p, &spelling, error);
        if (r >= 0)
                r = ingot_buffer_printf(out, error, "%s\n", spelling);
        for (size_t i = 0; i < INGOT_IMAGE_POLICY_DESIGNATORS && r >= 0; i++) {
                enum ingot_designator d = ingot_image_policy_designators[i];
                uint32_t flags = ingot_image_policy_get(&p, d);
                _cleanup_free_ char *use = NULL, *types = NULL;
                r = ingot_image_policy_print_flags(flags & INGOT_POLICY_USE_MASK, &use, error);
                if (r >= 0)
                        r = ingot_image_policy_print_flags(flags & INGOT_POLICY_FSTYPE_MASK, &types,
                                                           error);
                if (r >= 0)
                        r = ingot_buffer_printf(out, error, "%s %s", ingot_designator_name(d), use);
                if (r >= 0)
                        r = print_part(out, flags, INGOT_POLICY_READ_ONLY_ON,
                                       INGOT_POLICY_READ_ONLY_OFF, error);
                if (r >= 0)
                        r = print_part(out, flags, INGOT_POLICY_GROWFS_ON, INGOT_POLICY_GROWFS_OFF,
                                       error);
                if (r >= 0)
                        r = ingot_buffer_printf(out, error, " %s\n", types);
        }
        return r;
}

TEST(systemd_analyze_reads_every_policy_the_same_way)
{
        static const char script[] =
                "while IFS= read -r p; do\n"
                "  if ! t=$(systemd-analyze image-policy \"$p\" 2>/dev/null); then echo bad\n"
                "  else echo \"$t\" | awk '\n"
                "    /^Analyzing/ { l = $0; sub(/.*policy: /, \"\", l) }\n"
                "    /Long form/ { l = $0; sub(/.*form: /, \"\", l) }\n"
                "    /^PARTITION/ { print l; on = 1; next }\n"
                "    /^default/ { on = 0 }\n"
                "    on { print $1, $2, $3, $4, $5 }'; fi\n"
                "done\n";
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer policies = {0}, want = {0};
        _cleanup_free_ char *have = NULL;
        uint64_t state = test_seed();
        if (!oracle_found_newest("systemd-analyze"))
                SKIP("no systemd-analyze in the oracles' root");
        for (int i = 0; i < 300; i++) {
                _cleanup_buffer_ struct ingot_buffer one = {0};
                CHECK_OK(make_policy(&one, &state, &error));
                CHECK_OK(ingot_buffer_printf(&policies, &error, "%s\n", (char *) one.data));
                CHECK_OK(describe(&want, (char *) one.data, &error));
        }
        const char *list = oracle_file("policies", policies.data, policies.size);
        const char *program = oracle_file("analyze", script, sizeof(script) - 1);
        CHECK_EQ(oracle_run_newest(&have, "bash %s <%s", program, list), 0);
        for (char *a = have, *b = (char *) want.data, *x, *y; *a || *b; a = x + 1, b = y + 1) {
                x = a + strcspn(a, "\n");
                y = b + strcspn(b, "\n");
                CHECK(*x && *y);
                *x = *y = 0;
                CHECK_STR(b, a);
        }
}
