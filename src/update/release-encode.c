/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The payload of a release file, written (docs/formats/release.md). */
#include "base/cleanup.h"
#include "base/json.h"
#include "update/release.h"

#include <string.h>

static int fill_file(struct json_object *o, const struct ingot_release_file *f, ingot_error *reterr)
{
        int r = ingot_json_add_text(o, "name", f->name, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "size", f->size, reterr);
        return r < 0 ? r : ingot_json_add_hex(o, "sha256", f->sha256, sizeof(f->sha256), reterr);
}

static int add_verity(struct json_object *o, const struct ingot_verity *v, ingot_error *reterr)
{
        struct json_object *m;
        int r = ingot_json_add_object(o, "verity", &m, reterr);
        if (r >= 0)
                r = ingot_json_add_uuid(m, "uuid", &v->uuid, reterr);
        if (r >= 0)
                r = ingot_json_add_hex(m, "salt", v->salt, v->salt_size, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(m, "data_block_size", v->data_block_size, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(m, "hash_block_size", v->hash_block_size, reterr);
        return r < 0 ? r : ingot_json_add_u64(m, "data_blocks", v->data_blocks, reterr);
}

static int add_extents(struct json_object *o, const struct ingot_release *r, ingot_error *reterr)
{
        struct json_object *list;
        int e = ingot_json_add_u64(o, "extent_size", r->extent_size, reterr);
        if (e >= 0)
                e = ingot_json_add_array(o, "extents", &list, reterr);
        for (size_t i = 0; e >= 0 && i < r->extent_count; i++)
                e = ingot_json_add_hex(list, NULL, r->extents + i * INGOT_SHA256_SIZE,
                                       INGOT_SHA256_SIZE, reterr);
        return e;
}

static int add_signatures(struct json_object *o, const struct ingot_release *r, ingot_error *reterr)
{
        struct json_object *list, *file;
        int e = r->measurement_signature_count > 0
                        ? ingot_json_add_array(o, "signatures", &list, reterr)
                        : 0;
        for (size_t i = 0; e >= 0 && i < r->measurement_signature_count; i++) {
                e = ingot_json_add_object(list, NULL, &file, reterr);
                if (e >= 0)
                        e = fill_file(file, r->measurement_signatures + i, reterr);
        }
        return e;
}

static int add_parts(struct json_object *o, const struct ingot_release *r, ingot_error *reterr)
{
        const struct ingot_release_file *f;
        const char *what;
        int e = 0;
        for (size_t i = 0; e >= 0 && (f = ingot_release_part(r, i, &what)); i++) {
                struct json_object *file;
                if (!f->name || i >= INGOT_RELEASE_PARTS)
                        continue;
                e = ingot_json_add_object(o, what, &file, reterr);
                if (e >= 0)
                        e = fill_file(file, f, reterr);
                if (e >= 0 && f == &r->uki)
                        e = add_extents(file, r, reterr);
                if (e >= 0 && f == &r->measurement)
                        e = add_signatures(file, r, reterr);
        }
        return e;
}

static int add_extensions(struct json_object *o, const struct ingot_release *r, ingot_error *reterr)
{
        struct json_object *list, *one, *file;
        int e = r->extension_count > 0 ? ingot_json_add_array(o, "extensions", &list, reterr) : 0;
        for (size_t i = 0; e >= 0 && i < r->extension_count; i++) {
                const struct ingot_release_extension *x = r->extensions + i;
                e = ingot_json_add_object(list, NULL, &one, reterr);
                if (e >= 0)
                        e = ingot_json_add_text(one, "kind", ingot_extension_kind_name(x->kind),
                                                reterr);
                if (e >= 0)
                        e = ingot_json_add_text(one, "name", x->name, reterr);
                if (e >= 0 && x->version)
                        e = ingot_json_add_text(one, "version", x->version, reterr);
                if (e >= 0)
                        e = ingot_json_add_object(one, "file", &file, reterr);
                if (e >= 0)
                        e = fill_file(file, &x->file, reterr);
        }
        return e;
}

static int add_release(struct json_object *list, const struct ingot_release *r, ingot_error *reterr)
{
        struct json_object *o;
        int e = ingot_json_add_object(list, NULL, &o, reterr);
        if (e >= 0)
                e = ingot_json_add_text(o, "version", r->version, reterr);
        if (e >= 0 && r->notes)
                e = ingot_json_add_text(o, "notes", r->notes, reterr);
        if (e >= 0 && r->os_release)
                e = ingot_json_add_text(o, "os_release", r->os_release, reterr);
        if (e >= 0)
                e = ingot_json_add_u64(o, "rollout", r->rollout, reterr);
        if (e >= 0)
                e = ingot_json_add_hex(o, "root_hash", r->root_hash, sizeof(r->root_hash), reterr);
        if (e >= 0)
                e = add_verity(o, &r->verity, reterr);
        if (e >= 0)
                e = add_parts(o, r, reterr);
        return e < 0 ? e : add_extensions(o, r, reterr);
}

static int add_head(struct json_object *o, const struct ingot_channel *c, ingot_error *reterr)
{
        int r = ingot_json_add_text(o, "type", "ingot-channel", reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "format", 1, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "name", c->name, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "channel", c->channel, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "architecture", c->architecture, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "serial", c->serial, reterr);
        if (r >= 0 && c->expires > 0)
                r = ingot_json_add_u64(o, "expires", c->expires, reterr);
        return r < 0 || !c->minimum ? r : ingot_json_add_text(o, "minimum", c->minimum, reterr);
}

int ingot_channel_json(const struct ingot_channel *c, struct json_object **ret, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = add_head(o, c, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "releases", &list, reterr);
        for (size_t i = 0; r >= 0 && i < c->release_count; i++)
                r = add_release(list, c->releases + i, reterr);
        if (r >= 0) {
                *ret = o;
                o = NULL;
        }
        return r;
}

int ingot_channel_encode(const struct ingot_channel *c, struct ingot_buffer *ret,
                         ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        const char *text;
        int r = ingot_channel_check(c, reterr);
        if (r >= 0)
                r = ingot_channel_json(c, &o, reterr);
        if (r >= 0)
                r = ingot_json_text(o, true, &text, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "%s\n", text);
}
