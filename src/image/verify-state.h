/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the checks of image/verify.c share. Included only by them. */
#pragma once

#include "image/verify.h"

/* One file. */
struct ingot_verify_file {
        const char *name;
        struct ingot_reader reader;
        struct ingot_image image;
        bool opened;
        bool is_listing;
        bool is_sums, is_manifest; /* is_sums: SHA256SUMS, or IMAGE.sha256, which nobody signs */
        bool is_release;           /* the release's signers sign it */
        bool is_signature;         /* of one of these, and not refused */
        bool is_signed;            /* by as many as must have; of a signature: it holds */
        bool covered;              /* each byte of it counted */
        bool digest_known;
        bool listed;                               /* its digest is the one that is wanted */
        const struct ingot_verify_file *listed_by; /* the sums that say so */
        uint8_t sha256[INGOT_SHA256_SIZE];
};

/* A hash tree and its data, in one disk or in two files. */
struct ingot_verify_pair {
        struct ingot_verify_file *file; /* of the hash tree */
        struct ingot_image *data, *hash;
        bool holds;
        enum ingot_finding_state
                signature; /* of its root hash: HOLDS, REFUSED, NO_KEY, NOT_SIGNED */
};

struct ingot_verify {
        const struct ingot_verify_options *options;
        struct ingot_verify_file *files;
        size_t file_count;
        struct ingot_verify_pair *pairs;
        size_t pair_count;
        struct ingot_verify_covered {
                const struct ingot_image *image;
                bool signatures; /* its signatures were held against keys that were given */
        } * covered;             /* by a signature that fits, or a digest */
        size_t covered_count;
        struct ingot_verification result;
};

/* A finding; WHERE is taken, also on failure; BY and WHY are copied, and may be NULL. */
int ingot_verify_add(struct ingot_verify *v, const char *check, char *where,
                     enum ingot_finding_state state, const char *by, const char *why,
                     ingot_error *reterr);
/* A finding from what a function returned: R and its ERROR. Fails only where that is no finding. */
int ingot_verify_result(struct ingot_verify *v, const char *check, char *where, const char *by,
                        int r, const ingot_error *error, ingot_error *reterr);
int ingot_verify_add_gap(struct ingot_verify *v, const struct ingot_verify_file *file,
                         uint64_t offset, uint64_t size, const char *reason, ingot_error *reterr);

/* "disk.raw: partition 2 (root-x86-64)": FILE is left out when it is the only one. */
int ingot_verify_where(const struct ingot_verify *v, const struct ingot_verify_file *file,
                       const struct ingot_image *part, const struct ingot_image *program,
                       char **ret, ingot_error *reterr);

/* Every image in every file: the file's own (PART and PROGRAM NULL), each partition of a disk, each
 * program of a FAT (PROGRAM; PART is its partition, or NULL). */
typedef int (*ingot_verify_visit_fn)(struct ingot_verify *v, struct ingot_verify_file *file,
                                     struct ingot_image *part, struct ingot_image *program,
                                     struct ingot_image *image, ingot_error *reterr);
int ingot_verify_each(struct ingot_verify *v, ingot_verify_visit_fn visit, ingot_error *reterr);

struct ingot_verify_file *ingot_verify_find(struct ingot_verify *v, const char *name);
/* An empty slot of an A/B layout (UAPI.2 has no word for it; systemd-sysupdate's is the label). */
bool ingot_verify_is_empty_slot(const struct ingot_image *part);
/* The word behind KEY= on a UKI's command line, of PROFILE; NULL when it is not there. NOTFOUND:
 * no command line. The caller frees. */
int ingot_verify_cmdline(const struct ingot_image *uki, uint32_t profile, char **ret,
                         ingot_error *reterr);

/* A signature that fits, or a digest, covers IMAGE. */
int ingot_verify_cover(struct ingot_verify *v, struct ingot_verify_covered covered,
                       ingot_error *reterr);
/* NULL: none does. */
const struct ingot_verify_covered *ingot_verify_covered(const struct ingot_verify *v,
                                                        const struct ingot_image *image);

/* The checks. */
int ingot_verify_sums(struct ingot_verify *v, ingot_error *reterr);
int ingot_verify_listings(struct ingot_verify *v, ingot_error *reterr);
int ingot_verify_manifests(struct ingot_verify *v, ingot_error *reterr);
int ingot_verify_releases(struct ingot_verify *v, ingot_error *reterr);
int ingot_verify_tables(struct ingot_verify *v, ingot_error *reterr);
int ingot_verify_trees(struct ingot_verify *v, ingot_error *reterr);
int ingot_verify_root_hashes(struct ingot_verify *v, ingot_error *reterr);
int ingot_verify_root_signatures(struct ingot_verify *v, ingot_error *reterr);
int ingot_verify_programs(struct ingot_verify *v, ingot_error *reterr);
int ingot_verify_sbat(struct ingot_verify *v, ingot_error *reterr);
int ingot_verify_pcr_signatures(struct ingot_verify *v, ingot_error *reterr);
int ingot_verify_policy(struct ingot_verify *v, ingot_error *reterr);

/* What no check looked at; called at the end. */
int ingot_verify_coverage(struct ingot_verify *v, ingot_error *reterr);
