/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where partitions lie on a disk, and what their UUIDs are: no bytes here. */
#include "base/size.h"
#include "base/utf16.h"
#include "format/gpt.h"

#include <inttypes.h>
#include <string.h>

#define TABLE_SIZE (INGOT_GPT_ENTRIES * 128)
#define SIZE_GRAIN 4096

static uint64_t table_sectors(const struct ingot_gpt *gpt)
{
        return TABLE_SIZE / gpt->sector_size;
}

void ingot_gpt_init(struct ingot_gpt *ret, uint32_t sector_size, const struct ingot_uuid *disk_uuid)
{
        memset(ret, 0, sizeof(*ret));
        ret->disk_uuid = *disk_uuid;
        ret->sector_size = sector_size;
        ret->first_usable_lba = 2 + table_sectors(ret);
}

struct ingot_uuid ingot_gpt_disk_uuid_from_seed(const struct ingot_uuid *seed)
{
        return ingot_uuid_derive(seed, "disk-uuid", 9);
}

struct ingot_uuid ingot_gpt_uuid_from_seed(const struct ingot_uuid *seed,
                                           const struct ingot_uuid *type, uint64_t n)
{
        uint8_t message[24];
        memcpy(message, type->bytes, 16);
        ingot_le64_store(message + 16, n - 1);
        return ingot_uuid_derive(seed, message, n > 1 ? 24 : 16);
}

struct ingot_gpt_partition *ingot_gpt_last(struct ingot_gpt *gpt)
{
        struct ingot_gpt_partition *last = NULL;
        for (size_t i = 0; i < gpt->partition_count; i++) {
                struct ingot_gpt_partition *p = gpt->partitions + i;
                if (!last || p->last_lba_inclusive > last->last_lba_inclusive)
                        last = p;
        }
        return last;
}

struct ingot_gpt_partition *ingot_gpt_by_number(struct ingot_gpt *gpt, unsigned number)
{
        for (size_t i = 0; i < gpt->partition_count; i++)
                if (gpt->partitions[i].number == number)
                        return gpt->partitions + i;
        return NULL;
}

struct ingot_gpt_partition *ingot_gpt_by_type(struct ingot_gpt *gpt, const struct ingot_uuid *type)
{
        for (size_t i = 0; i < gpt->partition_count; i++)
                if (ingot_uuid_equal(&gpt->partitions[i].type, type))
                        return gpt->partitions + i;
        return NULL;
}

struct ingot_gpt_partition *ingot_gpt_by_uuid(struct ingot_gpt *gpt, const struct ingot_uuid *uuid)
{
        for (size_t i = 0; i < gpt->partition_count; i++)
                if (ingot_uuid_equal(&gpt->partitions[i].uuid, uuid))
                        return gpt->partitions + i;
        return NULL;
}

uint64_t ingot_gpt_offset(const struct ingot_gpt *gpt, const struct ingot_gpt_partition *p)
{
        return p->first_lba * gpt->sector_size;
}

uint64_t ingot_gpt_size(const struct ingot_gpt *gpt, const struct ingot_gpt_partition *p)
{
        return (p->last_lba_inclusive - p->first_lba + 1) * gpt->sector_size;
}

/* The first byte behind the last partition, or behind the table. */
static uint64_t end_of_partitions(struct ingot_gpt *gpt)
{
        const struct ingot_gpt_partition *last = ingot_gpt_last(gpt);
        return (last ? last->last_lba_inclusive + 1 : gpt->first_usable_lba) * gpt->sector_size;
}

static unsigned free_number(struct ingot_gpt *gpt)
{
        unsigned number = 1;
        while (number <= INGOT_GPT_ENTRIES && ingot_gpt_by_number(gpt, number))
                number++;
        return number;
}

static struct ingot_uuid choose_uuid(const struct ingot_gpt *gpt,
                                     const struct ingot_gpt_request *request)
{
        uint64_t n = 1;
        if (!request->seed || !ingot_uuid_is_null(&request->uuid))
                return request->uuid;
        for (size_t i = 0; i < gpt->partition_count; i++)
                n += ingot_uuid_equal(&gpt->partitions[i].type, &request->type);
        return ingot_gpt_uuid_from_seed(request->seed, &request->type, n);
}

/* Type, UUID, slot and name of a new partition. */
static int name_partition(struct ingot_gpt *gpt, const struct ingot_gpt_request *request,
                          struct ingot_gpt_partition *p, ingot_error *reterr)
{
        const char *name = request->name ? request->name : "";
        uint16_t units[INGOT_GPT_NAME_UNITS];
        size_t n;
        char text[INGOT_UUID_TEXT_SIZE];
        if (!ingot_utf16_from_utf8(name, units, INGOT_GPT_NAME_UNITS, &n))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "partition name '%s' is no UTF-8, or longer than %d characters",
                                  name, INGOT_GPT_NAME_UNITS);
        memcpy(p->name, name, strlen(name) + 1);
        p->type = request->type;
        p->attributes = request->attributes;
        p->uuid = choose_uuid(gpt, request);
        if (ingot_uuid_is_null(&p->type) || ingot_uuid_is_null(&p->uuid))
                return ingot_fail(reterr, INGOT_E_USAGE, "partition '%s' has no type or no UUID",
                                  name);
        ingot_uuid_format(&p->uuid, text);
        if (ingot_gpt_by_uuid(gpt, &p->uuid))
                return ingot_fail(reterr, INGOT_E_CONFLICT,
                                  "partition '%s': another one has its UUID %s", name, text);
        p->number = free_number(gpt);
        if (p->number > INGOT_GPT_ENTRIES)
                return ingot_fail(reterr, INGOT_E_LIMIT, "partition '%s': all %d slots are taken",
                                  name, INGOT_GPT_ENTRIES);
        return 0;
}

int ingot_gpt_add(struct ingot_gpt *gpt, const struct ingot_gpt_request *request,
                  struct ingot_gpt_partition **ret, ingot_error *reterr)
{
        struct ingot_gpt_partition p = {0};
        uint64_t align = ingot_max_u64(request->align ? request->align : INGOT_GPT_ALIGN,
                                       gpt->sector_size);
        int r = name_partition(gpt, request, &p, reterr);
        if (r < 0)
                return r;
        if ((align & (align - 1)) != 0 || request->size == 0)
                return ingot_fail(reterr, INGOT_E_USAGE, "partition '%s': no size or alignment",
                                  p.name);
        uint64_t start = end_of_partitions(gpt), size;
        if (request->size > INT64_MAX || align > INT64_MAX / 4 ||
            start > INT64_MAX - align ||
            !ingot_add_u64(ingot_align_up(start, align), request->size, &size) || size > INT64_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "partition '%s' is too large", p.name);
        p.first_lba = ingot_align_up(start, align) / gpt->sector_size;
        p.last_lba_inclusive = p.first_lba - 1 +
                               ingot_align_up(request->size, SIZE_GRAIN) / gpt->sector_size;
        gpt->partitions[gpt->partition_count++] = p;
        if (ret)
                *ret = gpt->partitions + gpt->partition_count - 1;
        return 0;
}

int ingot_gpt_set_size(struct ingot_gpt *gpt, uint64_t size, uint64_t align, ingot_error *reterr)
{
        uint64_t behind = (table_sectors(gpt) + 1) * gpt->sector_size;
        uint64_t need = ingot_max_u64(end_of_partitions(gpt), (gpt->first_usable_lba + 1) *
                                                                      gpt->sector_size) +
                        behind;
        if (align == 0)
                align = INGOT_GPT_ALIGN;
        if (size == 0)
                size = ingot_align_up(need, align);
        if (size < need)
                return ingot_fail(reterr, INGOT_E_SPACE,
                                  "a disk of %" PRIu64 " bytes is too small: its partitions need %"
                                  PRIu64, size, need);
        gpt->disk_sectors = size / gpt->sector_size;
        gpt->backup_lba = gpt->disk_sectors - 1;
        gpt->last_usable_lba_inclusive = gpt->backup_lba - table_sectors(gpt) - 1;
        return 0;
}

int ingot_gpt_grow(struct ingot_gpt *gpt, uint64_t disk_size, struct ingot_gpt_partition **ret,
                   ingot_error *reterr)
{
        uint64_t old_backup = gpt->backup_lba, old_usable = gpt->last_usable_lba_inclusive;
        int r = ingot_gpt_set_size(gpt, disk_size - disk_size % gpt->sector_size, 0, reterr);
        if (r < 0)
                return r;
        struct ingot_gpt_partition *last = ingot_gpt_last(gpt);
        bool changed = gpt->backup_lba != old_backup ||
                       gpt->last_usable_lba_inclusive != old_usable ||
                       gpt->health != INGOT_GPT_HEALTHY;
        uint64_t unit = INGOT_GPT_ALIGN / gpt->sector_size;
        uint64_t end = (gpt->last_usable_lba_inclusive + 1) / unit * unit;
        if (last && end > last->last_lba_inclusive + 1) {
                last->last_lba_inclusive = end - 1;
                changed = true;
        }
        if (ret)
                *ret = last;
        return changed ? 1 : 0;
}
