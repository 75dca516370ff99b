/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an event of a log says, for a person; and whether its data is what was measured.
 *
 * A log is not protected: anybody who can write to memory before the kernel runs can write anything
 * into an event's data. Only the digests are bound to the PCRs. So the words here are what the log
 * claims, and `match` says whether the digest agrees with the data that the claim was read from.
 *
 * Source: TCG PC Client Platform Firmware Profile 1.05 rev. 23, section 10.4 (data of each type);
 * systemd's docs/TPM2_PCR_MEASUREMENTS.md (tags and texts of loader and stub).
 */
#pragma once

#include "base/buffer.h"
#include "format/efi-signature.h"
#include "format/eventlog.h"
#include "format/gpt.h"

enum ingot_event_match {
        INGOT_EVENT_UNCHECKED, /* the log does not have the bytes that were measured */
        INGOT_EVENT_MATCHES,
        INGOT_EVENT_DIFFERS, /* in a bank at least: the data is not what was measured */
};

/* A UEFI variable, as an event has it (UEFI_VARIABLE_DATA). */
struct ingot_event_variable {
        struct ingot_span vendor; /* GUID, 16 bytes, as GPT stores it */
        struct ingot_span name;   /* UTF-16 little-endian, without a NUL */
        struct ingot_span data;
};
/* False when the event's data is none. */
bool ingot_event_variable_decode(struct ingot_span data, struct ingot_event_variable *ret);
bool ingot_event_variable_is(const struct ingot_event_variable *v, const char *name);
/* "Boot0003": of what firmware may start. */
bool ingot_event_is_boot_entry(const char *name);
/* Its EFI_LOAD_OPTION's description, UTF-8. */
int ingot_event_boot_entry_name(struct ingot_span option, char **ret, ingot_error *reterr);

/*
 * "2 certificates (CN = A; CN = B), 77 hashes": what a signature database holds, appended. A
 * certificate that cannot be read is "?".
 */
int ingot_event_signatures_text(const struct ingot_efi_signatures *s, struct ingot_buffer *ret,
                                ingot_error *reterr);

/*
 * The partition table that firmware measured (UEFI_GPT_DATA): the disk's UUID, and the partitions
 * that are in use, numbered one behind the other, not by their slots. The table says nothing of the
 * size of sectors, so `sector_size` is 0. False when the event's data is none.
 */
bool ingot_event_gpt_decode(struct ingot_span data, struct ingot_gpt *ret);
/* "root-x86-64 'app_1'": type by name where it is known, and label; appended. */
int ingot_event_partition_text(const struct ingot_gpt_partition *p, struct ingot_buffer *ret,
                               ingot_error *reterr);

/* The device path of an image that was loaded; false when the event's data is none. */
bool ingot_event_image_decode(struct ingot_span data, struct ingot_span *ret_path);

/* A tagged event; false when the event's data is none. */
bool ingot_event_tag_decode(struct ingot_span data, uint32_t *ret_tag, struct ingot_span *ret);

/* "initrd", "UKI profile" …: of the tags of systemd's loader and stub and of the kernel's EFI stub;
 * or NULL. */
const char *ingot_event_tag_name(uint32_t tag);

/* The data of an event that is text, UTF-16 or bytes, as UTF-8 without what a terminal must not
 * see; bytes that are none in hexadecimal digits. Appended. */
int ingot_event_data_text(struct ingot_span data, struct ingot_buffer *ret, ingot_error *reterr);

/*
 * Appends a few words, UTF-8 without control characters, and a NUL that is not counted:
 * "PciRoot(0x0)/…/\EFI\BOOT\BOOTX64.EFI", "SecureBoot: on", "separator".
 */
int ingot_event_text(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr);

enum ingot_event_match ingot_event_match(const struct ingot_event *e);
