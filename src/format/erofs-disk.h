/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The on-disk structures of erofs in host order, and their encoding: shared by writer and reader;
 * nobody else includes it. Source: Linux, fs/erofs/erofs_fs.h; see docs/formats/erofs.md.
 */
#pragma once

#include "base/uuid.h"
#include "format/tree.h"

#define INGOT_EROFS_SUPER_OFFSET 1024u
#define INGOT_EROFS_SUPER_SIZE 128u
#define INGOT_EROFS_MAGIC 0xe0f5e1e2u
#define INGOT_EROFS_SLOT 32u /* inodes stand at multiples of it; a nid counts them */
#define INGOT_EROFS_COMPACT_SIZE 32u
#define INGOT_EROFS_EXTENDED_SIZE 64u
#define INGOT_EROFS_DIRENT_SIZE 12u
#define INGOT_EROFS_XATTR_HEADER_SIZE 12u
#define INGOT_EROFS_XATTR_ENTRY_SIZE 4u

/* Limits of Linux: a cluster's compressed and decompressed size. */
#define INGOT_EROFS_CLUSTER_MAX (1024u * 1024)
#define INGOT_EROFS_CLUSTER_DECODED_MAX (12u * 1024 * 1024)

struct ingot_erofs_super {
        uint32_t checksum, feature_compat, feature_incompat;
        uint8_t block_bits, extension_slots, directory_block_bits;
        uint16_t root_nid;
        uint64_t inodes, build_time;
        uint32_t build_time_nsec, blocks, metadata_block, xattr_block;
        struct ingot_uuid uuid;
        char volume_name[17];
        uint16_t algorithms; /* a bit for each; or the distance of lz4 without configurations */
        uint16_t extra_devices;
        uint8_t xattr_prefix_count;
        uint64_t packed_nid;
};

/* 128 bytes at INGOT_EROFS_SUPER_OFFSET. Decoding fails with FORMAT only where the magic differs. */
void ingot_erofs_super_encode(const struct ingot_erofs_super *s,
                              uint8_t ret[INGOT_EROFS_SUPER_SIZE]);
int ingot_erofs_super_decode(const uint8_t data[INGOT_EROFS_SUPER_SIZE],
                             struct ingot_erofs_super *ret, ingot_error *reterr);

/* CRC-32C over what lies from the superblock to the end of its block, the checksum field zeroed. */
uint32_t ingot_erofs_super_checksum(const uint8_t *block, size_t block_size);

enum ingot_erofs_layout {
        INGOT_EROFS_FLAT_PLAIN = 0,
        INGOT_EROFS_COMPRESSED_FULL = 1,
        INGOT_EROFS_FLAT_INLINE = 2,
        INGOT_EROFS_COMPRESSED_COMPACT = 3,
        INGOT_EROFS_CHUNK_BASED = 4
};

struct ingot_erofs_inode {
        enum ingot_erofs_layout layout;
        bool extended;
        uint16_t xattr_count; /* of 4-byte units, see ingot_erofs_xattr_area */
        uint16_t mode;        /* with the type */
        uint32_t links;
        uint64_t size;
        uint32_t address; /* first block, compressed blocks, device or chunk format, by layout */
        uint32_t number, uid, gid;
        uint64_t mtime;
        uint32_t mtime_nsec;
};

/* Bytes of the inode alone: 32 or 64. */
static inline uint32_t ingot_erofs_inode_size(const struct ingot_erofs_inode *i)
{
        return i->extended ? INGOT_EROFS_EXTENDED_SIZE : INGOT_EROFS_COMPACT_SIZE;
}

/* Bytes of the xattrs behind the inode. */
static inline uint32_t ingot_erofs_xattr_area(uint16_t count)
{
        return count == 0 ? 0 : INGOT_EROFS_XATTR_HEADER_SIZE + 4u * (uint32_t) (count - 1);
}

void ingot_erofs_inode_encode(const struct ingot_erofs_inode *i, uint8_t *ret);
/* SPAN starts at the inode; FORMAT when it ends too early, UNSUPPORTED for unknown format bits.
 * Compact inodes get SUPER's time. */
int ingot_erofs_inode_decode(struct ingot_span span, const struct ingot_erofs_super *super,
                             struct ingot_erofs_inode *ret, ingot_error *reterr);

/* Types, as a directory entry and as an inode's mode name them; false for unknown ones. */
uint8_t ingot_erofs_file_type(enum ingot_file_type type);
uint16_t ingot_erofs_mode_type(enum ingot_file_type type);
bool ingot_erofs_type_of_mode(uint16_t mode, enum ingot_file_type *ret);

/* 12 bits of major and 20 of minor, as Linux's new_encode_dev. */
uint32_t ingot_erofs_device_encode(uint32_t major, uint32_t minor);
void ingot_erofs_device_decode(uint32_t device, uint32_t *ret_major, uint32_t *ret_minor);

/* Xattr names are stored as the number of a prefix and the rest. 0 when there is no such prefix;
 * NULL for an unknown number. */
uint8_t ingot_erofs_xattr_prefix(const char *name, const char **ret_rest);
const char *ingot_erofs_xattr_prefix_name(uint8_t index);

/* Compressed inodes: a map header of 8 bytes behind the xattrs (aligned to 8), then the indexes. */
#define INGOT_EROFS_MAP_HEADER_SIZE 8u
#define INGOT_EROFS_ADVISE_COMPACTED_2B 0x01u
#define INGOT_EROFS_ADVISE_BIG_PCLUSTER_1 0x02u
#define INGOT_EROFS_ADVISE_BIG_PCLUSTER_2 0x04u
#define INGOT_EROFS_ADVISE_INLINE_PCLUSTER 0x08u
#define INGOT_EROFS_ADVISE_INTERLACED 0x10u
#define INGOT_EROFS_ADVISE_FRAGMENT 0x20u
#define INGOT_EROFS_FRAGMENT_WHOLE (UINT64_C(1) << 63)

enum ingot_erofs_cluster_type {
        INGOT_EROFS_CLUSTER_PLAIN = 0,
        INGOT_EROFS_CLUSTER_HEAD1 = 1,
        INGOT_EROFS_CLUSTER_NONHEAD = 2,
        INGOT_EROFS_CLUSTER_HEAD2 = 3
};
#define INGOT_EROFS_BLOCK_COUNT_FLAG 0x800u /* in the first NONHEAD: the blocks of the cluster */
