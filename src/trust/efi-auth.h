/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signing updates of EFI variables, and checking such signatures, as firmware does it (UEFI 2.10,
 * 8.2.2; format/efi-time-auth.h has the bytes).
 *
 * The signature is PKCS#7 SignedData, detached, SHA-256, without signed attributes, with the
 * signer's certificate inside, and without a ContentInfo around it: older firmware takes no other.
 */
#pragma once

#include "format/efi-time-auth.h"
#include "trust/pkcs7.h"

/* What is updated, and when. */
struct ingot_efi_update {
        const char *name; /* "db", UTF-8 */
        struct ingot_uuid vendor;
        uint32_t attributes;
        struct ingot_efi_time time;
        struct ingot_span payload;
};

/* The whole .auth file, appended to RET. REFUSED when the certificate is not the key's. */
int ingot_efi_auth_sign(const struct ingot_efi_update *update, const struct ingot_key *key,
                        const struct ingot_certificate *certificate, struct ingot_buffer *ret,
                        ingot_error *reterr);

/* Holds when one of SIGNERS made the signature of AUTH for the variable, whose time and payload are
 * those of AUTH; *ret_which is its index. REFUSED; FORMAT. */
int ingot_efi_auth_verify(const struct ingot_efi_auth *auth, const char *name,
                          const struct ingot_uuid *vendor, uint32_t attributes,
                          const struct ingot_certificates *signers, size_t *ret_which,
                          ingot_error *reterr);
