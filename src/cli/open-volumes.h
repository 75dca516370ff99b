/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/text.h"

/* LUKS2 volumes that are open now, below ROOT (NULL: "/"): what is locked is most likely one of
 * them. */
int open_volumes_find(const char *root, struct ingot_strings *ret, ingot_error *reterr);
