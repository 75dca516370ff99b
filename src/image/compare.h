/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What differs between two images: partitions, files, packages, sections of UKIs. */
#pragma once

#include "base/log.h"
#include "image/open.h"

enum ingot_difference_kind {
        INGOT_DIFFERENCE_CONTENT, /* what the image is, or its bytes */
        INGOT_DIFFERENCE_PARTITION,
        INGOT_DIFFERENCE_PACKAGE,
        INGOT_DIFFERENCE_FILE,
        INGOT_DIFFERENCE_SECTION
};

enum ingot_change { INGOT_CHANGE_CHANGED, INGOT_CHANGE_REMOVED, INGOT_CHANGE_ADDED };

struct ingot_difference {
        enum ingot_difference_kind kind;
        enum ingot_change change; /* REMOVED: only in the first; ADDED: only in the second */
        char *where; /* in which part: "partition 2 (root-x86-64)"; "" in the whole */
        char *name;  /* of the file, package, section, or partition */
        char *what;  /* changed: "mode 644 -> 600, content"; else a word about it, or NULL */
};

struct ingot_comparison {
        const char *names[2]; /* of the two, for errors; or NULL */
        struct ingot_difference *items;
        size_t count, allocated;
};

const char *ingot_difference_kind_name(enum ingot_difference_kind kind);
const char *ingot_change_name(enum ingot_change change);

/*
 * Partitions are paired by type, in their order; EFI programs by path, and UKIs that then have no
 * partner in their order (their names hold versions); sections by name and profile. Parts whose
 * bytes are equal are not looked into. Packages are those of a dpkg database in the files. What cannot
 * be read is named with the image's name that it is in.
 */
int ingot_image_compare(struct ingot_image *a, struct ingot_image *b, const struct ingot_log *log,
                        struct ingot_comparison *ret, ingot_error *reterr);
void ingot_comparison_done(struct ingot_comparison *c);
#define _cleanup_comparison_ __attribute__((cleanup(ingot_comparison_done)))
