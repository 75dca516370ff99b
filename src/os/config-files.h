/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which configuration files count (UAPI.6, "Configuration Files Specification"): of one name the
 * file in the first folder that has it; a link to /dev/null, or an empty file, there masks those
 * of the others. ROOT is a descriptor of a root folder (os/root.h).
 */
#pragma once

#include "base/text.h"

/* /etc, /run, /usr/local/lib, /usr/lib; ends with NULL. */
extern const char *const ingot_config_folders[];

/* FOLDER/NAME of the first of FOLDERS that has it; "" where it is masked, or in none. */
int ingot_config_find(int root, const char *const *folders, const char *name, char **ret,
                      ingot_error *reterr);

/* The files *SUFFIX in the folder SUB of all FOLDERS, one a name, in byte order of the names;
 * appended as paths. */
int ingot_config_list(int root, const char *const *folders, const char *sub, const char *suffix,
                      struct ingot_strings *ret, ingot_error *reterr);
