/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header, with its checksum put right so that changes get behind it, and its tokens. */
#include "base/cleanup.h"
#include "base/sha256.h"
#include "format/luks2.h"
#include "measure/luks-token.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_volume(struct ingot_span bytes)
{
        _cleanup_luks2_ struct ingot_luks2 l = {0};
        _cleanup_luks_tokens_ struct ingot_luks_tokens tokens = {0};
        struct ingot_reader r = ingot_reader_of_span(&bytes);
        if (ingot_luks2_read(&r, &l, NULL) >= 0)
                (void) ingot_luks_tokens_decode(ingot_buffer_span(&l.json), &tokens, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        read_volume(INGOT_SPAN(data, size));
        if (size < 4096)
                return 0;
        uint64_t header = ingot_be64_load(data + 8);
        if (header > size || header < 4096)
                return 0;
        _cleanup_free_ uint8_t *copy = malloc(size);
        if (!copy)
                return 0;
        memcpy(copy, data, size);
        memset(copy + 448, 0, 64);
        ingot_sha256_of(copy, (size_t) header, copy + 448);
        /* the digest was made over zeros, and now stands where they were */
        read_volume(INGOT_SPAN(copy, size));
        return 0;
}
