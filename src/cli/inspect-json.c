/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `ingot inspect --json` says: docs/formats/inspect-json.md is its schema. */
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/inspect.h"
#include "format/partition-type.h"
#include "format/sbat.h"
#include "image/inspect.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 65536

struct number {
        const char *key;
        uint64_t value;
};

static int add_numbers(struct json_object *o, const struct number *numbers, size_t count,
                       ingot_error *reterr)
{
        int e = 0;
        for (size_t i = 0; e == 0 && i < count; i++)
                e = ingot_json_add_u64(o, numbers[i].key, numbers[i].value, reterr);
        return e;
}

static int add_largest(struct json_object *o, const struct ingot_tree_statistics *s,
                       ingot_error *reterr)
{
        _cleanup_json_ struct json_object *list = NULL;
        int e = ingot_json_new_array(&list, reterr);
        for (size_t i = 0; e == 0 && i < s->largest_count; i++) {
                _cleanup_json_ struct json_object *one = NULL;
                e = ingot_json_new_object(&one, reterr);
                if (e == 0)
                        e = ingot_json_add_text(one, "path", s->largest[i].path, reterr);
                if (e == 0)
                        e = ingot_json_add_u64(one, "size", s->largest[i].size, reterr);
                if (e == 0)
                        e = ingot_json_add(list, NULL, &one, reterr);
        }
        return e < 0 ? e : ingot_json_add(o, "largest_directories", &list, reterr);
}

static int add_statistics(struct ingot_image *image, struct json_object *o, ingot_error *reterr)
{
        _cleanup_statistics_ struct ingot_tree_statistics s = {0};
        _cleanup_json_ struct json_object *statistics = NULL;
        const struct ingot_tree *tree;
        int e = ingot_image_tree(image, &tree, reterr);
        if (e == 0)
                e = ingot_tree_statistics_of(tree, &s, reterr);
        if (e == 0)
                e = ingot_json_new_object(&statistics, reterr);
        if (e < 0)
                return e;
        const struct number numbers[] = {
                {"files", s.files},
                {"directories", s.directories},
                {"symlinks", s.symlinks},
                {"devices", s.devices},
                {"others", s.others},
                {"hard_links", s.hard_links},
                {"content_size", s.content_size},
        };
        e = add_numbers(statistics, numbers, ARRAY_SIZE(numbers), reterr);
        if (e == 0)
                e = add_largest(statistics, &s, reterr);
        return e < 0 ? e : ingot_json_add(o, "statistics", &statistics, reterr);
}

static int add_algorithms(struct json_object *o, unsigned algorithms, ingot_error *reterr)
{
        static const char *const names[] = {"lz4", "lzma", "deflate", "zstd"};
        _cleanup_json_ struct json_object *list = NULL;
        int e = ingot_json_new_array(&list, reterr);
        for (size_t i = 0; e == 0 && i < ARRAY_SIZE(names); i++)
                if (algorithms & 1u << i)
                        e = ingot_json_add_text(list, NULL, names[i], reterr);
        return e < 0 ? e : ingot_json_add(o, "compression", &list, reterr);
}

static int add_erofs(struct ingot_image *image, struct json_object *o, ingot_error *reterr)
{
        const struct ingot_erofs_info *i = &image->erofs;
        const struct number numbers[] = {{"file_system_size", i->size},
                                         {"block_size", i->block_size},
                                         {"inodes", i->inodes}};
        int e = add_numbers(o, numbers, ARRAY_SIZE(numbers), reterr);
        if (e == 0)
                e = ingot_json_add_uuid(o, "file_system_uuid", &i->uuid, reterr);
        if (e == 0)
                e = ingot_json_add_text(o, "volume_name", i->volume_name, reterr);
        if (e == 0)
                e = add_algorithms(o, i->algorithms, reterr);
        return e < 0 ? e : add_statistics(image, o, reterr);
}

static int add_verity(const struct ingot_image *image, struct json_object *o, ingot_error *reterr)
{
        const struct ingot_verity *v = &image->verity;
        const struct number numbers[] = {
                {"data_blocks", v->data_blocks},
                {"data_block_size", v->data_block_size},
                {"hash_block_size", v->hash_block_size},
        };
        int e = 0;
        if (image->root_hash_known)
                e = ingot_json_add_hex(o, "root_hash", image->root_hash, INGOT_VERITY_DIGEST_SIZE,
                                       reterr);
        if (e == 0)
                e = ingot_json_add_hex(o, "salt", v->salt, v->salt_size, reterr);
        if (e == 0)
                e = ingot_json_add_uuid(o, "verity_uuid", &v->uuid, reterr);
        if (e == 0)
                e = add_numbers(o, numbers, ARRAY_SIZE(numbers), reterr);
        if (e == 0 && image->data)
                e = ingot_json_add_u64(o, "data_partition", image->data->partition->number, reterr);
        return e;
}

static bool is_text(enum ingot_uki_kind kind)
{
        return kind == INGOT_UKI_OSREL || kind == INGOT_UKI_CMDLINE || kind == INGOT_UKI_UNAME ||
               kind == INGOT_UKI_PROFILE || kind == INGOT_UKI_SBAT || kind == INGOT_UKI_PCRPKEY ||
               kind == INGOT_UKI_PCRSIG;
}

/* The components by which shim revokes programs; none, when the text is no .sbat. */
static int add_sbat(struct json_object *o, const uint8_t *text, size_t size, ingot_error *reterr)
{
        _cleanup_sbat_ struct ingot_sbat sbat = {0};
        struct json_object *list, *component;
        if (ingot_sbat_decode(INGOT_SPAN(text, size), &sbat, NULL) < 0)
                return 0;
        int e = ingot_json_add_array(o, "components", &list, reterr);
        for (size_t i = 0; e == 0 && i < sbat.count; i++) {
                e = ingot_json_add_object(list, NULL, &component, reterr);
                if (e == 0)
                        e = ingot_json_add_text(component, "name", sbat.items[i].name, reterr);
                if (e == 0)
                        e = ingot_json_add_u64(component, "generation", sbat.items[i].generation,
                                               reterr);
        }
        return e;
}

static int add_section_text(const struct ingot_image *image, const struct ingot_uki_section *s,
                            struct json_object *o, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        if (!is_text(s->kind) || s->pe.virtual_size > TEXT_MAX)
                return 0;
        int e = ingot_pe_section_read(&image->reader, &s->pe, TEXT_MAX, &text, &size, reterr);
        if (e == 0)
                e = ingot_json_add_text(o, "text", (char *) text, reterr);
        return e == 0 && s->kind == INGOT_UKI_SBAT ? add_sbat(o, text, size, reterr) : e;
}

static int add_section(const struct ingot_image *image, const struct ingot_uki_section *s,
                       struct json_object *list, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        uint8_t digest[INGOT_SHA256_SIZE];
        const struct number numbers[] = {{"size", s->pe.virtual_size},
                                         {"offset", s->pe.raw_offset}};
        int e = ingot_json_new_object(&o, reterr);
        if (e == 0)
                e = ingot_json_add_text(o, "name", s->pe.name, reterr);
        if (e == 0 && s->profile != INGOT_UKI_BASE)
                e = ingot_json_add_u64(o, "profile", s->profile, reterr);
        if (e == 0)
                e = add_numbers(o, numbers, ARRAY_SIZE(numbers), reterr);
        if (e == 0)
                e = ingot_pe_section_sha256(&image->reader, &s->pe, digest, reterr);
        if (e == 0)
                e = ingot_json_add_hex(o, "sha256", digest, sizeof(digest), reterr);
        if (e == 0)
                e = add_section_text(image, s, o, reterr);
        return e < 0 ? e : ingot_json_add(list, NULL, &o, reterr);
}

static int add_pe(const struct ingot_image *image, struct json_object *o, ingot_error *reterr)
{
        const struct ingot_uki *uki = image->uki;
        _cleanup_json_ struct json_object *list = NULL;
        uint8_t digest[INGOT_SHA256_SIZE];
        int e = ingot_json_add_text(o, "architecture", ingot_pe_machine_name(uki->pe.machine),
                                    reterr);
        if (e == 0)
                e = ingot_json_add_bool(o, "signed", ingot_pe_certificates(&uki->pe).size > 0,
                                        reterr);
        if (e == 0)
                e = ingot_json_add_bool(o, "addon", ingot_uki_is_addon(uki), reterr);
        if (e == 0 && ingot_pe_authenticode_sha256(&image->reader, &uki->pe, digest, NULL) == 0)
                e = ingot_json_add_hex(o, "authenticode_sha256", digest, sizeof(digest), reterr);
        if (e == 0)
                e = ingot_json_new_array(&list, reterr);
        for (size_t i = 0; e == 0 && i < uki->section_count; i++)
                e = add_section(image, uki->sections + i, list, reterr);
        return e < 0 ? e : ingot_json_add(o, "sections", &list, reterr);
}

static int add_fat(struct ingot_image *image, struct json_object *o, ingot_error *reterr)
{
        const struct ingot_fat_info *i = &image->fat;
        _cleanup_json_ struct json_object *list = NULL;
        const struct number numbers[] = {
                {"fat_bits", i->bits},
                {"volume_id", i->volume_id},
                {"cluster_size", i->cluster_size},
                {"free_size", (uint64_t) i->free_clusters * i->cluster_size},
        };
        int e = add_numbers(o, numbers, ARRAY_SIZE(numbers), reterr);
        if (e == 0)
                e = ingot_json_add_text(o, "volume_name", i->label, reterr);
        if (e == 0)
                e = add_statistics(image, o, reterr);
        if (e == 0)
                e = ingot_json_new_array(&list, reterr);
        for (size_t k = 0; e == 0 && k < image->part_count; k++) {
                _cleanup_json_ struct json_object *one = NULL;
                e = ingot_json_new_object(&one, reterr);
                if (e == 0)
                        e = ingot_json_add_text(one, "path", image->parts[k].path, reterr);
                if (e == 0)
                        e = inspect_json(image->parts + k, one, reterr);
                if (e == 0)
                        e = ingot_json_add(list, NULL, &one, reterr);
        }
        return e < 0 ? e : ingot_json_add(o, "programs", &list, reterr);
}

static int add_attributes(uint64_t attributes, struct json_object *o, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *list = NULL;
        _cleanup_strings_ struct ingot_strings words = {0};
        char text[128];
        inspect_attributes(attributes, text);
        int e = ingot_json_new_array(&list, reterr);
        if (e == 0)
                e = ingot_strings_split(&words, text, ",", reterr);
        for (size_t i = 0; e == 0 && i < words.count; i++)
                e = ingot_json_add_text(list, NULL, words.items[i], reterr);
        return e < 0 ? e : ingot_json_add(o, "attributes", &list, reterr);
}

static int add_partition(const struct ingot_image *disk, struct ingot_image *part,
                         struct json_object *list, ingot_error *reterr)
{
        const struct ingot_gpt_partition *p = part->partition;
        const struct ingot_partition_type *type = ingot_partition_type_by_uuid(&p->type);
        _cleanup_json_ struct json_object *o = NULL;
        int e = ingot_json_new_object(&o, reterr);
        if (e == 0)
                e = ingot_json_add_u64(o, "number", p->number, reterr);
        if (e == 0)
                e = ingot_json_add_text(o, "type", type ? type->name : NULL, reterr);
        if (e == 0)
                e = ingot_json_add_uuid(o, "type_uuid", &p->type, reterr);
        if (e == 0)
                e = ingot_json_add_uuid(o, "uuid", &p->uuid, reterr);
        if (e == 0)
                e = ingot_json_add_text(o, "label", p->name, reterr);
        if (e == 0)
                e = ingot_json_add_u64(o, "offset", ingot_gpt_offset(disk->gpt, p), reterr);
        if (e == 0)
                e = ingot_json_add_u64(o, "size", ingot_gpt_size(disk->gpt, p), reterr);
        if (e == 0)
                e = add_attributes(p->attributes, o, reterr);
        if (e == 0 && part->hash)
                e = ingot_json_add_u64(o, "verity_partition", part->hash->partition->number,
                                       reterr);
        if (e == 0)
                e = inspect_json(part, o, reterr);
        return e < 0 ? e : ingot_json_add(list, NULL, &o, reterr);
}

static int add_disk(struct ingot_image *image, struct json_object *o, ingot_error *reterr)
{
        static const char *const health[] = {"healthy", "primary-damaged", "backup-damaged"};
        _cleanup_json_ struct json_object *list = NULL;
        int e = ingot_json_add_uuid(o, "disk_uuid", &image->gpt->disk_uuid, reterr);
        if (e == 0)
                e = ingot_json_add_u64(o, "sector_size", image->gpt->sector_size, reterr);
        if (e == 0)
                e = ingot_json_add_text(o, "table", health[image->gpt->health], reterr);
        if (e == 0)
                e = ingot_json_new_array(&list, reterr);
        for (size_t i = 0; e == 0 && i < image->part_count; i++)
                e = add_partition(image, image->parts + i, list, reterr);
        return e < 0 ? e : ingot_json_add(o, "partitions", &list, reterr);
}

static int add_signature(const struct ingot_image *image, struct json_object *o,
                         ingot_error *reterr)
{
        int e = ingot_json_add_text(o, "signed_root_hash", image->signed_root_hash, reterr);
        return e < 0 ? e
                     : ingot_json_add_text(o, "certificate_fingerprint",
                                           image->certificate_fingerprint, reterr);
}

int inspect_json(struct ingot_image *image, struct json_object *o, ingot_error *reterr)
{
        int e = ingot_json_add_text(o, "content", ingot_content_name(image->content), reterr);
        if (e == 0 && image->problem)
                return ingot_json_add_text(o, "problem", image->problem, reterr);
        if (e < 0)
                return e;
        switch (image->content) {
        case INGOT_CONTENT_DISK:
                return add_disk(image, o, reterr);
        case INGOT_CONTENT_UKI:
        case INGOT_CONTENT_PE:
                return add_pe(image, o, reterr);
        case INGOT_CONTENT_EROFS:
                return add_erofs(image, o, reterr);
        case INGOT_CONTENT_FAT:
                return add_fat(image, o, reterr);
        case INGOT_CONTENT_CPIO:
                return add_statistics(image, o, reterr);
        case INGOT_CONTENT_VERITY:
                return add_verity(image, o, reterr);
        case INGOT_CONTENT_VERITY_SIGNATURE:
                return add_signature(image, o, reterr);
        default:
                return 0;
        }
}
