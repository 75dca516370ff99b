/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The digests below are a TPM's (swtpm, by tpm2-tools), or systemd-pcrlock 262's. */
#include "base/cleanup.h"
#include "base/text.h"
#include "measure/pcrlock-nv.h"
#include "measure/pcrlock-policy.h"
#include "measure/super-policy.h"
#include "test.h"

static const char zeros_4[] = "5862b4c6a47c2bc515cdab6f07e36e8b85d8d9eb5a2853a5e0cf9057fb74c676";
static const char ones_4[] = "3da456bf1fcb5810d9ca11771f355cfd743a22797ad29e227743451628bccb93";
static const char pcr_4[] = "8878b15a7d6a3a4f464e8f9f42591dbc0cf4bedea0ec309003d2b2ee53655ef8";

static struct ingot_policy policy_of(const char *hex)
{
        struct ingot_policy p = {0};
        if (!ingot_unhex(p.digest, sizeof(p.digest), hex))
                test_report(__FILE__, __LINE__, "no digest: %s", hex);
        return p;
}

#define CHECK_POLICY(p, want)                                                                      \
        do {                                                                                       \
                char hex_[2 * INGOT_SHA256_SIZE + 1];                                              \
                ingot_hex(hex_, (p).digest, INGOT_SHA256_SIZE);                                    \
                CHECK_STR(hex_, want);                                                             \
        } while (0)

TEST(policies_over_pcrs_are_those_of_a_tpm)
{
        uint8_t values[4 * INGOT_SHA256_SIZE] = {0};
        struct ingot_policy p = {0}, many = {0};
        ingot_policy_pcr(&p, INGOT_BANK_SHA256, 1u << 4, INGOT_SPAN(values, INGOT_SHA256_SIZE));
        CHECK_POLICY(p, zeros_4);
        CHECK(ingot_unhex(values + INGOT_SHA256_SIZE, INGOT_SHA256_SIZE, pcr_4));
        p = (struct ingot_policy){0};
        ingot_policy_pcr(&p, INGOT_BANK_SHA256, 1u << 4,
                         INGOT_SPAN(values + INGOT_SHA256_SIZE, INGOT_SHA256_SIZE));
        CHECK_POLICY(p, ones_4);
        ingot_policy_pcr(&many, INGOT_BANK_SHA256, 1u << 0 | 1u << 4 | 1u << 11 | 1u << 23,
                         INGOT_SPAN(values, sizeof(values)));
        CHECK_POLICY(many, "716b28bf3a7835cd4a563e602563b7289b10bbb218973ee3ac1adf015805e804");
}

TEST(other_policies_are_those_of_a_tpm)
{
        ingot_error error;
        struct ingot_policy branches[2] = {policy_of(zeros_4), policy_of(ones_4)};
        struct ingot_policy p = policy_of(ones_4);
        uint8_t name[INGOT_POLICY_NAME_SIZE];
        CHECK_OK(ingot_policy_or(&p, branches, 2, &error));
        CHECK_POLICY(p, "b9cb6f32c8b1ddb6dddf72cf429566a5015ad6e30c520b75b9adf40558d0656e");
        p = (struct ingot_policy){0};
        ingot_policy_auth_value(&p);
        CHECK_POLICY(p, "8fcd2169ab92694e0c633f1ab772842b8241bbc20288981fc7ac1eddc1fddb0e");
        p = (struct ingot_policy){0};
        ingot_policy_nv_written(&p, true);
        CHECK_POLICY(p, "f7887d158ae8d38be0ac5319f37a9e07618bf54885453c7a54ddb0c6a6193beb");
        p = (struct ingot_policy){0};
        ingot_policy_nv_written(&p, false);
        CHECK_POLICY(p, "3c326323670e28ad37bd57f63b4cc34d26ab205ef22f275c58d47fab2485466e");
        CHECK(ingot_unhex(name, sizeof(name),
                          "000b11fcfe5e8773717d68909f10a034fee2c157a5cebfca7eedbace98b28652d190"));
        ingot_policy_authorize(&p, INGOT_SPAN(name, sizeof(name)), (struct ingot_span){0});
        CHECK_POLICY(p, "5a6678c602418c74310438b20c94172389d71607e4f863f8c4cd2a4c2d578758");
        ingot_policy_authorize(&p, INGOT_SPAN(name, sizeof(name)), INGOT_SPAN("ref", 3));
        CHECK_POLICY(p, "9521d547de7fbbca1408fdde4065c78508e5f9849d83f5d3844fc9efe53df64b");
        CHECK(ingot_unhex(name, sizeof(name),
                          "000b7bd5898dc5365f730cd4b4126221087da39a2efa5f5133cb1d2fee2391f06281"));
        ingot_policy_authorize_nv(&p, INGOT_SPAN(name, sizeof(name)));
        CHECK_POLICY(p, "28c519fb2f243c80d5b87789ee5abe8df80e4aabac2dad060887d37244db5774");
}

/* What systemd-pcrlock wrote, and the PIN that it showed. */
static const char pin[] = "jjjlhgjf-bvgjcnfv-dgvgltkk-hhlrrehk-gbcvbhgk-jtvfjhce-hieuhnjf-vvfevrru";
static const char pcrlock_json[] =
        "{\"pcrBank\":\"sha256\",\"pcrValues\":[{\"pcr\":8,\"values\":["
        "\"0000000000000000000000000000000000000000000000000000000000000000\","
        "\"53462c8512f6024f78c8a923cedb639586ace92910563f68ad24a681c84fa15d\","
        "\"06d9ba0d4b8824ed6eeb71c3d370e931700c106ce771f62ed32d72816257ec8a\","
        "\"c61a70fe7a26c0fa4a10f6fcd6f2d5db144b4e1a308d4d7c8e02a135cc428d2c\","
        "\"dee2858d7d8e89c7118d88ac70c87c22e5cf8df2260b68ee47ecb9ddd761028c\"]},{\"pcr\":9,"
        "\"values\":[\"0000000000000000000000000000000000000000000000000000000000000000\"]}],"
        "\"nvIndex\":28730927,\"nvHandle\":"
        "\"AbZmLwAiAAvYawMVk0qmKnoZ3jorPs3vCjDh42uqBlItDpGStWjWTgAAAAIALgG2Zi8ACyACEAgAIAzQI+0/QDsa"
        "bcNECelclyTzYlV309jIJKp+ueY7W7eVACI=\",\"nvPublic\":"
        "\"AC4BtmYvAAsAAhAIACAM0CPtP0A7Gm3DRAnpXJck82JVd9PYyCSqfrnmO1u3lQAi\",\"srkHandle\":"
        "\"gQAAAQAiAAvptZo1ZkQRJEmdYJUMXbM05jqbT3btd70XLncXiMCeiQAAAAEAWgAjAAsAAwRyAAAABgCAAEMAEAAD"
        "ABAAIBRpIumoOBWARZCSfQ+1cGGwi0G7RBEIRx1WFjz0n/YEACCf2Xp66ipvFEeJVjJG05KLJ32zS8AholTxO7MRLM"
        "V5eA==\",\"pinPublic\":"
        "\"AE4ACAALAAAAEgAgVJ+JkitCk3bSVGtuMgfAuaNZdcGUOL2DYcuMa3fhOMYAEAAg/6Ao/ufois9aRfhO/gCsDxzI"
        "uzlof6+zQCAGKAhPyt0=\",\"pinPrivate\":"
        "\"AJ4AIPDqT3PHzWF9EAqiGg1mAuKhQdC3b/6E7mykxy19cuZTABBOA7IeLF7xRS2e2eF55K42aL4U75W9nSCME9LP"
        "NblgrIRCWBZedzHs+SBu39eOQujeDq8+D3comaAaRWU5hT2c4PVhiDiICY0L2CQLdSLZJNBROD54bCyxWTyw+d3HEA"
        "maLppJcKx1hSTghANvJCWMfdIv2Zy7nSugLw==\"}\n";

TEST(a_policy_of_systemd_pcrlock_round_trips)
{
        ingot_error error;
        _cleanup_pcrlock_policy_ struct ingot_pcrlock_policy p = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        CHECK_OK(ingot_pcrlock_policy_decode(INGOT_SPAN(pcrlock_json, strlen(pcrlock_json)), &p,
                                             &error));
        CHECK_EQ(p.bank, INGOT_BANK_SHA256);
        CHECK_EQ(p.sets.count, 2);
        CHECK_EQ(p.sets.items[0].count, 5);
        CHECK_EQ(p.nv_index, 28730927);
        CHECK_OK(ingot_pcrlock_policy_encode(&p, &text, &error));
        CHECK_STR((char *) text.data, pcrlock_json);
}

TEST(its_nv_index_and_pin_have_the_policies_of_systemd_pcrlock)
{
        ingot_error error;
        _cleanup_pcrlock_policy_ struct ingot_pcrlock_policy p = {0};
        struct ingot_pcrlock_pin secret;
        struct ingot_policy write, sealed;
        uint8_t public_area[INGOT_PCRLOCK_NV_PUBLIC_SIZE];
        CHECK_OK(ingot_pcrlock_policy_decode(INGOT_SPAN(pcrlock_json, strlen(pcrlock_json)), &p,
                                             &error));
        ingot_pcrlock_pin_of(pin, &secret);
        ingot_pcrlock_write_policy(&secret, &write);
        ingot_pcrlock_nv_public(p.nv_index, INGOT_PCRLOCK_NV_ATTRIBUTES, &write, public_area);
        CHECK_EQ(p.nv_public.size, 2 + sizeof(public_area));
        CHECK(memcmp(p.nv_public.data + 2, public_area, sizeof(public_area)) == 0);
        /* The sealed PIN's TPM2B_PUBLIC: size, type, algorithm, attributes, and the policy. */
        CHECK_OK(ingot_pcrlock_sealed_policy(INGOT_SPAN(public_area, sizeof(public_area)), &sealed,
                                             &error));
        CHECK(p.pin_public.size > 12 + sizeof(sealed.digest));
        CHECK(memcmp(p.pin_public.data + 12, sealed.digest, sizeof(sealed.digest)) == 0);
        CHECK_FAILS(ingot_pcrlock_sealed_policy(INGOT_SPAN(public_area, 45), &sealed, &error),
                    INGOT_E_FORMAT, "public area");
}

static int add_values(struct ingot_pcr_sets *sets, unsigned pcr, size_t count, ingot_error *reterr)
{
        struct ingot_pcr_values *set;
        int r = ingot_pcr_sets_add(sets, pcr, INGOT_BANK_SHA256, &set, reterr);
        for (size_t i = 0; r >= 0 && i < count; i++) {
                uint8_t value[INGOT_BANK_SIZE_MAX] = {(uint8_t) pcr, (uint8_t) i,
                                                      (uint8_t) (i >> 8)};
                r = ingot_pcr_values_add(set, value, reterr);
        }
        return r;
}

TEST(a_super_policy_is_its_steps)
{
        ingot_error error;
        _cleanup_pcr_sets_ struct ingot_pcr_sets sets = {0};
        _cleanup_buffer_ struct ingot_buffer values = {0};
        struct ingot_super_policy_options options = {0};
        struct ingot_policy p = {0}, want = {0};
        uint32_t mask;
        CHECK_OK(add_values(&sets, 11, 1, &error));
        CHECK_OK(add_values(&sets, 9, 3, &error));
        CHECK_OK(add_values(&sets, 4, 8, &error));
        CHECK_OK(add_values(&sets, 0, 1, &error));
        CHECK_OK(ingot_super_policy(&p, &sets, &options, &error));

        CHECK_EQ(ingot_super_policy_single(&sets, &mask, &values, &error), 1);
        CHECK_EQ(mask, 1u << 0 | 1u << 11);
        CHECK_EQ(values.size, 2 * INGOT_SHA256_SIZE);
        CHECK_EQ(values.data[INGOT_SHA256_SIZE], 11);
        ingot_policy_pcr(&want, INGOT_BANK_SHA256, mask, ingot_buffer_span(&values));
        for (size_t i = 1; i < 3; i++) {
                _cleanup_free_ struct ingot_policy *branches = NULL;
                CHECK_OK(ingot_super_policy_branches(&want, sets.items + i, &branches, &error));
                CHECK_OK(ingot_policy_or(&want, branches, sets.items[i].count, &error));
        }
        CHECK(memcmp(&p, &want, sizeof(p)) == 0);
}

TEST(more_than_eight_values_are_a_policy_only_when_that_is_allowed)
{
        ingot_error error;
        _cleanup_pcr_sets_ struct ingot_pcr_sets sets = {0};
        struct ingot_super_policy_options options = {0};
        struct ingot_policy p = {0}, before = {0};
        CHECK_OK(add_values(&sets, 4, 9, &error));
        CHECK_FAILS(ingot_super_policy(&p, &sets, &options, &error), INGOT_E_LIMIT,
                    "PCR 4 may have 9 values");
        CHECK(memcmp(&p, &before, sizeof(p)) == 0);
        options.nested = true;
        CHECK_OK(ingot_super_policy(&p, &sets, &options, &error));
        /* The first eight are one choice, between which and the ninth there is another. */
        _cleanup_free_ struct ingot_policy *branches = NULL;
        struct ingot_policy want = {0}, outer[2];
        CHECK_OK(ingot_super_policy_branches(&want, sets.items, &branches, &error));
        CHECK_OK(ingot_policy_or(outer, branches, 8, &error));
        outer[1] = branches[8];
        CHECK_OK(ingot_policy_or(&want, outer, 2, &error));
        CHECK(memcmp(&p, &want, sizeof(p)) == 0);
}

/* As a TPM does it: the session's digest is to be one of the list, and becomes that of the list. */
static void session_or(struct ingot_policy *session, const struct ingot_policy_or *step)
{
        for (size_t i = 0; i < step->count; i++)
                if (memcmp(session, step->branches + i, sizeof(*session)) == 0) {
                        (void) ingot_policy_or(session, step->branches, step->count, NULL);
                        return;
                }
        test_report(__FILE__, __LINE__, "the session's digest is not in the list");
}

TEST(whichever_branch_a_session_comes_by_it_ends_at_the_nested_policy)
{
        static const size_t counts[] = {2, 7, 8, 9, 16, 17, 63, 64, 65, 130, 600};
        ingot_error error;
        for (size_t n = 0; n < ARRAY_SIZE(counts); n++) {
                _cleanup_pcr_sets_ struct ingot_pcr_sets sets = {0};
                _cleanup_free_ struct ingot_policy *branches = NULL;
                struct ingot_policy start = {0}, want;
                CHECK_OK(add_values(&sets, 9, counts[n], &error));
                CHECK_OK(ingot_super_policy_branches(&start, sets.items, &branches, &error));
                CHECK_OK(ingot_policy_or_nested(&want, branches, counts[n], &error));
                for (size_t i = 0; i<counts[n]; i += counts[n]> 100 ? 37 : 1) {
                        struct ingot_policy_or path[INGOT_POLICY_OR_DEPTH_MAX];
                        struct ingot_policy session = branches[i];
                        size_t depth;
                        CHECK_OK(
                                ingot_policy_or_path(branches, counts[n], i, path, &depth, &error));
                        for (size_t d = 0; d < depth; d++)
                                session_or(&session, path + d);
                        CHECK(memcmp(&session, &want, sizeof(want)) == 0);
                }
        }
}

TEST(sets_that_make_no_policy_are_refused)
{
        ingot_error error;
        _cleanup_pcr_sets_ struct ingot_pcr_sets none = {0}, mixed = {0};
        struct ingot_super_policy_options options = {0};
        struct ingot_pcr_values *set;
        struct ingot_policy p = {0};
        uint8_t value[INGOT_BANK_SIZE_MAX] = {0};
        CHECK_OK(add_values(&none, 4, 0, &error));
        CHECK_FAILS(ingot_super_policy(&p, &none, &options, &error), INGOT_E_USAGE,
                    "PCR 4 has no value");
        CHECK_OK(add_values(&mixed, 4, 1, &error));
        CHECK_OK(ingot_pcr_sets_add(&mixed, 5, INGOT_BANK_SHA1, &set, &error));
        CHECK_OK(ingot_pcr_values_add(set, value, &error));
        CHECK_FAILS(ingot_super_policy(&p, &mixed, &options, &error), INGOT_E_USAGE,
                    "of bank sha1");
        CHECK_FAILS(ingot_pcr_sets_add(&mixed, 5, INGOT_BANK_SHA1, &set, &error), INGOT_E_CONFLICT,
                    "twice");
        CHECK_FAILS(ingot_pcr_sets_add(&mixed, 24, INGOT_BANK_SHA1, &set, &error), INGOT_E_USAGE,
                    "no PCR 24");
        CHECK_FAILS(ingot_policy_or(&p, &p, 1, &error), INGOT_E_USAGE, "none");
}

TEST(malformed_pcrlock_policies_are_refused)
{
        static const struct {
                const char *text, *words;
        } bad[] = {
                {"[]", "no object"},
                {"{}", "'pcrBank'"},
                {"{\"pcrBank\":\"sm3\"}", "no bank"},
                {"{\"pcrBank\":\"sha1\",\"pcrValues\":{}}", "'pcrValues'"},
                {"{\"pcrBank\":\"sha1\",\"pcrValues\":[{\"pcr\":24}]}", "no PCR 24"},
                {"{\"pcrBank\":\"sha1\",\"pcrValues\":[{\"pcr\":1,\"values\":[\"00\"]}]}",
                 "40 hexadecimal"},
                {"{\"pcrBank\":\"sha1\",\"pcrValues\":[{\"pcr\":1,\"values\":[]},"
                 "{\"pcr\":1,\"values\":[]}]}",
                 "PCR 1 is there twice"},
                {"{\"pcrBank\":\"sha1\",\"pcrValues\":[],\"nvIndex\":4294967296}", "'nvIndex'"},
                {"{\"pcrBank\":\"sha1\",\"pcrValues\":[],\"nvIndex\":1,\"nvHandle\":\"*\"}",
                 "'nvHandle'"},
                {"{\"pcrBank\":\"sha1\",\"pcrValues\":[],\"nvIndex\":1,\"nvHandle\":\"\"}",
                 "'nvPublic'"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                ingot_error error;
                _cleanup_pcrlock_policy_ struct ingot_pcrlock_policy p = {0};
                CHECK_FAILS(ingot_pcrlock_policy_decode(
                                    INGOT_SPAN(bad[i].text, strlen(bad[i].text)), &p, &error),
                            INGOT_E_FORMAT, bad[i].words);
        }
}
