/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recognising what a file holds. Finding things in it stands in open-tree.c. */
#include "image/open.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"
#include "format/cpio.h"
#include "format/partition-type.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_SIZE 8192
#define EMPTY_SIZE (1u << 20) /* zeros up to here: empty */
#define SIGNATURE_MAX (1u << 20)

static const struct {
        const char *name, *title;
} contents[INGOT_CONTENT_MAX] = {
        [INGOT_CONTENT_UNKNOWN] = {"unknown", "nothing that ingot knows"},
        [INGOT_CONTENT_EMPTY] = {"empty", "empty"},
        [INGOT_CONTENT_DISK] = {"disk", "disk with a GUID partition table"},
        [INGOT_CONTENT_UKI] = {"uki", "unified kernel image"},
        [INGOT_CONTENT_PE] = {"pe", "PE program"},
        [INGOT_CONTENT_EROFS] = {"erofs", "erofs file system"},
        [INGOT_CONTENT_FAT] = {"fat", "FAT file system"},
        [INGOT_CONTENT_CPIO] = {"cpio", "cpio archive (initrd)"},
        [INGOT_CONTENT_VERITY] = {"verity", "dm-verity hash tree"},
        [INGOT_CONTENT_VERITY_SIGNATURE] = {"verity-signature", "signature of a root hash"},
        [INGOT_CONTENT_EXT4] = {"ext4", "ext2, ext3 or ext4 file system"},
        [INGOT_CONTENT_LUKS] = {"luks", "LUKS volume"},
        [INGOT_CONTENT_SWAP] = {"swap", "swap space"},
};

const char *ingot_content_name(enum ingot_content content)
{
        return contents[content].name;
}

const char *ingot_content_title(enum ingot_content content)
{
        return contents[content].title;
}

void ingot_image_done(struct ingot_image *image)
{
        for (size_t i = 0; i < image->part_count; i++)
                ingot_image_done(image->parts + i);
        free(image->parts);
        for (size_t i = 0; i < image->entered_count; i++) {
                ingot_image_done(image->entered[i]);
                free(image->entered[i]);
        }
        free(image->entered);
        free(image->problem);
        free(image->path);
        ingot_tree_free(image->tree);
        if (image->uki)
                ingot_uki_done(image->uki);
        free(image->uki);
        free(image->gpt);
        free(image->signed_root_hash);
        free(image->certificate_fingerprint);
        *image = (struct ingot_image){0};
}

static bool magic(struct ingot_span head, size_t at, const char *bytes, size_t size)
{
        return ingot_range_inside(at, size, head.size) && memcmp(head.data + at, bytes, size) == 0;
}

static bool looks_like_fat(struct ingot_span head)
{
        return magic(head, 510, "\x55\xaa", 2) &&
               (magic(head, 54, "FAT1", 4) || magic(head, 82, "FAT32", 5));
}

/* What begins like this, as far as a magic says. */
static enum ingot_content recognise_head(struct ingot_span head)
{
        static const struct {
                enum ingot_content content;
                size_t at, size;
                const char *bytes;
        } magics[] = {
                {INGOT_CONTENT_PE, 0, 2, "MZ"},
                {INGOT_CONTENT_VERITY, 0, 8, "verity\0\0"},
                {INGOT_CONTENT_LUKS, 0, 6, "LUKS\xba\xbe"},
                {INGOT_CONTENT_EROFS, 1024, 4, "\xe2\xe1\xf5\xe0"},
                {INGOT_CONTENT_EXT4, 1080, 2, "\x53\xef"},
                {INGOT_CONTENT_SWAP, 4086, 10, "SWAPSPACE2"},
                {INGOT_CONTENT_VERITY_SIGNATURE, 0, 1, "{"},
        };
        if (looks_like_fat(head))
                return INGOT_CONTENT_FAT;
        for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
                if (magic(head, magics[i].at, magics[i].bytes, magics[i].size))
                        return magics[i].content;
        return ingot_cpio_detect(head) ? INGOT_CONTENT_CPIO : INGOT_CONTENT_UNKNOWN;
}

static int is_empty(const struct ingot_reader *r, bool *ret, ingot_error *reterr)
{
        size_t size = (size_t) ingot_min_u64(r->size, EMPTY_SIZE);
        _cleanup_free_ uint8_t *data = malloc(size + 1);
        if (!data)
                return ingot_fail_nomem(reterr);
        int e = ingot_read_at(r, 0, data, size, reterr);
        if (e < 0)
                return e;
        *ret = size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
        return 0;
}

static int open_pe(struct ingot_image *image, ingot_error *reterr)
{
        image->uki = calloc(1, sizeof(*image->uki));
        if (!image->uki)
                return ingot_fail_nomem(reterr);
        int e = ingot_uki_read(&image->reader, image->uki, reterr);
        if (e == 0 && ingot_uki_is_uki(image->uki))
                image->content = INGOT_CONTENT_UKI;
        return e;
}

static int open_verity(struct ingot_image *image, ingot_error *reterr)
{
        uint8_t bytes[INGOT_VERITY_SUPERBLOCK_SIZE];
        struct ingot_verity_geometry geometry;
        int e = ingot_read_at(&image->reader, 0, bytes, sizeof(bytes), reterr);
        if (e == 0)
                e = ingot_verity_decode(INGOT_SPAN(bytes, sizeof(bytes)), &image->verity, reterr);
        if (e == 0)
                e = ingot_verity_geometry_of(&image->verity, &geometry, reterr);
        if (e < 0 || geometry.levels == 0)
                return e;
        uint32_t size = image->verity.hash_block_size;
        _cleanup_free_ uint8_t *top = malloc(size);
        if (!top)
                return ingot_fail_nomem(reterr);
        e = ingot_read_at(&image->reader, geometry.level[geometry.levels - 1].offset, top, size,
                          reterr);
        if (e < 0)
                return e;
        ingot_verity_digest(&image->verity, top, size, 1, image->root_hash);
        image->root_hash_known = true;
        return 0;
}

/* A member that is a text, copied; NULL when there is none. */
static int copy_member(struct json_object *o, const char *key, char **ret, ingot_error *reterr)
{
        struct json_object *member;
        if (!json_object_object_get_ex(o, key, &member) ||
            !json_object_is_type(member, json_type_string))
                return 0;
        return ingot_strdup(ret, json_object_get_string(member), reterr);
}

static void put_json(struct json_object **o)
{
        json_object_put(*o);
}

/* The JSON object is padded with NULs up to the end of its partition. */
static int open_signature(struct ingot_image *image, ingot_error *reterr)
{
        size_t size = (size_t) ingot_min_u64(image->reader.size, SIGNATURE_MAX);
        _cleanup_free_ char *text = calloc(1, size + 1);
        if (!text)
                return ingot_fail_nomem(reterr);
        int e = ingot_read_at(&image->reader, 0, text, size, reterr);
        if (e < 0)
                return e;
        _cleanup_(put_json) struct json_object *o = json_tokener_parse(text);
        if (json_object_is_type(o, json_type_object)) {
                e = copy_member(o, "rootHash", &image->signed_root_hash, reterr);
                if (e == 0)
                        e = copy_member(o, "certificateFingerprint",
                                        &image->certificate_fingerprint, reterr);
        }
        if (e == 0 && !image->signed_root_hash)
                image->content = INGOT_CONTENT_UNKNOWN;
        return e;
}

static int keep_program(void *context, const char *path, struct ingot_inode *inode,
                        ingot_error *reterr)
{
        struct ingot_image *fat = context;
        size_t n = strlen(path);
        if (inode->type != INGOT_FILE_REGULAR || inode->content.size == 0 || n < 4 ||
            strcasecmp(path + n - 4, ".efi") != 0)
                return 0;
        struct ingot_image *parts =
                reallocarray(fat->parts, fat->part_count + 1, sizeof(*fat->parts));
        if (!parts)
                return ingot_fail_nomem(reterr);
        fat->parts = parts;
        struct ingot_image *part = parts + fat->part_count;
        *part = (struct ingot_image){.reader = inode->content, .content = INGOT_CONTENT_PE};
        int e = ingot_strdup(&part->path, path, reterr);
        if (e < 0)
                return e;
        fat->part_count++;
        return 0;
}

/* What the content is in detail. Called once it is recognised. */
static int open_content(struct ingot_image *image, ingot_error *reterr);

/* A part that cannot be read is a finding, not a failure; a system call that fails is one. */
static int open_part(struct ingot_image *part, ingot_error *reterr)
{
        ingot_error error = {0};
        int e = open_content(part, &error);
        if (e == -INGOT_E_FORMAT || e == -INGOT_E_LIMIT || e == -INGOT_E_UNSUPPORTED)
                return ingot_strdup(&part->problem, error.text, reterr);
        if (e < 0 && reterr)
                *reterr = error;
        return e;
}

static int open_fat(struct ingot_image *image, ingot_error *reterr)
{
        int e = ingot_fat_read(&image->reader, &image->tree, &image->fat, reterr);
        if (e == 0)
                e = ingot_tree_walk(image->tree, keep_program, image, reterr);
        for (size_t i = 0; e == 0 && i < image->part_count; i++)
                e = open_part(image->parts + i, reterr);
        return e;
}

static int open_content(struct ingot_image *image, ingot_error *reterr)
{
        switch (image->content) {
        case INGOT_CONTENT_PE:
                return open_pe(image, reterr);
        case INGOT_CONTENT_VERITY:
                return open_verity(image, reterr);
        case INGOT_CONTENT_VERITY_SIGNATURE:
                return open_signature(image, reterr);
        case INGOT_CONTENT_FAT:
                return open_fat(image, reterr);
        case INGOT_CONTENT_EROFS:
                if (image->flat)
                        return 0;
                return ingot_erofs_read_tree(&image->reader, &image->tree, &image->erofs, reterr);
        default:
                return 0;
        }
}

static int recognise(struct ingot_image *image, ingot_error *reterr)
{
        uint8_t bytes[HEAD_SIZE];
        struct ingot_span head = INGOT_SPAN(bytes, ingot_min_u64(image->reader.size, HEAD_SIZE));
        bool empty = false;
        int e = ingot_read_at(&image->reader, 0, bytes, head.size, reterr);
        if (e < 0)
                return e;
        image->content = recognise_head(head);
        if (image->content == INGOT_CONTENT_UNKNOWN)
                e = is_empty(&image->reader, &empty, reterr);
        if (empty)
                image->content = INGOT_CONTENT_EMPTY;
        return e;
}

/* The N-th partition of that designator and architecture, from 0. */
static struct ingot_image *nth_partition(struct ingot_image *disk, enum ingot_designator designator,
                                         const char *architecture, size_t n)
{
        for (size_t i = 0; i < disk->part_count; i++) {
                const struct ingot_partition_type *type =
                        ingot_partition_type_by_uuid(&disk->parts[i].partition->type);
                if (type && type->designator == designator && type->architecture &&
                    strcmp(type->architecture, architecture) == 0 && n-- == 0)
                        return disk->parts + i;
        }
        return NULL;
}

/* The data partition of a hash tree: the one whose UUID the root hash begins with, else that of the
 * same place among its type. */
static struct ingot_image *find_data(struct ingot_image *disk, struct ingot_image *hash, size_t n,
                                     const struct ingot_partition_type *type)
{
        bool root = type->designator == INGOT_DESIGNATOR_ROOT_VERITY;
        struct ingot_uuid uuid = ingot_verity_data_uuid(hash->root_hash);
        for (size_t i = 0; hash->root_hash_known && i < disk->part_count; i++)
                if (ingot_uuid_equal(&disk->parts[i].partition->uuid, &uuid))
                        return disk->parts + i;
        return nth_partition(disk, root ? INGOT_DESIGNATOR_ROOT : INGOT_DESIGNATOR_USR,
                             type->architecture, n);
}

/* With one data block there is no level: its digest is the root hash. */
static int root_hash_of_data(struct ingot_image *hash, ingot_error *reterr)
{
        uint32_t size = hash->verity.data_block_size;
        _cleanup_free_ uint8_t *block = malloc(size);
        if (!block)
                return ingot_fail_nomem(reterr);
        if (hash->data->reader.size < size)
                return 0;
        int e = ingot_read_at(&hash->data->reader, 0, block, size, reterr);
        if (e < 0)
                return e;
        ingot_verity_digest(&hash->verity, block, size, 1, hash->root_hash);
        hash->root_hash_known = true;
        return 0;
}

static int pair_verity(struct ingot_image *disk, ingot_error *reterr)
{
        for (size_t i = 0; i < disk->part_count; i++) {
                struct ingot_image *hash = disk->parts + i;
                const struct ingot_partition_type *type =
                        ingot_partition_type_by_uuid(&hash->partition->type);
                size_t n = 0;
                if (hash->content != INGOT_CONTENT_VERITY || hash->problem || !type ||
                    (type->designator != INGOT_DESIGNATOR_ROOT_VERITY &&
                     type->designator != INGOT_DESIGNATOR_USR_VERITY))
                        continue;
                while (nth_partition(disk, type->designator, type->architecture, n) != hash)
                        n++;
                hash->data = find_data(disk, hash, n, type);
                if (!hash->data)
                        continue;
                hash->data->hash = hash;
                int e = hash->root_hash_known ? 0 : root_hash_of_data(hash, reterr);
                if (e < 0)
                        return e;
        }
        return 0;
}

static int open_partition(struct ingot_image *disk, size_t i, ingot_error *reterr)
{
        struct ingot_image *part = disk->parts + i;
        const struct ingot_gpt_partition *p = disk->gpt->partitions + i;
        part->partition = p;
        part->flat = disk->flat;
        int e = ingot_reader_part(&disk->reader, ingot_gpt_offset(disk->gpt, p),
                                  ingot_gpt_size(disk->gpt, p), &part->reader, NULL);
        if (e < 0)
                return ingot_strdup(&part->problem, "lies behind the end of the file", reterr);
        e = recognise(part, reterr);
        return e < 0 ? e : open_part(part, reterr);
}

static int open_disk(struct ingot_image *image, ingot_error *reterr)
{
        image->content = INGOT_CONTENT_DISK;
        image->parts = calloc(image->gpt->partition_count + 1, sizeof(*image->parts));
        if (!image->parts)
                return ingot_fail_nomem(reterr);
        image->part_count = image->gpt->partition_count;
        for (size_t i = 0; i < image->part_count; i++) {
                int e = open_partition(image, i, reterr);
                if (e < 0)
                        return ingot_under(reterr, e, "partition %u",
                                           image->gpt->partitions[i].number);
        }
        return pair_verity(image, reterr);
}

static int open_as(const struct ingot_reader *r, bool flat, struct ingot_image *ret,
                   ingot_error *reterr)
{
        _cleanup_image_ struct ingot_image image = {.reader = *r, .flat = flat};
        image.gpt = calloc(1, sizeof(*image.gpt));
        if (!image.gpt)
                return ingot_fail_nomem(reterr);
        int e = ingot_gpt_read(r, image.gpt, reterr);
        if (e == 0) {
                e = open_disk(&image, reterr);
        } else if (e == -INGOT_E_NOTFOUND) {
                free(image.gpt);
                image.gpt = NULL;
                e = recognise(&image, reterr);
                if (e == 0)
                        e = open_content(&image, reterr);
        }
        if (e < 0)
                return e;
        *ret = image;
        image = (struct ingot_image){0};
        return 0;
}

int ingot_image_open(const struct ingot_reader *r, struct ingot_image *ret, ingot_error *reterr)
{
        return open_as(r, false, ret, reterr);
}

int ingot_image_open_flat(const struct ingot_reader *r, struct ingot_image *ret,
                          ingot_error *reterr)
{
        return open_as(r, true, ret, reterr);
}
