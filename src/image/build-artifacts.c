/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a build leaves: the disk image, its parts by themselves under the names that updaters
 * match, the manifest, and the sums of all of these. All are written first and renamed at the end,
 * SHA256SUMS last: where it is, the artifacts it names are whole, also when the build was killed.
 */
#include "base/cleanup.h"
#include "base/parallel.h"
#include "image/build-state.h"
#include "image/esp.h"
#include "os/copy.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE ((size_t) 256 << 10)
#define SUMS_MAX ((size_t) 1 << 20) /* of an earlier SHA256SUMS */

enum { DISK, UKI, ROOT, HASH, MEASUREMENT, MANIFEST, REQUEST, SUMS, COUNT };

struct outputs {
        struct ingot_build *b;
        struct ingot_outfile *files[COUNT];
        struct ingot_outfile own[COUNT]; /* those that only this step makes */
        struct ingot_artifact artifacts[COUNT];
};

static void outputs_done(struct outputs *o)
{
        for (int i = 0; i < COUNT; i++) {
                ingot_outfile_discard(o->own + i);
                free(o->artifacts[i].name);
        }
}

static int create(struct outputs *o, int which, const char *name, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_build_output_path(o->b, name, &path, reterr);
        if (r < 0)
                return r;
        o->files[which] = o->own + which;
        return ingot_outfile_create(o->files[which], path, 0644, reterr);
}

/* A partition's content as a file of its own: LABEL.TYPE.PARTUUID.raw. */
static int split(struct outputs *o, int which, const char *type, uint64_t size, ingot_error *reterr)
{
        const struct ingot_gpt_partition *p = ingot_build_partition(o->b, type, 1);
        char uuid[INGOT_UUID_TEXT_SIZE];
        _cleanup_free_ char *name = NULL;
        ingot_uuid_format(&p->uuid, uuid);
        int r = ingot_format(&name, reterr, "%s.%s.%s.raw", o->b->label, type, uuid);
        if (r >= 0)
                r = create(o, which, name, reterr);
        if (r >= 0)
                r = ingot_copy_sparse(o->b->disk.fd, ingot_gpt_offset(&o->b->gpt, p),
                                      o->files[which]->fd, 0, size, reterr);
        return r;
}

static int hash_one(struct outputs *o, size_t index, const struct ingot_log *log,
                    ingot_error *reterr)
{
        struct ingot_artifact *a = o->artifacts + index;
        struct ingot_sha256 h;
        off_t end = lseek(o->files[index]->fd, 0, SEEK_END);
        _cleanup_free_ uint8_t *piece = malloc(PIECE);
        if (end < 0)
                return ingot_fail_errno(reterr, "seek in %s", o->files[index]->name);
        if (!piece)
                return ingot_fail_nomem(reterr);
        ingot_sha256_init(&h);
        a->size = (uint64_t) end;
        for (uint64_t at = 0; at < a->size;) {
                size_t n = a->size - at < PIECE ? (size_t) (a->size - at) : PIECE;
                int r = ingot_file_pread(o->files[index]->fd, at, piece, n, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", o->files[index]->name);
                ingot_sha256_update(&h, piece, n);
                at += n;
                ingot_progress(log, "Hashing the image", at, a->size);
        }
        ingot_sha256_final(&h, a->sha256);
        return ingot_strdup(&a->name, o->files[index]->name, reterr);
}

/* The disk, the largest, is hashed in the calling thread, which may tell of it; the parts beside.
 */
static int hash_part(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        (void) slot;
        return index == DISK ? 0 : hash_one(context, index, NULL, reterr);
}

static int hash_disk(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        struct outputs *o = context;
        (void) slot;
        return index == DISK ? hash_one(o, index, o->b->options->log, reterr) : 0;
}

static int compare_artifacts(const void *a, const void *b)
{
        return strcmp(((const struct ingot_artifact *) a)->name,
                      ((const struct ingot_artifact *) b)->name);
}

/* Moves COUNT artifacts into the result, sorted. */
static int publish(struct outputs *o, size_t count, ingot_error *reterr)
{
        struct ingot_build_result *result = &o->b->result;
        free(result->artifacts);
        result->artifacts = calloc(count, sizeof(*result->artifacts));
        result->artifact_count = 0;
        if (!result->artifacts)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < count; i++) {
                struct ingot_artifact *a = result->artifacts + i;
                *a = o->artifacts[i];
                a->name = NULL;
                int r = ingot_strdup(&a->name, o->artifacts[i].name, reterr);
                if (r < 0)
                        return r;
                result->artifact_count++;
        }
        qsort(result->artifacts, count, sizeof(*result->artifacts), compare_artifacts);
        return 0;
}

static void forget(struct ingot_build_result *result)
{
        for (size_t i = 0; i < result->artifact_count; i++)
                free(result->artifacts[i].name);
        result->artifact_count = 0;
}

static int write_measurement(struct outputs *o, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        const struct ingot_buffer *text = &o->b->measurement;
        int r = ingot_format(&name, reterr, "%s" INGOT_MEASUREMENT_SUFFIX, o->b->label);
        if (r >= 0)
                r = create(o, MEASUREMENT, name, reterr);
        return r < 0 ? r
                     : ingot_file_write_all(o->files[MEASUREMENT]->fd, text->data, text->size,
                                            reterr);
}

static int write_manifest(struct outputs *o, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_free_ char *name = NULL;
        int r = publish(o, MANIFEST, reterr);
        if (r >= 0)
                r = ingot_build_manifest(o->b, &text, reterr);
        forget(&o->b->result);
        if (r >= 0)
                r = ingot_format(&name, reterr, "%s.manifest.json", o->b->label);
        if (r >= 0)
                r = create(o, MANIFEST, name, reterr);
        if (r >= 0)
                r = ingot_file_write_all(o->files[MANIFEST]->fd, text.data, text.size, reterr);
        return r < 0 ? r : hash_one(o, MANIFEST, NULL, reterr);
}

/* Not in the sums: it changes when it is answered. */
static int write_request(struct outputs *o, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_free_ char *name = NULL;
        int r = publish(o, MANIFEST, reterr);
        if (r >= 0)
                r = ingot_build_sign_request(o->b, reterr);
        forget(&o->b->result);
        if (r >= 0)
                r = ingot_sign_request_encode(&o->b->request, &text, reterr);
        if (r >= 0)
                r = ingot_format(&name, reterr, "%s.sign.json", o->b->label);
        if (r >= 0)
                r = create(o, REQUEST, name, reterr);
        if (r >= 0)
                r = ingot_file_write_all(o->files[REQUEST]->fd, text.data, text.size, reterr);
        return r < 0 ? r : hash_one(o, REQUEST, 0, reterr);
}

/* As sha256sum(1) writes it. */
static int write_sums(struct outputs *o, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        char hex[2 * INGOT_SHA256_SIZE + 1];
        int r = publish(o, REQUEST, reterr);
        for (size_t i = 0; r >= 0 && i < REQUEST; i++) {
                const struct ingot_artifact *a = o->b->result.artifacts + i;
                ingot_hex(hex, a->sha256, INGOT_SHA256_SIZE);
                r = ingot_buffer_printf(&text, reterr, "%s  %s\n", hex, a->name);
        }
        forget(&o->b->result);
        if (r >= 0)
                r = create(o, SUMS, INGOT_SIGN_SUMS, reterr);
        if (r >= 0)
                r = ingot_file_write_all(o->files[SUMS]->fd, text.data, text.size, reterr);
        return r < 0 ? r : hash_one(o, SUMS, NULL, reterr);
}

static bool is_new(const struct outputs *o, const char *name)
{
        for (int i = 0; i < COUNT; i++)
                if (strcmp(o->artifacts[i].name, name) == 0)
                        return true;
        return false;
}

/* Removes what an earlier build of the same version left under a name that this one has not: the
 * partitions carry their UUIDs in their names, which follow from their content. */
static void remove_superseded(const struct outputs *o, char *sums)
{
        size_t n = strlen(o->b->label);
        for (char *line; (line = strsep(&sums, "\n"));) {
                _cleanup_free_ char *path = NULL;
                const char *name = strlen(line) > 66 ? line + 66 : "";
                if (strncmp(name, o->b->label, n) != 0 || (name[n] != '.' && name[n] != '_') ||
                    strchr(name, '/') || is_new(o, name) ||
                    ingot_build_output_path(o->b, name, &path, NULL) < 0)
                        continue;
                (void) ingot_file_remove(path, NULL);
        }
}

/* Signatures of an earlier build of this version say nothing of what takes its names now. */
static void remove_signatures(const struct outputs *o)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        _cleanup_free_ char *sum = NULL;
        size_t n = strlen(o->b->label);
        if (ingot_list_directory(AT_FDCWD, o->b->output, &names, NULL) < 0 ||
            ingot_format(&sum, NULL, "%s.sha256", o->artifacts[DISK].name) < 0)
                return;
        for (size_t i = 0; i < names.count; i++) {
                const char *name = names.items[i];
                _cleanup_free_ char *path = NULL;
                bool ours = ingot_starts_with(name, INGOT_SIGN_SUMS ".") ||
                            (strncmp(name, o->b->label, n) == 0 && name[n] == '.');
                if ((strcmp(name, sum) == 0 ||
                     (ours && (ingot_ends_with(name, ".p7s") || ingot_ends_with(name, ".gpg")))) &&
                    ingot_build_output_path(o->b, name, &path, NULL) >= 0)
                        (void) ingot_file_remove(path, NULL);
        }
}

/* Gives everything its name. What can fail for want of space is done before. */
static int commit(struct outputs *o, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *sums = NULL;
        size_t size;
        int r = ingot_build_output_path(o->b, "SHA256SUMS", &path, reterr);
        for (int i = 0; r >= 0 && i < COUNT; i++)
                if (fsync(o->files[i]->fd) < 0)
                        r = ingot_fail_errno(reterr, "sync %s", o->files[i]->name);
        if (r < 0)
                return r;
        (void) ingot_file_read(AT_FDCWD, path, SUMS_MAX, &sums, &size, NULL);
        r = ingot_file_remove(path, reterr);
        if (r >= 0)
                remove_signatures(o);
        for (int i = 0; r >= 0 && i < COUNT; i++)
                r = ingot_outfile_commit(o->files[i], reterr);
        if (r >= 0 && sums)
                remove_superseded(o, (char *) sums);
        return r;
}

int ingot_build_artifacts(struct ingot_build *b, ingot_error *reterr)
{
        __attribute__((cleanup(outputs_done))) struct outputs o = {
                .b = b, .files = {[DISK] = &b->disk, [UKI] = &b->uki}};
        for (int i = 0; i < COUNT; i++)
                o.own[i] = INGOT_OUTFILE_NONE;
        int r = split(&o, ROOT, "root-x86-64", b->root_data_size, reterr);
        if (r >= 0)
                r = split(&o, HASH, "root-x86-64-verity", b->hash_size, reterr);
        if (r >= 0)
                r = write_measurement(&o, reterr);
        if (r < 0)
                return r;
        struct ingot_parallel hashing = {.threads = b->options->threads,
                                         .count = MANIFEST,
                                         .work = hash_part,
                                         .finish = hash_disk,
                                         .context = &o};
        r = ingot_parallel_run(&hashing, reterr);
        if (r >= 0)
                r = ingot_build_uki_extents(b, reterr);
        if (r >= 0)
                r = write_manifest(&o, reterr);
        if (r >= 0)
                r = write_request(&o, reterr);
        if (r >= 0)
                r = write_sums(&o, reterr);
        if (r >= 0)
                r = publish(&o, COUNT, reterr);
        if (r >= 0)
                r = commit(&o, reterr);
        if (r < 0)
                return r;
        return ingot_build_output_path(b, o.artifacts[DISK].name, &b->result.image, reterr);
}
