/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a file is, and what is in it: disks, their partitions, file systems, UKIs, hash trees.
 * Nothing is mounted, and nothing of the file is believed.
 */
#pragma once

#include "format/erofs.h"
#include "format/fat.h"
#include "format/gpt.h"
#include "format/uki.h"
#include "format/verity.h"

enum ingot_content {
        INGOT_CONTENT_UNKNOWN,
        INGOT_CONTENT_EMPTY, /* zeros, as far as we look */
        INGOT_CONTENT_DISK,  /* with a GUID partition table */
        INGOT_CONTENT_UKI,
        INGOT_CONTENT_PE, /* another EFI program: addon, loader, kernel */
        INGOT_CONTENT_EROFS,
        INGOT_CONTENT_FAT,
        INGOT_CONTENT_CPIO,
        INGOT_CONTENT_VERITY,           /* a hash tree */
        INGOT_CONTENT_VERITY_SIGNATURE, /* JSON of a root hash, signed (UAPI.2 "Verity") */
        INGOT_CONTENT_EXT4,             /* this and the next are recognised, and no more */
        INGOT_CONTENT_LUKS,
        INGOT_CONTENT_SWAP,
        INGOT_CONTENT_MAX
};

/* "disk", "uki", "erofs" …: for JSON; and a few words for people. */
const char *ingot_content_name(enum ingot_content content);
const char *ingot_content_title(enum ingot_content content);

struct ingot_image {
        enum ingot_content content;
        const char *name; /* the caller's, of a whole: what messages call it; or NULL */
        struct ingot_reader reader;
        bool flat;     /* its files are not wanted: ingot_image_open_flat */
        char *problem; /* recognised, but cannot be read, and why; or NULL */

        /* Of a disk its partitions, in the order of the table; of a FAT the EFI programs in it. */
        struct ingot_image *parts;
        size_t part_count;
        const struct ingot_gpt_partition *partition; /* of a partition */
        char *path;                   /* of an EFI program in a FAT, of a file that was entered */
        struct ingot_image **entered; /* files in it into which a path went on */
        size_t entered_count;

        struct ingot_gpt *gpt;   /* DISK */
        struct ingot_uki *uki;   /* UKI, PE */
        struct ingot_tree *tree; /* EROFS, FAT, CPIO, UKI: once ingot_image_tree was called */
        struct ingot_erofs_info erofs;
        struct ingot_fat_info fat;

        /* VERITY. The root hash is the digest of the tree's top block. */
        struct ingot_verity verity;
        uint8_t root_hash[INGOT_VERITY_DIGEST_SIZE];
        bool root_hash_known; /* false only when the tree has no level and the data is not there */
        struct ingot_image *data; /* the partition of the same disk whose tree this is, or NULL */
        struct ingot_image *hash; /* of such a partition: its tree, or NULL */

        /* VERITY_SIGNATURE: hexadecimal, as they stand there. */
        char *signed_root_hash, *certificate_fingerprint;
};

/*
 * Recognises what R holds, and the partitions and EFI programs in it. A part that cannot be read
 * has `problem`; a whole that cannot be read fails. R's context must outlive the image.
 */
int ingot_image_open(const struct ingot_reader *r, struct ingot_image *ret, ingot_error *reterr);
/* The same, but files of an erofs are not read: for who wants its bytes, in little memory. */
int ingot_image_open_flat(const struct ingot_reader *r, struct ingot_image *ret,
                          ingot_error *reterr);
void ingot_image_done(struct ingot_image *image);

/*
 * The tree of files in the image, which keeps it. Of a UKI: a file for each section, those of
 * profile N below "profile-N/". UNSUPPORTED for what has none.
 */
int ingot_image_tree(struct ingot_image *image, const struct ingot_tree **ret, ingot_error *reterr);

/*
 * What stands at PATH, links followed; with FOLLOW the last one, too. A path goes on into a file
 * that is an image itself: "EFI/Linux/a.efi/.initrd/init"; of such a file a '/' at the end means
 * the root of what is in it. The image keeps what was opened for that. NOTFOUND.
 */
int ingot_image_find(struct ingot_image *image, const char *path, bool follow,
                     struct ingot_inode **ret, ingot_error *reterr);

/*
 * The part that SELECTOR names: of a disk a partition's number, label, type ("root-x86-64") or
 * designator ("root", "esp"), where the first that is not empty wins; NULL: root, else usr, else
 * the only one with files. The image itself when it is no disk and SELECTOR is NULL. NOTFOUND.
 */
int ingot_image_select(struct ingot_image *image, const char *selector, struct ingot_image **ret,
                       ingot_error *reterr);

/* Opens what R holds, selects the part as above with NULL, and gives its tree: for who wants files
 * alone. IMAGE keeps it. */
int ingot_image_open_tree(const struct ingot_reader *r, struct ingot_image *image,
                          const struct ingot_tree **ret, ingot_error *reterr);

#define _cleanup_image_ __attribute__((cleanup(ingot_image_done)))
