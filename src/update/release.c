/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A channel's release file in memory: its parts, its rules, and what a machine may take of it. */
#include "update/release.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"
#include "format/version.h"
#include "image/measurement-file.h"
#include "image/recipe.h"
#include "trust/verdict.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DATA_BLOCKS_MAX ((uint64_t) 1 << 32)
#define UKI_SIZE_MAX ((uint64_t) UINT32_MAX) /* it lies on a FAT file system */
#define EXTENT_SIZE_MIN 4096
#define EXTENT_SIZE_MAX ((uint32_t) 16 << 20)
#define SMALL_SIZE_MAX ((uint64_t) 64 << 20) /* of what is read whole: manifests */
#define SIGNATURE_SIZE_MAX ((uint64_t) 1 << 20)
#define NOTES_MAX ((size_t) 64 << 10)
#define TEXT_MAX 255

static void file_done(struct ingot_release_file *f)
{
        free(f->name);
}

void ingot_release_done(struct ingot_release *r)
{
        for (size_t i = 0; i < r->extension_count; i++) {
                free(r->extensions[i].name);
                free(r->extensions[i].version);
                file_done(&r->extensions[i].file);
        }
        free(r->extensions);
        free(r->extents);
        free(r->version);
        free(r->notes);
        free(r->os_release);
        file_done(&r->root);
        file_done(&r->tree);
        file_done(&r->signature);
        file_done(&r->uki);
        file_done(&r->manifest);
        file_done(&r->measurement);
        for (size_t i = 0; i < r->measurement_signature_count; i++)
                file_done(r->measurement_signatures + i);
        free(r->measurement_signatures);
        *r = (struct ingot_release){0};
}

void ingot_channel_done(struct ingot_channel *c)
{
        for (size_t i = 0; i < c->release_count; i++)
                ingot_release_done(c->releases + i);
        free(c->releases);
        free(c->name);
        free(c->channel);
        free(c->architecture);
        free(c->minimum);
        *c = (struct ingot_channel){0};
}

const struct ingot_release *ingot_channel_find(const struct ingot_channel *c, const char *version)
{
        for (size_t i = 0; i < c->release_count; i++)
                if (strcmp(c->releases[i].version, version) == 0)
                        return c->releases + i;
        return NULL;
}

const struct ingot_release_file *ingot_release_part(const struct ingot_release *r, size_t index,
                                                    const char **ret_what)
{
        const struct {
                const char *what;
                const struct ingot_release_file *file;
        } parts[INGOT_RELEASE_PARTS] = {
                {"root", &r->root}, {"tree", &r->tree},         {"signature", &r->signature},
                {"uki", &r->uki},   {"manifest", &r->manifest}, {"measurement", &r->measurement},
        };
        if (index >= INGOT_RELEASE_PARTS + r->measurement_signature_count)
                return NULL;
        if (index >= INGOT_RELEASE_PARTS) {
                if (ret_what)
                        *ret_what = "measurement";
                return r->measurement_signatures + (index - INGOT_RELEASE_PARTS);
        }
        if (ret_what)
                *ret_what = parts[index].what;
        return parts[index].file;
}

bool ingot_channel_name_valid(const char *channel)
{
        size_t n = strspn(channel, "abcdefghijklmnopqrstuvwxyz0123456789-");
        return n > 0 && n <= 24 && !channel[n] && channel[0] != '-';
}

int ingot_channel_file_name(const char *name, const char *channel, char **ret, ingot_error *reterr)
{
        return ingot_format(ret, reterr, "%s.%s" INGOT_RELEASE_SUFFIX, name, channel);
}

static bool is_plain(const char *text)
{
        size_t n = strlen(text);
        for (size_t i = 0; i < n; i++)
                if ((uint8_t) text[i] < 0x20 || text[i] == 0x7f || text[i] == '/')
                        return false;
        return n > 0 && n <= TEXT_MAX;
}

static int check_file(const struct ingot_release_file *f, uint64_t max, ingot_error *reterr)
{
        if (!is_plain(f->name) || f->name[0] == '.' || ingot_starts_with(f->name, "SHA256SUMS") ||
            ingot_starts_with(f->name, "BEST-BEFORE-") ||
            ingot_ends_with(f->name, INGOT_RELEASE_SUFFIX))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%.255s' cannot be a file's name here",
                                  f->name);
        if (f->size == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is empty", f->name);
        return f->size <= max ? 0
                              : ingot_fail(reterr, INGOT_E_LIMIT,
                                           "%s has more than %" PRIu64 " bytes", f->name, max);
}

static int check_signature_name(const struct ingot_release *r, const struct ingot_release_file *f,
                                ingot_error *reterr)
{
        bool openpgp;
        if (r->measurement.name && ingot_is_signature_name(f->name, r->measurement.name, &openpgp))
                return 0;
        return ingot_fail(reterr, INGOT_E_FORMAT, "'%.255s' is no name of a signature beside it",
                          f->name);
}

static int check_files(const struct ingot_release *r, ingot_error *reterr)
{
        const uint64_t max[INGOT_RELEASE_PARTS] = {UINT64_MAX,   UINT64_MAX,     SIGNATURE_SIZE_MAX,
                                                   UKI_SIZE_MAX, SMALL_SIZE_MAX, SMALL_SIZE_MAX};
        const struct ingot_release_file *f;
        const char *what;
        for (size_t i = 0; (f = ingot_release_part(r, i, &what)); i++) {
                int e = 0;
                if (f->name)
                        e = check_file(f, i < INGOT_RELEASE_PARTS ? max[i] : SIGNATURE_SIZE_MAX,
                                       reterr);
                else if (f != &r->signature && f != &r->measurement)
                        e = ingot_fail(reterr, INGOT_E_FORMAT, "there is none");
                if (e >= 0 && i >= INGOT_RELEASE_PARTS)
                        e = check_signature_name(r, f, reterr);
                if (e < 0)
                        return ingot_under(reterr, e, "%s", what);
        }
        return 0;
}

/* Sizes that follow from each other. */
static int check_sizes(const struct ingot_release *r, ingot_error *reterr)
{
        struct ingot_verity_geometry geometry;
        uint64_t size;
        if (r->verity.data_blocks > DATA_BLOCKS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "verity: more than 2^32 data blocks");
        int e = ingot_verity_geometry_of(&r->verity, &geometry, reterr);
        if (e < 0)
                return ingot_under(reterr, e, "verity");
        if (!ingot_mul_u64(r->verity.data_blocks, r->verity.data_block_size, &size) ||
            size != r->root.size)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "root: %" PRIu64 " bytes are not %" PRIu64 " blocks of %" PRIu32,
                                  r->root.size, r->verity.data_blocks, r->verity.data_block_size);
        if (geometry.size != r->tree.size)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "tree: %" PRIu64 " bytes, but the hash tree of that root has "
                                  "%" PRIu64,
                                  r->tree.size, geometry.size);
        if (r->extent_size < EXTENT_SIZE_MIN || r->extent_size > EXTENT_SIZE_MAX ||
            (r->extent_size & (r->extent_size - 1)) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "uki: extents of %" PRIu32 " bytes are not a power of two from "
                                  "4 KiB to 16 MiB",
                                  r->extent_size);
        return r->extent_count == ingot_div_up(r->uki.size, r->extent_size)
                       ? 0
                       : ingot_fail(reterr, INGOT_E_FORMAT,
                                    "uki: %zu extents are not those of %" PRIu64 " bytes",
                                    r->extent_count, r->uki.size);
}

static int check_extensions(const struct ingot_release *r, ingot_error *reterr)
{
        for (size_t i = 0; i < r->extension_count; i++) {
                const struct ingot_release_extension *x = r->extensions + i;
                int e = 0;
                if (!is_plain(x->name) || (x->version && !is_plain(x->version)))
                        e = ingot_fail(reterr, INGOT_E_FORMAT, "no such name or version can be");
                for (size_t k = 0; e >= 0 && k < i; k++)
                        if (x->kind == r->extensions[k].kind &&
                            strcmp(x->name, r->extensions[k].name) == 0)
                                e = ingot_fail(reterr, INGOT_E_FORMAT, "%s is there twice",
                                               x->name);
                if (e >= 0)
                        e = check_file(&x->file, UINT64_MAX, reterr);
                if (e < 0)
                        return ingot_under(reterr, e, "extension %zu", i + 1);
        }
        return 0;
}

static int check_release(const struct ingot_release *r, ingot_error *reterr)
{
        if (r->rollout > 100)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a roll-out of %u percent", r->rollout);
        if (r->notes && strlen(r->notes) > NOTES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "notes of more than %zu bytes", NOTES_MAX);
        int e = check_files(r, reterr);
        if (e >= 0)
                e = check_sizes(r, reterr);
        return e < 0 ? e : check_extensions(r, reterr);
}

static int compare_files(const void *a, const void *b)
{
        const struct ingot_release_file *const *x = a, *const *y = b;
        return strcmp((*x)->name, (*y)->name);
}

/* A name is one content, wherever it stands. */
static int check_names(const struct ingot_channel *c, ingot_error *reterr)
{
        size_t count = 0, max = 0;
        for (size_t i = 0; i < c->release_count; i++)
                max += INGOT_RELEASE_PARTS + c->releases[i].measurement_signature_count +
                       c->releases[i].extension_count;
        _cleanup_free_ const struct ingot_release_file **all = calloc(max + 1, sizeof(*all));
        if (!all)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < c->release_count; i++) {
                const struct ingot_release *r = c->releases + i;
                const struct ingot_release_file *f;
                for (size_t k = 0; (f = ingot_release_part(r, k, NULL)); k++)
                        if (f->name)
                                all[count++] = f;
                for (size_t k = 0; k < r->extension_count; k++)
                        all[count++] = &r->extensions[k].file;
        }
        qsort(all, count, sizeof(*all), compare_files);
        for (size_t i = 1; i < count; i++)
                if (strcmp(all[i]->name, all[i - 1]->name) == 0 &&
                    (all[i]->size != all[i - 1]->size ||
                     memcmp(all[i]->sha256, all[i - 1]->sha256, INGOT_SHA256_SIZE) != 0))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "%s is two different files",
                                          all[i]->name);
        return 0;
}

static int check_head(const struct ingot_channel *c, ingot_error *reterr)
{
        if (!ingot_image_name_valid(c->name))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%.40s' is no product's name", c->name);
        if (!ingot_channel_name_valid(c->channel))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "'%.40s' is no channel's name: up to 24 "
                                  "of a-z, 0-9 and '-'",
                                  c->channel);
        if (!ingot_channel_name_valid(c->architecture))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%.40s' is no architecture",
                                  c->architecture);
        if (c->minimum && !ingot_image_version_valid(c->minimum))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%.40s' is no version", c->minimum);
        if (c->serial == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a serial of 0");
        if (c->release_count == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no release");
        return c->release_count <= INGOT_RELEASES_MAX
                       ? 0
                       : ingot_fail(reterr, INGOT_E_LIMIT, "%zu releases, over %d",
                                    c->release_count, INGOT_RELEASES_MAX);
}

int ingot_channel_check(const struct ingot_channel *c, ingot_error *reterr)
{
        int r = check_head(c, reterr);
        for (size_t i = 0; r >= 0 && i < c->release_count; i++) {
                const char *version = c->releases[i].version;
                if (!ingot_image_version_valid(version))
                        r = ingot_fail(reterr, INGOT_E_FORMAT, "'%.40s' is no version", version);
                else if (i > 0 && ingot_version_compare(c->releases[i - 1].version, version) <= 0)
                        r = ingot_fail(reterr, INGOT_E_FORMAT,
                                       "version %s does not come before the ones above it",
                                       version);
                else
                        r = ingot_under(reterr, check_release(c->releases + i, reterr),
                                        "version %s", version);
        }
        return r < 0 ? r : check_names(c, reterr);
}

static int other(const char *what, const char *have, const char *want, ingot_error *reterr)
{
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "it is for the %s '%s', and this is '%s': look at where updates are "
                          "fetched from",
                          what, have, want);
}

int ingot_channel_acceptable(const struct ingot_channel *c, const struct ingot_channel_wish *wish,
                             ingot_error *reterr)
{
        char at[32];
        if (wish->name && strcmp(c->name, wish->name) != 0)
                return other("product", c->name, wish->name, reterr);
        if (wish->architecture && strcmp(c->architecture, wish->architecture) != 0)
                return other("architecture", c->architecture, wish->architecture, reterr);
        if (wish->channel && strcmp(c->channel, wish->channel) != 0)
                return other("channel", c->channel, wish->channel, reterr);
        if (c->serial < wish->serial)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "its serial is %" PRIu64 ", and %" PRIu64
                                  " was seen before: an old release file is served again; fetch "
                                  "from another place, or ask who publishes it",
                                  c->serial, wish->serial);
        if (c->expires > 0 && wish->now >= c->expires) {
                ingot_time_text(c->expires, at);
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "it expired at %s: fetch a newer one; if there is none, look at "
                                  "the clock here, or ask who publishes it",
                                  at);
        }
        return 0;
}

int ingot_channel_check_minimum(const struct ingot_channel *c, const char *version,
                                ingot_error *reterr)
{
        if (!c->minimum || ingot_version_compare(version, c->minimum) >= 0)
                return 0;
        return ingot_fail(
                reterr, INGOT_E_REFUSED,
                "version %s is older than %s, the oldest that the channel %s still allows: "
                "take that or a newer one",
                version, c->minimum, c->channel);
}
