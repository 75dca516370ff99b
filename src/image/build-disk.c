/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The disk: ESP, root-A with verity and its signature, the same for B (empty, reserved), /var.
 * UUIDs that the content does not decide come from the seed, as systemd-repart derives them.
 */
#include "base/cleanup.h"
#include "base/size.h"
#include "format/fat.h"
#include "format/partition-type.h"
#include "image/build-state.h"
#include "image/esp.h"

#include <inttypes.h>
#include <string.h>

#define MIB ((uint64_t) 1 << 20)
#define DISK_MAX ((uint64_t) 2 << 40)

struct ingot_gpt_partition *ingot_build_partition(struct ingot_build *b, const char *type,
                                                  unsigned count)
{
        const struct ingot_partition_type *t = ingot_partition_type_by_name(type);
        for (size_t i = 0; t && i < b->gpt.partition_count; i++)
                if (ingot_uuid_equal(&b->gpt.partitions[i].type, &t->uuid) && --count == 0)
                        return b->gpt.partitions + i;
        return NULL;
}

static int add_partition(struct ingot_build *b, const char *type, uint64_t size,
                         const struct ingot_uuid *uuid, uint64_t attributes, const char *name,
                         ingot_error *reterr)
{
        const struct ingot_partition_type *t = ingot_partition_type_by_name(type);
        struct ingot_gpt_partition *added;
        if (!t)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "no partition type '%s'", type);
        struct ingot_gpt_request request = {.type = t->uuid,
                                            .seed = &b->seed,
                                            .size = size,
                                            .attributes = attributes,
                                            .name = name};
        if (uuid)
                request.uuid = *uuid;
        return ingot_under(reterr, ingot_gpt_add(&b->gpt, &request, &added, reterr), "partition %s",
                           type);
}

/* What is empty is labelled so, and not found by itself (decisions 007 and 055): an empty slot, and
 * the place of a signature that was not made. */
static uint64_t attributes_of(const char *label)
{
        bool empty = strcmp(label, INGOT_LABEL_EMPTY) == 0;
        return INGOT_GPT_READ_ONLY | (empty ? INGOT_GPT_NO_AUTO : 0);
}

int ingot_build_add_slot(struct ingot_build *b, const struct ingot_build_slot *slot,
                         ingot_error *reterr)
{
        const struct {
                const char *type;
                uint64_t size;
                const struct ingot_uuid *uuid;
                const char *label;
        } parts[] = {{"root-x86-64", b->slot_size, slot->data_uuid, slot->label},
                     {"root-x86-64-verity", b->hash_slot_size, slot->hash_uuid, slot->label},
                     {"root-x86-64-verity-sig", INGOT_VERITY_SIG_SIZE, slot->signature_uuid,
                      INGOT_LABEL_EMPTY}};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(parts); i++)
                r = add_partition(b, parts[i].type, parts[i].size, parts[i].uuid,
                                  attributes_of(parts[i].label), parts[i].label, reterr);
        return r;
}

int ingot_build_fail_small(const struct ingot_build *b, enum ingot_recipe_key key,
                           const char *needs, uint64_t needed, ingot_error *reterr)
{
        const struct ingot_recipe_key_info *info = ingot_recipe_keys + key;
        return ingot_fail(reterr, INGOT_E_SPACE,
                          "%s.%s is %" PRIu64 " bytes, but the %s %" PRIu64 ": set it to %" PRIu64
                          "M or more",
                          info->section, info->key, ingot_recipe_number(b->recipe, key), needs,
                          needed, ingot_div_up(needed, MIB));
}

/* The table with the one partition that stands before the root. */
int ingot_build_layout(struct ingot_build *b, ingot_error *reterr)
{
        struct ingot_uuid disk = ingot_gpt_disk_uuid_from_seed(&b->seed);
        uint32_t sector = (uint32_t) ingot_recipe_number(b->recipe, INGOT_PARTITIONS_SECTOR_SIZE);
        ingot_gpt_init(&b->gpt, sector, &disk);
        return add_partition(b, "esp", ingot_recipe_number(b->recipe, INGOT_PARTITIONS_ESP_SIZE),
                             NULL, 0, "esp", reterr);
}

static int write_esp(struct ingot_build *b, ingot_error *reterr)
{
        struct ingot_writer disk = ingot_outfile_writer(&b->disk);
        const struct ingot_gpt_partition *esp = ingot_build_partition(b, "esp", 1);
        uint64_t offset = ingot_gpt_offset(&b->gpt, esp);
        struct ingot_uuid id = ingot_uuid_derive(&b->seed, "esp-volume-id", 13);
        struct ingot_fat_options options = {.size = ingot_gpt_size(&b->gpt, esp),
                                            .volume_id = ingot_le32_load(id.bytes),
                                            .label = "ESP",
                                            .sector_size = b->gpt.sector_size,
                                            .time = b->timestamp,
                                            .hidden_sectors = esp->first_lba};
        struct ingot_writer place = ingot_writer_part(&disk, offset);
        return ingot_under(reterr, ingot_fat_write(b->esp, &options, &place, reterr),
                           "EFI System Partition (Partitions.EspSize)");
}

static int write_var(struct ingot_build *b, ingot_error *reterr)
{
        uint64_t size = ingot_recipe_number(b->recipe, INGOT_PARTITIONS_VAR_SIZE);
        int r = add_partition(b, "var", size, NULL, INGOT_GPT_GROW_FS, "var", reterr);
        if (r < 0)
                return r;
        const struct ingot_gpt_partition *var = ingot_build_partition(b, "var", 1);
        return ingot_var_write(&b->seed, ingot_gpt_size(&b->gpt, var), b->timestamp, b->work,
                               &b->disk, ingot_gpt_offset(&b->gpt, var), reterr);
}

int ingot_build_disk(struct ingot_build *b, ingot_error *reterr)
{
        struct ingot_build_slot empty = {.label = INGOT_LABEL_EMPTY};
        bool ab = strcmp(ingot_recipe_text(b->recipe, INGOT_PARTITIONS_LAYOUT), "ab") == 0;
        int r = write_esp(b, reterr);
        if (r >= 0 && ab)
                r = ingot_build_add_slot(b, &empty, reterr);
        if (r >= 0)
                r = write_var(b, reterr);
        if (r >= 0)
                r = ingot_gpt_set_size(&b->gpt, 0, 0, reterr);
        if (r < 0)
                return r;
        uint64_t size = b->gpt.disk_sectors * b->gpt.sector_size;
        if (size > DISK_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "the disk would have %" PRIu64
                                  " bytes; images over 2 TiB are not "
                                  "built: make RootSize or VarSize smaller",
                                  size);
        struct ingot_writer disk = ingot_outfile_writer(&b->disk);
        r = ingot_gpt_write(&b->gpt, &disk, reterr);
        if (r < 0)
                return r;
        if (ftruncate(b->disk.fd, (off_t) size) < 0)
                return ingot_fail_errno(reterr, "set the size of %s", b->disk.name);
        return 0;
}
