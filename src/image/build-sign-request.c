/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The signing request of a build. The disk is done, and nothing of it changes; what is computed
 * here is what the release will be like once it is signed, as far as that is known.
 */
#include "base/cleanup.h"
#include "base/size.h"
#include "format/partition-type.h"
#include "image/build-measurement.h"
#include "image/build-state.h"
#include "image/esp.h"
#include "image/sign-describe.h"
#include "image/sign-program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PIECE ((size_t) 64 << 10)

struct work {
        struct ingot_build *b;
        struct ingot_sign_request *q;
        struct ingot_sign_program uki;
        size_t uki_thing;
        size_t measurement; /* a content */
        struct ingot_sign_hole holes[2];
        size_t hole_count;
        struct ingot_sign_marks marks;
        struct ingot_artifact artifacts[8]; /* of the signed release */
        size_t artifact_count;
};

static void work_done(struct work *w)
{
        for (size_t i = 0; i < w->artifact_count; i++)
                free(w->artifacts[i].name);
        ingot_sign_marks_done(&w->marks);
}

static bool wants(const struct work *w, enum ingot_purpose purpose)
{
        return w->q->wishes[purpose].wanted;
}

static int hash_part(struct ingot_sha256 *h, const struct ingot_reader *r, uint64_t from,
                     uint64_t to, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *piece = malloc(PIECE);
        if (!piece)
                return ingot_fail_nomem(reterr);
        while (from < to) {
                size_t n = (size_t) ingot_min_u64(PIECE, to - from);
                int e = ingot_read_at(r, from, piece, n, reterr);
                if (e < 0)
                        return e;
                ingot_sha256_update(h, piece, n);
                from += n;
        }
        return 0;
}

static int add_head(struct work *w, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        struct ingot_sign_request *q = w->q;
        int r = ingot_strdup(&q->name, w->b->name, reterr);
        if (r >= 0)
                r = ingot_strdup(&q->version, w->b->version, reterr);
        if (r >= 0)
                r = ingot_strdup(&q->architecture, w->b->architecture, reterr);
        if (r >= 0)
                r = ingot_strdup(&q->label, w->b->label, reterr);
        if (r >= 0)
                r = ingot_strdup(&q->image, w->b->disk.name, reterr);
        if (r >= 0)
                r = ingot_strdup(&q->uki, w->b->uki.name, reterr);
        if (r >= 0)
                r = ingot_esp_uki_name(
                        w->b->name, w->b->version,
                        (unsigned) ingot_recipe_number(w->b->recipe, INGOT_BOOT_TRIES), &name,
                        reterr);
        if (r >= 0)
                r = ingot_format(&q->esp_uki, reterr, "EFI/Linux/%s", name);
        q->timestamp = (uint64_t) w->b->timestamp;
        return r;
}

/* PROFILE: the ID of a further profile, or NULL. */
static int add_pcr_thing(struct work *w, enum ingot_bank bank, const char *path,
                         const char *profile, const struct ingot_pcr *booted, ingot_error *reterr)
{
        _cleanup_free_ char *id = NULL;
        struct ingot_sign_thing *t;
        struct ingot_pcr pcr = *booted;
        int r = ingot_format(&id, reterr, "pcr:%s:%s%s%s", ingot_bank_name(bank), path,
                             profile ? "@" : "", profile ? profile : "");
        if (r >= 0)
                r = ingot_pcr11_phases(&pcr, path, reterr);
        if (r >= 0)
                r = ingot_sign_add_thing(w->q, INGOT_PURPOSE_PCR, id, &t, reterr);
        if (r >= 0)
                r = ingot_strdup(&t->phases, path, reterr);
        if (r >= 0 && profile)
                r = ingot_strdup(&t->profile, profile, reterr);
        if (r >= 0)
                r = ingot_strdup(&t->artifact, w->b->uki.name, reterr);
        if (r < 0)
                return r;
        t->bank = bank;
        memcpy(t->value, pcr.value[bank], sizeof(t->value));
        ingot_policy_of_pcr(bank, INGOT_PCRSIG_PCR, t->value, t->policy);
        return 0;
}

static int add_profile_things(struct work *w, const char *profile, const struct ingot_pcr *booted,
                              ingot_error *reterr)
{
        const struct ingot_strings *banks =
                ingot_recipe_list(w->b->recipe, INGOT_SIGNING_PCR_BANKS);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < banks->count; i++) {
                enum ingot_bank bank = INGOT_BANK_SHA256;
                if (!ingot_bank_parse(banks->items[i], &bank))
                        return ingot_fail(reterr, INGOT_E_INTERNAL, "Sign.PcrBanks");
                for (size_t k = 0; r >= 0 && ingot_pcr11_paths[k]; k++)
                        r = add_pcr_thing(w, bank, ingot_pcr11_paths[k], profile, booted, reterr);
        }
        return r;
}

/* All of them stand in one .pcrsig: the policy says which profile it is for (docs/decisions/113). */
static int add_pcr_things(struct work *w, const struct ingot_reader *uki, ingot_error *reterr)
{
        _cleanup_uki_ struct ingot_uki decoded = {0};
        struct ingot_pcr booted;
        if (!wants(w, INGOT_PURPOSE_PCR))
                return 0;
        int r = ingot_uki_read(uki, &decoded, reterr);
        for (uint32_t i = 0; r >= 0 && i < (decoded.profile_count ? decoded.profile_count : 1);
             i++) {
                r = ingot_pcr11_of_uki(uki, &decoded, i, &booted, reterr);
                if (r >= 0)
                        r = add_profile_things(w, i > 0 ? w->b->profiles.items[i].id : NULL,
                                               &booted, reterr);
        }
        return r;
}

static int add_verity_thing(struct work *w, ingot_error *reterr)
{
        struct ingot_sign_thing *t;
        char uuid[INGOT_UUID_TEXT_SIZE];
        if (!wants(w, INGOT_PURPOSE_VERITY))
                return 0;
        ingot_uuid_format(&ingot_build_partition(w->b, "root-x86-64-verity-sig", 1)->uuid, uuid);
        int r = ingot_sign_add_thing(w->q, INGOT_PURPOSE_VERITY, "verity:root", &t, reterr);
        if (r >= 0)
                r = ingot_format(&t->artifact, reterr, "%s.root-x86-64-verity-sig.%s.raw",
                                 w->b->label, uuid);
        if (r >= 0)
                memcpy(t->root_hash, w->b->root_hash, sizeof(t->root_hash));
        return r;
}

/* The program's digest; of the UKI with PCR policies it is a content. */
static int add_program_digest(struct work *w, struct ingot_sign_thing *t,
                              struct ingot_sign_program *p, bool is_uki, ingot_error *reterr)
{
        _cleanup_pe_ struct ingot_pe pe = {0};
        struct ingot_reader whole = ingot_sign_program_reader(p);
        int r = ingot_pe_decode(&whole, &pe, reterr);
        if (r >= 0)
                r = ingot_pe_authenticode_sha256(&whole, &pe, t->digest, reterr);
        if (r < 0 || !is_uki || !wants(w, INGOT_PURPOSE_PCR))
                return r;
        struct ingot_sign_content *c;
        _cleanup_free_ char *name = NULL;
        uint8_t digest[INGOT_SHA256_SIZE];
        struct ingot_sha256 h;
        struct ingot_reader hashed = ingot_sign_program_hashed(p);
        ingot_sha256_init(&h);
        r = hash_part(&h, &hashed, 0, hashed.size, reterr);
        ingot_sha256_final(&h, digest);
        if (r >= 0 && memcmp(digest, t->digest, sizeof(digest)) != 0)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "the UKI has gaps");
        if (r >= 0)
                r = ingot_format(&name, reterr, "%s#authenticode", w->b->uki.name);
        if (r >= 0)
                r = ingot_sign_add_content(w->q, name, &c, reterr);
        if (r < 0)
                return r;
        t->content = w->q->content_count - 1;
        struct ingot_sign_hole hole = {.from = p->pcrsig_offset - 12,
                            .to = p->pcrsig_offset - 12 + p->pcrsig_size,
                            .kind = INGOT_SIGN_PCRSIG};
        return ingot_sign_describe(c, &hashed, 0, hashed.size, &hole, 1, reterr);
}

struct esp_walk {
        struct work *w;
        size_t first; /* thing of the ESP */
};

static bool is_program(const char *path)
{
        size_t n = strlen(path);
        return n > 4 && strcasecmp(path + n - 4, ".efi") == 0;
}

/* The thing for a program of the same bytes, as the loader stands on the ESP twice. */
static struct ingot_sign_thing *find_same(const struct esp_walk *e,
                                          const struct ingot_sign_thing *t)
{
        for (size_t i = e->first; i < e->w->q->thing_count; i++) {
                struct ingot_sign_thing *other = e->w->q->things + i;
                if (other->size == t->size && other->content == t->content &&
                    memcmp(other->digest, t->digest, INGOT_SHA256_SIZE) == 0)
                        return other;
        }
        return NULL;
}

static int add_program(void *context, const char *path, struct ingot_inode *inode,
                       ingot_error *reterr)
{
        const struct esp_walk *e = context;
        struct work *w = e->w;
        _cleanup_free_ char *id = NULL;
        if (inode->type != INGOT_FILE_REGULAR || !is_program(path))
                return 0;
        bool is_uki = strcmp(path, w->q->esp_uki) == 0;
        struct ingot_sign_thing *t, found = {.content = INGOT_SIGN_NONE};
        struct ingot_sign_program p;
        found.table = ingot_recipe_number(w->b->recipe, INGOT_SIGNING_TABLE_SIZE);
        int r = ingot_sign_program_open(&inode->content, found.table, &p, reterr);
        if (r >= 0) {
                found.size = p.size;
                r = add_program_digest(w, &found, &p, is_uki, reterr);
        }
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        t = is_uki ? NULL : find_same(e, &found);
        if (t)
                return ingot_strings_add(&t->esp, path, reterr);
        r = ingot_format(&id, reterr, "secure-boot:%s", is_uki ? w->b->uki.name : path);
        if (r >= 0)
                r = ingot_sign_add_thing(w->q, INGOT_PURPOSE_SECURE_BOOT, id, &t, reterr);
        if (r < 0)
                return r;
        t->size = found.size;
        t->table = found.table;
        t->content = found.content;
        memcpy(t->digest, found.digest, sizeof(t->digest));
        if (is_uki) {
                w->uki_thing = w->q->thing_count - 1;
                r = ingot_strdup(&t->artifact, w->b->uki.name, reterr);
        }
        return r < 0 ? r : ingot_strings_add(&t->esp, path, reterr);
}

static int add_programs(struct work *w, ingot_error *reterr)
{
        struct esp_walk e = {.w = w, .first = w->q->thing_count};
        w->uki_thing = INGOT_SIGN_NONE;
        return wants(w, INGOT_PURPOSE_SECURE_BOOT)
                       ? ingot_tree_walk(w->b->esp, add_program, &e, reterr)
                       : 0;
}

/* A digest that stands for that of a content. */
static int mark(struct work *w, size_t content, uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        return ingot_sign_mark(&w->marks, INGOT_SHA256_SIZE, content, ret, reterr);
}

static int add_artifact(struct work *w, const char *name, uint64_t size,
                        const uint8_t digest[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        struct ingot_artifact *a = w->artifacts + w->artifact_count;
        int r = ingot_strdup(&a->name, name, reterr);
        if (r < 0)
                return r;
        a->size = size;
        memcpy(a->sha256, digest, INGOT_SHA256_SIZE);
        w->artifact_count++;
        return 0;
}

/* A range of the UKI: its digest, or a mark where it is not known yet. */
static int range_digest(struct work *w, const char *name, uint64_t from, uint64_t to,
                        uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        struct ingot_reader uki = ingot_sign_program_reader(&w->uki);
        struct ingot_sign_content *c;
        struct ingot_sha256 h;
        bool known = true;
        for (size_t i = 0; i < w->hole_count; i++)
                known = known && (w->holes[i].to <= from || w->holes[i].from >= to);
        if (known) {
                ingot_sha256_init(&h);
                int r = hash_part(&h, &uki, from, to, reterr);
                ingot_sha256_final(&h, ret);
                return r;
        }
        int r = ingot_sign_add_content(w->q, name, &c, reterr);
        if (r < 0)
                return r;
        r = mark(w, w->q->content_count - 1, ret, reterr);
        return r < 0 ? r : ingot_sign_describe(c, &uki, from, to, w->holes, w->hole_count, reterr);
}

/* The UKI as a file of the release, and the pieces of it that updaters fetch. */
static int add_uki(struct work *w, struct ingot_uki_extents *extents, ingot_error *reterr)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        uint64_t size = w->uki.size + w->uki.table;
        if (wants(w, INGOT_PURPOSE_PCR))
                w->holes[w->hole_count++] =
                        (struct ingot_sign_hole){.from = w->uki.pcrsig_offset,
                                      .to = w->uki.pcrsig_offset + w->uki.pcrsig_size,
                                      .kind = INGOT_SIGN_PCRSIG};
        if (w->uki.table > 0)
                w->holes[w->hole_count++] = (struct ingot_sign_hole){.from = w->uki.size,
                                                          .to = size,
                                                          .kind = INGOT_SIGN_TABLE,
                                                          .thing = w->uki_thing};
        if (w->hole_count == 0)
                return ingot_uki_extents_copy(&w->b->uki_extents, extents, reterr);
        int r = range_digest(w, w->b->uki.name, 0, size, digest, reterr);
        if (r >= 0)
                r = add_artifact(w, w->b->uki.name, size, digest, reterr);
        if (r >= 0)
                r = ingot_uki_extents_new(size, extents, reterr);
        for (size_t i = 0; r >= 0 && i < extents->count; i++) {
                uint64_t from = i * INGOT_UKI_EXTENT;
                _cleanup_free_ char *name = NULL;
                r = ingot_format(&name, reterr, "%s#%zu", w->b->uki.name, i);
                if (r >= 0)
                        r = range_digest(w, name, from,
                                         ingot_min_u64(from + INGOT_UKI_EXTENT, size),
                                         extents->digests + i * INGOT_SHA256_SIZE, reterr);
        }
        return r;
}

static int add_verity_file(struct work *w, ingot_error *reterr)
{
        struct ingot_sign_content *c;
        struct ingot_sign_part *p;
        const char *name = NULL;
        uint8_t digest[INGOT_SHA256_SIZE];
        for (size_t i = 0; i < w->q->thing_count; i++)
                if (w->q->things[i].purpose == INGOT_PURPOSE_VERITY)
                        name = w->q->things[i].artifact;
        if (!name)
                return 0;
        int r = ingot_sign_add_content(w->q, name, &c, reterr);
        if (r >= 0)
                r = ingot_sign_add_part(c, INGOT_SIGN_VERITY, &p, reterr);
        if (r < 0)
                return r;
        p->size = INGOT_VERITY_SIG_SIZE;
        r = mark(w, w->q->content_count - 1, digest, reterr);
        return r < 0 ? r : add_artifact(w, name, INGOT_VERITY_SIG_SIZE, digest, reterr);
}

/* The measurement manifest of the signed release. */
static int add_measurement(struct work *w, ingot_error *reterr)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        uint64_t size;
        int r = ingot_build_sign_measurement(w->b, &size, reterr);
        w->measurement = w->q->content_count - 1;
        if (r >= 0)
                r = mark(w, w->measurement, digest, reterr);
        return r < 0 ? r
                     : add_artifact(w, w->q->contents[w->measurement].name, size, digest, reterr);
}

static int compare_artifacts(const void *a, const void *b)
{
        return strcmp(((const struct ingot_artifact *) a)->name,
                      ((const struct ingot_artifact *) b)->name);
}

/* The manifest of the signed release: the build's, with the artifacts and the partition as they
 * will be. The disk image is none of them: its digest cannot be known before it is there. */
static int add_manifest(struct work *w, struct ingot_uki_extents *extents, ingot_error *reterr)
{
        struct ingot_build *b = w->b;
        struct ingot_build_result unsigned_result = b->result;
        struct ingot_uki_extents unsigned_extents = b->uki_extents;
        struct ingot_gpt_partition *sig = ingot_build_partition(b, "root-x86-64-verity-sig", 1);
        struct ingot_gpt_partition unsigned_sig = *sig;
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_free_ char *name = NULL;
        qsort(w->artifacts, w->artifact_count, sizeof(*w->artifacts), compare_artifacts);
        b->result.artifacts = w->artifacts;
        b->result.artifact_count = w->artifact_count;
        b->uki_extents = *extents;
        if (wants(w, INGOT_PURPOSE_VERITY))
                snprintf(sig->name, sizeof(sig->name), "%s", b->label);
        int r = ingot_build_manifest(b, &text, reterr);
        *sig = unsigned_sig;
        b->uki_extents = unsigned_extents;
        b->result = unsigned_result;
        if (r >= 0)
                r = ingot_format(&name, reterr, "%s.manifest.json", b->label);
        if (r >= 0)
                r = ingot_sign_add_text(w->q, &w->marks, name, (char *) text.data, reterr);
        if (r < 0)
                return r;
        uint8_t digest[INGOT_SHA256_SIZE];
        r = mark(w, w->q->content_count - 1, digest, reterr);
        return r < 0 ? r : add_artifact(w, name, 0, digest, reterr);
}

static int add_sums(struct work *w, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        char hex[2 * INGOT_SHA256_SIZE + 1];
        int r = 0;
        qsort(w->artifacts, w->artifact_count, sizeof(*w->artifacts), compare_artifacts);
        for (size_t i = 0; r >= 0 && i < w->artifact_count; i++) {
                ingot_hex(hex, w->artifacts[i].sha256, INGOT_SHA256_SIZE);
                r = ingot_buffer_printf(&text, reterr, "%s  %s\n", hex, w->artifacts[i].name);
        }
        return r < 0 ? r
                     : ingot_sign_add_text(w->q, &w->marks, INGOT_SIGN_SUMS, (char *) text.data,
                                           reterr);
}

/* What a release's signers sign; a feature that adds to a release adds a content before the sums.
 */
static int add_release_things(struct work *w, ingot_error *reterr)
{
        const size_t contents[] = {w->measurement, w->q->content_count - 2,
                                   w->q->content_count - 1};
        int r = 0;
        for (size_t i = 0; wants(w, INGOT_PURPOSE_RELEASE) && r >= 0 && i < ARRAY_SIZE(contents);
             i++) {
                _cleanup_free_ char *id = NULL;
                struct ingot_sign_thing *t;
                const char *name = w->q->contents[contents[i]].name;
                r = ingot_format(&id, reterr, "release:%s", name);
                if (r >= 0)
                        r = ingot_sign_add_thing(w->q, INGOT_PURPOSE_RELEASE, id, &t, reterr);
                if (r < 0)
                        return r;
                t->content = contents[i];
                r = ingot_format(&t->artifact, reterr, "%s.p7s", name);
        }
        return r;
}

static int read_uki(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        const struct ingot_build *b = context;
        return ingot_file_pread(b->uki.fd, offset, ret, size, reterr);
}

/* Of the build's artifacts, those that the signed release has as they are. */
static int keep_artifacts(struct work *w, ingot_error *reterr)
{
        const struct ingot_build_result *result = &w->b->result;
        bool changes = wants(w, INGOT_PURPOSE_PCR) || wants(w, INGOT_PURPOSE_SECURE_BOOT);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < result->artifact_count; i++) {
                const struct ingot_artifact *a = result->artifacts + i;
                if (strcmp(a->name, w->b->disk.name) != 0 &&
                    !ingot_ends_with(a->name, INGOT_MEASUREMENT_SUFFIX) &&
                    (strcmp(a->name, w->b->uki.name) != 0 || !changes))
                        r = add_artifact(w, a->name, a->size, a->sha256, reterr);
        }
        return r;
}

int ingot_build_sign_request(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_(work_done) struct work w = {.b = b, .q = &b->request};
        _cleanup_(ingot_uki_extents_done) struct ingot_uki_extents extents = {0};
        struct ingot_reader uki = {.read_at = read_uki, .context = b, .size = b->uki_extents.size};
        int r = add_head(&w, reterr);
        if (r >= 0)
                r = add_pcr_things(&w, &uki, reterr);
        if (r >= 0)
                r = add_verity_thing(&w, reterr);
        if (r >= 0)
                r = add_programs(&w, reterr);
        if (r >= 0)
                r = ingot_sign_program_open(
                        &uki, w.uki_thing == INGOT_SIGN_NONE ? 0 : w.q->things[w.uki_thing].table,
                        &w.uki, reterr);
        if (r >= 0)
                r = keep_artifacts(&w, reterr);
        if (r >= 0)
                r = add_uki(&w, &extents, reterr);
        if (r >= 0)
                r = add_verity_file(&w, reterr);
        if (r >= 0)
                r = add_measurement(&w, reterr);
        if (r >= 0)
                r = add_manifest(&w, &extents, reterr);
        if (r >= 0)
                r = add_sums(&w, reterr);
        if (r >= 0)
                r = add_release_things(&w, reterr);
        return ingot_under(reterr, r, "signing request");
}
