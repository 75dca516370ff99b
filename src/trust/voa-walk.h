/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Following a path in a VOA hierarchy, link by link, by the rules of UAPI.11:
 *
 *   * a link lies in a load path and its target in the same or in one of lower priority
 *   * neither it nor its target is in an ephemeral load path; only masks are links there
 *   * its base name is that of its target; this and all else hold for every link of a chain, also
 *     for the folders in the target's path
 *   * the target is there, and a file where a file is wanted, a folder where a folder is
 *   * a file that is a link to /dev/null is a mask
 *
 * Links may be relative or absolute (docs/decisions/069); they never lead out of the root. Links in
 * the paths of the load paths themselves (/usr/local may be one) are followed as anywhere.
 */
#pragma once

#include "os/plain-path.h"
#include "trust/voa-path.h"

enum ingot_voa_fault {
        INGOT_VOA_FAULT_NONE,
        INGOT_VOA_FAULT_ABSENT, /* nothing there: no reason for a warning */
        INGOT_VOA_FAULT_NAME,
        INGOT_VOA_FAULT_OUTSIDE,
        INGOT_VOA_FAULT_UPWARD,
        INGOT_VOA_FAULT_EPHEMERAL,
        INGOT_VOA_FAULT_EPHEMERAL_LINK,
        INGOT_VOA_FAULT_RENAMED,
        INGOT_VOA_FAULT_DANGLING,
        INGOT_VOA_FAULT_LOOP,
        INGOT_VOA_FAULT_TYPE,
        INGOT_VOA_FAULT_FOLDER_MASK,
        INGOT_VOA_FAULT_MASK, /* of a file: no fault but a mask */
        INGOT_VOA_FAULT_MISPLACED_MASK,
        INGOT_VOA_FAULT_REVOCATIONS_MASK,
        INGOT_VOA_FAULT_ANCHOR,
        INGOT_VOA_FAULT_CONTENT,
        INGOT_VOA_FAULT_FINGERPRINT,
        INGOT_VOA_FAULT_UNSUPPORTED,
        INGOT_VOA_FAULT_COUNT
};
/* "renamed": for programs. */
const char *ingot_voa_fault_name(enum ingot_voa_fault fault);

/* A root with load paths in it. */
struct ingot_voa_walker {
        int root;
        const struct ingot_voa_paths *paths;
        char **folders;            /* of each load path, its links followed; NULL: not there */
        struct ingot_strings ways; /* the links on the ways to them */
};
/* ROOT NULL: "/". PATHS outlive it. */
int ingot_voa_walker_open(struct ingot_voa_walker *ret, const char *root,
                          const struct ingot_voa_paths *paths, ingot_error *reterr);
void ingot_voa_walker_close(struct ingot_voa_walker *w);
#define _cleanup_voa_walker_ __attribute__((cleanup(ingot_voa_walker_close)))
#define INGOT_VOA_WALKER_NONE ((struct ingot_voa_walker){.root = -1})

/* The index of the load path that FOLDED (a path without links) lies in, or -1; what is behind it
 * in *ret_rest. */
int ingot_voa_walker_inside(const struct ingot_voa_walker *w, const char *path,
                            const char **ret_rest);

/* How a path was followed. */
struct ingot_voa_found {
        enum ingot_voa_fault fault;
        char *where;                /* fault: the link, or the thing, that has it */
        char *detail;               /* fault: what is wrong, as a sentence's end */
        char *target;               /* no fault: the path without links */
        struct ingot_strings links; /* "LINK -> TEXT", in the order in which they were followed */
        struct ingot_strings hops; /* where each of them led, a path without links before its end */
};
void ingot_voa_found_done(struct ingot_voa_found *f);
#define _cleanup_voa_found_ __attribute__((cleanup(ingot_voa_found_done)))

/* Follows REST ("" or "a/b") in load path INDEX to a folder or, if not FOLDER, to a file. */
int ingot_voa_walk(const struct ingot_voa_walker *w, size_t index, const char *rest, bool folder,
                   struct ingot_voa_found *ret, ingot_error *reterr);
