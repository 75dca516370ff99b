/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The firmware's event log: what was extended into the TPM's PCRs, or into the registers of a
 * confidential machine, before the kernel ran.
 *
 * Source: TCG PC Client Platform Firmware Profile 1.05 rev. 23, section 10 (both layouts: events with
 * one SHA-1 digest, and "crypto agile" ones with a digest for each bank); UEFI 2.10 section 38 (CCEL:
 * the same layout, the index of an event is that of a measurement register; the rest of its area is
 * filled with ones); ACPI 6.5 section 5.2.34 (the CCEL table);
 * TCG ACPI Specification 1.4 section 7.3 (the TPM2 table). All numbers are little-endian.
 *
 * The bytes may lie, and may end anywhere. What can be read is read: a log that breaks off has
 * `problem` and the events before it.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#define INGOT_EVENTLOG_SIZE_MAX ((size_t) 16 << 20) /* bytes; firmware gives some hundred KiB */
#define INGOT_EVENTLOG_ALGORITHMS_MAX 8
#define INGOT_EVENTLOG_EVENTS_MAX 65536

/* TPM_ALG_ID, of the TPM 2.0 library, part 2. */
#define INGOT_TPM_SHA1 0x0004
#define INGOT_TPM_SHA256 0x000b
#define INGOT_TPM_SHA384 0x000c
#define INGOT_TPM_SHA512 0x000d
#define INGOT_TPM_SM3_256 0x0012

/* Event types that mean something to us; any other number may stand in an event. */
enum ingot_event_type {
        INGOT_EV_PREBOOT_CERT = 0x0,
        INGOT_EV_POST_CODE = 0x1,
        INGOT_EV_NO_ACTION = 0x3, /* information; never extended */
        INGOT_EV_SEPARATOR = 0x4,
        INGOT_EV_ACTION = 0x5,
        INGOT_EV_EVENT_TAG = 0x6,
        INGOT_EV_S_CRTM_CONTENTS = 0x7,
        INGOT_EV_S_CRTM_VERSION = 0x8,
        INGOT_EV_CPU_MICROCODE = 0x9,
        INGOT_EV_PLATFORM_CONFIG_FLAGS = 0xa,
        INGOT_EV_TABLE_OF_DEVICES = 0xb,
        INGOT_EV_COMPACT_HASH = 0xc,
        INGOT_EV_IPL = 0xd,
        INGOT_EV_IPL_PARTITION_DATA = 0xe,
        INGOT_EV_NONHOST_CODE = 0xf,
        INGOT_EV_NONHOST_CONFIG = 0x10,
        INGOT_EV_NONHOST_INFO = 0x11,
        INGOT_EV_OMIT_BOOT_DEVICE_EVENTS = 0x12,
        INGOT_EV_POST_CODE2 = 0x13,
        INGOT_EV_EFI_VARIABLE_DRIVER_CONFIG = 0x80000001u,
        INGOT_EV_EFI_VARIABLE_BOOT = 0x80000002u,
        INGOT_EV_EFI_BOOT_SERVICES_APPLICATION = 0x80000003u,
        INGOT_EV_EFI_BOOT_SERVICES_DRIVER = 0x80000004u,
        INGOT_EV_EFI_RUNTIME_SERVICES_DRIVER = 0x80000005u,
        INGOT_EV_EFI_GPT_EVENT = 0x80000006u,
        INGOT_EV_EFI_ACTION = 0x80000007u,
        INGOT_EV_EFI_PLATFORM_FIRMWARE_BLOB = 0x80000008u,
        INGOT_EV_EFI_HANDOFF_TABLES = 0x80000009u,
        INGOT_EV_EFI_PLATFORM_FIRMWARE_BLOB2 = 0x8000000au,
        INGOT_EV_EFI_HANDOFF_TABLES2 = 0x8000000bu,
        INGOT_EV_EFI_VARIABLE_BOOT2 = 0x8000000cu,
        INGOT_EV_EFI_GPT_EVENT2 = 0x8000000du,
        INGOT_EV_EFI_HCRTM_EVENT = 0x80000010u,
        INGOT_EV_EFI_VARIABLE_AUTHORITY = 0x800000e0u,
        INGOT_EV_EFI_SPDM_FIRMWARE_BLOB = 0x800000e1u,
        INGOT_EV_EFI_SPDM_FIRMWARE_CONFIG = 0x800000e2u,
};

/* "EV_IPL" …, or NULL. */
const char *ingot_event_type_name(uint32_t type);
/* False for a name that is none. */
bool ingot_event_type_parse(const char *name, uint32_t *ret);

struct ingot_event_digest {
        uint16_t algorithm; /* TPM_ALG_ID */
        uint16_t size;      /* bytes */
        const uint8_t *data;
};

/* Points into the log's bytes. */
struct ingot_event {
        size_t offset; /* of the event in the log */
        uint32_t index; /* the PCR; of a CCEL log the register: 0 MRTD, 1 RTMR0 … */
        uint32_t type;  /* enum ingot_event_type, or anything */
        struct ingot_event_digest digests[INGOT_EVENTLOG_ALGORITHMS_MAX];
        size_t digest_count;
        struct ingot_span data;
};

struct ingot_eventlog_algorithm {
        uint16_t id, size;
};

struct ingot_eventlog {
        bool crypto_agile; /* else every event has one SHA-1 digest */
        bool registers;    /* of a confidential machine: indexes are those of its registers */
        struct ingot_eventlog_algorithm algorithms[INGOT_EVENTLOG_ALGORITHMS_MAX];
        size_t algorithm_count;
        uint8_t locality; /* at which the TPM was started: 0, 3, or 4 (H-CRTM); PCR 0 starts with it */
        struct ingot_event *events; /* all, those that were not extended too */
        size_t count;
        char *problem;         /* why nothing behind problem_offset could be read; NULL: all was */
        size_t problem_offset; /* bytes */
};

/*
 * Decodes a log; BYTES outlives it. FORMAT when not even the first event can be read; LIMIT when
 * the log is larger than INGOT_EVENTLOG_SIZE_MAX.
 */
int ingot_eventlog_decode(struct ingot_span bytes, struct ingot_eventlog *ret, ingot_error *reterr);
void ingot_eventlog_done(struct ingot_eventlog *log);
#define _cleanup_eventlog_ __attribute__((cleanup(ingot_eventlog_done)))

/* The digest of that algorithm, or NULL. */
const struct ingot_event_digest *ingot_event_digest_of(const struct ingot_event *e,
                                                       uint16_t algorithm);

/* Where in memory an ACPI table says that the log lies. */
struct ingot_acpi_log {
        uint8_t type, subtype; /* of a confidential machine (CCEL), 1: SEV, 2: TDX; else 0 */
        uint64_t size, address; /* of the log's area */
};
/* Of a confidential machine's table CCEL. FORMAT when it is none or its checksum is wrong. */
int ingot_ccel_decode(struct ingot_span table, struct ingot_acpi_log *ret, ingot_error *reterr);
/* Of the table TPM2, which may have no log area: then NOTFOUND. FORMAT as above. */
int ingot_tpm2_table_decode(struct ingot_span table, struct ingot_acpi_log *ret,
                            ingot_error *reterr);
