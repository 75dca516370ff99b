/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of Secure Boot as a set: the platform key PK, the key exchange keys KEK, what may start
 * (db) and what may not (dbx). PK signs changes of PK and KEK, a KEK those of db and dbx.
 *
 * A set is put together from files (certificates, signature lists, signed updates, programs), from
 * a firmware's variable store, or from the folder of signed updates that systemd-boot enrols
 * (/loader/keys/NAME of the ESP), and goes into the latter two.
 */
#pragma once

#include "format/edk2-variables.h"
#include "format/efi-signature.h"
#include "trust/efi-auth.h"

enum ingot_secure_boot_variable {
        INGOT_SECURE_BOOT_PK,
        INGOT_SECURE_BOOT_KEK,
        INGOT_SECURE_BOOT_DB,
        INGOT_SECURE_BOOT_DBX,
        INGOT_SECURE_BOOT_VARIABLES
};

struct ingot_secure_boot_fact {
        const char *name; /* of the variable: "db" */
        struct ingot_uuid vendor;
        enum ingot_secure_boot_variable signer;
};
extern const struct ingot_secure_boot_fact ingot_secure_boot_facts[INGOT_SECURE_BOOT_VARIABLES];

/* Microsoft, as owner of an entry (77fa9abd-0359-4d32-bd60-28f4e78f784b). */
extern const struct ingot_uuid ingot_secure_boot_microsoft;
/* Shim, as owner of a machine owner's key in MokListRT (605dab50-e046-4300-abb6-3dd810dd8b23). */
extern const struct ingot_uuid ingot_secure_boot_shim;

struct ingot_secure_boot {
        struct {
                struct ingot_efi_signatures list;
                struct ingot_efi_time time; /* of its last update; zeros: not known */
        } variables[INGOT_SECURE_BOOT_VARIABLES];
        uint8_t **blocks; /* what the entries point into */
        size_t block_count;
};

void ingot_secure_boot_done(struct ingot_secure_boot *s);
#define _cleanup_secure_boot_ __attribute__((cleanup(ingot_secure_boot_done)))

/*
 * Adds what FILE holds to the variable, with that owner where the file names none: certificates
 * (PEM or DER), signature lists (.esl, or db or MokListRT as efivarfs shows them), a signed update
 * (.auth; its signature is not looked at), or an EFI program, of which the Authenticode digest is
 * listed. What is there already stays as it is. FORMAT when it is none of them.
 */
int ingot_secure_boot_add(struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                          struct ingot_span file, const struct ingot_uuid *owner,
                          ingot_error *reterr);
/* Removes from the variable what FILE holds; 1: nothing of it was there. */
int ingot_secure_boot_remove(struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                             struct ingot_span file, ingot_error *reterr);
/* Adds copies of the entries of FROM: all, or only Microsoft's. */
int ingot_secure_boot_keep(struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                           const struct ingot_secure_boot *from, bool only_microsoft,
                           ingot_error *reterr);
/* Are the entries the same, in whatever order? */
bool ingot_secure_boot_same(const struct ingot_secure_boot *a, const struct ingot_secure_boot *b,
                            enum ingot_secure_boot_variable which);

/* From a variable store; what it has not is empty. */
int ingot_secure_boot_from_store(struct ingot_secure_boot *s,
                                 const struct ingot_edk2_variables *store, ingot_error *reterr);
/* Into a variable store: the four variables, with that time, and Secure Boot switched on. */
int ingot_secure_boot_to_store(const struct ingot_secure_boot *s, const struct ingot_efi_time *time,
                               struct ingot_edk2_variables *store, ingot_error *reterr);
/* Does a firmware with this store check what it starts? It does when there is a platform key, unless
 * it was switched off. */
bool ingot_secure_boot_is_on(const struct ingot_edk2_variables *store);
/* One variable from a signed update, with its time. */
int ingot_secure_boot_from_auth(struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                                struct ingot_span auth, ingot_error *reterr);

/* The certificates of a variable, added to RET. Entries that are none are passed over. */
int ingot_secure_boot_certificates(const struct ingot_secure_boot *s,
                                   enum ingot_secure_boot_variable which,
                                   struct ingot_certificates *ret, ingot_error *reterr);
/* The certificate of the variable that is that key's; NOTFOUND. */
int ingot_secure_boot_find_signer(const struct ingot_secure_boot *s,
                                  enum ingot_secure_boot_variable which,
                                  const struct ingot_key *key, struct ingot_certificate **ret,
                                  ingot_error *reterr);

/* The owner that entries get when nobody names one: derived from the platform certificate. */
struct ingot_uuid ingot_secure_boot_owner(struct ingot_span platform_certificate);

/* A time for an update without asking a clock: the youngest beginning of a certificate of NEW, and
 * a second after every time that OLD (may be NULL) was updated at. */
int ingot_secure_boot_time(const struct ingot_secure_boot *new, const struct ingot_secure_boot *old,
                           struct ingot_efi_time *ret, ingot_error *reterr);

/* The signed update of a variable, appended to RET. SIGNERS is the set whose PK or KEK has the
 * certificate of the key: the old one, except when a machine is first enrolled. */
int ingot_secure_boot_sign(const struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                           const struct ingot_efi_time *time, const struct ingot_key *key,
                           const struct ingot_secure_boot *signers, struct ingot_buffer *ret,
                           ingot_error *reterr);
