/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/explain-detail.h"

#include "base/cleanup.h"
#include "format/device-path.h"
#include "trust/certificate.h"

#include <inttypes.h>

#define SHOWN_MAX 4 /* certificates, partitions, words of a list */

static bool variable_of(const struct ingot_explain_event *e, struct ingot_event_variable *ret)
{
        return e && e->firmware && ingot_event_variable_decode(e->firmware->data, ret);
}

/* The words of a measurement, without the name of the variable that it is of. */
static int words_of(const struct ingot_explain_event *e, char **ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        if (!e->firmware) {
                *ret = ingot_escape(e->userspace && e->userspace->string ? e->userspace->string
                                                                         : "");
                return *ret ? 0 : ingot_fail_nomem(reterr);
        }
        int r = ingot_event_text(e->firmware, &b, reterr);
        if (r < 0)
                return r;
        struct ingot_event_variable v;
        const char *words = (const char *) b.data, *value = strstr(words, ": ");
        bool variable = variable_of(e, &v) && value;
        return ingot_strdup(ret, variable ? value + 2 : words, reterr);
}

int explain_detail_words(const struct ingot_explain_event *before,
                         const struct ingot_explain_event *after, struct ingot_buffer *ret,
                         ingot_error *reterr)
{
        _cleanup_free_ char *was = NULL, *is = NULL;
        int r = words_of(before, &was, reterr);
        if (r >= 0)
                r = words_of(after, &is, reterr);
        if (r < 0 || strcmp(was, is) == 0)
                return r;
        if (!*was)
                return ingot_buffer_printf(ret, reterr, ": it is '%s' now", is);
        return ingot_buffer_printf(ret, reterr, ": it was '%s' and is '%s' now", was, is);
}

int explain_detail_file(const struct ingot_explain_event *before,
                        const struct ingot_explain_event *after, struct ingot_buffer *ret,
                        ingot_error *reterr)
{
        bool same = strcmp(before->name, after->name) == 0;
        int r = same ? ingot_buffer_printf(ret, reterr, " at %s", after->name)
                     : ingot_buffer_printf(ret, reterr, ": %s, in place of %s", after->name,
                                           before->name);
        _cleanup_free_ char *info = before->info ? ingot_escape(before->info) : NULL;
        return r < 0 || !info ? r : ingot_buffer_printf(ret, reterr, " (expected: %s)", info);
}

int explain_detail_on_off(const struct ingot_explain_event *before,
                          const struct ingot_explain_event *after, struct ingot_buffer *ret,
                          ingot_error *reterr)
{
        struct ingot_event_variable v;
        (void) before;
        bool on = variable_of(after, &v) && v.data.size == 1 && v.data.data[0] == 1;
        return ingot_buffer_printf(ret, reterr, " is %s now", on ? "on" : "off");
}

/* How many of A are not in B; the first certificates among them are appended to NAMES. */
static int count_missing(const struct ingot_efi_signatures *a, const struct ingot_efi_signatures *b,
                         size_t *ret_certificates, size_t *ret_hashes, struct ingot_buffer *names,
                         ingot_error *reterr)
{
        size_t certificates = 0, hashes = 0;
        int r = ingot_buffer_printf(names, reterr, "%s", "");
        for (size_t i = 0; r >= 0 && i < a->count; i++) {
                const struct ingot_efi_signature *s = a->items + i;
                _cleanup_certificate_ struct ingot_certificate *c = NULL;
                if (ingot_efi_signatures_find(b, &s->type, s->data))
                        continue;
                hashes += s->kind != INGOT_EFI_SIGNATURE_X509;
                if (s->kind != INGOT_EFI_SIGNATURE_X509 || certificates++ >= SHOWN_MAX)
                        continue;
                bool good = ingot_certificate_decode(&c, s->data, NULL) >= 0;
                r = ingot_buffer_printf(names, reterr, "%s%s", names->size ? "; " : ": ",
                                        good ? ingot_certificate_subject(c) : "?");
        }
        *ret_certificates = certificates;
        *ret_hashes = hashes;
        return r;
}

/* "3 hashes more, 1 certificate less: CN = …" */
static int say_missing(const struct ingot_efi_signatures *a, const struct ingot_efi_signatures *b,
                       const char *word, struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer names = {0};
        size_t certificates, hashes;
        int r = count_missing(a, b, &certificates, &hashes, &names, reterr);
        if (r >= 0 && hashes > 0)
                r = ingot_buffer_printf(ret, reterr, "%s%zu hash%s %s", ret->size ? ", " : "",
                                        hashes, hashes == 1 ? "" : "es", word);
        if (r >= 0 && certificates > 0)
                r = ingot_buffer_printf(ret, reterr, "%s%zu certificate%s %s%s",
                                        ret->size ? ", " : "", certificates,
                                        certificates == 1 ? "" : "s", word,
                                        (const char *) names.data);
        return r;
}

static int say_key_changes(struct ingot_span before, struct ingot_span after,
                           struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_efi_signatures_ struct ingot_efi_signatures a = {0}, b = {0};
        if (ingot_efi_signatures_decode(before, &a, NULL) < 0 ||
            ingot_efi_signatures_decode(after, &b, NULL) < 0)
                return 0;
        /* Every one is looked for in the other list: a list that some firmware made has hundreds. */
        if (a.count > 8192 || b.count > 8192)
                return ingot_buffer_printf(ret, reterr, "%zu entries, before %zu", b.count,
                                           a.count);
        int r = say_missing(&b, &a, "more", ret, reterr);
        if (r >= 0)
                r = say_missing(&a, &b, "less", ret, reterr);
        if (r >= 0 && ret->size == 0)
                r = ingot_buffer_printf(ret, reterr, "the same entries, written in another way");
        return r;
}

int explain_detail_keys(const struct ingot_explain_event *before,
                        const struct ingot_explain_event *after, struct ingot_buffer *ret,
                        ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer changes = {0};
        struct ingot_event_variable was, is;
        if (before == after || !variable_of(before, &was) || !variable_of(after, &is))
                return 0;
        int r = say_key_changes(was.data, is.data, &changes, reterr);
        return r < 0 || changes.size == 0
                       ? r
                       : ingot_buffer_printf(ret, reterr, " (%s)", (const char *) changes.data);
}

static const struct ingot_gpt_partition *find_partition(const struct ingot_gpt *gpt,
                                                        const struct ingot_gpt_partition *p)
{
        for (size_t i = 0; i < gpt->partition_count; i++)
                if (ingot_uuid_equal(&gpt->partitions[i].uuid, &p->uuid))
                        return gpt->partitions + i;
        return NULL;
}

static int say_partition(const struct ingot_gpt_partition *p, const char *what,
                         struct ingot_buffer *ret, ingot_error *reterr)
{
        int r = ingot_buffer_printf(ret, reterr, "%spartition %u (", ret->size ? ", " : ": ",
                                    p->number);
        if (r >= 0)
                r = ingot_event_partition_text(p, ret, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, ") %s", what);
}

/* What became of a partition; NULL: nothing. */
static const char *partition_change(const struct ingot_gpt_partition *was,
                                    const struct ingot_gpt_partition *is)
{
        uint64_t before = was->last_lba_inclusive - was->first_lba,
                 after = is->last_lba_inclusive - is->first_lba;
        if (after > before)
                return "grew";
        if (after < before)
                return "shrank";
        if (was->first_lba != is->first_lba)
                return "was moved";
        if (!ingot_uuid_equal(&was->type, &is->type))
                return "has another type";
        if (was->attributes != is->attributes)
                return "has other flags";
        return strcmp(was->name, is->name) != 0 ? "has another name" : NULL;
}

/* Partitions of A, against those of B: what is not in it, and, where AFTER, what changed. */
static int say_partitions(const struct ingot_gpt *a, const struct ingot_gpt *b, bool after,
                          struct ingot_buffer *ret, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < a->partition_count; i++) {
                const struct ingot_gpt_partition *p = a->partitions + i,
                                                 *other = find_partition(b, p);
                const char *what = !other  ? after ? "is new" : "is gone"
                                   : after ? partition_change(other, p)
                                           : NULL;
                if (what)
                        r = say_partition(p, what, ret, reterr);
        }
        return r;
}

static int say_disk(const struct ingot_gpt *was, const struct ingot_gpt *is,
                    struct ingot_buffer *ret, ingot_error *reterr)
{
        char uuid[INGOT_UUID_TEXT_SIZE];
        if (!ingot_uuid_equal(&was->disk_uuid, &is->disk_uuid)) {
                ingot_uuid_format(&is->disk_uuid, uuid);
                return ingot_buffer_printf(ret, reterr, ": it is another disk's (%s)", uuid);
        }
        int r = say_partitions(is, was, true, ret, reterr);
        if (r >= 0)
                r = say_partitions(was, is, false, ret, reterr);
        if (r >= 0 && ret->size == 0 && was->backup_lba != is->backup_lba)
                r = ingot_buffer_printf(ret, reterr, ": the disk's size is another");
        if (r >= 0 && ret->size == 0)
                r = ingot_buffer_printf(ret, reterr,
                                        ": no partition changed, but the table's header did");
        return r;
}

int explain_detail_partitions(const struct ingot_explain_event *before,
                              const struct ingot_explain_event *after, struct ingot_buffer *ret,
                              ingot_error *reterr)
{
        struct ingot_gpt was, is;
        _cleanup_buffer_ struct ingot_buffer changes = {0};
        if (before == after || !before->firmware || !after->firmware ||
            !ingot_event_gpt_decode(before->firmware->data, &was) ||
            !ingot_event_gpt_decode(after->firmware->data, &is))
                return 0;
        int r = say_disk(&was, &is, &changes, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "%s", (const char *) changes.data);
}

/* The path behind the description, in words. */
static int boot_entry_path(struct ingot_span option, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(option);
        ingot_cursor_skip(&c, 4);
        uint16_t size = ingot_cursor_le16(&c);
        while (!c.failed && ingot_cursor_le16(&c) != 0)
                ;
        struct ingot_span path = ingot_cursor_take(&c, size);
        return ingot_device_path_text(path, ret, reterr);
}

int explain_detail_boot_entry(const struct ingot_explain_event *before,
                              const struct ingot_explain_event *after, struct ingot_buffer *ret,
                              ingot_error *reterr)
{
        struct ingot_event_variable v, was;
        _cleanup_free_ char *name = NULL, *safe = NULL;
        _cleanup_buffer_ struct ingot_buffer path = {0};
        if (!variable_of(after ? after : before, &v))
                return 0;
        int r = ingot_event_boot_entry_name(v.data, &name, reterr);
        if (r >= 0)
                r = boot_entry_path(v.data, &path, reterr);
        safe = r < 0 ? NULL : ingot_escape(name);
        if (r < 0 || !safe)
                return r < 0 ? r : ingot_fail_nomem(reterr);
        r = ingot_buffer_printf(ret, reterr, " '%s'", safe);
        if (r < 0 || !before || !after || !variable_of(before, &was))
                return r;
        return ingot_buffer_printf(ret, reterr, ", which starts %s now", (const char *) path.data);
}

/* Words of A that are not in B. */
static int say_words(const struct ingot_strings *a, const struct ingot_strings *b,
                     const char *start, const char *end, struct ingot_buffer *ret,
                     ingot_error *reterr)
{
        size_t shown = 0;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < a->count; i++) {
                if (ingot_strings_contains(b, a->items[i]) || shown++ > SHOWN_MAX)
                        continue;
                r = ingot_buffer_printf(ret, reterr, "%s%s", shown == 1 ? start : " ",
                                        shown > SHOWN_MAX ? "…" : a->items[i]);
        }
        return r < 0 || shown == 0 ? r : ingot_buffer_printf(ret, reterr, "%s", end);
}

int explain_detail_command_line(const struct ingot_explain_event *before,
                                const struct ingot_explain_event *after, struct ingot_buffer *ret,
                                ingot_error *reterr)
{
        _cleanup_free_ char *was = NULL, *is = NULL;
        _cleanup_strings_ struct ingot_strings a = {0}, b = {0};
        int r = words_of(before, &was, reterr);
        if (r >= 0)
                r = words_of(after, &is, reterr);
        if (r >= 0 && !*was)
                return ingot_buffer_printf(ret, reterr, ": it is '%s'", is);
        if (r >= 0)
                r = ingot_strings_split(&a, was, " ", reterr);
        if (r >= 0)
                r = ingot_strings_split(&b, is, " ", reterr);
        if (r >= 0)
                r = say_words(&b, &a, "; new in it is '", "'", ret, reterr);
        return r < 0 ? r : say_words(&a, &b, "; no more in it is '", "'", ret, reterr);
}

/* file-system:PATH:TYPE:UUID:LABEL:PART_UUID:PART_TYPE:PART_NAME */
int explain_detail_file_system(const struct ingot_explain_event *before,
                               const struct ingot_explain_event *after, struct ingot_buffer *ret,
                               ingot_error *reterr)
{
        static const char *const fields[] = {"type",           "UUID",           "label",
                                             "partition UUID", "partition type", "partition name"};
        const char *a = before->userspace ? before->userspace->string : NULL;
        const char *b = after->userspace ? after->userspace->string : NULL;
        size_t shown = 0;
        int r = 0;
        for (size_t i = 0; r >= 0 && a && b && i < ARRAY_SIZE(fields) + 2; i++) {
                size_t n = strcspn(a, ":"), m = strcspn(b, ":");
                if (i >= 2 && (n != m || memcmp(a, b, n) != 0))
                        r = ingot_buffer_printf(ret, reterr, "%s%s", shown++ ? ", " : ": another ",
                                                fields[i - 2]);
                a = a[n] ? a + n + 1 : NULL;
                b = b[m] ? b + m + 1 : NULL;
        }
        return r;
}
