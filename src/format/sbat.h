/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SBAT: what shim revokes by. A section .sbat of a PE image names the components that it is made
 * of, each with a generation; a list of the lowest allowed generations (shim's SbatLevel) refuses
 * images of older ones.
 *
 * Source: shim, SBAT.md. Lines of comma-separated fields: component, generation, vendor's name,
 * vendor's package, version, URL; of a level only the first two count, and of its first line
 * ("sbat,1,DATE") the date.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#include <stddef.h>

#define INGOT_SBAT_MAX 65536 /* bytes of a section */
#define INGOT_SBAT_NAME_SIZE 128

struct ingot_sbat_component {
        char name[INGOT_SBAT_NAME_SIZE];
        uint64_t generation;
};

struct ingot_sbat {
        struct ingot_sbat_component *items; /* as in the text */
        size_t count;
};

void ingot_sbat_done(struct ingot_sbat *s);
#define _cleanup_sbat_ __attribute__((cleanup(ingot_sbat_done)))

/* The lines up to the first NUL. FORMAT, with the line, for one without a component or a generation
 * that is a number above 0; LIMIT. */
int ingot_sbat_decode(struct ingot_span text, struct ingot_sbat *ret, ingot_error *reterr);

/* REFUSED, with the component, when an image with these components is below LEVEL. */
int ingot_sbat_check(const struct ingot_sbat *image, const struct ingot_sbat *level,
                     ingot_error *reterr);
