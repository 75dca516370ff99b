/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What differs between two images: pairs their parts, and goes down where bytes differ. */
#include "image/compare.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"
#include "format/partition-type.h"
#include "image/compare-tree.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 262144

const char *ingot_difference_kind_name(enum ingot_difference_kind kind)
{
        static const char *const names[] = {"content", "partition", "package", "file", "section"};
        return names[kind];
}

const char *ingot_change_name(enum ingot_change change)
{
        static const char *const names[] = {"changed", "removed", "added"};
        return names[change];
}

void ingot_comparison_done(struct ingot_comparison *c)
{
        for (size_t i = 0; i < c->count; i++) {
                free(c->items[i].where);
                free(c->items[i].name);
                free(c->items[i].what);
        }
        free(c->items);
        *c = (struct ingot_comparison){0};
}

int ingot_comparison_add(struct ingot_comparison *c, enum ingot_difference_kind kind,
                         enum ingot_change change, const char *where, const char *name,
                         ingot_error *reterr, const char *what, ...)
{
        if (c->count == c->allocated) {
                size_t grown = c->allocated ? c->allocated * 2 : 16;
                struct ingot_difference *items = reallocarray(c->items, grown, sizeof(*items));
                if (!items)
                        return ingot_fail_nomem(reterr);
                c->items = items;
                c->allocated = grown;
        }
        struct ingot_difference *d = c->items + c->count++;
        *d = (struct ingot_difference){.kind = kind, .change = change};
        int e = ingot_strdup(&d->where, where, reterr);
        if (e == 0)
                e = ingot_strdup(&d->name, name, reterr);
        if (e < 0)
                return e;
        va_list args;
        va_start(args, what);
        int n = vasprintf(&d->what, what, args);
        va_end(args);
        if (n < 0) {
                d->what = NULL;
                return ingot_fail_nomem(reterr);
        }
        return 0;
}

int ingot_comparison_blame(const struct ingot_comparison *c, int which, int r,
                           ingot_error *reterr)
{
        return c->names[which] ? ingot_under(reterr, r, "%.300s", c->names[which]) : r;
}

int ingot_compare_bytes(const struct ingot_comparison *c, const struct ingot_reader *a,
                        const struct ingot_reader *b, const struct ingot_log *log,
                        ingot_error *reterr)
{
        if (a->size != b->size)
                return 0;
        _cleanup_free_ uint8_t *x = malloc(CHUNK), *y = malloc(CHUNK);
        if (!x || !y)
                return ingot_fail_nomem(reterr);
        for (uint64_t at = 0; at < a->size; at += CHUNK) {
                size_t n = (size_t) ingot_min_u64(a->size - at, CHUNK);
                int e = ingot_comparison_blame(c, FIRST, ingot_read_at(a, at, x, n, reterr),
                                               reterr);
                if (e == 0)
                        e = ingot_comparison_blame(c, SECOND, ingot_read_at(b, at, y, n, reterr),
                                                   reterr);
                if (e < 0)
                        return e;
                if (memcmp(x, y, n) != 0)
                        return 0;
                ingot_progress(log, "Comparing", at + n, a->size);
        }
        return 1;
}

static int compare_image(struct ingot_comparison *c, const char *where, struct ingot_image *a,
                         struct ingot_image *b, const struct ingot_log *log, ingot_error *reterr);

/* "profile 1 .cmdline". */
static void section_name(const struct ingot_uki_section *s, char ret[48])
{
        if (s->profile == INGOT_UKI_BASE)
                snprintf(ret, 48, "%s", s->pe.name);
        else
                snprintf(ret, 48, "profile %" PRIu32 " %s", s->profile, s->pe.name);
}

/* The section of OTHER that stands for section INDEX: same name, same profile, same place. */
static const struct ingot_uki_section *same_section(const struct ingot_uki *uki, size_t index,
                                                    const struct ingot_uki *other)
{
        const struct ingot_uki_section *s = uki->sections + index;
        size_t n = 0;
        for (size_t i = 0; i < index; i++)
                n += uki->sections[i].profile == s->profile &&
                     strcmp(uki->sections[i].pe.name, s->pe.name) == 0;
        for (size_t i = 0; i < other->section_count; i++)
                if (other->sections[i].profile == s->profile &&
                    strcmp(other->sections[i].pe.name, s->pe.name) == 0 && n-- == 0)
                        return other->sections + i;
        return NULL;
}

static int compare_trees(struct ingot_comparison *c, const char *where, struct ingot_image *a,
                         struct ingot_image *b, ingot_error *reterr)
{
        const struct ingot_tree *x, *y;
        int e = ingot_comparison_blame(c, FIRST, ingot_image_tree(a, &x, reterr), reterr);
        if (e == 0)
                e = ingot_comparison_blame(c, SECOND, ingot_image_tree(b, &y, reterr), reterr);
        if (e == 0)
                e = ingot_compare_packages(c, where, x, y, reterr);
        return e < 0 ? e : ingot_compare_files(c, where, x, y, reterr);
}

static int open_section(const struct ingot_image *image, const struct ingot_uki_section *s,
                        struct ingot_image *ret, ingot_error *reterr)
{
        struct ingot_reader r;
        int e = ingot_pe_section_reader(&image->reader, &s->pe, &r, reterr);
        return e < 0 ? e : ingot_image_open(&r, ret, reterr);
}

/* The files of two sections that are initrds. What cannot be read as such has only its bytes. */
static int compare_initrds(struct ingot_comparison *c, const char *where, struct ingot_image *a,
                           const struct ingot_uki_section *s, struct ingot_image *b,
                           const struct ingot_uki_section *t, ingot_error *reterr)
{
        _cleanup_image_ struct ingot_image x = {0}, y = {0};
        _cleanup_free_ char *inner = NULL;
        char name[48];
        ingot_error error = {0};
        section_name(s, name);
        int e = ingot_format(&inner, &error, "%s%s%s", where, *where ? ": " : "", name);
        if (e == 0)
                e = open_section(a, s, &x, &error);
        if (e == 0)
                e = open_section(b, t, &y, &error);
        if (e == 0 && x.content == INGOT_CONTENT_CPIO && y.content == INGOT_CONTENT_CPIO)
                e = compare_trees(c, inner, &x, &y, &error);
        if (e == -INGOT_E_FORMAT || e == -INGOT_E_LIMIT || e == -INGOT_E_UNSUPPORTED)
                return 0;
        if (e < 0 && reterr)
                *reterr = error;
        return ingot_under(reterr, e, "%s", name);
}

static int compare_section(struct ingot_comparison *c, const char *where, struct ingot_image *a,
                           struct ingot_image *b, size_t index, ingot_error *reterr)
{
        const struct ingot_uki_section *s = a->uki->sections + index;
        const struct ingot_uki_section *t = same_section(a->uki, index, b->uki);
        uint8_t x[INGOT_SHA256_SIZE], y[INGOT_SHA256_SIZE];
        char name[48], size[16], other[16];
        section_name(s, name);
        ingot_human_size(size, s->pe.virtual_size);
        if (!t)
                return ingot_comparison_add(c, INGOT_DIFFERENCE_SECTION, INGOT_CHANGE_REMOVED,
                                            where, name, reterr, "%s", size);
        int e = ingot_comparison_blame(
                c, FIRST, ingot_pe_section_sha256(&a->reader, &s->pe, x, reterr), reterr);
        if (e == 0)
                e = ingot_comparison_blame(
                        c, SECOND, ingot_pe_section_sha256(&b->reader, &t->pe, y, reterr), reterr);
        if (e < 0 || memcmp(x, y, sizeof(x)) == 0)
                return e;
        ingot_human_size(other, t->pe.virtual_size);
        e = ingot_comparison_add(c, INGOT_DIFFERENCE_SECTION, INGOT_CHANGE_CHANGED, where, name,
                                 reterr, "content, %s -> %s", size, other);
        return e < 0 || s->kind != INGOT_UKI_INITRD ? e
                                                    : compare_initrds(c, where, a, s, b, t, reterr);
}

static int compare_uki(struct ingot_comparison *c, const char *where, struct ingot_image *a,
                       struct ingot_image *b, ingot_error *reterr)
{
        for (size_t i = 0; i < a->uki->section_count; i++) {
                int e = compare_section(c, where, a, b, i, reterr);
                if (e < 0)
                        return e;
        }
        for (size_t i = 0; i < b->uki->section_count; i++) {
                char name[48], size[16];
                if (same_section(b->uki, i, a->uki))
                        continue;
                section_name(b->uki->sections + i, name);
                ingot_human_size(size, b->uki->sections[i].pe.virtual_size);
                int e = ingot_comparison_add(c, INGOT_DIFFERENCE_SECTION, INGOT_CHANGE_ADDED,
                                             where, name, reterr, "%s", size);
                if (e < 0)
                        return e;
        }
        return 0;
}

/* The partner of program INDEX: of the same path, else the UKI in the same place among those of
 * which the other side has no such path. */
static struct ingot_image *same_program(const struct ingot_image *fat, size_t index,
                                        const struct ingot_image *other)
{
        size_t n = 0;
        for (size_t i = 0; i < other->part_count; i++)
                if (strcmp(other->parts[i].path, fat->parts[index].path) == 0)
                        return other->parts + i;
        if (fat->parts[index].content != INGOT_CONTENT_UKI)
                return NULL;
        for (size_t i = 0; i < index; i++) {
                bool paired = false;
                for (size_t k = 0; k < other->part_count; k++)
                        paired = paired ||
                                 strcmp(fat->parts[i].path, other->parts[k].path) == 0;
                n += !paired && fat->parts[i].content == INGOT_CONTENT_UKI;
        }
        for (size_t i = 0; i < other->part_count; i++) {
                bool paired = false;
                for (size_t k = 0; k < fat->part_count; k++)
                        paired = paired ||
                                 strcmp(fat->parts[k].path, other->parts[i].path) == 0;
                if (!paired && other->parts[i].content == INGOT_CONTENT_UKI && n-- == 0)
                        return other->parts + i;
        }
        return NULL;
}

static int compare_fat(struct ingot_comparison *c, const char *where, struct ingot_image *a,
                       struct ingot_image *b, const struct ingot_log *log, ingot_error *reterr)
{
        int e = compare_trees(c, where, a, b, reterr);
        for (size_t i = 0; e == 0 && i < a->part_count; i++) {
                struct ingot_image *x = a->parts + i, *y = same_program(a, i, b);
                if (!y || x->content != INGOT_CONTENT_UKI || y->content != INGOT_CONTENT_UKI)
                        continue;
                _cleanup_free_ char *inner = NULL;
                e = ingot_format(&inner, reterr, "%s%s%s", where, *where ? ": " : "", x->path);
                if (e == 0)
                        e = compare_image(c, inner, x, y, log, reterr);
        }
        return e;
}

static int compare_verity(struct ingot_comparison *c, const char *where, struct ingot_image *a,
                          struct ingot_image *b, ingot_error *reterr)
{
        char x[2 * INGOT_VERITY_DIGEST_SIZE + 1], y[2 * INGOT_VERITY_DIGEST_SIZE + 1];
        int e = 0;
        ingot_hex(x, a->root_hash, INGOT_VERITY_DIGEST_SIZE);
        ingot_hex(y, b->root_hash, INGOT_VERITY_DIGEST_SIZE);
        if (strcmp(x, y) != 0)
                e = ingot_comparison_add(c, INGOT_DIFFERENCE_CONTENT, INGOT_CHANGE_CHANGED, where,
                                         "root hash", reterr, "%s -> %s", x, y);
        if (e == 0 && (a->verity.salt_size != b->verity.salt_size ||
                       memcmp(a->verity.salt, b->verity.salt, a->verity.salt_size) != 0))
                e = ingot_comparison_add(c, INGOT_DIFFERENCE_CONTENT, INGOT_CHANGE_CHANGED, where,
                                         "salt", reterr, "differs");
        return e;
}

static void partition_title(const struct ingot_image *part, char ret[100])
{
        const struct ingot_partition_type *type =
                ingot_partition_type_by_uuid(&part->partition->type);
        char uuid[INGOT_UUID_TEXT_SIZE];
        ingot_uuid_format(&part->partition->type, uuid);
        snprintf(ret, 100, "partition %u (%s)", part->partition->number, type ? type->name : uuid);
}

/* What the table says of it. */
static int compare_partition(struct ingot_comparison *c, const struct ingot_image *a,
                             const struct ingot_image *b, ingot_error *reterr)
{
        const struct ingot_gpt_partition *p = a->partition, *q = b->partition;
        char title[100], what[1200] = "";
        size_t n = 0;
        partition_title(a, title);
        if (p->number != q->number)
                n += (size_t) snprintf(what + n, sizeof(what) - n, "number %u -> %u, ", p->number,
                                       q->number);
        if (!ingot_uuid_equal(&p->uuid, &q->uuid))
                n += (size_t) snprintf(what + n, sizeof(what) - n, "UUID, ");
        if (strcmp(p->name, q->name) != 0)
                n += (size_t) snprintf(what + n, sizeof(what) - n, "label %s -> %s, ", p->name,
                                       q->name);
        if (p->attributes != q->attributes)
                n += (size_t) snprintf(what + n, sizeof(what) - n, "attributes, ");
        if (a->reader.size != b->reader.size)
                n += (size_t) snprintf(what + n, sizeof(what) - n,
                                       "size %" PRIu64 " -> %" PRIu64 ", ", a->reader.size,
                                       b->reader.size);
        if (p->first_lba != q->first_lba)
                n += (size_t) snprintf(what + n, sizeof(what) - n, "place, ");
        if (n == 0)
                return 0;
        return ingot_comparison_add(c, INGOT_DIFFERENCE_PARTITION, INGOT_CHANGE_CHANGED, "", title,
                                    reterr, "%.*s", (int) n - 2, what);
}

/* The partition of OTHER that stands for partition INDEX: the same place among its type. */
static struct ingot_image *same_partition(const struct ingot_image *disk, size_t index,
                                          const struct ingot_image *other)
{
        const struct ingot_uuid *type = &disk->parts[index].partition->type;
        size_t n = 0;
        for (size_t i = 0; i < index; i++)
                n += ingot_uuid_equal(&disk->parts[i].partition->type, type);
        for (size_t i = 0; i < other->part_count; i++)
                if (ingot_uuid_equal(&other->parts[i].partition->type, type) && n-- == 0)
                        return other->parts + i;
        return NULL;
}

static int compare_lone_partitions(struct ingot_comparison *c, const struct ingot_image *disk,
                                   const struct ingot_image *other, enum ingot_change change,
                                   ingot_error *reterr)
{
        for (size_t i = 0; i < disk->part_count; i++) {
                char title[100];
                if (same_partition(disk, i, other))
                        continue;
                partition_title(disk->parts + i, title);
                int e = ingot_comparison_add(c, INGOT_DIFFERENCE_PARTITION, change, "", title,
                                             reterr, "%s",
                                             ingot_content_title(disk->parts[i].content));
                if (e < 0)
                        return e;
        }
        return 0;
}

static int compare_disk(struct ingot_comparison *c, struct ingot_image *a, struct ingot_image *b,
                        const struct ingot_log *log, ingot_error *reterr)
{
        int e = 0;
        if (!ingot_uuid_equal(&a->gpt->disk_uuid, &b->gpt->disk_uuid))
                e = ingot_comparison_add(c, INGOT_DIFFERENCE_CONTENT, INGOT_CHANGE_CHANGED, "",
                                         "disk UUID", reterr, "differs");
        if (e == 0 && a->gpt->sector_size != b->gpt->sector_size)
                e = ingot_comparison_add(c, INGOT_DIFFERENCE_CONTENT, INGOT_CHANGE_CHANGED, "",
                                         "sector size", reterr, "%u -> %u", a->gpt->sector_size,
                                         b->gpt->sector_size);
        if (e == 0)
                e = compare_lone_partitions(c, a, b, INGOT_CHANGE_REMOVED, reterr);
        if (e == 0)
                e = compare_lone_partitions(c, b, a, INGOT_CHANGE_ADDED, reterr);
        for (size_t i = 0; e == 0 && i < a->part_count; i++) {
                struct ingot_image *x = a->parts + i, *y = same_partition(a, i, b);
                char title[100];
                if (!y)
                        continue;
                partition_title(x, title);
                e = compare_partition(c, x, y, reterr);
                if (e == 0)
                        e = compare_image(c, title, x, y, log, reterr);
        }
        return e;
}

/* What is in them, by what they are. */
static int compare_content(struct ingot_comparison *c, const char *where, struct ingot_image *a,
                           struct ingot_image *b, const struct ingot_log *log, ingot_error *reterr)
{
        if (a->content != b->content)
                return ingot_comparison_add(c, INGOT_DIFFERENCE_CONTENT, INGOT_CHANGE_CHANGED,
                                            where, "content", reterr, "%s -> %s",
                                            ingot_content_title(a->content),
                                            ingot_content_title(b->content));
        if (a->problem || b->problem)
                return 0;
        switch (a->content) {
        case INGOT_CONTENT_DISK:
                return compare_disk(c, a, b, log, reterr);
        case INGOT_CONTENT_UKI:
        case INGOT_CONTENT_PE:
                return compare_uki(c, where, a, b, reterr);
        case INGOT_CONTENT_FAT:
                return compare_fat(c, where, a, b, log, reterr);
        case INGOT_CONTENT_EROFS:
        case INGOT_CONTENT_CPIO:
                return compare_trees(c, where, a, b, reterr);
        case INGOT_CONTENT_VERITY:
                return compare_verity(c, where, a, b, reterr);
        default:
                return 0;
        }
}

static int compare_image(struct ingot_comparison *c, const char *where, struct ingot_image *a,
                         struct ingot_image *b, const struct ingot_log *log, ingot_error *reterr)
{
        size_t before = c->count;
        int e = ingot_compare_bytes(c, &a->reader, &b->reader, log, reterr);
        if (e != 0)
                return e < 0 ? e : 0;
        e = compare_content(c, where, a, b, log, reterr);
        if (e < 0)
                return *where ? ingot_under(reterr, e, "%s", where) : e;
        if (c->count > before)
                return 0;
        return ingot_comparison_add(c, INGOT_DIFFERENCE_CONTENT, INGOT_CHANGE_CHANGED, where,
                                    "bytes", reterr, "differ, but nothing that they mean");
}

int ingot_image_compare(struct ingot_image *a, struct ingot_image *b, const struct ingot_log *log,
                        struct ingot_comparison *ret, ingot_error *reterr)
{
        _cleanup_comparison_ struct ingot_comparison c = {.names = {a->name, b->name}};
        int e = compare_image(&c, "", a, b, log, reterr);
        if (e < 0)
                return e;
        *ret = c;
        c = (struct ingot_comparison){0};
        return 0;
}
