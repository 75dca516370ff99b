/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel's EFI stub measures into PCR 9: the command line that it is given, and the
 * initrd, which systemd-stub makes of many parts.
 *
 * Source: Linux, drivers/firmware/efi/libstub/efi-stub-helper.c; systemd, src/boot/stub.c.
 */
#include "base/cleanup.h"
#include "measure/predict-state.h"

#include <string.h>

#define EMBEDDED_SIZE_MAX ((size_t) 16 << 20)
#define PCR_KERNEL 9

/* Sections that become files of the initrd; in the order in which they are put there. */
static const struct {
        enum ingot_uki_kind kind;
        const char *name;
        bool with_profiles; /* only stubs that know profiles */
} embedded[] = {
        {INGOT_UKI_PCRSIG, "tpm2-pcr-signature.json", false},
        {INGOT_UKI_PCRPKEY, "tpm2-pcr-public-key.pem", false},
        {INGOT_UKI_OSREL, "os-release", true},
        {INGOT_UKI_PROFILE, "profile", true},
};

/* The whole initrd as it is put together: first its parts are counted, then digested. A single one
 * is handed over as it is; of more than one each is padded to 4. */
struct initrd {
        struct ingot_digests *digests; /* NULL: only counting */
        size_t count;
        bool padded;
};

static void pad(const struct initrd *i, uint64_t size)
{
        static const uint8_t zeros[4];
        if (i->padded)
                ingot_digests_update(i->digests, zeros, -size & 3);
}

static int add_section(struct initrd *i, const struct ingot_reader *r,
                       const struct ingot_pe_section *s, ingot_error *reterr)
{
        if (!s)
                return 0;
        i->count++;
        if (!i->digests)
                return 0;
        int e = ingot_digests_section(i->digests, r, s, reterr);
        pad(i, s->virtual_size);
        return e;
}

static int add_archive(struct initrd *i, const struct ingot_stub_archive *a, ingot_error *reterr)
{
        i->count++;
        return i->digests ? ingot_stub_archive_digest(a, i->digests, reterr) : 0;
}

static int add_own(const struct ingot_predict *p, struct initrd *i, enum ingot_uki_kind kind,
                   ingot_error *reterr)
{
        const struct ingot_uki_section *s = ingot_predict_section(p, kind);
        return add_section(i, ingot_predict_reader(p), s ? &s->pe : NULL, reterr);
}

static int add_of_addon(const struct ingot_predict *p, struct initrd *i,
                        const struct ingot_predict_addon *a, enum ingot_uki_kind kind,
                        ingot_error *reterr)
{
        int r = p->stub->addons == INGOT_STUB_ADDONS_ALL && !a->problem
                        ? ingot_predict_addon_used(p, a, NULL, reterr)
                        : 0;
        return r <= 0 ? r : add_section(i, a->reader, ingot_predict_addon_find(a, kind), reterr);
}

static int add_embedded(const struct ingot_predict *p, struct initrd *i, size_t row,
                        ingot_error *reterr)
{
        const struct ingot_uki_section *s = ingot_predict_section(p, embedded[row].kind);
        _cleanup_stub_archive_ struct ingot_stub_archive a = {0};
        _cleanup_free_ uint8_t *data = NULL;
        struct ingot_span content = {0};
        if (!s || (embedded[row].with_profiles && !p->stub->profiles))
                return 0;
        int r = ingot_pe_section_read(ingot_predict_reader(p), &s->pe, EMBEDDED_SIZE_MAX, &data,
                                      &content.size, reterr);
        content.data = data;
        struct ingot_reader reader = ingot_reader_of_span(&content);
        if (r >= 0)
                r = ingot_stub_archive_start(&a, ".extra", 0555, 0444, reterr);
        if (r >= 0)
                r = ingot_stub_archive_add(&a, embedded[row].name, &reader, reterr);
        if (r >= 0)
                r = ingot_stub_archive_finish(&a, reterr);
        return r < 0 ? r : add_archive(i, &a, reterr);
}

static int put_together(const struct ingot_predict *p, struct initrd *i, ingot_error *reterr)
{
        int r = 0;
        for (size_t k = p->addon_count; r >= 0 && k > 0; k--)
                r = add_of_addon(p, i, p->addons + k - 1, INGOT_UKI_UCODE, reterr);
        if (r >= 0)
                r = add_own(p, i, INGOT_UKI_UCODE, reterr);
        if (r >= 0)
                r = add_own(p, i, INGOT_UKI_INITRD, reterr);
        for (enum ingot_predict_archive k = 0; r >= 0 && k < INGOT_ARCHIVE_MAX; k++)
                if (p->archives[k].there)
                        r = add_archive(i, &p->archives[k].archive, reterr);
        for (size_t k = 0; r >= 0 && k < ARRAY_SIZE(embedded); k++)
                r = add_embedded(p, i, k, reterr);
        for (size_t k = 0; r >= 0 && k < p->addon_count; k++)
                r = add_of_addon(p, i, p->addons + k, INGOT_UKI_INITRD, reterr);
        return r;
}

static struct ingot_predict_event kernel_event(const char *component, uint32_t tag)
{
        return (struct ingot_predict_event){.component = component,
                                            .pcr = PCR_KERNEL,
                                            .type = INGOT_EV_EVENT_TAG,
                                            .tag = tag,
                                            .by = INGOT_MEASURER_KERNEL};
}

/* Does the command line say where the console is? */
static bool has_console(const char *line)
{
        return ingot_starts_with(line, "console=") || strstr(line, " console=");
}

static int put_line(struct ingot_predict *p, ingot_error *reterr)
{
        struct ingot_predict_event e = kernel_event("710-kernel-cmdline", INGOT_KERNEL_TAG_OPTIONS);
        static const char what[] = "command line of the kernel";
        _cleanup_predict_lines_ struct ingot_predict_lines lines = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_predict_lines(p, &lines, reterr);
        if (r < 0)
                return r;
        if (p->stub->secret && (!lines.whole || !has_console(lines.whole)))
                return ingot_predict_put_unknown(p, &e, what,
                                                 "it says no console=, so the stub may add the one "
                                                 "that the machine has",
                                                 reterr);
        if (!lines.whole)
                return p->profile->profile == 0
                               ? 0
                               : ingot_predict_put_unknown(p, &e, what,
                                                           "the UKI has none, so what the loader "
                                                           "passed may reach the kernel",
                                                           reterr);
        r = lines.strange ? 1 : ingot_predict_utf16(lines.whole, &text, reterr);
        if (r == 1)
                return ingot_predict_put_unknown(p, &e, what, "it is no plain UTF-8", reterr);
        return r < 0 ? r : ingot_predict_put_data(p, &e, ingot_buffer_span(&text), what, reterr);
}

static void show_initrd(void *context, struct ingot_span bytes)
{
        const struct ingot_predict *p = context;
        p->options->initrd(p->options->context, p->profile->profile, bytes);
}

static int put_initrd(struct ingot_predict *p, ingot_error *reterr)
{
        struct ingot_predict_event e = kernel_event("720-kernel-initrd", INGOT_KERNEL_TAG_INITRD);
        _cleanup_digests_ struct ingot_digests d = {0};
        struct ingot_record record = {0};
        struct initrd i = {0};
        if (p->stub->secret)
                return ingot_predict_put_unknown(p, &e, "the initrd, as the stub combines it",
                                                 "this version of the stub puts a secret of the "
                                                 "machine into it (/.extra/boot-secret)",
                                                 reterr);
        int r = put_together(p, &i, reterr);
        if (r < 0 || i.count == 0)
                return r;
        if (p->options->initrd) {
                d.also = show_initrd;
                d.context = p;
        }
        ingot_digests_start(&d);
        size_t count = i.count;
        i = (struct initrd){.digests = &d, .padded = count > 1};
        r = put_together(p, &i, reterr);
        if (r >= 0)
                r = ingot_digests_finish(&d, &record, reterr);
        if (p->signed_later)
                e.provisional = "it has .pcrsig in it, whose policies are not signed yet";
        return r < 0 ? r
                     : ingot_predict_put(p, &e, &record, reterr, "the initrd, of %zu part%s", count,
                                         count == 1 ? "" : "s");
}

/* Firmware's own words about the end of its services. */
static int put_exit(struct ingot_predict *p, ingot_error *reterr)
{
        static const char *const actions[] = {"Exit Boot Services Invocation",
                                              "Exit Boot Services Returned with Success"};
        struct ingot_predict_event e = {.by = INGOT_MEASURER_FIRMWARE,
                                        .component = "700-action-efi-exit-boot-services",
                                        .pcr = 5,
                                        .type = INGOT_EV_EFI_ACTION};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(actions); i++)
                r = ingot_predict_put_data(p, &e, INGOT_SPAN(actions[i], strlen(actions[i])),
                                           actions[i], reterr);
        return r;
}

int ingot_predict_kernel(struct ingot_predict *p, ingot_error *reterr)
{
        int r = 0;
        if (p->stub && (p->uki.profile_count == 0 || p->stub->profiles)) {
                struct ingot_predict_event e = kernel_event("710-kernel-cmdline", 0);
                if (!p->kernel_measures)
                        r = ingot_predict_put_unknown(p, &e, "command line and initrd",
                                                      "kernels before 5.17 may not measure them",
                                                      reterr);
                else {
                        r = put_line(p, reterr);
                        if (r >= 0)
                                r = put_initrd(p, reterr);
                }
        }
        return r < 0 ? r : put_exit(p, reterr);
}
