/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The release file NAME.CHANNEL.release.json: what a channel offers, with its signatures inline
 * (docs/formats/release.md). It is all that a client needs to trust: every other file of the folder
 * is checked against a digest that stands in it. The folder is described in docs/deploy.md.
 *
 * Names of files have no '/', are not "." or "..", and do not begin with a dot.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/sha256.h"
#include "format/verity.h"

#include <stdbool.h>

#define INGOT_RELEASE_SIZE_MAX ((size_t) 16 << 20)
#define INGOT_RELEASES_MAX 64 /* versions in one release file */

struct ingot_release_file {
        char *name; /* NULL: the release has none */
        uint64_t size;
        uint8_t sha256[INGOT_SHA256_SIZE];
};

enum ingot_extension_kind { INGOT_EXTENSION_SYSEXT, INGOT_EXTENSION_CONFEXT };

/* An extension image that fits the version (UAPI.4). */
struct ingot_release_extension {
        enum ingot_extension_kind kind;
        char *name;    /* as in extension-release.NAME */
        char *version; /* of the extension, or NULL */
        struct ingot_release_file file;
};

/* One version. */
struct ingot_release {
        char *version;
        char *notes;      /* for people, or NULL; comes from outside: escape before a terminal */
        unsigned rollout; /* 0 … 100: percent of the machines that may take it now */
        uint8_t root_hash[INGOT_SHA256_SIZE];
        struct ingot_verity verity;                      /* of the root file system */
        struct ingot_release_file root, tree, signature; /* the last may be missing */
        struct ingot_release_file uki;
        uint32_t extent_size; /* bytes of a piece of the UKI, the last one may be shorter */
        size_t extent_count;
        uint8_t *extents; /* SHA-256 of each */
        struct ingot_release_file manifest;
        struct ingot_release_file measurement; /* may be missing */
        struct ingot_release_extension *extensions;
        size_t extension_count;
};

struct ingot_channel {
        char *name, *channel, *architecture; /* the product's name, "stable", UAPI.2's words */
        uint64_t serial;  /* grows with every file that is published: an older one is a replay */
        uint64_t expires; /* seconds since 1970; 0: never */
        char *minimum;    /* nothing older may be installed (rollback protection), or NULL */
        struct ingot_release *releases; /* newest first (UAPI.10), no version twice */
        size_t release_count;
};

void ingot_channel_done(struct ingot_channel *c);
#define _cleanup_channel_ __attribute__((cleanup(ingot_channel_done)))

/* What is signed: a pure decode and encode of the payload. FORMAT, LIMIT, UNSUPPORTED. */
int ingot_channel_decode(struct ingot_span payload, struct ingot_channel *ret, ingot_error *reterr);

/* The release of VERSION, or NULL. */
const struct ingot_release *ingot_channel_find(const struct ingot_channel *c, const char *version);
