/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Encoding and decoding of superblock and inodes, and the small tables of the format. */
#include "format/erofs-disk.h"
#include "base/crc32.h"
#include "format/erofs.h"

#include <sys/stat.h>

void ingot_erofs_super_encode(const struct ingot_erofs_super *s,
                              uint8_t ret[INGOT_EROFS_SUPER_SIZE])
{
        memset(ret, 0, INGOT_EROFS_SUPER_SIZE);
        ingot_le32_store(ret, INGOT_EROFS_MAGIC);
        ingot_le32_store(ret + 4, s->checksum);
        ingot_le32_store(ret + 8, s->feature_compat);
        ret[12] = s->block_bits;
        ret[13] = s->extension_slots;
        ingot_le16_store(ret + 14, s->root_nid);
        ingot_le64_store(ret + 16, s->inodes);
        ingot_le64_store(ret + 24, s->build_time);
        ingot_le32_store(ret + 32, s->build_time_nsec);
        ingot_le32_store(ret + 36, s->blocks);
        ingot_le32_store(ret + 40, s->metadata_block);
        ingot_le32_store(ret + 44, s->xattr_block);
        memcpy(ret + 48, s->uuid.bytes, 16);
        memcpy(ret + 64, s->volume_name, 16);
        ingot_le32_store(ret + 80, s->feature_incompat);
        ingot_le16_store(ret + 84, s->algorithms);
        ingot_le16_store(ret + 86, s->extra_devices);
        ret[90] = s->directory_block_bits;
        ret[91] = s->xattr_prefix_count;
        ingot_le64_store(ret + 96, s->packed_nid);
}

int ingot_erofs_super_decode(const uint8_t data[INGOT_EROFS_SUPER_SIZE],
                             struct ingot_erofs_super *ret, ingot_error *reterr)
{
        if (ingot_le32_load(data) != INGOT_EROFS_MAGIC)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no erofs: the magic number is not there");
        *ret = (struct ingot_erofs_super){
                .checksum = ingot_le32_load(data + 4),
                .feature_compat = ingot_le32_load(data + 8),
                .block_bits = data[12],
                .extension_slots = data[13],
                .root_nid = ingot_le16_load(data + 14),
                .inodes = ingot_le64_load(data + 16),
                .build_time = ingot_le64_load(data + 24),
                .build_time_nsec = ingot_le32_load(data + 32),
                .blocks = ingot_le32_load(data + 36),
                .metadata_block = ingot_le32_load(data + 40),
                .xattr_block = ingot_le32_load(data + 44),
                .feature_incompat = ingot_le32_load(data + 80),
                .algorithms = ingot_le16_load(data + 84),
                .extra_devices = ingot_le16_load(data + 86),
                .directory_block_bits = data[90],
                .xattr_prefix_count = data[91],
                .packed_nid = ingot_le64_load(data + 96),
        };
        memcpy(ret->uuid.bytes, data + 48, 16);
        memcpy(ret->volume_name, data + 64, 16);
        return 0;
}

uint32_t ingot_erofs_super_checksum(const uint8_t *block, size_t block_size)
{
        static const uint8_t zeros[4];
        size_t at = INGOT_EROFS_SUPER_OFFSET + 8;
        uint32_t crc = ingot_crc32c(0xffffffff, block + INGOT_EROFS_SUPER_OFFSET, 4);
        crc = ingot_crc32c(crc, zeros, sizeof(zeros));
        return ingot_crc32c(crc, block + at, block_size - at);
}

void ingot_erofs_inode_encode(const struct ingot_erofs_inode *i, uint8_t *ret)
{
        memset(ret, 0, ingot_erofs_inode_size(i));
        ingot_le16_store(ret, (uint16_t) ((unsigned) i->layout << 1 | i->extended));
        ingot_le16_store(ret + 2, i->xattr_count);
        ingot_le16_store(ret + 4, i->mode);
        ingot_le32_store(ret + 16, i->address);
        ingot_le32_store(ret + 20, i->number);
        if (i->extended) {
                ingot_le64_store(ret + 8, i->size);
                ingot_le32_store(ret + 24, i->uid);
                ingot_le32_store(ret + 28, i->gid);
                ingot_le64_store(ret + 32, i->mtime);
                ingot_le32_store(ret + 40, i->mtime_nsec);
                ingot_le32_store(ret + 44, i->links);
                return;
        }
        ingot_le16_store(ret + 6, (uint16_t) i->links);
        ingot_le32_store(ret + 8, (uint32_t) i->size);
        ingot_le16_store(ret + 24, (uint16_t) i->uid);
        ingot_le16_store(ret + 26, (uint16_t) i->gid);
}

static void decode_compact(const uint8_t *p, const struct ingot_erofs_super *super,
                           struct ingot_erofs_inode *i)
{
        i->links = ingot_le16_load(p + 6);
        i->size = ingot_le32_load(p + 8);
        i->uid = ingot_le16_load(p + 24);
        i->gid = ingot_le16_load(p + 26);
        /* Since Linux 6.15 a compact inode may stand some seconds after the build time. */
        i->mtime = super->build_time + ingot_le32_load(p + 12);
        i->mtime_nsec = super->build_time_nsec;
}

static void decode_extended(const uint8_t *p, struct ingot_erofs_inode *i)
{
        i->size = ingot_le64_load(p + 8);
        i->uid = ingot_le32_load(p + 24);
        i->gid = ingot_le32_load(p + 28);
        i->mtime = ingot_le64_load(p + 32);
        i->mtime_nsec = ingot_le32_load(p + 40);
        i->links = ingot_le32_load(p + 44);
}

int ingot_erofs_inode_decode(struct ingot_span span, const struct ingot_erofs_super *super,
                             struct ingot_erofs_inode *ret, ingot_error *reterr)
{
        struct ingot_erofs_inode i = {0};
        uint16_t format = span.size >= 2 ? ingot_le16_load(span.data) : 0;
        i.extended = format & 1;
        i.layout = format >> 1 & 7;
        if (span.size < ingot_erofs_inode_size(&i))
                return ingot_fail(reterr, INGOT_E_FORMAT, "an inode lies behind the end");
        if (format >> 4 != 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "inode format %#x is not known",
                                  format);
        i.xattr_count = ingot_le16_load(span.data + 2);
        i.mode = ingot_le16_load(span.data + 4);
        i.address = ingot_le32_load(span.data + 16);
        i.number = ingot_le32_load(span.data + 20);
        if (i.extended)
                decode_extended(span.data, &i);
        else
                decode_compact(span.data, super, &i);
        if (i.mtime_nsec >= 1000000000)
                return ingot_fail(reterr, INGOT_E_FORMAT, "an inode's time has %u nanoseconds",
                                  i.mtime_nsec);
        *ret = i;
        return 0;
}

static const struct {
        uint8_t file_type;
        uint16_t mode;
} types[] = {
        [INGOT_FILE_REGULAR] = {1, S_IFREG}, [INGOT_FILE_DIRECTORY] = {2, S_IFDIR},
        [INGOT_FILE_SYMLINK] = {7, S_IFLNK}, [INGOT_FILE_CHARACTER] = {3, S_IFCHR},
        [INGOT_FILE_BLOCK] = {4, S_IFBLK},   [INGOT_FILE_FIFO] = {5, S_IFIFO},
        [INGOT_FILE_SOCKET] = {6, S_IFSOCK},
};

uint8_t ingot_erofs_file_type(enum ingot_file_type type)
{
        return types[type].file_type;
}

uint16_t ingot_erofs_mode_type(enum ingot_file_type type)
{
        return types[type].mode;
}

bool ingot_erofs_type_of_mode(uint16_t mode, enum ingot_file_type *ret)
{
        for (unsigned i = 0; i <= INGOT_FILE_SOCKET; i++)
                if (types[i].mode == (mode & S_IFMT)) {
                        *ret = (enum ingot_file_type) i;
                        return true;
                }
        return false;
}

uint32_t ingot_erofs_device_encode(uint32_t major, uint32_t minor)
{
        return (minor & 0xff) | major << 8 | (minor & ~UINT32_C(0xff)) << 12;
}

void ingot_erofs_device_decode(uint32_t device, uint32_t *ret_major, uint32_t *ret_minor)
{
        *ret_major = device >> 8 & 0xfff;
        *ret_minor = (device & 0xff) | (device >> 12 & 0xfff00);
}

static const char *const xattr_prefixes[] = {
        [1] = "user.",    [2] = "system.posix_acl_access", [3] = "system.posix_acl_default",
        [4] = "trusted.", [5] = "lustre.",                 [6] = "security.",
};

uint8_t ingot_erofs_xattr_prefix(const char *name, const char **ret_rest)
{
        for (uint8_t i = 1; i < sizeof(xattr_prefixes) / sizeof(*xattr_prefixes); i++) {
                size_t size = strlen(xattr_prefixes[i]);
                bool whole = i == 2 || i == 3;
                if (i == 5 || strncmp(name, xattr_prefixes[i], size) != 0 ||
                    (name[size] == 0) != whole)
                        continue;
                *ret_rest = name + size;
                return i;
        }
        return 0;
}

const char *ingot_erofs_xattr_prefix_name(uint8_t index)
{
        return index < sizeof(xattr_prefixes) / sizeof(*xattr_prefixes) ? xattr_prefixes[index]
                                                                       : NULL;
}
