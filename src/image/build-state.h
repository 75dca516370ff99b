/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the steps of a build hand on to each other; nobody else includes it. */
#pragma once

#include "base/buffer.h"
#include "format/gpt.h"
#include "format/tree.h"
#include "format/verity.h"
#include "image/build.h"
#include "image/kernel.h"
#include "image/open.h"
#include "image/profile.h"
#include "image/sign-request.h"
#include "os/file.h"
#include "os/workdir.h"
#include "package/lock.h"

/* The time of a build that has neither packages nor Image.Timestamp: FAT knows no earlier one. */
#define INGOT_TIMESTAMP_DEFAULT 315532800
/* Of partitions that hold nothing yet: systemd skips them, systemd-sysupdate fills them. */
#define INGOT_LABEL_EMPTY "_empty"
#define INGOT_VERITY_SIG_SIZE 16384 /* of its partition, as systemd-repart makes it */

#define INGOT_UKI_EXTENT ((uint64_t) 128 << 10)
#define INGOT_SIGN_SUMS "SHA256SUMS"

/* SHA-256 of every mebibyte of the UKI, so that an updater fetches only what changed. */
struct ingot_uki_extents {
        uint64_t size;    /* of the UKI */
        uint8_t *digests; /* one behind the other */
        size_t count;
};
/* With room for the digests. */
int ingot_uki_extents_new(uint64_t size, struct ingot_uki_extents *ret, ingot_error *reterr);
int ingot_uki_extents_copy(const struct ingot_uki_extents *e, struct ingot_uki_extents *ret,
                           ingot_error *reterr);
void ingot_uki_extents_done(struct ingot_uki_extents *e);

/* The release before. */
struct ingot_build_like {
        bool given;
        struct ingot_file file;
        struct ingot_reader reader, root; /* of the file; of the root file system in it */
        struct ingot_image image;
        uint8_t sha256[INGOT_SHA256_SIZE]; /* of the root file system */
};
void ingot_build_like_done(struct ingot_build_like *like);

struct ingot_build {
        const struct ingot_build_options *options;
        const struct ingot_recipe *recipe;
        const char *name, *version, *architecture;
        char *label; /* NAME_VERSION: of partitions and files */
        struct ingot_uuid seed;
        int64_t timestamp;
        char *output;       /* folder of the artifacts */
        char *cache;        /* folder */
        struct ingot_workdir workdir;
        const char *work; /* its path */

        bool has_packages;
        struct ingot_lock lock;

        struct ingot_build_like like; /* when one is given */
        struct ingot_tree *tree;      /* of the root file system */
        struct ingot_kernel kernel;
        struct ingot_buffer kernel_image, stub, initrd;
        char *stub_info; /* who made the stub: "systemd-stub 257…" */
        struct ingot_profiles profiles; /* of the UKI; none: it is the one and only */
        struct ingot_tree *esp;
        bool measures_phases;            /* the system measures its phases: it has what does */
        struct ingot_buffer measurement; /* the measurement manifest, of the unsigned build */

        struct ingot_outfile disk, uki;
        struct ingot_gpt gpt;
        uint64_t slot_size, hash_slot_size; /* bytes of the partitions of one root slot */
        uint64_t root_data_size;            /* bytes of the erofs in slot A … */
        uint64_t hash_size;                 /* … and of its verity area */
        struct ingot_verity verity;
        uint8_t root_hash[INGOT_SHA256_SIZE];
        char *command_line;
        uint64_t uki_size;
        struct ingot_uki_extents uki_extents;

        struct ingot_buffer pcrsig;        /* what holds the place of .pcrsig; empty: none */
        struct ingot_sign_request request; /* its wishes from the start, the rest at the end */
        struct ingot_build_result result;
};

/* The steps, in their order. */
int ingot_build_open_like(struct ingot_build *b, ingot_error *reterr); /* the release before */
int ingot_build_packages(struct ingot_build *b, ingot_error *reterr); /* lock, fetch, install */
int ingot_build_tree(struct ingot_build *b, ingot_error *reterr);     /* files, system, hermetic */
int ingot_build_kernel(struct ingot_build *b, ingot_error *reterr);   /* kernel, stub, initrd */
int ingot_build_check_esp(struct ingot_build *b, ingot_error *reterr); /* will all of it fit? */
int ingot_build_layout(struct ingot_build *b, ingot_error *reterr);   /* an empty table, the ESP */
int ingot_build_root(struct ingot_build *b, ingot_error *reterr);     /* erofs and verity, placed */
int ingot_build_uki(struct ingot_build *b, ingot_error *reterr);      /* UKI and the ESP's tree */
int ingot_build_disk(struct ingot_build *b, ingot_error *reterr);     /* ESP, slot B, /var, table */
int ingot_build_artifacts(struct ingot_build *b, ingot_error *reterr);

/* Frees what the packages step left. */
void ingot_build_packages_done(struct ingot_build *b);

/* What the recipe wants signed, into b->request, with the public key of PCR policies. */
int ingot_build_sign_prepare(struct ingot_build *b, ingot_error *reterr);
/* The digests of the UKI as it was written. */
int ingot_build_uki_extents(struct ingot_build *b, ingot_error *reterr);
/* The signing request; b->result has the artifacts before manifest and sums. */
int ingot_build_sign_request(struct ingot_build *b, ingot_error *reterr);

/* The manifest of a finished build, as JSON text. */
int ingot_build_manifest(const struct ingot_build *b, struct ingot_buffer *ret,
                         ingot_error *reterr);

/* Writes an empty ext4 of SIZE bytes for /var at OFFSET of the image; UUIDs and hash seed come from
 * the seed. Needs mke2fs. */
int ingot_var_write(const struct ingot_uuid *seed, uint64_t size, int64_t timestamp,
                    const char *work, struct ingot_outfile *disk, uint64_t offset,
                    ingot_error *reterr);

/* What the recipe says for the kernel's command line, before the long work. */
int ingot_build_check_command_line(const struct ingot_recipe *recipe, ingot_error *reterr);
/* The command line of a profile: that of the image and its own words. */
int ingot_build_profile_line(const char *command_line, const struct ingot_profile *profile,
                             char **ret, ingot_error *reterr);

/* The recipe's files onto the tree of the ESP. CONFLICT for a place that is taken. */
int ingot_build_esp_files(const struct ingot_build *b, struct ingot_tree *esp, ingot_error *reterr);
/* Bytes that signatures add to them, at most. */
uint64_t ingot_build_esp_signatures(const struct ingot_build *b);

/* SPACE: the key gives less than NEEDED bytes to what NEEDS says ("root file system needs"); tells
 * what to write instead. */
int ingot_build_fail_small(const struct ingot_build *b, enum ingot_recipe_key key,
                           const char *needs, uint64_t needed, ingot_error *reterr);

/* "OUTPUT/NAME". */
int ingot_build_output_path(const struct ingot_build *b, const char *name, char **ret,
                            ingot_error *reterr);
/* The COUNT-th (from 1) partition of that type; NULL: none. */
struct ingot_gpt_partition *ingot_build_partition(struct ingot_build *b, const char *type,
                                                  unsigned count);

/* Adds root, verity and signature partitions of one slot; UUIDs NULL: from the seed. */
struct ingot_build_slot {
        const struct ingot_uuid *data_uuid, *hash_uuid, *signature_uuid; /* NULL: by the seed */
        const char *label;
};
int ingot_build_add_slot(struct ingot_build *b, const struct ingot_build_slot *slot,
                         ingot_error *reterr);
