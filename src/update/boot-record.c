/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record of boots: a small JSON file, replaced as a whole at every change. */
#include "update/boot-record.h"
#include "base/cleanup.h"
#include "base/json-read.h"
#include "base/text.h"
#include "os/file.h"

#include <fcntl.h>
#include <string.h>

#define FORMAT_NUMBER 1
#define BOOT_ID_DIGITS 32
#define TEXT_CUT 256             /* bytes of a text that is noted … */
#define TEXT_MAX ((size_t) 2048) /* … and of one that is read, which may have been escaped */

static const char *const stages[] = {"begun", "complete", "failed"};

const char *ingot_boot_stage_name(enum ingot_boot_stage stage)
{
        return stages[stage];
}

static void record_done(struct ingot_boot_record *r)
{
        free(r->version);
        free(r->boot_id);
        free(r->entry);
        free(r->unit);
        free(r->reason);
        *r = (struct ingot_boot_record){0};
}

void ingot_boot_records_done(struct ingot_boot_records *r)
{
        for (size_t i = 0; i < r->count; i++)
                record_done(r->items + i);
        free(r->items);
        *r = (struct ingot_boot_records){0};
}

/* A copy, cut where it is too long; NULL of NULL. */
static int copy_text(char **ret, const char *text, ingot_error *reterr)
{
        return text ? ingot_format(ret, reterr, "%.*s", TEXT_CUT, text) : 0;
}

static bool is_boot_id(const char *text)
{
        return strlen(text) == BOOT_ID_DIGITS && text[strspn(text, "0123456789abcdef")] == 0;
}

static int take_text(struct json_object *o, const char *key, char **ret, ingot_error *reterr)
{
        const char *text;
        int r = ingot_json_want_text(o, key, &text, reterr);
        if (r >= 0 && text && strlen(text) > TEXT_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "'%s' is longer than %zu bytes", key,
                                  TEXT_MAX);
        return r < 0 || !text ? r : ingot_strdup(ret, text, reterr);
}

static int decode_record(struct json_object *o, struct ingot_boot_record *ret, ingot_error *reterr)
{
        const char *stage = NULL;
        int r = take_text(o, "version", &ret->version, reterr);
        if (r >= 0)
                r = take_text(o, "boot_id", &ret->boot_id, reterr);
        if (r >= 0)
                r = take_text(o, "entry", &ret->entry, reterr);
        if (r >= 0)
                r = ingot_json_get_text(o, "stage", &stage, reterr);
        if (r >= 0)
                r = take_text(o, "unit", &ret->unit, reterr);
        if (r >= 0)
                r = take_text(o, "reason", &ret->reason, reterr);
        if (r >= 0)
                r = ingot_json_get_u64(o, "time", &ret->time, reterr);
        if (r < 0)
                return r;
        if (!ret->version || !ret->boot_id || !is_boot_id(ret->boot_id))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "no 'version', or no 'boot_id' of %d hexadecimal digits",
                                  BOOT_ID_DIGITS);
        for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
                if (strcmp(stage, stages[i]) == 0) {
                        ret->stage = (enum ingot_boot_stage) i;
                        return 0;
                }
        return ingot_fail(reterr, INGOT_E_FORMAT,
                          "'stage' is '%.40s', not begun, complete or failed", stage);
}

static int decode_list(struct json_object *list, struct ingot_boot_records *ret,
                       ingot_error *reterr)
{
        size_t count = json_object_array_length(list);
        ret->items = calloc(count + 1, sizeof(*ret->items));
        if (!ret->items)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < count; i++) {
                ret->count++;
                int r = decode_record(json_object_array_get_idx(list, i), ret->items + i, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "boot %zu", i + 1);
        }
        return 0;
}

int ingot_boot_records_decode(struct ingot_span text, struct ingot_boot_records *ret,
                              ingot_error *reterr)
{
        _cleanup_boot_records_ struct ingot_boot_records records = {0};
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list = NULL;
        uint64_t format;
        int r = ingot_json_parse(text, INGOT_BOOT_RECORDS_SIZE_MAX, &o, reterr);
        if (r >= 0)
                r = ingot_json_get_u64(o, "format", &format, reterr);
        if (r >= 0 && format != FORMAT_NUMBER)
                r = ingot_fail(reterr, INGOT_E_UNSUPPORTED, "format %llu is not known",
                               (unsigned long long) format);
        if (r >= 0)
                r = ingot_json_get_array(o, "boots", INGOT_BOOT_RECORDS_MAX, &list, reterr);
        if (r >= 0)
                r = decode_list(list, &records, reterr);
        if (r < 0)
                return r;
        *ret = records;
        records = (struct ingot_boot_records){0};
        return 0;
}

static int encode_record(struct json_object *list, const struct ingot_boot_record *record,
                         ingot_error *reterr)
{
        struct json_object *o = NULL;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "version", record->version, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "boot_id", record->boot_id, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "entry", record->entry, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "stage", stages[record->stage], reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "unit", record->unit, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "reason", record->reason, reterr);
        return r < 0 ? r : ingot_json_add_u64(o, "time", record->time, reterr);
}

int ingot_boot_records_encode(const struct ingot_boot_records *records, struct ingot_buffer *ret,
                              ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list = NULL;
        const char *text;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "format", FORMAT_NUMBER, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "boots", &list, reterr);
        for (size_t i = 0; r >= 0 && i < records->count; i++)
                r = encode_record(list, records->items + i, reterr);
        if (r >= 0)
                r = ingot_json_text(o, true, &text, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "%s\n", text);
}

static int path_of(const char *root, char **ret, ingot_error *reterr)
{
        return ingot_format(ret, reterr, "%s" INGOT_BOOT_RECORDS_FILE, root ? root : "");
}

int ingot_boot_records_load(const char *root, struct ingot_boot_records *ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = path_of(root, &path, reterr);
        if (r < 0)
                return r;
        r = ingot_file_read(AT_FDCWD, path, INGOT_BOOT_RECORDS_SIZE_MAX, &text, &size, reterr);
        if (r == -INGOT_E_NOTFOUND)
                *ret = (struct ingot_boot_records){0};
        if (r < 0)
                return r == -INGOT_E_NOTFOUND ? 0 : r;
        r = ingot_boot_records_decode(INGOT_SPAN(text, size), ret, reterr);
        return ingot_under(reterr, r, "%s", path);
}

static int copy_record(const struct ingot_boot_record *from, struct ingot_boot_record *to,
                       ingot_error *reterr)
{
        *to = (struct ingot_boot_record){.stage = from->stage, .time = from->time};
        int r = copy_text(&to->version, from->version, reterr);
        if (r >= 0)
                r = copy_text(&to->boot_id, from->boot_id, reterr);
        if (r >= 0)
                r = copy_text(&to->entry, from->entry, reterr);
        if (r >= 0)
                r = copy_text(&to->unit, from->unit, reterr);
        if (r >= 0)
                r = copy_text(&to->reason, from->reason, reterr);
        if (r < 0)
                record_done(to);
        return r;
}

/* Takes out what there is of the same boot, and the oldest when it is full; the new one is last. */
static int put_record(struct ingot_boot_records *records, const struct ingot_boot_record *record,
                      ingot_error *reterr)
{
        struct ingot_boot_record copy;
        size_t kept = 0;
        struct ingot_boot_record *items =
                reallocarray(records->items, records->count + 1, sizeof(*items));
        if (!items)
                return ingot_fail_nomem(reterr);
        records->items = items;
        int r = copy_record(record, &copy, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < records->count; i++) {
                bool same = strcmp(items[i].boot_id, copy.boot_id) == 0;
                if (same && !copy.entry)
                        copy.entry = TAKE_PTR(items[i].entry);
                if (same || (i == 0 && records->count >= INGOT_BOOT_RECORDS_MAX))
                        record_done(items + i);
                else
                        items[kept++] = items[i];
        }
        items[kept++] = copy;
        records->count = kept;
        return 0;
}

int ingot_boot_record_write(const char *root, const struct ingot_boot_record *record,
                            ingot_error *reterr)
{
        _cleanup_boot_records_ struct ingot_boot_records records = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_free_ char *path = NULL, *folder = NULL;
        if (!record->version || !record->boot_id || !is_boot_id(record->boot_id))
                return ingot_fail(reterr, INGOT_E_INTERNAL, "a boot without version or id");
        if (ingot_boot_records_load(root, &records, NULL) < 0)
                records = (struct ingot_boot_records){0};
        int r = put_record(&records, record, reterr);
        if (r >= 0)
                r = ingot_boot_records_encode(&records, &text, reterr);
        if (r >= 0)
                r = path_of(root, &path, reterr);
        if (r >= 0)
                r = ingot_strdup(&folder, path, reterr);
        if (r < 0)
                return r;
        *strrchr(folder, '/') = 0;
        r = ingot_make_directories(folder, 0755, reterr);
        return r < 0 ? r : ingot_outfile_put(path, text.data, text.size, 0644, reterr);
}

struct ingot_boot_history ingot_boot_records_history(const struct ingot_boot_records *r,
                                                     const char *version)
{
        static const enum ingot_boot_fate fates[] = {
                [INGOT_BOOT_BEGUN] = INGOT_BOOT_FATE_RESET,
                [INGOT_BOOT_COMPLETE] = INGOT_BOOT_FATE_COMPLETE,
                [INGOT_BOOT_FAILED] = INGOT_BOOT_FATE_FAILED,
        };
        struct ingot_boot_history h = {.fate = INGOT_BOOT_FATE_UNSEEN};
        for (size_t i = 0; i < r->count; i++) {
                if (strcmp(r->items[i].version, version) != 0)
                        continue;
                h.last = r->items + i;
                h.fate = fates[h.last->stage];
                h.boots++;
        }
        return h;
}

int ingot_boot_history_text(const struct ingot_boot_history *h, char **ret, ingot_error *reterr)
{
        const struct ingot_boot_record *last = h->last;
        switch (h->fate) {
        case INGOT_BOOT_FATE_FAILED:
                if (!last->unit)
                        return ingot_strdup(ret, "failed, and it is not known at which unit",
                                            reterr);
                return ingot_format(ret, reterr, "failed at %s%s%s%s", last->unit,
                                    last->reason ? " (" : "", last->reason ? last->reason : "",
                                    last->reason ? ")" : "");
        case INGOT_BOOT_FATE_RESET:
                return ingot_strdup(ret,
                                    "started its services and ended before they were complete: a "
                                    "watchdog, a crash, or the power",
                                    reterr);
        case INGOT_BOOT_FATE_COMPLETE:
                return ingot_strdup(ret, "came up", reterr);
        case INGOT_BOOT_FATE_UNSEEN:
                break;
        }
        return ingot_strdup(
                ret,
                "failed before /var was there: in the loader, the kernel, the initrd, or "
                "the start of process 1",
                reterr);
}
