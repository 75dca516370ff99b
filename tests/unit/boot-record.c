/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record of boots: written, replaced, bounded, and what it tells of a version. */
#include "update/boot-record.h"
#include "base/cleanup.h"
#include "os/file.h"
#include "test.h"

#include <fcntl.h>
#include <inttypes.h>

#define ID "0123456789abcdef0123456789abcde"
#define BOOT(more) "{\"format\": 1, \"boots\": [{" more "}]}"

static int decode(const char *text, struct ingot_boot_records *ret, ingot_error *reterr)
{
        return ingot_boot_records_decode(INGOT_SPAN(text, strlen(text)), ret, reterr);
}

static int note(const char *root, const char *version, const char *id, const char *entry,
                enum ingot_boot_stage stage, const char *unit, const char *reason,
                ingot_error *reterr)
{
        const struct ingot_boot_record record = {.version = (char *) version,
                                                 .boot_id = (char *) id,
                                                 .entry = (char *) entry,
                                                 .stage = stage,
                                                 .unit = (char *) unit,
                                                 .reason = (char *) reason,
                                                 .time = 1790000000};
        return ingot_boot_record_write(root, &record, reterr);
}

TEST(a_boot_is_one_record_from_its_beginning_to_its_end)
{
        _cleanup_boot_records_ struct ingot_boot_records records = {0};
        ingot_error error = {0};
        const char *root = test_path("a");
        CHECK_OK(ingot_boot_records_load(root, &records, &error));
        CHECK_EQ(records.count, 0);
        CHECK_OK(note(root, "2", ID "1", "m_2+2-1.efi", INGOT_BOOT_BEGUN, NULL, NULL, &error));
        CHECK_OK(note(root, "3", ID "2", "m_3+2-1.efi", INGOT_BOOT_BEGUN, NULL, NULL, &error));
        CHECK_OK(
                note(root, "2", ID "1", NULL, INGOT_BOOT_FAILED, "a.service", "exit-code", &error));
        CHECK_OK(ingot_boot_records_load(root, &records, &error));
        CHECK_EQ(records.count, 2);
        CHECK_STR(records.items[0].version, "3");
        CHECK_STR(records.items[1].version, "2");
        CHECK_STR(records.items[1].entry, "m_2+2-1.efi");
        CHECK_STR(records.items[1].unit, "a.service");
        CHECK_EQ(records.items[1].stage, INGOT_BOOT_FAILED);
        CHECK_EQ(records.items[1].time, 1790000000);
}

TEST(the_oldest_boot_is_forgotten)
{
        _cleanup_boot_records_ struct ingot_boot_records records = {0};
        ingot_error error = {0};
        const char *root = test_path("b");
        for (unsigned i = 0; i < INGOT_BOOT_RECORDS_MAX + 3; i++) {
                char id[33];
                snprintf(id, sizeof(id), "%032x", i);
                CHECK_OK(note(root, "2", id, NULL, INGOT_BOOT_BEGUN, NULL, NULL, &error));
        }
        CHECK_OK(ingot_boot_records_load(root, &records, &error));
        CHECK_EQ(records.count, INGOT_BOOT_RECORDS_MAX);
        CHECK_STR(records.items[0].boot_id, "00000000000000000000000000000003");
}

TEST(a_file_that_cannot_be_read_is_replaced)
{
        _cleanup_boot_records_ struct ingot_boot_records records = {0};
        ingot_error error = {0};
        const char *root = test_path("c");
        _cleanup_free_ char *path = NULL;
        CHECK_OK(note(root, "2", ID "1", NULL, INGOT_BOOT_BEGUN, NULL, NULL, &error));
        CHECK_OK(ingot_format(&path, &error, "%s" INGOT_BOOT_RECORDS_FILE, root));
        CHECK_OK(ingot_outfile_put(path, "{\"for", 5, 0644, &error));
        CHECK_FAILS(ingot_boot_records_load(root, &records, &error), INGOT_E_FORMAT, "boots.json");
        CHECK_OK(note(root, "2", ID "2", NULL, INGOT_BOOT_COMPLETE, NULL, NULL, &error));
        CHECK_OK(ingot_boot_records_load(root, &records, &error));
        CHECK_EQ(records.count, 1);
}

TEST(long_and_hostile_texts_are_cut_and_read_back)
{
        _cleanup_boot_records_ struct ingot_boot_records records = {0};
        ingot_error error = {0};
        const char *root = test_path("d");
        char reason[1000];
        memset(reason, 0xff, sizeof(reason) - 1);
        reason[sizeof(reason) - 1] = 0;
        CHECK_OK(note(root, "2", ID "1", NULL, INGOT_BOOT_FAILED, "\033[2J", reason, &error));
        CHECK_OK(ingot_boot_records_load(root, &records, &error));
        CHECK_STR(records.items[0].unit, "\033[2J");
        CHECK_EQ(strlen(records.items[0].reason), 4 * 256);
}

TEST(what_is_malformed_is_told_apart)
{
        static const struct {
                const char *text;
                int code;
                const char *words;
        } bad[] = {
                {"", INGOT_E_FORMAT, ""},
                {"{\"format\": 2, \"boots\": []}", INGOT_E_UNSUPPORTED, "format 2"},
                {"{\"format\": 1}", INGOT_E_FORMAT, "boots"},
                {BOOT("\"boot_id\": \"" ID "1\", \"stage\": \"begun\", \"time\": 1"),
                 INGOT_E_FORMAT, "boot 1: no 'version'"},
                {BOOT("\"version\": \"2\", \"boot_id\": \"" ID
                      "\", \"stage\": \"begun\", \"time\": 1"),
                 INGOT_E_FORMAT, "boot_id"},
                {BOOT("\"version\": \"2\", \"boot_id\": \"" ID
                      "1\", \"stage\": \"x\", \"time\": 1"),
                 INGOT_E_FORMAT, "'stage' is 'x'"},
                {BOOT("\"version\": \"2\", \"boot_id\": \"" ID "1\", \"stage\": \"begun\""),
                 INGOT_E_FORMAT, "time"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct ingot_boot_records records = {0};
                ingot_error error = {0};
                CHECK_FAILS(decode(bad[i].text, &records, &error), bad[i].code, bad[i].words);
                CHECK_EQ(records.count, 0);
        }
}

static int tell(const char *root, const char *version, char **ret, ingot_error *reterr)
{
        _cleanup_boot_records_ struct ingot_boot_records records = {0};
        int r = ingot_boot_records_load(root, &records, reterr);
        struct ingot_boot_history h = ingot_boot_records_history(&records, version);
        return r < 0 ? r : ingot_boot_history_text(&h, ret, reterr);
}

TEST(the_last_boot_of_a_version_tells_where_it_failed)
{
        ingot_error error = {0};
        const char *root = test_path("e");
        _cleanup_free_ char *unseen = NULL, *failed = NULL, *reset = NULL, *unknown = NULL;
        CHECK_OK(note(root, "2", ID "1", NULL, INGOT_BOOT_COMPLETE, NULL, NULL, &error));
        CHECK_OK(note(root, "3", ID "2", NULL, INGOT_BOOT_BEGUN, NULL, NULL, &error));
        CHECK_OK(
                note(root, "3", ID "3", NULL, INGOT_BOOT_FAILED, "a.service", "exit-code", &error));
        CHECK_OK(note(root, "4", ID "4", NULL, INGOT_BOOT_FAILED, "a.service", NULL, &error));
        CHECK_OK(note(root, "4", ID "5", NULL, INGOT_BOOT_BEGUN, NULL, NULL, &error));
        CHECK_OK(note(root, "5", ID "6", NULL, INGOT_BOOT_FAILED, NULL, NULL, &error));
        CHECK_OK(tell(root, "3", &failed, &error));
        CHECK_STR(failed, "failed at a.service (exit-code)");
        CHECK_OK(tell(root, "4", &reset, &error));
        CHECK(strstr(reset, "watchdog"));
        CHECK_OK(tell(root, "5", &unknown, &error));
        CHECK_STR(unknown, "failed, and it is not known at which unit");
        CHECK_OK(tell(root, "30", &unseen, &error));
        CHECK(strstr(unseen, "before /var was there"));
}
