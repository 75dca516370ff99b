/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening an erofs image: the superblock and its checks, and single inodes. */
#include "format/erofs-image.h"

#include <inttypes.h>
#include <sys/stat.h>

static const struct {
        uint32_t bit;
        const char *name;
} unsupported[] = {
        {0x40, "long xattr name prefixes"},
        {0x80, "48-bit addresses"},
        {0x100, "a metadata box"},
};

static int check_features(const struct ingot_erofs_super *s, ingot_error *reterr)
{
        for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++)
                if (s->feature_incompat & unsupported[i].bit)
                        return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "the image uses %s",
                                          unsupported[i].name);
        if (s->feature_incompat & ~0x3fu)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "the image uses unknown features (%#" PRIx32 ")",
                                  s->feature_incompat & ~0x3fu);
        if (s->extra_devices > 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "the image has extra devices");
        if (s->directory_block_bits != 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "the image has larger blocks for directories");
        return 0;
}

/* The checksum covers the rest of the superblock's block, or one block from it where blocks are
 * smaller than its offset. */
static int check_sum(const struct ingot_erofs_image *image, ingot_error *reterr)
{
        size_t size = image->block_size > INGOT_EROFS_SUPER_OFFSET
                              ? image->block_size
                              : INGOT_EROFS_SUPER_OFFSET + image->block_size;
        if (!(image->super.feature_compat & INGOT_EROFS_COMPAT_CHECKSUM))
                return 0;
        _cleanup_free_ uint8_t *block = malloc(size);
        if (!block)
                return ingot_fail_nomem(reterr);
        int r = ingot_read_at(&image->reader, 0, block, size, reterr);
        if (r < 0)
                return r;
        if (ingot_erofs_super_checksum(block, size) != image->super.checksum)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the superblock's checksum differs");
        return 0;
}

int ingot_erofs_probe(const struct ingot_reader *reader, ingot_error *reterr)
{
        uint8_t magic[4];
        if (reader->size < INGOT_EROFS_SUPER_OFFSET + INGOT_EROFS_SUPER_SIZE)
                return 0;
        int r = ingot_read_at(reader, INGOT_EROFS_SUPER_OFFSET, magic, sizeof(magic), reterr);
        return r < 0 ? r : ingot_le32_load(magic) == INGOT_EROFS_MAGIC;
}

static int load_super(struct ingot_erofs_image *image, ingot_error *reterr)
{
        uint8_t data[INGOT_EROFS_SUPER_SIZE];
        struct ingot_erofs_super *s = &image->super;
        int r = ingot_read_at(&image->reader, INGOT_EROFS_SUPER_OFFSET, data, sizeof(data), reterr);
        if (r >= 0)
                r = ingot_erofs_super_decode(data, s, reterr);
        if (r < 0)
                return r;
        if (s->block_bits < 9 || s->block_bits > 16)
                return ingot_fail(reterr, INGOT_E_FORMAT, "blocks of 2^%u bytes", s->block_bits);
        image->block_size = 1u << s->block_bits;
        image->size = (uint64_t) s->blocks << s->block_bits;
        r = check_sum(image, reterr);
        if (r >= 0)
                r = check_features(s, reterr);
        if (r < 0)
                return r;
        if (image->size > image->reader.size)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "the image ends after %" PRIu64 " of %" PRIu64 " bytes",
                                  image->reader.size, image->size);
        image->reader.size = image->size;
        return 0;
}

int ingot_erofs_image_open(const struct ingot_reader *reader, struct ingot_erofs_image **ret,
                           ingot_error *reterr)
{
        _cleanup_(ingot_erofs_image_unref_p) struct ingot_erofs_image *image =
                calloc(1, sizeof(*image));
        if (!image)
                return ingot_fail_nomem(reterr);
        atomic_init(&image->references, 1);
        pthread_mutex_init(&image->lock, NULL);
        image->reader = *reader;
        int r = load_super(image, reterr);
        if (r < 0)
                return r;
        if (image->super.feature_incompat & INGOT_EROFS_INCOMPAT_FRAGMENTS &&
            image->super.packed_nid != 0) {
                r = ingot_erofs_file_open(image, image->super.packed_nid, &image->packed, reterr);
                if (r >= 0 && !S_ISREG(image->packed.inode.mode))
                        r = ingot_fail(reterr, INGOT_E_FORMAT, "it is no file");
                if (r >= 0 && image->packed.advise & INGOT_EROFS_ADVISE_FRAGMENT)
                        r = ingot_fail(reterr, INGOT_E_FORMAT, "it lies in itself");
                if (r < 0)
                        return ingot_under(reterr, r, "packed inode");
        }
        *ret = TAKE_PTR(image);
        return 0;
}

struct ingot_erofs_image *ingot_erofs_image_ref(struct ingot_erofs_image *image)
{
        atomic_fetch_add(&image->references, 1);
        return image;
}

void ingot_erofs_image_unref(struct ingot_erofs_image *image)
{
        if (!image || atomic_fetch_sub(&image->references, 1) > 1)
                return;
        for (size_t i = 0; i < INGOT_EROFS_CACHE_SLOTS; i++)
                free(image->cache[i].data);
        pthread_mutex_destroy(&image->lock);
        free(image);
}

static int check_flat(const struct ingot_erofs_file *f, ingot_error *reterr)
{
        const struct ingot_erofs_image *image = f->image;
        uint64_t size = f->inode.size, tail = size % image->block_size;
        if (f->inode.layout == INGOT_EROFS_FLAT_INLINE) {
                if (f->end % image->block_size + tail > image->block_size ||
                    !ingot_range_inside(f->end, tail, image->size))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "its inline tail leaves the block");
                size -= tail;
        }
        if (size > 0 && !ingot_range_inside((uint64_t) f->inode.address * image->block_size, size,
                                            image->size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "its blocks lie behind the end");
        return 0;
}

/* Does the inode have bytes of its own, or is its address a device? */
static bool has_data(uint16_t mode)
{
        enum ingot_file_type type;
        return ingot_erofs_type_of_mode(mode, &type) &&
               (type == INGOT_FILE_REGULAR || type == INGOT_FILE_DIRECTORY ||
                type == INGOT_FILE_SYMLINK);
}

static int check_layout(struct ingot_erofs_file *f, ingot_error *reterr)
{
        switch (f->inode.layout) {
        case INGOT_EROFS_FLAT_PLAIN:
        case INGOT_EROFS_FLAT_INLINE:
                return check_flat(f, reterr);
        case INGOT_EROFS_COMPRESSED_FULL:
        case INGOT_EROFS_COMPRESSED_COMPACT:
                return f->inode.size > 0 ? ingot_erofs_load_map_header(f, reterr) : 0;
        case INGOT_EROFS_CHUNK_BASED:
                if ((f->inode.address & 0xffff) >> 6 != 0)
                        return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "chunk format %#x",
                                          f->inode.address & 0xffff);
                return 0;
        }
        return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "data layout %d is not known",
                          f->inode.layout);
}

int ingot_erofs_file_open(struct ingot_erofs_image *image, uint64_t nid,
                          struct ingot_erofs_file *ret, ingot_error *reterr)
{
        struct ingot_erofs_file f = {.image = image, .nid = nid};
        uint8_t data[INGOT_EROFS_EXTENDED_SIZE];
        uint64_t at = (uint64_t) image->super.metadata_block * image->block_size;
        if (nid > image->size / INGOT_EROFS_SLOT || at + nid * INGOT_EROFS_SLOT >= image->size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "inode %" PRIu64 " lies behind the end",
                                  nid);
        at += nid * INGOT_EROFS_SLOT;
        size_t size = (size_t) ingot_min_u64(sizeof(data), image->size - at);
        int r = ingot_read_at(&image->reader, at, data, size, reterr);
        if (r >= 0)
                r = ingot_erofs_inode_decode(INGOT_SPAN(data, size), &image->super, &f.inode,
                                             reterr);
        if (r < 0)
                return ingot_under(reterr, r, "inode %" PRIu64, nid);
        f.end = at + ingot_erofs_inode_size(&f.inode) + ingot_erofs_xattr_area(f.inode.xattr_count);
        if (f.end > image->size || f.inode.size > INT64_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "inode %" PRIu64 " has an impossible size", nid);
        if (has_data(f.inode.mode))
                r = check_layout(&f, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "inode %" PRIu64, nid);
        *ret = f;
        return 0;
}
