/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GPT to bytes and back. Section numbers are UEFI 2.10's. */
#include "format/gpt.h"
#include "base/crc32.h"
#include "base/size.h"
#include "base/utf16.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 92
#define ENTRY_SIZE 128
#define TABLE_SIZE (INGOT_GPT_ENTRIES * ENTRY_SIZE)
/* What ingot is willing to read: entries of 128 to 4096 bytes, at most 1024 of them. */
#define ENTRY_SIZE_MAX 4096
#define ENTRIES_MAX 1024

static const uint8_t magic[8] = {'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T'};

/* A header's fields (5.3.2), as far as they are not in struct ingot_gpt. */
struct header {
        uint64_t lba, other_lba, first_usable, last_usable, entries_lba;
        uint32_t entries, entry_size, entries_crc;
        struct ingot_uuid disk_uuid;
};

static int check_partition(const struct ingot_gpt *gpt, const struct ingot_gpt_partition *p,
                           ingot_error *reterr)
{
        if (p->number < 1 || p->number > INGOT_GPT_ENTRIES)
                return ingot_fail(reterr, INGOT_E_FORMAT, "partition %u has no slot", p->number);
        if (ingot_uuid_is_null(&p->type))
                return ingot_fail(reterr, INGOT_E_FORMAT, "partition %u has no type", p->number);
        if (p->first_lba > p->last_lba_inclusive)
                return ingot_fail(reterr, INGOT_E_FORMAT, "partition %u ends before it starts",
                                  p->number);
        if (p->first_lba < gpt->first_usable_lba ||
            p->last_lba_inclusive > gpt->last_usable_lba_inclusive)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "partition %u (sectors %" PRIu64 " to %" PRIu64
                                  ") is not within the usable ones (%" PRIu64 " to %" PRIu64 ")",
                                  p->number, p->first_lba, p->last_lba_inclusive,
                                  gpt->first_usable_lba, gpt->last_usable_lba_inclusive);
        return 0;
}

static int check_pair(const struct ingot_gpt_partition *a, const struct ingot_gpt_partition *b,
                      ingot_error *reterr)
{
        if (a->number == b->number)
                return ingot_fail(reterr, INGOT_E_FORMAT, "two partitions have number %u",
                                  a->number);
        if (a->first_lba <= b->last_lba_inclusive && b->first_lba <= a->last_lba_inclusive)
                return ingot_fail(reterr, INGOT_E_FORMAT, "partitions %u and %u overlap", a->number,
                                  b->number);
        return 0;
}

int ingot_gpt_check(const struct ingot_gpt *gpt, ingot_error *reterr)
{
        if (gpt->sector_size != 512 && gpt->sector_size != 4096)
                return ingot_fail(reterr, INGOT_E_FORMAT, "sectors of %u bytes", gpt->sector_size);
        if (gpt->partition_count > INGOT_GPT_ENTRIES)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%zu partitions", gpt->partition_count);
        if (gpt->last_usable_lba_inclusive >= gpt->disk_sectors)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "usable sectors up to %" PRIu64 " of a disk of %" PRIu64
                                  "; is it cut short?",
                                  gpt->last_usable_lba_inclusive, gpt->disk_sectors);
        if (gpt->first_usable_lba < 2 || gpt->first_usable_lba > gpt->last_usable_lba_inclusive)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "usable sectors %" PRIu64 " to %" PRIu64 " of a disk of %" PRIu64,
                                  gpt->first_usable_lba, gpt->last_usable_lba_inclusive,
                                  gpt->disk_sectors);
        for (size_t i = 0; i < gpt->partition_count; i++) {
                int r = check_partition(gpt, gpt->partitions + i, reterr);
                for (size_t k = 0; k < i && r >= 0; k++)
                        r = check_pair(gpt->partitions + k, gpt->partitions + i, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* 5.2.3: one entry of type 0xEE over the whole disk, or as much of it as 32 bits can say. */
static void encode_mbr(const struct ingot_gpt *gpt, uint8_t *p)
{
        uint64_t sectors = ingot_min_u64(gpt->disk_sectors - 1, UINT32_MAX);
        p[446 + 2] = 0x02; /* CHS 0/0/2 */
        p[446 + 4] = 0xee;
        memset(p + 446 + 5, 0xff, 3);
        ingot_le32_store(p + 446 + 8, 1);
        ingot_le32_store(p + 446 + 12, (uint32_t) sectors);
        p[510] = 0x55;
        p[511] = 0xaa;
}

static int encode_entries(const struct ingot_gpt *gpt, uint8_t *table, ingot_error *reterr)
{
        for (size_t i = 0; i < gpt->partition_count; i++) {
                const struct ingot_gpt_partition *e = gpt->partitions + i;
                uint8_t *p = table + (e->number - 1) * ENTRY_SIZE;
                uint16_t units[INGOT_GPT_NAME_UNITS];
                size_t n;
                ingot_uuid_gpt_store(p, &e->type);
                ingot_uuid_gpt_store(p + 16, &e->uuid);
                ingot_le64_store(p + 32, e->first_lba);
                ingot_le64_store(p + 40, e->last_lba_inclusive);
                ingot_le64_store(p + 48, e->attributes);
                if (!ingot_utf16_from_utf8(e->name, units, INGOT_GPT_NAME_UNITS, &n))
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "partition %u: name '%s' is no UTF-8, or too long",
                                          e->number, e->name);
                for (size_t k = 0; k < n; k++)
                        ingot_le16_store(p + 56 + 2 * k, units[k]);
        }
        return 0;
}

static void encode_header(const struct header *h, uint8_t *p)
{
        memcpy(p, magic, sizeof(magic));
        ingot_le32_store(p + 8, 0x00010000);
        ingot_le32_store(p + 12, HEADER_SIZE);
        ingot_le64_store(p + 24, h->lba);
        ingot_le64_store(p + 32, h->other_lba);
        ingot_le64_store(p + 40, h->first_usable);
        ingot_le64_store(p + 48, h->last_usable);
        ingot_uuid_gpt_store(p + 56, &h->disk_uuid);
        ingot_le64_store(p + 72, h->entries_lba);
        ingot_le32_store(p + 80, INGOT_GPT_ENTRIES);
        ingot_le32_store(p + 84, ENTRY_SIZE);
        ingot_le32_store(p + 88, h->entries_crc);
        ingot_le32_store(p + 16, ingot_crc32(p, HEADER_SIZE));
}

int ingot_gpt_encode(const struct ingot_gpt *gpt, struct ingot_gpt_area *ret_primary,
                     struct ingot_gpt_area *ret_backup, ingot_error *reterr)
{
        int r = ingot_gpt_check(gpt, reterr);
        if (r < 0)
                return r;
        uint64_t ss = gpt->sector_size, table = TABLE_SIZE / ss, last = gpt->disk_sectors - 1;
        if (gpt->first_usable_lba < 2 + table || gpt->last_usable_lba_inclusive + table >= last)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "usable sectors reach into the space of the table");
        memset(ret_primary, 0, sizeof(*ret_primary));
        memset(ret_backup, 0, sizeof(*ret_backup));
        uint8_t *primary = ret_primary->bytes + 2 * ss;
        r = encode_entries(gpt, primary, reterr);
        if (r < 0)
                return r;
        memcpy(ret_backup->bytes, primary, TABLE_SIZE);
        struct header h = {.lba = 1,
                           .other_lba = last,
                           .first_usable = gpt->first_usable_lba,
                           .last_usable = gpt->last_usable_lba_inclusive,
                           .entries_lba = 2,
                           .entries_crc = ingot_crc32(primary, TABLE_SIZE),
                           .disk_uuid = gpt->disk_uuid};
        encode_mbr(gpt, ret_primary->bytes);
        encode_header(&h, ret_primary->bytes + ss);
        h.lba = last;
        h.other_lba = 1;
        h.entries_lba = last - table;
        encode_header(&h, ret_backup->bytes + TABLE_SIZE);
        ret_primary->size = (2 + table) * ss;
        ret_backup->offset = (last - table) * ss;
        ret_backup->size = (table + 1) * ss;
        return 0;
}

int ingot_gpt_write(const struct ingot_gpt *gpt, const struct ingot_writer *disk,
                    ingot_error *reterr)
{
        struct ingot_gpt_area primary, backup;
        int r = ingot_gpt_encode(gpt, &primary, &backup, reterr);
        if (r >= 0)
                r = ingot_write_at(disk, backup.offset, backup.bytes, backup.size, reterr);
        if (r >= 0)
                r = ingot_write_at(disk, primary.offset, primary.bytes, primary.size, reterr);
        return ingot_under(reterr, r, "partition table");
}

/* Fields of a header at LBA; 1 when there is no magic. */
static int decode_header(const struct ingot_reader *disk, uint64_t lba, uint32_t sector_size,
                         struct header *ret, ingot_error *reterr)
{
        uint8_t b[4096];
        int r = ingot_read_at(disk, lba * sector_size, b, sector_size, reterr);
        if (r < 0)
                return r;
        if (memcmp(b, magic, sizeof(magic)) != 0)
                return 1;
        uint32_t size = ingot_le32_load(b + 12), crc = ingot_le32_load(b + 16);
        if (size < HEADER_SIZE || size > sector_size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "header of %u bytes", size);
        ingot_le32_store(b + 16, 0);
        if (ingot_crc32(b, size) != crc)
                return ingot_fail(reterr, INGOT_E_FORMAT, "header's checksum is wrong");
        if (ingot_le32_load(b + 8) >> 16 != 1)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "revision %#x",
                                  ingot_le32_load(b + 8));
        ret->lba = ingot_le64_load(b + 24);
        ret->other_lba = ingot_le64_load(b + 32);
        ret->first_usable = ingot_le64_load(b + 40);
        ret->last_usable = ingot_le64_load(b + 48);
        ret->disk_uuid = ingot_uuid_gpt_load(b + 56);
        ret->entries_lba = ingot_le64_load(b + 72);
        ret->entries = ingot_le32_load(b + 80);
        ret->entry_size = ingot_le32_load(b + 84);
        ret->entries_crc = ingot_le32_load(b + 88);
        if (ret->lba != lba)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "header at sector %" PRIu64 " says it is at %" PRIu64, lba,
                                  ret->lba);
        return 0;
}

/* Where the entries may lie: between header and usable sectors, on either side. */
static int check_header(const struct header *h, uint64_t disk_sectors, uint32_t sector_size,
                        ingot_error *reterr)
{
        bool size_ok = h->entry_size >= ENTRY_SIZE && h->entry_size <= ENTRY_SIZE_MAX &&
                       (h->entry_size & (h->entry_size - 1)) == 0;
        if (!size_ok || h->entries == 0 || h->entries > ENTRIES_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%u entries of %u bytes", h->entries,
                                  h->entry_size);
        uint64_t sectors = ingot_div_up((uint64_t) h->entries * h->entry_size, sector_size);
        bool inside = ingot_range_inside(h->entries_lba, sectors, disk_sectors);
        bool before = inside && h->entries_lba >= 2 && h->entries_lba + sectors <= h->first_usable;
        bool behind =
                inside && h->entries_lba > h->last_usable && h->entries_lba + sectors <= h->lba;
        if (!(h->lba == 1 ? before : behind))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "entries at sector %" PRIu64 " are where they cannot be",
                                  h->entries_lba);
        return 0;
}

static int decode_entry(struct ingot_gpt *gpt, const uint8_t *p, uint32_t index,
                        ingot_error *reterr)
{
        struct ingot_uuid type = ingot_uuid_gpt_load(p);
        if (ingot_uuid_is_null(&type))
                return 0;
        if (index >= INGOT_GPT_ENTRIES)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "partition %u: more than %d",
                                  index + 1, INGOT_GPT_ENTRIES);
        struct ingot_gpt_partition *e = gpt->partitions + gpt->partition_count++;
        e->number = index + 1;
        e->type = type;
        e->uuid = ingot_uuid_gpt_load(p + 16);
        e->first_lba = ingot_le64_load(p + 32);
        e->last_lba_inclusive = ingot_le64_load(p + 40);
        e->attributes = ingot_le64_load(p + 48);
        uint16_t units[INGOT_GPT_NAME_UNITS];
        for (size_t k = 0; k < INGOT_GPT_NAME_UNITS; k++)
                units[k] = ingot_le16_load(p + 56 + 2 * k);
        ingot_utf16_to_utf8(units, INGOT_GPT_NAME_UNITS, e->name);
        return 0;
}

static int decode_entries(const struct ingot_reader *disk, const struct header *h,
                          struct ingot_gpt *gpt, ingot_error *reterr)
{
        size_t size = (size_t) h->entries * h->entry_size;
        uint8_t *table = malloc(size);
        if (!table)
                return ingot_fail_nomem(reterr);
        int r = ingot_read_at(disk, h->entries_lba * gpt->sector_size, table, size, reterr);
        if (r >= 0 && ingot_crc32(table, size) != h->entries_crc)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "checksum of the entries is wrong");
        for (uint32_t i = 0; i < h->entries && r >= 0; i++)
                r = decode_entry(gpt, table + (size_t) i * h->entry_size, i, reterr);
        free(table);
        return r;
}

/* One of the two tables; 1 when there is none at that place. */
static int read_table(const struct ingot_reader *disk, uint64_t lba, uint32_t sector_size,
                      struct ingot_gpt *ret, ingot_error *reterr)
{
        struct header h;
        memset(ret, 0, sizeof(*ret));
        ret->sector_size = sector_size;
        ret->disk_sectors = disk->size / sector_size;
        if (lba >= ret->disk_sectors)
                return 1;
        int r = decode_header(disk, lba, sector_size, &h, reterr);
        if (r != 0)
                return r;
        r = check_header(&h, ret->disk_sectors, sector_size, reterr);
        if (r < 0)
                return r;
        ret->disk_uuid = h.disk_uuid;
        ret->first_usable_lba = h.first_usable;
        ret->last_usable_lba_inclusive = h.last_usable;
        ret->backup_lba = lba == 1 ? h.other_lba : lba;
        r = decode_entries(disk, &h, ret, reterr);
        return r < 0 ? r : ingot_gpt_check(ret, reterr);
}

/* Only the parts that a table and its backup have in common. */
static bool same_table(const struct ingot_gpt *a, const struct ingot_gpt *b)
{
        return ingot_uuid_equal(&a->disk_uuid, &b->disk_uuid) &&
               a->first_usable_lba == b->first_usable_lba &&
               a->last_usable_lba_inclusive == b->last_usable_lba_inclusive &&
               a->partition_count == b->partition_count &&
               memcmp(a->partitions, b->partitions, a->partition_count * sizeof(*a->partitions)) ==
                       0;
}

static void note_damage(struct ingot_gpt *gpt, enum ingot_gpt_health health, int r,
                        const ingot_error *why)
{
        const char *which = health == INGOT_GPT_PRIMARY_DAMAGED ? "primary" : "backup";
        gpt->health = health;
        snprintf(gpt->damage, sizeof(gpt->damage), "%s partition table: %.120s", which,
                 r > 0 ? "not there" : why->text);
}

/* The primary table is whole: is its backup? A disk that only grew has it where it was. */
static int look_at_backup(const struct ingot_reader *disk, struct ingot_gpt *gpt,
                          ingot_error *reterr)
{
        ingot_error why = {0};
        struct ingot_gpt *other = malloc(sizeof(*other));
        if (!other)
                return ingot_fail_nomem(reterr);
        int r = read_table(disk, gpt->backup_lba, gpt->sector_size, other, &why);
        if (r == 0 && !same_table(gpt, other))
                r = ingot_fail(&why, INGOT_E_FORMAT, "it differs from the primary");
        if (r != 0)
                note_damage(gpt, INGOT_GPT_BACKUP_DAMAGED, r, &why);
        free(other);
        return r == -INGOT_E_SYSTEM || r == -INGOT_E_NOMEM ? ingot_fail(reterr, -r, "%s", why.text)
                                                           : 0;
}

static bool has_magic(const struct ingot_reader *disk, uint64_t offset)
{
        uint8_t b[sizeof(magic)];
        return ingot_range_inside(offset, sizeof(b), disk->size) &&
               ingot_read_at(disk, offset, b, sizeof(b), NULL) >= 0 &&
               memcmp(b, magic, sizeof(b)) == 0;
}

/* 0 when neither place of either sector size has the magic. */
static uint32_t find_sector_size(const struct ingot_reader *disk)
{
        static const uint32_t sizes[] = {512, 4096};
        for (size_t i = 0; i < 2; i++)
                if (has_magic(disk, sizes[i]))
                        return sizes[i];
        for (size_t i = 0; i < 2; i++)
                if (disk->size >= 3 * sizes[i] &&
                    has_magic(disk, (disk->size / sizes[i] - 1) * sizes[i]))
                        return sizes[i];
        return 0;
}

/* The error of the primary table, when the backup cannot replace it. */
static int fail_as(ingot_error *reterr, int r, const ingot_error *why)
{
        if (r > 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "primary partition table: not there");
        if (reterr)
                *reterr = *why;
        return ingot_under(reterr, r, "primary partition table");
}

int ingot_gpt_read(const struct ingot_reader *disk, struct ingot_gpt *ret, ingot_error *reterr)
{
        ingot_error why = {0};
        uint32_t sector_size = find_sector_size(disk);
        if (sector_size == 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no GUID partition table");
        int r = read_table(disk, 1, sector_size, ret, &why);
        if (r == 0)
                return look_at_backup(disk, ret, reterr);
        if (r == -INGOT_E_SYSTEM || r == -INGOT_E_NOMEM)
                return fail_as(reterr, r, &why);
        int b = read_table(disk, ret->disk_sectors - 1, sector_size, ret, NULL);
        if (b != 0)
                return fail_as(reterr, r, &why);
        note_damage(ret, INGOT_GPT_PRIMARY_DAMAGED, r, &why);
        return 0;
}
