/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is signed, as a request; and its answers as files. The order in which names are given is
 * that of docs/decisions/110: no release file names what is not there.
 */
#include "base/cleanup.h"
#include "image/sign-attach.h"
#include "os/file.h"
#include "update/publish-state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REMOVING_SUFFIX INGOT_RELEASE_SUFFIX ".removing"
#define OUTFILES_MAX 160 /* at most 64 answers to each of two things, and a few */

static int add_thing(struct ingot_sign_request *q, const char *name,
                     const struct ingot_buffer *text, const char *artifact, ingot_error *reterr)
{
        _cleanup_free_ char *id = NULL;
        struct ingot_sign_content *c;
        struct ingot_sign_part *p;
        struct ingot_sign_thing *t;
        int r = ingot_sign_add_content(q, name, &c, reterr);
        if (r >= 0)
                r = ingot_sign_add_part(c, INGOT_SIGN_BYTES, &p, reterr);
        if (r >= 0)
                r = ingot_buffer_append(&p->bytes, text->data, text->size, reterr);
        if (r >= 0)
                r = ingot_format(&id, reterr, "release:%s", name);
        if (r >= 0)
                r = ingot_sign_add_thing(q, INGOT_PURPOSE_RELEASE, id, &t, reterr);
        if (r < 0)
                return r;
        t->content = q->content_count - 1;
        return ingot_strdup(&t->artifact, artifact, reterr);
}

int ingot_publish_request(const struct ingot_publish_folder *f, const struct ingot_channel *channel,
                          struct ingot_sign_wish *wish, uint64_t timestamp,
                          struct ingot_sign_request *ret, ingot_error *reterr)
{
        _cleanup_sign_request_ struct ingot_sign_request q = {.timestamp = timestamp};
        _cleanup_buffer_ struct ingot_buffer payload = {0}, sums = {0};
        q.wishes[INGOT_PURPOSE_RELEASE] = *wish;
        *wish = (struct ingot_sign_wish){0};
        int r = ingot_strdup(&q.name, channel->name, reterr);
        if (r >= 0)
                r = ingot_strdup(&q.version, channel->releases->version, reterr);
        if (r >= 0)
                r = ingot_strdup(&q.architecture, channel->architecture, reterr);
        if (r >= 0)
                r = ingot_channel_file_name(channel->name, channel->channel, &q.release, reterr);
        if (r >= 0)
                r = ingot_channel_encode(channel, &payload, reterr);
        if (r >= 0)
                r = add_thing(&q, q.release, &payload, q.release, reterr);
        if (r >= 0)
                r = ingot_publish_sums(f, channel, &sums, reterr);
        if (r >= 0)
                r = add_thing(&q, INGOT_SUMS_FILE, &sums, INGOT_SUMS_FILE ".p7s", reterr);
        if (r < 0)
                return r;
        *ret = q;
        q = (struct ingot_sign_request){0};
        return 0;
}

/* What is written, in the order in which it gets its names. */
struct outputs {
        const struct ingot_publish_folder *folder;
        struct ingot_sign_request *q;
        struct ingot_channel channel;
        struct ingot_buffer payload, sums;
        struct ingot_outfile files[OUTFILES_MAX];
        size_t count;
        struct ingot_sums names,
                gone; /* that stand in the sums; that did in the old release file */
};

static void outputs_done(struct outputs *o)
{
        for (size_t i = 0; i < o->count; i++)
                ingot_outfile_discard(o->files + i);
        ingot_channel_done(&o->channel);
        ingot_buffer_done(&o->payload);
        ingot_buffer_done(&o->sums);
        ingot_sums_done(&o->names);
        ingot_sums_done(&o->gone);
}

static int put(struct outputs *o, const char *name, const struct ingot_buffer *bytes,
               ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        if (o->count == OUTFILES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "too many signatures");
        int r = ingot_format(&path, reterr, "%s/%s", o->folder->path, name);
        if (r >= 0)
                r = ingot_outfile_create(o->files + o->count, path, 0644, reterr);
        if (r < 0)
                return r;
        struct ingot_outfile *f = o->files + o->count++;
        r = ingot_file_write_all(f->fd, bytes->data, bytes->size, reterr);
        if (r >= 0 && fsync(f->fd) < 0)
                r = ingot_fail_errno(reterr, "sync");
        return ingot_under(reterr, r, "%s", path);
}

static int changed_since(const char *what, ingot_error *reterr)
{
        return ingot_fail(reterr, INGOT_E_CONFLICT,
                          "%s since the request was made: make a new one with 'ingot release'",
                          what);
}

static int content_of(struct ingot_sign_request *q, const char *name, struct ingot_buffer *ret,
                      ingot_error *reterr)
{
        size_t content = ingot_sign_find_content(q, name);
        if (content == INGOT_SIGN_NONE)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the request has no %s", name);
        return ingot_sign_content_bytes(q, content, ret, reterr);
}

static bool same(const struct ingot_buffer *a, const struct ingot_buffer *b)
{
        return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* The folder is the one that the request was made for. */
static int check_folder(struct outputs *o, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer sums = {0};
        _cleanup_free_ char *want = NULL;
        const struct ingot_publish_index *index =
                ingot_publish_folder_find(o->folder, o->q->release);
        int r = ingot_channel_file_name(o->channel.name, o->channel.channel, &want, reterr);
        if (r >= 0 && strcmp(want, o->q->release) != 0)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "%s says that it is %s", o->q->release,
                               want);
        if (r >= 0 && index && !same(&index->payload, &o->payload) &&
            index->channel.serial >= o->channel.serial)
                r = changed_since("another release was published", reterr);
        if (r >= 0)
                r = ingot_publish_sums(o->folder, &o->channel, &sums, reterr);
        if (r >= 0 && !same(&sums, &o->sums))
                r = changed_since("another channel of the folder has changed", reterr);
        if (r >= 0)
                r = ingot_sums_decode(ingot_buffer_span(&o->sums), &o->names, reterr);
        return r;
}

static int check_file(struct outputs *o, const struct ingot_release_file *f, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_free_ char *path = NULL;
        uint8_t digest[INGOT_SHA256_SIZE];
        int r = ingot_format(&path, reterr, "%s/%s", o->folder->path, f->name);
        if (r >= 0)
                r = ingot_file_open(&file, path, reterr);
        if (r >= 0)
                r = ingot_file_digest(path, digest, reterr);
        if (r >= 0 && (file.size != f->size || memcmp(digest, f->sha256, sizeof(digest)) != 0))
                r = ingot_fail(reterr, INGOT_E_REFUSED,
                               "%s is not the file that the request was made for", path);
        return r;
}

/* Those that no release file names yet; the others were checked when theirs was published. */
static int check_new_files(struct outputs *o, ingot_error *reterr)
{
        _cleanup_sums_ struct ingot_sums known = {0};
        int e = 0;
        for (size_t i = 0; e >= 0 && i < o->folder->count; i++)
                e = ingot_publish_names(&o->folder->items[i].channel, &known, reterr);
        for (size_t i = 0; e >= 0 && i < o->channel.release_count; i++) {
                const struct ingot_release *r = o->channel.releases + i;
                const struct ingot_release_file *f;
                for (size_t k = 0; e >= 0 && (f = ingot_release_part(r, k, NULL)); k++)
                        if (f->name && !ingot_sums_find(&known, f->name))
                                e = check_file(o, f, reterr);
                for (size_t k = 0; e >= 0 && k < r->extension_count; k++)
                        if (!ingot_sums_find(&known, r->extensions[k].file.name))
                                e = check_file(o, &r->extensions[k].file, reterr);
        }
        return e;
}

/* The file that systemd-sysupdate knows the expiry by. */
static int put_best_before(struct outputs *o, ingot_error *reterr)
{
        const struct ingot_buffer empty = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < o->names.count; i++)
                if (ingot_starts_with(o->names.items[i].name, "BEST-BEFORE-"))
                        r = put(o, o->names.items[i].name, &empty, reterr);
        return r;
}

static int put_signatures(struct outputs *o, bool *ret_openpgp, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < o->q->thing_count; i++) {
                const struct ingot_sign_thing *t = o->q->things + i;
                if (strcmp(o->q->contents[t->content].name, INGOT_SUMS_FILE) != 0)
                        continue;
                for (size_t k = 0; r >= 0 && k < t->answer_count; k++) {
                        _cleanup_buffer_ struct ingot_buffer bytes = {0};
                        _cleanup_free_ char *name = NULL;
                        *ret_openpgp = *ret_openpgp || t->answers[k].openpgp;
                        r = ingot_sign_signature_name(o->q, t, k, &name, reterr);
                        if (r >= 0)
                                r = ingot_sign_detached(t->answers + k, &bytes, reterr);
                        if (r >= 0)
                                r = put(o, name, &bytes, reterr);
                }
        }
        return r;
}

static int put_release(struct outputs *o, ingot_error *reterr)
{
        _cleanup_release_envelope_ struct ingot_release_envelope e = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_buffer_append(&e.payload, o->payload.data, o->payload.size, reterr);
        for (size_t i = 0; r >= 0 && i < o->q->thing_count; i++) {
                const struct ingot_sign_thing *t = o->q->things + i;
                if (strcmp(o->q->contents[t->content].name, o->q->release) != 0)
                        continue;
                for (size_t k = 0; r >= 0 && k < t->answer_count; k++) {
                        _cleanup_buffer_ struct ingot_buffer bytes = {0};
                        r = ingot_sign_detached(t->answers + k, &bytes, reterr);
                        if (r >= 0)
                                r = ingot_release_envelope_add(&e, ingot_buffer_span(&bytes),
                                                               reterr);
                }
        }
        if (r >= 0)
                r = ingot_release_envelope_encode(&e, &text, reterr);
        return r < 0 ? r : put(o, o->q->release, &text, reterr);
}

static int remove_name(const struct ingot_publish_folder *f, const char *name, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "%s/%s", f->path, name);
        return r < 0 ? r : ingot_file_remove(path, reterr);
}

/* Signatures of the sums by others than those who signed now. */
static int remove_other_signatures(struct outputs *o, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = ingot_list_directory(o->folder->lock, ".", &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                bool is_new = false;
                if (!ingot_sign_is_signature_of(names.items[i], INGOT_SUMS_FILE))
                        continue;
                for (size_t k = 0; k < o->count; k++)
                        is_new = is_new || strcmp(o->files[k].name, names.items[i]) == 0;
                if (!is_new)
                        r = remove_name(o->folder, names.items[i], reterr);
        }
        return r;
}

/* Says what will go before it may, so that a later process can remove it. */
static int note_gone(struct outputs *o, char **ret_path, ingot_error *reterr)
{
        _cleanup_sums_ struct ingot_sums before = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        const struct ingot_publish_index *index =
                ingot_publish_folder_find(o->folder, o->q->release);
        int r = index ? ingot_publish_names(&index->channel, &before, reterr) : 0;
        for (size_t i = 0; r >= 0 && i < before.count; i++)
                if (!ingot_sums_find(&o->names, before.items[i].name))
                        r = ingot_sums_add(&o->gone, before.items[i].name, before.items[i].sha256,
                                           reterr);
        if (r < 0 || o->gone.count == 0)
                return r;
        r = ingot_sums_encode(&o->gone, &text, reterr);
        if (r >= 0)
                r = ingot_format(ret_path, reterr, "%s/.%s.removing", o->folder->path,
                                 o->q->release);
        return r < 0 ? r : ingot_outfile_put(*ret_path, text.data, text.size, 0644, reterr);
}

static int commit(struct outputs *o, struct ingot_publish_result *result, ingot_error *reterr)
{
        _cleanup_free_ char *note = NULL;
        int r = note_gone(o, &note, reterr);
        if (r >= 0)
                r = remove_other_signatures(o, reterr);
        for (size_t i = 0; r >= 0 && i < o->count; i++)
                r = ingot_outfile_commit(o->files + i, reterr);
        for (size_t i = 0; r >= 0 && i < o->gone.count; i++) {
                r = remove_name(o->folder, o->gone.items[i].name, reterr);
                if (r >= 0)
                        r = ingot_strings_add(&result->removed, o->gone.items[i].name, reterr);
        }
        return r < 0 || !note ? r : ingot_file_remove(note, reterr);
}

int ingot_publish_finish(const struct ingot_publish_folder *f, struct ingot_sign_request *q,
                         struct ingot_publish_result *result, ingot_error *reterr)
{
        __attribute__((cleanup(outputs_done))) struct outputs o = {.folder = f, .q = q};
        int r = ingot_sign_check_complete(q, reterr);
        if (r >= 0)
                r = content_of(q, q->release, &o.payload, reterr);
        if (r >= 0)
                r = content_of(q, INGOT_SUMS_FILE, &o.sums, reterr);
        if (r >= 0)
                r = ingot_channel_decode(ingot_buffer_span(&o.payload), &o.channel, reterr);
        if (r >= 0)
                r = check_folder(&o, reterr);
        if (r >= 0)
                r = check_new_files(&o, reterr);
        if (r >= 0)
                r = put_best_before(&o, reterr);
        if (r >= 0)
                r = put_signatures(&o, &result->openpgp, reterr);
        if (r >= 0)
                r = put(&o, INGOT_SUMS_FILE, &o.sums, reterr);
        if (r >= 0)
                r = put_release(&o, reterr);
        if (r >= 0)
                r = commit(&o, result, reterr);
        if (r < 0)
                return r;
        ingot_channel_done(&result->channel);
        result->channel = o.channel;
        o.channel = (struct ingot_channel){0};
        result->published = true;
        return 0;
}

static int remove_noted(const struct ingot_publish_folder *f, const char *note,
                        const struct ingot_sums *kept, ingot_error *reterr)
{
        _cleanup_sums_ struct ingot_sums gone = {0};
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_file_read(f->lock, note, INGOT_SUMS_SIZE_MAX, &text, &size, reterr);
        if (r >= 0)
                r = ingot_sums_decode(INGOT_SPAN(text, size), &gone, reterr);
        for (size_t i = 0; r >= 0 && i < gone.count; i++)
                if (!ingot_sums_find(kept, gone.items[i].name))
                        r = remove_name(f, gone.items[i].name, reterr);
        return r < 0 ? ingot_under(reterr, r, "%s", note) : remove_name(f, note, reterr);
}

int ingot_publish_remove_left(const struct ingot_publish_folder *f, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        _cleanup_sums_ struct ingot_sums kept = {0};
        int r = ingot_list_directory(f->lock, ".", &names, reterr);
        for (size_t i = 0; r >= 0 && i < f->count; i++)
                r = ingot_publish_names(&f->items[i].channel, &kept, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++)
                if (names.items[i][0] == '.' && ingot_ends_with(names.items[i], REMOVING_SUFFIX))
                        r = remove_noted(f, names.items[i], &kept, reterr);
        return r;
}
