/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The release file NAME.CHANNEL.release.json: what a channel offers, with its signatures inline
 * (docs/formats/release.md). It is all that a client needs to trust: every other file of the folder
 * is checked against a digest that stands in it. The folder is described in docs/deploy.md.
 *
 * Names of files have no '/', no control characters and no dot in front, and are never those of the
 * files of the folder that are replaced. One name is one content, whatever release it stands in.
 */
#pragma once

#include "base/buffer.h"
#include "base/json.h"
#include "base/sha256.h"
#include "extension/match.h"
#include "format/verity.h"

#include <stdbool.h>

#define INGOT_RELEASE_SIZE_MAX ((size_t) 16 << 20)
#define INGOT_RELEASES_MAX 64            /* versions in one release file */
#define INGOT_RELEASE_EXTENSIONS_MAX 256 /* of one version */
#define INGOT_RELEASE_PARTS 6            /* files of a version, but those in lists */
#define INGOT_RELEASE_SIGNATURES_MAX 64  /* of its measurement manifest */
#define INGOT_RELEASE_SUFFIX ".release.json"

struct ingot_release_file {
        char *name; /* NULL: the release has none */
        uint64_t size;
        uint8_t sha256[INGOT_SHA256_SIZE];
};

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
        char *os_release; /* the text of its os-release(5), by which extensions are judged, or NULL
                           */
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
        /* Signatures that stand beside the measurement manifest, by its name and an ending
         * (image/measurement-file.h). */
        struct ingot_release_file *measurement_signatures;
        size_t measurement_signature_count;
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

void ingot_release_done(struct ingot_release *r);
void ingot_channel_done(struct ingot_channel *c);
#define _cleanup_channel_ __attribute__((cleanup(ingot_channel_done)))

/* What is signed: a pure decode and encode of the payload. FORMAT, also where sizes contradict each
 * other; LIMIT; UNSUPPORTED. What was decoded is encoded to the same bytes each time. */
int ingot_channel_decode(struct ingot_span payload, struct ingot_channel *ret, ingot_error *reterr);
/* The rules that decoding demands of what is in memory. */
int ingot_channel_check(const struct ingot_channel *c, ingot_error *reterr);
/* Appended, checked before. */
int ingot_channel_encode(const struct ingot_channel *c, struct ingot_buffer *ret,
                         ingot_error *reterr);

/* The same as an object, for programs. */
int ingot_channel_json(const struct ingot_channel *c, struct json_object **ret,
                       ingot_error *reterr);

/* a-z, 0-9 and '-', up to 24. */
bool ingot_channel_name_valid(const char *channel);
/* "NAME.CHANNEL.release.json". */
int ingot_channel_file_name(const char *name, const char *channel, char **ret, ingot_error *reterr);
/* The files of a release, but those of its extensions: INDEX from 0 on, NULL at the end. *ret_what,
 * unless NULL, is the member's name in the JSON. A file that a release has not has no name. From
 * INGOT_RELEASE_PARTS on they are the signatures of the measurement manifest. */
const struct ingot_release_file *ingot_release_part(const struct ingot_release *r, size_t index,
                                                    const char **ret_what);

/* The release of VERSION, or NULL. */
const struct ingot_release *ingot_channel_find(const struct ingot_channel *c, const char *version);

/* What a machine, or whoever asks for it, will take. */
struct ingot_channel_wish {
        const char *name, *channel, *architecture; /* NULL: any */
        uint64_t now;    /* seconds since 1970, against `expires`; 0: there is no clock */
        uint64_t serial; /* the highest seen of this channel; 0: none */
};
/* REFUSED says why, and what to do: another product, channel or architecture, an older serial,
 * expired. For a file whose signatures hold. */
int ingot_channel_acceptable(const struct ingot_channel *c, const struct ingot_channel_wish *wish,
                             ingot_error *reterr);
/* REFUSED: VERSION is older than the channel's minimum. */
int ingot_channel_check_minimum(const struct ingot_channel *c, const char *version,
                                ingot_error *reterr);
