/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Components against what was really measured: may a policy over a PCR be made at all?
 * systemd-pcrlock takes a PCR only if three things hold, and so does ingot:
 *
 *   the log explains it     replayed, the log gives the value that the TPM has
 *   components explain it   each event of the log is in a variant of a component
 *   nothing is missing      each component with a record of this PCR was met, unless it comes later
 *
 * A component is met when the records of one of its variants stand in the log, in their order
 * (others may stand between them). An event may be claimed by several components. The first variant
 * that is there claims its events; an empty one is always there, and claims none.
 */
#pragma once

#include "base/buffer.h"
#include "measure/component.h"
#include "measure/component-predict.h"
#include "measure/replay.h"

enum ingot_pcr_fault {
        INGOT_PCR_FAULT_VALUE,     /* the TPM has another value than the log gives */
        INGOT_PCR_FAULT_EVENT,     /* an event that no component has */
        INGOT_PCR_FAULT_COMPONENT, /* a component that the log does not have */
};

struct ingot_pcr_claim {
        unsigned faults;        /* a bit for each enum ingot_pcr_fault; 0: it may be used */
        size_t events;          /* of this PCR in the log */
        size_t unclaimed;       /* how many of them no component has */
        size_t first_unclaimed; /* the first, as an index of the log; only if there is one */
        size_t first_missing;   /* index of the first component missing; only if there is one */
};

struct ingot_claims {
        struct ingot_pcr_claim pcrs[INGOT_PCR_COUNT];
        ssize_t *by_event; /* of each event: the first component that claimed it, or -1 */
        size_t event_count;
        ssize_t *variants; /* of each component: the variant that was met, or -1 */
        size_t component_count;
        size_t later; /* components that were not met, but need not be yet */
};
void ingot_claims_done(struct ingot_claims *c);
#define _cleanup_claims_ __attribute__((cleanup(ingot_claims_done)))

/*
 * EVENTS is the log, in order (firmware's, then user space's). VALUES are those that the TPM has,
 * NULL: not known, and then no PCR has INGOT_PCR_FAULT_VALUE. Compared are the values of BANK.
 */
int ingot_components_claim(const struct ingot_components *c, const struct ingot_records *events,
                           const struct ingot_prediction_window *window, enum ingot_bank bank,
                           const struct ingot_pcr values[INGOT_PCR_COUNT], struct ingot_claims *ret,
                           ingot_error *reterr);

/* Appends why PCR may not be used, nothing when it may: "component 650-kernel is not in the log".
 */
int ingot_claims_text(const struct ingot_claims *c, const struct ingot_components *components,
                      unsigned pcr, struct ingot_buffer *ret, ingot_error *reterr);
