/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Release files, verified: alone, and in a folder with what they name. */
#pragma once

#include "cli/verify.h"
#include "image/verify.h"
#include "update/release.h"

/* By its name. */
bool verify_is_release(const char *name);
/* One release file: its signatures, and whether it has expired; then what it offers. */
int verify_release(const struct invocation *in, const char *name, ingot_error *reterr);

/* Of those in a folder what they name, and what they are worth themselves. */
struct verify_listings {
        struct ingot_verify_listing *items; /* as ingot_verify takes them */
        struct verify_listing_state {
                struct ingot_channel channel;
                struct ingot_verify_listed *listed;
                char *by, *why;
        } * states;
        size_t count;
};
void verify_listings_done(struct verify_listings *l);
/* KEYS: those who may sign, or NULL. */
int verify_listings_load(const struct ingot_artifact_file *files, size_t count,
                         const struct ingot_key_files *keys, size_t threshold,
                         struct verify_listings *ret, ingot_error *reterr);
