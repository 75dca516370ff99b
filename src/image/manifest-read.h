/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a build's manifest: docs/formats/manifest.md. Members that are not known are passed over.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/sha256.h"
#include "format/verity.h"

#define INGOT_MANIFEST_SIZE_MAX ((size_t) 16 << 20)

struct ingot_manifest_artifact {
        char *name; /* of a file: no '/' in it, and not "." or ".." */
        uint64_t size;
        uint8_t sha256[INGOT_SHA256_SIZE];
};

struct ingot_manifest_partition {
        uint64_t number, offset, size;
        struct ingot_uuid type, uuid;
        char *label;
        bool has_data; /* the next two, and the artifact, are there */
        uint64_t data_size;
        uint8_t data_sha256[INGOT_SHA256_SIZE];
        char *artifact;
};

struct ingot_manifest {
        char *name, *version, *architecture;
        uint64_t timestamp; /* no file of the image is younger */
        struct ingot_uuid disk_uuid;
        struct ingot_manifest_partition *partitions;
        size_t partition_count;
        struct ingot_manifest_artifact *artifacts;
        size_t artifact_count;
        uint8_t root_hash[INGOT_SHA256_SIZE];
        struct ingot_verity verity;
        char *uki; /* the artifact's name */
        uint64_t uki_size, extent_size;
        uint8_t *extents; /* SHA-256 of each */
        size_t extent_count;
        char *command_line;
};

/* FORMAT: no JSON, another `format` than 1, or a member that is missing or none; LIMIT. */
int ingot_manifest_decode(struct ingot_span text, struct ingot_manifest *ret, ingot_error *reterr);
void ingot_manifest_done(struct ingot_manifest *m);

#define _cleanup_manifest_ __attribute__((cleanup(ingot_manifest_done)))
