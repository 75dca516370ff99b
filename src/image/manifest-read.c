/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manifest as a struct. Each member is demanded by its row of a table. */
#include "image/manifest-read.h"
#include "base/cleanup.h"
#include "base/json-read.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAX 4096

enum kind { TEXT, NAME, NUMBER, DIGEST, UUID };

/* A member and the place of its value. */
struct row {
        const char *key;
        enum kind kind;
        size_t offset;
};

void ingot_manifest_done(struct ingot_manifest *m)
{
        for (size_t i = 0; i < m->partition_count; i++) {
                free(m->partitions[i].label);
                free(m->partitions[i].artifact);
        }
        for (size_t i = 0; i < m->artifact_count; i++)
                free(m->artifacts[i].name);
        free(m->partitions);
        free(m->artifacts);
        free(m->name);
        free(m->version);
        free(m->architecture);
        free(m->extents);
        free(m->uki);
        free(m->command_line);
        *m = (struct ingot_manifest){0};
}

static bool is_file_name(const char *text)
{
        return *text && !strchr(text, '/') && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static bool get_number(struct json_object *o, uint64_t *ret)
{
        if (!json_object_is_type(o, json_type_int) || json_object_get_int64(o) < 0)
                return false;
        *ret = json_object_get_uint64(o);
        return true;
}

/* Lower-case digits only: there is one way to write a digest. */
static bool get_digest(const char *text, uint8_t *ret)
{
        return strspn(text, "0123456789abcdef") == 2 * INGOT_SHA256_SIZE &&
               ingot_unhex(ret, INGOT_SHA256_SIZE, text);
}

static int get(struct json_object *o, const struct row *row, void *base, ingot_error *reterr)
{
        struct json_object *member;
        void *to = (char *) base + row->offset;
        bool ok = json_object_object_get_ex(o, row->key, &member);
        const char *text = ok && json_object_is_type(member, json_type_string)
                                   ? json_object_get_string(member)
                                   : NULL;
        if (row->kind == NUMBER)
                ok = ok && get_number(member, to);
        else
                ok = text && strlen(text) == (size_t) json_object_get_string_len(member);
        if (ok && row->kind == NAME)
                ok = is_file_name(text);
        else if (ok && row->kind == DIGEST)
                ok = get_digest(text, to);
        else if (ok && row->kind == UUID)
                ok = ingot_uuid_parse(text, to);
        if (!ok)
                return ingot_fail(reterr, INGOT_E_FORMAT, "manifest: \"%s\" is missing, or is none",
                                  row->key);
        return row->kind == TEXT || row->kind == NAME ? ingot_strdup(to, text, reterr) : 0;
}

static int get_all(struct json_object *o, const struct row *rows, size_t count, void *base,
                   ingot_error *reterr)
{
        int r = json_object_is_type(o, json_type_object)
                        ? 0
                        : ingot_fail(reterr, INGOT_E_FORMAT, "manifest: no object");
        for (size_t i = 0; i < count && r >= 0; i++)
                r = get(o, rows + i, base, reterr);
        return r;
}

/* A list's items, each of SIZE bytes of zeros to begin with. */
static int get_list(struct json_object *o, const char *key, size_t size, void *ret_items,
                    struct json_object **ret, size_t *ret_count, ingot_error *reterr)
{
        if (!json_object_object_get_ex(o, key, ret) || !json_object_is_type(*ret, json_type_array))
                return ingot_fail(reterr, INGOT_E_FORMAT, "manifest: no list \"%s\"", key);
        *ret_count = json_object_array_length(*ret);
        if (*ret_count > LIST_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "manifest: %zu of \"%s\"", *ret_count,
                                  key);
        void *items = calloc(*ret_count + 1, size);
        if (!items)
                return ingot_fail_nomem(reterr);
        *(void **) ret_items = items;
        return 0;
}

static int get_partition(struct json_object *o, struct ingot_manifest_partition *p,
                         ingot_error *reterr)
{
        static const struct row rows[] = {
                {"number", NUMBER, offsetof(struct ingot_manifest_partition, number)},
                {"type_uuid", UUID, offsetof(struct ingot_manifest_partition, type)},
                {"uuid", UUID, offsetof(struct ingot_manifest_partition, uuid)},
                {"label", TEXT, offsetof(struct ingot_manifest_partition, label)},
                {"offset", NUMBER, offsetof(struct ingot_manifest_partition, offset)},
                {"size", NUMBER, offsetof(struct ingot_manifest_partition, size)},
        };
        static const struct row data[] = {
                {"data_size", NUMBER, offsetof(struct ingot_manifest_partition, data_size)},
                {"data_sha256", DIGEST, offsetof(struct ingot_manifest_partition, data_sha256)},
                {"artifact", NAME, offsetof(struct ingot_manifest_partition, artifact)},
        };
        int r = get_all(o, rows, ARRAY_SIZE(rows), p, reterr);
        for (size_t i = 0; i < ARRAY_SIZE(data) && r >= 0; i++)
                p->has_data = p->has_data || json_object_object_get_ex(o, data[i].key, NULL);
        return r < 0 || !p->has_data ? r : get_all(o, data, ARRAY_SIZE(data), p, reterr);
}

static int get_lists(struct json_object *o, struct ingot_manifest *m, ingot_error *reterr)
{
        static const struct row artifact[] = {
                {"name", NAME, offsetof(struct ingot_manifest_artifact, name)},
                {"size", NUMBER, offsetof(struct ingot_manifest_artifact, size)},
                {"sha256", DIGEST, offsetof(struct ingot_manifest_artifact, sha256)},
        };
        struct json_object *list;
        int r = get_list(o, "partitions", sizeof(*m->partitions), &m->partitions, &list,
                         &m->partition_count, reterr);
        for (size_t i = 0; r >= 0 && i < m->partition_count; i++)
                r = get_partition(json_object_array_get_idx(list, i), m->partitions + i, reterr);
        if (r >= 0)
                r = get_list(o, "artifacts", sizeof(*m->artifacts), &m->artifacts, &list,
                             &m->artifact_count, reterr);
        for (size_t i = 0; r >= 0 && i < m->artifact_count; i++)
                r = get_all(json_object_array_get_idx(list, i), artifact, ARRAY_SIZE(artifact),
                            m->artifacts + i, reterr);
        return r;
}

static int get_verity(struct json_object *o, struct ingot_manifest *m, ingot_error *reterr)
{
        struct numbers {
                uint64_t data_block_size, hash_block_size;
                char *salt;
        } n = {0};
        static const struct row rows[] = {
                {"data_block_size", NUMBER, offsetof(struct numbers, data_block_size)},
                {"hash_block_size", NUMBER, offsetof(struct numbers, hash_block_size)},
                {"salt", TEXT, offsetof(struct numbers, salt)},
        };
        static const struct row verity[] = {
                {"root_hash", DIGEST, offsetof(struct ingot_manifest, root_hash)},
                {"uuid", UUID, offsetof(struct ingot_manifest, verity.uuid)},
                {"data_blocks", NUMBER, offsetof(struct ingot_manifest, verity.data_blocks)},
        };
        int r = get_all(o, verity, ARRAY_SIZE(verity), m, reterr);
        if (r >= 0)
                r = get_all(o, rows, ARRAY_SIZE(rows), &n, reterr);
        _cleanup_free_ char *salt = n.salt;
        if (r < 0)
                return r;
        size_t size = strlen(salt) / 2;
        if (n.data_block_size > UINT32_MAX || n.hash_block_size > UINT32_MAX ||
            size > sizeof(m->verity.salt) || !ingot_unhex(m->verity.salt, size, salt))
                return ingot_fail(reterr, INGOT_E_FORMAT, "manifest: \"verity\" is none");
        m->verity.data_block_size = (uint32_t) n.data_block_size;
        m->verity.hash_block_size = (uint32_t) n.hash_block_size;
        m->verity.salt_size = (uint16_t) size;
        return 0;
}

static int get_uki(struct json_object *o, struct ingot_manifest *m, ingot_error *reterr)
{
        static const struct row rows[] = {
                {"artifact", NAME, offsetof(struct ingot_manifest, uki)},
                {"size", NUMBER, offsetof(struct ingot_manifest, uki_size)},
                {"command_line", TEXT, offsetof(struct ingot_manifest, command_line)},
                {"extent_size", NUMBER, offsetof(struct ingot_manifest, extent_size)},
        };
        struct json_object *list;
        int r = get_all(o, rows, ARRAY_SIZE(rows), m, reterr);
        if (r >= 0)
                r = get_list(o, "extents", INGOT_SHA256_SIZE, &m->extents, &list, &m->extent_count,
                             reterr);
        for (size_t i = 0; r >= 0 && i < m->extent_count; i++) {
                struct json_object *item = json_object_array_get_idx(list, i);
                if (!json_object_is_type(item, json_type_string) ||
                    !get_digest(json_object_get_string(item), m->extents + i * INGOT_SHA256_SIZE))
                        r = ingot_fail(reterr, INGOT_E_FORMAT,
                                       "manifest: \"extents\" has what is no digest");
        }
        return r;
}

static int get_parts(struct json_object *o, struct ingot_manifest *m, ingot_error *reterr)
{
        static const struct row header[] = {
                {"name", TEXT, offsetof(struct ingot_manifest, name)},
                {"version", TEXT, offsetof(struct ingot_manifest, version)},
                {"architecture", TEXT, offsetof(struct ingot_manifest, architecture)},
                {"timestamp", NUMBER, offsetof(struct ingot_manifest, timestamp)},
                {"disk_uuid", UUID, offsetof(struct ingot_manifest, disk_uuid)},
        };
        struct json_object *member = NULL;
        uint64_t format = 0;
        if (!json_object_object_get_ex(o, "format", &member) || !get_number(member, &format) ||
            format != 1)
                return ingot_fail(reterr, INGOT_E_FORMAT, "manifest: its format is not 1");
        int r = get_all(o, header, ARRAY_SIZE(header), m, reterr);
        if (r >= 0)
                r = get_lists(o, m, reterr);
        member = NULL;
        json_object_object_get_ex(o, "verity", &member);
        if (r >= 0)
                r = get_verity(member, m, reterr);
        member = NULL;
        json_object_object_get_ex(o, "uki", &member);
        return r < 0 ? r : get_uki(member, m, reterr);
}

int ingot_manifest_decode(struct ingot_span text, struct ingot_manifest *ret, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_manifest_ struct ingot_manifest m = {0};
        if (text.size > INGOT_MANIFEST_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "manifest of more than %zu MiB",
                                  INGOT_MANIFEST_SIZE_MAX >> 20);
        int r = ingot_json_parse(text, INGOT_MANIFEST_SIZE_MAX, &o, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "manifest");
        if (!json_object_is_type(o, json_type_object))
                return ingot_fail(reterr, INGOT_E_FORMAT, "manifest: no JSON object");
        r = get_parts(o, &m, reterr);
        if (r < 0)
                return r;
        *ret = m;
        m = (struct ingot_manifest){0};
        return 0;
}
