/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UEFI firmware for QEMU, found by the firmware descriptors: JSON files that distributions install
 * with it (QEMU's docs/interop/firmware.json). A file in $XDG_CONFIG_HOME/qemu/firmware hides one of
 * the same name in /etc/qemu/firmware, that one in /usr/share/qemu/firmware; an empty file hides
 * and offers nothing. What is left is tried in the order of the names.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>

enum { INGOT_FIRMWARE_MAX = 256 * 1024 }; /* the largest descriptor that is read, in bytes */

struct ingot_firmware {
        char *code;                   /* the firmware's code, mapped read-only */
        char *vars;                   /* the template of its variable store, to be copied */
        bool secure_boot;             /* it can verify what it starts */
        bool enrolled_keys;           /* … and its template has keys */
        bool requires_smm;
        struct ingot_strings machines; /* patterns of x86-64 machine types */
};

void ingot_firmware_done(struct ingot_firmware *f);
#define _cleanup_firmware_ __attribute__((cleanup(ingot_firmware_done)))

/*
 * Decodes a descriptor: 0, or 1 when it is valid but describes something else than UEFI for
 * x86-64 in flash with a raw variable store. FORMAT when it is no descriptor.
 */
int ingot_firmware_decode(struct ingot_span json, struct ingot_firmware *ret, ingot_error *reterr);

/* Is it for the machine "pc-q35-7.2", with Secure Boot or without as SECURE_BOOT says? With Secure
 * Boot, only one in setup mode is taken: keys are the image's own. */
bool ingot_firmware_fits(const struct ingot_firmware *f, const char *machine, bool secure_boot);

/* The first that fits of the descriptors in FOLDERS (highest precedence first; NULL-terminated) and
 * whose files exist. NOTFOUND. Descriptors that cannot be read are passed over with a warning. */
struct ingot_log;
int ingot_firmware_find(const char *const *folders, const char *machine, bool secure_boot,
                        const struct ingot_log *log, struct ingot_firmware *ret,
                        ingot_error *reterr);

/* The same in the folders of this host; where no descriptor fits, the places where distributions
 * put OVMF. NOTFOUND names the package. */
int ingot_firmware_find_host(const char *machine, bool secure_boot, const struct ingot_log *log,
                             struct ingot_firmware *ret, ingot_error *reterr);
