/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a release file offers, and what publishing did: for people, and as JSON. */
#include "cli/release-show.h"
#include "base/cleanup.h"
#include "cli/print.h"
#include "cli/table.h"
#include "trust/verdict.h"

#include <inttypes.h>
#include <stdio.h>

static void size_of(const struct ingot_release_file *f, char ret[16])
{
        ret[0] = '-';
        ret[1] = 0;
        if (f->name)
                ingot_human_size(ret, f->size);
}

/* Bytes of the UKI's extents that the release before has not. */
static uint64_t new_in_uki(const struct ingot_release *r, const struct ingot_release *before)
{
        uint64_t size = 0;
        for (size_t i = 0; i < r->extent_count; i++) {
                const uint8_t *digest = r->extents + i * INGOT_SHA256_SIZE;
                uint64_t at = (uint64_t) i * r->extent_size, n = r->uki.size - at;
                bool there = false;
                for (size_t k = 0; k < before->extent_count && !there; k++)
                        there = before->extent_size == r->extent_size &&
                                memcmp(before->extents + k * INGOT_SHA256_SIZE, digest,
                                       INGOT_SHA256_SIZE) == 0;
                if (!there)
                        size += n < r->extent_size ? n : r->extent_size;
        }
        return size;
}

static int add_row(struct table *t, const struct ingot_release *r,
                   const struct ingot_release *before, ingot_error *reterr)
{
        char root[16], tree[16], uki[16], fresh[16] = "-", hex[2 * INGOT_SHA256_SIZE + 1];
        size_of(&r->root, root);
        size_of(&r->tree, tree);
        size_of(&r->uki, uki);
        if (before)
                ingot_human_size(fresh, new_in_uki(r, before));
        ingot_hex(hex, r->root_hash, sizeof(r->root_hash));
        int e = table_add(t, r->version, reterr);
        if (e >= 0)
                e = table_addf(t, reterr, "%u %%", r->rollout);
        if (e >= 0)
                e = table_add(t, root, reterr);
        if (e >= 0)
                e = table_add(t, tree, reterr);
        if (e >= 0)
                e = table_add(t, uki, reterr);
        if (e >= 0)
                e = table_add(t, fresh, reterr);
        return e < 0 ? e : table_add(t, hex, reterr);
}

static void print_extensions(const struct ingot_release *r)
{
        for (size_t i = 0; i < r->extension_count; i++) {
                const struct ingot_release_extension *x = r->extensions + i;
                char size[16];
                ingot_human_size(size, x->file.size);
                printf("%s: %s ", r->version, ingot_extension_kind_name(x->kind));
                print_text(stdout, x->name);
                if (x->version) {
                        printf(" ");
                        print_text(stdout, x->version);
                }
                printf(", %s\n", size);
        }
}

int release_print(const struct ingot_channel *c, ingot_error *reterr)
{
        static const struct table_column columns[] = {
                {.title = "VERSION"},
                {.title = "ROLL-OUT", .right = true},
                {.title = "ROOT", .right = true},
                {.title = "TREE", .right = true},
                {.title = "UKI", .right = true},
                {.title = "NEW IN IT", .right = true},
                {.title = "ROOT HASH", .shrink = true},
        };
        _cleanup_table_ struct table t = TABLE(columns);
        int r = 0;
        print_styled(stdout, STYLE_BOLD, c->name);
        printf(", %s, channel %s, serial %" PRIu64, c->architecture, c->channel, c->serial);
        if (c->expires > 0) {
                char time[32];
                ingot_time_text(c->expires, time);
                printf(", expires %s", time);
        }
        if (c->minimum)
                printf(", nothing older than %s", c->minimum);
        printf("\n\n");
        for (size_t i = 0; r >= 0 && i < c->release_count; i++)
                r = add_row(&t, c->releases + i,
                            i + 1 < c->release_count ? c->releases + i + 1 : NULL, reterr);
        if (r < 0)
                return r;
        table_print(&t, stdout);
        for (size_t i = 0; i < c->release_count; i++)
                print_extensions(c->releases + i);
        return 0;
}

static void print_names(const char *sign, const struct ingot_strings *names)
{
        for (size_t i = 0; i < names->count; i++) {
                printf("%s ", sign);
                print_text(stdout, names->items[i]);
                printf("\n");
        }
}

static void print_end(const struct ingot_publish_result *result, bool dry_run)
{
        if (!result->changed)
                printf("\nall of it is published already\n");
        else if (dry_run)
                printf("\nnothing was written: this is what would be offered\n");
        else if (result->published) {
                printf("\npublished\n");
                if (!result->openpgp)
                        print_warning("no OpenPGP key signed SHA256SUMS: systemd-sysupdate takes "
                                      "no other signature");
        } else {
                printf("\nnot published yet: signatures are missing\n  ingot sign answer --key "
                       "release=KEY ");
                print_text(stdout, result->request);
                printf("\n  ingot sign attach ");
                print_text(stdout, result->request);
                printf("\n");
        }
}

int release_show_result(const struct ingot_publish_result *result, bool dry_run,
                        ingot_error *reterr)
{
        print_names("+", &result->added);
        print_names("-", &result->removed);
        if (result->added.count + result->removed.count > 0)
                printf("\n");
        int r = release_print(&result->channel, reterr);
        if (r >= 0)
                print_end(result, dry_run);
        return r;
}

int release_result_json(const struct ingot_publish_result *result, bool dry_run,
                        ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL, *channel = NULL;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "changed", result->changed, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "dry_run", dry_run, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "published", result->published, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "request", result->request, reterr);
        if (r >= 0)
                r = json_add_texts(o, "added", &result->added, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "added_size", result->added_size, reterr);
        if (r >= 0)
                r = json_add_texts(o, "removed", &result->removed, reterr);
        if (r >= 0)
                r = ingot_channel_json(&result->channel, &channel, reterr);
        if (r >= 0)
                r = ingot_json_add(o, "offers", &channel, reterr);
        return r < 0 ? r : json_print(o, reterr);
}
