/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of SMBIOS structures that firmware and hypervisors leave (DMTF DSP0134, "System
 * Management BIOS Reference Specification" 3.7, section 6.1): one behind the other, each a header
 * (type, length of the formatted area with the header, handle), the formatted area, its strings,
 * each with a NUL behind it, and one NUL more. A structure without strings has two NULs.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

/*
 * Hands out each string of each structure of type 11 (OEM Strings, section 7.12), in their order,
 * until TAKE fails. Nothing is looked at behind the structure of type 127, which ends the table.
 * FORMAT when the table ends within a structure: what stood before it was handed out.
 */
int ingot_smbios_oem_strings(struct ingot_span table,
                             int (*take)(void *context, const char *text, ingot_error *reterr),
                             void *context, ingot_error *reterr);
