/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which PCRs a policy may be over on this machine, and why. A PCR can be used when the log explains
 * it, components say what it will be, and one of these values is the one of now; it is safe to be
 * used without a second thought when nothing but this system's own updates, or somebody who
 * tampers, changes it.
 *
 * What is measured into which: UAPI.7 (Linux TPM PCR Registry) and TCG PC Client Platform Firmware
 * Profile 1.05, section 3.3.4.
 */
#pragma once

#include "measure/component-claim.h"
#include "measure/component-predict.h"
#include "measure/pcr-values.h"

struct ingot_lock_choice_request {
        const struct ingot_components *components;
        const struct ingot_records *events; /* the log of this boot */
        const struct ingot_prediction_window *window;
        enum ingot_bank bank;
        const struct ingot_pcr *values; /* INGOT_PCR_COUNT that the TPM has */
        bool automatic;                 /* the safe ones; or else: */
        uint32_t pcrs;                  /* these, a bit for each, if they can be used */
        bool nested;                    /* more than 8 values are no reason against it */
};

struct ingot_lock_choice {
        struct {
                bool taken;
                size_t count; /* values */
                char *reason; /* a few words, also for one that is taken */
        } pcrs[INGOT_PCR_COUNT];
        struct ingot_pcr_sets sets; /* of those taken */
};
void ingot_lock_choice_done(struct ingot_lock_choice *c);
#define _cleanup_lock_choice_ __attribute__((cleanup(ingot_lock_choice_done)))

int ingot_lock_choose(const struct ingot_lock_choice_request *q, struct ingot_lock_choice *ret,
                      ingot_error *reterr);

/* REFUSED: one that was asked for cannot be used; or what can be used, chosen automatically,
 * protects nothing, as none of it depends on what is started. */
int ingot_lock_choice_check(const struct ingot_lock_choice *c,
                            const struct ingot_lock_choice_request *q, ingot_error *reterr);

/* What is measured into a PCR: "boot loader and kernel". */
const char *ingot_pcr_meaning(unsigned pcr);
