/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Components of the boot, as systemd-pcrlock knows them: what runs, or is measured, one after
 * another, each in one of several variants (the kernel of this release or of the last one).
 *
 * A component is a file ID.pcrlock (one variant), or a folder ID.pcrlock.d with a file
 * VARIANT.pcrlock for each variant, or both. Of the same name in several folders the first counts,
 * but the variants in all folders ID.pcrlock.d are one set. A link to /dev/null, or an empty file,
 * masks the file or folder of its name behind it; among variants only an empty file does.
 *
 * Components come in the order of their files' names, which begin with three digits. Because a name
 * is compared with its suffix, "100-a-b" comes before "100-a".
 *
 * Source: systemd.pcrlock(5), systemd-pcrlock(8); the order was seen with systemd-pcrlock 262.
 */
#pragma once

#include "measure/record.h"

#define INGOT_COMPONENTS_MAX 1024
#define INGOT_VARIANTS_MAX 4096 /* of all components together */

struct ingot_variant {
        char *id;   /* the file's name without suffix: "generated", "6.12.1" */
        bool own;   /* it is in ID.pcrlock, the component's own file, and comes first */
        char *path; /* where it was read; NULL: it was not */
        struct ingot_records records; /* none: the component may be absent */
};

struct ingot_component {
        char *id;                       /* "650-kernel" */
        struct ingot_variant *variants; /* in the order of the prediction: by name */
        size_t count;
};

struct ingot_components {
        struct ingot_component *items; /* in the order of the boot */
        size_t count, variants;        /* variants: of all components */
};

void ingot_components_done(struct ingot_components *c);
#define _cleanup_components_ __attribute__((cleanup(ingot_components_done)))

/*
 * A new variant without records, in its place, in component ID, which is made when it is not there.
 * VARIANT NULL: that of the component's own file. *ret is good until the next one. USAGE: one of
 * the names cannot be a file's; CONFLICT: the variant is there; LIMIT.
 */
int ingot_components_add(struct ingot_components *c, const char *id, const char *variant,
                         struct ingot_variant **ret, ingot_error *reterr);

/* Moves what FROM has into C. CONFLICT: both have a variant; then some of it may have been moved.
 */
int ingot_components_merge(struct ingot_components *c, struct ingot_components *from,
                           ingot_error *reterr);

/* Adds a copy of V, without its path. CONFLICT: the component has a variant of that name. */
int ingot_components_copy(struct ingot_components *c, const char *id, const struct ingot_variant *v,
                          ingot_error *reterr);

/* Takes out the variants that OUT wants out, and components that then have none. */
void ingot_components_filter(struct ingot_components *c,
                             bool (*out)(const struct ingot_component *component,
                                         const struct ingot_variant *variant, void *context),
                             void *context);

const struct ingot_component *ingot_components_find(const struct ingot_components *c,
                                                    const char *id);
