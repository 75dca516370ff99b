/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unified kernel images: what the sections of a PE image mean, and building one. */
#include "format/uki.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SBAT_MAX (1u << 20)

static const struct {
        const char *name;
        bool several; /* may stand more than once in a profile */
        bool joined;  /* several inputs become one section */
} kinds[INGOT_UKI_KIND_MAX] = {
        [INGOT_UKI_LINUX] = {".linux", false, false},
        [INGOT_UKI_OSREL] = {".osrel", false, false},
        [INGOT_UKI_CMDLINE] = {".cmdline", false, false},
        [INGOT_UKI_INITRD] = {".initrd", false, true},
        [INGOT_UKI_UCODE] = {".ucode", false, true},
        [INGOT_UKI_SPLASH] = {".splash", false, false},
        [INGOT_UKI_DTB] = {".dtb", false, false},
        [INGOT_UKI_UNAME] = {".uname", false, false},
        [INGOT_UKI_SBAT] = {".sbat", false, false},
        [INGOT_UKI_PCRSIG] = {".pcrsig", false, false},
        [INGOT_UKI_PCRPKEY] = {".pcrpkey", false, false},
        [INGOT_UKI_PROFILE] = {".profile", false, false},
        [INGOT_UKI_DTBAUTO] = {".dtbauto", true, false},
        [INGOT_UKI_HWIDS] = {".hwids", false, false},
        [INGOT_UKI_EFIFW] = {".efifw", true, false},
        [INGOT_UKI_OTHER] = {"", true, false},
};

/* The order in the file of all but .sbat, which the stub has, or stands first: small things, big
 * things, and what is known only when all else is. */
static const enum ingot_uki_kind layout[] = {
        INGOT_UKI_PROFILE, INGOT_UKI_OSREL,  INGOT_UKI_CMDLINE, INGOT_UKI_DTB,
        INGOT_UKI_DTBAUTO, INGOT_UKI_HWIDS,  INGOT_UKI_EFIFW,   INGOT_UKI_UNAME,
        INGOT_UKI_SPLASH,  INGOT_UKI_PCRPKEY, INGOT_UKI_LINUX,  INGOT_UKI_INITRD,
        INGOT_UKI_UCODE,   INGOT_UKI_PCRSIG,
};

const char ingot_uki_sbat[] =
        "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
        "uki,1,UKI,uki,1,https://uapi-group.org/specifications/specs/unified_kernel_image/\n";

const char *ingot_uki_section_name(enum ingot_uki_kind kind)
{
        return kind < INGOT_UKI_KIND_MAX ? kinds[kind].name : "";
}

static enum ingot_uki_kind kind_of(const char *name)
{
        unsigned kind = 0;
        while (kind < INGOT_UKI_OTHER && strcmp(kinds[kind].name, name) != 0)
                kind++;
        return kind;
}

static int classify(struct ingot_uki *uki, ingot_error *reterr)
{
        uint32_t profile = INGOT_UKI_BASE, seen = 0;
        for (size_t i = 0; i < uki->section_count; i++) {
                struct ingot_uki_section *s = uki->sections + i;
                s->pe = uki->pe.sections[i];
                s->kind = kind_of(s->pe.name);
                if (s->kind == INGOT_UKI_PROFILE) {
                        if (uki->profile_count == INGOT_UKI_PROFILES_MAX)
                                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d profiles",
                                                  INGOT_UKI_PROFILES_MAX);
                        profile = uki->profile_count++;
                        seen = 0;
                }
                s->profile = profile;
                if ((seen & 1u << s->kind) && !kinds[s->kind].several)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "section '%s' stands twice",
                                          s->pe.name);
                seen |= 1u << s->kind;
        }
        return 0;
}

int ingot_uki_read(const struct ingot_reader *r, struct ingot_uki *ret, ingot_error *reterr)
{
        _cleanup_uki_ struct ingot_uki uki = {0};
        int e = ingot_pe_decode(r, &uki.pe, reterr);
        if (e < 0)
                return e;
        uki.section_count = uki.pe.section_count;
        uki.sections = calloc(uki.section_count ? uki.section_count : 1, sizeof(*uki.sections));
        if (!uki.sections)
                return ingot_fail_nomem(reterr);
        e = classify(&uki, reterr);
        if (e < 0)
                return e;
        *ret = uki;
        uki = (struct ingot_uki){0};
        return 0;
}

void ingot_uki_done(struct ingot_uki *uki)
{
        ingot_pe_done(&uki->pe);
        free(uki->sections);
        *uki = (struct ingot_uki){0};
}

static bool has(const struct ingot_uki *uki, enum ingot_uki_kind kind)
{
        for (size_t i = 0; i < uki->section_count; i++)
                if (uki->sections[i].kind == kind)
                        return true;
        return false;
}

bool ingot_uki_is_uki(const struct ingot_uki *uki)
{
        return uki->pe.subsystem == INGOT_PE_SUBSYSTEM_EFI_APPLICATION &&
               has(uki, INGOT_UKI_LINUX);
}

bool ingot_uki_is_addon(const struct ingot_uki *uki)
{
        return uki->pe.subsystem == INGOT_PE_SUBSYSTEM_EFI_APPLICATION &&
               !has(uki, INGOT_UKI_LINUX) &&
               (has(uki, INGOT_UKI_CMDLINE) || has(uki, INGOT_UKI_DTB) ||
                has(uki, INGOT_UKI_DTBAUTO) || has(uki, INGOT_UKI_UCODE) ||
                has(uki, INGOT_UKI_INITRD));
}

static const struct ingot_uki_section *find_in(const struct ingot_uki *uki, uint32_t profile,
                                               enum ingot_uki_kind kind)
{
        for (size_t i = 0; i < uki->section_count; i++)
                if (uki->sections[i].kind == kind && uki->sections[i].profile == profile)
                        return uki->sections + i;
        return NULL;
}

const struct ingot_uki_section *ingot_uki_find(const struct ingot_uki *uki, uint32_t profile,
                                               enum ingot_uki_kind kind)
{
        const struct ingot_uki_section *found = find_in(uki, profile, kind);
        return found ? found : find_in(uki, INGOT_UKI_BASE, kind);
}

/* What becomes a UKI: additions and the parts that they point to. */
struct plan {
        struct ingot_pe stub;
        struct ingot_pe_addition *additions;
        size_t addition_count;
        struct ingot_reader *parts;
        size_t part_count;
        struct ingot_strings sbat; /* lines */
        struct ingot_buffer sbat_text;
        struct ingot_span sbat_span;
};

static void plan_done(struct plan *p)
{
        ingot_pe_done(&p->stub);
        free(p->additions);
        free(p->parts);
        ingot_strings_done(&p->sbat);
        ingot_buffer_done(&p->sbat_text);
}

/* Each line once, in the order of their coming. */
static int add_sbat_lines(struct plan *p, const char *text, ingot_error *reterr)
{
        while (*text) {
                size_t n = strcspn(text, "\n");
                _cleanup_free_ char *line = strndup(text, n);
                if (!line)
                        return ingot_fail_nomem(reterr);
                int e = n == 0 || ingot_strings_contains(&p->sbat, line)
                                ? 0
                                : ingot_strings_add(&p->sbat, line, reterr);
                if (e < 0)
                        return e;
                text += n + (text[n] == '\n');
        }
        return 0;
}

static int add_sbat_of_image(struct plan *p, const struct ingot_reader *r,
                             const struct ingot_pe *pe, ingot_error *reterr)
{
        const struct ingot_pe_section *section = ingot_pe_find(pe, ".sbat");
        if (!section)
                return 0;
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int e = ingot_pe_section_read(r, section, SBAT_MAX, &text, &size, reterr);
        return e < 0 ? e : add_sbat_lines(p, (char *) text, reterr);
}

/* The stub boots the kernel as an EFI program of its own architecture. */
static int take_kernel(struct plan *p, const struct ingot_reader *r, ingot_error *reterr)
{
        _cleanup_pe_ struct ingot_pe pe = {0};
        int e = ingot_pe_decode(r, &pe, reterr);
        if (e < 0)
                return ingot_under(reterr, e, "kernel");
        if (pe.machine != p->stub.machine) {
                const char *is = ingot_pe_machine_name(pe.machine);
                const char *want = ingot_pe_machine_name(p->stub.machine);
                return ingot_fail(reterr, INGOT_E_CONFLICT, "the kernel is for %s, the stub for %s",
                                  is ? is : "an unknown machine", want ? want : "another machine");
        }
        e = add_sbat_of_image(p, r, &pe, reterr);
        return ingot_under(reterr, e, "kernel");
}

static int take_sbat_input(struct plan *p, const struct ingot_reader *r, ingot_error *reterr)
{
        if (r->size > SBAT_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "section '.sbat' is over %u bytes",
                                  SBAT_MAX);
        _cleanup_free_ char *text = calloc(1, (size_t) r->size + 1);
        if (!text)
                return ingot_fail_nomem(reterr);
        int e = ingot_read_at(r, 0, text, (size_t) r->size, reterr);
        return e < 0 ? ingot_under(reterr, e, "section '.sbat'") : add_sbat_lines(p, text, reterr);
}

/* All that has SBAT lines, and whether it fits together. */
static int gather(struct plan *p, struct ingot_span stub, const struct ingot_uki_input *inputs,
                  size_t count, ingot_error *reterr)
{
        struct ingot_reader r = ingot_reader_of_span(&stub);
        int e = ingot_pe_decode(&r, &p->stub, reterr);
        if (e < 0)
                return ingot_under(reterr, e, "stub");
        if (p->stub.subsystem != INGOT_PE_SUBSYSTEM_EFI_APPLICATION)
                return ingot_fail(reterr, INGOT_E_FORMAT, "stub: not an EFI application");
        e = add_sbat_of_image(p, &r, &p->stub, reterr);
        if (e < 0)
                return ingot_under(reterr, e, "stub");
        for (size_t i = 0; i < count; i++)
                if (inputs[i].kind == INGOT_UKI_LINUX) {
                        e = take_kernel(p, &inputs[i].content, reterr);
                        if (e < 0)
                                return e;
                }
        for (size_t i = 0; i < count; i++)
                if (inputs[i].kind == INGOT_UKI_SBAT) {
                        e = take_sbat_input(p, &inputs[i].content, reterr);
                        if (e < 0)
                                return e;
                }
        for (size_t i = 0; i < p->sbat.count; i++) {
                e = ingot_buffer_printf(&p->sbat_text, reterr, "%s\n", p->sbat.items[i]);
                if (e < 0)
                        return e;
        }
        p->sbat_span = ingot_buffer_span(&p->sbat_text);
        return 0;
}

/* One section of the parts from FROM on. */
static void add_section(struct plan *p, enum ingot_uki_kind kind, size_t from)
{
        p->additions[p->addition_count++] = (struct ingot_pe_addition){
                .name = kinds[kind].name,
                .parts = p->parts + from,
                .part_count = p->part_count - from,
                .characteristics = kind == INGOT_UKI_LINUX ? INGOT_PE_CODE : INGOT_PE_DATA,
        };
}

/* The sections of one kind among the inputs of one profile. */
static int plan_kind(struct plan *p, enum ingot_uki_kind kind, const struct ingot_uki_input *inputs,
                     size_t count, ingot_error *reterr)
{
        size_t from = p->part_count, found = 0;
        for (size_t i = 0; i < count; i++) {
                if (inputs[i].kind != kind)
                        continue;
                if (found++ > 0 && !kinds[kind].several && !kinds[kind].joined)
                        return ingot_fail(reterr, INGOT_E_CONFLICT, "section '%s' is given twice",
                                          kinds[kind].name);
                p->parts[p->part_count++] = inputs[i].content;
                if (kinds[kind].several) {
                        add_section(p, kind, from);
                        from = p->part_count;
                }
        }
        if (p->part_count > from)
                add_section(p, kind, from);
        return 0;
}

static int plan_profile(struct plan *p, const struct ingot_uki_input *inputs, size_t count,
                        ingot_error *reterr)
{
        for (size_t i = 0; i < ARRAY_SIZE(layout); i++) {
                int e = plan_kind(p, layout[i], inputs, count, reterr);
                if (e < 0)
                        return e;
        }
        return 0;
}

static int plan_sections(struct plan *p, const struct ingot_uki_input *inputs, size_t count,
                         ingot_error *reterr)
{
        p->additions = calloc(count + 1, sizeof(*p->additions));
        p->parts = calloc(count + 1, sizeof(*p->parts));
        if (!p->additions || !p->parts)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < count; i++)
                if (inputs[i].kind >= INGOT_UKI_OTHER)
                        return ingot_fail(reterr, INGOT_E_USAGE, "no such kind of section");
        if (p->sbat.count > 0 && !ingot_pe_find(&p->stub, ".sbat")) {
                p->parts[p->part_count++] = ingot_reader_of_span(&p->sbat_span);
                add_section(p, INGOT_UKI_SBAT, 0);
        }
        for (size_t from = 0, to; from < count; from = to) {
                to = from + 1;
                while (to < count && inputs[to].kind != INGOT_UKI_PROFILE)
                        to++;
                int e = plan_profile(p, inputs + from, to - from, reterr);
                if (e < 0)
                        return e;
        }
        return 0;
}

int ingot_uki_build(struct ingot_span stub, const struct ingot_uki_input *inputs, size_t count,
                    const struct ingot_writer *out, uint64_t *ret_size, ingot_error *reterr)
{
        _cleanup_(plan_done) struct plan p = {0};
        int e = gather(&p, stub, inputs, count, reterr);
        if (e < 0)
                return e;
        e = plan_sections(&p, inputs, count, reterr);
        if (e < 0)
                return e;
        struct ingot_pe_replacement sbat = {.name = ".sbat", .content = p.sbat_span};
        bool replace = ingot_pe_find(&p.stub, ".sbat") != NULL;
        return ingot_pe_extend(stub, p.additions, p.addition_count, replace ? &sbat : NULL, out,
                               ret_size, reterr);
}
