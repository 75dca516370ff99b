/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unified kernel images (UAPI.5): a stub, and behind it the sections that it boots.
 *
 * Sections before the first .profile are the base; each .profile opens a profile, whose sections
 * stand in place of the base's of the same kind (UAPI.5 "Multi-Profile UKIs").
 */
#pragma once

#include "format/pe.h"

/* In the order in which systemd-stub measures them into PCR 11 (.pcrsig is not measured). */
enum ingot_uki_kind {
        INGOT_UKI_LINUX,
        INGOT_UKI_OSREL,
        INGOT_UKI_CMDLINE,
        INGOT_UKI_INITRD,
        INGOT_UKI_UCODE,
        INGOT_UKI_SPLASH,
        INGOT_UKI_DTB,
        INGOT_UKI_UNAME,
        INGOT_UKI_SBAT,
        INGOT_UKI_PCRSIG,
        INGOT_UKI_PCRPKEY,
        INGOT_UKI_PROFILE,
        INGOT_UKI_DTBAUTO,
        INGOT_UKI_HWIDS,
        INGOT_UKI_EFIFW,
        INGOT_UKI_OTHER, /* the stub's own: .text, .sdmagic … */
        INGOT_UKI_KIND_MAX
};

#define INGOT_UKI_PROFILES_MAX 256
#define INGOT_UKI_BASE UINT32_MAX /* "profile" of a section that stands before the first one */

/* ".linux" …; "" for INGOT_UKI_OTHER. */
const char *ingot_uki_section_name(enum ingot_uki_kind kind);

struct ingot_uki_section {
        enum ingot_uki_kind kind;
        uint32_t profile; /* 0 … or INGOT_UKI_BASE */
        struct ingot_pe_section pe;
};

struct ingot_uki {
        struct ingot_pe pe;
        struct ingot_uki_section *sections; /* all of the image, in the order of its table */
        size_t section_count;
        uint32_t profile_count;
};

/* Any PE image: one without .linux is no UKI (an addon, a loader), see ingot_uki_is_uki.
 * FORMAT when a section stands twice in one profile that may stand once. */
int ingot_uki_read(const struct ingot_reader *r, struct ingot_uki *ret, ingot_error *reterr);
void ingot_uki_done(struct ingot_uki *uki);
bool ingot_uki_is_uki(const struct ingot_uki *uki);
/* No .linux, but something that a stub takes from an addon (UAPI.5 "PE Addons"). */
bool ingot_uki_is_addon(const struct ingot_uki *uki);

/* The section that PROFILE uses: its own, else the base's, else NULL. With INGOT_UKI_BASE only the
 * base's. Of the kinds that may stand several times, the first. */
const struct ingot_uki_section *ingot_uki_find(const struct ingot_uki *uki, uint32_t profile,
                                               enum ingot_uki_kind kind);

struct ingot_uki_input {
        enum ingot_uki_kind kind;
        struct ingot_reader content;
};

/* The SBAT line of a UKI as such, for whoever has no better one to give. */
extern const char ingot_uki_sbat[];

/*
 * A UKI of a stub (systemd-stub of the target) and these sections. The inputs of a profile may
 * come in any order (those behind the n-th INGOT_UKI_PROFILE belong to profile n); they are laid
 * out as ukify does: small sections, then .linux, .initrd, .ucode, and .pcrsig at the end.
 * Several INGOT_UKI_INITRD, or _UCODE, of a profile become one section, in the order given.
 * .sbat is the stub's, the kernel's and then the given lines, each once.
 * CONFLICT: another section given twice; a kernel of another architecture than the stub's.
 * FORMAT: stub or kernel is no EFI program. Otherwise as ingot_pe_extend.
 */
int ingot_uki_build(struct ingot_span stub, const struct ingot_uki_input *inputs, size_t count,
                    const struct ingot_writer *out, uint64_t *ret_size, ingot_error *reterr);

#define _cleanup_uki_ __attribute__((cleanup(ingot_uki_done)))
