/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the bytes of an uncompressed file lie: flat, with an inline tail, or in chunks. */
#include "format/erofs-image.h"

static int map_flat(const struct ingot_erofs_file *f, uint64_t at, struct ingot_erofs_mapping *ret)
{
        uint64_t size = f->inode.size, block = f->image->block_size;
        uint64_t flat = f->inode.layout == INGOT_EROFS_FLAT_INLINE ? size - size % block : size;
        if (at < flat)
                *ret = (struct ingot_erofs_mapping){.start = 0,
                                                    .end = flat,
                                                    .address = f->inode.address * block};
        else
                *ret = (struct ingot_erofs_mapping){.start = flat, .end = size, .address = f->end};
        return 0;
}

static int map_chunk(const struct ingot_erofs_file *f, uint64_t at, struct ingot_erofs_mapping *ret,
                     ingot_error *reterr)
{
        const struct ingot_erofs_image *image = f->image;
        uint32_t format = f->inode.address & 0xffff;
        unsigned bits = image->super.block_bits + (format & 31), unit = format & 32 ? 8 : 4;
        uint64_t chunk = at >> bits, start = chunk << bits, place;
        uint8_t index[8];
        if (!ingot_mul_u64(chunk, unit, &place) ||
            !ingot_add_u64(place, ingot_align_up(f->end, unit), &place))
                return ingot_fail(reterr, INGOT_E_FORMAT, "a chunk's index lies behind the end");
        int r = ingot_read_at(&image->reader, place, index, unit, reterr);
        if (r < 0)
                return r;
        if (unit == 8 && ingot_le16_load(index + 2) != 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "a chunk lies on another device");
        uint32_t block = ingot_le32_load(index + unit - 4);
        uint64_t size = UINT64_C(1) << bits;
        *ret = (struct ingot_erofs_mapping){
                .kind = block == UINT32_MAX ? INGOT_EROFS_MAP_HOLE : INGOT_EROFS_MAP_RAW,
                .start = start,
                .end = start + ingot_min_u64(size, f->inode.size - start),
                .address = (uint64_t) block * image->block_size};
        return 0;
}

int ingot_erofs_map(const struct ingot_erofs_file *file, uint64_t at,
                    struct ingot_erofs_mapping *ret, ingot_error *reterr)
{
        switch (file->inode.layout) {
        case INGOT_EROFS_FLAT_PLAIN:
        case INGOT_EROFS_FLAT_INLINE:
                return map_flat(file, at, ret);
        case INGOT_EROFS_CHUNK_BASED:
                return map_chunk(file, at, ret, reterr);
        default:
                return ingot_erofs_map_compressed(file, at, ret, reterr);
        }
}
