/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FAT12, FAT16 and FAT32 to a tree. Every cluster belongs to at most one file: a set of those seen
 * refuses loops and shared clusters, and bounds the work by the size of the volume.
 */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "base/utf16.h"
#include "format/fat-name.h"
#include "format/fat.h"

#include <inttypes.h>
#include <time.h>

#define ENTRY_SIZE 32
#define DIRECTORY_MAX (65536 * ENTRY_SIZE)
#define WINDOW_SIZE 65536
#define ATTR_LABEL 0x08
#define ATTR_DIRECTORY 0x10
#define ATTR_LONG 0x0f
#define CASE_NAME_LOWER 0x08
#define CASE_EXTENSION_LOWER 0x10

struct volume {
        const struct ingot_reader *reader;
        unsigned bits;
        uint32_t sector_size, cluster_size;
        uint64_t size, fat_offset, fat_size, root_offset, data_offset;
        uint32_t root_size, root_cluster; /* of FAT12 and FAT16; of FAT32 */
        uint32_t clusters;
        uint32_t volume_id;
        uint8_t label[11];
        bool label_found;
        uint8_t *seen; /* one bit for each cluster */
        uint8_t *window; /* of the FAT */
        uint64_t window_at, window_size;
};

struct run {
        uint32_t cluster, count;
};

struct runs {
        struct run *items;
        size_t count, allocated;
};

/* What a file's content reader holds. */
struct content {
        struct ingot_reader volume;
        uint64_t data_offset;
        uint32_t cluster_size;
        struct runs runs;
};

/* Collects the pieces of a long name that stand before a short one. */
struct long_name {
        uint16_t units[20 * INGOT_FAT_UNITS_PER_ENTRY];
        unsigned expected; /* the ordinal to come; 0: none, or whole */
        size_t count;
        uint8_t checksum;
        bool whole;
};

static void volume_done(struct volume *v)
{
        free(v->seen);
        free(v->window);
}

static void runs_done(struct runs *r)
{
        free(r->items);
}

static bool is_power_of_two(uint32_t v)
{
        return v != 0 && (v & (v - 1)) == 0;
}

/* Spec "FAT Type Determination"; as Linux, FAT32 is what has no 16-bit FAT size. */
static int set_layout(struct volume *v, const uint8_t *b, ingot_error *reterr)
{
        uint32_t reserved = ingot_le16_load(b + 14), fats = b[16];
        uint32_t root_entries = ingot_le16_load(b + 17);
        uint64_t sectors = ingot_le16_load(b + 19), fat_sectors = ingot_le16_load(b + 22);
        bool fat32 = fat_sectors == 0;
        if (sectors == 0)
                sectors = ingot_le32_load(b + 32);
        if (fat32)
                fat_sectors = ingot_le32_load(b + 36);
        if (reserved == 0 || fats == 0 || fats > 4 || fat_sectors == 0 || sectors == 0 ||
            fat32 != (root_entries == 0))
                return ingot_fail(reterr, INGOT_E_FORMAT, "FAT boot sector makes no sense");
        v->size = sectors * v->sector_size;
        v->fat_offset = (uint64_t) reserved * v->sector_size;
        v->fat_size = fat_sectors * v->sector_size;
        v->root_offset = v->fat_offset + fats * v->fat_size;
        v->root_size = root_entries * ENTRY_SIZE;
        v->data_offset = v->root_offset + ingot_div_up(v->root_size, v->sector_size) *
                                                  v->sector_size;
        if (v->size > v->reader->size || v->data_offset + v->cluster_size > v->size)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "FAT volume of %" PRIu64 " bytes in %" PRIu64, v->size,
                                  v->reader->size);
        uint64_t clusters = (v->size - v->data_offset) / v->cluster_size;
        v->bits = fat32 ? 32 : clusters < 4085 ? 12 : 16;
        if (clusters > 0x0ffffff5 || (v->bits == 16 && clusters > 65524) ||
            ((clusters + 2) * v->bits + 7) / 8 > v->fat_size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "FAT is too small for its %" PRIu64
                                  " clusters", clusters);
        v->clusters = (uint32_t) clusters;
        v->root_cluster = fat32 ? ingot_le32_load(b + 44) : 0;
        const uint8_t *extended = b + (fat32 ? 64 : 36);
        if (extended[2] == 0x28 || extended[2] == 0x29)
                v->volume_id = ingot_le32_load(extended + 3);
        memcpy(v->label, extended[2] == 0x29 ? extended + 7 : (const uint8_t *) "           ", 11);
        return 0;
}

static int read_boot(struct volume *v, ingot_error *reterr)
{
        uint8_t b[512];
        if (v->reader->size < sizeof(b))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no FAT volume");
        int r = ingot_read_at(v->reader, 0, b, sizeof(b), reterr);
        if (r < 0)
                return r;
        uint32_t ss = ingot_le16_load(b + 11);
        bool jump = b[0] == 0xeb || b[0] == 0xe9;
        if (b[510] != 0x55 || b[511] != 0xaa || !jump || ss < 512 || ss > 4096 ||
            !is_power_of_two(ss) || !is_power_of_two(b[13]))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no FAT volume");
        v->sector_size = ss;
        v->cluster_size = ss * b[13];
        r = set_layout(v, b, reterr);
        if (r < 0)
                return r;
        v->seen = calloc(1, v->clusters / 8 + 1);
        v->window = malloc(WINDOW_SIZE);
        return v->seen && v->window ? 0 : ingot_fail_nomem(reterr);
}

/* SIZE bytes of the first FAT. */
static int read_fat(struct volume *v, uint64_t at, void *ret, size_t size, ingot_error *reterr)
{
        if (at < v->window_at || at + size > v->window_at + v->window_size) {
                v->window_size = 0;
                v->window_at = at / 4096 * 4096;
                uint64_t n = ingot_min_u64(WINDOW_SIZE, v->fat_size - v->window_at);
                int r = ingot_read_at(v->reader, v->fat_offset + v->window_at, v->window,
                                      (size_t) n, reterr);
                if (r < 0)
                        return r;
                v->window_size = n;
        }
        memcpy(ret, v->window + (at - v->window_at), size);
        return 0;
}

/* The FAT's entry of CLUSTER, as one of 28 bits: ends are 0x0ffffff8 and up for all three. */
static int next_cluster(struct volume *v, uint32_t cluster, uint32_t *ret, ingot_error *reterr)
{
        uint8_t b[4] = {0};
        uint32_t value;
        int r = read_fat(v, (uint64_t) cluster * v->bits / 8, b, v->bits == 32 ? 4 : 2, reterr);
        if (r < 0)
                return r;
        if (v->bits == 12)
                value = cluster % 2 ? ingot_le16_load(b) >> 4 : ingot_le16_load(b) & 0xfffu;
        else
                value = ingot_le32_load(b) & 0x0fffffff;
        if (v->bits < 32 && value >= (1u << v->bits) - 9)
                value |= 0x0fffffffu & ~((1u << v->bits) - 1);
        *ret = value;
        return 0;
}

static int claim_cluster(struct volume *v, uint32_t cluster, ingot_error *reterr)
{
        if (cluster < 2 || cluster - 2 >= v->clusters)
                return ingot_fail(reterr, INGOT_E_FORMAT, "cluster %u is behind the end", cluster);
        uint8_t *byte = v->seen + (cluster - 2) / 8, bit = (uint8_t) (1 << (cluster - 2) % 8);
        if (*byte & bit)
                return ingot_fail(reterr, INGOT_E_FORMAT, "cluster %u is used twice", cluster);
        *byte |= bit;
        return 0;
}

static int add_to_runs(struct runs *runs, uint32_t cluster, ingot_error *reterr)
{
        struct run *last = runs->count > 0 ? runs->items + runs->count - 1 : NULL;
        if (last && last->cluster + last->count == cluster) {
                last->count++;
                return 0;
        }
        if (runs->count == runs->allocated) {
                size_t want = runs->allocated ? 2 * runs->allocated : 1;
                struct run *grown = reallocarray(runs->items, want, sizeof(*grown));
                if (!grown)
                        return ingot_fail_nomem(reterr);
                runs->items = grown;
                runs->allocated = want;
        }
        runs->items[runs->count++] = (struct run){.cluster = cluster, .count = 1};
        return 0;
}

/* The chain from CLUSTER on, up to MOST clusters, or its end; their number. */
static int follow(struct volume *v, uint32_t cluster, uint64_t most, struct runs *ret,
                  uint64_t *ret_count, ingot_error *reterr)
{
        uint64_t count = 0;
        while (count < most && cluster < 0x0ffffff8) {
                int r = claim_cluster(v, cluster, reterr);
                if (r >= 0)
                        r = add_to_runs(ret, cluster, reterr);
                if (r >= 0)
                        r = next_cluster(v, cluster, &cluster, reterr);
                if (r < 0)
                        return r;
                count++;
        }
        *ret_count = count;
        return 0;
}

static uint64_t cluster_offset(const struct volume *v, uint32_t cluster)
{
        return v->data_offset + (cluster - 2ULL) * v->cluster_size;
}

/* Content: the run that OFFSET is in, and the bytes of it that are wanted. */
static int read_content(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        const struct content *c = context;
        uint8_t *to = ret;
        for (size_t i = 0; i < c->runs.count && size > 0; i++) {
                const struct run *run = c->runs.items + i;
                uint64_t bytes = (uint64_t) run->count * c->cluster_size;
                if (offset >= bytes) {
                        offset -= bytes;
                        continue;
                }
                size_t n = (size_t) ingot_min_u64(size, bytes - offset);
                uint64_t at = c->data_offset + (run->cluster - 2ULL) * c->cluster_size + offset;
                int r = ingot_read_at(&c->volume, at, to, n, reterr);
                if (r < 0)
                        return r;
                to += n;
                size -= n;
                offset = 0;
        }
        return size == 0 ? 0 : ingot_fail(reterr, INGOT_E_FORMAT, "read behind the end");
}

int ingot_fat_runs(const struct ingot_reader *content,
                   int (*run)(void *context, uint64_t offset, uint64_t size, ingot_error *reterr),
                   void *context, ingot_error *reterr)
{
        const struct content *c = content->context;
        uint64_t left = content->size;
        int r = 0;
        for (size_t i = 0; left > 0 && r >= 0 && i < c->runs.count; i++) {
                const struct run *one = c->runs.items + i;
                uint64_t n = ingot_min_u64(left, (uint64_t) one->count * c->cluster_size);
                r = run(context, c->data_offset + (one->cluster - 2ULL) * c->cluster_size, n,
                        reterr);
                left -= n;
        }
        return r;
}

static void release_content(void *context)
{
        struct content *c = context;
        runs_done(&c->runs);
        free(c);
}

static int set_content(struct volume *v, struct ingot_inode *inode, uint32_t cluster, uint32_t size,
                       ingot_error *reterr)
{
        if (size == 0)
                return 0;
        struct content *c = calloc(1, sizeof(*c));
        if (!c)
                return ingot_fail_nomem(reterr);
        uint64_t want = ingot_div_up(size, v->cluster_size), have = 0;
        *c = (struct content){.volume = *v->reader,
                              .data_offset = v->data_offset,
                              .cluster_size = v->cluster_size};
        inode->content = (struct ingot_reader){
                .read_at = read_content, .context = c, .size = size};
        inode->content_release = release_content;
        int r = follow(v, cluster, want, &c->runs, &have, reterr);
        if (r >= 0 && have < want)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "its clusters end before its %u bytes",
                               size);
        return r;
}

/* Bytes of a short name's field, as units, without the spaces at its end. */
static size_t take_field(const uint8_t *field, size_t size, bool lower, uint16_t *ret)
{
        while (size > 0 && field[size - 1] == ' ')
                size--;
        for (size_t i = 0; i < size; i++) {
                uint16_t c = field[i];
                if (lower && c >= 'A' && c <= 'Z')
                        c = (uint16_t) (c + 32);
                ret[i] = c < 0x80 ? c : (uint16_t) (0xf000 + c);
        }
        return size;
}

static void short_name(const uint8_t *e, char ret[64])
{
        uint16_t units[13];
        uint8_t name[11];
        memcpy(name, e, 11);
        if (name[0] == 0x05) /* stands for 0xe5, which would mean "deleted" */
                name[0] = 0xe5;
        size_t n = take_field(name, 8, e[12] & CASE_NAME_LOWER, units);
        units[n] = '.';
        size_t more = take_field(name + 8, 3, e[12] & CASE_EXTENSION_LOWER, units + n + 1);
        ingot_utf16_to_utf8(units, more > 0 ? n + 1 + more : n, ret);
}

static void take_long(struct long_name *l, const uint8_t *e)
{
        static const uint8_t places[INGOT_FAT_UNITS_PER_ENTRY] = {1,  3,  5,  7,  9,  14, 16,
                                                                  18, 20, 22, 24, 28, 30};
        unsigned ordinal = e[0] & 0x3f;
        if (e[0] & 0x40) {
                l->expected = ordinal <= 20 ? ordinal : 0;
                l->count = ordinal <= 20 ? ordinal * INGOT_FAT_UNITS_PER_ENTRY : 0;
                l->checksum = e[13];
        }
        l->whole = false;
        if (ordinal == 0 || ordinal != l->expected || e[13] != l->checksum) {
                l->expected = 0;
                return;
        }
        for (size_t i = 0; i < INGOT_FAT_UNITS_PER_ENTRY; i++)
                l->units[(ordinal - 1) * INGOT_FAT_UNITS_PER_ENTRY + i] =
                        ingot_le16_load(e + places[i]);
        l->expected--;
        l->whole = l->expected == 0;
}

/* Spec "Date and Time Formats"; 0 for what is no date. */
static int64_t decode_time(uint16_t date, uint16_t time)
{
        struct tm tm = {.tm_year = 80 + (date >> 9),
                        .tm_mon = (date >> 5 & 15) - 1,
                        .tm_mday = date & 31,
                        .tm_hour = time >> 11,
                        .tm_min = time >> 5 & 63,
                        .tm_sec = (time & 31) * 2};
        if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday == 0)
                return 0;
        return timegm(&tm);
}

static int read_directory(struct volume *v, struct ingot_inode *directory, uint32_t cluster,
                          unsigned depth, ingot_error *reterr);

/* One short entry with its name: a file or a directory. */
static int take_entry(struct volume *v, struct ingot_inode *directory, const uint8_t *e,
                      const char *name, unsigned depth, ingot_error *reterr)
{
        bool is_directory = e[11] & ATTR_DIRECTORY;
        uint32_t cluster = (uint32_t) ingot_le16_load(e + 26);
        if (v->bits == 32)
                cluster |= (uint32_t) ingot_le16_load(e + 20) << 16;
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        int r = ingot_inode_new(is_directory ? INGOT_FILE_DIRECTORY : INGOT_FILE_REGULAR,
                                is_directory ? 0755 : 0644, &inode, reterr);
        if (r < 0)
                return r;
        inode->mtime = decode_time(ingot_le16_load(e + 24), ingot_le16_load(e + 22));
        if (!is_directory)
                r = set_content(v, inode, cluster, ingot_le32_load(e + 28), reterr);
        if (r >= 0)
                r = ingot_tree_link(directory, name, inode, reterr);
        if (r < 0)
                return r;
        struct ingot_inode *entered = TAKE_PTR(inode);
        return is_directory ? read_directory(v, entered, cluster, depth + 1, reterr) : 0;
}

static int take_short(struct volume *v, struct ingot_inode *directory, const uint8_t *e,
                      const struct long_name *l, unsigned depth, ingot_error *reterr)
{
        char name[3 * sizeof(l->units) / 2 + 1];
        if (e[11] & ATTR_LABEL) {
                if (depth == 0 && !v->label_found)
                        memcpy(v->label, e, sizeof(v->label));
                v->label_found |= depth == 0;
                return 0;
        }
        if (e[0] == '.') /* "." and "..": no other short name starts so */
                return 0;
        if (l->whole && l->checksum == ingot_fat_name_checksum(e))
                ingot_utf16_to_utf8(l->units, l->count, name);
        else
                short_name(e, name);
        int r = take_entry(v, directory, e, name, depth, reterr);
        return ingot_under(reterr, r, "%s", name);
}

static int take_entries(struct volume *v, struct ingot_inode *directory, struct ingot_span entries,
                        unsigned depth, ingot_error *reterr)
{
        struct long_name l = {0};
        for (size_t at = 0; at + ENTRY_SIZE <= entries.size; at += ENTRY_SIZE) {
                const uint8_t *e = entries.data + at;
                int r = 0;
                if (e[0] == 0)
                        break;
                if (e[0] != 0xe5 && (e[11] & 0x3f) == ATTR_LONG) {
                        take_long(&l, e);
                        continue;
                }
                if (e[0] != 0xe5)
                        r = take_short(v, directory, e, &l, depth, reterr);
                if (r < 0)
                        return r;
                l.whole = false;
                l.expected = 0;
        }
        return 0;
}

/* The bytes of a directory of FAT32, or of any below the root. */
static int load_directory(struct volume *v, uint32_t cluster, struct ingot_buffer *ret,
                          ingot_error *reterr)
{
        _cleanup_(runs_done) struct runs runs = {0};
        uint64_t count, most = DIRECTORY_MAX / v->cluster_size + 1;
        int r = follow(v, cluster, most, &runs, &count, reterr);
        if (r < 0)
                return r;
        if (count == 0 || count * v->cluster_size > DIRECTORY_MAX + v->cluster_size - 1)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a directory of %" PRIu64 " clusters",
                                  count);
        r = ingot_buffer_reserve(ret, (size_t) count * v->cluster_size, reterr);
        for (size_t i = 0; i < runs.count && r >= 0; i++) {
                size_t n = (size_t) runs.items[i].count * v->cluster_size;
                r = ingot_read_at(v->reader, cluster_offset(v, runs.items[i].cluster),
                                  ret->data + ret->size, n, reterr);
                if (r >= 0)
                        ret->size += n;
        }
        return r;
}

static int read_directory(struct volume *v, struct ingot_inode *directory, uint32_t cluster,
                          unsigned depth, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        int r;
        if (depth > INGOT_TREE_DEPTH_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "directories deeper than %d",
                                  INGOT_TREE_DEPTH_MAX);
        if (depth == 0 && v->bits != 32) {
                r = ingot_buffer_reserve(&b, v->root_size, reterr);
                if (r >= 0)
                        r = ingot_read_at(v->reader, v->root_offset, b.data, v->root_size, reterr);
                b.size = v->root_size;
        } else {
                r = load_directory(v, cluster, &b, reterr);
        }
        return r < 0 ? r : take_entries(v, directory, ingot_buffer_span(&b), depth, reterr);
}

static int fill_info(struct volume *v, struct ingot_fat_info *ret, ingot_error *reterr)
{
        *ret = (struct ingot_fat_info){.bits = v->bits,
                                       .sector_size = v->sector_size,
                                       .cluster_size = v->cluster_size,
                                       .cluster_count = v->clusters,
                                       .size = v->size,
                                       .volume_id = v->volume_id};
        uint16_t units[INGOT_FAT_LABEL_MAX];
        size_t n = take_field(v->label, sizeof(v->label), false, units);
        if (memcmp(v->label, "NO NAME    ", 11) != 0)
                ingot_utf16_to_utf8(units, n, ret->label);
        for (uint32_t c = 2; c < v->clusters + 2; c++) {
                uint32_t next;
                int r = next_cluster(v, c, &next, reterr);
                if (r < 0)
                        return r;
                ret->free_clusters += next == 0;
        }
        return 0;
}

int ingot_fat_read(const struct ingot_reader *reader, struct ingot_tree **ret,
                   struct ingot_fat_info *ret_info, ingot_error *reterr)
{
        _cleanup_(volume_done) struct volume v = {.reader = reader};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        int r = read_boot(&v, reterr);
        if (r >= 0)
                r = ingot_tree_new(&tree, reterr);
        if (r >= 0)
                r = read_directory(&v, tree->root, v.root_cluster, 0, reterr);
        if (r >= 0 && ret_info)
                r = fill_info(&v, ret_info, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(tree);
        return 0;
}
