/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compact indexes: where the clusters of a compressed file lie, in 4 or 2 bytes for each block of
 * the file. Packs of 2 (8 bytes) or 16 (32 bytes) entries share one block address; the others follow
 * from the number of blocks that each cluster says it takes (docs/formats/erofs.md has the rules).
 */
#include "format/erofs-write.h"

/* The numbers of entries in the three parts: 4 bytes each up to a multiple of 32, then 2, then 4. */
struct parts {
        uint64_t first, middle, last;
};

static struct parts split(uint64_t total, uint32_t base)
{
        struct parts p = {.first = (32 - base % 32) / 4 % 8};
        if (p.first >= total)
                return (struct parts){.first = total};
        p.middle = (total - p.first) & ~UINT64_C(15);
        p.last = total - p.first - p.middle;
        return p;
}

uint32_t ingot_erofs_first_extent(uint32_t extent, uint32_t xattr_size)
{
        uint32_t base = (uint32_t) ingot_align_up(xattr_size, 8) + INGOT_EROFS_MAP_HEADER_SIZE;
        uint32_t first = (uint32_t) split(UINT32_MAX, base).first * INGOT_EROFS_BLOCK;
        if (extent < INGOT_EROFS_APART || first == 0)
                return extent;
        return extent - INGOT_EROFS_APART + first;
}

uint32_t ingot_erofs_index_size(uint64_t blocks, uint32_t end)
{
        uint32_t base = (uint32_t) ingot_align_up(end, 8) + INGOT_EROFS_MAP_HEADER_SIZE;
        struct parts p = split(blocks, base);
        uint64_t size = ingot_align_up(p.first, 2) * 4 + p.middle * 2 +
                        ingot_align_up(p.last, 2) * 4;
        return base - end + (uint32_t) size;
}

/* Walks the blocks of a file: for each, its entry. */
struct walker {
        const struct ingot_erofs_plan *plan;
        const struct ingot_erofs_node *node;
        uint32_t extent;             /* counted from the node's first */
        uint32_t at, length, blocks; /* within the extent, in blocks: place, input, stored */
        uint64_t address;            /* of the extent's first block */
        bool plain;
};

static void enter_extent(struct walker *w)
{
        const struct ingot_erofs_node *node = w->node;
        w->at = 0;
        if (w->extent < node->extent_count) {
                const struct ingot_erofs_extent *e =
                        w->plan->extents + node->first_extent + w->extent;
                w->length = (uint32_t) ingot_div_up(e->size, INGOT_EROFS_BLOCK);
                w->blocks = e->blocks;
                w->address = e->address;
                w->plain = e->plain;
                return;
        }
        /* The tail, which stands in the packed inode: a cluster without blocks. */
        w->length = (uint32_t) ingot_div_up(node->size - node->extents_size, INGOT_EROFS_BLOCK);
        w->blocks = 0;
        w->plain = false;
}

static void step(struct walker *w)
{
        w->at++;
        if (w->at < w->length)
                return;
        w->address += w->blocks;
        w->extent++;
        enter_extent(w);
}

static uint32_t entry(const struct walker *w, bool last_in_pack)
{
        uint32_t left = w->length - w->at;
        if (w->plain)
                return INGOT_EROFS_CLUSTER_PLAIN << 12;
        if (w->at == 0)
                return INGOT_EROFS_CLUSTER_HEAD1 << 12;
        if (w->at == 1)
                return INGOT_EROFS_CLUSTER_NONHEAD << 12 | INGOT_EROFS_BLOCK_COUNT_FLAG | w->blocks;
        return INGOT_EROFS_CLUSTER_NONHEAD << 12 | (last_in_pack ? left : w->at);
}

/* The pack's address, from which a reader counts forward over the clusters that begin in it; the
 * cluster whose block count is the pack's first entry counts as one of them. */
static uint32_t pack_address(const struct walker *w)
{
        if (w->plain)
                return (uint32_t) (w->address + w->at);
        return (uint32_t) (w->address + (w->at > 1 ? w->blocks : 0));
}

static void encode_pack(struct walker *w, uint64_t *left, unsigned count, uint8_t *ret)
{
        unsigned size = count == 16 ? 32 : 8, bits = (size - 4) * 8 / count;
        ingot_le32_store(ret + size - 4, pack_address(w));
        memset(ret, 0, size - 4);
        for (unsigned i = 0; i < count && *left > 0; i++, --*left) {
                uint32_t value = entry(w, i + 1 == count) << (bits * i % 8);
                for (uint8_t *p = ret + bits * i / 8; value; value >>= 8)
                        *p++ |= (uint8_t) value;
                step(w);
        }
}

static void encode_header(const struct ingot_erofs_plan *plan, const struct ingot_erofs_node *node,
                          uint8_t *ret)
{
        bool tail = node->piece != INGOT_EROFS_NONE_INDEX;
        uint64_t at = tail ? plan->pieces[node->piece].at : 0;
        memset(ret, 0, INGOT_EROFS_MAP_HEADER_SIZE);
        if (node->extent_count == 0) {
                ingot_le64_store(ret, at | INGOT_EROFS_FRAGMENT_WHOLE);
                return;
        }
        ingot_le32_store(ret, (uint32_t) at);
        ingot_le16_store(ret + 4, INGOT_EROFS_ADVISE_COMPACTED_2B |
                                          INGOT_EROFS_ADVISE_BIG_PCLUSTER_1 |
                                          INGOT_EROFS_ADVISE_BIG_PCLUSTER_2 |
                                          (tail ? INGOT_EROFS_ADVISE_FRAGMENT : 0));
        ret[6] = (uint8_t) ingot_erofs_algorithm_of(plan->options.compressor);
}

void ingot_erofs_index_encode(const struct ingot_erofs_plan *plan,
                              const struct ingot_erofs_node *node, uint32_t end, uint8_t *ret)
{
        uint32_t padding = (uint32_t) ingot_align_up(end, 8) - end;
        struct parts parts = split(ingot_div_up(node->size, INGOT_EROFS_BLOCK),
                                   end + padding + INGOT_EROFS_MAP_HEADER_SIZE);
        struct walker w = {.plan = plan, .node = node};
        memset(ret, 0, padding);
        ret += padding;
        encode_header(plan, node, ret);
        ret += INGOT_EROFS_MAP_HEADER_SIZE;
        if (node->extent_count == 0)
                return;
        enter_extent(&w);
        for (; parts.first > 0; ret += 8)
                encode_pack(&w, &parts.first, 2, ret);
        for (; parts.middle > 0; ret += 32)
                encode_pack(&w, &parts.middle, 16, ret);
        for (; parts.last > 0; ret += 8)
                encode_pack(&w, &parts.last, 2, ret);
}
