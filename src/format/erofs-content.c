/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading the bytes of a file. The last few clusters stay decompressed, for readers that go through
 * a file in small steps and for small files that share a cluster.
 */
#include "format/erofs-image.h"

#include <inttypes.h>

/* Copies from the cache; false when the cluster is not in it. */
static bool copy_cached(struct ingot_erofs_image *image, const struct ingot_erofs_mapping *m,
                        uint64_t skip, void *ret, size_t size)
{
        bool found = false;
        pthread_mutex_lock(&image->lock);
        for (size_t i = 0; i < INGOT_EROFS_CACHE_SLOTS && !found; i++) {
                struct ingot_erofs_cached *c = image->cache + i;
                if (c->used == 0 || c->address != m->address || c->stored != m->stored ||
                    c->size != m->end - m->start)
                        continue;
                c->used = ++image->clock;
                memcpy(ret, c->data + skip, size);
                found = true;
        }
        pthread_mutex_unlock(&image->lock);
        return found;
}

/* Takes DATA. */
static void keep(struct ingot_erofs_image *image, const struct ingot_erofs_mapping *m,
                 uint8_t *data)
{
        size_t oldest = 0;
        pthread_mutex_lock(&image->lock);
        for (size_t i = 1; i < INGOT_EROFS_CACHE_SLOTS; i++)
                if (image->cache[i].used < image->cache[oldest].used)
                        oldest = i;
        struct ingot_erofs_cached *c = image->cache + oldest;
        uint8_t *before = c->data;
        *c = (struct ingot_erofs_cached){.address = m->address,
                                         .used = ++image->clock,
                                         .stored = m->stored,
                                         .size = m->end - m->start,
                                         .data = data};
        pthread_mutex_unlock(&image->lock);
        free(before);
}

static int read_compressed(struct ingot_erofs_image *image, const struct ingot_erofs_mapping *m,
                           uint64_t skip, void *ret, size_t size, ingot_error *reterr)
{
        if (copy_cached(image, m, skip, ret, size))
                return 0;
        _cleanup_free_ uint8_t *stored = malloc(m->stored), *data = malloc(m->end - m->start);
        if (!stored || !data)
                return ingot_fail_nomem(reterr);
        int r = ingot_read_at(&image->reader, m->address, stored, m->stored, reterr);
        if (r >= 0)
                r = ingot_erofs_decompress(m->algorithm, stored, m->stored, data, m->end - m->start,
                                           reterr);
        if (r < 0)
                return ingot_under(reterr, r, "cluster at %" PRIu64, m->address);
        memcpy(ret, data + skip, size);
        if (m->end - m->start <= INGOT_EROFS_CACHE_LARGEST)
                keep(image, m, TAKE_PTR(data));
        return 0;
}

/* An interlaced cluster is turned so that bytes stand where they stand in the file's blocks. */
static int read_interlaced(const struct ingot_erofs_image *image,
                           const struct ingot_erofs_mapping *m, uint64_t skip, void *ret,
                           size_t size, ingot_error *reterr)
{
        uint64_t front = image->block_size - m->start % image->block_size;
        size_t first = skip < front ? (size_t) ingot_min_u64(size, front - skip) : 0;
        if (front > m->stored)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a plain cluster is too small");
        int r = ingot_read_at(&image->reader, m->address + m->stored - front + skip, ret, first,
                              reterr);
        if (r < 0 || first == size)
                return r;
        return ingot_read_at(&image->reader, m->address + skip + first - front,
                             (uint8_t *) ret + first, size - first, reterr);
}

static int read_mapping(const struct ingot_erofs_file *f, const struct ingot_erofs_mapping *m,
                        uint64_t skip, void *ret, size_t size, ingot_error *reterr)
{
        switch (m->kind) {
        case INGOT_EROFS_MAP_HOLE:
                memset(ret, 0, size);
                return 0;
        case INGOT_EROFS_MAP_RAW:
                return ingot_read_at(&f->image->reader, m->address + skip, ret, size, reterr);
        case INGOT_EROFS_MAP_PACKED:
                return ingot_erofs_file_read(&f->image->packed, m->address + skip, ret, size,
                                             reterr);
        case INGOT_EROFS_MAP_INTERLACED:
                return read_interlaced(f->image, m, skip, ret, size, reterr);
        case INGOT_EROFS_MAP_COMPRESSED:
                return read_compressed(f->image, m, skip, ret, size, reterr);
        }
        return ingot_fail(reterr, INGOT_E_INTERNAL, "unknown mapping");
}

int ingot_erofs_file_read(const struct ingot_erofs_file *file, uint64_t offset, void *ret,
                          size_t size, ingot_error *reterr)
{
        if (!ingot_range_inside(offset, size, file->inode.size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "read behind the end of inode %" PRIu64,
                                  file->nid);
        while (size > 0) {
                struct ingot_erofs_mapping m;
                int r = ingot_erofs_map(file, offset, &m, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "inode %" PRIu64, file->nid);
                size_t part = (size_t) ingot_min_u64(size, m.end - offset);
                r = read_mapping(file, &m, offset - m.start, ret, part, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "inode %" PRIu64, file->nid);
                ret = (uint8_t *) ret + part;
                offset += part;
                size -= part;
        }
        return 0;
}
