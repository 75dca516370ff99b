/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The input is an index of chunks; then it is a chunk. */
#include "format/caibx.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_index(const struct ingot_caibx *index)
{
        uint64_t at = 0;
        for (size_t i = 0; i < index->count; i++) {
                const struct ingot_caibx_chunk *c = index->chunks + i;
                if (c->offset != at || c->size == 0 || c->size > INGOT_CAIBX_CHUNK_MAX)
                        abort();
                if (ingot_caibx_find(index, at) != i ||
                    ingot_caibx_find(index, at + c->size - 1) != i)
                        abort();
                at += c->size;
        }
        if (index->size != at || ingot_caibx_find(index, at) != index->count)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_caibx index;
        uint8_t chunk[8192];
        if (ingot_caibx_decode(INGOT_SPAN(data, size), &index, NULL) >= 0) {
                check_index(&index);
                ingot_caibx_done(&index);
        }
        ingot_caibx_expand(INGOT_SPAN(data, size), chunk, sizeof(chunk), NULL);
        ingot_caibx_expand(INGOT_SPAN(data, size), chunk, 1, NULL);
        return 0;
}
