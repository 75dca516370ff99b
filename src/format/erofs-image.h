/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of the erofs reader share; nobody else includes it. An image is immutable once it is
 * open, but for its small cache of decompressed clusters, which has a lock of its own; all contents
 * of a tree hold a reference to it.
 */
#pragma once

#include "base/cleanup.h"
#include "base/size.h"
#include "format/erofs-disk.h"
#include "format/erofs.h"

#include <pthread.h>
#include <stdatomic.h>

#define INGOT_EROFS_CACHE_SLOTS 4
#define INGOT_EROFS_CACHE_LARGEST (2u * 1024 * 1024)

struct ingot_erofs_cached {
        uint64_t address, used; /* used 0: empty */
        uint32_t stored;
        size_t size;
        uint8_t *data;
};

struct ingot_erofs_image;

/* One inode, with what its map header says. */
struct ingot_erofs_file {
        struct ingot_erofs_image *image;
        struct ingot_erofs_inode inode;
        uint64_t nid;
        uint64_t end; /* byte behind the inode and its xattrs */
        uint16_t advise;
        uint8_t algorithms[2];
        uint8_t cluster_bits;    /* of a logical cluster: the block's, or more */
        uint64_t fragment;       /* place of the tail in the packed inode */
        uint64_t tail;           /* where the last cluster begins, when it is packed or inline */
        uint64_t tail_address;   /* of an inline one */
        uint32_t tail_stored;
};

struct ingot_erofs_image {
        atomic_uint references;
        struct ingot_reader reader;
        struct ingot_erofs_super super;
        uint32_t block_size;
        uint64_t size;
        struct ingot_erofs_file packed; /* when super.packed_nid is set */
        pthread_mutex_t lock;
        uint64_t clock;
        struct ingot_erofs_cached cache[INGOT_EROFS_CACHE_SLOTS];
};

enum ingot_erofs_mapping_kind {
        INGOT_EROFS_MAP_RAW,
        INGOT_EROFS_MAP_HOLE,
        INGOT_EROFS_MAP_PACKED, /* address: in the packed inode */
        INGOT_EROFS_MAP_INTERLACED,
        INGOT_EROFS_MAP_COMPRESSED
};

/* Where [start, end) of a file lies. */
struct ingot_erofs_mapping {
        enum ingot_erofs_mapping_kind kind;
        uint64_t start, end, address;
        uint32_t stored; /* compressed bytes */
        uint8_t algorithm;
};

/* erofs-image.c */
int ingot_erofs_image_open(const struct ingot_reader *reader, struct ingot_erofs_image **ret,
                           ingot_error *reterr);
struct ingot_erofs_image *ingot_erofs_image_ref(struct ingot_erofs_image *image);
void ingot_erofs_image_unref(struct ingot_erofs_image *image);
int ingot_erofs_file_open(struct ingot_erofs_image *image, uint64_t nid,
                          struct ingot_erofs_file *ret, ingot_error *reterr);
INGOT_DEFINE_CLEANUP(struct ingot_erofs_image, ingot_erofs_image_unref);

/* erofs-read.c: the tree, whose inodes' marks are their nids; all contents keep the image. */
int ingot_erofs_load_tree(struct ingot_erofs_image *image, struct ingot_tree **ret,
                          struct ingot_erofs_info *ret_info, ingot_error *reterr);

/* erofs-map.c: the mapping that holds byte AT, which is below the file's size. */
int ingot_erofs_map(const struct ingot_erofs_file *file, uint64_t at,
                    struct ingot_erofs_mapping *ret, ingot_error *reterr);
/* erofs-clusters.c: the same for compressed layouts, and reading the map header. */
int ingot_erofs_map_compressed(const struct ingot_erofs_file *file, uint64_t at,
                               struct ingot_erofs_mapping *ret, ingot_error *reterr);
int ingot_erofs_load_map_header(struct ingot_erofs_file *file, ingot_error *reterr);

/* erofs-content.c: [offset, offset + size), which is inside the file. */
int ingot_erofs_file_read(const struct ingot_erofs_file *file, uint64_t offset, void *ret,
                          size_t size, ingot_error *reterr);

/* erofs-decompress.c: exactly SIZE bytes; FORMAT when the input does not hold them. */
int ingot_erofs_decompress(uint8_t algorithm, const uint8_t *data, size_t stored, uint8_t *ret,
                           size_t size, ingot_error *reterr);

/* erofs-read-xattr.c: sets them in INODE; adds what was read to *BYTES. */
int ingot_erofs_read_xattrs(const struct ingot_erofs_file *file, struct ingot_inode *inode,
                            uint64_t *bytes, ingot_error *reterr);
