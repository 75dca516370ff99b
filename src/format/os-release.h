/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts of the kind of os-release(5): also extension-release, and a UKI's .osrel and .profile. */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

/* The value of KEY, or NULL in *ret; quotes are taken off, the last assignment counts. The caller
 * frees. */
int ingot_os_release_field(struct ingot_span text, const char *key, char **ret,
                           ingot_error *reterr);
