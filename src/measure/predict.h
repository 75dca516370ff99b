/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine will measure when it starts from an ESP: one walk over what firmware,
 * systemd-boot, systemd-stub, the kernel's EFI stub, the initrd and the system do, by the versions
 * that the programs say they are of (measure/stub-rules.h).
 *
 * It holds for a firmware as the TCG specification has it, which starts the loader at once; for a
 * machine that passes no more of the command line by SMBIOS, and where nobody edits it.
 */
#pragma once

#include "measure/measurement.h"

struct ingot_tree;
struct ingot_edk2_variables;

struct ingot_predict_options {
        const char *uki; /* a path in the ESP or a file's name; NULL: what the loader would start */
        bool one;        /* only this profile */
        uint32_t profile;
        /* The firmware's, which decide of PCR 7; NULL: not known. */
        const struct ingot_edk2_variables *variables;
        /* Sees the bytes of the initrd that the stub puts together for a profile, piece by piece,
         * as far as they are known; or NULL. */
        void (*initrd)(void *context, uint32_t profile, struct ingot_span bytes);
        void *context;
};

/*
 * ESP is the tree of a FAT, or of a folder; a UKI alone is one with EFI/Linux/NAME.efi and nothing
 * else. A file that firmware or stub would not take is left out with a note. NOTFOUND: no UKI, no
 * such profile. FORMAT: the UKI is none. REFUSED: Secure Boot does not let loader or UKI start.
 */
int ingot_measurement_predict(const struct ingot_tree *esp, const struct ingot_predict_options *o,
                              struct ingot_measurement *ret, ingot_error *reterr);
