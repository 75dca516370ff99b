/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `ingot pcr status` looks at, and finds. */
#pragma once

#include "cli/signers.h"
#include "measure/luks-token.h"
#include "measure/pcr-status.h"

struct status_options {
        const char *log, *userspace, *root, *tpm, *policy, *signatures;
        struct ingot_strings luks, manifests;
        struct verify_options signers; /* of manifests */
};

struct status_volume {
        const char *path;
        struct ingot_luks_tokens tokens;
};

/* A profile of a UKI that may be started next. */
struct status_next {
        const char *path; /* of the manifest */
        char *signer;     /* of it; NULL: its signature was not checked */
        uint32_t profile;
        enum ingot_unlock unlocks;
        struct ingot_buffer why;
};

struct status {
        const struct status_options *options;
        struct ingot_boot_log log;
        bool has_log;
        char *log_problem; /* why there is none, or what of it cannot be read */
        struct ingot_tpm_state tpm;
        enum ingot_pcr_standing pcrs[INGOT_PCR_COUNT];
        uint32_t differing; /* a bit for each */
        struct ingot_pcrlock_policy policy;
        struct ingot_pcrsig signatures;
        struct ingot_unlock_facts facts; /* points to the three */
        enum ingot_unlock policy_unlocks;
        struct ingot_buffer policy_why;
        struct status_volume *volumes;
        size_t volume_count;
        struct ingot_strings credentials; /* on the ESP */
        struct status_next *next;
        size_t next_count;
        size_t locked; /* things that do not unlock now, or will not at the next boot */
};

void status_done(struct status *s);
#define _cleanup_status_ __attribute__((cleanup(status_done)))

enum status_verdict { STATUS_GOOD, STATUS_DOUBTFUL, STATUS_BAD };
int status_print_json(const struct status *s, enum status_verdict v, const char *words,
                      ingot_error *reterr);

/* s->options is set. REFUSED, too, for a manifest that nobody signed who may. */
int status_gather(struct status *s, const struct ingot_log *log, ingot_error *reterr);
