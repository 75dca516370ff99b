/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * systemd-pcrlock judges: it gets random components of ours, a firmware's log that was extended
 * into a TPM (swtpm), and says which PCRs it takes, what it predicts, and which policy it makes of
 * that.
 */
#include "base/cleanup.h"
#include "make-firmware-log.h"
#include "measure/component-claim.h"
#include "measure/component-folder.h"
#include "measure/firmware-component.h"
#include "measure/pcrlock-file.h"
#include "measure/pcrlock-nv.h"
#include "measure/pcrlock-policy.h"
#include "measure/super-policy.h"
#include "oracle.h"
#include "os/file.h"
#include "os/tpm.h"
#include "swtpm.h"
#include "test.h"

#include <fcntl.h>
#include <limits.h>

#define INSTANCES 24
#define PCRLOCK "/usr/lib/systemd/systemd-pcrlock"
#define MASK_TEXT "0,1,2,3,4,5,6,7,8,9,11,12,15"
#define MASK 0x9bffu

/* A machine that has booted: its TPM, and the log of its firmware. */
struct machine {
        struct swtpm swtpm;
        struct ingot_buffer bytes;
        struct ingot_eventlog log;
        struct ingot_records events;
        struct ingot_pcr values[INGOT_PCR_COUNT];
};

static void machine_done(struct machine *m)
{
        swtpm_stop(&m->swtpm);
        ingot_records_done(&m->events);
        ingot_eventlog_done(&m->log);
        ingot_buffer_done(&m->bytes);
}
#define _cleanup_machine_ _cleanup_(machine_done)

/* swtpm talks to one at a time: the TPM is open only while it is needed. */
static int boot(struct machine *m, ingot_error *reterr)
{
        _cleanup_tpm_ struct ingot_tpm *tpm = NULL;
        make_firmware_start(&m->bytes);
        make_firmware_boot(&m->bytes, "loader", "uki");
        int r = ingot_eventlog_decode(ingot_buffer_span(&m->bytes), &m->log, reterr);
        if (r >= 0)
                r = ingot_tpm_open(&tpm, m->swtpm.where, reterr);
        for (size_t i = 0; r >= 0 && i < m->log.count; i++) {
                const struct ingot_event *e = m->log.events + i;
                struct ingot_record *record;
                if (e->type == INGOT_EV_NO_ACTION)
                        continue;
                r = ingot_records_add(&m->events, &record, reterr);
                if (r < 0)
                        break;
                ingot_record_of_event(e, record);
                for (size_t d = 0; r >= 0 && d < e->digest_count; d++)
                        r = ingot_tpm_pcr_extend(tpm, e->index, e->digests[d].algorithm,
                                                 INGOT_SPAN(e->digests[d].data, e->digests[d].size),
                                                 reterr);
        }
        for (enum ingot_bank bank = 0; r >= 0 && bank <= INGOT_BANK_SHA256; bank++) {
                struct ingot_tpm_pcrs pcrs;
                r = ingot_tpm_pcr_read(tpm, ingot_bank_algorithm(bank), 0xffffff, &pcrs, reterr);
                for (unsigned pcr = 0; r >= 0 && pcr < INGOT_PCR_COUNT; pcr++)
                        memcpy(m->values[pcr].value[bank], pcrs.value[pcr], ingot_bank_size(bank));
        }
        oracle_file("firmware.log", m->bytes.data, m->bytes.size);
        oracle_file("userspace.log", "", 0);
        return r;
}

/* Runs systemd-pcrlock; the command's stdout in *RET. */
static int pcrlock(const struct machine *m, char **ret, const char *arguments)
{
        return oracle_run_newest(ret,
                                 "timeout 60 env SYSTEMD_TPM2_DEVICE=%s "
                                 "SYSTEMD_MEASURE_LOG_FIRMWARE=%s/firmware.log "
                                 "SYSTEMD_MEASURE_LOG_USERSPACE=%s/userspace.log " PCRLOCK
                                 " %s --components=%s/components 2>%s/words",
                                 m->swtpm.where, test_folder(), test_folder(), arguments,
                                 test_folder(), test_folder());
}

/*
 * TEXT in PCR: of those that the log has, too, with its banks only. Where variants differ in their
 * banks systemd counts a value twice (docs/decisions/099).
 */
static int measure(struct ingot_variant *v, uint32_t pcr, const char *text, ingot_error *reterr)
{
        static const uint32_t logged = 1u << 4 | 1u << 5 | 1u << 11;
        int r = ingot_records_measure(&v->records, pcr, made_text(text), reterr);
        if (r >= 0 && (logged >> pcr & 1))
                v->records.items[v->records.count - 1].banks &=
                        1u << INGOT_BANK_SHA1 | 1u << INGOT_BANK_SHA256;
        return r;
}

/* A variant of some events of the log, in their order, or of something else. */
static int random_variant(struct ingot_variant *v, const struct machine *m, uint64_t *seed,
                          ingot_error *reterr)
{
        static const char *const texts[] = {"a", "b", "c"};
        static const uint32_t pcrs[] = {8, 9, 12, 15, 11, 4};
        size_t at = test_random(seed) % m->events.count, count = test_random(seed) % 4;
        bool real = test_random(seed) % 2;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < count; i++) {
                struct ingot_record *record;
                if (!real) {
                        const char *text = texts[test_random(seed) % 3];
                        r = measure(v, pcrs[test_random(seed) % 6], text, reterr);
                        continue;
                }
                r = ingot_records_add(&v->records, &record, reterr);
                if (r >= 0)
                        *record = m->events.items[at];
                at += 1 + test_random(seed) % 3;
                if (at >= m->events.count)
                        break;
        }
        return r;
}

static int random_components(struct ingot_components *c, const struct machine *m, uint64_t *seed,
                             ingot_error *reterr)
{
        size_t count = test_random(seed) % 8;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < count; i++) {
                char id[32], name[32];
                snprintf(id, sizeof(id), "%03u-%c%s", (unsigned) (test_random(seed) % 1000),
                         (char) ('a' + test_random(seed) % 2),
                         test_random(seed) % 3 == 0 ? "-x" : "");
                if (ingot_components_find(c, id))
                        continue;
                bool own = test_random(seed) % 4 == 0;
                size_t variants = own ? 1 : 1 + test_random(seed) % 4;
                for (size_t j = 0; r >= 0 && j < variants; j++) {
                        struct ingot_variant *v;
                        snprintf(name, sizeof(name), "v%zu%s", j,
                                 test_random(seed) % 2 ? "-x" : "");
                        r = ingot_components_add(c, id, own ? NULL : name, &v, reterr);
                        if (r >= 0)
                                r = random_variant(v, m, seed, reterr);
                }
        }
        return r;
}

/* The components that explain the log, and random ones among them. */
static int make_components(struct ingot_components *c, const struct machine *m, uint64_t *seed,
                           ingot_error *reterr)
{
        static const char *const loaders[] = {"loader", "old loader"}, *const ukis[] = {"uki", "b"};
        _cleanup_free_ char *note = NULL;
        struct ingot_variant *v;
        int r = ingot_firmware_components(&m->log, c, &note, reterr);
        for (unsigned i = 0; r >= 0 && i < 2; i++) {
                r = ingot_components_add(c, "610-loader", i == 0 ? "new" : "old", &v, reterr);
                if (r >= 0)
                        r = measure(v, 4, loaders[i], reterr);
                if (r >= 0)
                        r = measure(v, 5, "loader.conf", reterr);
        }
        for (unsigned i = 0; r >= 0 && i < 2; i++) {
                r = ingot_components_add(c, "650-uki", i == 0 ? "1" : "2", &v, reterr);
                if (r >= 0)
                        r = measure(v, 4, ukis[i], reterr);
                if (r >= 0)
                        r = measure(v, 11, ukis[i], reterr);
        }
        return r < 0 ? r : random_components(c, m, seed, reterr);
}

/* Which PCRs may be used, by us. */
static int usable(const struct ingot_components *c, const struct machine *m,
                  const struct ingot_prediction_window *window, uint32_t *ret, ingot_error *reterr)
{
        uint32_t mask = MASK;
        for (enum ingot_bank bank = 0; bank <= INGOT_BANK_SHA256; bank++) {
                _cleanup_claims_ struct ingot_claims claims = {0};
                int r = ingot_components_claim(c, &m->events, window, bank, m->values, &claims,
                                               reterr);
                if (r < 0)
                        return r;
                for (unsigned pcr = 0; pcr < INGOT_PCR_COUNT; pcr++)
                        if (claims.pcrs[pcr].faults)
                                mask &= ~(1u << pcr);
        }
        *ret = mask;
        return 0;
}

static int add_bank(struct ingot_buffer *b, const struct ingot_pcr_sets *sets, enum ingot_bank bank,
                    ingot_error *reterr)
{
        bool first = true;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < sets->count; i++) {
                const struct ingot_pcr_values *set = sets->items + i;
                if (set->count == 0)
                        continue;
                if (first)
                        r = ingot_buffer_printf(b, reterr, "%s\"%s\":[", b->size > 1 ? "," : "",
                                                ingot_bank_name(bank));
                if (r >= 0)
                        r = ingot_buffer_printf(b, reterr, "%s{\"pcr\":%u,\"values\":[",
                                                first ? "" : ",", set->pcr);
                for (size_t j = 0; r >= 0 && j < set->count; j++) {
                        char hex[2 * INGOT_BANK_SIZE_MAX + 1];
                        ingot_hex(hex, set->values[j], ingot_bank_size(bank));
                        r = ingot_buffer_printf(b, reterr, "%s\"%s\"", j == 0 ? "" : ",", hex);
                }
                if (r >= 0)
                        r = ingot_buffer_printf(b, reterr, "]}");
                first = false;
        }
        return r < 0 || first ? r : ingot_buffer_printf(b, reterr, "]");
}

/* As systemd-pcrlock predict --json=short prints it. */
static int predict(const struct ingot_components *c, const struct ingot_prediction_window *window,
                   uint32_t mask, struct ingot_buffer *ret, ingot_error *reterr)
{
        int r = ingot_buffer_printf(ret, reterr, "{");
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++) {
                _cleanup_pcr_sets_ struct ingot_pcr_sets sets = {0};
                r = ingot_components_predict_sets(c, window, mask, bank, &sets, reterr);
                if (r >= 0)
                        r = add_bank(ret, &sets, bank, reterr);
        }
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "}\n");
}

static int load_policy(const char *path, struct ingot_pcrlock_policy *ret, bool *ret_same,
                       ingot_error *reterr)
{
        _cleanup_free_ uint8_t *bytes = NULL;
        _cleanup_buffer_ struct ingot_buffer again = {0};
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_PCRLOCK_POLICY_SIZE_MAX, &bytes, &size,
                                reterr);
        if (r >= 0)
                r = ingot_pcrlock_policy_decode(INGOT_SPAN(bytes, size), ret, reterr);
        if (r >= 0)
                r = ingot_pcrlock_policy_encode(ret, &again, reterr);
        if (r >= 0)
                *ret_same = again.size == size && memcmp(again.data, bytes, size) == 0;
        return r;
}

/* The policy that systemd-pcrlock has written, and the NV index of it, are ours. */
static void check_policy(const struct machine *m, const struct ingot_pcr_sets *sets)
{
        ingot_error error;
        struct ingot_super_policy_options options = {0};
        struct ingot_policy policy = {0}, sealed;
        uint8_t want[INGOT_PCRLOCK_NV_DATA_SIZE];
        bool same;
        _cleanup_pcrlock_policy_ struct ingot_pcrlock_policy p = {0};
        _cleanup_buffer_ struct ingot_buffer data = {0};
        _cleanup_tpm_ struct ingot_tpm *tpm = NULL;
        CHECK_OK(load_policy(test_path("policy.json"), &p, &same, &error));
        CHECK(same);
        CHECK_EQ(p.sets.count, sets->count);
        for (size_t i = 0; i < sets->count; i++) {
                CHECK_EQ(p.sets.items[i].count, sets->items[i].count);
                CHECK(memcmp(p.sets.items[i].values, sets->items[i].values,
                             sets->items[i].count * sizeof(*sets->items[i].values)) == 0);
        }
        CHECK_OK(ingot_super_policy(&policy, sets, &options, &error));
        ingot_pcrlock_nv_data(&policy, want);
        CHECK_OK(ingot_tpm_open(&tpm, m->swtpm.where, &error));
        CHECK_OK(ingot_tpm_nv_read(tpm, p.nv_index, &data, &error));
        CHECK_EQ(data.size, sizeof(want));
        CHECK(memcmp(data.data, want, sizeof(want)) == 0);
        CHECK_OK(ingot_pcrlock_sealed_policy(INGOT_SPAN(p.nv_public.data + 2, p.nv_public.size - 2),
                                             &sealed, &error));
        CHECK(memcmp(p.pin_public.data + 12, sealed.digest, sizeof(sealed.digest)) == 0);
}

static void check_make_policy(const struct machine *m, const struct ingot_components *c,
                              const struct ingot_prediction_window *window, const char *location,
                              uint32_t mask)
{
        ingot_error error;
        struct ingot_super_policy_options options = {0};
        struct ingot_policy policy = {0};
        char arguments[PATH_MAX];
        _cleanup_pcr_sets_ struct ingot_pcr_sets sets = {0};
        CHECK_OK(ingot_components_predict_sets(c, window, mask, INGOT_BANK_SHA256, &sets, &error));
        snprintf(arguments, sizeof(arguments), "make-policy --pcr=" MASK_TEXT " %s --policy=%s",
                 location, test_path("policy.json"));
        int status = pcrlock(m, NULL, arguments);
        /* More than 8 values are no policy for either. */
        if (ingot_super_policy(&policy, &sets, &options, &error) == -INGOT_E_LIMIT) {
                CHECK(status != 0);
                return;
        }
        CHECK_EQ(status, 0);
        check_policy(m, &sets);
        snprintf(arguments, sizeof(arguments), "remove-policy --policy=%s",
                 test_path("policy.json"));
        CHECK_EQ(pcrlock(m, NULL, arguments), 0);
}

static void check_instance(const struct machine *m, unsigned number, uint64_t *seed)
{
        static const char *const starts[] = {"000-", "500-", "640-", "650-uki", "760-", "900-"};
        static const char *const ends[] = {"640-", "800-", "940-", "999"};
        ingot_error error;
        struct ingot_prediction_window window = {.start = starts[test_random(seed) % 6],
                                                 .end = ends[test_random(seed) % 4]};
        char location[64], arguments[PATH_MAX];
        _cleanup_components_ struct ingot_components c = {0};
        _cleanup_buffer_ struct ingot_buffer ours = {0};
        _cleanup_free_ char *theirs = NULL;
        uint32_t mask;
        if (strcmp(window.start, window.end) > 0)
                window.end = "999";
        CHECK_OK(make_components(&c, m, seed, &error));
        CHECK_OK(ingot_components_write(&c, test_path("components"), &error));
        CHECK_OK(usable(&c, m, &window, &mask, &error));
        CHECK_OK(predict(&c, &window, mask, &ours, &error));
        snprintf(location, sizeof(location), "--location=%s:%s", window.start, window.end);
        snprintf(arguments, sizeof(arguments), "predict --json=short --pcr=" MASK_TEXT " %s",
                 location);
        CHECK_EQ(pcrlock(m, &theirs, arguments), 0);
        if (strcmp(theirs, (char *) ours.data) != 0)
                test_report(__FILE__, __LINE__, "instance %u, %s, ours:\n%stheirs:\n%s", number,
                            location, (char *) ours.data, theirs);
        if (!test_failed && number % 2 == 0)
                check_make_policy(m, &c, &window, location, mask);
        CHECK_OK(ingot_remove_tree(AT_FDCWD, test_path("components"), &error));
}

TEST(systemd_pcrlock_predicts_the_same_and_makes_the_same_policies)
{
        ingot_error error;
        uint64_t seed = test_seed();
        _cleanup_machine_ struct machine m = {.swtpm = {.process = INGOT_PROCESS_NONE}};
        if (!oracle_found_newest("systemd-pcrlock") || !swtpm_start(&m.swtpm))
                SKIP("systemd-pcrlock or swtpm is missing");
        CHECK_OK(boot(&m, &error));
        for (unsigned i = 0; i < INSTANCES && !test_failed; i++)
                check_instance(&m, i, &seed);
}

/* LINES are what a lock verb prints: the early component, then the late one. */
static void check_locked(const struct ingot_components *c, const char *lines, const char *early,
                         const char *late)
{
        ingot_error error;
        for (unsigned i = 0; i < 2; i++) {
                const struct ingot_component *ours =
                        ingot_components_find(c, i == 0 ? early : late);
                _cleanup_records_ struct ingot_records theirs = {0};
                lines = strstr(lines, "data: ");
                CHECK(lines);
                lines += strlen("data: ");
                CHECK_OK(ingot_pcrlock_file_decode(INGOT_SPAN(lines, strcspn(lines, "\n")), &theirs,
                                                   &error));
                CHECK_EQ(theirs.count, ours ? ours->variants[0].records.count : 0);
                for (size_t k = 0; k < theirs.count; k++)
                        CHECK(ingot_record_equal(theirs.items + k,
                                                 ours->variants[0].records.items + k));
        }
}

TEST(systemd_pcrlock_locks_the_same_events_of_the_firmware)
{
        ingot_error error;
        _cleanup_machine_ struct machine m = {.swtpm = {.process = INGOT_PROCESS_NONE}};
        _cleanup_components_ struct ingot_components c = {0};
        _cleanup_free_ char *note = NULL, *code = NULL, *config = NULL;
        if (!oracle_found_newest("systemd-pcrlock") || !swtpm_start(&m.swtpm))
                SKIP("systemd-pcrlock or swtpm is missing");
        CHECK_OK(boot(&m, &error));
        CHECK_OK(ingot_firmware_components(&m.log, &c, &note, &error));
        CHECK_EQ(pcrlock(&m, &code, "lock-firmware-code --pcrlock= --json=short"), 0);
        check_locked(&c, code, "250-firmware-code-early", "550-firmware-code-late");
        CHECK_EQ(pcrlock(&m, &config, "lock-firmware-config --pcrlock= --json=short"), 0);
        check_locked(&c, config, "250-firmware-config-early", "550-firmware-config-late");
}
