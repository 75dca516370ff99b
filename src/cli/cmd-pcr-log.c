/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot pcr log [FILE] */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/machine-image.h"
#include "cli/pcr-log.h"
#include "cli/print.h"
#include "cli/table.h"

#include <inttypes.h>

struct log_options {
        bool cel;
        const char *userspace, *root, *image;
};

static const struct option rows[] = {
        STRING(0, "userspace", "FILE", struct log_options, userspace,
               "The log of user space that goes with it (systemd's tpm2-measure.log)"),
        STRING(0, "root", "DIR", struct log_options, root,
               "Without FILE: look at the machine whose root is that folder"),
        OPTION_MACHINE_IMAGE(struct log_options, image),
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

static int add_event_row(struct table *t, const struct ingot_event *e, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer what = {0};
        _cleanup_free_ char *type = NULL;
        int r = ingot_event_text(e, &what, reterr);
        if (r >= 0)
                r = pcr_log_type_text(e->type, &type, reterr);
        if (r >= 0)
                r = table_addf(t, reterr, "%" PRIu32, e->index);
        if (r >= 0)
                r = table_add(t, match_text(ingot_event_match(e)), reterr);
        if (r >= 0)
                r = table_add(t, type, reterr);
        return r < 0 ? r : table_add(t, (const char *) what.data, reterr);
}

/* Type and string of an event of user space. */
static int add_words(struct table *t, const struct ingot_userspace_event *e, ingot_error *reterr)
{
        int r = table_add(t, match_text(ingot_userspace_event_match(e)), reterr);
        if (r >= 0)
                r = table_add(t, e->type, reterr);
        return r < 0 ? r : table_add(t, e->string, reterr);
}

static int print_events(const struct ingot_boot_log *log, ingot_error *reterr)
{
        static const struct table_column columns[] = {
                {"PCR", true, false}, {"DATA", false, false}, {"EVENT", false, false},
                {"WHAT", false, true}};
        _cleanup_table_ struct table t = TABLE(columns);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < log->firmware.count; i++)
                r = add_event_row(&t, log->firmware.events + i, reterr);
        for (size_t i = 0; r >= 0 && i < log->userspace.count; i++) {
                const struct ingot_userspace_event *e = log->userspace.events + i;
                if (e->record.nv_index != 0)
                        continue;
                r = table_addf(&t, reterr, "%" PRIu32, e->record.pcr);
                if (r >= 0)
                        r = add_words(&t, e, reterr);
        }
        if (r >= 0)
                table_print(&t, stdout);
        return r;
}

static int print_nv_events(const struct ingot_userspace_log *log, ingot_error *reterr)
{
        static const struct table_column columns[] = {
                {"NV INDEX", false, false}, {"NAME", false, false}, {"DATA", false, false},
                {"EVENT", false, false}, {"WHAT", false, true}};
        _cleanup_table_ struct table t = TABLE(columns);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < log->count; i++) {
                const struct ingot_userspace_event *e = log->events + i;
                if (e->record.nv_index == 0)
                        continue;
                r = table_addf(&t, reterr, "0x%08" PRIx32, e->record.nv_index);
                if (r >= 0)
                        r = table_add(&t, e->nv_name, reterr);
                if (r >= 0)
                        r = add_words(&t, e, reterr);
        }
        if (r >= 0 && t.cells.count > 0) {
                printf("\n");
                table_print(&t, stdout);
        }
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

static int print_cel(const struct ingot_boot_log *log, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *list = NULL;
        int r = ingot_json_new_array(&list, reterr);
        if (r >= 0)
                r = pcr_log_add_events(list, log, false, reterr);
        return r < 0 ? r : json_print(list, reterr);
}

static int add_problems(struct json_object *o, const struct ingot_boot_log *log,
                        ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_add_text(o, "problem", log->firmware.problem, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "userspace_problems", &list, reterr);
        for (size_t i = 0; r >= 0 && i < log->userspace.problems.count; i++)
                r = ingot_json_add_text(list, NULL, log->userspace.problems.items[i], reterr);
        return r < 0 ? r
                     : ingot_json_add_bool(o, "userspace_interrupted", log->interrupted, reterr);
}

static int print_json(const struct ingot_boot_log *log, const struct ingot_replay *replay,
                      ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "events", &list, reterr);
        if (r >= 0)
                r = pcr_log_add_events(list, log, true, reterr);
        if (r >= 0)
                r = add_values(o, replay, reterr);
        if (r >= 0)
                r = add_problems(o, log, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static int print_all(const struct ingot_boot_log *log, const struct ingot_replay *replay,
                     ingot_error *reterr)
{
        int r = print_events(log, reterr);
        if (r >= 0)
                r = print_nv_events(&log->userspace, reterr);
        if (r >= 0)
                print_values(replay);
        return r;
}

static int show(const struct ingot_boot_log *log, const struct invocation *in, ingot_error *reterr)
{
        const struct log_options *o = in->options;
        struct ingot_replay replay;
        if (o->cel)
                return print_cel(log, reterr);
        int r = ingot_boot_log_replay(log, &replay, reterr);
        if (r < 0)
                return r;
        return in->json ? print_json(log, &replay, reterr) : print_all(log, &replay, reterr);
}

static int load(const struct invocation *in, struct ingot_boot_log *ret, ingot_error *reterr)
{
        const struct log_options *o = in->options;
        _cleanup_machine_image_ struct machine_image image = MACHINE_IMAGE_NONE;
        const struct ingot_boot_log_request request = {
                .firmware = in->operand_count > 0 ? in->operands[0] : NULL,
                .userspace = o->userspace,
                .root = o->root,
        };
        if ((o->root || o->image) && (request.firmware || request.userspace))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "--%s is for a machine, not for files that are named",
                                  o->root ? "root" : "image");
        if (o->root && o->image)
                return ingot_fail(reterr, INGOT_E_USAGE, "--root and --image exclude each other");
        if (!o->image)
                return ingot_boot_log_load(&request, ret, reterr);
        int r = machine_image_open(&image, o->image, reterr);
        return r < 0 ? r : machine_image_log(&image, ret, reterr);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        _cleanup_boot_log_ struct ingot_boot_log log = {0};
        int r = load(in, &log, reterr);
        if (r >= 0)
                r = show(&log, in, reterr);
        if (r < 0)
                return r;
        fflush(stdout);
        if (log.interrupted)
                ingot_warn(in->log,
                           "%s is marked as incomplete: a measurement was interrupted, or is "
                           "being made",
                           log.userspace_path);
        return ingot_boot_log_problem(&log, reterr);
}

static const struct example examples[] = {
        {"ingot pcr log boot.log", "Show the events of a log, and the PCR values they give"},
        {"ingot pcr log --userspace tpm2-measure.log boot.log",
         "The same with what the system measured after the kernel was started"},
        {"ingot pcr log --json boot.log", "The same for a program"},
        {"ingot pcr log --cel boot.log", "Convert it to the Canonical Event Log format"},
        {0},
};

const struct command cmd_pcr_log = {
        .name = "pcr log",
        .synopsis = "[FILE]",
        .summary = "Show what firmware, boot loader and system measured",
        .details =
                "Reads a firmware event log: that of a TPM, with one digest for each event or with "
                "several, or the log area of a confidential machine (CCEL); and the log that "
                "systemd keeps of what the running system measures. Without files they are this "
                "machine's. No TPM is needed.\n"
                "\n"
                "One line shows one event: the PCR it went into (of a CCEL log: the measurement "
                "register), whether the digest is that of the data beside it (\"-\": the log does "
                "not have what was measured), its type, and what the data says. What went into NV "
                "indexes of the TPM that are used as PCRs is shown apart. The values that the PCRs "
                "have if the logs are true follow.\n"
                "\n"
                "A log is not protected: only digests are bound to PCRs. Where DATA says NO, the "
                "description is not of what was measured.\n"
                "\n"
                "What can be read of a damaged log is shown; then the exit status is 1.\n"
                "\n"
                "A machine has its logs in /sys and /run, so in memory. An image of its disk has "
                "them "
                "only where somebody copied these folders into it; any other copy is shown by "
                "'ingot cat IMAGE PATH', and read as a FILE.",
        .rows = rows,
        .examples = examples,
        .operands_max = 1,
        .options_size = sizeof(struct log_options),
        .run = run,
};
