/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which kernel modules an initrd needs: the closure of some wanted names over what the modules say
 * of themselves (their .modinfo section: depends, softdep, firmware, alias). depmod's tables are
 * not needed, so a tree made of unpacked packages is enough; only modules.builtin and
 * modules.builtin.modinfo, which kernel packages ship, are read. A soft dependency that names an
 * algorithm ("crc32c") is looked for among the aliases of the modules below crypto and lib.
 */
#pragma once

#include "base/buffer.h"
#include "base/log.h"
#include "base/text.h"
#include "format/tree.h"

#include <stdbool.h>

/* One file of the initrd. */
struct ingot_module {
        char *name; /* "dm_verity", with '_' for '-'; NULL for firmware */
        char *path; /* in the initrd: "usr/lib/modules/VERSION/kernel/…/dm-verity.ko" */
        uint8_t *data; /* decompressed */
        size_t size;
};

/* Modules in the order in which they are to be loaded, then the firmware they name. */
struct ingot_modules {
        struct ingot_module *items;
        size_t count, allocated;
        size_t module_count; /* the first so many are modules */
        struct ingot_strings missing; /* wanted, but neither a file nor built in */
};

struct ingot_modules_options {
        const char *version; /* the kernel's, as `uname -r` says it */
        /* Names; '-' and '_' are the same. One that starts with '-' may be missing without a word. */
        const char *const *wanted;
        size_t wanted_count;
        bool missing_is_error; /* NOTFOUND for a wanted module that is not there; else a warning */
        const struct ingot_log *log;
};

/* What our init needs on most machines: disks, file systems, dm-verity, EFI variables, the TPM. */
extern const char *const ingot_modules_default[];
extern const size_t ingot_modules_default_count;

/* NOTFOUND also when the tree has no modules of that version, or a dependency is missing; FORMAT
 * for a module that is none. RET is empty when it fails. */
int ingot_modules_closure(const struct ingot_tree *tree, const struct ingot_modules_options *o,
                          struct ingot_modules *ret, ingot_error *reterr);
void ingot_modules_done(struct ingot_modules *m);

#define _cleanup_modules_ __attribute__((cleanup(ingot_modules_done)))
