/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signed updates of EFI variables: EFI_VARIABLE_AUTHENTICATION_2, as in the .auth files that
 * systemd-boot enrols and efi-updatevar writes.
 *
 * Source: UEFI 2.10, 8.2.1 and 8.3 (EFI_TIME); 32.2.4 WIN_CERTIFICATE. A time, a certificate of
 * type EFI_CERT_TYPE_PKCS7_GUID that is a PKCS#7 signature, then what the variable shall hold. The
 * signature is over the name without its NUL, the vendor's GUID, the attributes, the time and the
 * content. Firmware takes only times that are later than that of the variable it has.
 */
#pragma once

#include "base/buffer.h"
#include "base/uuid.h"

#include <stdbool.h>

#define INGOT_EFI_TIME_SIZE 16

/* Attributes of a variable (UEFI 2.10, 8.2). */
#define INGOT_EFI_NON_VOLATILE 0x01u
#define INGOT_EFI_BOOT_ACCESS 0x02u
#define INGOT_EFI_RUNTIME_ACCESS 0x04u
#define INGOT_EFI_TIME_AUTH 0x20u
#define INGOT_EFI_APPEND 0x40u
/* What PK, KEK, db and dbx have. */
#define INGOT_EFI_KEY_ATTRIBUTES                                                                   \
        (INGOT_EFI_NON_VOLATILE | INGOT_EFI_BOOT_ACCESS | INGOT_EFI_RUNTIME_ACCESS |               \
         INGOT_EFI_TIME_AUTH)

/* A time in UTC; all zeros: none. In an update the other fields of EFI_TIME have to be zero. */
struct ingot_efi_time {
        uint16_t year; /* 1900 – 9999 */
        uint8_t month, day, hour, minute, second;
};

struct ingot_efi_time ingot_efi_time_load(const uint8_t p[INGOT_EFI_TIME_SIZE]);
void ingot_efi_time_store(uint8_t p[INGOT_EFI_TIME_SIZE], const struct ingot_efi_time *t);
/* Seconds since 1970. Of a date that is none (and of all zeros): 0. */
uint64_t ingot_efi_time_to_unix(const struct ingot_efi_time *t);
/* false: after the year 9999. */
bool ingot_efi_time_from_unix(uint64_t seconds, struct ingot_efi_time *ret);

struct ingot_efi_auth {
        struct ingot_efi_time time;
        struct ingot_span signature; /* PKCS#7 SignedData, DER, with or without its ContentInfo */
        struct ingot_span payload;   /* of a key variable: signature lists */
};

/* FORMAT when it is no such file, or its sizes do not fit. The spans point into BYTES. */
int ingot_efi_auth_decode(struct ingot_span bytes, struct ingot_efi_auth *ret, ingot_error *reterr);
/* Appends the whole to RET. */
int ingot_efi_auth_encode(const struct ingot_efi_auth *auth, struct ingot_buffer *ret,
                          ingot_error *reterr);

/* The bytes that an update of variable NAME (UTF-8) is signed over, appended to RET. USAGE when the
 * name is no UTF-8 or too long. */
int ingot_efi_auth_signed_bytes(const char *name, const struct ingot_uuid *vendor,
                                uint32_t attributes, const struct ingot_efi_time *time,
                                struct ingot_span payload, struct ingot_buffer *ret,
                                ingot_error *reterr);
