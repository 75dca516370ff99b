/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manifest of a build as JSON: docs/formats/manifest.md. Nothing of this host is in it. */
#include "base/cleanup.h"
#include "base/size.h"
#include "format/partition-type.h"
#include "image/build-state.h"

#include <json.h>
#include <stdlib.h>
#include <string.h>

#define EXTENT ((size_t) 1 << 20)

static void put_p(json_object **o)
{
        json_object_put(*o);
}
#define _cleanup_json_ _cleanup_(put_p)

/* Adds VALUE, which is taken over also when this fails; NULL stands for a lack of memory. */
static int add(json_object *object, const char *key, json_object *value, ingot_error *reterr)
{
        if (!value || json_object_object_add(object, key, value) < 0) {
                json_object_put(value);
                return ingot_fail_nomem(reterr);
        }
        return 0;
}

static int append(json_object *array, json_object *value, ingot_error *reterr)
{
        if (!value || json_object_array_add(array, value) < 0) {
                json_object_put(value);
                return ingot_fail_nomem(reterr);
        }
        return 0;
}

static int add_text(json_object *o, const char *key, const char *text, ingot_error *reterr)
{
        return add(o, key, json_object_new_string(text ? text : ""), reterr);
}

static int add_number(json_object *o, const char *key, uint64_t number, ingot_error *reterr)
{
        return add(o, key, json_object_new_uint64(number), reterr);
}

static int add_hex(json_object *o, const char *key, const uint8_t *data, size_t size,
                   ingot_error *reterr)
{
        _cleanup_free_ char *hex = malloc(2 * size + 1);
        if (!hex)
                return ingot_fail_nomem(reterr);
        ingot_hex(hex, data, size);
        return add_text(o, key, hex, reterr);
}

static int add_uuid(json_object *o, const char *key, const struct ingot_uuid *u,
                    ingot_error *reterr)
{
        char text[INGOT_UUID_TEXT_SIZE];
        ingot_uuid_format(u, text);
        return add_text(o, key, text, reterr);
}

static int add_header(const struct ingot_build *b, json_object *m, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        uint8_t digest[INGOT_SHA256_SIZE];
        int r = ingot_recipe_print(b->recipe, false, &text, reterr);
        if (r < 0)
                return r;
        ingot_sha256_of(text.data, text.size, digest);
        r = add_number(m, "format", 1, reterr);
        if (r >= 0)
                r = add_text(m, "generator", "ingot " INGOT_VERSION, reterr);
        if (r >= 0)
                r = add_text(m, "name", b->name, reterr);
        if (r >= 0)
                r = add_text(m, "version", b->version, reterr);
        if (r >= 0)
                r = add_text(m, "architecture", b->architecture, reterr);
        if (r >= 0)
                r = add_number(m, "timestamp", (uint64_t) b->timestamp, reterr);
        if (r >= 0)
                r = add_uuid(m, "seed", &b->seed, reterr);
        return r < 0 ? r : add_hex(m, "recipe_sha256", digest, sizeof(digest), reterr);
}

static int add_packages(const struct ingot_build *b, json_object *m, ingot_error *reterr)
{
        json_object *list = json_object_new_array();
        int r = add(m, "packages", list, reterr);
        for (size_t i = 0; r >= 0 && i < b->lock.count; i++) {
                const struct ingot_locked_package *p = b->lock.packages + i;
                json_object *o = json_object_new_object();
                r = append(list, o, reterr);
                if (r >= 0)
                        r = add_text(o, "name", p->name, reterr);
                if (r >= 0)
                        r = add_text(o, "version", p->version, reterr);
                if (r >= 0)
                        r = add_text(o, "architecture", p->architecture, reterr);
                if (r >= 0)
                        r = add_number(o, "size", p->size, reterr);
                if (r >= 0)
                        r = add_hex(o, "sha256", p->sha256, INGOT_SHA256_SIZE, reterr);
        }
        return r;
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
                         json_object *o, ingot_error *reterr)
{
        const struct ingot_partition_type *type = ingot_partition_type_by_uuid(&p->type);
        const struct ingot_artifact *a = partition_artifact(b, p);
        int r = add_number(o, "number", p->number, reterr);
        if (r >= 0)
                r = add_text(o, "type", type ? type->name : "", reterr);
        if (r >= 0)
                r = add_uuid(o, "type_uuid", &p->type, reterr);
        if (r >= 0)
                r = add_uuid(o, "uuid", &p->uuid, reterr);
        if (r >= 0)
                r = add_text(o, "label", p->name, reterr);
        if (r >= 0)
                r = add_number(o, "offset", ingot_gpt_offset(&b->gpt, p), reterr);
        if (r >= 0)
                r = add_number(o, "size", ingot_gpt_size(&b->gpt, p), reterr);
        if (r < 0 || !a)
                return r;
        r = add_number(o, "data_size", a->size, reterr);
        if (r >= 0)
                r = add_hex(o, "data_sha256", a->sha256, INGOT_SHA256_SIZE, reterr);
        return r < 0 ? r : add_text(o, "artifact", a->name, reterr);
}

static int add_partitions(const struct ingot_build *b, json_object *m, ingot_error *reterr)
{
        json_object *list = json_object_new_array();
        int r = add_uuid(m, "disk_uuid", &b->gpt.disk_uuid, reterr);
        if (r >= 0)
                r = add_number(m, "sector_size", b->gpt.sector_size, reterr);
        if (r < 0) {
                json_object_put(list);
                return r;
        }
        r = add(m, "partitions", list, reterr);
        for (size_t i = 0; r >= 0 && i < b->gpt.partition_count; i++) {
                json_object *o = json_object_new_object();
                r = append(list, o, reterr);
                if (r >= 0)
                        r = add_partition(b, b->gpt.partitions + i, o, reterr);
        }
        return r;
}

static int add_verity(const struct ingot_build *b, json_object *m, ingot_error *reterr)
{
        json_object *o = json_object_new_object();
        int r = add(m, "verity", o, reterr);
        if (r >= 0)
                r = add_hex(o, "root_hash", b->root_hash, INGOT_SHA256_SIZE, reterr);
        if (r >= 0)
                r = add_text(o, "algorithm", "sha256", reterr);
        if (r >= 0)
                r = add_hex(o, "salt", b->verity.salt, b->verity.salt_size, reterr);
        if (r >= 0)
                r = add_uuid(o, "uuid", &b->verity.uuid, reterr);
        if (r >= 0)
                r = add_number(o, "data_block_size", b->verity.data_block_size, reterr);
        if (r >= 0)
                r = add_number(o, "hash_block_size", b->verity.hash_block_size, reterr);
        return r < 0 ? r : add_number(o, "data_blocks", b->verity.data_blocks, reterr);
}

/* SHA-256 of every mebibyte of the UKI, so that an updater fetches only what changed. */
static int add_extents(const struct ingot_build *b, json_object *o, ingot_error *reterr)
{
        json_object *list = json_object_new_array();
        _cleanup_free_ uint8_t *piece = malloc(EXTENT);
        int r = add(o, "extents", list, reterr);
        if (r >= 0 && !piece)
                return ingot_fail_nomem(reterr);
        for (uint64_t at = 0; r >= 0 && at < b->uki_size; at += EXTENT) {
                size_t n = (size_t) ingot_min_u64(EXTENT, b->uki_size - at);
                uint8_t digest[INGOT_SHA256_SIZE];
                char hex[2 * INGOT_SHA256_SIZE + 1];
                r = ingot_file_pread(b->uki.fd, at, piece, n, reterr);
                if (r < 0)
                        break;
                ingot_sha256_of(piece, n, digest);
                ingot_hex(hex, digest, INGOT_SHA256_SIZE);
                r = append(list, json_object_new_string(hex), reterr);
        }
        return r;
}

static int add_uki(const struct ingot_build *b, json_object *m, ingot_error *reterr)
{
        json_object *o = json_object_new_object();
        int r = add(m, "uki", o, reterr);
        if (r >= 0)
                r = add_text(o, "artifact", b->uki.name, reterr);
        if (r >= 0)
                r = add_number(o, "size", b->uki_size, reterr);
        if (r >= 0)
                r = add_text(o, "command_line", b->command_line, reterr);
        if (r >= 0)
                r = add_text(o, "kernel", b->kernel.version, reterr);
        if (r >= 0)
                r = add_text(o, "stub", b->stub_info, reterr);
        if (r >= 0)
                r = add_number(o, "extent_size", EXTENT, reterr);
        return r < 0 ? r : add_extents(b, o, reterr);
}

static int add_artifacts(const struct ingot_build *b, json_object *m, ingot_error *reterr)
{
        json_object *list = json_object_new_array();
        int r = add(m, "artifacts", list, reterr);
        for (size_t i = 0; r >= 0 && i < b->result.artifact_count; i++) {
                const struct ingot_artifact *a = b->result.artifacts + i;
                json_object *o = json_object_new_object();
                r = append(list, o, reterr);
                if (r >= 0)
                        r = add_text(o, "name", a->name, reterr);
                if (r >= 0)
                        r = add_number(o, "size", a->size, reterr);
                if (r >= 0)
                        r = add_hex(o, "sha256", a->sha256, INGOT_SHA256_SIZE, reterr);
        }
        return r;
}

int ingot_build_manifest(const struct ingot_build *b, struct ingot_buffer *ret,
                         ingot_error *reterr)
{
        static int (*const parts[])(const struct ingot_build *, json_object *, ingot_error *) = {
                add_header, add_packages, add_partitions, add_verity, add_uki, add_artifacts};
        _cleanup_json_ json_object *m = json_object_new_object();
        if (!m)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                int r = parts[i](b, m, reterr);
                if (r < 0)
                        return r;
        }
        const char *text = json_object_to_json_string_ext(
                m, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                           JSON_C_TO_STRING_NOSLASHESCAPE);
        return text ? ingot_buffer_printf(ret, reterr, "%s\n", text) : ingot_fail_nomem(reterr);
}
