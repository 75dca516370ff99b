/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * EFI signature lists: what the variables PK, KEK, db and dbx (and shim's MokListRT) hold.
 *
 * Source: UEFI 2.10, 32.4.1 "Signature Database". A variable is EFI_SIGNATURE_LISTs one behind the
 * other; a list has one type and entries of one size, each an owner's GUID and the data. The lists
 * are read into one flat array, and written again with neighbours of one type and size in one list.
 */
#pragma once

#include "base/buffer.h"
#include "base/uuid.h"

/* No firmware takes variables that are larger; what is larger is refused. */
#define INGOT_EFI_SIGNATURES_MAX (16 << 20)

enum ingot_efi_signature_kind {
        INGOT_EFI_SIGNATURE_OTHER, /* of a type that ingot does not know: kept as it is */
        INGOT_EFI_SIGNATURE_X509,  /* a certificate, DER */
        INGOT_EFI_SIGNATURE_SHA1,
        INGOT_EFI_SIGNATURE_SHA224,
        INGOT_EFI_SIGNATURE_SHA256, /* the Authenticode digest of an image */
        INGOT_EFI_SIGNATURE_SHA384,
        INGOT_EFI_SIGNATURE_SHA512,
        INGOT_EFI_SIGNATURE_RSA2048,
        INGOT_EFI_SIGNATURE_X509_SHA256, /* digest of a certificate's to-be-signed part, then the */
        INGOT_EFI_SIGNATURE_X509_SHA384, /* time (EFI_TIME) since which it is revoked             */
        INGOT_EFI_SIGNATURE_X509_SHA512,
};

struct ingot_efi_signature {
        enum ingot_efi_signature_kind kind;
        struct ingot_uuid type;  /* the GUID of the kind; of OTHER: which */
        struct ingot_uuid owner; /* who put it there */
        struct ingot_span data;  /* in the bytes that were decoded, or the caller's */
};

struct ingot_efi_signatures {
        struct ingot_efi_signature *items;
        size_t count, allocated;
};

void ingot_efi_signatures_done(struct ingot_efi_signatures *s);
#define _cleanup_efi_signatures_ __attribute__((cleanup(ingot_efi_signatures_done)))

/* The word for it: "certificate", "SHA-256" … */
const char *ingot_efi_signature_kind_name(enum ingot_efi_signature_kind kind);

/* The data of a variable that was read from efivarfs, where four bytes of attributes stand in
 * front; bytes that do not begin like that are returned as they are. No signature list or signed
 * update does, and no text. */
struct ingot_span ingot_efi_variable_data(struct ingot_span file);

/* The signatures of BYTES, in order, behind those that RET has; their data points into BYTES. No
 * bytes are no signatures. FORMAT when sizes do not fit each other or the type; LIMIT. */
int ingot_efi_signatures_decode(struct ingot_span bytes, struct ingot_efi_signatures *ret,
                                ingot_error *reterr);

/* Appends one; DATA must outlive it. FORMAT when it has not the size of the kind. */
int ingot_efi_signatures_add(struct ingot_efi_signatures *s, enum ingot_efi_signature_kind kind,
                             const struct ingot_uuid *owner, struct ingot_span data,
                             ingot_error *reterr);
/* Appends a copy of an entry, unless one of this type and data is there; 1: it was. */
int ingot_efi_signatures_merge(struct ingot_efi_signatures *s,
                               const struct ingot_efi_signature *signature, ingot_error *reterr);
/* The first of this type and data, or NULL. */
const struct ingot_efi_signature *ingot_efi_signatures_find(const struct ingot_efi_signatures *s,
                                                            const struct ingot_uuid *type,
                                                            struct ingot_span data);

/* The lists, appended to RET. */
int ingot_efi_signatures_encode(const struct ingot_efi_signatures *s, struct ingot_buffer *ret,
                                ingot_error *reterr);
