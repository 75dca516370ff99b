/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addons: which the stub loads, which of them it uses, and the command line that comes of them. */
#include "base/cleanup.h"
#include "measure/predict-state.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ADDONS_MAX 4096
#define NAME_MAX_OF_STUB 255 /* characters: longer names it passes over */
#define LINE_SIZE_MAX ((size_t) 1 << 20)

/* May the stub look at a file of that name? */
bool ingot_predict_name_matches(const struct ingot_entry *e, const char *suffix,
                                const char *not_suffix)
{
        size_t n = strlen(e->name), m = strlen(suffix), k = not_suffix ? strlen(not_suffix) : 0;
        if (e->inode->type != INGOT_FILE_REGULAR || *e->name == '.' || n > NAME_MAX_OF_STUB)
                return false;
        for (const char *c = e->name; *c; c++)
                if ((unsigned char) *c > 0x7f)
                        return false;
        if (n < m || strcasecmp(e->name + n - m, suffix) != 0)
                return false;
        return !not_suffix || n < k || strcasecmp(e->name + n - k, not_suffix) != 0;
}

/* Why it cannot be said what firmware or stub make of it; NULL: it can. */
static const char *addon_problem(const struct ingot_predict *p, const struct ingot_uki *uki)
{
        if (uki->pe.machine != p->uki.pe.machine)
                return "it is for another architecture than the UKI";
        if (uki->pe.subsystem != INGOT_PE_SUBSYSTEM_EFI_APPLICATION)
                return "it is no EFI application";
        if (uki->profile_count > 0)
                return "it has profiles, which addons do not have";
        return NULL;
}

static int add_addon(struct ingot_predict *p, const struct ingot_entry *file, bool global,
                     ingot_error *reterr)
{
        struct ingot_predict_addon a = {
                .name = file->name, .reader = &file->inode->content, .global = global};
        ingot_error error = {0};
        int r = ingot_uki_read(a.reader, &a.uki, &error);
        if (r >= 0)
                r = ingot_digests_of_image(a.reader, &a.uki.pe, &a.record, &error);
        if (r < 0) {
                ingot_uki_done(&a.uki);
                return ingot_predict_note(p, reterr, "%s is broken, firmware does not load it: %s",
                                          file->name, error.text);
        }
        if (ingot_predict_refuses(p, a.reader)) {
                ingot_uki_done(&a.uki);
                return ingot_predict_note(p, reterr, "%s: Secure Boot refuses it, left out",
                                          file->name);
        }
        struct ingot_predict_addon *more =
                p->addon_count == ADDONS_MAX
                        ? NULL
                        : reallocarray(p->addons, p->addon_count + 1, sizeof(*more));
        if (!more) {
                ingot_uki_done(&a.uki);
                return p->addon_count == ADDONS_MAX ? ingot_fail(reterr, INGOT_E_LIMIT,
                                                                 "more than %d addons", ADDONS_MAX)
                                                    : ingot_fail_nomem(reterr);
        }
        a.problem = addon_problem(p, &a.uki);
        p->addons = more;
        more[p->addon_count++] = a;
        if (!p->variables && ingot_pe_certificates(&p->uki.pe).size > 0 &&
            ingot_pe_certificates(&a.uki.pe).size == 0)
                return ingot_predict_note(p, reterr,
                                          "%s is not signed: with Secure Boot firmware refuses it, "
                                          "and what is told here is not true",
                                          file->name);
        return 0;
}

static int add_folder(struct ingot_predict *p, const struct ingot_inode *folder, bool global,
                      ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && folder && i < folder->entry_count; i++)
                if (ingot_predict_name_matches(folder->entries + i, ".addon.efi", NULL))
                        r = add_addon(p, folder->entries + i, global, reterr);
        return r;
}

int ingot_predict_find_addons(struct ingot_predict *p, ingot_error *reterr)
{
        int r = 0;
        if (!p->stub || p->stub->addons == INGOT_STUB_ADDONS_NONE)
                return 0;
        r = add_folder(p, p->chain.addons, true, reterr);
        if (r >= 0)
                r = add_folder(p, p->chain.extra, false, reterr);
        for (size_t i = 0; r >= 0 && i < p->addon_count; i++) {
                const struct ingot_predict_addon *a = p->addons + i;
                const char *note = NULL;
                p->profile = NULL;
                r = a->problem ? 0 : ingot_predict_addon_used(p, a, &note, reterr);
                if (r >= 0 && (note || a->problem))
                        r = ingot_predict_note(p, reterr, "%s: %s", a->name,
                                               note ? note : a->problem);
        }
        return r < 0 ? r : 0;
}

const struct ingot_pe_section *ingot_predict_addon_find(const struct ingot_predict_addon *addon,
                                                        enum ingot_uki_kind kind)
{
        const struct ingot_uki_section *s = ingot_uki_find(&addon->uki, INGOT_UKI_BASE, kind);
        return s && s->pe.virtual_size > 0 ? &s->pe : NULL;
}

static bool has_content(const struct ingot_predict *p, const struct ingot_predict_addon *addon)
{
        static const enum ingot_uki_kind kinds[] = {INGOT_UKI_CMDLINE, INGOT_UKI_DTB,
                                                    INGOT_UKI_DTBAUTO, INGOT_UKI_INITRD,
                                                    INGOT_UKI_UCODE};
        size_t count = p->stub->addons == INGOT_STUB_ADDONS_ALL     ? 5
                       : p->stub->addons == INGOT_STUB_ADDONS_LINES ? 2
                                                                    : 1;
        for (size_t i = 0; i < count; i++)
                if (ingot_predict_addon_find(addon, kinds[i]))
                        return true;
        return false;
}

/* Is the addon for another kernel? */
static int other_kernel(const struct ingot_predict *p, const struct ingot_predict_addon *addon,
                        ingot_error *reterr)
{
        const struct ingot_uki_section *own = ingot_predict_section(p, INGOT_UKI_UNAME);
        const struct ingot_pe_section *wanted = ingot_predict_addon_find(addon, INGOT_UKI_UNAME);
        _cleanup_free_ uint8_t *a = NULL, *b = NULL;
        size_t n, m;
        if (!own || !wanted)
                return 0;
        int r = ingot_pe_section_read(ingot_predict_reader(p), &own->pe, LINE_SIZE_MAX, &a, &n,
                                      reterr);
        if (r >= 0)
                r = ingot_pe_section_read(addon->reader, wanted, LINE_SIZE_MAX, &b, &m, reterr);
        return r < 0 ? r : strncmp((const char *) a, (const char *) b, m) != 0;
}

int ingot_predict_addon_used(const struct ingot_predict *p, const struct ingot_predict_addon *addon,
                             const char **note, ingot_error *reterr)
{
        const char *why = NULL;
        if (!has_content(p, addon))
                why = "it has nothing that the stub takes; it is loaded, and measured, all the "
                      "same";
        else if (ingot_predict_addon_find(addon, INGOT_UKI_LINUX))
                why = "it is a UKI, no addon, and not used; it is loaded, and measured, all the "
                      "same";
        else {
                int r = other_kernel(p, addon, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", addon->name);
                if (r > 0)
                        why = "it is for another kernel, and not used; it is loaded, and measured, "
                              "all the same";
        }
        if (note)
                *note = why;
        return !why;
}

void ingot_predict_lines_done(struct ingot_predict_lines *lines)
{
        free(lines->global);
        free(lines->own);
        free(lines->whole);
        *lines = (struct ingot_predict_lines){0};
}

/* What the stub makes of a command line; in place. */
static void mangle(const struct ingot_stub_rules *rules, char *text)
{
        unsigned char last = rules->trims ? 0x20 : 0x1f;
        char *from = text, *to = text;
        while (rules->trims && *from && ((unsigned char) *from <= last || *from == 0x7f))
                from++;
        for (; *from; from++)
                *to++ = (unsigned char) *from <= last || (rules->trims && *from == 0x7f) ? ' '
                                                                                         : *from;
        while (to > text && to[-1] == ' ')
                to--;
        *to = 0;
}

/* The text of a section, until a NUL. */
static int read_line(const struct ingot_predict *p, const struct ingot_reader *r,
                     const struct ingot_pe_section *s, struct ingot_predict_lines *lines,
                     char **ret, ingot_error *reterr)
{
        uint8_t *text = NULL;
        size_t size;
        int e = ingot_pe_section_read(r, s, LINE_SIZE_MAX, &text, &size, reterr);
        if (e < 0)
                return e;
        *ret = (char *) text;
        if (!ingot_utf8_valid(*ret))
                lines->strange = true;
        mangle(p->stub, *ret);
        return 0;
}

/* LINE behind *to, with a space between them where *to has something. */
static int join(char **to, const char *line, ingot_error *reterr)
{
        char *whole = NULL;
        int r = ingot_format(&whole, reterr, "%s%s%s", *to ? *to : "", *to && **to ? " " : "",
                             line);
        if (r < 0)
                return r;
        free(*to);
        *to = whole;
        return 0;
}

static int join_addon(const struct ingot_predict *p, const struct ingot_predict_addon *a,
                      struct ingot_predict_lines *lines, ingot_error *reterr)
{
        const struct ingot_pe_section *s = ingot_predict_addon_find(a, INGOT_UKI_CMDLINE);
        _cleanup_free_ char *line = NULL;
        if (!s || a->problem)
                return 0;
        int r = ingot_predict_addon_used(p, a, NULL, reterr);
        if (r == 1)
                r = read_line(p, a->reader, s, lines, &line, reterr);
        if (r >= 0 && line)
                r = join(a->global ? &lines->global : &lines->own, line, reterr);
        return r;
}

/* All addons are one line from 255 on: then it is in `global`. */
static int join_addons(const struct ingot_predict *p, struct ingot_predict_lines *lines,
                       ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < p->addon_count; i++)
                r = join_addon(p, p->addons + i, lines, reterr);
        if (r >= 0 && p->stub->addons != INGOT_STUB_ADDONS_FOLDERS && lines->own) {
                r = join(&lines->global, lines->own, reterr);
                free(lines->own);
                lines->own = NULL;
        }
        char **both[] = {&lines->global, &lines->own};
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(both); i++) {
                if (!*both[i])
                        continue;
                mangle(p->stub, *both[i]);
                if (**both[i])
                        continue;
                free(*both[i]);
                *both[i] = NULL;
        }
        return r;
}

int ingot_predict_lines(const struct ingot_predict *p, struct ingot_predict_lines *ret,
                        ingot_error *reterr)
{
        _cleanup_predict_lines_ struct ingot_predict_lines lines = {0};
        const struct ingot_uki_section *s = ingot_predict_section(p, INGOT_UKI_CMDLINE);
        int r = s ? read_line(p, ingot_predict_reader(p), &s->pe, &lines, &lines.whole, reterr) : 0;
        if (r >= 0)
                r = join_addons(p, &lines, reterr);
        if (r >= 0 && lines.global)
                r = join(&lines.whole, lines.global, reterr);
        if (r >= 0 && lines.own)
                r = join(&lines.whole, lines.own, reterr);
        if (r < 0)
                return r;
        *ret = lines;
        lines = (struct ingot_predict_lines){0};
        return 0;
}
