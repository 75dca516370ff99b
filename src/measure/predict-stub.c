/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemd-stub measures, in its order. */
#include "base/cleanup.h"
#include "measure/pcr11.h"
#include "measure/predict-state.h"

#include <inttypes.h>
#include <stdio.h>

/* The cpio archives that it makes of files; in the order of enum ingot_predict_archive. */
static const struct archive_row {
        const char *suffix, *not_suffix;
        const char *target;
        uint32_t folder_mode, file_mode, pcr;
        const char *what;
} rows[INGOT_ARCHIVE_MAX] = {
        [INGOT_ARCHIVE_CREDENTIALS] = {".cred", NULL, ".extra/credentials", 0500, 0400, 12,
                                       "credentials"},
        [INGOT_ARCHIVE_GLOBAL_CREDENTIALS] = {".cred", NULL, ".extra/global_credentials", 0500,
                                              0400, 12, "credentials of every UKI"},
        [INGOT_ARCHIVE_SYSEXT] = {".raw", ".confext.raw", ".extra/sysext", 0555, 0444, 13,
                                  "system extensions"},
        [INGOT_ARCHIVE_GLOBAL_SYSEXT] = {".raw", ".confext.raw", ".extra/global_sysext", 0555, 0444,
                                         13, "system extensions of every UKI"},
        [INGOT_ARCHIVE_CONFEXT] = {".confext.raw", NULL, ".extra/confext", 0555, 0444, 12,
                                   "configuration extensions"},
        [INGOT_ARCHIVE_GLOBAL_CONFEXT] = {".confext.raw", NULL, ".extra/global_confext", 0555, 0444,
                                          12, "configuration extensions of every UKI"},
};

/* Where an archive's files are; NULL: this version does not look, or there is no such folder. */
static const struct ingot_inode *archive_folder(const struct ingot_predict *p,
                                                enum ingot_predict_archive kind)
{
        switch (kind) {
        case INGOT_ARCHIVE_CREDENTIALS:
        case INGOT_ARCHIVE_SYSEXT:
                return p->chain.extra;
        case INGOT_ARCHIVE_GLOBAL_CREDENTIALS:
                return p->chain.credentials;
        case INGOT_ARCHIVE_CONFEXT:
                return p->stub->confext ? p->chain.extra : NULL;
        case INGOT_ARCHIVE_GLOBAL_SYSEXT:
        case INGOT_ARCHIVE_GLOBAL_CONFEXT:
                return p->stub->extensions ? p->chain.extensions : NULL;
        default:
                return NULL;
        }
}

static int fill_archive(const struct archive_row *row, const struct ingot_inode *folder,
                        bool confext, struct ingot_predict_file *ret, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < folder->entry_count; i++) {
                const struct ingot_entry *e = folder->entries + i;
                if (!ingot_predict_name_matches(e, row->suffix, confext ? row->not_suffix : NULL))
                        continue;
                if (!ret->there)
                        r = ingot_stub_archive_start(&ret->archive, row->target, row->folder_mode,
                                                     row->file_mode, reterr);
                ret->there = true;
                if (r >= 0)
                        r = ingot_stub_archive_add(&ret->archive, e->name, &e->inode->content,
                                                   reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", e->name);
        }
        return r < 0 || !ret->there ? r : ingot_stub_archive_finish(&ret->archive, reterr);
}

int ingot_predict_find_archives(struct ingot_predict *p, ingot_error *reterr)
{
        _cleanup_digests_ struct ingot_digests d = {0};
        int r = 0;
        for (enum ingot_predict_archive i = 0; p->stub && r >= 0 && i < INGOT_ARCHIVE_MAX; i++) {
                struct ingot_predict_file *f = p->archives + i;
                const struct ingot_inode *folder = archive_folder(p, i);
                r = folder ? fill_archive(rows + i, folder, p->stub->confext, f, reterr) : 0;
                if (r < 0 || !f->there)
                        continue;
                ingot_digests_start(&d);
                r = ingot_stub_archive_digest(&f->archive, &d, reterr);
                if (r >= 0)
                        r = ingot_digests_finish(&d, &f->record, reterr);
        }
        return r;
}

const struct ingot_uki_section *ingot_predict_section(const struct ingot_predict *p,
                                                      enum ingot_uki_kind kind)
{
        const struct ingot_uki_section *s =
                ingot_uki_find(&p->uki, p->profile ? p->profile->profile : 0, kind);
        return s && s->pe.virtual_size > 0 && (p->stub->kinds & 1u << kind) ? s : NULL;
}

/* Events of the stub; TAG 0: EV_IPL. */
static struct ingot_predict_event stub_event(const struct ingot_predict *p, const char *component,
                                             uint32_t pcr, uint32_t tag)
{
        return (struct ingot_predict_event){.component = component,
                                            .pcr = pcr,
                                            .type = tag ? INGOT_EV_EVENT_TAG : INGOT_EV_IPL,
                                            .tag = tag,
                                            .by = INGOT_MEASURER_STUB,
                                            .plain = tag && p->stub && !p->stub->cc_tags};
}

static int put_profile(struct ingot_predict *p, ingot_error *reterr)
{
        struct ingot_predict_event e =
                stub_event(p, INGOT_PREDICT_COMPONENT_UKI, 12, INGOT_STUB_TAG_PROFILE);
        _cleanup_buffer_ struct ingot_buffer text = {0};
        char number[12], what[32];
        if (p->profile->profile == 0)
                return 0;
        snprintf(number, sizeof(number), "%" PRIu32, p->profile->profile);
        snprintf(what, sizeof(what), "profile %" PRIu32, p->profile->profile);
        int r = ingot_predict_utf16(number, &text, reterr);
        return r < 0 ? r : ingot_predict_put_data(p, &e, ingot_buffer_span(&text), what, reterr);
}

static int put_section(struct ingot_predict *p, const struct ingot_uki_section *s,
                       ingot_error *reterr)
{
        struct ingot_predict_event e = stub_event(p, INGOT_PREDICT_COMPONENT_UKI, INGOT_PCR11, 0);
        size_t i = (size_t) (s - p->uki.sections);
        if (ingot_pcr11_machine_dependent(s->kind)) {
                char what[32];
                snprintf(what, sizeof(what), "section %s", s->pe.name);
                return ingot_predict_put_unknown(
                        p, &e, what, "the stub takes the one that fits the machine", reterr);
        }
        int r = p->sections[i].known ? 0
                                     : ingot_pcr11_section(ingot_predict_reader(p), &s->pe,
                                                           p->sections[i].records, reterr);
        p->sections[i].known = true;
        if (r >= 0)
                r = ingot_predict_put(p, &e, &p->sections[i].records[0], reterr,
                                      "section %s, its name", s->pe.name);
        return r < 0 ? r
                     : ingot_predict_put(p, &e, &p->sections[i].records[1], reterr,
                                         "section %s, %" PRIu32 " bytes", s->pe.name,
                                         s->pe.virtual_size);
}

static int put_sections(struct ingot_predict *p, ingot_error *reterr)
{
        int r = 0;
        for (enum ingot_uki_kind kind = 0; r >= 0 && kind < INGOT_UKI_OTHER; kind++) {
                const struct ingot_uki_section *s = ingot_predict_section(p, kind);
                if (s && kind != INGOT_UKI_PCRSIG)
                        r = put_section(p, s, reterr);
        }
        return r;
}

/* Firmware loads, and so measures, each; what is in one of them that cannot be told may change
 * everything that comes of addons. */
static int put_addons(struct ingot_predict *p, ingot_error *reterr)
{
        static const uint32_t pcrs[] = {4, 9, 12};
        struct ingot_predict_event e = {.by = INGOT_MEASURER_FIRMWARE,
                                        .component = INGOT_PREDICT_COMPONENT_SIDECARS,
                                        .pcr = 4,
                                        .type = INGOT_EV_EFI_BOOT_SERVICES_APPLICATION};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < p->addon_count; i++) {
                const struct ingot_predict_addon *a = p->addons + i;
                r = ingot_predict_authority(p, a->reader, a->name, reterr);
                if (r >= 0 && !a->problem)
                        r = ingot_predict_put(p, &e, &a->record, reterr, "%s", a->name);
                for (size_t k = 0; r >= 0 && a->problem && k < ARRAY_SIZE(pcrs); k++) {
                        struct ingot_predict_event unknown = e;
                        unknown.pcr = pcrs[k];
                        r = ingot_predict_put_unknown(p, &unknown, a->name, a->problem, reterr);
                }
        }
        return r;
}

static int put_line(struct ingot_predict *p, const char *line, bool strange, const char *what,
                    ingot_error *reterr)
{
        struct ingot_predict_event e = stub_event(p, INGOT_PREDICT_COMPONENT_SIDECARS, 12, 0);
        _cleanup_buffer_ struct ingot_buffer text = {0};
        if (!line)
                return 0;
        int r = strange ? 1 : ingot_predict_utf16(line, &text, reterr);
        if (r == 1)
                return ingot_predict_put_unknown(p, &e, what, "it is no plain UTF-8", reterr);
        return r < 0 ? r : ingot_predict_put_data(p, &e, ingot_buffer_span(&text), what, reterr);
}

static int put_lines(struct ingot_predict *p, ingot_error *reterr)
{
        _cleanup_predict_lines_ struct ingot_predict_lines lines = {0};
        int r = ingot_predict_lines(p, &lines, reterr);
        if (r >= 0)
                r = put_line(p, lines.global, lines.strange, "command line of the addons", reterr);
        return r < 0 ? r
                     : put_line(p, lines.own, lines.strange, "command line of the UKI's addons",
                                reterr);
}

/* The digests of an addon's section. */
static int put_part(struct ingot_predict *p, const struct ingot_predict_addon *a,
                    enum ingot_uki_kind kind, uint32_t tag, ingot_error *reterr)
{
        struct ingot_predict_event e = stub_event(p, INGOT_PREDICT_COMPONENT_SIDECARS, 12, tag);
        const struct ingot_pe_section *s = ingot_predict_addon_find(a, kind);
        _cleanup_digests_ struct ingot_digests d = {0};
        struct ingot_record record = {0};
        if (!s || a->problem)
                return 0;
        int r = ingot_predict_addon_used(p, a, NULL, reterr);
        if (r <= 0)
                return r;
        ingot_digests_start(&d);
        r = ingot_digests_section(&d, a->reader, s, reterr);
        if (r >= 0)
                r = ingot_digests_finish(&d, &record, reterr);
        return r < 0 ? ingot_under(reterr, r, "%s", a->name)
                     : ingot_predict_put(p, &e, &record, reterr, "%s of %s", s->name, a->name);
}

/* A devicetree that firmware refuses would not be measured; .dtbauto depends on the machine. */
static int put_devicetrees(struct ingot_predict *p, ingot_error *reterr)
{
        struct ingot_predict_event e =
                stub_event(p, INGOT_PREDICT_COMPONENT_SIDECARS, 12, INGOT_STUB_TAG_DEVICETREE);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < p->addon_count; i++) {
                const struct ingot_predict_addon *a = p->addons + i;
                if (a->problem)
                        continue;
                if (p->stub->addons == INGOT_STUB_ADDONS_ALL &&
                    ingot_predict_addon_find(a, INGOT_UKI_DTBAUTO))
                        r = ingot_predict_put_unknown(
                                p, &e, a->name, "a devicetree that may fit the machine", reterr);
                else if (p->stub->addons >= INGOT_STUB_ADDONS_LINES)
                        r = put_part(p, a, INGOT_UKI_DTB, INGOT_STUB_TAG_DEVICETREE, reterr);
        }
        return r;
}

static int put_archives(struct ingot_predict *p, ingot_error *reterr)
{
        int r = 0;
        for (enum ingot_predict_archive i = 0; r >= 0 && i < INGOT_ARCHIVE_MAX; i++) {
                struct ingot_predict_event e =
                        stub_event(p, INGOT_PREDICT_COMPONENT_SIDECARS, rows[i].pcr, 0);
                if (p->archives[i].there)
                        r = ingot_predict_put(p, &e, &p->archives[i].record, reterr,
                                              "%s: %zu file%s", rows[i].what,
                                              p->archives[i].archive.count,
                                              p->archives[i].archive.count == 1 ? "" : "s");
        }
        return r;
}

static int put_initrd_addons(struct ingot_predict *p, ingot_error *reterr)
{
        int r = 0;
        if (p->stub->addons != INGOT_STUB_ADDONS_ALL)
                return 0;
        for (size_t i = p->addon_count; r >= 0 && i > 0; i--)
                r = put_part(p, p->addons + i - 1, INGOT_UKI_UCODE, INGOT_STUB_TAG_UCODE, reterr);
        for (size_t i = 0; r >= 0 && i < p->addon_count; i++)
                r = put_part(p, p->addons + i, INGOT_UKI_INITRD, INGOT_STUB_TAG_INITRD, reterr);
        return r;
}

/* .linux, which older stubs have firmware load. With Secure Boot on they take the place of what
 * checks images in firmware, so that .linux needs no signature of its own: and what checks is what
 * measures. A kernel that unpacks itself (EFI zboot) may have firmware load one more. */
static int put_kernel_image(struct ingot_predict *p, ingot_error *reterr)
{
        const struct ingot_uki_section *s = ingot_predict_section(p, INGOT_UKI_LINUX);
        struct ingot_predict_event e = {.by = INGOT_MEASURER_FIRMWARE,
                                        .component = "670-kernel",
                                        .pcr = 4,
                                        .type = INGOT_EV_EFI_BOOT_SERVICES_APPLICATION,
                                        .insecure = p->stub->loads_image && !p->variables};
        _cleanup_pe_ struct ingot_pe pe = {0};
        struct ingot_record record = {0};
        struct ingot_reader content;
        ingot_error error = {0};
        uint8_t start[8] = {0};
        if (!s)
                return 0;
        int r = ingot_pe_section_reader(ingot_predict_reader(p), &s->pe, &content, reterr);
        if (r >= 0 && content.size >= sizeof(start))
                r = ingot_read_at(&content, 0, start, sizeof(start), reterr);
        if (r < 0)
                return r;
        if (memcmp(start + 4, "zimg", 4) == 0)
                return ingot_predict_put_unknown(p, &e, "the kernel that .linux unpacks",
                                                 "it may have firmware load it", reterr);
        if (!p->stub->loads_image || p->secure_boot)
                return 0;
        if (content.size != s->pe.virtual_size)
                return ingot_predict_put_unknown(p, &e, "section .linux",
                                                 "it is larger in memory than in the file", reterr);
        r = ingot_pe_decode(&content, &pe, &error);
        if (r >= 0)
                r = ingot_digests_of_image(&content, &pe, &record, &error);
        return r < 0 ? ingot_predict_put_unknown(p, &e, "section .linux", error.text, reterr)
                     : ingot_predict_put(p, &e, &record, reterr,
                                         "section .linux, the kernel (Secure Boot off)");
}

static int put_unknown_stub(struct ingot_predict *p, const char *reason, ingot_error *reterr)
{
        static const uint32_t pcrs[] = {4, 9, 11, 12, 13, 7};
        size_t count = p->variables ? ARRAY_SIZE(pcrs) : ARRAY_SIZE(pcrs) - 1;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < count; i++) {
                struct ingot_predict_event e =
                        stub_event(p, INGOT_PREDICT_COMPONENT_UKI, pcrs[i], 0);
                r = ingot_predict_put_unknown(p, &e, "what the stub loads and measures", reason,
                                              reterr);
        }
        return r;
}

int ingot_predict_stub(struct ingot_predict *p, ingot_error *reterr)
{
        if (!p->stub)
                return put_unknown_stub(p, "it is not a systemd-stub of version 252 to 262",
                                        reterr);
        if (p->uki.profile_count > 0 && !p->stub->profiles)
                return put_unknown_stub(p, "this version of the stub knows no profiles", reterr);
        int r = put_profile(p, reterr);
        if (r >= 0)
                r = put_sections(p, reterr);
        if (r >= 0)
                r = put_addons(p, reterr);
        if (r >= 0)
                r = put_lines(p, reterr);
        if (r >= 0)
                r = put_devicetrees(p, reterr);
        if (r >= 0)
                r = put_archives(p, reterr);
        if (r >= 0)
                r = put_initrd_addons(p, reterr);
        return r < 0 ? r : put_kernel_image(p, reterr);
}
