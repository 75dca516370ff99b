/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What no check looked at. A file whose digest the sums have has no gap; of a disk, what lies
 * between and behind what was checked. Each reason is a constant: the list is short on purpose, and
 * docs/formats/verify-image.md says of each why it is no danger, or who must look.
 */
#include "base/cleanup.h"
#include "base/size.h"
#include "image/verify-state.h"

#include <stdlib.h>

#define BOOT_CODE "boot code and CHS addresses of the protective MBR: UEFI does not read them"
#define UNPARTITIONED "in no partition"
#define BEHIND_TABLE "behind the backup partition table"
#define EMPTY_SLOT "an empty slot: an update writes it before it is read"
#define BEHIND_DATA "behind the blocks that the hash tree covers: dm-verity does not map them"
#define SUPERBLOCK "UUID and padding of the verity superblock: nothing uses them"
#define BEHIND_TREE "behind the hash tree"
#define CHECKSUM "checksum of an EFI program: firmware does not look at it"
#define CHECKSUM_SIZE 4
#define NOBODY "a signature by somebody whose key was not given: its certificates may be anybody's"
#define UNSIGNED "a release signature that holds: certificates and packets beside it are not signed"
#define NO_COVER "no hash tree, signature or sum covers it"

/* [*at, offset) of FILE, and goes on behind [offset, offset + size). */
static int skip_to(struct ingot_verify *v, const struct ingot_verify_file *f, uint64_t *at,
                   uint64_t offset, uint64_t size, const char *reason, ingot_error *reterr)
{
        int r = offset > *at ? ingot_verify_add_gap(v, f, *at, offset - *at, reason, reterr) : 0;
        *at = ingot_max_u64(*at, offset + size);
        return r;
}

static const struct ingot_verify_pair *pair_of(const struct ingot_verify *v,
                                               const struct ingot_image *image)
{
        for (size_t i = 0; i < v->pair_count; i++)
                if (v->pairs[i].holds && (v->pairs[i].data == image || v->pairs[i].hash == image))
                        return v->pairs + i;
        return NULL;
}

/* A hash tree or its data, which start at BASE of the file. */
static int cover_pair(struct ingot_verify *v, const struct ingot_verify_file *f,
                      const struct ingot_verify_pair *p, const struct ingot_image *image,
                      uint64_t base, ingot_error *reterr)
{
        const struct ingot_verity *verity = &p->hash->verity;
        struct ingot_verity_geometry g;
        uint64_t end = verity->data_blocks * verity->data_block_size;
        if (image == p->data)
                return ingot_verify_add_gap(v, f, base + end, image->reader.size - end, BEHIND_DATA,
                                            reterr);
        int r = ingot_verity_geometry_of(verity, &g, reterr);
        if (r >= 0)
                r = ingot_verify_add_gap(v, f, base + 16, 16, SUPERBLOCK, reterr);
        if (r >= 0 && verity->hash_block_size > INGOT_VERITY_SUPERBLOCK_SIZE)
                r = ingot_verify_add_gap(v, f, base + INGOT_VERITY_SUPERBLOCK_SIZE,
                                         verity->hash_block_size - INGOT_VERITY_SUPERBLOCK_SIZE,
                                         SUPERBLOCK, reterr);
        return r < 0 ? r
                     : ingot_verify_add_gap(v, f, base + g.size, image->reader.size - g.size,
                                            BEHIND_TREE, reterr);
}

/* Pieces of a volume that signed programs are. */
struct pieces {
        struct piece {
                uint64_t offset, size;
        } * items;
        size_t count;
        uint64_t at;       /* in the program */
        uint64_t checksum; /* of the program: where it is, which is no piece */
        uint64_t end;      /* what is behind it is no piece either */
};

static int add_piece(struct pieces *p, uint64_t offset, uint64_t size, ingot_error *reterr)
{
        struct piece *grown =
                size ? reallocarray(p->items, p->count + 1, sizeof(*grown)) : p->items;
        if (size && !grown)
                return ingot_fail_nomem(reterr);
        p->items = grown;
        if (size)
                p->items[p->count++] = (struct piece){.offset = offset, .size = size};
        return 0;
}

static int add_run(void *context, uint64_t offset, uint64_t size, ingot_error *reterr)
{
        struct pieces *p = context;
        uint64_t from = p->at, to = ingot_max_u64(from, ingot_min_u64(from + size, p->end));
        uint64_t hole = ingot_min_u64(ingot_max_u64(p->checksum, from), to);
        uint64_t end = ingot_min_u64(ingot_max_u64(p->checksum + CHECKSUM_SIZE, from), to);
        p->at += size;
        int r = add_piece(p, offset, hole - from, reterr);
        return r < 0 ? r : add_piece(p, offset + (end - from), to - end, reterr);
}

static int compare_pieces(const void *a, const void *b)
{
        const struct piece *x = a, *y = b;
        return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Of a program by somebody unknown, or that is known by its digest, the signatures themselves are
 * not covered. */
static uint64_t signed_end(const struct ingot_verify *v, const struct ingot_image *program)
{
        struct ingot_pe_directory d = ingot_pe_certificates(&program->uki->pe);
        return d.size == 0 || ingot_verify_covered(v, program)->signatures ? program->reader.size
                                                                           : d.address;
}

/* A signed program by itself, at BASE of the file. */
static int cover_program(struct ingot_verify *v, const struct ingot_verify_file *f,
                         const struct ingot_image *program, uint64_t base, ingot_error *reterr)
{
        uint64_t end = signed_end(v, program);
        int r = ingot_verify_add_gap(v, f, base + program->uki->pe.checksum_offset, CHECKSUM_SIZE,
                                     CHECKSUM, reterr);
        return r < 0 ? r
                     : ingot_verify_add_gap(v, f, base + end, program->reader.size - end, NOBODY,
                                            reterr);
}

/* A volume at BASE of the file: all but its signed programs. */
static int cover_fat(struct ingot_verify *v, const struct ingot_verify_file *f,
                     const struct ingot_image *fat, uint64_t base, ingot_error *reterr)
{
        struct pieces p = {0};
        uint64_t at = base;
        int r = 0;
        for (size_t i = 0; i < fat->part_count && r >= 0; i++) {
                if (!ingot_verify_covered(v, fat->parts + i))
                        continue;
                p.at = 0;
                p.checksum = fat->parts[i].uki->pe.checksum_offset;
                p.end = signed_end(v, fat->parts + i);
                r = ingot_fat_runs(&fat->parts[i].reader, add_run, &p, reterr);
        }
        if (p.count)
                qsort(p.items, p.count, sizeof(*p.items), compare_pieces);
        for (size_t i = 0; i < p.count && r >= 0; i++)
                r = skip_to(v, f, &at, base + p.items[i].offset, p.items[i].size, NO_COVER, reterr);
        free(p.items);
        return r < 0 ? r : skip_to(v, f, &at, base + fat->reader.size, 0, NO_COVER, reterr);
}

static int cover_content(struct ingot_verify *v, const struct ingot_verify_file *f,
                         const struct ingot_image *image, ingot_error *reterr)
{
        uint64_t base = image->reader.base - f->reader.base;
        const struct ingot_verify_pair *p = pair_of(v, image);
        if (p)
                return cover_pair(v, f, p, image, base, reterr);
        if (image->content == INGOT_CONTENT_FAT && !image->problem)
                return cover_fat(v, f, image, base, reterr);
        if (ingot_verify_covered(v, image))
                return image->uki ? cover_program(v, f, image, base, reterr) : 0;
        return ingot_verify_add_gap(v, f, base, image->reader.size,
                                    ingot_verify_is_empty_slot(image) ? EMPTY_SLOT : NO_COVER,
                                    reterr);
}

static int compare_parts(const void *a, const void *b)
{
        const struct ingot_image *const *x = a, *const *y = b;
        return (*x)->reader.base < (*y)->reader.base ? -1 : (*x)->reader.base > (*y)->reader.base;
}

/* The place of the entries, as the header at LBA says: it was read before, so it is whole. */
static int entries_of(const struct ingot_image *disk, uint64_t lba, uint64_t *ret_offset,
                      uint64_t *ret_size, ingot_error *reterr)
{
        uint8_t b[92];
        uint64_t sector = disk->gpt->sector_size;
        int r = ingot_read_at(&disk->reader, lba * sector, b, sizeof(b), reterr);
        if (r < 0)
                return r;
        *ret_offset = ingot_le64_load(b + 72) * sector;
        *ret_size = (uint64_t) ingot_le32_load(b + 80) * ingot_le32_load(b + 84);
        return 0;
}

static int cover_disk(struct ingot_verify *v, const struct ingot_verify_file *f,
                      ingot_error *reterr)
{
        const struct ingot_image *disk = &f->image;
        uint64_t sector = disk->gpt->sector_size, at = 0, offset, size;
        _cleanup_free_ const struct ingot_image **parts =
                calloc(disk->part_count + 1, sizeof(*parts));
        if (!parts)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < disk->part_count; i++)
                parts[i] = disk->parts + i;
        qsort(parts, disk->part_count, sizeof(*parts), compare_parts);
        int r = skip_to(v, f, &at, 450, 1, BOOT_CODE, reterr);
        if (r >= 0)
                r = skip_to(v, f, &at, 454, 512 - 454, BOOT_CODE, reterr);
        if (r >= 0)
                r = skip_to(v, f, &at, sector, sector, UNPARTITIONED, reterr);
        if (r >= 0)
                r = entries_of(disk, 1, &offset, &size, reterr);
        if (r >= 0)
                r = skip_to(v, f, &at, offset, size, UNPARTITIONED, reterr);
        for (size_t i = 0; i < disk->part_count && r >= 0; i++) {
                r = skip_to(v, f, &at, parts[i]->reader.base - f->reader.base,
                            parts[i]->reader.size, UNPARTITIONED, reterr);
                if (r >= 0)
                        r = cover_content(v, f, parts[i], reterr);
        }
        if (r >= 0)
                r = entries_of(disk, disk->gpt->backup_lba, &offset, &size, reterr);
        if (r >= 0)
                r = skip_to(v, f, &at, offset, size, UNPARTITIONED, reterr);
        if (r >= 0)
                r = skip_to(v, f, &at, disk->gpt->backup_lba * sector, sector, UNPARTITIONED,
                            reterr);
        return r < 0 ? r : skip_to(v, f, &at, f->reader.size, 0, BEHIND_TABLE, reterr);
}

static int compare_gaps(const void *a, const void *b)
{
        const struct ingot_gap *x = a, *y = b;
        return x->offset < y->offset ? -1 : x->offset > y->offset;
}

int ingot_verify_coverage(struct ingot_verify *v, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < v->file_count && r >= 0; i++) {
                const struct ingot_verify_file *f = v->files + i;
                size_t first = v->result.gap_count;
                if (f->listed || f->is_sums || f->covered)
                        continue;
                if (f->is_signature)
                        r = ingot_verify_add_gap(v, f, 0, f->reader.size,
                                                 f->is_signed ? UNSIGNED : NOBODY, reterr);
                else if (!f->opened)
                        r = ingot_verify_add_gap(v, f, 0, f->reader.size, NO_COVER, reterr);
                else if (f->image.content != INGOT_CONTENT_DISK)
                        r = cover_content(v, f, &f->image, reterr);
                else if (f->image.gpt->health == INGOT_GPT_HEALTHY)
                        r = cover_disk(v, f, reterr);
                if (v->result.gap_count > first)
                        qsort(v->result.gaps + first, v->result.gap_count - first,
                              sizeof(*v->result.gaps), compare_gaps);
        }
        return r;
}
