/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCR 11 of a UKI, in all banks at once. */
#include "measure/pcr11.h"
#include "measure/digests.h"

#include <string.h>

const char *const ingot_pcr11_paths[] = {
        "enter-initrd",
        "enter-initrd:leave-initrd",
        "enter-initrd:leave-initrd:sysinit",
        "enter-initrd:leave-initrd:sysinit:ready",
        NULL,
};

bool ingot_pcr11_machine_dependent(enum ingot_uki_kind kind)
{
        return kind == INGOT_UKI_DTBAUTO || kind == INGOT_UKI_EFIFW;
}

int ingot_pcr11_section(const struct ingot_reader *r, const struct ingot_pe_section *s,
                        struct ingot_record ret[2], ingot_error *reterr)
{
        _cleanup_digests_ struct ingot_digests d = {0};
        ret[0] = ret[1] = (struct ingot_record){.pcr = INGOT_PCR11};
        ingot_digests_start(&d);
        ingot_digests_update(&d, s->name, strlen(s->name) + 1);
        int e = ingot_digests_finish(&d, ret, reterr);
        if (e < 0)
                return e;
        ingot_digests_start(&d);
        e = ingot_digests_section(&d, r, s, reterr);
        return e < 0 ? e : ingot_digests_finish(&d, ret + 1, reterr);
}

static int measure_kind(const struct ingot_reader *r, const struct ingot_uki *uki, uint32_t profile,
                        enum ingot_uki_kind kind, struct ingot_pcr *pcr, ingot_error *reterr)
{
        const struct ingot_uki_section *s = ingot_uki_find(uki, profile, kind);
        struct ingot_record records[2];
        if (!s || s->pe.virtual_size == 0)
                return 0;
        if (ingot_pcr11_machine_dependent(kind))
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "with section '%s' PCR 11 depends on the machine", s->pe.name);
        int e = ingot_pcr11_section(r, &s->pe, records, reterr);
        for (unsigned i = 0; e >= 0 && i < 2; i++)
                e = ingot_record_extend(records + i, pcr, reterr);
        return e;
}

int ingot_pcr11_of_uki(const struct ingot_reader *r, const struct ingot_uki *uki, uint32_t profile,
                       struct ingot_pcr *ret, ingot_error *reterr)
{
        struct ingot_pcr pcr = {0};
        if (profile >= (uki->profile_count ? uki->profile_count : 1))
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "the UKI has no profile %u", profile);
        for (enum ingot_uki_kind kind = 0; kind < INGOT_UKI_OTHER; kind++) {
                if (kind == INGOT_UKI_PCRSIG)
                        continue;
                int e = measure_kind(r, uki, profile, kind, &pcr, reterr);
                if (e < 0)
                        return e;
        }
        *ret = pcr;
        return 0;
}

int ingot_pcr11_phases(struct ingot_pcr *pcr, const char *path, ingot_error *reterr)
{
        struct ingot_pcr extended = *pcr;
        while (*path) {
                size_t n = strcspn(path, ":");
                int e = n == 0 ? ingot_fail(reterr, INGOT_E_USAGE, "an empty word in a phase path")
                               : ingot_pcr_extend(&extended, INGOT_SPAN(path, n), reterr);
                if (e < 0)
                        return e;
                path += n;
                if (*path == ':' && !*++path)
                        return ingot_fail(reterr, INGOT_E_USAGE, "a phase path ends with ':'");
        }
        *pcr = extended;
        return 0;
}
