/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A build's folder as a release: what its sums and manifest say, and whether it is so. */
#include "base/cleanup.h"
#include "format/partition-type.h"
#include "format/uki.h"
#include "image/esp.h"
#include "image/manifest-read.h"
#include "image/measurement-file.h"
#include "image/verify.h"
#include "os/file.h"
#include "update/publish-state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST_SUFFIX ".manifest.json"
#define OS_RELEASE_MAX 65536

void ingot_publish_build_done(struct ingot_publish_build *b)
{
        free(b->name);
        free(b->architecture);
        ingot_release_done(&b->release);
        ingot_sign_wish_done(&b->wish);
        *b = (struct ingot_publish_build){0};
}

static int read_file(const char *folder, const char *name, size_t max, struct ingot_buffer *ret,
                     ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "%s/%s", folder, name);
        if (r >= 0)
                r = ingot_file_read(AT_FDCWD, path, max, &ret->data, &ret->size, reterr);
        if (r >= 0)
                ret->allocated = ret->size;
        return r;
}

static int read_sums(const char *folder, struct ingot_sums *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = read_file(folder, INGOT_SUMS_FILE, INGOT_SUMS_SIZE_MAX, &text, reterr);
        if (r == -INGOT_E_NOTFOUND)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "%s has no " INGOT_SUMS_FILE ": no build has finished there",
                                  folder);
        return r < 0 ? r
                     : ingot_under(reterr, ingot_sums_decode(ingot_buffer_span(&text), ret, reterr),
                                   "%s", folder);
}

/* The one that the sums name. */
static int find_manifest(const struct ingot_sums *sums, const char **ret, ingot_error *reterr)
{
        *ret = NULL;
        for (size_t i = 0; i < sums->count; i++) {
                if (!ingot_ends_with(sums->items[i].name, MANIFEST_SUFFIX))
                        continue;
                if (*ret)
                        return ingot_fail(reterr, INGOT_E_CONFLICT,
                                          "its sums name two manifests, %s and %s: one build is "
                                          "published at a time",
                                          *ret, sums->items[i].name);
                *ret = sums->items[i].name;
        }
        return *ret ? 0
                    : ingot_fail(reterr, INGOT_E_NOTFOUND,
                                 "its sums name no manifest (*" MANIFEST_SUFFIX ")");
}

static int take_file(struct ingot_release_file *f, const char *name, uint64_t size,
                     const uint8_t *sha256, ingot_error *reterr)
{
        f->size = size;
        memcpy(f->sha256, sha256, sizeof(f->sha256));
        return ingot_strdup(&f->name, name, reterr);
}

/* An artifact of the manifest, which the sums must have, too. */
static int take_artifact(struct ingot_release_file *f, const struct ingot_manifest *m,
                         const struct ingot_sums *sums, const char *name, ingot_error *reterr)
{
        for (size_t i = 0; i < m->artifact_count; i++) {
                const struct ingot_manifest_artifact *a = m->artifacts + i;
                const uint8_t *sum = ingot_sums_find(sums, name);
                if (strcmp(a->name, name) != 0)
                        continue;
                if (!sum || memcmp(sum, a->sha256, sizeof(a->sha256)) != 0)
                        return ingot_fail(reterr, INGOT_E_REFUSED,
                                          "%s: manifest and " INGOT_SUMS_FILE " differ: build it "
                                          "again",
                                          name);
                return take_file(f, name, a->size, a->sha256, reterr);
        }
        return ingot_fail(reterr, INGOT_E_FORMAT, "the manifest does not list %s", name);
}

static int take_partitions(struct ingot_release *r, const struct ingot_manifest *m,
                           const struct ingot_sums *sums, ingot_error *reterr)
{
        for (size_t i = 0; i < m->partition_count; i++) {
                const struct ingot_manifest_partition *p = m->partitions + i;
                const struct ingot_partition_type *type = ingot_partition_type_by_uuid(&p->type);
                struct ingot_release_file *to = NULL;
                if (!p->has_data || !type)
                        continue;
                if (type->designator == INGOT_DESIGNATOR_ROOT)
                        to = &r->root;
                else if (type->designator == INGOT_DESIGNATOR_ROOT_VERITY)
                        to = &r->tree;
                else if (type->designator == INGOT_DESIGNATOR_ROOT_VERITY_SIG)
                        to = &r->signature;
                if (!to || to->name)
                        continue;
                int e = take_artifact(to, m, sums, p->artifact, reterr);
                if (e < 0)
                        return e;
        }
        return r->root.name && r->tree.name
                       ? 0
                       : ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                    "it has no root file system with a hash tree");
}

static int take_rest(struct ingot_release *r, const struct ingot_manifest *m,
                     const struct ingot_sums *sums, ingot_error *reterr)
{
        int e = take_artifact(&r->uki, m, sums, m->uki, reterr);
        for (size_t i = 0; e >= 0 && i < m->artifact_count; i++)
                if (ingot_ends_with(m->artifacts[i].name, INGOT_MEASUREMENT_SUFFIX) &&
                    !r->measurement.name)
                        e = take_artifact(&r->measurement, m, sums, m->artifacts[i].name, reterr);
        if (e >= 0 && m->extent_size > UINT32_MAX)
                e = ingot_fail(reterr, INGOT_E_FORMAT, "extents of more than 32 bits");
        if (e < 0)
                return e;
        r->extent_size = (uint32_t) m->extent_size;
        r->extents = malloc(m->extent_count * INGOT_SHA256_SIZE + 1);
        if (!r->extents)
                return ingot_fail_nomem(reterr);
        memcpy(r->extents, m->extents, m->extent_count * INGOT_SHA256_SIZE);
        r->extent_count = m->extent_count;
        r->verity = m->verity;
        memcpy(r->root_hash, m->root_hash, sizeof(r->root_hash));
        return ingot_strdup(&r->version, m->version, reterr);
}

static int take_signature(struct ingot_release *r, const char *folder, const char *name,
                          ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        uint8_t digest[INGOT_SHA256_SIZE];
        struct ingot_release_file *more = reallocarray(
                r->measurement_signatures, r->measurement_signature_count + 1, sizeof(*more));
        if (!more)
                return ingot_fail_nomem(reterr);
        r->measurement_signatures = more;
        more += r->measurement_signature_count++;
        *more = (struct ingot_release_file){0};
        int e = read_file(folder, name, INGOT_SIGNATURE_SIZE_MAX, &bytes, reterr);
        if (e < 0)
                return e;
        ingot_sha256_of(bytes.data, bytes.size, digest);
        return take_file(more, name, bytes.size, digest, reterr);
}

/* What stands beside the measurement manifest. It is signed together with the sums, which therefore
 * do not name it. */
static int take_signatures(struct ingot_release *r, const char *folder, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        bool openpgp;
        int e = r->measurement.name ? ingot_list_files(folder, &names, reterr) : 0;
        for (size_t i = 0; e >= 0 && i < names.count; i++)
                if (ingot_is_signature_name(names.items[i], r->measurement.name, &openpgp))
                        e = take_signature(r, folder, names.items[i], reterr);
        return e < 0 ? e : 0;
}

/* The os-release that is in the UKI; a UKI without one leaves it NULL. */
static int take_os_release(const char *folder, struct ingot_release *r, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_uki_ struct ingot_uki uki = {0};
        uint8_t *text;
        size_t size;
        int e = ingot_format(&path, reterr, "%s/%s", folder, r->uki.name);
        if (e >= 0)
                e = ingot_file_open(&file, path, reterr);
        struct ingot_reader reader = ingot_file_reader(&file);
        if (e >= 0)
                e = ingot_uki_read(&reader, &uki, reterr);
        if (e < 0)
                return e;
        const struct ingot_uki_section *s = ingot_uki_find(&uki, 0, INGOT_UKI_OSREL);
        if (!s)
                return 0;
        e = ingot_pe_section_read(&reader, &s->pe, OS_RELEASE_MAX, &text, &size, reterr);
        if (e < 0)
                return e;
        r->os_release = strndup((const char *) text, size);
        free(text);
        return r->os_release ? 0 : ingot_fail_nomem(reterr);
}

/* Who may sign; and a word when what is to be signed before is not. */
static int take_wish(const char *folder, const struct ingot_manifest *m,
                     const struct ingot_buffer *sums, const struct ingot_log *log,
                     struct ingot_publish_build *b, ingot_error *reterr)
{
        _cleanup_sign_request_ struct ingot_sign_request q = {0};
        _cleanup_buffer_ struct ingot_buffer want = {0};
        _cleanup_free_ char *path = NULL;
        b->wish = (struct ingot_sign_wish){.wanted = true, .threshold = 1};
        int r = ingot_format(&path, reterr, "%s/%s_%s.sign.json", folder, m->name, m->version);
        if (r < 0 || !ingot_file_exists(path))
                return r;
        r = ingot_sign_request_load(path, &q, reterr);
        if (r < 0)
                return r;
        size_t content = ingot_sign_find_content(&q, INGOT_SUMS_FILE);
        bool wants = q.wishes[INGOT_PURPOSE_PCR].wanted || q.wishes[INGOT_PURPOSE_VERITY].wanted ||
                     q.wishes[INGOT_PURPOSE_SECURE_BOOT].wanted;
        r = wants && content != INGOT_SIGN_NONE
                    ? ingot_sign_content_bytes(&q, content, &want, reterr)
                    : 0;
        if (r < 0)
                return r;
        if (wants &&
            (r == 1 || want.size != sums->size || memcmp(want.data, sums->data, want.size) != 0))
                ingot_warn(log,
                           "%s is published as it was built: its recipe wants signatures that "
                           "are not in it; 'ingot sign answer' and 'ingot sign attach' come first",
                           folder);
        if (q.wishes[INGOT_PURPOSE_RELEASE].wanted) {
                b->wish = q.wishes[INGOT_PURPOSE_RELEASE];
                q.wishes[INGOT_PURPOSE_RELEASE] = (struct ingot_sign_wish){0};
        }
        return 0;
}

static int load(const char *folder, const struct ingot_log *log, struct ingot_publish_build *b,
                ingot_error *reterr)
{
        _cleanup_sums_ struct ingot_sums sums = {0};
        _cleanup_manifest_ struct ingot_manifest m = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0}, sums_text = {0};
        const char *name = NULL;
        int r = read_sums(folder, &sums, reterr);
        if (r >= 0)
                r = find_manifest(&sums, &name, reterr);
        if (r >= 0)
                r = read_file(folder, name, INGOT_MANIFEST_SIZE_MAX, &text, reterr);
        if (r >= 0)
                r = ingot_manifest_decode(ingot_buffer_span(&text), &m, reterr);
        if (r >= 0)
                r = take_partitions(&b->release, &m, &sums, reterr);
        if (r >= 0)
                r = take_rest(&b->release, &m, &sums, reterr);
        if (r >= 0)
                r = take_signatures(&b->release, folder, reterr);
        if (r >= 0)
                r = take_os_release(folder, &b->release, reterr);
        if (r >= 0)
                r = take_file(&b->release.manifest, name, text.size, ingot_sums_find(&sums, name),
                              reterr);
        if (r >= 0)
                r = ingot_sums_encode(&sums, &sums_text, reterr);
        if (r >= 0)
                r = take_wish(folder, &m, &sums_text, log, b, reterr);
        b->release.rollout = 100;
        b->timestamp = m.timestamp;
        b->name = TAKE_PTR(m.name);
        b->architecture = TAKE_PTR(m.architecture);
        return r;
}

int ingot_publish_build_load(const char *folder, const struct ingot_log *log,
                             struct ingot_publish_build *ret, ingot_error *reterr)
{
        _cleanup_(ingot_publish_build_done) struct ingot_publish_build b = {0};
        int r = load(folder, log, &b, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "build %s", folder);
        *ret = b;
        b = (struct ingot_publish_build){0};
        return 0;
}

/* The first finding that does not hold. */
static int judge(const struct ingot_verification *v, ingot_error *reterr)
{
        static const enum ingot_finding_state bad[] = {INGOT_FINDING_REFUSED,
                                                       INGOT_FINDING_NOT_CHECKED};
        static const int codes[] = {INGOT_E_REFUSED, INGOT_E_UNSUPPORTED};
        for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
                for (size_t i = 0; i < v->count; i++) {
                        const struct ingot_finding *f = v->findings + i;
                        if (f->state == bad[k])
                                return ingot_fail(reterr, codes[k], "%s: %s: %s", f->where,
                                                  f->check, f->why ? f->why : "does not hold");
                }
        return 0;
}

int ingot_publish_build_check(const struct ingot_publish_build *b, const char *folder,
                              const struct ingot_publish_options *options, ingot_error *reterr)
{
        struct ingot_file files[INGOT_RELEASE_PARTS];
        struct ingot_artifact_file artifacts[INGOT_RELEASE_PARTS];
        struct ingot_verify_listed items[INGOT_RELEASE_PARTS];
        struct ingot_verify_listing listing = {.items = items};
        const struct ingot_verify_options verify = {.threads = options->threads,
                                                    .log = options->log,
                                                    .listings = &listing,
                                                    .listing_count = 1};
        _cleanup_verification_ struct ingot_verification v = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < INGOT_RELEASE_PARTS; i++) {
                const struct ingot_release_file *f = ingot_release_part(&b->release, i, NULL);
                _cleanup_free_ char *path = NULL;
                size_t n = listing.count;
                if (!f->name)
                        continue;
                r = ingot_format(&path, reterr, "%s/%s", folder, f->name);
                if (r >= 0)
                        r = ingot_file_open(files + n, path, reterr);
                if (r < 0)
                        break;
                artifacts[n].name = items[n].name = f->name;
                artifacts[n].reader = ingot_file_reader(files + n);
                items[n].size = f->size;
                items[n].sha256 = f->sha256;
                listing.count++;
        }
        if (r >= 0)
                r = ingot_verify(artifacts, listing.count, &verify, &v, reterr);
        for (size_t i = 0; i < listing.count; i++)
                ingot_file_close(files + i);
        if (r >= 0)
                r = judge(&v, reterr);
        return ingot_under(reterr, r, "build %s", folder);
}
