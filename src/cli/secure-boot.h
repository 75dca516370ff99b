/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What 'ingot key enroll' and 'ingot key rotate' have in common: where Secure Boot keys come from
 * and where they go. */
#pragma once

#include "cli/option.h"
#include "cli/passphrase.h"
#include "trust/secure-boot-files.h"

struct secure_boot_options {
        struct ingot_strings kek, db, dbx;
        const char *pk_key, *kek_key;
        const char *vars, *esp, *name; /* read */
        const char *output, *auth;     /* written, and so is the ESP */
        const char *passphrase_file;
        uint64_t timestamp;
};

#define SECURE_BOOT_ROWS(T)                                                                        \
        STRING(0, "pk-key", "KEY", T, common.pk_key,                                               \
               "The private key of PK, a PEM file or PKCS#11 URI (NAME.key beside --pk "           \
               "NAME.crt)"),                                                                       \
                STRING(0, "kek-key", "KEY", T, common.kek_key,                                     \
                       "The private key of a KEK (NAME.key beside the first --kek NAME.crt)"),     \
                STRING(0, "vars", "FILE", T, common.vars,                                          \
                       "Start from this variable store of edk2 firmware, as OVMF_VARS_4M.fd"),     \
                STRING('o', "output", "FILE", T, common.output,                                    \
                       "Write the variable store to FILE"),                                        \
                STRING(0, "esp", "DIR", T, common.esp,                                             \
                       "Write signed updates to loader/keys/NAME below DIR, a mounted ESP or its " \
                       "tree"),                                                                    \
                STRING(0, "name", "NAME", T, common.name,                                          \
                       "Name of the keys on the ESP (auto: systemd-boot enrols those by itself "   \
                       "in a "                                                                     \
                       "virtual machine)"),                                                        \
                STRING(0, "auth", "DIR", T, common.auth, "Write signed updates to a folder"),      \
                OPTION_PASSPHRASE_FILE(T, common.passphrase_file),                                 \
                UINT(0, "timestamp", "SECONDS", T, common.timestamp,                               \
                     "Time of the updates, in seconds since 1970 (after what is replaced)")

/* What --vars (in STORE, when it has bytes) or else the ESP has. */
int secure_boot_load_old(const struct secure_boot_options *o,
                         const struct ingot_secure_boot_store *store, struct ingot_secure_boot *ret,
                         ingot_error *reterr);
/* The files of --kek, --db and --dbx. */
int secure_boot_add_options(struct ingot_secure_boot *s, const struct secure_boot_options *o,
                            const struct ingot_uuid *owner, ingot_error *reterr);

struct secure_boot_job {
        const struct secure_boot_options *options;
        /* NAME.crt where NAME.key may lie beside; or NULL */
        const char *pk_certificate, *kek_certificate;
        const struct ingot_secure_boot *old, *new;
        const struct ingot_secure_boot *signers; /* whose PK and KEK sign */
        const bool *which;                       /* the variables to be written as updates */
        struct ingot_secure_boot_store *store;
};

/* To all places that the options name. */
int secure_boot_write(const struct secure_boot_job *job, ingot_error *reterr);
