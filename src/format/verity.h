/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dm-verity: superblock and hash tree, as veritysetup and systemd-repart write them (cryptsetup's
 * on-disk format "verity", version 1, hash type 1, SHA-256).
 * Source: Linux Documentation/admin-guide/device-mapper/verity.rst; cryptsetup wiki "DMVerity".
 *
 * The digest of a block is SHA-256(salt, block). A hash block holds the digests of consecutive
 * blocks below it, zeros behind the last. Level 0 holds the digests of the data blocks; the highest
 * level is one block, whose digest is the root hash. On disk: superblock (padded to a hash block),
 * then the levels from the highest down. With one data block there is no level, and its digest is
 * the root hash.
 */
#pragma once

#include "base/io.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/uuid.h"

#include <stdbool.h>

#define INGOT_VERITY_DIGEST_SIZE INGOT_SHA256_SIZE
#define INGOT_VERITY_SUPERBLOCK_SIZE 512
#define INGOT_VERITY_SALT_MAX 256
#define INGOT_VERITY_LEVELS_MAX 16
#define INGOT_VERITY_BLOCK_SIZE 4096 /* what ingot writes */

/* What the superblock says. Block sizes are powers of two from 512 to 65536. */
struct ingot_verity {
        struct ingot_uuid uuid;
        uint32_t data_block_size, hash_block_size;
        uint64_t data_blocks;
        uint16_t salt_size;
        uint8_t salt[INGOT_VERITY_SALT_MAX];
};

/* FORMAT when it is no superblock, or a malformed one (the paddings must be zeros); UNSUPPORTED
 * when hash type or algorithm is not ours. */
int ingot_verity_decode(struct ingot_span bytes, struct ingot_verity *ret, ingot_error *reterr);
void ingot_verity_encode(const struct ingot_verity *verity,
                         uint8_t ret[INGOT_VERITY_SUPERBLOCK_SIZE]);

/* Where the levels lie in the hash area (which starts with the superblock). */
struct ingot_verity_geometry {
        unsigned levels;
        struct {
                uint64_t offset; /* bytes, from the start of the hash area */
                uint64_t blocks; /* hash blocks */
        } level[INGOT_VERITY_LEVELS_MAX]; /* [0]: the digests of the data blocks */
        uint64_t size; /* bytes of the whole hash area */
};

/* FORMAT for impossible parameters: no data, block sizes, sizes beyond 64 bits. */
int ingot_verity_geometry_of(const struct ingot_verity *verity, struct ingot_verity_geometry *ret,
                             ingot_error *reterr);

/* SHA-256(salt, block) of COUNT blocks that lie one behind another; digests likewise. */
void ingot_verity_digest(const struct ingot_verity *verity, const void *blocks, size_t block_size,
                         size_t count, uint8_t *ret);

/* systemd-repart's salt (32 bytes), HMAC(seed, "verity-salt"), and UUID, v4(HMAC(seed,
 * "verity-uuid")): sets both. */
void ingot_verity_from_seed(struct ingot_verity *verity, const struct ingot_uuid *seed);

/* Partition UUIDs (UAPI.2, "Verity"): the first and the last 16 bytes of the root hash, unchanged. */
struct ingot_uuid ingot_verity_data_uuid(const uint8_t root_hash[INGOT_VERITY_DIGEST_SIZE]);
struct ingot_uuid ingot_verity_hash_uuid(const uint8_t root_hash[INGOT_VERITY_DIGEST_SIZE]);

/*
 * The tree of data that is being written: the builder's writer hands everything on to INNER, and
 * hashes what passes. Writes may come in any order; blocks that were never written are zeros. Whole
 * aligned blocks cost nothing but the hashing; of blocks written in pieces the builder keeps a copy
 * until they are full (of at most 4096 at a time, else LIMIT). Changing a part of a block
 * that was already hashed needs REREAD. Single-threaded for the caller, whatever THREADS is.
 */
struct ingot_verity_builder;

struct ingot_verity_builder_options {
        /* data_blocks 0: from data_size; block sizes 0: 4096. */
        struct ingot_verity verity;
        uint64_t data_size; /* bytes, a multiple of the data block size */
        unsigned threads;   /* 0: one for each CPU; 1: hash in the caller's thread */
        const struct ingot_reader *reread; /* of what was written so far; NULL: none */
};

int ingot_verity_builder_new(const struct ingot_verity_builder_options *options,
                             struct ingot_verity_builder **ret, ingot_error *reterr);
/* INNER is copied; its context outlives the builder. Offset 0 is the first data block. */
struct ingot_writer ingot_verity_builder_writer(struct ingot_verity_builder *builder,
                                                const struct ingot_writer *inner);
/* Less data than the builder was made for, when that was not known before; called once, at the end.
 * USAGE when blocks behind DATA_SIZE were written, or it is no whole number of blocks. */
int ingot_verity_builder_truncate(struct ingot_verity_builder *builder, uint64_t data_size,
                                  ingot_error *reterr);
/* Ends it: no write after this. *ret_area is the hash area with the superblock, *ret_verity its
 * content (may be NULL); the area's bytes are the builder's and live until it is freed. */
int ingot_verity_builder_finish(struct ingot_verity_builder *builder, struct ingot_span *ret_area,
                                uint8_t ret_root_hash[INGOT_VERITY_DIGEST_SIZE],
                                struct ingot_verity *ret_verity, ingot_error *reterr);
void ingot_verity_builder_free(struct ingot_verity_builder *builder);

static inline void ingot_verity_builder_free_p(struct ingot_verity_builder **b)
{
        ingot_verity_builder_free(*b);
}

/* The tree of data that is there already. *ret_area is the caller's to free. */
int ingot_verity_build(const struct ingot_reader *data,
                       const struct ingot_verity_builder_options *options, uint8_t **ret_area,
                       size_t *ret_size, uint8_t ret_root_hash[INGOT_VERITY_DIGEST_SIZE],
                       ingot_error *reterr);

/* The block that did not match. */
struct ingot_verity_bad {
        bool found;
        int level;      /* -1: a data block; else the level in the tree */
        uint64_t block; /* within the data, or within the level */
};

struct ingot_verity_check_options {
        unsigned threads; /* 0: one for each CPU */
        const struct ingot_log *log;
        struct ingot_verity_bad *ret_bad; /* NULL, or where to say which block is bad */
};

/*
 * Checks everything from the root hash down: the whole tree, and all data. HASH starts with the
 * superblock. REFUSED names the first block, and its level, that does not match; zeros behind
 * the last digest of each level are demanded too, so that data_blocks cannot be lowered. (The UUID
 * in the superblock is all that no digest covers.) FORMAT: a malformed superblock, or a data or
 * hash area shorter than it says. LIMIT: more than 2^32 data blocks.
 */
int ingot_verity_check(const struct ingot_reader *data, const struct ingot_reader *hash,
                       const uint8_t root_hash[INGOT_VERITY_DIGEST_SIZE],
                       const struct ingot_verity_check_options *options, ingot_error *reterr);
