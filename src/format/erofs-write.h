/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of the erofs writer share; nobody else includes it.
 *
 * The order of work: plan (number the inodes, cut files into extents and pieces), data (compress
 * and write extents, several threads), metadata (inodes, directories, xattrs), superblock.
 */
#pragma once

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/size.h"
#include "base/text.h"
#include "format/erofs-disk.h"
#include "format/erofs.h"

#define INGOT_EROFS_EXTENT_DEFAULT (512u * 1024)
#define INGOT_EROFS_NONE_INDEX UINT32_MAX

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
        uint32_t parent;
        uint32_t first_extent, extent_count;
        uint32_t piece;         /* its tail in the packed inode, or NONE_INDEX */
        uint32_t address, blocks; /* of its blocks, in blocks */
        uint32_t xattr_size;
        uint32_t tail; /* bytes that stand in its record, behind the xattrs */
        enum ingot_erofs_layout layout;
        bool extended;
};

/* A tail of a file, or the whole of a small one, as part of the packed inode. */
struct ingot_erofs_piece {
        uint32_t node, size;
        uint32_t same_as; /* the piece whose place it shares, or itself */
        uint64_t at;      /* in the packed inode */
        uint8_t digest[INGOT_SHA256_SIZE];
};

/* A stretch of input that is compressed at once. */
struct ingot_erofs_extent {
        uint32_t size;    /* of input */
        uint16_t blocks;  /* that it takes */
        bool plain;       /* stored as it is, each block a cluster */
        uint32_t first_piece, piece_count; /* of the packed inode's; indexes into piece_order */
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
        uint64_t input_size;  /* bytes in all extents */
        struct ingot_erofs_shared_xattr *shared; /* sorted by name and value */
        size_t shared_count;
        uint32_t shared_size;
        uint32_t metadata_block; /* where the metadata area begins: behind the data */
        uint32_t directory_block, xattr_block, blocks;
        uint64_t inode_area;
};

void ingot_erofs_plan_done(struct ingot_erofs_plan *plan);

/* erofs-plan.c: nodes in the order of their inodes, extents of files, pieces. */
int ingot_erofs_plan_tree(struct ingot_erofs_plan *plan, const struct ingot_tree *tree,
                          ingot_error *reterr);
int ingot_erofs_plan_add_extent(struct ingot_erofs_plan *plan, uint32_t size,
                                struct ingot_erofs_extent **ret, ingot_error *reterr);
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

/* erofs-data.c: compresses and writes all extents from block 1 on; sets nodes' addresses, extents'
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
 * END bytes from a multiple of 32. */
uint32_t ingot_erofs_index_size(const struct ingot_erofs_node *node, uint32_t end);
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

/* erofs-metadata.c */
int ingot_erofs_write_metadata(struct ingot_erofs_plan *plan, const struct ingot_writer *writer,
                               ingot_error *reterr);
