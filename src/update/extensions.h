/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Extensions move with the OS: before anything is written an update asks, for each extension that
 * is installed, what becomes of it with the new version (UAPI.4). What the release brings for the
 * new version goes to INGOT_EXTENSIONS_FOLDER/VERSION, which only that version looks into: the
 * version before keeps its own, also after a fall-back.
 */
#pragma once

#include "extension/installed.h"
#include "update/release.h"
#include "update/walk.h"

enum ingot_extension_fate {
        INGOT_EXTENSION_STAYS,   /* it fits the new version, and stands where that will find it */
        INGOT_EXTENSION_CARRIED, /* it fits, and is given to the new version, too */
        INGOT_EXTENSION_FETCHED, /* the release has one that fits */
        INGOT_EXTENSION_DROPPED, /* the caller wants to go on without it */
        INGOT_EXTENSION_LOST, /* it does not fit, and the release has none: the update is refused */
};
/* "stays", "carried", "fetched", "dropped", "does not fit". */
const char *ingot_extension_fate_name(enum ingot_extension_fate fate);

struct ingot_extension_move {
        const struct ingot_extension *extension; /* the caller's */
        enum ingot_extension_fate fate;
        const struct ingot_release_extension *offer; /* FETCHED: of the release */
        char *why; /* LOST, DROPPED, FETCHED: what does not fit of the one that is installed; or
                      NULL */
};

struct ingot_extension_moves {
        struct ingot_extension_move *items; /* in the order of the extensions */
        size_t count;
};
void ingot_extension_moves_done(struct ingot_extension_moves *m);
#define _cleanup_extension_moves_ __attribute__((cleanup(ingot_extension_moves_done)))

/* EXTENSIONS and RELEASE outlive *ret. USAGE: a name in DROP that is not installed. */
int ingot_extension_moves_plan(const struct ingot_extensions *extensions,
                               const struct ingot_release *release, const char *architecture,
                               const struct ingot_strings *drop, struct ingot_extension_moves *ret,
                               ingot_error *reterr);
/* REFUSED names all that are LOST, and what can be done. */
int ingot_extension_moves_check(const struct ingot_extension_moves *m, ingot_error *reterr);
/* Bytes that are to be fetched. */
uint64_t ingot_extension_moves_size(const struct ingot_extension_moves *m);

/*
 * Brings those that are CARRIED and FETCHED to their place below ROOT (NULL: "/"); each appears
 * whole or not at all, and what is there already and right is left. OPTIONS: sources and log.
 * REFUSED: a source has another file than the release says.
 */
int ingot_extension_moves_run(const struct ingot_extension_moves *m, const char *root,
                              const char *version, const struct ingot_walk_options *options,
                              ingot_error *reterr);

/* Removes the extensions that were brought for versions other than those in KEEP. */
int ingot_extensions_sweep(const char *root, const struct ingot_strings *keep, ingot_error *reterr);
