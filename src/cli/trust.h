/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands about verifiers have in common: where they look, and how they show it. */
#pragma once

#include "base/json.h"
#include "cli/option.h"
#include "trust/voa.h"

/* The load paths of the system, or of the calling user by $HOME and $XDG_…. */
int trust_paths(bool user, struct ingot_voa_paths *ret, ingot_error *reterr);
/* The OS that the os-release of ROOT (NULL: "/") names. */
int trust_os(const char *root, char **ret, ingot_error *reterr);

/* Everything of a verifier; see docs/formats/trust.md. */
int trust_add_verifier(struct json_object *list, const struct ingot_voa_paths *paths,
                       const struct ingot_voa_verifier *v, ingot_error *reterr);
/* "verifiers", "masks" and "warnings". */
int trust_add_result(struct json_object *o, const struct ingot_voa_paths *paths,
                     const struct ingot_voa_result *result, ingot_error *reterr);
/* State and path, and below it what led there. */
void trust_print_verifier(const struct ingot_voa_paths *paths, const struct ingot_voa_verifier *v);

#define OPTION_TRUST_ROOT(T, m)                                                                    \
        STRING(0, "root", "DIR", T, m, "Look at the system in that folder; no link leads out of it")
#define OPTION_TRUST_USER(T, m)                                                                    \
        FLAG(0, "user", T, m,                                                                      \
             "Look where a user's verifiers are; masks in /etc/voa and /run/voa hold, too")
