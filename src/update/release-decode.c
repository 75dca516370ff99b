/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The payload of a release file, read (docs/formats/release.md). */
#include "base/cleanup.h"
#include "base/json-read.h"
#include "base/text.h"
#include "update/release.h"

#include <stdlib.h>
#include <string.h>

#define FORMAT_NUMBER 1
#define EXTENTS_MAX ((size_t) 1 << 20)

static int take_text(struct json_object *o, const char *key, bool must, char **ret,
                     ingot_error *reterr)
{
        const char *text;
        int r = must ? ingot_json_get_text(o, key, &text, reterr)
                     : ingot_json_want_text(o, key, &text, reterr);
        return r < 0 || !text ? r : ingot_strdup(ret, text, reterr);
}

static int get_u32(struct json_object *o, const char *key, uint32_t *ret, ingot_error *reterr)
{
        uint64_t value;
        int r = ingot_json_get_u64(o, key, &value, reterr);
        if (r >= 0 && value > UINT32_MAX)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "'%s' has more than 32 bits", key);
        if (r >= 0)
                *ret = (uint32_t) value;
        return r;
}

static int take_file(struct json_object *file, struct ingot_release_file *ret, ingot_error *reterr)
{
        int r = take_text(file, "name", true, &ret->name, reterr);
        if (r >= 0)
                r = ingot_json_get_u64(file, "size", &ret->size, reterr);
        return r < 0 ? r
                     : ingot_json_get_hex(file, "sha256", ret->sha256, sizeof(ret->sha256), reterr);
}

/* Of a member. */
static int decode_file(struct json_object *o, const char *key, bool must,
                       struct ingot_release_file *ret, ingot_error *reterr)
{
        struct json_object *file = NULL;
        if (!must && !json_object_object_get(o, key))
                return 0;
        int r = ingot_json_get_object(o, key, &file, reterr);
        return ingot_under(reterr, r < 0 ? r : take_file(file, ret, reterr), "%s", key);
}

static int decode_signatures(struct json_object *o, struct ingot_release *r, ingot_error *reterr)
{
        struct json_object *measurement = json_object_object_get(o, "measurement"), *list;
        if (!measurement || !json_object_object_get(measurement, "signatures"))
                return 0;
        int e = ingot_json_get_array(measurement, "signatures", INGOT_RELEASE_SIGNATURES_MAX, &list,
                                     reterr);
        if (e < 0)
                return e;
        size_t count = json_object_array_length(list);
        r->measurement_signatures = calloc(count + 1, sizeof(*r->measurement_signatures));
        if (!r->measurement_signatures)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; e >= 0 && i < count; i++) {
                struct json_object *item = json_object_array_get_idx(list, i);
                r->measurement_signature_count++;
                e = json_object_is_type(item, json_type_object)
                            ? take_file(item, r->measurement_signatures + i, reterr)
                            : ingot_fail(reterr, INGOT_E_FORMAT, "it is no object");
                if (e < 0)
                        return ingot_under(reterr, e, "signature %zu", i + 1);
        }
        return 0;
}

static int decode_verity(struct json_object *o, struct ingot_verity *v, ingot_error *reterr)
{
        struct json_object *m;
        const char *uuid, *salt;
        int r = ingot_json_get_object(o, "verity", &m, reterr);
        if (r >= 0)
                r = ingot_json_get_text(m, "uuid", &uuid, reterr);
        if (r >= 0 && !ingot_uuid_parse(uuid, &v->uuid))
                r = ingot_fail(reterr, INGOT_E_FORMAT, "'uuid' is none");
        if (r >= 0)
                r = ingot_json_get_text(m, "salt", &salt, reterr);
        if (r < 0)
                return r;
        size_t size = strlen(salt) / 2;
        if (size > sizeof(v->salt) || !ingot_unhex(v->salt, size, salt))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'salt' is not hexadecimal, or too long");
        v->salt_size = (uint16_t) size;
        r = get_u32(m, "data_block_size", &v->data_block_size, reterr);
        if (r >= 0)
                r = get_u32(m, "hash_block_size", &v->hash_block_size, reterr);
        return r < 0 ? r : ingot_json_get_u64(m, "data_blocks", &v->data_blocks, reterr);
}

static int decode_extents(struct json_object *o, struct ingot_release *r, ingot_error *reterr)
{
        struct json_object *uki, *list;
        int e = ingot_json_get_object(o, "uki", &uki, reterr);
        if (e >= 0)
                e = get_u32(uki, "extent_size", &r->extent_size, reterr);
        if (e >= 0)
                e = ingot_json_get_array(uki, "extents", EXTENTS_MAX, &list, reterr);
        if (e < 0)
                return e;
        size_t count = json_object_array_length(list);
        r->extents = calloc(count + 1, INGOT_SHA256_SIZE);
        if (!r->extents)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < count; i++) {
                struct json_object *item = json_object_array_get_idx(list, i);
                if (!json_object_is_type(item, json_type_string) ||
                    !ingot_unhex(r->extents + i * INGOT_SHA256_SIZE, INGOT_SHA256_SIZE,
                                 json_object_get_string(item)))
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "item %zu of 'extents' is not 64 hexadecimal digits",
                                          i + 1);
        }
        r->extent_count = count;
        return 0;
}

static int decode_extension(struct json_object *o, struct ingot_release_extension *x,
                            ingot_error *reterr)
{
        const char *kind;
        int r = ingot_json_get_text(o, "kind", &kind, reterr);
        if (r >= 0 && !ingot_extension_kind_parse(kind, &x->kind))
                r = ingot_fail(reterr, INGOT_E_FORMAT, "'kind' is '%s', neither sysext nor confext",
                               kind);
        if (r >= 0)
                r = take_text(o, "name", true, &x->name, reterr);
        if (r >= 0)
                r = take_text(o, "version", false, &x->version, reterr);
        return r < 0 ? r : decode_file(o, "file", true, &x->file, reterr);
}

static int decode_extensions(struct json_object *o, struct ingot_release *r, ingot_error *reterr)
{
        struct json_object *list;
        if (!json_object_object_get(o, "extensions"))
                return 0;
        int e = ingot_json_get_array(o, "extensions", INGOT_RELEASE_EXTENSIONS_MAX, &list, reterr);
        if (e < 0)
                return e;
        size_t count = json_object_array_length(list);
        r->extensions = calloc(count + 1, sizeof(*r->extensions));
        if (!r->extensions)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < count; i++) {
                r->extension_count++;
                e = decode_extension(json_object_array_get_idx(list, i), r->extensions + i, reterr);
                if (e < 0)
                        return ingot_under(reterr, e, "extension %zu", i + 1);
        }
        return 0;
}

static int decode_release(struct json_object *o, struct ingot_release *r, ingot_error *reterr)
{
        uint32_t rollout;
        int e = take_text(o, "version", true, &r->version, reterr);
        if (e >= 0)
                e = take_text(o, "notes", false, &r->notes, reterr);
        if (e >= 0)
                e = take_text(o, "os_release", false, &r->os_release, reterr);
        if (e >= 0)
                e = get_u32(o, "rollout", &rollout, reterr);
        if (e >= 0) {
                r->rollout = rollout;
                e = ingot_json_get_hex(o, "root_hash", r->root_hash, sizeof(r->root_hash), reterr);
        }
        if (e >= 0)
                e = ingot_under(reterr, decode_verity(o, &r->verity, reterr), "verity");
        if (e >= 0)
                e = decode_file(o, "root", true, &r->root, reterr);
        if (e >= 0)
                e = decode_file(o, "tree", true, &r->tree, reterr);
        if (e >= 0)
                e = decode_file(o, "signature", false, &r->signature, reterr);
        if (e >= 0)
                e = decode_file(o, "uki", true, &r->uki, reterr);
        if (e >= 0)
                e = ingot_under(reterr, decode_extents(o, r, reterr), "uki");
        if (e >= 0)
                e = decode_file(o, "manifest", true, &r->manifest, reterr);
        if (e >= 0)
                e = decode_file(o, "measurement", false, &r->measurement, reterr);
        if (e >= 0)
                e = ingot_under(reterr, decode_signatures(o, r, reterr), "measurement");
        return e < 0 ? e : decode_extensions(o, r, reterr);
}

static int decode_head(struct json_object *o, struct ingot_channel *c, ingot_error *reterr)
{
        int r = ingot_json_check_format(o, "ingot-channel", FORMAT_NUMBER, reterr);
        if (r >= 0)
                r = take_text(o, "name", true, &c->name, reterr);
        if (r >= 0)
                r = take_text(o, "channel", true, &c->channel, reterr);
        if (r >= 0)
                r = take_text(o, "architecture", true, &c->architecture, reterr);
        if (r >= 0)
                r = ingot_json_get_u64(o, "serial", &c->serial, reterr);
        if (r >= 0 && json_object_object_get(o, "expires"))
                r = ingot_json_get_u64(o, "expires", &c->expires, reterr);
        return r < 0 ? r : take_text(o, "minimum", false, &c->minimum, reterr);
}

static int decode_releases(struct json_object *o, struct ingot_channel *c, ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_get_array(o, "releases", INGOT_RELEASES_MAX, &list, reterr);
        if (r < 0)
                return r;
        size_t count = json_object_array_length(list);
        c->releases = calloc(count + 1, sizeof(*c->releases));
        if (!c->releases)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < count; i++) {
                c->release_count++;
                r = decode_release(json_object_array_get_idx(list, i), c->releases + i, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "release %zu", i + 1);
        }
        return 0;
}

int ingot_channel_decode(struct ingot_span payload, struct ingot_channel *ret, ingot_error *reterr)
{
        _cleanup_channel_ struct ingot_channel c = {0};
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_parse(payload, INGOT_RELEASE_SIZE_MAX, &o, reterr);
        if (r >= 0)
                r = decode_head(o, &c, reterr);
        if (r >= 0)
                r = decode_releases(o, &c, reterr);
        if (r >= 0)
                r = ingot_channel_check(&c, reterr);
        if (r < 0)
                return r;
        *ret = c;
        c = (struct ingot_channel){0};
        return 0;
}
