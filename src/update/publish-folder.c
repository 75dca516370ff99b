/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder of releases: its release files, what they name, and what is put there. */
#include "base/cleanup.h"
#include "os/copy.h"
#include "os/file.h"
#include "update/publish-state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

void ingot_publish_folder_close(struct ingot_publish_folder *f)
{
        for (size_t i = 0; i < f->count; i++) {
                free(f->items[i].file);
                ingot_buffer_done(&f->items[i].payload);
                ingot_channel_done(&f->items[i].channel);
        }
        free(f->items);
        if (f->lock >= 0)
                close(f->lock);
        *f = INGOT_PUBLISH_FOLDER_NONE;
}

/* What a release file that is to be signed again must have first. */
static int check_signed(struct ingot_span file, const struct ingot_signature_request *request,
                        struct ingot_publish_index *index, ingot_error *reterr)
{
        _cleanup_verdict_ struct ingot_verdict verdict = {0};
        int r = ingot_channel_open(file, request, &index->channel, &verdict, reterr);
        if (r != 1)
                return r;
        ingot_verdict_error(&verdict, reterr);
        return ingot_under(reterr, -INGOT_E_REFUSED,
                           "it was not signed by those who may (--verify-key names who may have)");
}

static int read_index(struct ingot_publish_folder *f, const char *name,
                      const struct ingot_signature_request *request, ingot_error *reterr)
{
        _cleanup_release_envelope_ struct ingot_release_envelope e = {0};
        _cleanup_free_ uint8_t *text = NULL;
        _cleanup_free_ char *want = NULL;
        size_t size;
        struct ingot_publish_index *more = reallocarray(f->items, f->count + 1, sizeof(*f->items));
        if (!more)
                return ingot_fail_nomem(reterr);
        f->items = more;
        struct ingot_publish_index *index = more + f->count++;
        *index = (struct ingot_publish_index){0};
        int r = ingot_strdup(&index->file, name, reterr);
        if (r >= 0)
                r = ingot_file_read(f->lock, name, INGOT_RELEASE_FILE_SIZE_MAX, &text, &size,
                                    reterr);
        if (r >= 0)
                r = ingot_release_envelope_decode(INGOT_SPAN(text, size), &e, reterr);
        if (r >= 0)
                r = request ? check_signed(INGOT_SPAN(text, size), request, index, reterr)
                            : ingot_channel_decode(ingot_buffer_span(&e.payload), &index->channel,
                                                   reterr);
        if (r >= 0)
                r = ingot_channel_file_name(index->channel.name, index->channel.channel, &want,
                                            reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", name);
        index->payload = e.payload;
        e.payload = (struct ingot_buffer){0};
        const struct ingot_channel *first = &f->items->channel;
        if (strcmp(want, name) != 0)
                return ingot_fail(reterr, INGOT_E_REFUSED, "%s says that it is %s", name, want);
        if (strcmp(first->name, index->channel.name) != 0 ||
            strcmp(first->architecture, index->channel.architecture) != 0)
                return ingot_fail(reterr, INGOT_E_CONFLICT,
                                  "%s and %s are of different products: each needs a folder",
                                  f->items->file, name);
        return 0;
}

int ingot_publish_folder_open(const char *path, const struct ingot_signature_request *request,
                              struct ingot_publish_folder *ret, ingot_error *reterr)
{
        _cleanup_(ingot_publish_folder_close) struct ingot_publish_folder f =
                INGOT_PUBLISH_FOLDER_NONE;
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = 0;
        f.path = path;
        f.lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (f.lock < 0 && errno != ENOENT)
                return ingot_fail_errno(reterr, "open folder %s", path);
        if (f.lock >= 0) {
                if (flock(f.lock, LOCK_EX) < 0 && errno != EOPNOTSUPP && errno != ENOLCK)
                        return ingot_fail_errno(reterr, "lock folder %s", path);
                r = ingot_list_directory(f.lock, ".", &names, reterr);
        }
        for (size_t i = 0; r >= 0 && i < names.count; i++)
                if (names.items[i][0] != '.' &&
                    ingot_ends_with(names.items[i], INGOT_RELEASE_SUFFIX))
                        r = ingot_under(reterr, read_index(&f, names.items[i], request, reterr),
                                        "%s", path);
        if (r < 0)
                return r;
        *ret = f;
        f = INGOT_PUBLISH_FOLDER_NONE;
        return 0;
}

const struct ingot_publish_index *ingot_publish_folder_find(const struct ingot_publish_folder *f,
                                                            const char *file)
{
        for (size_t i = 0; i < f->count; i++)
                if (strcmp(f->items[i].file, file) == 0)
                        return f->items + i;
        return NULL;
}

static int add_best_before(const struct ingot_channel *c, struct ingot_sums *ret,
                           ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        uint8_t empty[INGOT_SHA256_SIZE];
        char time[32];
        if (c->expires == 0)
                return 0;
        ingot_time_text(c->expires, time);
        ingot_sha256_of("", 0, empty);
        int r = ingot_format(&name, reterr, "BEST-BEFORE-%.10s", time);
        return r < 0 ? r : ingot_sums_add(ret, name, empty, reterr);
}

int ingot_publish_names(const struct ingot_channel *c, struct ingot_sums *ret, ingot_error *reterr)
{
        int e = add_best_before(c, ret, reterr);
        for (size_t i = 0; e >= 0 && i < c->release_count; i++) {
                const struct ingot_release *r = c->releases + i;
                const struct ingot_release_file *f;
                for (size_t k = 0; e >= 0 && (f = ingot_release_part(r, k, NULL)); k++)
                        if (f->name)
                                e = ingot_sums_add(ret, f->name, f->sha256, reterr);
                for (size_t k = 0; e >= 0 && k < r->extension_count; k++)
                        e = ingot_sums_add(ret, r->extensions[k].file.name,
                                           r->extensions[k].file.sha256, reterr);
        }
        return e;
}

int ingot_publish_sums(const struct ingot_publish_folder *f, const struct ingot_channel *channel,
                       struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_sums_ struct ingot_sums sums = {0};
        int r = ingot_publish_names(channel, &sums, reterr);
        for (size_t i = 0; r >= 0 && i < f->count; i++)
                if (strcmp(f->items[i].channel.channel, channel->channel) != 0)
                        r = ingot_publish_names(&f->items[i].channel, &sums, reterr);
        return r < 0 ? r : ingot_sums_encode(&sums, ret, reterr);
}

int ingot_publish_compare(const char *folder, const struct ingot_release_file *file,
                          ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file f = INGOT_FILE_NONE;
        _cleanup_free_ char *path = NULL;
        uint8_t digest[INGOT_SHA256_SIZE];
        int r = ingot_format(&path, reterr, "%s/%s", folder, file->name);
        if (r >= 0 && !ingot_file_exists(path))
                return 1;
        if (r >= 0)
                r = ingot_file_open(&f, path, reterr);
        if (r >= 0)
                r = ingot_file_digest(path, digest, reterr);
        if (r < 0)
                return r;
        return f.size == file->size && memcmp(digest, file->sha256, sizeof(digest)) == 0
                       ? 0
                       : ingot_fail(reterr, INGOT_E_CONFLICT,
                                    "%s is there with another content, and a published name is "
                                    "never used again: build it with another version",
                                    path);
}

int ingot_publish_copy(const char *source, const char *folder,
                       const struct ingot_release_file *file, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file from = INGOT_FILE_NONE;
        _cleanup_outfile_ struct ingot_outfile to = INGOT_OUTFILE_NONE;
        _cleanup_free_ char *path = NULL, *temporary = NULL;
        uint8_t digest[INGOT_SHA256_SIZE];
        int r = ingot_format(&path, reterr, "%s/%s", folder, file->name);
        if (r >= 0)
                r = ingot_file_open(&from, source, reterr);
        if (r >= 0)
                r = ingot_outfile_create(&to, path, 0644, reterr);
        if (r >= 0)
                r = ingot_copy_sparse(from.fd, 0, to.fd, 0, file->size, reterr);
        if (r >= 0)
                r = ingot_format(&temporary, reterr, "%s/%s", folder, to.temporary);
        if (r >= 0)
                r = ingot_file_digest(temporary, digest, reterr);
        if (r >= 0 && memcmp(digest, file->sha256, sizeof(digest)) != 0)
                r = ingot_fail(reterr, INGOT_E_REFUSED, "%s changed while it was copied", source);
        return r < 0 ? r : ingot_outfile_commit(&to, reterr);
}
