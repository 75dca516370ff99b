/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Manifests against the artifacts beside them: digests and sizes, the partitions of the disk, the
 * hash tree, the UKI. A release is whole or it is none: what is named and missing is refused.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "image/manifest-read.h"
#include "image/verify-state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CHECK "manifest"

/* In a folder of releases only what release files name must be there. */
static bool is_left_out(const struct ingot_verify *v, const char *name)
{
        for (size_t i = 0; i < v->options->listing_count; i++)
                for (size_t k = 0; k < v->options->listings[i].count; k++)
                        if (strcmp(v->options->listings[i].items[k].name, name) == 0)
                                return false;
        return v->options->listing_count > 0;
}

static int check_artifact(struct ingot_verify *v, const struct ingot_manifest_artifact *a,
                          ingot_error *reterr)
{
        const struct ingot_verify_file *f = ingot_verify_find(v, a->name);
        if (!f && is_left_out(v, a->name))
                return 0;
        if (!f)
                return ingot_fail(reterr, INGOT_E_REFUSED, "%.200s is named, and is not here",
                                  a->name);
        if (f->reader.size != a->size)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%.200s has %" PRIu64 " bytes, not %" PRIu64, a->name,
                                  f->reader.size, a->size);
        if (!f->digest_known)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "%.200s cannot be read", a->name);
        return memcmp(f->sha256, a->sha256, sizeof(f->sha256)) == 0
                       ? 0
                       : ingot_fail(reterr, INGOT_E_REFUSED, "%.200s has another digest", a->name);
}

static const struct ingot_manifest_artifact *find_artifact(const struct ingot_manifest *m,
                                                           const char *name)
{
        for (size_t i = 0; i < m->artifact_count; i++)
                if (strcmp(m->artifacts[i].name, name) == 0)
                        return m->artifacts + i;
        return NULL;
}

static int check_partition(struct ingot_gpt *gpt, const struct ingot_manifest *m,
                           const struct ingot_manifest_partition *p, ingot_error *reterr)
{
        const struct ingot_gpt_partition *have =
                p->number <= INGOT_GPT_ENTRIES ? ingot_gpt_by_number(gpt, (unsigned) p->number)
                                               : NULL;
        if (!have || !ingot_uuid_equal(&have->type, &p->type) ||
            !ingot_uuid_equal(&have->uuid, &p->uuid) || strcmp(have->name, p->label) != 0 ||
            ingot_gpt_offset(gpt, have) != p->offset || ingot_gpt_size(gpt, have) != p->size)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "partition %" PRIu64 " is another one on the disk", p->number);
        if (!p->has_data)
                return 0;
        const struct ingot_manifest_artifact *a = find_artifact(m, p->artifact);
        if (!a || a->size != p->data_size || a->size > p->size ||
            memcmp(a->sha256, p->data_sha256, sizeof(a->sha256)) != 0)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "partition %" PRIu64 " and its artifact are not the same",
                                  p->number);
        return 0;
}

/* The disk image that has this manifest's UUID, if any. */
static int check_disk(struct ingot_verify *v, const struct ingot_manifest *m, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < v->file_count && r >= 0; i++) {
                struct ingot_verify_file *f = v->files + i;
                if (!f->opened || f->image.content != INGOT_CONTENT_DISK ||
                    !find_artifact(m, f->name))
                        continue;
                if (!ingot_uuid_equal(&f->image.gpt->disk_uuid, &m->disk_uuid) ||
                    f->image.gpt->partition_count != m->partition_count)
                        r = ingot_fail(reterr, INGOT_E_REFUSED,
                                       "%.200s has another partition table", f->name);
                for (size_t k = 0; k < m->partition_count && r >= 0; k++)
                        r = check_partition(f->image.gpt, m, m->partitions + k, reterr);
        }
        return r;
}

static int check_tree(struct ingot_verify *v, const struct ingot_manifest *m, ingot_error *reterr)
{
        bool found = v->pair_count == 0;
        for (size_t i = 0; i < v->pair_count && !found; i++) {
                const struct ingot_image *h = v->pairs[i].hash;
                found = h->root_hash_known && h->verity.data_blocks == m->verity.data_blocks &&
                        ingot_uuid_equal(&h->verity.uuid, &m->verity.uuid) &&
                        memcmp(h->root_hash, m->root_hash, sizeof(m->root_hash)) == 0;
        }
        return found ? 0
                     : ingot_fail(reterr, INGOT_E_REFUSED,
                                  "no hash tree here is the one that it describes");
}

static int check_uki(struct ingot_verify *v, const struct ingot_manifest *m, ingot_error *reterr)
{
        const struct ingot_verify_file *f = ingot_verify_find(v, m->uki);
        const struct ingot_manifest_artifact *a = find_artifact(m, m->uki);
        _cleanup_free_ char *line = NULL;
        if (!f || !f->opened || f->image.content != INGOT_CONTENT_UKI || !a ||
            a->size != m->uki_size)
                return ingot_fail(reterr, INGOT_E_REFUSED, "%.200s is not the UKI it describes",
                                  m->uki);
        int r = ingot_verify_cmdline(&f->image, INGOT_UKI_BASE, &line, reterr);
        if (r < 0)
                return r;
        return strcmp(line, m->command_line) == 0
                       ? 0
                       : ingot_fail(reterr, INGOT_E_REFUSED, "the UKI has another command line");
}

static int check_manifest(struct ingot_verify *v, const struct ingot_verify_file *file,
                          ingot_error *reterr)
{
        _cleanup_manifest_ struct ingot_manifest m = {0};
        if (file->reader.size > INGOT_MANIFEST_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "manifest of more than %zu MiB",
                                  INGOT_MANIFEST_SIZE_MAX >> 20);
        size_t size = (size_t) file->reader.size;
        _cleanup_free_ uint8_t *text = malloc(size + 1);
        if (!text)
                return ingot_fail_nomem(reterr);
        int r = ingot_read_at(&file->reader, 0, text, size, reterr);
        if (r >= 0)
                r = ingot_manifest_decode(INGOT_SPAN(text, size), &m, reterr);
        for (size_t i = 0; r >= 0 && i < m.artifact_count; i++)
                r = check_artifact(v, m.artifacts + i, reterr);
        if (r >= 0)
                r = check_disk(v, &m, reterr);
        if (r >= 0)
                r = check_tree(v, &m, reterr);
        if (r >= 0)
                r = check_uki(v, &m, reterr);
        for (size_t i = 0; r >= 0 && i < m.artifact_count; i++) {
                struct ingot_verify_file *f = ingot_verify_find(v, m.artifacts[i].name);
                if (f)
                        f->listed = true;
        }
        return r;
}

int ingot_verify_manifests(struct ingot_verify *v, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < v->file_count && r >= 0; i++) {
                ingot_error error = {0};
                const struct ingot_verify_file *f = v->files + i;
                char *where;
                /* In a folder of releases, of what is not offered yet, or no more. */
                if (!f->is_manifest || (v->options->listing_count > 0 && !f->listed_by &&
                                        !f->listed && v->options->listings->file))
                        continue;
                int e = check_manifest(v, f, &error);
                r = ingot_verify_where(v, f, NULL, NULL, &where, reterr);
                if (r >= 0)
                        r = ingot_verify_result(v, CHECK, where, "the artifacts", e, &error,
                                                reterr);
        }
        return r;
}
