/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Components of the boot in folders: read, and written. */
#pragma once

#include "measure/component.h"

/* Where systemd looks: /etc/pcrlock.d … /usr/lib/pcrlock.d; ends with NULL. */
extern const char *const ingot_component_folders[];

/*
 * Reads the components in FOLDERS (NULL: ingot_component_folders), first to last, below ROOT (NULL:
 * "/"; links are followed inside of it). A folder that is not there is none. FORMAT names the file:
 * unlike systemd's, a broken one is not passed over (docs/decisions/097).
 */
int ingot_components_read(const char *root, const char *const *folders,
                          struct ingot_components *ret, ingot_error *reterr);

/*
 * Writes each variant to FOLDER/ID.pcrlock.d/VARIANT.pcrlock, or its own one to FOLDER/ID.pcrlock;
 * folders are made. A file that stands there is replaced, others stay.
 */
int ingot_components_write(const struct ingot_components *c, const char *folder,
                           ingot_error *reterr);
