/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Partition tables: both copies, their checksums, what may not overlap, and the protective MBR. The
 * places that UEFI 2.10 (5.2.3, 5.3.2) reserves must be zeros: no checksum covers them.
 */
#include "base/cleanup.h"
#include "base/size.h"
#include "image/verify-state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CHECK "partition table"
#define MBR_ENTRIES 446
#define MBR_TYPE_PROTECTIVE 0xee
#define HEADER_FIELDS 92

static bool zeros(const uint8_t *p, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if (p[i])
                        return false;
        return true;
}

static int check_mbr(const struct ingot_gpt *gpt, const struct ingot_reader *disk,
                     ingot_error *reterr)
{
        uint8_t b[512];
        int r = ingot_read_at(disk, 0, b, sizeof(b), reterr);
        if (r < 0)
                return r;
        const uint8_t *e = b + MBR_ENTRIES;
        uint64_t rest = ingot_min_u64(gpt->disk_sectors - 1, UINT32_MAX);
        uint32_t size = ingot_le32_load(e + 12);
        if (b[510] != 0x55 || b[511] != 0xaa || e[4] != MBR_TYPE_PROTECTIVE ||
            ingot_le32_load(e + 8) != 1)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "no protective MBR in front of the partition table");
        /* A disk that grew has the size of before. */
        if (size != UINT32_MAX && size > rest)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "the protective MBR says %u sectors; the "
                                  "disk has %" PRIu64,
                                  size, gpt->disk_sectors);
        if (size != UINT32_MAX && size != rest && gpt->backup_lba != size)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "the protective MBR says %u sectors, the "
                                  "table %" PRIu64,
                                  size, gpt->backup_lba);
        return zeros(e + 16, 48) ? 0
                                 : ingot_fail(reterr, INGOT_E_FORMAT,
                                              "the protective MBR has other partitions, too");
}

/* What a header's checksum leaves out. */
static int check_header(const struct ingot_gpt *gpt, const struct ingot_reader *disk, uint64_t lba,
                        ingot_error *reterr)
{
        uint8_t b[4096];
        int r = ingot_read_at(disk, lba * gpt->sector_size, b, gpt->sector_size, reterr);
        if (r < 0)
                return r;
        uint32_t size = ingot_le32_load(b + 12);
        size = size < HEADER_FIELDS || size > gpt->sector_size ? HEADER_FIELDS : size;
        return zeros(b + size, gpt->sector_size - size)
                       ? 0
                       : ingot_fail(reterr, INGOT_E_FORMAT,
                                    "bytes behind the header in sector %" PRIu64, lba);
}

static int check_table(const struct ingot_image *disk, ingot_error *reterr)
{
        const struct ingot_gpt *gpt = disk->gpt;
        if (gpt->health != INGOT_GPT_HEALTHY)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s", gpt->damage);
        for (size_t i = 0; i < disk->part_count; i++)
                if (disk->parts[i].problem && disk->parts[i].reader.size == 0)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "partition %u %s",
                                          disk->parts[i].partition->number, disk->parts[i].problem);
        int r = check_mbr(gpt, &disk->reader, reterr);
        if (r >= 0)
                r = check_header(gpt, &disk->reader, 1, reterr);
        return r < 0 ? r : check_header(gpt, &disk->reader, gpt->backup_lba, reterr);
}

static int visit(struct ingot_verify *v, struct ingot_verify_file *file, struct ingot_image *part,
                 struct ingot_image *program, struct ingot_image *image, ingot_error *reterr)
{
        ingot_error error = {0};
        char *where;
        (void) part, (void) program;
        if (image->content != INGOT_CONTENT_DISK)
                return 0;
        int r = ingot_verify_where(v, file, NULL, NULL, &where, reterr);
        if (r < 0)
                return r;
        r = check_table(image, &error);
        return ingot_verify_result(v, CHECK, where, "both copies", r, &error, reterr);
}

int ingot_verify_tables(struct ingot_verify *v, ingot_error *reterr)
{
        return ingot_verify_each(v, visit, reterr);
}
