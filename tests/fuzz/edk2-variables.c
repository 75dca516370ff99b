/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a variable store; and as the variables of one whose headers are right, or no input
 * would come behind their checksum. What was read is written, and then reads as the same.
 */
#include "format/edk2-variables.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADERS_SIZE (72 + 28)
#define ROOM 256

static void round_trip(struct ingot_span file, struct ingot_edk2_variables *v)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_edk2_variables_ struct ingot_edk2_variables again = {0};
        ingot_error error;
        if (ingot_edk2_variables_encode(v, file, &b, &error) < 0)
                return;
        if (b.size != file.size ||
            ingot_edk2_variables_decode(ingot_buffer_span(&b), &again, &error) < 0 ||
            again.count != v->count)
                abort();
        for (size_t i = 0; i < v->count; i++)
                if (strcmp(v->items[i].name, again.items[i].name) != 0 ||
                    v->items[i].size != again.items[i].size ||
                    memcmp(v->items[i].data, again.items[i].data, v->items[i].size) != 0)
                        abort();
}

/* In the order of the bytes of a GUID. */
static const uint8_t volume_guid[] = {0x8d, 0x2b, 0xf1, 0xff, 0x96, 0x76, 0x8b, 0x4c,
                                      0xa9, 0x85, 0x27, 0x47, 0x07, 0x5b, 0x4f, 0x50};
static const uint8_t store_guid[] = {0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43,
                                     0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92};

static void with_headers(const uint8_t *data, size_t size)
{
        _cleanup_edk2_variables_ struct ingot_edk2_variables v = {0};
        size_t total = HEADERS_SIZE + size + ROOM;
        uint8_t *file = calloc(1, total);
        uint16_t sum = 0;
        ingot_error error;
        memcpy(file + 16, volume_guid, 16);
        ingot_le64_store(file + 32, total);
        memcpy(file + 40, "_FVH", 4);
        ingot_le16_store(file + 48, 72);
        for (size_t i = 0; i < 72; i += 2)
                sum = (uint16_t) (sum + ingot_le16_load(file + i));
        ingot_le16_store(file + 50, (uint16_t) -sum);
        memcpy(file + 72, store_guid, 16);
        ingot_le32_store(file + 88, (uint32_t) (total - 72));
        file[92] = 0x5a;
        file[93] = 0xfe;
        memcpy(file + HEADERS_SIZE, data, size);
        memset(file + HEADERS_SIZE + size, 0xff, ROOM);
        const struct ingot_uuid vendor = {{1}};
        const struct ingot_efi_time time = {0};
        struct ingot_span span = INGOT_SPAN(file, total);
        if (ingot_edk2_variables_decode(span, &v, &error) >= 0) {
                round_trip(span, &v);
                if (ingot_edk2_variables_set(&v, "db", &vendor, 0x27, &time, INGOT_SPAN("x", 1),
                                             &error) < 0)
                        abort();
                round_trip(span, &v);
        }
        free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_edk2_variables_ struct ingot_edk2_variables v = {0};
        ingot_error error;
        if (size > 1 << 20)
                return 0;
        if (ingot_edk2_variables_decode(INGOT_SPAN(data, size), &v, &error) >= 0)
                round_trip(INGOT_SPAN(data, size), &v);
        with_headers(data, size);
        return 0;
}
