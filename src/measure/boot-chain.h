/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine starts of an ESP, and what is picked up on the way: the loader, the UKI, and the
 * files beside it. Names are compared as FAT does, without regard to case.
 *
 * Source: UEFI 2.10 section 3.5.1.1 (EFI/BOOT/BOOTX64.EFI); UAPI.1 (EFI/Linux/, order of entries,
 * boot counting); systemd-boot(7), systemd-stub(7) (loader/, UKI.extra.d/).
 */
#pragma once

#include "base/buffer.h"
#include "base/text.h"
#include "format/tree.h"

struct ingot_boot_chain {
        char *loader_path;
        const struct ingot_inode *loader; /* NULL: the firmware starts the UKI itself */
        char *uki_path;
        const struct ingot_inode *uki;
        const struct ingot_inode *config; /* loader/loader.conf, or NULL */
        /* Folders, or NULL. */
        const struct ingot_inode *addons, *credentials, *extensions; /* of every UKI */
        const struct ingot_inode *extra;                             /* of this one */
        char *extra_path; /* where that is, or would be */
};

void ingot_boot_chain_done(struct ingot_boot_chain *chain);
#define _cleanup_boot_chain_ __attribute__((cleanup(ingot_boot_chain_done)))

/*
 * Finds them. UKI is a path in the ESP, or the file's name with or without boot counters; NULL: the
 * one that systemd-boot starts when nobody chooses and no EFI variable does. What a person should
 * know about the choice is added to NOTES. NOTFOUND names what is there.
 */
int ingot_boot_chain_find(const struct ingot_tree *esp, const char *uki,
                          struct ingot_boot_chain *ret, struct ingot_strings *notes,
                          ingot_error *reterr);

/* "a+3-0.efi" is "a.efi": takes boot counters out of a path, as the stub does. */
void ingot_boot_chain_strip_counters(char *path);
