/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log of user space: what the running system extended into PCRs, and into NV indexes that are
 * used as PCRs (NvPCRs), as systemd keeps it in /run/log/systemd/tpm2-measure.log.
 *
 * A JSON text sequence (RFC 7464): each record begins with the byte 0x1e and ends with a newline.
 *
 *     {"pcr":11, or "nv_index":30474752,
 *      "digests":[{"hashAlg":"sha256","digest":"…hex…"}, …],
 *      "content_type":"systemd",
 *      "content":{"nvIndexName":"hardware", "string":"enter-initrd", "bootId":"…",
 *                 "timestamp":…, "eventType":"phase"}}
 *
 * Only the digests are needed; all of "content" may be missing. Members that are not named here are
 * passed over.
 *
 * Source: systemd's docs/TPM2_PCR_MEASUREMENTS.md; TCG Canonical Event Log Format 1.0, whose shape
 * the records have. The bytes may lie, and may be cut anywhere: a record that cannot be read is
 * told of in `problems`, and what is behind it is read.
 */
#pragma once

#include "base/text.h"
#include "measure/event.h"
#include "measure/record.h"

#define INGOT_USERSPACE_LOG_SIZE_MAX ((size_t) 16 << 20) /* bytes; a long uptime gives some KiB */
#define INGOT_USERSPACE_RECORD_SIZE_MAX ((size_t) 64 << 10)
#define INGOT_USERSPACE_RECORDS_MAX 65536
#define INGOT_USERSPACE_PROBLEMS_MAX 16 /* that are kept; the rest is counted */

struct ingot_userspace_event {
        struct ingot_record record;
        struct ingot_span text;  /* the record as JSON, in the log's bytes */
        char *type;              /* "phase", "machine-id" … or NULL */
        char *string;            /* what was measured, or what it was; or NULL */
        char *nv_name;           /* of an NV index: "hardware"; or NULL */
        char *boot_id;           /* 32 hexadecimal digits, or whatever stands there; or NULL */
        uint64_t timestamp_usec; /* since the boot; 0: not said */
};

struct ingot_userspace_log {
        struct ingot_userspace_event *events;
        size_t count, room;
        struct ingot_strings problems; /* "record 3 at byte 512: …" */
        size_t problem_count;
};

void ingot_userspace_log_done(struct ingot_userspace_log *log);
#define _cleanup_userspace_log_ __attribute__((cleanup(ingot_userspace_log_done)))

/* No bytes are a log without events. FORMAT when there is no record in them at all, or none that can
 * be read; LIMIT for a log, or a number of records, above the bounds. */
int ingot_userspace_log_decode(struct ingot_span bytes, struct ingot_userspace_log *ret,
                               ingot_error *reterr);

/* Is the digest that of the string? Where the string only says what was measured (a volume key is
 * not written down) it is unchecked. */
enum ingot_event_match ingot_userspace_event_match(const struct ingot_userspace_event *e);
