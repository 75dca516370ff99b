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
#include "format/eventlog.h"

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

/* The device path of an image that was loaded; false when the event's data is none. */
bool ingot_event_image_decode(struct ingot_span data, struct ingot_span *ret_path);

/* A tagged event; false when the event's data is none. */
bool ingot_event_tag_decode(struct ingot_span data, uint32_t *ret_tag, struct ingot_span *ret);

/*
 * Appends a few words, UTF-8 without control characters, and a NUL that is not counted:
 * "PciRoot(0x0)/…/\EFI\BOOT\BOOTX64.EFI", "SecureBoot: on", "separator".
 */
int ingot_event_text(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr);

enum ingot_event_match ingot_event_match(const struct ingot_event *e);
