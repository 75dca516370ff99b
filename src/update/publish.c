/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a build to what a channel offers. */
#include "update/publish.h"
#include "base/cleanup.h"
#include "format/version.h"
#include "os/file.h"
#include "update/publish-state.h"

#include <stdlib.h>
#include <string.h>

void ingot_publish_result_done(struct ingot_publish_result *r)
{
        ingot_channel_done(&r->channel);
        free(r->request);
        ingot_strings_done(&r->added);
        ingot_strings_done(&r->removed);
        *r = (struct ingot_publish_result){0};
}

/* One run. */
struct work {
        const struct ingot_publish_options *options;
        struct ingot_publish_build build;
        struct ingot_publish_folder folder;
        const struct ingot_publish_index *before; /* the channel's, or NULL */
        struct ingot_key_files keys;
        struct ingot_strings sources; /* paths of what is to be copied */
};

static void work_done(struct work *w)
{
        ingot_publish_build_done(&w->build);
        ingot_publish_folder_close(&w->folder);
        ingot_key_files_done(&w->keys);
        ingot_strings_done(&w->sources);
}

static int add_key(struct ingot_key_files *keys, enum ingot_technology technology, const char *name,
                   struct ingot_span content, ingot_error *reterr)
{
        struct ingot_key_file file = {.technology = technology};
        int r = ingot_strdup(&file.path, name, reterr);
        if (r >= 0)
                r = ingot_buffer_append(&file.content, content.data, content.size, reterr);
        if (r >= 0)
                return ingot_key_files_take(keys, &file, reterr);
        free(file.path);
        ingot_buffer_done(&file.content);
        return r;
}

static int add_certificate(struct ingot_key_files *keys, const struct ingot_certificate *c,
                           ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer pem = {0};
        int r = ingot_certificate_pem(c, &pem, reterr);
        return r < 0 ? r
                     : add_key(keys, INGOT_TECHNOLOGY_X509, ingot_certificate_subject(c),
                               ingot_buffer_span(&pem), reterr);
}

static int add_openpgp(struct ingot_key_files *keys, const struct ingot_openpgp_holder *h,
                       ingot_error *reterr)
{
        return add_key(keys, INGOT_TECHNOLOGY_OPENPGP, h->name, ingot_buffer_span(&h->certificate),
                       reterr);
}

/* Whose signatures the release files that are there may have. */
static int gather_keys(struct work *w, ingot_error *reterr)
{
        const struct ingot_publish_options *o = w->options;
        const struct ingot_sign_wish *wish = &w->build.wish;
        const struct ingot_signer *s = NULL;
        int r = 0;
        for (size_t i = 0; r >= 0 && o->trusted && i < o->trusted->count; i++) {
                const struct ingot_key_file *f = o->trusted->items + i;
                r = add_key(&w->keys, f->technology, f->path, ingot_buffer_span(&f->content),
                            reterr);
        }
        for (size_t i = 0; r >= 0 && i < wish->certificates.count; i++)
                r = add_certificate(&w->keys, wish->certificates.items[i], reterr);
        for (size_t i = 0; r >= 0 && i < wish->openpgp_count; i++)
                r = add_openpgp(&w->keys, wish->openpgp[i], reterr);
        while (r >= 0 && o->signers &&
               (s = ingot_signers_find(o->signers, INGOT_PURPOSE_RELEASE, s)))
                r = s->openpgp       ? add_openpgp(&w->keys, s->openpgp, reterr)
                    : s->certificate ? add_certificate(&w->keys, s->certificate, reterr)
                                     : ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                                  "key %s: a release needs a certificate", s->name);
        return r;
}

static int open_folder(struct work *w, ingot_error *reterr)
{
        const struct ingot_publish_options *o = w->options;
        const struct ingot_signature_request request = {.keys = &w->keys,
                                                        .now = o->now,
                                                        .undated = true,
                                                        .threshold =
                                                                (size_t) w->build.wish.threshold};
        _cleanup_free_ char *file = NULL;
        int r = o->dry_run ? 0 : ingot_make_directories(o->folder, 0755, reterr);
        if (r >= 0)
                r = ingot_publish_folder_open(o->folder, w->keys.count > 0 ? &request : NULL,
                                              &w->folder, reterr);
        if (r < 0)
                return r;
        if (w->keys.count == 0 && w->folder.count > 0)
                ingot_warn(o->log,
                           "nobody said who may have signed %s: what it names is taken as it is "
                           "(--verify-key names who)",
                           w->folder.items->file);
        if (!o->dry_run) {
                ingot_outfile_sweep(o->folder);
                r = ingot_publish_remove_left(&w->folder, reterr);
        }
        const char *name = w->build.name         ? w->build.name
                           : w->folder.count > 0 ? w->folder.items->channel.name
                                                 : "";
        if (r >= 0)
                r = ingot_channel_file_name(name, o->channel, &file, reterr);
        if (r < 0)
                return r;
        w->before = ingot_publish_folder_find(&w->folder, file);
        if (!o->build && !w->before)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "%s has no channel '%s' that could be changed", o->folder,
                                  o->channel);
        if (!w->build.name || w->folder.count == 0)
                return 0;
        const struct ingot_channel *c = &w->folder.items->channel;
        return strcmp(c->name, w->build.name) == 0 &&
                               strcmp(c->architecture, w->build.architecture) == 0
                       ? 0
                       : ingot_fail(reterr, INGOT_E_CONFLICT,
                                    "%s is the folder of %s (%s), and the build is of %s (%s): "
                                    "each product needs a folder",
                                    o->folder, c->name, c->architecture, w->build.name,
                                    w->build.architecture);
}

/* Signatures of the measurement manifest may come later. */
static bool same_content(const struct ingot_release *a, const struct ingot_release *b)
{
        const struct ingot_release_file *x, *y;
        for (size_t i = 0; i < INGOT_RELEASE_PARTS; i++) {
                x = ingot_release_part(a, i, NULL);
                y = ingot_release_part(b, i, NULL);
                if (!x->name != !y->name ||
                    (x->name && (strcmp(x->name, y->name) != 0 ||
                                 memcmp(x->sha256, y->sha256, sizeof(x->sha256)) != 0)))
                        return false;
        }
        return true;
}

/* The build's release as one of the channel's, at its place. */
static int insert(struct work *w, struct ingot_channel *c, struct ingot_release **ret,
                  ingot_error *reterr)
{
        struct ingot_release *r = &w->build.release;
        size_t at = 0;
        while (at < c->release_count &&
               ingot_version_compare(c->releases[at].version, r->version) > 0)
                at++;
        struct ingot_release *there = at < c->release_count ? c->releases + at : NULL;
        if (there && ingot_version_compare(there->version, r->version) == 0) {
                if (strcmp(there->version, r->version) != 0 || !same_content(there, r))
                        return ingot_fail(reterr, INGOT_E_CONFLICT,
                                          "version %s was published with another content, and what "
                                          "was published is never changed: build it with another "
                                          "version",
                                          there->version);
                r->rollout = there->rollout;
                r->notes = TAKE_PTR(there->notes);
                if (r->extension_count == 0) {
                        r->extensions = TAKE_PTR(there->extensions);
                        r->extension_count = there->extension_count;
                        there->extension_count = 0;
                }
                if (r->measurement_signature_count == 0) {
                        r->measurement_signatures = TAKE_PTR(there->measurement_signatures);
                        r->measurement_signature_count = there->measurement_signature_count;
                        there->measurement_signature_count = 0;
                }
                ingot_release_done(there);
        } else {
                struct ingot_release *more =
                        reallocarray(c->releases, c->release_count + 1, sizeof(*more));
                if (!more)
                        return ingot_fail_nomem(reterr);
                c->releases = more;
                there = more + at;
                memmove(there + 1, there, (c->release_count - at) * sizeof(*there));
                c->release_count++;
        }
        *there = *r;
        *r = (struct ingot_release){0};
        *ret = there;
        return 0;
}

static int set_text(char **to, const char *text, ingot_error *reterr)
{
        free(*to);
        *to = NULL;
        return *text ? ingot_strdup(to, text, reterr) : 0;
}

static int apply_options(const struct ingot_publish_options *o, struct ingot_channel *c,
                         struct ingot_release *release, ingot_error *reterr)
{
        int r = o->notes ? set_text(&release->notes, o->notes, reterr) : 0;
        if (r >= 0 && o->minimum)
                r = set_text(&c->minimum, o->minimum, reterr);
        if (r < 0)
                return r;
        if (o->set_rollout)
                release->rollout = o->rollout;
        if (o->set_expires)
                c->expires = o->expires;
        _cleanup_free_ char *version = NULL;
        r = ingot_strdup(&version, release->version, reterr);
        while (r >= 0 && o->keep > 0 && c->release_count > o->keep) {
                struct ingot_release *last = c->releases + --c->release_count;
                bool is_it = strcmp(last->version, version) == 0;
                ingot_release_done(last);
                if (is_it)
                        r = ingot_fail(reterr, INGOT_E_CONFLICT,
                                       "version %s is older than the %zu that are kept", version,
                                       c->release_count);
        }
        if (r >= 0)
                r = ingot_channel_check_minimum(c, version, reterr);
        return r;
}

static int compose(struct work *w, struct ingot_channel *ret, ingot_error *reterr)
{
        _cleanup_channel_ struct ingot_channel c = {0};
        struct ingot_release *release;
        int r = w->before ? ingot_channel_decode(ingot_buffer_span(&w->before->payload), &c, reterr)
                          : ingot_strdup(&c.name, w->build.name, reterr);
        if (r >= 0 && !w->before)
                r = ingot_strdup(&c.architecture, w->build.architecture, reterr);
        if (r >= 0 && !w->before)
                r = ingot_strdup(&c.channel, w->options->channel, reterr);
        release = c.releases;
        if (r >= 0 && w->options->build)
                r = insert(w, &c, &release, reterr);
        if (r >= 0)
                r = apply_options(w->options, &c, release, reterr);
        if (r < 0)
                return r;
        *ret = c;
        c = (struct ingot_channel){0};
        return 0;
}

/* Would the release file be the same as it is? */
static int is_unchanged(struct work *w, const struct ingot_channel *c, bool *ret,
                        ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        *ret = false;
        if (!w->before || !w->options->build)
                return 0;
        int r = ingot_channel_encode(c, &text, reterr);
        if (r >= 0)
                *ret = text.size == w->before->payload.size &&
                       memcmp(text.data, w->before->payload.data, text.size) == 0;
        return r;
}

/* What is not there yet is to be added. */
static int look_for(struct work *w, const char *source, const struct ingot_release_file *f,
                    struct ingot_publish_result *result, ingot_error *reterr)
{
        int r = ingot_publish_compare(w->options->folder, f, reterr);
        if (r <= 0)
                return r;
        result->added_size += f->size;
        r = ingot_strings_add(&result->added, f->name, reterr);
        return r < 0 ? r : ingot_strings_add(&w->sources, source, reterr);
}

/* The files of R, a version of the build's: of the others each was published before. */
static int look_for_files(struct work *w, const struct ingot_release *r,
                          struct ingot_publish_result *result, ingot_error *reterr)
{
        const struct ingot_strings *extensions = w->options->extensions;
        const struct ingot_release_file *f;
        int e = 0;
        for (size_t i = 0; e >= 0 && (f = ingot_release_part(r, i, NULL)); i++) {
                _cleanup_free_ char *source = NULL;
                if (!f->name)
                        continue;
                e = ingot_format(&source, reterr, "%s/%s", w->options->build, f->name);
                if (e >= 0)
                        e = look_for(w, source, f, result, reterr);
        }
        for (size_t i = 0; e >= 0 && extensions && i < extensions->count; i++)
                e = look_for(w, extensions->items[i], &r->extensions[i].file, result, reterr);
        return e;
}

static const struct ingot_release_file *find_file(const struct ingot_release *r, const char *name)
{
        const struct ingot_release_file *f;
        for (size_t i = 0; (f = ingot_release_part(r, i, NULL)); i++)
                if (f->name && strcmp(f->name, name) == 0)
                        return f;
        for (size_t i = 0; i < r->extension_count; i++)
                if (strcmp(r->extensions[i].file.name, name) == 0)
                        return &r->extensions[i].file;
        return NULL;
}

static int copy_files(struct work *w, const struct ingot_release *r,
                      const struct ingot_publish_result *result, ingot_error *reterr)
{
        uint64_t done = 0;
        int e = 0;
        for (size_t i = 0; e >= 0 && i < w->sources.count; i++) {
                const struct ingot_release_file *f = find_file(r, result->added.items[i]);
                ingot_progress(w->options->log, "copy", done, result->added_size);
                e = ingot_publish_copy(w->sources.items[i], w->options->folder, f, reterr);
                done += f->size;
        }
        return e;
}

/* Without a build: the wish and the time of the request before. */
static int take_last_request(struct work *w, const char *path, ingot_error *reterr)
{
        _cleanup_sign_request_ struct ingot_sign_request q = {0};
        if (w->options->build || !ingot_file_exists(path))
                return 0;
        int r = ingot_sign_request_load(path, &q, reterr);
        if (r < 0 || !q.release)
                return r;
        ingot_sign_wish_done(&w->build.wish);
        w->build.wish = q.wishes[INGOT_PURPOSE_RELEASE];
        q.wishes[INGOT_PURPOSE_RELEASE] = (struct ingot_sign_wish){0};
        w->build.timestamp = q.timestamp;
        return 0;
}

static bool is_complete(const struct ingot_sign_request *q)
{
        for (size_t i = 0; i < q->thing_count; i++)
                if (!ingot_sign_is_answered(q, q->things + i))
                        return false;
        return true;
}

/* Makes the request, and what the keys at hand can make of it. */
static int sign(struct work *w, struct ingot_publish_result *result, ingot_error *reterr)
{
        const struct ingot_publish_options *o = w->options;
        _cleanup_sign_request_ struct ingot_sign_request q = {0};
        size_t made;
        int r = ingot_format(&result->request, reterr, "%s/%s.%s" INGOT_PUBLISH_REQUEST_SUFFIX,
                             o->folder, result->channel.name, o->channel);
        if (r >= 0)
                r = take_last_request(w, result->request, reterr);
        if (r >= 0)
                r = ingot_publish_request(&w->folder, &result->channel, &w->build.wish,
                                          w->build.timestamp, &q, reterr);
        if (r >= 0 && o->signers)
                r = ingot_sign_answer(&q, o->signers, &made, reterr);
        if (r >= 0)
                r = ingot_sign_request_save(&q, result->request, reterr);
        if (r < 0 || !is_complete(&q))
                return r;
        return ingot_publish_finish(&w->folder, &q, result, reterr);
}

/* A dry run says what would go. */
static int note_removed(struct work *w, struct ingot_publish_result *result, ingot_error *reterr)
{
        _cleanup_sums_ struct ingot_sums before = {0}, after = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = w->before ? ingot_publish_names(&w->before->channel, &before, reterr) : 0;
        if (r >= 0)
                r = ingot_publish_sums(&w->folder, &result->channel, &text, reterr);
        if (r >= 0)
                r = ingot_sums_decode(ingot_buffer_span(&text), &after, reterr);
        for (size_t i = 0; r >= 0 && i < before.count; i++)
                if (!ingot_sums_find(&after, before.items[i].name))
                        r = ingot_strings_add(&result->removed, before.items[i].name, reterr);
        return r;
}

static int load(struct work *w, ingot_error *reterr)
{
        const struct ingot_publish_options *o = w->options;
        int r = 0;
        w->build.wish = (struct ingot_sign_wish){.wanted = true, .threshold = 1};
        if (!ingot_channel_name_valid(o->channel))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "'%s' is no channel's name: up to 24 of a-z, 0-9 and '-'",
                                  o->channel);
        if (o->build)
                r = ingot_publish_build_load(o->build, o->log, &w->build, reterr);
        for (size_t i = 0; r >= 0 && o->extensions && i < o->extensions->count; i++)
                r = ingot_publish_add_extension(&w->build, o->extensions->items[i], reterr);
        if (r >= 0 && o->build)
                r = ingot_publish_build_check(&w->build, o->build, o, reterr);
        if (r >= 0)
                r = gather_keys(w, reterr);
        return r < 0 ? r : open_folder(w, reterr);
}

static int publish(struct work *w, struct ingot_publish_result *result, ingot_error *reterr)
{
        _cleanup_free_ char *version = NULL;
        bool unchanged;
        int r = w->options->build ? ingot_strdup(&version, w->build.release.version, reterr) : 0;
        if (r >= 0)
                r = compose(w, &result->channel, reterr);
        if (r >= 0)
                r = is_unchanged(w, &result->channel, &unchanged, reterr);
        if (r < 0)
                return r;
        result->published = unchanged;
        result->changed = !unchanged;
        const struct ingot_release *release =
                version ? ingot_channel_find(&result->channel, version) : NULL;
        if (release)
                r = look_for_files(w, release, result, reterr);
        if (r >= 0 && release && !w->options->dry_run)
                r = copy_files(w, release, result, reterr);
        if (r < 0 || unchanged)
                return r;
        result->channel.serial++;
        r = ingot_channel_check(&result->channel, reterr);
        if (r < 0)
                return r;
        return w->options->dry_run ? note_removed(w, result, reterr) : sign(w, result, reterr);
}

int ingot_publish(const struct ingot_publish_options *options, struct ingot_publish_result *ret,
                  ingot_error *reterr)
{
        __attribute__((cleanup(work_done))) struct work w = {.options = options,
                                                             .folder = INGOT_PUBLISH_FOLDER_NONE};
        _cleanup_publish_result_ struct ingot_publish_result result = {0};
        int r = load(&w, reterr);
        if (r >= 0)
                r = publish(&w, &result, reterr);
        if (r < 0)
                return r;
        *ret = result;
        result = (struct ingot_publish_result){0};
        return 0;
}

int ingot_publish_attach(const char *request, const struct ingot_log *log,
                         struct ingot_publish_result *ret, ingot_error *reterr)
{
        _cleanup_(ingot_publish_folder_close) struct ingot_publish_folder folder =
                INGOT_PUBLISH_FOLDER_NONE;
        _cleanup_sign_request_ struct ingot_sign_request q = {0};
        _cleanup_publish_result_ struct ingot_publish_result result = {.changed = true};
        _cleanup_free_ char *path = NULL;
        const char *slash = strrchr(request, '/');
        (void) log;
        int r = slash == request ? ingot_strdup(&path, "/", reterr)
                : slash ? ingot_format(&path, reterr, "%.*s", (int) (slash - request), request)
                        : ingot_strdup(&path, ".", reterr);
        if (r >= 0)
                r = ingot_strdup(&result.request, request, reterr);
        if (r >= 0)
                r = ingot_publish_folder_open(path, NULL, &folder, reterr);
        if (r >= 0)
                r = ingot_publish_remove_left(&folder, reterr);
        if (r >= 0)
                r = ingot_sign_request_load(request, &q, reterr);
        if (r >= 0 && !q.release)
                r = ingot_fail(reterr, INGOT_E_CONFLICT, "%s is of a build", request);
        if (r >= 0)
                r = ingot_publish_finish(&folder, &q, &result, reterr);
        if (r < 0)
                return r;
        *ret = result;
        result = (struct ingot_publish_result){0};
        return 0;
}
