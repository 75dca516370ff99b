/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the choice of PCRs for a policy is made from (measure/lock-choice.h): the logs of this boot,
 * the components, and the values that the TPM has.
 */
#pragma once

#include "base/log.h"
#include "base/text.h"
#include "measure/boot-log.h"
#include "measure/lock-choice.h"
#include "os/tpm.h"

struct ingot_lock_facts_request {
        const char *firmware_log, *userspace_log; /* NULL: the machine's */
        const char *root;                         /* logs and components are below it; NULL: "/" */
        const struct ingot_strings *components;   /* folders; NULL, none: where systemd looks */
        const char *location; /* "770" is a moment, "760-:940-" lies between two, an empty end is
                                 open; NULL: systemd's own */
        enum ingot_bank bank;
        const char *tpm; /* as for ingot_tpm_open() */
        bool dry_run;    /* without a TPM the log is believed */
        const struct ingot_log *log;
};

struct ingot_lock_facts {
        struct ingot_tpm *tpm; /* NULL: a dry run without */
        struct ingot_boot_log log;
        struct ingot_records events;
        struct ingot_components components; /* those of the folders, and what no folder has of the
                                               firmware's, out of its log */
        struct ingot_pcr values[INGOT_PCR_COUNT];
        struct ingot_prediction_window window;
        char *start, *end; /* of the window, as given */
        enum ingot_bank bank;
};
void ingot_lock_facts_done(struct ingot_lock_facts *f);
#define _cleanup_lock_facts_ __attribute__((cleanup(ingot_lock_facts_done)))

/* REFUSED: a measurement may be missing in the log; UNSUPPORTED: the TPM cannot have such a policy,
 * or has no PCRs in the bank. */
int ingot_lock_facts_read(const struct ingot_lock_facts_request *q, struct ingot_lock_facts *ret,
                          ingot_error *reterr);

/* A choice among them, of no PCR yet; it points into them. */
struct ingot_lock_choice_request ingot_lock_facts_request(const struct ingot_lock_facts *f);
