/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A header, a table of the chunks' ends and ids, and a tail that says where the table is. */
#include "format/caibx.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <zstd.h>

#define HEADER_SIZE 48
#define HEADER_TYPE UINT64_C(0x96824d9c7b129ff9)
#define TABLE_TYPE UINT64_C(0xe75b9e112f17417d)
#define TAIL_MARKER UINT64_C(0x4b4f050e5549ecd1)
#define TABLE_HEAD_SIZE 16
#define ITEM_SIZE 40
#define FLAG_SHA512_256 (UINT64_C(1) << 61)

/* The header; *RET_MAX is the size that no chunk is above. */
static int decode_header(struct ingot_cursor *c, struct ingot_caibx *index, uint64_t *ret_max,
                         ingot_error *reterr)
{
        uint64_t size = ingot_cursor_le64(c), type = ingot_cursor_le64(c);
        uint64_t flags = ingot_cursor_le64(c), min = ingot_cursor_le64(c);
        uint64_t average = ingot_cursor_le64(c), max = ingot_cursor_le64(c);
        uint64_t table_size = ingot_cursor_le64(c), table_type = ingot_cursor_le64(c);
        if (c->failed || size != HEADER_SIZE || type != HEADER_TYPE)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no index of chunks (caibx)");
        if (table_size != UINT64_MAX || table_type != TABLE_TYPE)
                return ingot_fail(reterr, INGOT_E_FORMAT, "an index without a table of chunks");
        if (min == 0 || min > average || average > max)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "chunks of %" PRIu64 " to %" PRIu64 " bytes", min, max);
        if (max > INGOT_CAIBX_CHUNK_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "chunks of %" PRIu64 " bytes", max);
        index->digest = flags & FLAG_SHA512_256 ? INGOT_CAIBX_SHA512_256 : INGOT_CAIBX_SHA256;
        *ret_max = max;
        return 0;
}

static int decode_items(struct ingot_cursor *c, struct ingot_caibx *index, uint64_t max,
                        ingot_error *reterr)
{
        for (size_t i = 0; i < index->count; i++) {
                struct ingot_caibx_chunk *chunk = index->chunks + i;
                uint64_t end = ingot_cursor_le64(c);
                struct ingot_span id = ingot_cursor_take(c, INGOT_CAIBX_ID_SIZE);
                if (end <= index->size || end - index->size > max)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "chunk %zu ends at byte %" PRIu64 ", the one before at "
                                          "%" PRIu64,
                                          i, end, index->size);
                *chunk = (struct ingot_caibx_chunk){.offset = index->size,
                                                    .size = end - index->size};
                memcpy(chunk->id, id.data, sizeof(chunk->id));
                index->size = end;
        }
        return 0;
}

static int decode_tail(struct ingot_cursor *c, size_t table_size, ingot_error *reterr)
{
        uint64_t zero = ingot_cursor_le64(c) | ingot_cursor_le64(c);
        uint64_t header_size = ingot_cursor_le64(c), size = ingot_cursor_le64(c);
        uint64_t marker = ingot_cursor_le64(c);
        if (zero != 0 || header_size != HEADER_SIZE || size != table_size || marker != TAIL_MARKER)
                return ingot_fail(reterr, INGOT_E_FORMAT, "an index without its tail");
        return 0;
}

int ingot_caibx_decode(struct ingot_span bytes, struct ingot_caibx *ret, ingot_error *reterr)
{
        _cleanup_caibx_ struct ingot_caibx index = {0};
        struct ingot_cursor c = ingot_cursor_over(bytes);
        uint64_t max = 0;
        if (bytes.size > INGOT_CAIBX_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "an index of %zu bytes", bytes.size);
        int r = decode_header(&c, &index, &max, reterr);
        if (r < 0)
                return r;
        size_t left = ingot_cursor_left(&c);
        if (left < ITEM_SIZE || left % ITEM_SIZE != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "an index that is cut off");
        index.count = left / ITEM_SIZE - 1; /* the tail is as long as an item */
        index.chunks = calloc(index.count + 1, sizeof(*index.chunks));
        if (!index.chunks)
                return ingot_fail_nomem(reterr);
        r = decode_items(&c, &index, max, reterr);
        if (r >= 0)
                r = decode_tail(&c, TABLE_HEAD_SIZE + left, reterr);
        if (r < 0)
                return r;
        *ret = index;
        index.chunks = NULL;
        return 0;
}

void ingot_caibx_done(struct ingot_caibx *index)
{
        free(index->chunks);
        *index = (struct ingot_caibx){0};
}

size_t ingot_caibx_find(const struct ingot_caibx *index, uint64_t offset)
{
        size_t low = 0, high = index->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (index->chunks[middle].offset + index->chunks[middle].size <= offset)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

int ingot_caibx_expand(struct ingot_span bytes, uint8_t *ret, size_t size, ingot_error *reterr)
{
        size_t n = ZSTD_decompress(ret, size, bytes.data, bytes.size);
        if (ZSTD_isError(n))
                return ingot_fail(reterr, INGOT_E_FORMAT, "chunk: %s", ZSTD_getErrorName(n));
        if (n != size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a chunk of %zu bytes, not %zu", n, size);
        return 0;
}

size_t ingot_caibx_stored_max(size_t size)
{
        return ZSTD_compressBound(size) + 1024;
}
