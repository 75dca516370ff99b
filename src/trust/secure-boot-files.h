/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sets of Secure Boot keys in files: firmware's variable stores, and folders with PK.auth,
 * KEK.auth, db.auth and dbx.auth, as systemd-boot enrols them from /loader/keys/NAME of the ESP.
 */
#pragma once

#include "trust/secure-boot.h"

/* What the signing of a set needs; NULL: not there. */
struct ingot_secure_boot_signing {
        const struct ingot_key *keys[INGOT_SECURE_BOOT_VARIABLES]; /* of PK and of KEK */
        const struct ingot_secure_boot *signers;
        struct ingot_efi_time time;
};

/* The bytes of a variable store and what is in it. */
struct ingot_secure_boot_store {
        uint8_t *file;
        size_t size;
        struct ingot_edk2_variables variables;
};
void ingot_secure_boot_store_done(struct ingot_secure_boot_store *s);
#define _cleanup_secure_boot_store_ __attribute__((cleanup(ingot_secure_boot_store_done)))

int ingot_secure_boot_store_load(struct ingot_secure_boot_store *ret, const char *path,
                                 ingot_error *reterr);
/* The store with the keys of SET, written to PATH. */
int ingot_secure_boot_store_save(struct ingot_secure_boot_store *store,
                                 const struct ingot_secure_boot *set,
                                 const struct ingot_efi_time *time, const char *path,
                                 ingot_error *reterr);

/* ingot_secure_boot_add() and _remove() of the file at PATH. */
int ingot_secure_boot_add_file(struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                               const char *path, const struct ingot_uuid *owner,
                               ingot_error *reterr);
int ingot_secure_boot_remove_file(struct ingot_secure_boot *s,
                                  enum ingot_secure_boot_variable which, const char *path,
                                  ingot_error *reterr);

/* The updates of a folder; those that are not there leave their variable empty. 1: none is there.
 */
int ingot_secure_boot_folder_load(struct ingot_secure_boot *s, const char *folder,
                                  ingot_error *reterr);
/*
 * Writes NAME.auth of each variable that WHICH says and that is not empty into the folder, which is
 * made; all are signed before the first is written. NOTFOUND when a key for it is not there.
 */
int ingot_secure_boot_folder_save(const struct ingot_secure_boot *s,
                                  const bool which[INGOT_SECURE_BOOT_VARIABLES],
                                  const struct ingot_secure_boot_signing *signing,
                                  const char *folder, ingot_error *reterr);
