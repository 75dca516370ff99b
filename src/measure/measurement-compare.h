/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The PCRs of a machine against the measurement manifest of what it started. */
#pragma once

#include "measure/measurement.h"
#include "measure/replay.h"

enum ingot_compared {
        INGOT_COMPARED_EQUAL,
        INGOT_COMPARED_DIFFERENT,
        INGOT_COMPARED_UNKNOWN, /* the manifest does not know, or the machine does not tell */
        INGOT_COMPARED_MAX
};
/* "equal" … */
const char *ingot_compared_name(enum ingot_compared compared);

/* What a machine says; banks is a bit for each enum ingot_bank that is known. */
struct ingot_machine_pcrs {
        struct ingot_pcr pcrs[INGOT_PCR_COUNT];
        unsigned banks[INGOT_PCR_COUNT];
};

struct ingot_compared_pcr {
        uint32_t pcr;
        enum ingot_compared result;
        unsigned banks;        /* those that were compared */
        enum ingot_bank bank;  /* DIFFERENT: the first one that differs */
        struct ingot_pcr want; /* what the manifest says; not of UNKNOWN */
        const char *reason;    /* UNKNOWN: why; the manifest's, or a constant */
};

/*
 * Each of ingot_measured_pcrs once all of PHASE was measured, by a machine with Secure Boot on or
 * off, in all banks that the machine tells. A provisional value counts: it is that of the image as
 * it is. < 0: OpenSSL failed.
 */
int ingot_measurement_compare(const struct ingot_measured_profile *p, enum ingot_phase phase,
                              bool secure_boot, const struct ingot_machine_pcrs *have,
                              struct ingot_compared_pcr ret[INGOT_MEASURED_PCR_COUNT],
                              ingot_error *reterr);
