/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small image in memory, with all that a real one has: disk (ESP with loader, UKI and an addon of
 * it, root, hash tree, signature, an empty slot, /var), its parts by themselves, manifest and sums.
 */
#pragma once

#include "base/buffer.h"
#include "base/sha256.h"
#include "image/verify.h"

enum made_artifact {
        MADE_DISK,
        MADE_UKI,
        MADE_ROOT,
        MADE_HASH,
        MADE_SIGNATURE,
        MADE_MANIFEST,
        MADE_SUMS,
        MADE_COUNT
};

struct made_image {
        struct ingot_buffer bytes[MADE_COUNT];
        char names[MADE_COUNT][128];
        struct ingot_span spans[MADE_COUNT];
        struct ingot_buffer addon; /* for the kernel's command line; on the ESP, beside the UKI */
        char root_hash[2 * INGOT_SHA256_SIZE + 1];
};

/* How programs and root hashes are signed; each may be NULL, and then is not. */
struct made_signer {
        /* A program's bytes, signed in place. */
        int (*program)(void *context, struct ingot_buffer *pe, ingot_error *reterr);
        /* The content of the signature partition for this root hash. */
        int (*root)(void *context, const char *root_hash, struct ingot_buffer *ret,
                    ingot_error *reterr);
        void *context;
};

int make_image(struct made_image *m, const struct made_signer *signer, ingot_error *reterr);
void made_image_done(struct made_image *m);
/* The artifacts whose bits are set in WHICH, as an array for ingot_verify(). */
size_t made_files(struct made_image *m, unsigned which, struct ingot_artifact_file *ret);

#define _cleanup_made_ __attribute__((cleanup(made_image_done)))
