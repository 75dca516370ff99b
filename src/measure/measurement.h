/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine will measure when it starts a UKI: the events in their order, for each of the
 * UKI's profiles, and the values of PCRs that follow. measure/predict.h computes it of an ESP;
 * docs/formats/measurement.md is its text, the measurement manifest.
 *
 * Not all can be known before: an event is then there without digests, with the reason, and what
 * follows from it has no value. Nothing is guessed.
 */
#pragma once

#include "base/buffer.h"
#include "base/text.h"
#include "measure/record.h"

/* In the order of certainty. */
enum ingot_measured_state {
        INGOT_MEASURED_FINAL,
        INGOT_MEASURED_PROVISIONAL, /* known, but what comes into the image later changes it */
        INGOT_MEASURED_UNKNOWN,     /* depends on the machine, or on chance */
        INGOT_MEASURED_STATE_MAX
};

/* Who measures. */
enum ingot_measurer {
        INGOT_MEASURER_FIRMWARE,
        INGOT_MEASURER_LOADER,
        INGOT_MEASURER_STUB,
        INGOT_MEASURER_KERNEL, /* its EFI stub */
        INGOT_MEASURER_INITRD,
        INGOT_MEASURER_SYSTEM,
        INGOT_MEASURER_MAX
};

/* Since when: an event of a phase is measured when the phase starts. */
enum ingot_phase {
        INGOT_PHASE_BOOT, /* until the kernel runs */
        INGOT_PHASE_ENTER_INITRD,
        INGOT_PHASE_LEAVE_INITRD,
        INGOT_PHASE_SYSINIT,
        INGOT_PHASE_READY,
        INGOT_PHASE_MAX
};

/* "final" …, "firmware" …, "boot", "enter-initrd" …; the parsers are false for another word. */
const char *ingot_measured_state_name(enum ingot_measured_state state);
const char *ingot_measurer_name(enum ingot_measurer measurer);
const char *ingot_phase_name(enum ingot_phase phase);
bool ingot_measured_state_parse(const char *name, enum ingot_measured_state *ret);
bool ingot_measurer_parse(const char *name, enum ingot_measurer *ret);
bool ingot_phase_parse(const char *name, enum ingot_phase *ret);

struct ingot_measured_event {
        struct ingot_record record; /* banks is 0 exactly when the state is UNKNOWN, else all */
        uint32_t type;              /* enum ingot_event_type, as in a firmware's log; of what INITRD
                                       and SYSTEM measure it means nothing and is 0 */
        uint32_t tag;               /* of EV_EVENT_TAG, else 0 */
        enum ingot_measurer by;
        enum ingot_phase phase; /* never less than that of the event before */
        enum ingot_measured_state state;
        bool confidential; /* measured into the register of a confidential machine, too */
        bool insecure;     /* only measured when Secure Boot is off */
        char *component;   /* of what it is a part, as pcrlock.d names it: "650-uki" */
        char *what;        /* words: "section .linux, content" */
        char *reason;      /* why it is not final; NULL when it is */
};

#define INGOT_MEASURED_EVENTS_MAX 4096 /* of a profile */
#define INGOT_MEASURED_PROFILES_MAX 256

struct ingot_measured_profile {
        uint32_t profile;
        char *title; /* NULL: none */
        struct ingot_measured_event *events;
        size_t count, room;
};

/* An EFI program. */
struct ingot_measured_program {
        char *path; /* in the ESP: "EFI/Linux/a_1+3-0.efi"; NULL: there is none */
        char *info; /* who made it ("systemd-stub 257.9-1"), NULL when it does not say */
        uint8_t digest[INGOT_BANK_SIZE_MAX]; /* Authenticode, SHA-256 */
};

struct ingot_measurement {
        char *name, *version; /* of the image (IMAGE_ID, IMAGE_VERSION of the UKI); may be NULL */
        char *architecture;   /* "x86-64" */
        struct ingot_measured_program loader, uki;
        struct ingot_measured_profile *profiles; /* ascending */
        size_t profile_count;
        struct ingot_strings notes; /* what a person should know: "… is broken: left out" */
};

void ingot_measured_event_done(struct ingot_measured_event *e);
void ingot_measurement_done(struct ingot_measurement *m);
#define _cleanup_measurement_ __attribute__((cleanup(ingot_measurement_done)))

/* A new profile at the end, a new event of a profile at its end: zeros; good until the next. */
int ingot_measurement_add(struct ingot_measurement *m, struct ingot_measured_profile **ret,
                          ingot_error *reterr);
int ingot_measured_profile_add(struct ingot_measured_profile *p, struct ingot_measured_event **ret,
                               ingot_error *reterr);

/* The profile of that number, or NULL. */
const struct ingot_measured_profile *ingot_measurement_profile(const struct ingot_measurement *m,
                                                               uint32_t profile);

/* The least certain state of all events that make the PCRs of ingot_measured_pcrs. */
enum ingot_measured_state ingot_measurement_state(const struct ingot_measurement *m);

/* The PCRs whose values are computed: 4, 9, 11, 12, 13. (0 to 3, 5 and 7 are the firmware's, and
 * there are events of it.) */
extern const uint32_t ingot_measured_pcrs[];
#define INGOT_MEASURED_PCR_COUNT 5
/* The phases at which they are told: all but INGOT_PHASE_BOOT. */

/* Does any event of a PCR depend on whether Secure Boot is on? */
bool ingot_measured_depends(const struct ingot_measured_profile *p, uint32_t pcr);

/*
 * The value of a PCR once all of PHASE was measured, by a machine with Secure Boot on or off. The
 * result, enum ingot_measured_state, is that of the least certain event; RET is written unless it
 * is UNKNOWN. RET_WHY, which may be NULL, is the first event of that state, or NULL. < 0: OpenSSL
 * failed.
 */
int ingot_measured_value(const struct ingot_measured_profile *p, uint32_t pcr,
                         enum ingot_phase phase, bool secure_boot, struct ingot_pcr *ret,
                         const struct ingot_measured_event **ret_why, ingot_error *reterr);

/*
 * The same, with Secure Boot off, for a register of a TDX machine: RTMR 0 (PCR 1 and 7), 1 (PCR 2
 * to 6), 2 (PCR 8 to 15); UEFI 2.10 section 38.4.1. They are SHA-384, and hold what was measured
 * before the system runs.
 */
#define INGOT_RTMR_SIZE 48
int ingot_measured_register(const struct ingot_measured_profile *p, unsigned rtmr,
                            uint8_t ret[INGOT_RTMR_SIZE],
                            const struct ingot_measured_event **ret_why, ingot_error *reterr);

struct json_object;

/* The manifest as a JSON object, in *ret, which the caller owns. */
int ingot_measurement_json(const struct ingot_measurement *m, struct json_object **ret,
                           ingot_error *reterr);
/* Its text, appended, without a newline: the same measurement, the same bytes. */
int ingot_measurement_encode(const struct ingot_measurement *m, struct ingot_buffer *ret,
                             ingot_error *reterr);

#define INGOT_MEASUREMENT_SIZE_MAX ((size_t) 16 << 20)
/* FORMAT for anything that is none, and when the values do not follow from the events; UNSUPPORTED
 * for another format number; LIMIT. Members that are not known are passed over. */
int ingot_measurement_decode(struct ingot_span text, struct ingot_measurement *ret,
                             ingot_error *reterr);
