/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A measurement on a machine that has another boot loader than the one it was predicted with: an
 * update brings a UKI, and leaves the loader as it is.
 */
#pragma once

#include "base/io.h"
#include "measure/measurement.h"

/*
 * Puts the loader of the machine, the EFI program in FILE, in the place of the measurement's. One
 * of a version that measures otherwise, or by another maker, makes what the loader decides UNKNOWN.
 * FILE NULL: it cannot be read, and all that is not known. A measurement without a loader is left.
 * FORMAT: FILE is no EFI program.
 */
int ingot_measurement_put_loader(struct ingot_measurement *m, const struct ingot_reader *file,
                                 ingot_error *reterr);
