/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "base/json-read.h"
#include "cli/pcr-log.h"
#include "make-userspace-log.h"
#include "measure/replay.h"
#include "oracle.h"
#include "os/file.h"
#include "swtpm.h"
#include "test.h"

#include <fcntl.h>

#define FIRMWARE_LOG "tests/eventlogs/made.firmware"
#define USERSPACE_LOG "tests/eventlogs/made.userspace"

static ingot_error error;

static int decode(const struct ingot_buffer *b, struct ingot_userspace_log *ret)
{
        return ingot_userspace_log_decode(ingot_buffer_span(b), ret, &error);
}

TEST(records_are_read_with_what_they_say)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_userspace_log_ struct ingot_userspace_log log = {0};
        make_userspace_add(&b, 11, "phase", "enter-initrd", "enter-initrd");
        make_userspace_add_nv(&b, 0x01d10200, "hardware", "product-id", "product-id:missing");
        CHECK_OK(decode(&b, &log));
        CHECK_EQ(log.count, 2);
        CHECK_EQ(log.problem_count, 0);
        const struct ingot_userspace_event *e = log.events;
        CHECK_EQ(e[0].record.pcr, 11);
        CHECK_EQ(e[0].record.nv_index, 0);
        CHECK_EQ(e[0].record.banks, 1u << INGOT_BANK_SHA1 | 1u << INGOT_BANK_SHA256);
        CHECK_STR(e[0].type, "phase");
        CHECK_STR(e[0].string, "enter-initrd");
        CHECK_STR(e[0].boot_id, "00112233445566778899aabbccddeeff");
        CHECK_EQ(e[0].timestamp_usec, 4711);
        CHECK(!e[0].nv_name);
        CHECK_EQ(e[1].record.nv_index, 0x01d10200);
        CHECK_STR(e[1].nv_name, "hardware");
}

TEST(no_bytes_are_a_log_without_events)
{
        _cleanup_userspace_log_ struct ingot_userspace_log log = {0};
        CHECK_OK(ingot_userspace_log_decode(INGOT_SPAN(NULL, 0), &log, &error));
        CHECK_EQ(log.count, 0);
}

TEST(a_log_that_is_cut_is_read_up_to_there_and_says_so)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        make_userspace_add(&b, 11, "phase", "enter-initrd", "enter-initrd");
        size_t first = b.size;
        make_userspace_add(&b, 11, "phase", "ready", "ready");
        for (size_t n = first; n < b.size - 1; n++) {
                _cleanup_userspace_log_ struct ingot_userspace_log log = {0};
                CHECK_OK(ingot_userspace_log_decode(INGOT_SPAN(b.data, n), &log, &error));
                CHECK_EQ(log.count, 1);
                CHECK_EQ(log.problem_count, n > first);
                CHECK(n == first || ingot_starts_with(log.problems.items[0], "record 2 at byte"));
        }
}

TEST(a_bad_record_in_the_middle_is_passed_over_and_named)
{
        static const struct {
                const char *record, *problem;
        } cases[] = {
                {"\x1e{\"pcr\":11,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"00\"}]}\n",
                 "'digest'"},
                {"\x1e{\"pcr\":11,\"digests\":[]}\n", "no digest"},
                {"\x1e{\"pcr\":11,\"digests\":[{\"hashAlg\":\"md5\",\"digest\":\"00\"}]}\n",
                 "no digest of an algorithm"},
                {"\x1e{\"digests\":[]}\n", "'pcr'"},
                {"\x1e{\"pcr\":-1,\"digests\":[]}\n", "negative"},
                {"\x1e{\"nv_index\":0,\"digests\":[]}\n", "'nv_index' is none"},
                {"\x1e[1,2]\n", "no object"},
                {"\x1enull\n", "no object"},
                {"\x1e\n", "no JSON"},
                {"\x1e{\"pcr\":1} {\"pcr\":2}\n", "no JSON at byte"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_buffer_ struct ingot_buffer b = {0};
                _cleanup_userspace_log_ struct ingot_userspace_log log = {0};
                make_userspace_add(&b, 11, "phase", "enter-initrd", "enter-initrd");
                CHECK_OK(ingot_buffer_append(&b, cases[i].record, strlen(cases[i].record), &error));
                make_userspace_add(&b, 11, "phase", "ready", "ready");
                CHECK_OK(decode(&b, &log));
                CHECK_EQ(log.count, 2);
                CHECK_STR(log.events[1].string, "ready");
                CHECK_EQ(log.problem_count, 1);
                if (!strstr(log.problems.items[0], cases[i].problem))
                        CHECK_STR(log.problems.items[0], cases[i].problem);
        }
}

TEST(what_stands_before_the_first_record_is_said)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_userspace_log_ struct ingot_userspace_log log = {0};
        CHECK_OK(ingot_buffer_append(&b, "rest", 4, &error));
        make_userspace_add(&b, 11, "phase", "ready", "ready");
        CHECK_OK(decode(&b, &log));
        CHECK_EQ(log.count, 1);
        CHECK_STR(log.problems.items[0], "it does not begin with a record");
}

TEST(rubbish_is_refused_within_bounds)
{
        _cleanup_free_ uint8_t *bytes = malloc((size_t) 4 << 20);
        struct ingot_userspace_log log;
        CHECK(bytes);
        CHECK_FAILS(ingot_userspace_log_decode(INGOT_SPAN(bytes, (size_t) 64 << 20), &log, &error),
                    INGOT_E_LIMIT, "16 MiB");
        memset(bytes, 'x', (size_t) 4 << 20);
        CHECK_FAILS(ingot_userspace_log_decode(INGOT_SPAN(bytes, (size_t) 4 << 20), &log, &error),
                    INGOT_E_FORMAT, "no record begins");
        memset(bytes, 0x1e, (size_t) 4 << 20);
        CHECK_FAILS(ingot_userspace_log_decode(INGOT_SPAN(bytes, (size_t) 4 << 20), &log, &error),
                    INGOT_E_LIMIT, "65536 records");
        memset(bytes + 1, '[', ((size_t) 4 << 20) - 1);
        CHECK_FAILS(ingot_userspace_log_decode(INGOT_SPAN(bytes, (size_t) 4 << 20), &log, &error),
                    INGOT_E_FORMAT, "bytes of JSON");
}

/* The string is what was measured, but where it only names what was. */
TEST(a_record_that_lies_about_its_digest_is_found)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_userspace_log_ struct ingot_userspace_log log = {0};
        make_userspace_add(&b, 15, "machine-id", "machine-id:00", "machine-id:00");
        make_userspace_add(&b, 15, "machine-id", "machine-id:00", "machine-id:01");
        make_userspace_add(&b, 15, "volume-key", "cryptsetup:root:uuid", "a secret");
        make_userspace_add(&b, 11, "of-tomorrow", "string", "other bytes");
        CHECK_OK(decode(&b, &log));
        CHECK_EQ(ingot_userspace_event_match(log.events), INGOT_EVENT_MATCHES);
        CHECK_EQ(ingot_userspace_event_match(log.events + 1), INGOT_EVENT_DIFFERS);
        CHECK_EQ(ingot_userspace_event_match(log.events + 2), INGOT_EVENT_UNCHECKED);
        CHECK_EQ(ingot_userspace_event_match(log.events + 3), INGOT_EVENT_UNCHECKED);
}

/* SHA-256(32 zeros ‖ SHA-256("enter-initrd")). */
TEST(records_are_replayed_and_nv_indexes_are_left_out)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_userspace_log_ struct ingot_userspace_log log = {0};
        struct ingot_replay replay;
        char hex[65];
        make_userspace_add(&b, 11, "phase", "enter-initrd", "enter-initrd");
        make_userspace_add_nv(&b, 0x01d10200, "hardware", "product-id", "product-id:missing");
        CHECK_OK(decode(&b, &log));
        ingot_replay_start(&replay);
        for (size_t i = 0; i < log.count; i++)
                CHECK_OK(ingot_replay_record(&replay, &log.events[i].record, &error));
        CHECK_EQ(replay.touched, 1u << 11);
        ingot_hex(hex, replay.pcrs[11].value[INGOT_BANK_SHA256], 32);
        CHECK_STR(hex, "d15b0e8e244e65c40f024e95773f2347ce4ef3ffe6b597c9a14b50bbab6df319");
}

/* Every digest of A is in B. */
static bool has_digests(struct json_object *a, struct json_object *b)
{
        struct json_object *all = json_object_object_get(a, "digests"),
                           *others = json_object_object_get(b, "digests");
        for (size_t i = 0; i < json_object_array_length(all); i++) {
                bool found = false;
                for (size_t k = 0; k < json_object_array_length(others); k++)
                        found |= json_object_equal(json_object_array_get_idx(all, i),
                                                   json_object_array_get_idx(others, k));
                if (!found)
                        return false;
        }
        return json_object_array_length(all) == json_object_array_length(others);
}

static bool same_event(struct json_object *a, struct json_object *b)
{
        static const char *const members[] = {"pcr", "recnum", "content_type", "content"};
        for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                if (!json_object_equal(json_object_object_get(a, members[i]),
                                       json_object_object_get(b, members[i])))
                        return false;
        return has_digests(a, b);
}

static int copy_to_oracle(const char *name, const char *path)
{
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, (size_t) 1 << 20, &bytes, &size, &error);
        if (r >= 0)
                oracle_file(name, bytes, size);
        return r;
}

TEST(systemd_pcrlock_reads_the_same_out_of_both_logs)
{
        _cleanup_swtpm_ struct swtpm tpm = {.process = INGOT_PROCESS_NONE};
        _cleanup_boot_log_ struct ingot_boot_log log = {0};
        _cleanup_json_ struct json_object *ours = NULL, *theirs = NULL;
        _cleanup_free_ char *firmware = NULL, *userspace = NULL, *text = NULL;
        if (!oracle_found_newest("systemd-pcrlock") || !swtpm_start(&tpm))
                SKIP("systemd-pcrlock or swtpm is missing");
        CHECK_OK(ingot_strdup(&firmware, test_source(FIRMWARE_LOG), &error));
        CHECK_OK(ingot_strdup(&userspace, test_source(USERSPACE_LOG), &error));
        const struct ingot_boot_log_request request = {firmware, userspace, NULL};
        CHECK_OK(ingot_boot_log_load(&request, &log, &error));
        CHECK_OK(ingot_json_new_array(&ours, &error));
        CHECK_OK(pcr_log_add_events(ours, &log, false, &error));
        CHECK_OK(copy_to_oracle("firmware.log", firmware));
        CHECK_OK(copy_to_oracle("userspace.log", userspace));
        CHECK_EQ(oracle_run_newest(&text,
                                   "timeout 60 env SYSTEMD_TPM2_DEVICE=%s "
                                   "SYSTEMD_MEASURE_LOG_FIRMWARE=%s/firmware.log "
                                   "SYSTEMD_MEASURE_LOG_USERSPACE=%s/userspace.log "
                                   "/usr/lib/systemd/systemd-pcrlock cel --components=%s/none "
                                   "2>%s/words",
                                   tpm.where, test_folder(), test_folder(), test_folder(),
                                   test_folder()),
                 0);
        CHECK_OK(ingot_json_parse(INGOT_SPAN(text, strlen(text)), (size_t) 1 << 24, &theirs,
                                  &error));
        CHECK_EQ(json_object_array_length(ours), json_object_array_length(theirs));
        for (size_t i = 0; i < json_object_array_length(ours); i++)
                CHECK(same_event(json_object_array_get_idx(ours, i),
                                 json_object_array_get_idx(theirs, i)));
}
