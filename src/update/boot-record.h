/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine writes down of the boots of a release that is on trial: /var/lib/ingot/update/
 * boots.json (docs/formats/boots.md). Units of the release itself write it, `ingot update boot`:
 * when the services start, when boot-complete.target is reached, and when it will not be. A release
 * that wrote nothing never came that far. The file is apart from state.json, because these units
 * run when an update may be running, too, and because nothing hangs on it: it may be lost.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INGOT_BOOT_RECORDS_FILE "/var/lib/ingot/update/boots.json"
#define INGOT_BOOT_RECORDS_MAX 64 /* the oldest goes for a new one */
#define INGOT_BOOT_RECORDS_SIZE_MAX ((size_t) 1 << 20)

enum ingot_boot_stage {
        INGOT_BOOT_BEGUN,    /* the services were being started */
        INGOT_BOOT_COMPLETE, /* boot-complete.target was reached, the entry is good */
        INGOT_BOOT_FAILED,   /* it will not be, and the machine restarted */
};
const char *ingot_boot_stage_name(enum ingot_boot_stage stage);

struct ingot_boot_record {
        char *version; /* of the image that booted */
        char *boot_id; /* of the kernel: 32 hexadecimal digits */
        char *entry;   /* the boot entry's file name, as counted for this boot; NULL: not known */
        enum ingot_boot_stage stage;
        char *unit;    /* at which it failed; NULL: not known */
        char *reason;  /* a few words; NULL: not known */
        uint64_t time; /* of the last change, in seconds since 1970, as the machine had it */
};

struct ingot_boot_records {
        struct ingot_boot_record *items; /* oldest first */
        size_t count;
};
void ingot_boot_records_done(struct ingot_boot_records *r);
#define _cleanup_boot_records_ __attribute__((cleanup(ingot_boot_records_done)))

/* FORMAT, LIMIT, UNSUPPORTED. */
int ingot_boot_records_decode(struct ingot_span text, struct ingot_boot_records *ret,
                              ingot_error *reterr);
int ingot_boot_records_encode(const struct ingot_boot_records *r, struct ingot_buffer *ret,
                              ingot_error *reterr);

/* Below ROOT (NULL: "/"). No file is no record. */
int ingot_boot_records_load(const char *root, struct ingot_boot_records *ret, ingot_error *reterr);

/* Notes one: in place of what is there of the same boot id, whose entry stays where the new one has
 * none. On the disk when it returns. A file that cannot be read is replaced. */
int ingot_boot_record_write(const char *root, const struct ingot_boot_record *record,
                            ingot_error *reterr);

/* How the boots of a version went. */
enum ingot_boot_fate {
        INGOT_BOOT_FATE_UNSEEN,   /* no record: it never came to /var */
        INGOT_BOOT_FATE_RESET,    /* the last boot began, and ended without a word */
        INGOT_BOOT_FATE_FAILED,   /* the last boot failed */
        INGOT_BOOT_FATE_COMPLETE, /* the last boot was good */
};
struct ingot_boot_history {
        enum ingot_boot_fate fate;
        const struct ingot_boot_record *last; /* in the records; NULL: none */
        size_t boots;                         /* that there are records of */
};
struct ingot_boot_history ingot_boot_records_history(const struct ingot_boot_records *r,
                                                     const char *version);
/* That in words, for a version that is known to have failed: "failed at nginx.service (exit-code)".
 */
int ingot_boot_history_text(const struct ingot_boot_history *h, char **ret, ingot_error *reterr);
