/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index of a file that was cut into chunks by casync or desync (".caibx"), and the chunks of
 * their stores (".cacnk"). docs/formats/caibx.md. Source: casync's src/caformat.h and
 * src/cachunk.c, desync's format.go.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#define INGOT_CAIBX_ID_SIZE 32
#define INGOT_CAIBX_SIZE_MAX ((size_t) 16 << 20)   /* bytes of an index */
#define INGOT_CAIBX_CHUNK_MAX ((uint64_t) 8 << 20) /* bytes of a chunk */

/* What the ids are. */
enum ingot_caibx_digest { INGOT_CAIBX_SHA256, INGOT_CAIBX_SHA512_256 };

struct ingot_caibx_chunk {
        uint64_t offset, size; /* in the file; size > 0 */
        uint8_t id[INGOT_CAIBX_ID_SIZE];
};

struct ingot_caibx {
        enum ingot_caibx_digest digest;
        uint64_t size; /* of the file: the chunks are all of it, in order */
        struct ingot_caibx_chunk *chunks;
        size_t count;
};

/* FORMAT: malformed; LIMIT: an index, or a chunk, above the sizes above. */
int ingot_caibx_decode(struct ingot_span bytes, struct ingot_caibx *ret, ingot_error *reterr);
void ingot_caibx_done(struct ingot_caibx *index);
#define _cleanup_caibx_ __attribute__((cleanup(ingot_caibx_done)))

/* The first chunk that ends behind OFFSET; `count` when there is none. */
size_t ingot_caibx_find(const struct ingot_caibx *index, uint64_t offset);

/* The content of a chunk's file, a zstd frame, into RET, which has room for SIZE bytes; FORMAT when
 * it is not just that many. */
int ingot_caibx_expand(struct ingot_span bytes, uint8_t *ret, size_t size, ingot_error *reterr);
/* What the file of a chunk of SIZE bytes may have at most. */
size_t ingot_caibx_stored_max(size_t size);
