/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the bytes of a compressed file lie: the index of logical clusters, full (8 bytes each) or
 * compact (packs of 2 or 16 that share an address), as docs/formats/erofs.md describes it.
 *
 * An extent begins in a HEAD (or PLAIN) cluster; NONHEAD ones say how far back that is. Steps are
 * bounded by the largest extent that the format allows, so a hostile index costs no more than that.
 */
#include "format/erofs-image.h"

#include <inttypes.h>

struct cluster {
        enum ingot_erofs_cluster_type type;
        uint32_t offset;        /* of an extent's first byte, in its HEAD */
        uint32_t back, forward; /* from a NONHEAD to its HEAD, and to the next (at least 1) */
        uint32_t blocks;        /* stored blocks, where the entry says them, else 0 */
        uint64_t block;         /* of a HEAD */
        uint64_t pack_end;      /* behind the entry, or behind its pack: inline data may follow */
};

static uint64_t index_base(const struct ingot_erofs_file *f)
{
        uint64_t base = ingot_align_up(f->end, 8) + INGOT_EROFS_MAP_HEADER_SIZE;
        return f->inode.layout == INGOT_EROFS_COMPRESSED_FULL ? base + 8 : base;
}

static int load_full(const struct ingot_erofs_file *f, uint64_t number, struct cluster *ret,
                     ingot_error *reterr)
{
        uint8_t data[8];
        uint64_t at = index_base(f) + number * 8;
        int r = ingot_read_at(&f->image->reader, at, data, sizeof(data), reterr);
        if (r < 0)
                return r;
        struct cluster c = {.type = ingot_le16_load(data) & 3, .pack_end = at + 8};
        if (c.type != INGOT_EROFS_CLUSTER_NONHEAD) {
                c.offset = ingot_le16_load(data + 2);
                c.block = ingot_le32_load(data + 4);
        } else {
                c.back = ingot_le16_load(data + 4);
                c.forward = ingot_le16_load(data + 6);
                if (c.back & INGOT_EROFS_BLOCK_COUNT_FLAG) {
                        c.blocks = c.back & ~INGOT_EROFS_BLOCK_COUNT_FLAG;
                        c.back = 1;
                }
        }
        *ret = c;
        return 0;
}

/* A pack in memory. */
struct pack {
        uint8_t data[32];
        unsigned size, count, bits, cluster_bits;
        uint64_t at;
};

static uint32_t pack_entry(const struct pack *p, unsigned i, enum ingot_erofs_cluster_type *ret_type)
{
        unsigned bit = p->bits * i;
        uint32_t v = ingot_le32_load(p->data + bit / 8) >> bit % 8;
        *ret_type = v >> p->cluster_bits & 3;
        return v & ((1u << p->cluster_bits) - 1);
}

static int load_pack(const struct ingot_erofs_file *f, uint64_t number, struct pack *p, unsigned *ret,
                     ingot_error *reterr)
{
        uint64_t base = index_base(f), first = (32 - base % 32) / 4 % 8, middle = 0;
        uint64_t total = ingot_div_up(f->inode.size, f->image->block_size);
        if (f->advise & INGOT_EROFS_ADVISE_COMPACTED_2B && first < total)
                middle = (total - first) & ~UINT64_C(15);
        bool small = number >= first && number < first + middle;
        *p = (struct pack){.size = small ? 32 : 8,
                           .count = small ? 16 : 2,
                           .bits = small ? 14 : 16,
                           .cluster_bits = f->cluster_bits};
        if ((small && f->cluster_bits != 12) || f->cluster_bits > 14)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "compact indexes of clusters of 2^%u bytes", f->cluster_bits);
        uint64_t in_part = small            ? number - first
                           : number < first ? number
                                            : number - first - middle;
        p->at = small            ? base + first * 4
                : number < first ? base
                                 : base + first * 4 + middle * 2;
        p->at += in_part / p->count * p->size;
        *ret = (unsigned) (in_part % p->count);
        return ingot_read_at(&f->image->reader, p->at, p->data, p->size, reterr);
}

/* How many blocks lie between the pack's address and the HEAD at I: those of the clusters before it,
 * as far as they begin, or say their size, in this pack. False when an entry makes no sense. */
static bool blocks_before(const struct ingot_erofs_file *f, const struct pack *p, int i,
                          uint64_t *ret)
{
        bool big = f->advise & INGOT_EROFS_ADVISE_BIG_PCLUSTER_1;
        enum ingot_erofs_cluster_type type;
        uint64_t blocks = big ? 0 : 1;
        while (i > 0) {
                uint32_t low = pack_entry(p, (unsigned) --i, &type);
                if (type != INGOT_EROFS_CLUSTER_NONHEAD) {
                        blocks++;
                } else if (!big) {
                        i -= (int) low;
                        blocks += i >= 0;
                } else if (low & INGOT_EROFS_BLOCK_COUNT_FLAG) {
                        blocks += low & ~INGOT_EROFS_BLOCK_COUNT_FLAG;
                        i--;
                } else if (low <= 1) {
                        return false;
                } else {
                        i -= (int) low - 2;
                }
        }
        *ret = blocks;
        return true;
}

/* The last entry of a pack says how far it is forward, the others how far back. */
static void decode_nonhead(const struct pack *p, unsigned i, uint32_t low, struct cluster *c)
{
        enum ingot_erofs_cluster_type type;
        c->forward = 1;
        if (low & INGOT_EROFS_BLOCK_COUNT_FLAG) {
                c->blocks = low & ~INGOT_EROFS_BLOCK_COUNT_FLAG;
                c->back = 1;
                return;
        }
        c->back = low;
        if (i + 1 < p->count)
                return;
        c->forward = low;
        uint32_t before = pack_entry(p, i - 1, &type);
        c->back = type != INGOT_EROFS_CLUSTER_NONHEAD         ? 1
                  : before & INGOT_EROFS_BLOCK_COUNT_FLAG ? 2
                                                              : before + 1;
}

static int load_compact(const struct ingot_erofs_file *f, uint64_t number, struct cluster *ret,
                        ingot_error *reterr)
{
        struct pack p;
        unsigned i = 0;
        uint64_t before = 0;
        int r = load_pack(f, number, &p, &i, reterr);
        if (r < 0)
                return r;
        struct cluster c = {.pack_end = p.at + p.size};
        uint32_t low = pack_entry(&p, i, &c.type);
        if (c.type == INGOT_EROFS_CLUSTER_NONHEAD) {
                decode_nonhead(&p, i, low, &c);
        } else {
                c.offset = low;
                if (!blocks_before(f, &p, (int) i, &before))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "a pack of indexes is malformed");
                c.block = ingot_le32_load(p.data + p.size - 4) + before;
        }
        *ret = c;
        return 0;
}

static int load(const struct ingot_erofs_file *f, uint64_t number, struct cluster *ret,
                ingot_error *reterr)
{
        int r = f->inode.layout == INGOT_EROFS_COMPRESSED_FULL ? load_full(f, number, ret, reterr)
                                                               : load_compact(f, number, ret, reterr);
        if (r >= 0 && ret->type != INGOT_EROFS_CLUSTER_NONHEAD && ret->offset >> f->cluster_bits)
                return ingot_fail(reterr, INGOT_E_FORMAT, "an extent begins outside its cluster");
        return r;
}

static uint64_t most_steps(const struct ingot_erofs_file *f)
{
        return (INGOT_EROFS_CLUSTER_DECODED_MAX >> f->cluster_bits) + 1;
}

/* The cluster in which the extent of byte AT begins. */
static int find_head(const struct ingot_erofs_file *f, uint64_t at, uint64_t *ret_number,
                     struct cluster *ret, ingot_error *reterr)
{
        uint64_t number = at >> f->cluster_bits, first = number;
        int r = load(f, number, ret, reterr);
        if (r < 0)
                return r;
        if (ret->type != INGOT_EROFS_CLUSTER_NONHEAD &&
            (at & ((UINT64_C(1) << f->cluster_bits) - 1)) < ret->offset) {
                ret->type = INGOT_EROFS_CLUSTER_NONHEAD;
                ret->back = 1;
        }
        while (ret->type == INGOT_EROFS_CLUSTER_NONHEAD) {
                if (ret->back == 0 || ret->back > number || first - number > most_steps(f))
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "cluster %" PRIu64 " has no beginning", first);
                number -= ret->back;
                r = load(f, number, ret, reterr);
                if (r < 0)
                        return r;
        }
        *ret_number = number;
        return 0;
}

/* The byte behind the extent that begins in cluster HEAD. */
static int find_end(const struct ingot_erofs_file *f, uint64_t head, uint64_t *ret,
                    ingot_error *reterr)
{
        struct cluster c;
        for (uint64_t number = head + 1; number - head <= most_steps(f);) {
                if (number > (f->inode.size - 1) >> f->cluster_bits) {
                        *ret = f->inode.size;
                        return 0;
                }
                int r = load(f, number, &c, reterr);
                if (r < 0)
                        return r;
                if (c.type != INGOT_EROFS_CLUSTER_NONHEAD) {
                        *ret = ingot_min_u64((number << f->cluster_bits) + c.offset, f->inode.size);
                        return 0;
                }
                number += c.forward ? c.forward : 1;
        }
        return ingot_fail(reterr, INGOT_E_FORMAT, "an extent is larger than 12 MiB");
}

static int find_stored(const struct ingot_erofs_file *f, const struct cluster *head,
                       uint64_t number, uint64_t *ret, ingot_error *reterr)
{
        uint16_t big = head->type == INGOT_EROFS_CLUSTER_HEAD1   ? INGOT_EROFS_ADVISE_BIG_PCLUSTER_1
                       : head->type == INGOT_EROFS_CLUSTER_HEAD2 ? INGOT_EROFS_ADVISE_BIG_PCLUSTER_2
                                                                 : 0;
        struct cluster next;
        *ret = UINT64_C(1) << f->cluster_bits;
        if (!(f->advise & big) || number + 1 > (f->inode.size - 1) >> f->cluster_bits)
                return 0;
        int r = load(f, number + 1, &next, reterr);
        if (r < 0)
                return r;
        if (next.type != INGOT_EROFS_CLUSTER_NONHEAD)
                return 0;
        if (next.blocks == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a cluster does not say its size");
        *ret = (uint64_t) next.blocks * f->image->block_size;
        return 0;
}

static int finish_mapping(const struct ingot_erofs_file *f, const struct cluster *head,
                          struct ingot_erofs_mapping *m, ingot_error *reterr)
{
        if (head->type == INGOT_EROFS_CLUSTER_PLAIN) {
                m->kind = f->advise & INGOT_EROFS_ADVISE_INTERLACED ? INGOT_EROFS_MAP_INTERLACED
                                                                    : INGOT_EROFS_MAP_RAW;
                if (m->end - m->start > m->stored)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "a plain cluster holds more than it has");
        } else {
                m->kind = INGOT_EROFS_MAP_COMPRESSED;
                m->algorithm = f->algorithms[head->type == INGOT_EROFS_CLUSTER_HEAD2];
        }
        if (m->stored > INGOT_EROFS_CLUSTER_MAX ||
            m->end - m->start > INGOT_EROFS_CLUSTER_DECODED_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a cluster is over 1 MiB, or 12 unpacked");
        if (!ingot_range_inside(m->address, m->stored, f->image->size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "a cluster lies behind the end");
        return 0;
}

int ingot_erofs_map_compressed(const struct ingot_erofs_file *f, uint64_t at,
                               struct ingot_erofs_mapping *ret, ingot_error *reterr)
{
        struct ingot_erofs_mapping m = {0};
        struct cluster head;
        uint64_t number, stored;
        if (f->advise & INGOT_EROFS_ADVISE_FRAGMENT && at >= f->tail) {
                *ret = (struct ingot_erofs_mapping){.kind = INGOT_EROFS_MAP_PACKED,
                                                    .start = f->tail,
                                                    .end = f->inode.size,
                                                    .address = f->fragment};
                return 0;
        }
        int r = find_head(f, at, &number, &head, reterr);
        if (r < 0)
                return r;
        m.start = (number << f->cluster_bits) + head.offset;
        if (f->advise & INGOT_EROFS_ADVISE_INLINE_PCLUSTER && m.start == f->tail) {
                m.end = f->inode.size;
                m.address = f->tail_address;
                m.stored = f->tail_stored;
        } else {
                r = find_end(f, number, &m.end, reterr);
                if (r >= 0)
                        r = find_stored(f, &head, number, &stored, reterr);
                if (r < 0)
                        return r;
                m.address = head.block * f->image->block_size;
                m.stored = (uint32_t) stored;
        }
        r = finish_mapping(f, &head, &m, reterr);
        if (r < 0)
                return r;
        if (at < m.start || at >= m.end)
                return ingot_fail(reterr, INGOT_E_FORMAT, "clusters overlap");
        *ret = m;
        return 0;
}

/* Where the last cluster begins, which is packed or inline. */
static int load_tail(struct ingot_erofs_file *f, const uint8_t *header, ingot_error *reterr)
{
        struct cluster last, head;
        uint64_t number;
        int r = load(f, (f->inode.size - 1) >> f->cluster_bits, &last, reterr);
        if (r >= 0)
                r = find_head(f, f->inode.size - 1, &number, &head, reterr);
        if (r < 0)
                return r;
        f->tail = (number << f->cluster_bits) + head.offset;
        if (f->advise & INGOT_EROFS_ADVISE_FRAGMENT) {
                f->fragment = ingot_le32_load(header);
                if (f->inode.layout == INGOT_EROFS_COMPRESSED_FULL)
                        f->fragment |= head.block << 32;
                return 0;
        }
        f->tail_address = last.pack_end;
        f->tail_stored = ingot_le16_load(header + 2);
        if (f->tail_stored == 0 ||
            f->tail_address % f->image->block_size + f->tail_stored > f->image->block_size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "its inline cluster leaves the block");
        return 0;
}

static int check_header(const struct ingot_erofs_file *f, ingot_error *reterr)
{
        const uint16_t both = INGOT_EROFS_ADVISE_FRAGMENT | INGOT_EROFS_ADVISE_INLINE_PCLUSTER;
        if (f->advise & ~0x3f)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "compression features %#x",
                                  f->advise);
        if ((f->advise & both) == both)
                return ingot_fail(reterr, INGOT_E_FORMAT, "its tail is both packed and inline");
        return 0;
}

int ingot_erofs_load_map_header(struct ingot_erofs_file *f, ingot_error *reterr)
{
        uint8_t h[INGOT_EROFS_MAP_HEADER_SIZE];
        int r = ingot_read_at(&f->image->reader, ingot_align_up(f->end, 8), h, sizeof(h), reterr);
        if (r < 0)
                return r;
        if (ingot_le64_load(h) & INGOT_EROFS_FRAGMENT_WHOLE) {
                f->advise = INGOT_EROFS_ADVISE_FRAGMENT;
                f->fragment = ingot_le64_load(h) & ~INGOT_EROFS_FRAGMENT_WHOLE;
        } else {
                f->advise = ingot_le16_load(h + 4);
                f->algorithms[0] = h[6] & 15;
                f->algorithms[1] = h[6] >> 4;
                f->cluster_bits = (uint8_t) (f->image->super.block_bits + (h[7] & 7));
                r = check_header(f, reterr);
                if (r >= 0 && f->advise & (INGOT_EROFS_ADVISE_FRAGMENT |
                                           INGOT_EROFS_ADVISE_INLINE_PCLUSTER))
                        r = load_tail(f, h, reterr);
        }
        if (r >= 0 && f->advise & INGOT_EROFS_ADVISE_FRAGMENT &&
            !ingot_range_inside(f->fragment, f->inode.size - f->tail, f->image->packed.inode.size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "its tail lies behind the packed inode");
        return r;
}
