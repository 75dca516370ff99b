/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk of 256 KiB whose header and entries are the input. The checksums are made right, or no
 * input would come behind them. First byte: sector size, and whether the table is the backup.
 */
#include "base/crc32.h"
#include "format/gpt.h"

#include <stdlib.h>

#define DISK_SIZE (256 * 1024)
#define HEADER_SIZE 92

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal(uint8_t *disk, uint8_t *header, uint32_t sector_size)
{
        uint64_t at = ingot_le64_load(header + 72), n = ingot_le32_load(header + 80);
        n *= ingot_le32_load(header + 84);
        if (at < DISK_SIZE / sector_size && n <= DISK_SIZE - at * sector_size)
                ingot_le32_store(header + 88, ingot_crc32(disk + at * sector_size, (size_t) n));
        ingot_le32_store(header + 16, 0);
        ingot_le32_store(header + 16, ingot_crc32(header, HEADER_SIZE));
}

/* What was read can be written, and then reads as the same. */
static void round_trip(const struct ingot_gpt *gpt)
{
        struct ingot_gpt *copy = malloc(sizeof(*copy)), *back = malloc(sizeof(*back));
        struct ingot_gpt_area *areas = malloc(2 * sizeof(*areas));
        uint8_t *disk = calloc(1, DISK_SIZE);
        *copy = *gpt;
        if (ingot_gpt_grow(copy, DISK_SIZE, NULL, NULL) >= 0 &&
            ingot_gpt_encode(copy, areas, areas + 1, NULL) >= 0) {
                for (int i = 0; i < 2; i++)
                        memcpy(disk + areas[i].offset, areas[i].bytes, areas[i].size);
                struct ingot_span span = INGOT_SPAN(disk, DISK_SIZE);
                struct ingot_reader reader = ingot_reader_of_span(&span);
                if (ingot_gpt_read(&reader, back, NULL) < 0 || back->health != INGOT_GPT_HEALTHY ||
                    back->partition_count != copy->partition_count)
                        abort();
                for (size_t i = 0; i < back->partition_count; i++)
                        if (strcmp(back->partitions[i].name, copy->partitions[i].name) != 0)
                                abort();
        }
        free(disk);
        free(areas);
        free(back);
        free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size < 1 + HEADER_SIZE || size > 64 * 1024)
                return 0;
        uint32_t ss = data[0] & 1 ? 4096 : 512;
        uint8_t *disk = calloc(1, DISK_SIZE);
        uint8_t *header = data[0] & 2 ? disk + DISK_SIZE - ss : disk + ss;
        uint8_t *entries = data[0] & 2 ? disk + DISK_SIZE - 16384 - ss : disk + 2 * ss;
        size_t rest = size - 1 - HEADER_SIZE;
        memcpy(entries, data + 1 + HEADER_SIZE, rest < 16384 ? rest : 16384);
        memcpy(header, data + 1, HEADER_SIZE);
        if (!(data[0] & 4))
                seal(disk, header, ss);
        struct ingot_gpt *gpt = malloc(sizeof(*gpt));
        struct ingot_span span = INGOT_SPAN(disk, DISK_SIZE);
        struct ingot_reader reader = ingot_reader_of_span(&span);
        ingot_error error = {0};
        if (ingot_gpt_read(&reader, gpt, &error) >= 0)
                round_trip(gpt);
        else if (!error.code)
                abort();
        free(gpt);
        free(disk);
        return 0;
}
