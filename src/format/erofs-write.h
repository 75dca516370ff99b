/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of the erofs writer share; nobody else includes it.
 *
 * The order of work: plan (number the inodes, cut files into extents and pieces, find what the
 * image before has), layout (places in the metadata area), data (compress and write extents,
 * several threads), metadata (inodes, directories, xattrs), superblock.
 */
#pragma once

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/size.h"
#include "base/text.h"
#include "format/erofs-image.h"

#define INGOT_EROFS_EXTENT_DEFAULT (512u * 1024)
#define INGOT_EROFS_NONE_INDEX UINT32_MAX
/* Extents of at least this size begin where a pack of indexes begins, which has an address of its
 * own: each of them can stand anywhere. */
#define INGOT_EROFS_APART (16 * INGOT_EROFS_BLOCK)

/* Checked, with the defaults filled in. */
int ingot_erofs_options_resolve(const struct ingot_erofs_options *given,
                                struct ingot_erofs_options *ret, ingot_error *reterr);
void ingot_erofs_kernel_needed(enum ingot_erofs_compressor compressor, unsigned *ret_major,
                               unsigned *ret_minor);

/* One inode to be written. */
struct ingot_erofs_node {
        const struct ingot_inode *inode; /* NULL: the packed inode */
        const char *name;                /* the first that was met; "" of the root */
        uint64_t path_hash;
        uint64_t size;         /* as the inode says it */
        uint64_t extents_size; /* the first bytes of it, which stand in extents of its own */
        uint64_t at;           /* of its record in the metadata area, bytes */
        uint64_t old_at;       /* the same in the image before, when old_size is not 0 */
        uint32_t old_size;     /* what its record took there */
        uint32_t parent;
        uint32_t first_extent, extent_count;
        uint32_t piece;         /* its tail in the packed inode, or NONE_INDEX */
        uint32_t address, blocks; /* of its blocks, in blocks; a directory's count from the
                                   * metadata area's first */
        uint32_t xattr_size;
        uint32_t tail; /* bytes that stand in its record, behind the xattrs */
        enum ingot_erofs_layout layout;
        bool extended;
        bool blocks_kept; /* a directory's blocks stand where they stood in the image before */
};

/* A tail of a file, or the whole of a small one, as part of the packed inode. */
struct ingot_erofs_piece {
        uint32_t node, size;
        uint32_t same_as; /* the piece whose place it shares, or itself */
        uint32_t next;    /* the piece behind it in its extent, or NONE_INDEX */
        bool kept;        /* stands in the image before, in an extent that is kept */
        uint64_t at;      /* in the packed inode */
        uint8_t digest[INGOT_SHA256_SIZE];
};

/* A stretch of input that is compressed at once. */
struct ingot_erofs_extent {
        uint64_t at;      /* in its file */
        uint32_t size;    /* of input */
        uint32_t address; /* of its blocks, in blocks */
        uint32_t source;  /* of a kept one: its address in the image before */
        uint16_t blocks;  /* that it takes */
        bool plain;       /* stored as it is, each block a cluster */
        bool kept;        /* the image before has it */
        uint32_t first_piece, last_piece; /* of the packed inode's; NONE_INDEX: zeros alone */
};

/* Blocks that are free: half-open ranges in ascending order; the last has no end. */
struct ingot_erofs_space {
        struct ingot_erofs_range {
                uint32_t start, end;
        } * ranges;
        size_t count, allocated;
};

struct ingot_erofs_shared_xattr {
        const struct ingot_xattr *xattr;
        uint32_t at; /* in the shared area, bytes; NONE_INDEX: met once only, not shared */
};

struct ingot_erofs_plan {
        struct ingot_erofs_options options;
        struct ingot_erofs_node *nodes; /* the root is the first, the packed inode the last */
        size_t node_count, node_allocated;
        struct ingot_erofs_piece *pieces;
        size_t piece_count, piece_allocated;
        struct ingot_erofs_extent *extents; /* in the order of their blocks */
        size_t extent_count, extent_allocated;
        uint32_t *data_nodes; /* those that have extents, by first_extent */
        size_t data_node_count;
        uint32_t packed;      /* the packed inode's node, or NONE_INDEX */
        uint64_t packed_old_at;   /* of its record in the image before … */
        uint32_t packed_old_size; /* … 0: there is none */
        uint64_t input_size;  /* bytes in all extents */
        struct ingot_erofs_shared_xattr *shared; /* sorted by name and value */
        size_t shared_count;
        uint32_t shared_size;
        struct ingot_erofs_like *like; /* the image before, or NULL */
        bool in_place;                 /* what it has stays at its place */
        struct ingot_erofs_space space;
        uint32_t metadata_block; /* the metadata area's first: behind the data, or as before */
        /* In blocks from there: those that hold inodes, in ascending order; shared xattrs. */
        uint32_t *inode_blocks;
        size_t inode_block_count, inode_block_allocated;
        uint32_t xattr_block, metadata_blocks;
        uint32_t blocks; /* of the image */
};

void ingot_erofs_plan_done(struct ingot_erofs_plan *plan);

/* erofs-plan.c: nodes in the order of their inodes, extents of files, pieces. */
int ingot_erofs_plan_tree(struct ingot_erofs_plan *plan, const struct ingot_tree *tree,
                          ingot_error *reterr);
int ingot_erofs_plan_add_extent(struct ingot_erofs_plan *plan, uint64_t at, uint32_t size,
                                struct ingot_erofs_extent **ret, ingot_error *reterr);
/* Room for one more item of SIZE bytes. */
int ingot_erofs_grow(void *items, size_t count, size_t *allocated, size_t size,
                     ingot_error *reterr);
/* The bytes of a file's first extent, so that all behind it begin with a pack of indexes. */
uint32_t ingot_erofs_first_extent(uint32_t extent, uint32_t xattr_size);
int ingot_erofs_read_node(const struct ingot_erofs_plan *plan, const struct ingot_erofs_node *node,
                          uint64_t offset, uint8_t *ret, size_t size, ingot_error *reterr);
int ingot_erofs_plan_add_node(struct ingot_erofs_plan *plan, const struct ingot_inode *inode,
                              const char *name, uint32_t parent, ingot_error *reterr);
/* "usr/bin/x", for messages; long paths lose their start. */
void ingot_erofs_node_path(const struct ingot_erofs_plan *plan, const struct ingot_erofs_node *node,
                           char ret[512]);
static inline uint32_t ingot_erofs_node_index(const struct ingot_inode *inode)
{
        return (uint32_t) inode->mark;
}

/* erofs-pack.c: finds equal pieces and puts them into the packed inode. */
int ingot_erofs_plan_pack(struct ingot_erofs_plan *plan, ingot_error *reterr);

/* erofs-space.c: all blocks but the first are free; 1 when a block in [start, start + count) is
 * not; the first place from MIN on; the block behind the last that is taken. */
int ingot_erofs_space_init(struct ingot_erofs_space *s, ingot_error *reterr);
int ingot_erofs_space_reserve(struct ingot_erofs_space *s, uint64_t start, uint32_t count,
                              ingot_error *reterr);
int ingot_erofs_space_take(struct ingot_erofs_space *s, uint32_t count, uint32_t min, uint32_t *ret,
                           ingot_error *reterr);
static inline uint32_t ingot_erofs_space_end(const struct ingot_erofs_space *s)
{
        return s->ranges[s->count - 1].start;
}

/*
 * erofs-like.c: the image before, with digests of all that can be kept of it. CONFLICT when
 * it was made with another compressor or extent.
 */
struct ingot_erofs_unit {
        uint64_t nid; /* of the inode whose bytes it holds */
        uint64_t at;  /* in that; a packed one that is kept goes to … */
        uint64_t new_at;
        uint32_t size, address, blocks;
        uint32_t live;  /* of a packed one: bytes of pieces that are still wanted */
        uint32_t zeros; /* behind the last of its bytes */
        bool packed, plain;
        uint8_t digest[INGOT_SHA256_SIZE];
};
struct ingot_erofs_old_piece {
        uint64_t at; /* in the packed inode */
        uint32_t size, unit;
        uint8_t digest[INGOT_SHA256_SIZE];
};
struct ingot_erofs_like {
        struct ingot_reader reader;
        struct ingot_erofs_image *image;
        struct ingot_tree *tree;        /* its inodes' marks are their nids */
        struct ingot_erofs_unit *units; /* of files, by size and digest; then packed, by place */
        size_t unit_count, unit_allocated, file_unit_count;
        struct ingot_erofs_old_piece *pieces; /* by size and digest */
        size_t piece_count, piece_allocated;
};
int ingot_erofs_like_open(const struct ingot_erofs_options *options, struct ingot_erofs_like **ret,
                          ingot_error *reterr);
void ingot_erofs_like_free(struct ingot_erofs_like *like);

/* erofs-keep.c: nodes get the places of their records in the image before, and those blocks are
 * reserved; extents and pieces those of equal bytes. */
int ingot_erofs_keep_records(struct ingot_erofs_plan *plan, ingot_error *reterr);
int ingot_erofs_keep_extents(struct ingot_erofs_plan *plan, ingot_error *reterr);
/* Pieces have their digests; adds the extents of the packed inode that are kept. */
int ingot_erofs_keep_pieces(struct ingot_erofs_plan *plan, ingot_error *reterr);
/* Gives up the places, and keeps the bytes, when there would be too many free blocks in between. */
int ingot_erofs_keep_places(struct ingot_erofs_plan *plan, ingot_error *reterr);

/* erofs-layout.c: sizes of directories and links; places of all records, directories and xattrs. */
int ingot_erofs_measure_small(struct ingot_erofs_plan *plan, ingot_error *reterr);
int ingot_erofs_lay_out(struct ingot_erofs_plan *plan, ingot_error *reterr);
/* Where byte AT of the metadata area stands among the blocks of inodes; false: in none of them. */
bool ingot_erofs_inode_place(const struct ingot_erofs_plan *plan, uint64_t at, size_t *ret);
struct ingot_erofs_inode ingot_erofs_inode_of(const struct ingot_erofs_plan *plan,
                                              const struct ingot_erofs_node *node);

/* erofs-data.c: compresses and writes all extents; sets nodes' and extents' addresses, extents'
 * blocks and plan->metadata_block. */
int ingot_erofs_write_data(struct ingot_erofs_plan *plan, const struct ingot_writer *writer,
                           ingot_error *reterr);

/* erofs-compress.c */
struct ingot_erofs_encoder;
int ingot_erofs_encoder_new(const struct ingot_erofs_options *options,
                            struct ingot_erofs_encoder **ret, ingot_error *reterr);
void ingot_erofs_encoder_free(struct ingot_erofs_encoder *e);
INGOT_DEFINE_CLEANUP(struct ingot_erofs_encoder, ingot_erofs_encoder_free);
/* Compressed size in *ret_size; 1 when it would not fit into CAPACITY. */
int ingot_erofs_encode(struct ingot_erofs_encoder *e, const void *data, size_t size, void *ret,
                       size_t capacity, size_t *ret_size, ingot_error *reterr);
/* The compressor's number in the format, and its configuration record for the superblock. */
enum ingot_erofs_algorithm ingot_erofs_algorithm_of(enum ingot_erofs_compressor compressor);
size_t ingot_erofs_configuration(const struct ingot_erofs_options *options, uint8_t ret[32]);

/* erofs-index.c: map header and indexes of a compressed inode, for a record whose xattrs end at
 * END bytes from a multiple of 32; BLOCKS of input have indexes, 0 when all is packed. */
uint32_t ingot_erofs_index_size(uint64_t blocks, uint32_t end);
void ingot_erofs_index_encode(const struct ingot_erofs_plan *plan,
                              const struct ingot_erofs_node *node, uint32_t end, uint8_t *ret);

/* erofs-xattr.c */
int ingot_erofs_xattrs_collect(struct ingot_erofs_plan *plan, ingot_error *reterr);
void ingot_erofs_xattrs_encode(const struct ingot_erofs_plan *plan,
                               const struct ingot_erofs_node *node, uint8_t *ret);
void ingot_erofs_xattrs_encode_shared(const struct ingot_erofs_plan *plan, uint8_t *ret);

/* erofs-directory.c: a directory's bytes, as a whole. Sizes are known before nids are. */
uint64_t ingot_erofs_directory_size(const struct ingot_inode *directory);
void ingot_erofs_directory_encode(const struct ingot_erofs_plan *plan,
                                  const struct ingot_erofs_node *node, uint8_t *ret);

/* erofs-metadata.c: also zeros for the blocks that nothing took. */
int ingot_erofs_write_metadata(struct ingot_erofs_plan *plan, const struct ingot_writer *writer,
                               ingot_error *reterr);
