/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packages without their compression, kept in the cache: most of the time of unpacking is xz's. The
 * copy is a .deb as well, which dpkg takes like the original. It is named by the original's digest.
 */
#pragma once

#include "package/cache.h"

#define INGOT_CACHE_PLAIN_DEB "deb"

/* The path of PATH's copy in *ret (the caller frees), made when it is not there. FORMAT when the
 * package is malformed, LIMIT when it grows beyond the bounds of format/deb.h. */
int ingot_deb_cache_get(const struct ingot_cache *cache, const char *path,
                        const uint8_t sha256[INGOT_SHA256_SIZE], char **ret, ingot_error *reterr);
