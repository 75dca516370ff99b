/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs by the generations of their components, as shim judges them: by a SbatLevel that was
 * given. A .sbat that shim could not read is refused without one, too.
 * What a program says of itself counts as much as its signature does.
 */
#include "base/cleanup.h"
#include "image/verify-state.h"

#define CHECK "SBAT"

/* One section .sbat; each profile of a UKI may have its own. */
static int check_section(const struct ingot_verify *v, const struct ingot_image *image,
                         const struct ingot_uki_section *s, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        _cleanup_sbat_ struct ingot_sbat sbat = {0};
        size_t size;
        int r = ingot_pe_section_read(&image->reader, &s->pe, INGOT_SBAT_MAX, &text, &size, reterr);
        if (r >= 0)
                r = ingot_sbat_decode(INGOT_SPAN(text, size), &sbat, reterr);
        if (r >= 0 && sbat.count == 0)
                r = ingot_fail(reterr, INGOT_E_FORMAT, ".sbat names no component");
        if (r >= 0 && v->options->sbat_level)
                r = ingot_sbat_check(&sbat, v->options->sbat_level, reterr);
        return r < 0 ? r : 0;
}

static int check_program(const struct ingot_verify *v, const struct ingot_image *image,
                         ingot_error *reterr)
{
        size_t found = 0;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < image->uki->section_count; i++) {
                if (image->uki->sections[i].kind != INGOT_UKI_SBAT)
                        continue;
                found++;
                r = check_section(v, image, image->uki->sections + i, reterr);
        }
        if (r >= 0 && found == 0 && v->options->sbat_level)
                r = ingot_fail(reterr, INGOT_E_REFUSED,
                               "it has no section .sbat, and shim starts no program without one");
        return r;
}

static int visit(struct ingot_verify *v, struct ingot_verify_file *file, struct ingot_image *part,
                 struct ingot_image *program, struct ingot_image *image, ingot_error *reterr)
{
        ingot_error error = {0};
        char *where;
        if (!image->uki || image->problem)
                return 0;
        const struct ingot_verify_covered *covered = ingot_verify_covered(v, image);
        int e = check_program(v, image, &error);
        if (e >= 0 && !v->options->sbat_level)
                return 0;
        int r = ingot_verify_where(v, file, part, program, &where, reterr);
        if (r < 0)
                return r;
        if (e < 0 || (covered && v->options->db))
                return ingot_verify_result(v, CHECK, where, v->options->sbat_level_name, e, &error,
                                           reterr);
        return ingot_verify_add(
                v, CHECK, where, covered ? INGOT_FINDING_NO_KEY : INGOT_FINDING_NOT_SIGNED,
                v->options->sbat_level_name,
                "no component of it is revoked, if what it says of itself is true", reterr);
}

int ingot_verify_sbat(struct ingot_verify *v, ingot_error *reterr)
{
        return ingot_verify_each(v, visit, reterr);
}
