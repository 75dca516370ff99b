/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of an EFI system partition: systemd-boot, its configuration, and the UKI; by the Boot
 * Loader Specification (UAPI.1) and bootctl(1).
 *
 *     EFI/BOOT/BOOTX64.EFI            the loader, where firmware looks without an entry
 *     EFI/systemd/systemd-bootx64.efi the same, under the name that its own updater knows
 *     EFI/Linux/NAME_VERSION+3-0.efi  the UKI (a Type #2 entry)
 *     loader/loader.conf              options of the loader
 *     loader/entries/                 Type #1 entries: none
 *     loader/entries.srel             "type1\n": entries are by UAPI.1
 *     loader/credentials/             credentials for every UKI
 *     loader/addons/                  addons for every UKI
 *     loader/ingot/                   measurement manifests (the build's, not this file's)
 */
#pragma once

#include "format/tree.h"

/* Where the measurement manifest of an image and its signatures stand. */
#define INGOT_ESP_MEASUREMENTS "loader/ingot"
#define INGOT_MEASUREMENT_SUFFIX ".measurement.json" /* behind NAME_VERSION */

struct ingot_esp_options {
        const struct ingot_tree *system; /* where the loader is taken from */
        const char *architecture;        /* EFI's word: "x64", "aa64"; NULL: "x64" */
        const char *name, *version;      /* of the image: the UKI's file name; [A-Za-z0-9+_.-] but
                                            '+' only where it cannot be taken for a counter */
        struct ingot_reader uki;         /* must live as long as the tree */
        unsigned tries;                  /* boot counting: as many tries; 0: none. At most 99 */
        const char *timeout;             /* seconds or a word of loader.conf(5); NULL: "0" */
        const char *const *loader_lines; /* more lines of loader.conf; NULL-terminated, or NULL */
        int64_t mtime;
};

/*
 * A new tree in *ret, all owned by root and stamped MTIME. systemd-boot is the ".signed" one where
 * the system has it. NOTFOUND when the system has no systemd-boot, USAGE for a name, version or
 * line that cannot be written.
 */
int ingot_esp_tree(const struct ingot_esp_options *options, struct ingot_tree **ret,
                   ingot_error *reterr);

/*
 * The UKI's file name: "NAME_VERSION.efi", or with TRIES "NAME_VERSION+3-0.efi". Both counters keep
 * their width for ever (UAPI.1 "Boot counting"), so TRIES above 9 gives "+10-00".
 */
int ingot_esp_uki_name(const char *name, const char *version, unsigned tries, char **ret,
                       ingot_error *reterr);
