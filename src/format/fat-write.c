/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A FAT32 volume from a tree, in one pass of ascending writes: everything's place is known before
 * the first byte is written. "Spec" is Microsoft's FAT32 specification 1.03.
 */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "format/fat-name.h"
#include "format/fat.h"

#include <inttypes.h>
#include <time.h>

#define ENTRY_SIZE 32
#define SLOTS_MAX 65536 /* Spec "Directory entries": 2 MiB a directory */
#define CLUSTERS_MIN 65525
#define CLUSTERS_MAX 0x0ffffff4
#define RESERVED_SECTORS 32
#define GRAIN 4096 /* where files start, and what the size is rounded to */
#define COPY_CHUNK (1024 * 1024)
#define ATTR_LABEL 0x08
#define ATTR_DIRECTORY 0x10
#define ATTR_ARCHIVE 0x20
#define ATTR_LONG 0x0f

/* One entry of the tree; directories stand before what is in them, entries of one together. */
struct node {
        const struct ingot_inode *inode;
        struct ingot_fat_name name;
        size_t parent, first_child;
        uint32_t size; /* bytes of content or of entries */
        uint32_t cluster, cluster_count;
};

struct geometry {
        uint32_t sector_size, cluster_size;
        uint64_t sectors;
        uint32_t reserved, fat_sectors;
        uint32_t clusters;
};

struct plan {
        const struct ingot_fat_options *options;
        struct node *nodes;
        size_t count, allocated;
        struct geometry g;
        uint32_t used_clusters, next_cluster;
        uint16_t date, time;
        char label[INGOT_FAT_LABEL_MAX];
};

static void plan_done(struct plan *p)
{
        for (size_t i = 0; i < p->count; i++)
                ingot_fat_name_done(&p->nodes[i].name);
        free(p->nodes);
}

/* The path of a node, or as much of its end as fits. */
static const char *path_of(const struct plan *p, size_t index, char *ret, size_t size)
{
        char *at = ret + size - 1;
        *at = 0;
        if (index == 0)
                return ".";
        for (; index > 0; index = p->nodes[index].parent) {
                size_t n = strlen(p->nodes[index].name.text);
                if ((size_t) (at - ret) < n + 1)
                        break;
                if (*at)
                        *--at = '/';
                memcpy(at - n, p->nodes[index].name.text, n);
                at -= n;
        }
        return at;
}

static int add_node(struct plan *p, size_t parent, const struct ingot_entry *entry,
                    ingot_error *reterr)
{
        char path[600];
        if (p->count == p->allocated) {
                size_t want = p->allocated ? 2 * p->allocated : 64;
                struct node *grown = reallocarray(p->nodes, want, sizeof(*grown));
                if (!grown)
                        return ingot_fail_nomem(reterr);
                p->nodes = grown;
                p->allocated = want;
        }
        size_t index = p->count++;
        struct node *node = p->nodes + index;
        *node = (struct node){.inode = entry->inode, .parent = parent, .name.text = entry->name};
        if (parent == index) /* the root */
                return 0;
        int r = ingot_fat_name_init(&node->name, entry->name, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path_of(p, index, path, sizeof(path)));
        if (node->inode->type != INGOT_FILE_REGULAR && node->inode->type != INGOT_FILE_DIRECTORY)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "%s: FAT cannot hold a %s",
                                  path_of(p, index, path, sizeof(path)),
                                  ingot_file_type_name(node->inode->type));
        if (node->inode->type == INGOT_FILE_REGULAR && node->inode->content.size > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "%s: FAT cannot hold a file of 4 GiB or more",
                                  path_of(p, index, path, sizeof(path)));
        return 0;
}

/* The entries of a directory: their nodes, short names, and the size of the directory. */
static int plan_directory(struct plan *p, size_t index, ingot_error *reterr)
{
        const struct ingot_inode *inode = p->nodes[index].inode;
        size_t first = p->count, slots = index > 0 ? 2 : p->label[0] != 0;
        char path[600];
        _cleanup_free_ struct ingot_fat_name **names = calloc(inode->entry_count + 1,
                                                              sizeof(*names));
        if (!names)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < inode->entry_count; i++) {
                int r = add_node(p, index, inode->entries + i, reterr);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < inode->entry_count; i++) /* they do not move any more */
                names[i] = &p->nodes[first + i].name;
        int r = ingot_fat_names_settle(names, inode->entry_count, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s/", path_of(p, index, path, sizeof(path)));
        for (size_t i = 0; i < inode->entry_count; i++)
                slots += ingot_fat_name_slots(names[i]);
        if (slots > SLOTS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s/: too many entries for FAT",
                                  path_of(p, index, path, sizeof(path)));
        p->nodes[index].first_child = first;
        p->nodes[index].size = (uint32_t) (slots * ENTRY_SIZE);
        return 0;
}

static int plan_label(struct plan *p, ingot_error *reterr)
{
        const char *label = p->options->label;
        if (!label || !*label)
                return 0;
        size_t n = strlen(label);
        bool ok = n <= INGOT_FAT_LABEL_MAX && label[0] != ' ';
        memset(p->label, ' ', sizeof(p->label));
        for (size_t i = 0; i < n && ok; i++) {
                char c = label[i];
                ok = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c > 0 && strchr("$%'-_@~`!(){}^#& ", c));
                p->label[i] = c;
        }
        if (!ok)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "FAT label '%s': up to 11 of A-Z, 0-9, - and _", label);
        return 0;
}

/* Spec "Date and Time Formats"; clamped to what they can say. */
static void plan_time(struct plan *p)
{
        const int64_t first = 315532800, last = 4354819198; /* 1980-01-01, 2107-12-31 23:59:58 */
        int64_t t = p->options->time;
        time_t clamped = (time_t) (t < first ? first : t > last ? last : t);
        struct tm tm;
        gmtime_r(&clamped, &tm);
        p->date = (uint16_t) ((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday);
        p->time = (uint16_t) (tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2);
}

static int plan_tree(struct plan *p, const struct ingot_tree *tree, ingot_error *reterr)
{
        struct ingot_entry root = {.name = (char *) "", .inode = tree->root};
        uint32_t ss = p->options->sector_size ? p->options->sector_size : 512;
        if (ss != 512 && ss != 4096)
                return ingot_fail(reterr, INGOT_E_USAGE, "FAT with sectors of %u bytes", ss);
        p->g.sector_size = ss;
        plan_time(p);
        int r = plan_label(p, reterr);
        if (r >= 0)
                r = add_node(p, 0, &root, reterr);
        for (size_t i = 0; i < p->count && r >= 0; i++) {
                if (p->nodes[i].inode->type == INGOT_FILE_DIRECTORY)
                        r = plan_directory(p, i, reterr);
                else
                        p->nodes[i].size = (uint32_t) p->nodes[i].inode->content.size;
        }
        return r;
}

/* Gives every directory and file its clusters, for clusters of that size. LIMIT beyond 28 bits. */
static int place(struct plan *p, uint32_t cluster_size, ingot_error *reterr)
{
        uint64_t next = 2, used = 0, step = ingot_max_u64(1, GRAIN / cluster_size);
        for (size_t i = 0; i < p->count; i++) {
                struct node *n = p->nodes + i;
                uint64_t count = ingot_div_up(n->size, cluster_size);
                if (n->inode->type == INGOT_FILE_DIRECTORY && count == 0)
                        count = 1;
                next = 2 + ingot_align_up(next - 2, step);
                if (next + count > CLUSTERS_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "too much for a FAT volume");
                n->cluster = count > 0 ? (uint32_t) next : 0;
                n->cluster_count = (uint32_t) count;
                next += count;
                used += count;
        }
        p->used_clusters = (uint32_t) used;
        p->next_cluster = (uint32_t) next;
        return 0;
}

/* Cluster sizes by volume size, as Microsoft's table has them; each up to and including. */
static const struct {
        uint64_t up_to;
        uint32_t cluster_size;
} cluster_sizes[] = {
        {260ULL << 20, 512},    {8ULL << 30, 4096},   {16ULL << 30, 8192},
        {32ULL << 30, 16384}, {UINT64_MAX, 32768},
};

static uint32_t fat_sectors_for(uint64_t clusters, uint32_t sector_size)
{
        return (uint32_t) ingot_div_up((clusters + 2) * 4, sector_size);
}

/* Reserved sectors: such that the first cluster lies at a multiple of GRAIN. */
static uint32_t reserved_for(uint32_t fat_sectors, uint32_t sector_size)
{
        uint64_t start = (RESERVED_SECTORS + 2ULL * fat_sectors) * sector_size;
        return RESERVED_SECTORS + (uint32_t) ((ingot_align_up(start, GRAIN) - start) / sector_size);
}

static uint64_t clusters_with(const struct geometry *g, uint32_t fat_sectors)
{
        uint64_t before = reserved_for(fat_sectors, g->sector_size) + 2ULL * fat_sectors;
        return g->sectors <= before ? 0
                                    : (g->sectors - before) / (g->cluster_size / g->sector_size);
}

/* The fewest FAT sectors that cover the clusters which they leave room for. */
static void set_geometry(struct geometry *g, uint64_t size)
{
        size_t i = 0;
        while (size > cluster_sizes[i].up_to)
                i++;
        g->cluster_size = (uint32_t) ingot_max_u64(cluster_sizes[i].cluster_size, g->sector_size);
        g->sectors = size / g->sector_size;
        uint64_t clusters = g->sectors / (g->cluster_size / g->sector_size);
        uint32_t fat = fat_sectors_for(ingot_min_u64(clusters, CLUSTERS_MAX), g->sector_size);
        for (;;) {
                clusters = ingot_min_u64(clusters_with(g, fat), CLUSTERS_MAX);
                uint32_t less = fat_sectors_for(clusters, g->sector_size);
                if (less >= fat ||
                    fat_sectors_for(ingot_min_u64(clusters_with(g, less), CLUSTERS_MAX),
                                    g->sector_size) > less)
                        break;
                fat = less;
        }
        g->fat_sectors = fat;
        g->reserved = reserved_for(fat, g->sector_size);
        g->clusters = (uint32_t) clusters;
}

static int size_needed(struct plan *p, uint64_t *ret, ingot_error *reterr)
{
        uint64_t low = 0;
        for (size_t i = 0; i < ARRAY_SIZE(cluster_sizes); low = cluster_sizes[i++].up_to) {
                uint32_t cs = (uint32_t) ingot_max_u64(cluster_sizes[i].cluster_size,
                                                       p->g.sector_size);
                if (place(p, cs, NULL) < 0)
                        continue;
                uint64_t clusters = ingot_max_u64(p->next_cluster - 2, CLUSTERS_MIN);
                uint64_t before = RESERVED_SECTORS +
                                  2ULL * fat_sectors_for(clusters, p->g.sector_size);
                uint64_t size = ingot_align_up(before * p->g.sector_size + clusters * cs, GRAIN);
                size = ingot_max_u64(size, low + (low > 0 ? GRAIN : 0));
                struct geometry g = p->g;
                for (set_geometry(&g, size); g.cluster_size == cs && g.clusters < clusters;
                     set_geometry(&g, size))
                        size += GRAIN;
                if (size <= cluster_sizes[i].up_to) {
                        *ret = size;
                        return 0;
                }
        }
        return ingot_fail(reterr, INGOT_E_LIMIT, "too much for a FAT volume");
}

int ingot_fat_size_needed(const struct ingot_tree *tree, const struct ingot_fat_options *options,
                          uint64_t *ret, ingot_error *reterr)
{
        _cleanup_(plan_done) struct plan p = {.options = options};
        int r = plan_tree(&p, tree, reterr);
        return r < 0 ? r : size_needed(&p, ret, reterr);
}

/* The volume's geometry for the size asked for, and everything's place in it. */
static int plan_volume(struct plan *p, ingot_error *reterr)
{
        uint64_t size = p->options->size, need = 0;
        if (size % p->g.sector_size != 0)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "a FAT volume of %" PRIu64 " bytes: no whole sectors", size);
        if (size / p->g.sector_size > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "a FAT volume of %" PRIu64 " bytes: more than 2^32 sectors",
                                  size);
        set_geometry(&p->g, size);
        int r = place(p, p->g.cluster_size, reterr);
        if (r < 0)
                return r;
        if (p->g.clusters >= CLUSTERS_MIN && p->next_cluster - 2 <= p->g.clusters)
                return 0;
        bool content = p->next_cluster - 2 > p->g.clusters;
        r = size_needed(p, &need, reterr);
        if (r < 0)
                return r;
        return ingot_fail(reterr, INGOT_E_SPACE,
                          "a FAT32 volume of %" PRIu64 " bytes is too small%s: at least %" PRIu64,
                          size, content ? " for its files" : "", need);
}

/* Spec "Boot Sector and BPB". The jump goes to a loop: nothing boots from here but UEFI. */
static void encode_boot(const struct plan *p, uint8_t *b)
{
        static const uint8_t code[] = {0xf4, 0xeb, 0xfd};
        const struct geometry *g = &p->g;
        memcpy(b, "\xeb\x58\x90ingot   ", 11);
        ingot_le16_store(b + 11, (uint16_t) g->sector_size);
        b[13] = (uint8_t) (g->cluster_size / g->sector_size);
        ingot_le16_store(b + 14, (uint16_t) g->reserved);
        b[16] = 2;    /* FATs */
        b[21] = 0xf8; /* a fixed disk */
        ingot_le16_store(b + 24, 63);
        ingot_le16_store(b + 26, 255);
        ingot_le32_store(b + 28, (uint32_t) ingot_min_u64(p->options->hidden_sectors, UINT32_MAX));
        ingot_le32_store(b + 32, (uint32_t) g->sectors);
        ingot_le32_store(b + 36, g->fat_sectors);
        ingot_le32_store(b + 44, p->nodes[0].cluster);
        ingot_le16_store(b + 48, 1); /* FSInfo */
        ingot_le16_store(b + 50, 6); /* the copy of both */
        b[64] = 0x80;
        b[66] = 0x29;
        ingot_le32_store(b + 67, p->options->volume_id);
        memcpy(b + 71, p->label[0] ? p->label : "NO NAME    ", 11);
        memcpy(b + 82, "FAT32   ", 8);
        memcpy(b + 90, code, sizeof(code));
        b[510] = 0x55;
        b[511] = 0xaa;
}

/* Spec "FSInfo Sector Structure". */
static void encode_info(const struct plan *p, uint8_t *b)
{
        bool full = p->next_cluster >= p->g.clusters + 2;
        ingot_le32_store(b, 0x41615252);
        ingot_le32_store(b + 484, 0x61417272);
        ingot_le32_store(b + 488, p->g.clusters - p->used_clusters);
        ingot_le32_store(b + 492, full ? UINT32_MAX : p->next_cluster);
        ingot_le32_store(b + 508, 0xaa550000);
}

static int write_reserved(const struct plan *p, const struct ingot_writer *w, ingot_error *reterr)
{
        uint32_t ss = p->g.sector_size;
        _cleanup_free_ uint8_t *b = calloc(8, ss);
        if (!b)
                return ingot_fail_nomem(reterr);
        encode_boot(p, b);
        encode_info(p, b + ss);
        memcpy(b + 6ULL * ss, b, 2ULL * ss);
        return ingot_write_at(w, 0, b, 8ULL * ss, reterr);
}

static int write_fats(const struct plan *p, const struct ingot_writer *w, ingot_error *reterr)
{
        uint32_t ss = p->g.sector_size;
        uint64_t size = ingot_align_up(4ULL * p->next_cluster, ss);
        _cleanup_free_ uint8_t *fat = calloc(1, size);
        if (!fat)
                return ingot_fail_nomem(reterr);
        ingot_le32_store(fat, 0x0ffffff8);
        ingot_le32_store(fat + 4, 0x0fffffff);
        for (size_t i = 0; i < p->count; i++) {
                uint32_t last = p->nodes[i].cluster + p->nodes[i].cluster_count;
                for (uint32_t c = p->nodes[i].cluster; c < last; c++)
                        ingot_le32_store(fat + 4ULL * c, c + 1 < last ? c + 1 : 0x0fffffff);
        }
        int r = 0;
        for (unsigned copy = 0; copy < 2 && r >= 0; copy++)
                r = ingot_write_at(w,
                                   (p->g.reserved + (uint64_t) copy * p->g.fat_sectors) * ss, fat,
                                   size, reterr);
        return r;
}

static int append_short(const struct plan *p, struct ingot_buffer *b, const void *name,
                        uint8_t attributes, uint32_t cluster, uint32_t size, ingot_error *reterr)
{
        uint8_t e[ENTRY_SIZE] = {0};
        memcpy(e, name, 11);
        e[11] = attributes;
        if (attributes != ATTR_LABEL) {
                ingot_le16_store(e + 14, p->time);
                ingot_le16_store(e + 16, p->date);
                ingot_le16_store(e + 18, p->date);
        }
        ingot_le16_store(e + 20, (uint16_t) (cluster >> 16));
        ingot_le16_store(e + 22, p->time);
        ingot_le16_store(e + 24, p->date);
        ingot_le16_store(e + 26, (uint16_t) cluster);
        ingot_le32_store(e + 28, size);
        return ingot_buffer_append(b, e, sizeof(e), reterr);
}

/* Spec "Long Directory Entries": the last piece first. */
static int append_long(struct ingot_buffer *b, const struct ingot_fat_name *name,
                       ingot_error *reterr)
{
        static const uint8_t places[INGOT_FAT_UNITS_PER_ENTRY] = {1,  3,  5,  7,  9,  14, 16,
                                                                  18, 20, 22, 24, 28, 30};
        size_t pieces = ingot_fat_name_slots(name) - 1;
        for (size_t piece = pieces; piece-- > 0;) {
                uint8_t e[ENTRY_SIZE] = {0};
                e[0] = (uint8_t) ((piece + 1) | (piece + 1 == pieces ? 0x40 : 0));
                e[11] = ATTR_LONG;
                e[13] = ingot_fat_name_checksum(name->short_name);
                for (size_t i = 0; i < INGOT_FAT_UNITS_PER_ENTRY; i++) {
                        size_t at = piece * INGOT_FAT_UNITS_PER_ENTRY + i;
                        ingot_le16_store(e + places[i], at < name->unit_count ? name->units[at]
                                                        : at == name->unit_count ? 0
                                                                                 : 0xffff);
                }
                int r = ingot_buffer_append(b, e, sizeof(e), reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int append_child(const struct plan *p, struct ingot_buffer *b, const struct node *n,
                        ingot_error *reterr)
{
        bool directory = n->inode->type == INGOT_FILE_DIRECTORY;
        int r = append_long(b, &n->name, reterr);
        return r < 0 ? r
                     : append_short(p, b, n->name.short_name,
                                    directory ? ATTR_DIRECTORY : ATTR_ARCHIVE, n->cluster,
                                    directory ? 0 : n->size, reterr);
}

static int encode_directory(const struct plan *p, size_t index, struct ingot_buffer *b,
                            ingot_error *reterr)
{
        const struct node *n = p->nodes + index;
        uint32_t up = n->parent == 0 ? 0 : p->nodes[n->parent].cluster; /* the root is 0 */
        int r = 0;
        if (index == 0 && p->label[0])
                r = append_short(p, b, p->label, ATTR_LABEL, 0, 0, reterr);
        if (index > 0) {
                r = append_short(p, b, ".          ", ATTR_DIRECTORY, n->cluster, 0, reterr);
                if (r >= 0)
                        r = append_short(p, b, "..         ", ATTR_DIRECTORY, up, 0, reterr);
        }
        for (size_t i = 0; i < n->inode->entry_count && r >= 0; i++)
                r = append_child(p, b, p->nodes + n->first_child + i, reterr);
        return r;
}

static int copy_file(const struct ingot_inode *inode, uint8_t *chunk, const struct ingot_writer *w,
                     uint64_t offset, ingot_error *reterr)
{
        int r = 0;
        for (uint64_t at = 0; at < inode->content.size && r >= 0; at += COPY_CHUNK) {
                size_t n = (size_t) ingot_min_u64(COPY_CHUNK, inode->content.size - at);
                r = ingot_read_at(&inode->content, at, chunk, n, reterr);
                if (r >= 0)
                        r = ingot_write_at(w, offset + at, chunk, n, reterr);
        }
        return r;
}

static int write_data(const struct plan *p, const struct ingot_writer *w, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *chunk = malloc(COPY_CHUNK);
        if (!chunk)
                return ingot_fail_nomem(reterr);
        uint64_t start = (p->g.reserved + 2ULL * p->g.fat_sectors) * p->g.sector_size;
        for (size_t i = 0; i < p->count; i++) {
                const struct node *n = p->nodes + i;
                _cleanup_buffer_ struct ingot_buffer b = {0};
                uint64_t offset = start + (n->cluster - 2ULL) * p->g.cluster_size;
                char path[600];
                int r = 0;
                if (n->inode->type == INGOT_FILE_DIRECTORY) {
                        r = encode_directory(p, i, &b, reterr);
                        if (r >= 0)
                                r = ingot_write_at(w, offset, b.data, b.size, reterr);
                } else if (n->size > 0) {
                        r = copy_file(n->inode, chunk, w, offset, reterr);
                }
                if (r < 0)
                        return ingot_under(reterr, r, "%s", path_of(p, i, path, sizeof(path)));
        }
        return 0;
}

int ingot_fat_write(const struct ingot_tree *tree, const struct ingot_fat_options *options,
                    const struct ingot_writer *writer, ingot_error *reterr)
{
        _cleanup_(plan_done) struct plan p = {.options = options};
        int r = plan_tree(&p, tree, reterr);
        if (r >= 0)
                r = plan_volume(&p, reterr);
        if (r >= 0)
                r = write_reserved(&p, writer, reterr);
        if (r >= 0)
                r = write_fats(&p, writer, reterr);
        if (r >= 0)
                r = write_data(&p, writer, reterr);
        return r;
}
