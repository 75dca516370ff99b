/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot update boot: what units say of a boot that is on trial. */
#include "base/cleanup.h"
#include "base/uuid.h"
#include "cli/command.h"
#include "format/os-release.h"
#include "os/efivar.h"
#include "os/file.h"
#include "update/boot-record.h"
#include "update/boot-units.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX ((size_t) 64 << 10)
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define LAST_RESORT "/run/ingot/no-restart"

struct boot_options {
        const char *root, *entry, *reason;
};

static const struct option rows[] = {
        STRING(0, "root", "DIR", struct boot_options, root,
               "Of the machine whose root is that folder"),
        STRING(0, "entry", "NAME", struct boot_options, entry,
               "The boot entry's file name; default: as the loader says"),
        STRING(0, "reason", "WORDS", struct boot_options, reason,
               "With failed and a unit, why: its result, or a few words"),
        {0},
};

/* IMAGE_VERSION of the running system. */
static int read_version(const char *root, char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_format(&path, reterr, "%s/usr/lib/os-release", root);
        if (r >= 0)
                r = ingot_file_read(AT_FDCWD, path, TEXT_MAX, &text, &size, reterr);
        if (r >= 0)
                r = ingot_os_release_field(INGOT_SPAN(text, size), "IMAGE_VERSION", ret, reterr);
        if (r >= 0 && (!*ret || !**ret))
                r = ingot_fail(reterr, INGOT_E_FORMAT, "%s has no IMAGE_VERSION", path);
        return r;
}

/* 32 digits, without the kernel's dashes. */
static int read_boot_id(char **ret, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        struct ingot_uuid id;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, BOOT_ID, TEXT_MAX, &text, &size, reterr);
        if (r < 0)
                return r;
        text[strcspn((char *) text, "\n")] = 0;
        if (!ingot_uuid_parse((char *) text, &id) || !(*ret = malloc(2 * sizeof(id.bytes) + 1)))
                return ingot_fail(reterr, INGOT_E_FORMAT, BOOT_ID " holds no id");
        ingot_hex(*ret, id.bytes, sizeof(id.bytes));
        return 0;
}

/* The file that the loader renamed for this boot, "\EFI\Linux\a_2+1-2.efi"; NULL in *ret: it
 * counted none. */
static int read_entry(const struct boot_options *o, char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        if (o->entry)
                return ingot_strdup(ret, o->entry, reterr);
        if (*o->root ||
            ingot_efivar_read_text("LoaderBootCountPath", INGOT_EFIVAR_LOADER, &path, NULL) < 0)
                return 0;
        const char *slash = strrchr(path, '\\');
        return ingot_strdup(ret, slash ? slash + 1 : path, reterr);
}

/* "+0-4.efi": no tries are left. */
static bool is_used_up(const char *entry)
{
        const char *plus = entry ? strrchr(entry, '+') : NULL;
        size_t digits = plus ? strspn(plus + 1, "0123456789") : 0;
        return digits > 0 && digits == strspn(plus + 1, "0");
}

/* The entry had none left in the boot before already, and still it was taken: the loader has
 * nothing better. A restart would be one of many. */
static int tell_last_resort(const char *root, const struct ingot_boot_record *record,
                            ingot_error *reterr)
{
        _cleanup_boot_records_ struct ingot_boot_records records = {0};
        _cleanup_free_ char *path = NULL, *folder = NULL;
        bool before = false;
        int r = ingot_boot_records_load(root, &records, NULL);
        for (size_t i = 0; r >= 0 && i < records.count; i++)
                if (strcmp(records.items[i].version, record->version) == 0 &&
                    strcmp(records.items[i].boot_id, record->boot_id) != 0)
                        before = is_used_up(records.items[i].entry);
        if (!before || !is_used_up(record->entry))
                return 0;
        r = ingot_format(&path, reterr, "%s" LAST_RESORT, root);
        if (r >= 0)
                r = ingot_format(&folder, reterr, "%s/run/ingot", root);
        if (r >= 0)
                r = ingot_make_directories(folder, 0755, reterr);
        return r < 0 ? r : ingot_outfile_put(path, "", 0, 0644, reterr);
}

static int find_culprit(const struct invocation *in, const struct boot_options *o,
                        struct ingot_boot_culprit *c, ingot_error *reterr)
{
        ingot_error error = {0};
        if (in->operand_count > 1) {
                int r = ingot_strdup(&c->unit, in->operands[1], reterr);
                return r < 0 || !o->reason ? r : ingot_strdup(&c->reason, o->reason, reterr);
        }
        if (ingot_boot_culprit(c, &error) < 0)
                ingot_warn(in->log, "which unit failed is not known: %s", error.text);
        return 0;
}

static int parse_stage(const char *word, enum ingot_boot_stage *ret, ingot_error *reterr)
{
        static const char *const words[] = {"begin", "complete", "failed"};
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strcmp(word, words[i]) == 0) {
                        *ret = (enum ingot_boot_stage) i;
                        return 0;
                }
        return ingot_fail(reterr, INGOT_E_USAGE, "\"%s\" is not begin, complete or failed", word);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        struct boot_options *o = in->options;
        struct ingot_boot_record record = {.time = (uint64_t) time(NULL)};
        _cleanup_free_ char *version = NULL, *boot_id = NULL, *entry = NULL;
        _cleanup_boot_culprit_ struct ingot_boot_culprit culprit = {0};
        if (!o->root)
                o->root = "";
        int r = parse_stage(in->operands[0], &record.stage, reterr);
        if (r >= 0 && in->operand_count > 1 && record.stage != INGOT_BOOT_FAILED)
                r = ingot_fail(reterr, INGOT_E_USAGE, "only \"failed\" takes a unit");
        if (r >= 0)
                r = read_version(o->root, &version, reterr);
        if (r >= 0)
                r = read_boot_id(&boot_id, reterr);
        if (r >= 0)
                r = read_entry(o, &entry, reterr);
        if (r >= 0 && record.stage == INGOT_BOOT_FAILED)
                r = find_culprit(in, o, &culprit, reterr);
        if (r < 0)
                return r;
        record.version = version;
        record.boot_id = boot_id;
        record.entry = entry;
        record.unit = culprit.unit;
        record.reason = culprit.reason;
        if (record.stage == INGOT_BOOT_BEGUN)
                r = tell_last_resort(o->root, &record, reterr);
        return r < 0 ? r : ingot_boot_record_write(o->root, &record, reterr);
}

static const struct example examples[] = {
        {"ingot update boot begin --root=machine --entry=device_3+2-1.efi",
         "Note that the services of a release start"},
        {"ingot update boot failed --root=machine nginx.service --reason=exit-code",
         "Note at which unit it failed"},
        {0},
};

const struct command cmd_update_boot = {
        .name = "update boot",
        .synopsis = "begin|complete|failed [UNIT]",
        .summary = "Note how far a boot came (for units)",
        .details =
                "For the units of an image with a section [Update]: each boot of an entry that the "
                "loader counts is noted in /var/lib/ingot/update/boots.json, so that 'ingot update "
                "status' can tell what became of a release.\n"
                "\n"
                "With \"failed\" and no unit, systemd is asked which one it was: a failed one that "
                "boot-complete.target requires, any other that failed, or the one whose start is "
                "still going on.\n"
                "\n"
                "\"begin\" makes /run/ingot/no-restart when the entry had no tries left before: "
                "there is nothing better to fall back to then, and ingot-boot-failed.service does "
                "not restart.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 2,
        .options_size = sizeof(struct boot_options),
        .run = run,
};
