/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The variable store of edk2's firmware (OVMF, AAVMF), as it lies in the flash of a virtual
 * machine: read, changed and written without starting the firmware.
 *
 * Source: edk2, MdePkg/Include/Pi/PiFirmwareVolume.h (the volume's header) and
 * MdeModulePkg/Include/Guid/VariableFormat.h (the store with authenticated variables). At the start
 * of the file stands a firmware volume's header, behind it the store: a header and variables, each
 * at a multiple of 4; what follows in the file (a journal and spare blocks) is left as it is.
 */
#pragma once

#include "format/efi-time-auth.h"

#define INGOT_EDK2_FILE_MAX (128 << 20) /* AAVMF's is 64 MiB */

struct ingot_edk2_variable {
        struct ingot_uuid vendor;
        char *name; /* UTF-8 */
        uint32_t attributes;
        struct ingot_efi_time time; /* of the last signed update */
        uint64_t count;             /* of old-style signed updates */
        uint32_t key;               /* the same */
        uint8_t *data;
        size_t size;
};

struct ingot_edk2_variables {
        struct ingot_edk2_variable *items; /* as in the store: oldest first */
        size_t count, allocated;
        size_t offset, size; /* of the store in the file, with its header */
};

void ingot_edk2_variables_done(struct ingot_edk2_variables *v);
#define _cleanup_edk2_variables_ __attribute__((cleanup(ingot_edk2_variables_done)))

/* The variables that count: deleted ones are left out, and of one that was just being replaced the
 * new. FORMAT when FILE is no such store or is damaged; UNSUPPORTED for one without authenticated
 * variables, and for qcow2. */
int ingot_edk2_variables_decode(struct ingot_span file, struct ingot_edk2_variables *ret,
                                ingot_error *reterr);

/* The variable, or NULL. */
struct ingot_edk2_variable *ingot_edk2_variables_find(const struct ingot_edk2_variables *v,
                                                      const char *name,
                                                      const struct ingot_uuid *vendor);
/* Sets it to a copy of DATA; a new one comes last. No data removes it. */
int ingot_edk2_variables_set(struct ingot_edk2_variables *v, const char *name,
                             const struct ingot_uuid *vendor, uint32_t attributes,
                             const struct ingot_efi_time *time, struct ingot_span data,
                             ingot_error *reterr);

/* FILE (from which V was decoded) with these variables, in a store without gaps; appended to RET.
 * SPACE when they do not fit. */
int ingot_edk2_variables_encode(const struct ingot_edk2_variables *v, struct ingot_span file,
                                struct ingot_buffer *ret, ingot_error *reterr);
