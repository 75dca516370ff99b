/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The input is a hash area; the data are zeros. The root hash is made to fit the top block, so that
 * the check goes on behind it. Then the input is a list of writes to a builder, whose tree must be
 * that of the result.
 */
#include "base/cleanup.h"
#include "format/verity.h"

#include <stdlib.h>

#define DATA_SIZE (256 * 1024)
#define BUILT_SIZE (24 * 512)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_zeros(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        (void) context, (void) offset, (void) reterr;
        memset(ret, 0, size);
        return 0;
}

static int write_memory(void *context, uint64_t offset, const void *data, size_t size,
                        ingot_error *reterr)
{
        (void) reterr;
        memcpy((uint8_t *) context + offset, data, size);
        return 0;
}

static void check_area(const uint8_t *data, size_t size)
{
        struct ingot_span span = INGOT_SPAN(data, size);
        struct ingot_reader hash = ingot_reader_of_span(&span);
        struct ingot_reader zeros = {.read_at = read_zeros, .size = DATA_SIZE};
        struct ingot_verity v;
        struct ingot_verity_geometry g;
        struct ingot_verity_bad bad;
        struct ingot_verity_check_options o = {.threads = 1, .ret_bad = &bad};
        uint8_t root[32] = {0}, again[INGOT_VERITY_SUPERBLOCK_SIZE];
        if (ingot_verity_decode(span, &v, NULL) < 0)
                return;
        ingot_verity_encode(&v, again);
        if (memcmp(again, data, sizeof(again)) != 0 || ingot_verity_geometry_of(&v, &g, NULL) < 0)
                abort();
        if (g.levels > 0 && g.size <= size)
                ingot_verity_digest(&v, data + v.hash_block_size, v.hash_block_size, 1, root);
        ingot_verity_check(&zeros, &hash, root, &o, NULL);
}

static void build(const uint8_t *data, size_t size)
{
        uint8_t *memory = calloc(1, BUILT_SIZE), root[2][32];
        struct ingot_span span = INGOT_SPAN(memory, BUILT_SIZE), area;
        struct ingot_reader reader = ingot_reader_of_span(&span);
        struct ingot_verity_builder_options o = {
                .verity = {.data_block_size = 512, .hash_block_size = 512},
                .data_size = BUILT_SIZE,
                .threads = 1,
                .reread = &reader};
        _cleanup_(ingot_verity_builder_free_p) struct ingot_verity_builder *b = NULL;
        struct ingot_writer inner = {.write_at = write_memory, .context = memory};
        _cleanup_free_ uint8_t *whole = NULL;
        size_t whole_size;
        if (ingot_verity_builder_new(&o, &b, NULL) < 0)
                abort();
        struct ingot_writer w = ingot_verity_builder_writer(b, &inner);
        for (size_t at = 0; at + 4 <= size && at < 400; at += 4) {
                size_t offset = ingot_le16_load(data + at) % BUILT_SIZE;
                size_t n = ingot_le16_load(data + at + 2) % 1500;
                if (n > BUILT_SIZE - offset)
                        n = BUILT_SIZE - offset;
                if (n > size - at)
                        n = size - at;
                if (ingot_write_at(&w, offset, data + at, n, NULL) < 0)
                        abort();
        }
        if (ingot_verity_builder_finish(b, &area, root[0], NULL, NULL) < 0 ||
            ingot_verity_build(&reader, &o, &whole, &whole_size, root[1], NULL) < 0 ||
            area.size != whole_size || memcmp(area.data, whole, whole_size) != 0 ||
            memcmp(root[0], root[1], 32) != 0)
                abort();
        free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        check_area(data, size);
        build(data, size);
        return 0;
}
