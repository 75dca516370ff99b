/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "make-components.h"
#include "measure/component-folder.h"
#include "measure/component-predict.h"
#include "measure/pcrlock-file.h"
#include "measure/replay.h"
#include "os/file.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

static int add(struct ingot_components *c, const char *id, const char *variant, uint32_t pcr,
               ingot_error *reterr)
{
        struct ingot_variant *v;
        int r = ingot_components_add(c, id, variant, &v, reterr);
        return r < 0 ? r : make_record(v, pcr, variant ? variant : id, reterr);
}

/* systemd's way: every combination, one after another. */
struct product {
        const struct ingot_components *components;
        const struct ingot_prediction_window *window;
        unsigned pcr;
        enum ingot_bank bank;
        struct ingot_pcr_values found;
        bool failed;
};

static void product_walk(struct product *p, size_t at, const struct ingot_pcr *value, bool unknown)
{
        const struct ingot_components *c = p->components;
        if (at == c->count || (p->window->end && strcmp(c->items[at].id, p->window->end) > 0)) {
                if (!unknown)
                        p->failed |=
                                ingot_pcr_values_add(&p->found, value->value[p->bank], NULL) < 0;
                return;
        }
        if (!unknown && p->window->start && strcmp(c->items[at].id, p->window->start) > 0)
                p->failed |= ingot_pcr_values_add(&p->found, value->value[p->bank], NULL) < 0;
        for (size_t i = 0; i < c->items[at].count; i++) {
                const struct ingot_records *records = &c->items[at].variants[i].records;
                struct ingot_pcr next = *value;
                bool none = unknown;
                for (size_t j = 0; j < records->count; j++) {
                        const struct ingot_record *record = records->items + j;
                        if (record->nv_index != 0 || record->pcr != p->pcr)
                                continue;
                        none |= !(record->banks & 1u << p->bank);
                        p->failed |= ingot_pcr_extend_digest(&next, p->bank,
                                                             record->digest[p->bank], NULL) < 0;
                }
                product_walk(p, at + 1, &next, none);
        }
}

static void check_product(const struct ingot_components *c,
                          const struct ingot_prediction_window *window, unsigned pcr,
                          enum ingot_bank bank, const char *what)
{
        ingot_error error;
        struct ingot_pcr start;
        _cleanup_pcr_values_ struct ingot_pcr_values ours = {0};
        struct product p = {.components = c,
                            .window = window,
                            .pcr = pcr,
                            .bank = bank,
                            .found = {.pcr = pcr, .bank = bank}};
        ingot_pcr_start(pcr, window->locality, &start);
        product_walk(&p, 0, &start, false);
        _cleanup_pcr_values_ struct ingot_pcr_values want = p.found;
        CHECK(!p.failed);
        CHECK_OK(ingot_components_predict(c, window, pcr, bank, &ours, &error));
        bool same = ours.count == want.count;
        for (size_t i = 0; same && i < want.count; i++)
                same = memcmp(ours.values[i], want.values[i], sizeof(*want.values)) == 0;
        if (!same)
                test_report(__FILE__, __LINE__, "%s: PCR %u: %zu values, the product has %zu", what,
                            pcr, ours.count, want.count);
}

TEST(a_chain_has_the_values_of_every_combination)
{
        ingot_error error;
        _cleanup_components_ struct ingot_components c = {0};
        struct ingot_prediction_window window = {0};
        _cleanup_pcr_values_ struct ingot_pcr_values values = {0};
        CHECK_OK(add(&c, "200-b", "y", 4, &error));
        CHECK_OK(add(&c, "200-b", "x", 4, &error));
        CHECK_OK(add(&c, "100-a", NULL, 4, &error));
        CHECK_OK(ingot_components_predict(&c, &window, 4, INGOT_BANK_SHA256, &values, &error));
        CHECK_EQ(values.count, 2);
        struct ingot_pcr pcr = {0};
        CHECK_OK(ingot_pcr_extend(&pcr, INGOT_SPAN("100-a", 5), &error));
        CHECK_OK(ingot_pcr_extend(&pcr, INGOT_SPAN("x", 1), &error));
        CHECK(memcmp(values.values[0], pcr.value[INGOT_BANK_SHA256], INGOT_BANK_SIZE_MAX) == 0);
        CHECK_EQ(ingot_pcr_values_find(&values, pcr.value[INGOT_BANK_SHA256]), 0);
        CHECK_EQ(ingot_components_combinations(&c), 2);
}

TEST(pcr_0_starts_with_the_locality_and_dynamic_ones_with_ones)
{
        ingot_error error;
        _cleanup_components_ struct ingot_components c = {0};
        struct ingot_prediction_window window = {.locality = 3};
        _cleanup_pcr_sets_ struct ingot_pcr_sets sets = {0};
        CHECK_OK(ingot_components_predict_sets(&c, &window, 1u << 0 | 1u << 1 | 1u << 17,
                                               INGOT_BANK_SHA1, &sets, &error));
        CHECK_EQ(sets.count, 3);
        CHECK_EQ(sets.items[0].values[0][19], 3);
        CHECK_EQ(sets.items[1].values[0][19], 0);
        CHECK_EQ(sets.items[2].values[0][19], 0xff);
        CHECK_FAILS(ingot_components_predict_sets(&c, &window, 1u << 24, INGOT_BANK_SHA1, &sets,
                                                  &error),
                    INGOT_E_USAGE, "no PCR 24");
}

/* Components of which some share digests, some variants are empty, some lack a bank. */
static int random_components(struct ingot_components *c, uint64_t *seed, ingot_error *reterr)
{
        size_t count = test_random(seed) % 8;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < count; i++) {
                char id[32], name[32];
                snprintf(id, sizeof(id), "%03u-%c%s", (unsigned) (test_random(seed) % 9 * 100),
                         (char) ('a' + test_random(seed) % 3),
                         test_random(seed) % 3 == 0 ? "-x" : "");
                size_t variants = 1 + test_random(seed) % 3;
                for (size_t j = 0; r >= 0 && j < variants; j++) {
                        struct ingot_variant *v;
                        snprintf(name, sizeof(name), "v%u", (unsigned) (test_random(seed) % 1000));
                        r = ingot_components_add(c, id, test_random(seed) % 9 ? name : NULL, &v,
                                                 reterr);
                        if (r == -INGOT_E_CONFLICT) {
                                r = 0;
                                continue;
                        }
                        size_t records = test_random(seed) % 4;
                        for (size_t k = 0; r >= 0 && k < records; k++) {
                                static const char *const texts[] = {"a", "b", "c"};
                                r = make_record(v, 7 + test_random(seed) % 2,
                                                texts[test_random(seed) % 3], reterr);
                                struct ingot_record *last = v->records.items + k;
                                if (test_random(seed) % 40 == 0)
                                        last->banks &= ~(1u << INGOT_BANK_SHA1);
                                if (test_random(seed) % 20 == 0)
                                        last->nv_index = 0x1d10200, last->pcr = 0;
                        }
                }
        }
        return r;
}

TEST(random_components_have_the_values_of_the_product_in_its_order)
{
        static const char *const edges[] = {NULL, "000", "200-", "300-b", "400-a-x", "650", "999"};
        ingot_error error;
        uint64_t seed = test_seed();
        for (unsigned i = 0; i < 3000 && !test_failed; i++) {
                char what[32];
                _cleanup_components_ struct ingot_components c = {0};
                struct ingot_prediction_window window = {
                        .start = edges[test_random(&seed) % ARRAY_SIZE(edges)],
                        .end = edges[test_random(&seed) % ARRAY_SIZE(edges)],
                };
                snprintf(what, sizeof(what), "case %u", i);
                CHECK_OK(random_components(&c, &seed, &error));
                check_product(&c, &window, 7, INGOT_BANK_SHA1, what);
                check_product(&c, &window, 8, INGOT_BANK_SHA256, what);
        }
}

TEST(over_a_million_combinations_have_the_values_of_the_product)
{
        ingot_error error;
        _cleanup_components_ struct ingot_components c = {0};
        struct ingot_prediction_window window = {.start = "760-", .end = "940-"};
        CHECK_OK(make_large_components(&c, &error));
        CHECK_EQ(ingot_components_combinations(&c), 1204224);
        for (unsigned pcr = 4; pcr < 16 && !test_failed; pcr += pcr == 5 ? 4 : pcr == 9 ? 6 : 1)
                check_product(&c, &window, pcr, INGOT_BANK_SHA256, "large");
}

TEST(more_values_than_are_of_use_are_a_limit)
{
        ingot_error error;
        _cleanup_components_ struct ingot_components c = {0};
        struct ingot_prediction_window window = {0};
        _cleanup_pcr_values_ struct ingot_pcr_values values = {0};
        for (unsigned i = 0; i < 13; i++) {
                char id[16];
                snprintf(id, sizeof(id), "%03u-a", i);
                CHECK_OK(add(&c, id, "x", 9, &error));
                CHECK_OK(add(&c, id, "y", 9, &error));
        }
        CHECK_FAILS(ingot_components_predict(&c, &window, 9, INGOT_BANK_SHA1, &values, &error),
                    INGOT_E_LIMIT, "PCR 9 may have more than 4096 values");
        CHECK_OK(ingot_components_predict(&c, &window, 8, INGOT_BANK_SHA1, &values, &error));
        CHECK_EQ(values.count, 1);
}

TEST(more_work_than_is_of_use_is_a_limit)
{
        ingot_error error;
        _cleanup_components_ struct ingot_components c = {0};
        struct ingot_prediction_window window = {0};
        _cleanup_pcr_values_ struct ingot_pcr_values values = {0};
        for (unsigned i = 0; i < 11; i++) {
                char id[16];
                snprintf(id, sizeof(id), "%03u-a", i);
                CHECK_OK(add(&c, id, "x", 9, &error));
                CHECK_OK(add(&c, id, "y", 9, &error));
        }
        for (unsigned i = 0; i < 600; i++) {
                struct ingot_variant *v;
                char name[16];
                snprintf(name, sizeof(name), "%u", i);
                CHECK_OK(ingot_components_add(&c, "900-b", name, &v, &error));
                CHECK_OK(make_record(v, 9, "the same", &error));
        }
        CHECK_FAILS(ingot_components_predict(&c, &window, 9, INGOT_BANK_SHA1, &values, &error),
                    INGOT_E_LIMIT, "too much to predict for PCR 9");
}

TEST(components_are_in_the_order_of_their_files)
{
        static const char *const ids[] = {"100-b", "100-a", "100-a.x", "100-a-b", "100-a,c"};
        static const char *const want[] = {"100-a,c", "100-a-b", "100-a", "100-a.x", "100-b"};
        ingot_error error;
        struct ingot_variant *v;
        _cleanup_components_ struct ingot_components c = {0};
        for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
                CHECK_OK(add(&c, ids[i], "v", 1, &error));
        for (size_t i = 0; i < ARRAY_SIZE(want); i++)
                CHECK_STR(c.items[i].id, want[i]);
        CHECK_OK(add(&c, "100-b", NULL, 1, &error));
        CHECK_OK(add(&c, "100-b", "100-a", 1, &error));
        CHECK_EQ(ingot_components_find(&c, "100-b")->count, 3);
        CHECK(ingot_components_find(&c, "100-b")->variants[0].own);
        CHECK_STR(ingot_components_find(&c, "100-b")->variants[1].id, "100-a");
        CHECK(!ingot_components_find(&c, "100"));
        CHECK_FAILS(ingot_components_add(&c, "100-b", "v", &v, &error), INGOT_E_CONFLICT,
                    "two variants v");
        CHECK_FAILS(ingot_components_add(&c, "../x", "v", &v, &error), INGOT_E_USAGE, "no name");
        CHECK_FAILS(ingot_components_add(&c, "x", ".v", &v, &error), INGOT_E_USAGE, "no name");
        CHECK_EQ(c.variants, 7);
}

/* A file of one record of PCR 4. */
static int put(const char *folder, const char *name, ingot_error *reterr)
{
        _cleanup_records_ struct ingot_records records = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_free_ char *path = NULL;
        int r = ingot_make_directories(test_path(folder), 0755, reterr);
        if (r >= 0)
                r = ingot_format(&path, reterr, "%s/%s", test_path(folder), name);
        if (r >= 0)
                r = ingot_records_measure(&records, 4, INGOT_SPAN(folder, strlen(folder)), reterr);
        if (r >= 0)
                r = ingot_pcrlock_file_encode(&records, &text, reterr);
        return r < 0 ? r : ingot_outfile_put(path, text.data, text.size, 0644, reterr);
}

static const char *variant_path(const struct ingot_components *c, const char *id, size_t index)
{
        const struct ingot_component *component = ingot_components_find(c, id);
        return component && index < component->count ? component->variants[index].path : "none";
}

TEST(folders_are_looked_at_in_order_below_a_root)
{
        ingot_error error;
        _cleanup_components_ struct ingot_components c = {0};
        CHECK_OK(put("root/etc/pcrlock.d", "100-a.pcrlock", &error));
        CHECK_OK(put("root/usr/lib/pcrlock.d", "100-a.pcrlock", &error));
        CHECK_OK(put("root/usr/lib/pcrlock.d", "200-masked.pcrlock", &error));
        CHECK_OK(put("root/usr/lib/pcrlock.d/300-masked.pcrlock.d", "x.pcrlock", &error));
        CHECK_OK(put("root/usr/lib/pcrlock.d/400-many.pcrlock.d", "x.pcrlock", &error));
        CHECK_OK(put("root/usr/lib/pcrlock.d/400-many.pcrlock.d", "y.pcrlock", &error));
        CHECK_OK(put("root/usr/lib/pcrlock.d", "400-many.pcrlock", &error));
        CHECK_OK(put("root/run/pcrlock.d/400-many.pcrlock.d", "y.pcrlock", &error));
        CHECK_OK(put("root/run/pcrlock.d/400-many.pcrlock.d", ".z.pcrlock", &error));
        CHECK_OK(put("root/run/pcrlock.d/400-many.pcrlock.d", "z.txt", &error));
        CHECK_OK(put("root/var/usrlocal/lib/pcrlock.d", "500-linked.pcrlock", &error));
        CHECK_EQ(symlink("/var/usrlocal", test_path("root/usr/local")), 0);
        CHECK_EQ(symlink("/dev/null", test_path("root/etc/pcrlock.d/200-masked.pcrlock")), 0);
        CHECK_EQ(symlink("/nowhere", test_path("root/etc/pcrlock.d/500-linked.pcrlock")), 0);
        CHECK_EQ(symlink("/dev/null", test_path("root/run/pcrlock.d/400-many.pcrlock.d/x.pcrlock")),
                 0);
        CHECK_OK(ingot_outfile_put(test_path("root/etc/pcrlock.d/300-masked.pcrlock.d"), "", 0,
                                   0644, &error));
        CHECK_OK(ingot_components_read(test_path("root"), NULL, &c, &error));
        CHECK_EQ(c.count, 3);
        CHECK_STR(variant_path(&c, "100-a", 0), "/etc/pcrlock.d/100-a.pcrlock");
        CHECK_STR(variant_path(&c, "400-many", 0), "/usr/lib/pcrlock.d/400-many.pcrlock");
        CHECK_STR(variant_path(&c, "400-many", 1),
                  "/usr/lib/pcrlock.d/400-many.pcrlock.d/x.pcrlock");
        CHECK_STR(variant_path(&c, "400-many", 2), "/run/pcrlock.d/400-many.pcrlock.d/y.pcrlock");
        CHECK_EQ(ingot_components_find(&c, "400-many")->count, 3);
        CHECK_STR(variant_path(&c, "500-linked", 0), "/usr/local/lib/pcrlock.d/500-linked.pcrlock");
}

TEST(a_broken_component_is_named)
{
        static const char *const folders[] = {"/c", NULL};
        ingot_error error;
        _cleanup_components_ struct ingot_components c = {0};
        CHECK_OK(put("broken/c", "100-a.pcrlock", &error));
        CHECK_OK(ingot_outfile_put(test_path("broken/c/200-b.pcrlock"), "{\"records\":1}", 13, 0644,
                                   &error));
        CHECK_FAILS(ingot_components_read(test_path("broken"), folders, &c, &error), INGOT_E_FORMAT,
                    "/c/200-b.pcrlock");
        CHECK_EQ(c.count, 0);
        CHECK_EQ(unlink(test_path("broken/c/200-b.pcrlock")), 0);
        CHECK_EQ(mkdir(test_path("broken/c/200-b.pcrlock"), 0755), 0);
        CHECK_FAILS(ingot_components_read(test_path("broken"), folders, &c, &error), INGOT_E_FORMAT,
                    "200-b.pcrlock is no file");
        CHECK_FAILS(ingot_components_read(test_path("nowhere"), NULL, &c, &error), INGOT_E_NOTFOUND,
                    "no folder");
}

TEST(what_is_written_reads_as_the_same)
{
        static const char *const folders[] = {"/out", NULL};
        ingot_error error;
        uint64_t seed = test_seed();
        for (unsigned i = 0; i < 20; i++) {
                _cleanup_components_ struct ingot_components c = {0}, back = {0};
                CHECK_OK(random_components(&c, &seed, &error));
                CHECK_OK(ingot_components_write(&c, test_path("out"), &error));
                CHECK_OK(ingot_components_read(test_folder(), folders, &back, &error));
                CHECK_EQ(back.count, c.count);
                for (size_t j = 0; j < c.count; j++) {
                        CHECK_STR(back.items[j].id, c.items[j].id);
                        CHECK_EQ(back.items[j].count, c.items[j].count);
                        for (size_t k = 0; k < c.items[j].count; k++) {
                                const struct ingot_variant *a = c.items[j].variants + k,
                                                           *b = back.items[j].variants + k;
                                CHECK_STR(a->id, b->id);
                                CHECK_EQ(a->records.count, b->records.count);
                                for (size_t l = 0; l < a->records.count; l++)
                                        CHECK(ingot_record_equal(a->records.items + l,
                                                                 b->records.items + l));
                        }
                }
                CHECK_OK(ingot_remove_tree(-1, test_path("out"), &error));
        }
}

TEST(a_pcrlock_file_is_written_as_systemd_pcrlock_does_it)
{
        /* lock-raw --pcr=4 over the byte "x". */
        static const char want[] =
                "{\"records\":[{\"pcr\":4,\"digests\":[{\"hashAlg\":\"sha1\",\"digest\":"
                "\"11f6ad8ec52a2984abaafd7c3b516503785c2072\"},{\"hashAlg\":\"sha256\",\"digest\":"
                "\"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\"},"
                "{\"hashAlg\":\"sha384\",\"digest\":"
                "\"d752c2c51fba0e29aa190570a9d4253e44077a058d3297fa3a5630d5bd012622f97c28acaed313b5"
                "c83b"
                "b990caa7da85\"},{\"hashAlg\":\"sha512\",\"digest\":"
                "\"a4abd4448c49562d828115d13a1fccea927f52b4d5459297f8b43e42da89238bc13626e43dcb38dd"
                "b082"
                "488927ec904fb42057443983e88585179d50551afe62\"}]}]}\n";
        ingot_error error;
        _cleanup_records_ struct ingot_records records = {0}, back = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        CHECK_OK(ingot_records_measure(&records, 4, INGOT_SPAN("x", 1), &error));
        CHECK_OK(ingot_pcrlock_file_encode(&records, &text, &error));
        CHECK_STR((char *) text.data, want);
        CHECK_OK(ingot_pcrlock_file_decode(ingot_buffer_span(&text), &back, &error));
        CHECK_EQ(back.count, 1);
        CHECK(ingot_record_equal(records.items, back.items));
}

TEST(malformed_pcrlock_files_are_refused)
{
        static const struct {
                const char *text, *words;
        } bad[] = {
                {"", "no JSON"},
                {"[]", "no object"},
                {"{}", "'records'"},
                {"{\"records\":[1]}", "record 1"},
                {"{\"records\":[{}]}", "'pcr'"},
                {"{\"records\":[{\"pcr\":24,\"digests\":[{\"hashAlg\":\"sha1\",\"digest\":"
                 "\"11f6ad8ec52a2984abaafd7c3b516503785c2072\"}]}]}",
                 "no PCR 24"},
                {"{\"records\":[{\"pcr\":1,\"digests\":[{\"hashAlg\":\"sha1\",\"digest\":\"00\"}]}]"
                 "}",
                 "40 hexadecimal"},
                {"{\"records\":[{\"pcr\":1,\"digests\":[]}]}", "no digest"},
                {"{\"records\":[{\"nv_index\":0,\"digests\":[]}]}", "'nv_index'"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                ingot_error error;
                _cleanup_records_ struct ingot_records records = {0};
                CHECK_FAILS(ingot_pcrlock_file_decode(INGOT_SPAN(bad[i].text, strlen(bad[i].text)),
                                                      &records, &error),
                            INGOT_E_FORMAT, bad[i].words);
                CHECK_EQ(records.count, 0);
        }
}

static bool is_named(const struct ingot_component *component, const struct ingot_variant *variant,
                     void *context)
{
        const char *name = context;
        return !variant->own && strcmp(component->id, "600-loader") != 0 &&
               strcmp(variant->id, name) == 0;
}

TEST(variants_can_be_taken_out_and_copied)
{
        _cleanup_components_ struct ingot_components c = {0}, copies = {0};
        char name[] = "old";
        ingot_error error = {0};
        CHECK_OK(add(&c, "600-loader", "old", 4, &error));
        CHECK_OK(add(&c, "650-uki", "new", 4, &error));
        CHECK_OK(add(&c, "650-uki", "old", 4, &error));
        CHECK_OK(add(&c, "700-other", "old", 4, &error));
        CHECK_OK(add(&c, "750-word", NULL, 11, &error));
        ingot_components_filter(&c, is_named, name);
        CHECK_EQ(c.count, 3u);
        CHECK_EQ(c.variants, 3u);
        CHECK(!ingot_components_find(&c, "700-other"));
        CHECK_EQ(ingot_components_find(&c, "650-uki")->count, 1u);
        CHECK_STR(ingot_components_find(&c, "650-uki")->variants[0].id, "new");
        for (size_t i = 0; i < c.count; i++)
                CHECK_OK(
                        ingot_components_copy(&copies, c.items[i].id, c.items[i].variants, &error));
        CHECK(ingot_records_equal(&copies.items[1].variants[0].records,
                                  &c.items[1].variants[0].records));
        CHECK(!ingot_records_equal(&copies.items[0].variants[0].records,
                                   &c.items[1].variants[0].records));
        CHECK(copies.items[2].variants[0].own);
        CHECK_FAILS(ingot_components_copy(&copies, "650-uki", c.items[1].variants, &error),
                    INGOT_E_CONFLICT, "two variants");
        ingot_components_filter(&c, is_named, name);
        CHECK_EQ(c.count, 3u);
}
