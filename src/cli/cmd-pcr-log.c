/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot pcr log [FILE] */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/table.h"
#include "measure/event.h"
#include "measure/replay.h"
#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>

#define FIRMWARE_LOG "/sys/kernel/security/tpm0/binary_bios_measurements"

struct log_options {
        bool cel;
};

static const struct option rows[] = {
        FLAG(0, "cel", struct log_options, cel,
             "Print the events as JSON in TCG's Canonical Event Log format"),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

/* One letter a row would hide too much: words for the column of matches. */
static const char *match_text(enum ingot_event_match match)
{
        static const char *const texts[] = {
                [INGOT_EVENT_UNCHECKED] = "-",
                [INGOT_EVENT_MATCHES] = "yes",
                [INGOT_EVENT_DIFFERS] = "NO",
        };
        return texts[match];
}

/* "EV_EFI_BOOT_SERVICES_DRIVER" → "boot services driver". */
static int type_text(uint32_t type, char **ret, ingot_error *reterr)
{
        const char *name = ingot_event_type_name(type);
        if (!name)
                return ingot_format(ret, reterr, "%#" PRIx32, type);
        name += ingot_starts_with(name, "EV_EFI_") ? 7 : 3;
        int r = ingot_strdup(ret, name, reterr);
        for (char *c = r < 0 ? NULL : *ret; c && *c; c++)
                *c = *c == '_' ? ' ' : (char) (*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
        return r;
}

static int add_row(struct table *t, const struct ingot_event *e, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer what = {0};
        _cleanup_free_ char *type = NULL;
        int r = ingot_event_text(e, &what, reterr);
        if (r >= 0)
                r = type_text(e->type, &type, reterr);
        if (r >= 0)
                r = table_addf(t, reterr, "%" PRIu32, e->index);
        if (r >= 0)
                r = table_add(t, match_text(ingot_event_match(e)), reterr);
        if (r >= 0)
                r = table_add(t, type, reterr);
        return r < 0 ? r : table_add(t, (const char *) what.data, reterr);
}

static int print_events(const struct ingot_eventlog *log, ingot_error *reterr)
{
        static const struct table_column columns[] = {
                {"PCR", true, false}, {"DATA", false, false}, {"EVENT", false, false},
                {"WHAT", false, true}};
        _cleanup_table_ struct table t = TABLE(columns);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < log->count; i++)
                r = add_row(&t, log->events + i, reterr);
        if (r >= 0)
                table_print(&t, stdout);
        return r;
}

static void print_values(const struct ingot_replay *replay)
{
        for (enum ingot_bank bank = 0; bank < INGOT_BANK_MAX; bank++) {
                if (!(replay->banks & 1u << bank))
                        continue;
                printf("\n");
                for (unsigned i = 0; i < INGOT_PCR_COUNT; i++) {
                        char hex[2 * INGOT_BANK_SIZE_MAX + 1];
                        if (!(replay->touched & 1u << i))
                                continue;
                        ingot_hex(hex, replay->pcrs[i].value[bank], ingot_bank_size(bank));
                        printf("%s %u %s\n", ingot_bank_name(bank), i, hex);
                }
        }
}

static int add_digests(struct json_object *o, const struct ingot_event *e, ingot_error *reterr)
{
        struct json_object *list, *digest;
        int r = ingot_json_add_array(o, "digests", &list, reterr);
        for (size_t i = 0; r >= 0 && i < e->digest_count; i++) {
                char number[16];
                enum ingot_bank bank;
                bool known = ingot_bank_of_algorithm(e->digests[i].algorithm, &bank);
                snprintf(number, sizeof(number), "0x%04x", e->digests[i].algorithm);
                r = ingot_json_add_object(list, NULL, &digest, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(digest, "hashAlg",
                                                known ? ingot_bank_name(bank) : number, reterr);
                if (r >= 0)
                        r = ingot_json_add_hex(digest, "digest", e->digests[i].data,
                                               e->digests[i].size, reterr);
        }
        return r;
}

/* What the data says, beside the data itself. */
static int add_meaning(struct json_object *o, const struct ingot_event *e, ingot_error *reterr)
{
        static const char *const words[] = {
                [INGOT_EVENT_UNCHECKED] = NULL,
                [INGOT_EVENT_MATCHES] = "yes",
                [INGOT_EVENT_DIFFERS] = "no",
        };
        _cleanup_buffer_ struct ingot_buffer what = {0};
        int r = ingot_event_text(e, &what, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "description", (const char *) what.data, reterr);
        return r < 0 ? r
                     : ingot_json_add_text(o, "data_matches_digest", words[ingot_event_match(e)],
                                           reterr);
}

static int add_content(struct json_object *o, const struct ingot_event *e, bool meaning,
                       ingot_error *reterr)
{
        struct json_object *content;
        const char *name = ingot_event_type_name(e->type);
        char number[16];
        snprintf(number, sizeof(number), "%#" PRIx32, e->type);
        int r = ingot_json_add_text(o, "content_type", "pcclient_std", reterr);
        if (r >= 0)
                r = ingot_json_add_object(o, "content", &content, reterr);
        if (r >= 0)
                r = ingot_json_add_text(content, "event_type", name ? name : number, reterr);
        if (r >= 0)
                r = ingot_json_add_hex(content, "event_data", e->data.data, e->data.size, reterr);
        return r < 0 || !meaning ? r : add_meaning(o, e, reterr);
}

static int add_events(struct json_object *list, const struct ingot_eventlog *log, bool meaning,
                      ingot_error *reterr)
{
        struct json_object *o;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < log->count; i++) {
                const struct ingot_event *e = log->events + i;
                r = ingot_json_add_object(list, NULL, &o, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(o, "pcr", e->index, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(o, "recnum", i + 1, reterr);
                if (r >= 0)
                        r = add_digests(o, e, reterr);
                if (r >= 0)
                        r = add_content(o, e, meaning, reterr);
        }
        return r;
}

static int add_values(struct json_object *o, const struct ingot_replay *replay,
                      ingot_error *reterr)
{
        struct json_object *banks, *values;
        int r = ingot_json_add_object(o, "pcrs", &banks, reterr);
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++) {
                if (!(replay->banks & 1u << bank))
                        continue;
                r = ingot_json_add_object(banks, ingot_bank_name(bank), &values, reterr);
                for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++) {
                        char number[4];
                        snprintf(number, sizeof(number), "%u", i);
                        if (replay->touched & 1u << i)
                                r = ingot_json_add_hex(values, number,
                                                       replay->pcrs[i].value[bank],
                                                       ingot_bank_size(bank), reterr);
                }
        }
        return r;
}

static int print_cel(const struct ingot_eventlog *log, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *list = NULL;
        int r = ingot_json_new_array(&list, reterr);
        if (r >= 0)
                r = add_events(list, log, false, reterr);
        return r < 0 ? r : json_print(list, reterr);
}

static int print_json(const struct ingot_eventlog *log, const struct ingot_replay *replay,
                      ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "events", &list, reterr);
        if (r >= 0)
                r = add_events(list, log, true, reterr);
        if (r >= 0)
                r = add_values(o, replay, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "problem", log->problem, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static int print_all(const struct ingot_eventlog *log, ingot_error *reterr)
{
        struct ingot_replay replay;
        ingot_replay_start(&replay);
        int r = ingot_replay_log(&replay, log, reterr);
        if (r >= 0)
                r = print_events(log, reterr);
        if (r >= 0)
                print_values(&replay);
        return r;
}

static int show(const struct ingot_eventlog *log, const struct invocation *in, ingot_error *reterr)
{
        const struct log_options *o = in->options;
        struct ingot_replay replay;
        if (o->cel)
                return print_cel(log, reterr);
        if (!in->json)
                return print_all(log, reterr);
        ingot_replay_start(&replay);
        int r = ingot_replay_log(&replay, log, reterr);
        return r < 0 ? r : print_json(log, &replay, reterr);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const char *path = in->operand_count > 0 ? in->operands[0] : FIRMWARE_LOG;
        _cleanup_free_ uint8_t *bytes = NULL;
        _cleanup_eventlog_ struct ingot_eventlog log = {0};
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_EVENTLOG_SIZE_MAX, &bytes, &size, reterr);
        if (r == -INGOT_E_NOTFOUND && in->operand_count == 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "this machine shows no event log (%s): it has no TPM, or its "
                                  "firmware keeps none; name a FILE",
                                  path);
        if (r < 0)
                return r;
        r = ingot_eventlog_decode(INGOT_SPAN(bytes, size), &log, reterr);
        if (r >= 0)
                r = show(&log, in, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        if (!log.problem)
                return 0;
        fflush(stdout);
        return ingot_fail(reterr, INGOT_E_FORMAT, "%s: %s; the events before it are shown", path,
                          log.problem);
}

static const struct example examples[] = {
        {"ingot pcr log boot.log", "Show the events of a log, and the PCR values they give"},
        {"ingot pcr log --json boot.log", "The same for a program"},
        {"ingot pcr log --cel boot.log", "Convert it to the Canonical Event Log format"},
        {0},
};

const struct command cmd_pcr_log = {
        .name = "pcr log",
        .synopsis = "[FILE]",
        .summary = "Show what firmware and boot loader measured",
        .details =
                "Reads a firmware event log: that of a TPM, with one digest for each event or with "
                "several, or the log area of a confidential machine (CCEL). Without FILE it is "
                "this machine's. No TPM is needed.\n"
                "\n"
                "One line shows one event: the PCR it went into (of a CCEL log: the measurement "
                "register), whether the digest is that of the data beside it (\"-\": the log does "
                "not have what was measured), its type, and what the data says. The values that "
                "the PCRs have if the log is true follow.\n"
                "\n"
                "A log is not protected: only digests are bound to PCRs. Where DATA says NO, the "
                "description is not of what was measured.",
        .rows = rows,
        .examples = examples,
        .operands_max = 1,
        .options_size = sizeof(struct log_options),
        .run = run,
};
