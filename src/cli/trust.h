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

/* What the trust anchors of a verifier's purpose and context say of it. */
struct trust_certification {
        bool wanted; /* it counts only by anchors: a certificate of SSH, one of OpenPGP's where
                      * there are anchors */
        struct ingot_strings anchors; /* paths of those that certify it */
        char *fault; /* why it verifies nothing, or as an anchor certifies nothing; NULL: it does */
};

struct trust_found {
        const struct ingot_voa_paths *paths;
        struct ingot_voa_result result;
        struct trust_certification *certifications; /* as many as verifiers */
};
int trust_find(const struct ingot_voa_lookup *lookup, struct trust_found *ret, ingot_error *reterr);
void trust_found_done(struct trust_found *f);
#define _cleanup_trust_found_ __attribute__((cleanup(trust_found_done)))
/* Does the verifier with that INDEX count, as far as VOA decides? */
bool trust_counts(const struct trust_found *f, size_t index);

/* "verifiers", "masks", "revocations" and "warnings"; see docs/formats/trust.md. */
int trust_add_found(struct json_object *o, const struct trust_found *f, ingot_error *reterr);
/* Of each verifier its state and path, and below it what led there; revocations; masks. */
void trust_print_found(const struct trust_found *f);

#define OPTION_TRUST_ROOT(T, m)                                                                    \
        STRING(0, "root", "DIR", T, m, "Look at the system in that folder; no link leads out of it")
#define OPTION_TRUST_USER(T, m)                                                                    \
        FLAG(0, "user", T, m,                                                                      \
             "Look where a user's verifiers are; masks in /etc/voa and /run/voa hold, too")
