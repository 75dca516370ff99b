/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An update, written in the one order that leaves a whole release on the machine at every moment:
 *
 *   1. the old UKI of the slot goes, sync: nothing starts what is written over
 *   2. the table says "partial" of the slot (backup, flush, primary, flush)
 *   3. data, tree, signature; flush
 *   4. the table says that the slot is whole (backup, flush, primary, flush)
 *   5. the UKI under a name that no loader takes, sync; renamed, with its boot counter; sync
 *
 * A slot that has the root hash already is left alone: then it is 5 alone. What broke off is gone
 * on with: blocks that are right are not fetched again.
 */
#pragma once

#include "update/steps.h"
#include "update/target.h"
#include "update/walk.h"

struct ingot_apply_figures {
        struct ingot_walk_figures root, uki;
        uint64_t other_size, other_fetched; /* signature; measurement manifest with its own */
};
/* All that is to be had, that is had from the network, and from here. */
uint64_t ingot_apply_total(const struct ingot_apply_figures *f);
uint64_t ingot_apply_fetched(const struct ingot_apply_figures *f);

/* How far it is: bytes of root, hash tree, signature, measurement manifest and UKI. None of the
 * three falls but `to_go`, which is 0 at the end. */
struct ingot_apply_progress {
        uint64_t reused, fetched, to_go;
};

struct ingot_apply_options {
        struct ingot_source *sources;
        size_t source_count;
        unsigned threads; /* 0: one for each CPU */
        bool dry_run;     /* nothing is written; the figures say what would be done */
        /* NULL: nobody wants to know. Not of a dry run. */
        void (*progress)(void *context, const struct ingot_apply_progress *now);
        int (*watch)(void *context, const struct ingot_step *step, ingot_error *reterr);
        void *context;
        const struct ingot_log *log;
};

/* The target was chosen for this machine and release. After a failure the machine is as before, or
 * as the order says; another apply goes on. */
int ingot_update_apply(struct ingot_machine *m, const struct ingot_release *release,
                       const struct ingot_update_target *target,
                       const struct ingot_apply_options *options, struct ingot_apply_figures *ret,
                       ingot_error *reterr);

/* Writes the machine's table: backup, flush, primary, flush. */
int ingot_update_write_table(struct ingot_steps *s, const struct ingot_gpt *gpt,
                             ingot_error *reterr);
/* Removes boot entries, their measurement manifests, and flushes. NAMES: files of the UKIs' folder.
 */
int ingot_update_remove_entries(struct ingot_steps *s, const struct ingot_machine *m,
                                const struct ingot_strings *names, ingot_error *reterr);
