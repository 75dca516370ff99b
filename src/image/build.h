/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a recipe to an image: the whole of `ingot build`.
 *
 *     recipe + lock ─▶ tree ─▶ erofs ─▶ verity ─▶ root hash ─┐
 *                       └────▶ kernel, initrd, stub ──────────┴─▶ UKI ─▶ ESP ─▶ disk image
 *
 * The same recipe and lock give the same bytes. Every artifact appears whole or not at all; when a
 * build fails none is replaced.
 */
#pragma once

#include "base/log.h"
#include "base/sha256.h"
#include "image/recipe.h"
#include "trust/signer.h"

struct ingot_build_options {
        const struct ingot_recipe *recipe;
        bool locked;       /* take ingot.lock as it is: CONFLICT when it does not fit the recipe */
        bool offline;      /* packages out of the cache alone */
        const char *cache; /* folder; NULL: the user's */
        const char *like;  /* the release before, whose blocks keep their places: a disk image, a
                              root  file system, or a folder with manifests, where it is the newest of
                              this image that is older; NULL: none */
        const struct ingot_signers *signers; /* who will sign at once: all that is wanted must have
                                                one; NULL: nobody */
        unsigned threads;                    /* 0: one for each CPU; the bytes never depend on it */
        const struct ingot_log *log;
};

struct ingot_artifact {
        char *name; /* in the output folder */
        uint64_t size;
        uint8_t sha256[INGOT_SHA256_SIZE];
};

struct ingot_build_result {
        char *image; /* path of the disk image */
        uint8_t root_hash[INGOT_SHA256_SIZE];
        struct ingot_artifact *artifacts; /* in byte order of their names, SHA256SUMS last */
        size_t artifact_count;
};

int ingot_build(const struct ingot_build_options *options, struct ingot_build_result *ret,
                ingot_error *reterr);
void ingot_build_result_done(struct ingot_build_result *r);
#define _cleanup_build_result_ __attribute__((cleanup(ingot_build_result_done)))

/*
 * `ingot lock`: resolves the recipe's packages and writes ingot.lock beside it. What is locked
 * stays, unless UPGRADE_ALL, or named in UPGRADE. *ret_changed: how many packages came, went or
 * moved.
 */
struct ingot_lock;
int ingot_build_lock(const struct ingot_build_options *options, bool upgrade_all,
                     const struct ingot_strings *upgrade, struct ingot_lock *ret,
                     size_t *ret_changed, ingot_error *reterr);
