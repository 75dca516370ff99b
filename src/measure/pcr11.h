/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCR 11 of a UKI, before it ever runs: what systemd-stub measures (UAPI.5 "measurement", with the
 * order of systemd-stub, which UAPI.5 leaves open), and then what the system measures on its way
 * ("phases", systemd-pcrphase(8)).
 *
 *     pcr = 0
 *     of each kind, in the order of enum ingot_uki_kind, that the profile has and is not empty:
 *             pcr = H(pcr ‖ H(name ‖ NUL)); pcr = H(pcr ‖ H(content))     .pcrsig is left out
 *     of each word of the phase path:
 *             pcr = H(pcr ‖ H(word))
 *
 * The content is what is in memory: VirtualSize bytes.
 */
#pragma once

#include "format/uki.h"
#include "measure/record.h"

#define INGOT_PCR11 11

/*
 * What stands in PCR 11 when the stub has measured PROFILE of this UKI. A UKI without profiles has
 * profile 0. UNSUPPORTED when it has .dtbauto or .efifw, of which the stub takes what fits the
 * machine; LIMIT when a section is mostly zeros that the file does not have.
 */
int ingot_pcr11_of_uki(const struct ingot_reader *r, const struct ingot_uki *uki, uint32_t profile,
                       struct ingot_pcr *ret, ingot_error *reterr);

/* The stub takes of such sections the one that fits the machine. */
bool ingot_pcr11_machine_dependent(enum ingot_uki_kind kind);

/* The two measurements of one section: its name, its content. */
int ingot_pcr11_section(const struct ingot_reader *r, const struct ingot_pe_section *s,
                        struct ingot_record ret[2], ingot_error *reterr);

/* Extends it with the words of a path: "enter-initrd:leave-initrd"; "" has none. */
int ingot_pcr11_phases(struct ingot_pcr *pcr, const char *path, ingot_error *reterr);

/* The paths that systemd-measure signs when nothing is said; ends with NULL. */
extern const char *const ingot_pcr11_paths[];
