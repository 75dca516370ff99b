/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verifying images: opening what is there, the table of checks, and the list of findings. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "format/partition-type.h"
#include "image/esp.h"
#include "image/verify-state.h"

#include <stdlib.h>
#include <string.h>

#define CMDLINE_MAX 65536

static const char *const state_names[INGOT_FINDING_STATE_MAX] = {
        [INGOT_FINDING_HOLDS] = "holds",
        [INGOT_FINDING_REFUSED] = "refused",
        [INGOT_FINDING_NOT_CHECKED] = "not-checked",
        [INGOT_FINDING_NOT_SIGNED] = "not-signed",
        [INGOT_FINDING_NO_KEY] = "no-key",
};

const char *ingot_finding_state_name(enum ingot_finding_state state)
{
        return state_names[state];
}

void ingot_verification_done(struct ingot_verification *v)
{
        for (size_t i = 0; i < v->count; i++) {
                free(v->findings[i].where);
                free(v->findings[i].by);
                free(v->findings[i].why);
        }
        free(v->findings);
        free(v->gaps);
        *v = (struct ingot_verification){0};
}

enum ingot_finding_state ingot_verification_state(const struct ingot_verification *v)
{
        bool holds = false, checked = true;
        for (size_t i = 0; i < v->count; i++) {
                if (v->findings[i].state == INGOT_FINDING_REFUSED)
                        return INGOT_FINDING_REFUSED;
                holds = holds || v->findings[i].state == INGOT_FINDING_HOLDS;
                checked = checked && v->findings[i].state != INGOT_FINDING_NOT_CHECKED;
        }
        return holds && checked ? INGOT_FINDING_HOLDS : INGOT_FINDING_NOT_CHECKED;
}

/* Room for one more of SIZE bytes. */
static int grow(void **items, size_t count, size_t *allocated, size_t size, ingot_error *reterr)
{
        if (count < *allocated)
                return 0;
        size_t n = *allocated ? 2 * *allocated : 16;
        void *grown = reallocarray(*items, n, size);
        if (!grown)
                return ingot_fail_nomem(reterr);
        *items = grown;
        *allocated = n;
        return 0;
}

int ingot_verify_add(struct ingot_verify *v, const char *check, char *where,
                     enum ingot_finding_state state, const char *by, const char *why,
                     ingot_error *reterr)
{
        _cleanup_free_ char *where_taken = where, *by_copy = NULL, *why_copy = NULL;
        struct ingot_verification *all = &v->result;
        int r = grow((void **) &all->findings, all->count, &all->allocated, sizeof(*all->findings),
                     reterr);
        if (r >= 0 && by)
                r = ingot_strdup(&by_copy, by, reterr);
        if (r >= 0 && why)
                r = ingot_strdup(&why_copy, why, reterr);
        if (r < 0)
                return r;
        all->findings[all->count++] = (struct ingot_finding){.check = check,
                                                             .where = TAKE_PTR(where_taken),
                                                             .by = TAKE_PTR(by_copy),
                                                             .why = TAKE_PTR(why_copy),
                                                             .state = state};
        return 0;
}

int ingot_verify_result(struct ingot_verify *v, const char *check, char *where, const char *by,
                        int r, const ingot_error *error, ingot_error *reterr)
{
        enum ingot_finding_state state = INGOT_FINDING_HOLDS;
        if (r == -INGOT_E_NOMEM || r == -INGOT_E_INTERNAL) {
                free(where);
                return ingot_fail(reterr, -r, "%s", error->text);
        }
        if (r == -INGOT_E_FORMAT || r == -INGOT_E_REFUSED || r == -INGOT_E_CONFLICT)
                state = INGOT_FINDING_REFUSED;
        else if (r < 0)
                state = INGOT_FINDING_NOT_CHECKED;
        return ingot_verify_add(v, check, where, state, by, r < 0 ? error->text : NULL, reterr);
}

int ingot_verify_add_gap(struct ingot_verify *v, const struct ingot_verify_file *file,
                         uint64_t offset, uint64_t size, const char *reason, ingot_error *reterr)
{
        struct ingot_verification *all = &v->result;
        int r = size == 0 ? 0
                          : grow((void **) &all->gaps, all->gap_count, &all->gaps_allocated,
                                 sizeof(*all->gaps), reterr);
        if (r >= 0 && size > 0)
                all->gaps[all->gap_count++] = (struct ingot_gap){
                        .artifact = file->name, .offset = offset, .size = size, .reason = reason};
        return r;
}

int ingot_verify_where(const struct ingot_verify *v, const struct ingot_verify_file *file,
                       const struct ingot_image *part, const struct ingot_image *program,
                       char **ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        const struct ingot_gpt_partition *p = part ? part->partition : NULL;
        bool named = v->file_count > 1 || (!p && !program);
        int r = named ? ingot_buffer_printf(&text, reterr, "%s", file->name) : 0;
        if (r >= 0 && p && !program) {
                const struct ingot_partition_type *type = ingot_partition_type_by_uuid(&p->type);
                r = ingot_buffer_printf(&text, reterr, "%spartition %u (%s)", named ? ": " : "",
                                        p->number, type ? type->name : p->name);
        }
        if (r >= 0 && program)
                r = ingot_buffer_printf(&text, reterr, "%s%s", named ? ": " : "", program->path);
        if (r >= 0)
                *ret = (char *) ingot_buffer_take(&text);
        return r;
}

static int visit_programs(struct ingot_verify *v, ingot_verify_visit_fn visit,
                          struct ingot_verify_file *file, struct ingot_image *part,
                          struct ingot_image *fat, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && fat->content == INGOT_CONTENT_FAT && i < fat->part_count; i++)
                r = visit(v, file, part, fat->parts + i, fat->parts + i, reterr);
        return r;
}

int ingot_verify_each(struct ingot_verify *v, ingot_verify_visit_fn visit, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < v->file_count && r >= 0; i++) {
                struct ingot_verify_file *f = v->files + i;
                if (!f->opened)
                        continue;
                r = visit(v, f, NULL, NULL, &f->image, reterr);
                if (r >= 0)
                        r = visit_programs(v, visit, f, NULL, &f->image, reterr);
                for (size_t k = 0;
                     r >= 0 && f->image.content == INGOT_CONTENT_DISK && k < f->image.part_count;
                     k++) {
                        struct ingot_image *part = f->image.parts + k;
                        r = visit(v, f, part, NULL, part, reterr);
                        if (r >= 0)
                                r = visit_programs(v, visit, f, part, part, reterr);
                }
        }
        return r;
}

struct ingot_verify_file *ingot_verify_find(struct ingot_verify *v, const char *name)
{
        for (size_t i = 0; i < v->file_count; i++)
                if (strcmp(v->files[i].name, name) == 0)
                        return v->files + i;
        return NULL;
}

bool ingot_verify_is_empty_slot(const struct ingot_image *part)
{
        return part->partition && strcmp(part->partition->name, "_empty") == 0;
}

int ingot_verify_cmdline(const struct ingot_image *uki, uint32_t profile, char **ret,
                         ingot_error *reterr)
{
        const struct ingot_uki_section *s = ingot_uki_find(uki->uki, profile, INGOT_UKI_CMDLINE);
        uint8_t *text;
        size_t size;
        if (!s)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no command line");
        int r = ingot_pe_section_read(&uki->reader, &s->pe, CMDLINE_MAX, &text, &size, reterr);
        if (r >= 0)
                *ret = (char *) text;
        return r;
}

/* One file, by its name and its content. */
static int open_file(struct ingot_verify *v, struct ingot_verify_file *f, ingot_error *reterr)
{
        ingot_error error = {0};
        _cleanup_free_ char *where = NULL;
        f->is_manifest = ingot_ends_with(f->name, ".manifest.json");
        bool sums = strcmp(f->name, "SHA256SUMS") == 0;
        f->is_release =
                f->is_manifest || sums || ingot_ends_with(f->name, INGOT_MEASUREMENT_SUFFIX);
        f->is_sums = !f->is_manifest && (sums || ingot_ends_with(f->name, ".sha256"));
        for (size_t i = 0; i < v->options->listing_count; i++) {
                const char *name = v->options->listings[i].file;
                f->is_listing = f->is_listing || (name && strcmp(name, f->name) == 0);
        }
        if (f->is_sums || f->is_manifest || f->is_listing)
                return 0;
        int r = ingot_image_open_flat(&f->reader, &f->image, &error);
        f->opened = r >= 0;
        if (r >= 0 && (f->image.content != INGOT_CONTENT_UNKNOWN || v->file_count > 1))
                return 0;
        if (r >= 0)
                r = ingot_fail(&error, INGOT_E_UNSUPPORTED, "%s",
                               ingot_content_title(INGOT_CONTENT_UNKNOWN));
        int e = ingot_verify_where(v, f, NULL, NULL, &where, reterr);
        return e < 0 ? e
                     : ingot_verify_result(v, "content", TAKE_PTR(where), NULL, r, &error, reterr);
}

/* What was recognised, and cannot be read. */
static int note_problem(struct ingot_verify *v, struct ingot_verify_file *file,
                        struct ingot_image *part, struct ingot_image *program,
                        struct ingot_image *image, ingot_error *reterr)
{
        char *where;
        if (!image->problem)
                return 0;
        int r = ingot_verify_where(v, file, part, program, &where, reterr);
        return r < 0 ? r
                     : ingot_verify_add(v, "content", where, INGOT_FINDING_REFUSED, NULL,
                                        image->problem, reterr);
}

static int open_files(struct ingot_verify *v, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < v->file_count && r >= 0; i++)
                r = open_file(v, v->files + i, reterr);
        return r < 0 ? r : ingot_verify_each(v, note_problem, reterr);
}

int ingot_verify_cover(struct ingot_verify *v, struct ingot_verify_covered covered,
                       ingot_error *reterr)
{
        struct ingot_verify_covered *grown =
                reallocarray(v->covered, v->covered_count + 1, sizeof(*grown));
        if (!grown)
                return ingot_fail_nomem(reterr);
        v->covered = grown;
        v->covered[v->covered_count++] = covered;
        return 0;
}

const struct ingot_verify_covered *ingot_verify_covered(const struct ingot_verify *v,
                                                        const struct ingot_image *image)
{
        for (size_t i = 0; i < v->covered_count; i++)
                if (v->covered[i].image == image)
                        return v->covered + i;
        return NULL;
}

static void verify_done(struct ingot_verify *v)
{
        for (size_t i = 0; i < v->file_count; i++)
                ingot_image_done(&v->files[i].image);
        free(v->files);
        free(v->pairs);
        free(v->covered);
        ingot_verification_done(&v->result);
}

/* Nothing was found, good or bad: that is no "holds". */
static int note_nothing(struct ingot_verify *v, ingot_error *reterr)
{
        char *where;
        int r = ingot_strdup(&where, v->file_count > 0 ? v->files[0].name : "", reterr);
        return r < 0 ? r
                     : ingot_verify_add(v, "content", where, INGOT_FINDING_NOT_CHECKED, NULL,
                                        "nothing in it can be checked", reterr);
}

int ingot_verify(const struct ingot_artifact_file *files, size_t count,
                 const struct ingot_verify_options *options, struct ingot_verification *ret,
                 ingot_error *reterr)
{
        static int (*const checks[])(struct ingot_verify *, ingot_error *) = {
                open_files,
                ingot_verify_tables,
                ingot_verify_trees,
                ingot_verify_root_hashes,
                ingot_verify_root_signatures,
                ingot_verify_programs,
                ingot_verify_sbat,
                ingot_verify_pcr_signatures,
                ingot_verify_sums,
                ingot_verify_listings,
                ingot_verify_manifests,
                ingot_verify_releases,
                ingot_verify_policy,
                ingot_verify_coverage,
        };
        __attribute__((cleanup(verify_done))) struct ingot_verify v = {.options = options};
        v.files = calloc(count + 1, sizeof(*v.files));
        if (!v.files)
                return ingot_fail_nomem(reterr);
        v.file_count = count;
        for (size_t i = 0; i < count; i++) {
                v.files[i].name = files[i].name;
                v.files[i].reader = files[i].reader;
        }
        for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
                int r = checks[i](&v, reterr);
                if (r < 0)
                        return r;
        }
        int r = v.result.count > 0 ? 0 : note_nothing(&v, reterr);
        if (r < 0)
                return r;
        *ret = v.result;
        v.result = (struct ingot_verification){0};
        return 0;
}
