/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small machine with two slots, and releases for it: a disk image, a folder as its ESP, one as
 * its root, and a folder of releases, all below one folder. The product is "test"; version 1 runs.
 */
#pragma once

#include "format/tree.h"
#include "update/apply.h"
#include "walk-image.h"

#define MADE_BLOCKS 256   /* data blocks of a root */
#define MADE_VERSIONS 3   /* "1", "2", "3" */
#define MADE_EXTENT 65536 /* of a UKI */

struct made_release {
        struct walk_image image;
        struct ingot_buffer uki, signature;
        struct ingot_release release; /* its texts are its own */
        char hash[2 * INGOT_SHA256_SIZE + 1];
};

struct made_update {
        struct made_release versions[MADE_VERSIONS]; /* [0] is version 1 */
        char folder[512], disk[600], esp[600], root[600], releases[600];
};

/* FOLDER is made. */
int make_update(struct made_update *u, const char *folder, ingot_error *reterr);
void made_update_done(struct made_update *u);
#define _cleanup_made_update_ __attribute__((cleanup(made_update_done)))

/* The machine as it is, with version 1 running. */
int made_machine(const struct made_update *u, bool writable, struct ingot_machine *ret,
                 ingot_error *reterr);
/* Chooses the target and applies a version (1 …) from the folder of releases. WATCH and CONTEXT as
 * in struct ingot_apply_options; RET_WORK may be NULL. */
struct made_apply {
        unsigned version;
        bool dry_run;
        int (*watch)(void *context, const struct ingot_step *step, ingot_error *reterr);
        void (*progress)(void *context, const struct ingot_apply_progress *now);
        void *context;
        enum ingot_update_work work;        /* out */
        struct ingot_apply_figures figures; /* out */
};
int made_apply(const struct made_update *u, struct made_apply *a, ingot_error *reterr);

/* The machine after a reboot into VERSION, which was found good. */
int made_become(const struct made_update *u, unsigned version, ingot_error *reterr);

/* Does a tree of an ESP start a whole release by itself: the UKI that the loader takes is that of a
 * version, and the slot that it names is on DISK, every block right? Its number, or 0 with the
 * reason in *reterr. */
unsigned made_boots(const struct made_update *u, const struct ingot_tree *esp,
                    const struct ingot_reader *disk, ingot_error *reterr);
