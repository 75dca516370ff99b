/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What VOA has for an artifact, as the key files of a verification. */
#pragma once

#include "trust/verdict.h"
#include "trust/voa.h"

/* Adds the verifiers that are used, the trust anchors, and what is revoked and masked of SSH, of a
 * lookup in PATHS. */
int ingot_voa_keys(const struct ingot_voa_result *result, const struct ingot_voa_paths *paths,
                   struct ingot_key_files *keys, ingot_error *reterr);
