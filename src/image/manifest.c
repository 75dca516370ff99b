/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manifest of a build as JSON: docs/formats/manifest.md. Nothing of this host is in it. */
#include "base/cleanup.h"
#include "base/size.h"
#include "format/partition-type.h"
#include "image/build-state.h"
#include "image/manifest.h"

#include <stdlib.h>
#include <string.h>


static int add_header(const struct ingot_build *b, struct json_object *m, ingot_error *reterr)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        int r = ingot_recipe_digest(b->recipe, digest, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(m, "format", 1, reterr);
        if (r >= 0)
                r = ingot_json_add_text(m, "generator", "ingot " INGOT_VERSION, reterr);
        if (r >= 0)
                r = ingot_json_add_text(m, "name", b->name, reterr);
        if (r >= 0)
                r = ingot_json_add_text(m, "version", b->version, reterr);
        if (r >= 0)
                r = ingot_json_add_text(m, "architecture", b->architecture, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(m, "timestamp", (uint64_t) b->timestamp, reterr);
        if (r >= 0)
                r = ingot_json_add_uuid(m, "seed", &b->seed, reterr);
        if (r >= 0)
                r = ingot_json_add_hex(m, "recipe_sha256", digest, sizeof(digest), reterr);
        if (r >= 0 && b->like.given)
                r = ingot_json_add_hex(m, "like_sha256", b->like.sha256, INGOT_SHA256_SIZE, reterr);
        return r;
}

int ingot_manifest_packages(struct json_object *o, const char *key, const struct ingot_lock *lock,
                            ingot_error *reterr)
{
        struct json_object *list, *one;
        int r = ingot_json_add_array(o, key, &list, reterr);
        for (size_t i = 0; r >= 0 && i < lock->count; i++) {
                const struct ingot_locked_package *p = lock->packages + i;
                r = ingot_json_add_object(list, NULL, &one, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "name", p->name, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "version", p->version, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "architecture", p->architecture, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(one, "size", p->size, reterr);
                if (r >= 0)
                        r = ingot_json_add_hex(one, "sha256", p->sha256, INGOT_SHA256_SIZE, reterr);
        }
        return r;
}

int ingot_manifest_artifacts(struct json_object *o, const char *key,
                             const struct ingot_artifact *artifacts, size_t count,
                             ingot_error *reterr)
{
        struct json_object *list, *one;
        int r = ingot_json_add_array(o, key, &list, reterr);
        for (size_t i = 0; r >= 0 && i < count; i++) {
                r = ingot_json_add_object(list, NULL, &one, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "name", artifacts[i].name, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(one, "size", artifacts[i].size, reterr);
                if (r >= 0)
                        r = ingot_json_add_hex(one, "sha256", artifacts[i].sha256,
                                               INGOT_SHA256_SIZE, reterr);
        }
        return r;
}

static int add_packages(const struct ingot_build *b, struct json_object *m, ingot_error *reterr)
{
        return ingot_manifest_packages(m, "packages", &b->lock, reterr);
}

/* The artifact that has the content of this partition, or NULL. */
static const struct ingot_artifact *partition_artifact(const struct ingot_build *b,
                                                       const struct ingot_gpt_partition *p)
{
        char uuid[INGOT_UUID_TEXT_SIZE];
        ingot_uuid_format(&p->uuid, uuid);
        for (size_t i = 0; i < b->result.artifact_count; i++)
                if (strstr(b->result.artifacts[i].name, uuid))
                        return b->result.artifacts + i;
        return NULL;
}

static int add_partition(const struct ingot_build *b, const struct ingot_gpt_partition *p,
                         struct json_object *o, ingot_error *reterr)
{
        const struct ingot_partition_type *type = ingot_partition_type_by_uuid(&p->type);
        const struct ingot_artifact *a = partition_artifact(b, p);
        int r = ingot_json_add_u64(o, "number", p->number, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "type", type ? type->name : "", reterr);
        if (r >= 0)
                r = ingot_json_add_uuid(o, "type_uuid", &p->type, reterr);
        if (r >= 0)
                r = ingot_json_add_uuid(o, "uuid", &p->uuid, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "label", p->name, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "offset", ingot_gpt_offset(&b->gpt, p), reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "size", ingot_gpt_size(&b->gpt, p), reterr);
        if (r < 0 || !a)
                return r;
        r = ingot_json_add_u64(o, "data_size", a->size, reterr);
        if (r >= 0)
                r = ingot_json_add_hex(o, "data_sha256", a->sha256, INGOT_SHA256_SIZE, reterr);
        return r < 0 ? r : ingot_json_add_text(o, "artifact", a->name, reterr);
}

static int add_partitions(const struct ingot_build *b, struct json_object *m, ingot_error *reterr)
{
        struct json_object *list, *one;
        int r = ingot_json_add_uuid(m, "disk_uuid", &b->gpt.disk_uuid, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(m, "sector_size", b->gpt.sector_size, reterr);
        if (r >= 0)
                r = ingot_json_add_array(m, "partitions", &list, reterr);
        for (size_t i = 0; r >= 0 && i < b->gpt.partition_count; i++) {
                r = ingot_json_add_object(list, NULL, &one, reterr);
                if (r >= 0)
                        r = add_partition(b, b->gpt.partitions + i, one, reterr);
        }
        return r;
}

static int add_verity(const struct ingot_build *b, struct json_object *m, ingot_error *reterr)
{
        struct json_object *o;
        int r = ingot_json_add_object(m, "verity", &o, reterr);
        if (r >= 0)
                r = ingot_json_add_hex(o, "root_hash", b->root_hash, INGOT_SHA256_SIZE, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "algorithm", "sha256", reterr);
        if (r >= 0)
                r = ingot_json_add_hex(o, "salt", b->verity.salt, b->verity.salt_size, reterr);
        if (r >= 0)
                r = ingot_json_add_uuid(o, "uuid", &b->verity.uuid, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "data_block_size", b->verity.data_block_size, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "hash_block_size", b->verity.hash_block_size, reterr);
        return r < 0 ? r : ingot_json_add_u64(o, "data_blocks", b->verity.data_blocks, reterr);
}

static int add_extents(const struct ingot_build *b, struct json_object *o, ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_add_array(o, "extents", &list, reterr);
        for (size_t i = 0; r >= 0 && i < b->uki_extents.count; i++)
                r = ingot_json_add_hex(list, NULL, b->uki_extents.digests + i * INGOT_SHA256_SIZE,
                                       INGOT_SHA256_SIZE, reterr);
        return r;
}

static int add_profiles(const struct ingot_build *b, struct json_object *o, ingot_error *reterr)
{
        struct json_object *list, *one;
        int r = b->profiles.count > 0 ? ingot_json_add_array(o, "profiles", &list, reterr) : 0;
        for (size_t i = 0; r >= 0 && i < b->profiles.count; i++) {
                const struct ingot_profile *p = b->profiles.items + i;
                _cleanup_free_ char *line = NULL;
                r = ingot_build_profile_line(b->command_line, p, &line, reterr);
                if (r >= 0)
                        r = ingot_json_add_object(list, NULL, &one, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "id", p->id, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "title", p->title, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "command_line", line, reterr);
        }
        return r;
}

static int add_uki(const struct ingot_build *b, struct json_object *m, ingot_error *reterr)
{
        struct json_object *o;
        int r = ingot_json_add_object(m, "uki", &o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "artifact", b->uki.name, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "size", b->uki_extents.size, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "command_line", b->command_line, reterr);
        if (r >= 0)
                r = add_profiles(b, o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "kernel", b->kernel.version, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "stub", b->stub_info, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "extent_size", INGOT_UKI_EXTENT, reterr);
        return r < 0 ? r : add_extents(b, o, reterr);
}

static int add_artifacts(const struct ingot_build *b, struct json_object *m, ingot_error *reterr)
{
        return ingot_manifest_artifacts(m, "artifacts", b->result.artifacts,
                                        b->result.artifact_count, reterr);
}

int ingot_build_manifest(const struct ingot_build *b, struct ingot_buffer *ret, ingot_error *reterr)
{
        static int (*const parts[])(const struct ingot_build *, struct json_object *,
                                    ingot_error *) = {add_header, add_packages, add_partitions,
                                                      add_verity, add_uki,      add_artifacts};
        _cleanup_json_ struct json_object *m = NULL;
        const char *text;
        int r = ingot_json_new_object(&m, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(parts); i++)
                r = parts[i](b, m, reterr);
        if (r >= 0)
                r = ingot_json_text(m, true, &text, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "%s\n", text);
}
