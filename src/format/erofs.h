/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * erofs, the read-only file system of the images: writer and reader.
 *
 * Format: Linux, Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h; docs/formats/erofs.md
 * says which parts are written and how an image is laid out. What is written mounts from Linux 5.4
 * (plain), 6.1 (lz4, lz4hc: packed tails) or 6.10 (zstd) on.
 */
#pragma once

#include "base/io.h"
#include "base/log.h"
#include "base/uuid.h"
#include "format/tree.h"

#define INGOT_EROFS_BLOCK 4096u        /* the block size of what is written */
#define INGOT_EROFS_EXTENT_MAX 1048576u /* the largest input of one cluster that is written */
#define INGOT_EROFS_VOLUME_NAME_MAX 15

enum ingot_erofs_compressor {
        INGOT_EROFS_NONE,
        INGOT_EROFS_LZ4,
        INGOT_EROFS_LZ4HC, /* levels 1 to 12 */
        INGOT_EROFS_ZSTD,  /* levels 1 to 22 */
        INGOT_EROFS_COMPRESSOR_MAX
};

/* "none", "lz4", "lz4hc", "zstd". */
const char *ingot_erofs_compressor_name(enum ingot_erofs_compressor compressor);
/* "zstd" or, with a level, "zstd:19"; USAGE for an unknown name or a level out of range. Without a
 * level *ret_level is 0, the default. */
int ingot_erofs_compressor_parse(const char *text, enum ingot_erofs_compressor *ret,
                                 int *ret_level, ingot_error *reterr);

struct ingot_erofs_options {
        enum ingot_erofs_compressor compressor;
        int level;           /* 0: the compressor's default (lz4hc 9, zstd 3) */
        unsigned threads;    /* 0: one for each CPU; the bytes never depend on it */
        uint32_t extent;     /* bytes of input in one cluster: a power of two from 4 KiB to 1 MiB; 0:
                              * the default */
        struct ingot_uuid uuid;
        int64_t build_time;  /* inodes with just this mtime take half the space */
        const char *volume_name; /* at most INGOT_EROFS_VOLUME_NAME_MAX bytes, or NULL */
        const struct ingot_reader *like; /* an image of the release before, or NULL: see below */
        const struct ingot_log *log; /* progress in bytes of input; may be NULL */
};

struct ingot_erofs_result {
        uint64_t size;          /* of the image: a multiple of INGOT_EROFS_BLOCK */
        uint64_t inodes;        /* a hard link counts once */
        uint64_t files, directories, symlinks, devices;
        uint64_t content_size;  /* bytes of all files */
        uint64_t data_size;     /* what those take in the data area, whole blocks */
        uint64_t metadata_size; /* inodes, directories, xattrs; whole blocks */
        uint64_t packed_size;   /* bytes of small files and tails that share clusters */
        unsigned kernel_major, kernel_minor; /* the oldest kernel that can read the image */
};

/*
 * Writes the tree as one image. Data is read through the inodes' contents, from several threads at
 * once, some of it twice (small files are compared, to store equal ones once). Every block is
 * written exactly once and whole, in ascending order, but for block 0, which comes last: an image
 * whose writing stopped is no file system. Uses the inodes' marks.
 *
 * With LIKE as little as possible differs from that image: what has not changed keeps its bytes and
 * its blocks, whatever the level, and inodes their numbers; what is new goes where blocks fell
 * free, then to the end. Blocks are then written in any order. The same tree and the same image
 * give the same bytes. Bytes of files that are gone may remain in clusters that others share, to
 * about 1.5 % of the image. LIKE may be malformed: nothing is taken over that is not equal to what
 * the tree says. UNSUPPORTED without compression or with extents below 64 KiB, CONFLICT when LIKE
 * is compressed otherwise; the errors of ingot_erofs_read_tree.
 *
 * USAGE: options out of range. LIMIT: larger than the format can say (names are checked by the
 * tree; xattr values over 64 KiB, device numbers over 12:20 bits, 16 TiB of image). UNSUPPORTED: an
 * xattr outside of user, trusted, security and POSIX ACLs. Errors of contents and of the writer
 * come through, with the path in front.
 */
int ingot_erofs_write(const struct ingot_tree *tree, const struct ingot_erofs_options *options,
                      const struct ingot_writer *writer, struct ingot_erofs_result *ret,
                      ingot_error *reterr);

/* Can this kernel ("6.12.57+deb13-cloud-amd64") read what these options write? UNSUPPORTED with the
 * reason when not, FORMAT when RELEASE starts with no version. */
int ingot_erofs_kernel_check(const struct ingot_erofs_options *options, const char *release,
                             ingot_error *reterr);

/* What the superblock and the inodes say. */
struct ingot_erofs_info {
        uint64_t size; /* of the file system, by its superblock */
        uint32_t block_size;
        uint64_t inodes; /* found in the tree */
        uint64_t files, directories, symlinks, devices;
        int64_t build_time;
        uint32_t build_time_nsec;
        struct ingot_uuid uuid;
        char volume_name[17];
        uint32_t feature_compat, feature_incompat; /* INGOT_EROFS_COMPAT_…, _INCOMPAT_… */
        unsigned algorithms;      /* of compressed files: INGOT_EROFS_ALGORITHM_… bits, 1 << n */
        uint64_t content_size;    /* bytes of all files */
        uint64_t compressed_size; /* of these, the bytes of files in compressed layouts */
        uint64_t compressed_blocks_size; /* what their clusters take; packed tails included */
        uint64_t metadata_address, packed_size; /* bytes; packed_size 0: no packed inode */
};

/* Feature bits and algorithm numbers of the format, for who prints them. */
#define INGOT_EROFS_COMPAT_CHECKSUM 0x1u
#define INGOT_EROFS_COMPAT_MTIME 0x2u
#define INGOT_EROFS_COMPAT_XATTR_FILTER 0x4u
#define INGOT_EROFS_INCOMPAT_ZERO_PADDING 0x1u
#define INGOT_EROFS_INCOMPAT_BIG_PCLUSTER 0x2u /* with it: compression configurations */
#define INGOT_EROFS_INCOMPAT_CHUNKED_FILE 0x4u
#define INGOT_EROFS_INCOMPAT_DEVICE_TABLE 0x8u /* or a second algorithm */
#define INGOT_EROFS_INCOMPAT_ZTAILPACKING 0x10u
#define INGOT_EROFS_INCOMPAT_FRAGMENTS 0x20u /* or shared clusters */
#define INGOT_EROFS_INCOMPAT_XATTR_PREFIXES 0x40u
enum ingot_erofs_algorithm {
        INGOT_EROFS_ALGORITHM_LZ4 = 0,
        INGOT_EROFS_ALGORITHM_LZMA = 1,
        INGOT_EROFS_ALGORITHM_DEFLATE = 2,
        INGOT_EROFS_ALGORITHM_ZSTD = 3
};

/* Is it one? 1 when the superblock's magic is there, 0 when not; < 0 only when reading fails. */
int ingot_erofs_probe(const struct ingot_reader *reader, ingot_error *reterr);

/* What the superblock says, without the numbers that are counted in the tree. The errors of
 * ingot_erofs_read_tree. */
int ingot_erofs_read_info(const struct ingot_reader *reader, struct ingot_erofs_info *ret,
                          ingot_error *reterr);

/*
 * The whole tree of an image. Contents read and decompress on demand, from any number of threads;
 * they use READER's context, which must outlive the tree. All inodes and directories are checked
 * here, clusters when they are read: FORMAT when malformed, UNSUPPORTED (with the feature's name)
 * for what other writers may use and this reader cannot. RET_INFO may be NULL.
 */
int ingot_erofs_read_tree(const struct ingot_reader *reader, struct ingot_tree **ret,
                          struct ingot_erofs_info *ret_info, ingot_error *reterr);
