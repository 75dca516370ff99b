/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of update/publish.c share. Included only by them. */
#pragma once

#include "trust/signature.h"
#include "update/publish.h"
#include "update/release-sign.h"
#include "update/sums.h"

/* A build's artifacts, as one release. */
struct ingot_publish_build {
        char *name, *architecture;
        uint64_t timestamp;
        struct ingot_release release;
        struct ingot_sign_wish wish; /* for release; of the build's signing request */
};
void ingot_publish_build_done(struct ingot_publish_build *b);
/* Reads SHA256SUMS and the manifest in FOLDER. Nothing is checked but that they agree. */
int ingot_publish_build_load(const char *folder, const struct ingot_log *log,
                             struct ingot_publish_build *ret, ingot_error *reterr);
/* REFUSED names what does not hold: digests, the hash tree, the UKI, signatures in partitions. */
int ingot_publish_build_check(const struct ingot_publish_build *b, const char *folder,
                              const struct ingot_publish_options *options, ingot_error *reterr);
/* An extension image, one more of the release, which it must fit. Its name and version are those of
 * the file. */
int ingot_publish_add_extension(struct ingot_publish_build *b, const char *path,
                                ingot_error *reterr);

/* One release file of the folder. */
struct ingot_publish_index {
        char *file;
        struct ingot_buffer payload;
        struct ingot_channel channel;
};

struct ingot_publish_folder {
        const char *path;
        int lock; /* a descriptor; -1: the folder is not there */
        struct ingot_publish_index *items;
        size_t count;
};
#define INGOT_PUBLISH_FOLDER_NONE ((struct ingot_publish_folder){.lock = -1})
void ingot_publish_folder_close(struct ingot_publish_folder *f);
/*
 * Locks the folder, waiting for who has it, and reads its release files. With KEYS each must be
 * signed by REQUEST->threshold of them. All must be of one product.
 */
int ingot_publish_folder_open(const char *path, const struct ingot_signature_request *request,
                              struct ingot_publish_folder *ret, ingot_error *reterr);
/* The index with that file name, or NULL. */
const struct ingot_publish_index *ingot_publish_folder_find(const struct ingot_publish_folder *f,
                                                            const char *file);
/* The text of SHA256SUMS once CHANNEL stands in the folder, in place of the one of that name. */
int ingot_publish_sums(const struct ingot_publish_folder *f, const struct ingot_channel *channel,
                       struct ingot_buffer *ret, ingot_error *reterr);
/* Names that CHANNEL has: of files, and the one that systemd-sysupdate knows the expiry by. */
int ingot_publish_names(const struct ingot_channel *c, struct ingot_sums *ret, ingot_error *reterr);

/* Is FILE there? 1: nothing of that name is; CONFLICT: another content. */
int ingot_publish_compare(const char *folder, const struct ingot_release_file *file,
                          ingot_error *reterr);
/* A copy of SOURCE under the name of FILE, which is checked. */
int ingot_publish_copy(const char *source, const char *folder,
                       const struct ingot_release_file *file, ingot_error *reterr);

/* The signing request for CHANNEL; takes *wish. */
int ingot_publish_request(const struct ingot_publish_folder *f, const struct ingot_channel *channel,
                          struct ingot_sign_wish *wish, uint64_t timestamp,
                          struct ingot_sign_request *ret, ingot_error *reterr);
/* Writes what an answered request says, and removes what it leaves. */
int ingot_publish_finish(const struct ingot_publish_folder *f, struct ingot_sign_request *q,
                         struct ingot_publish_result *result, ingot_error *reterr);
/* What a process that was killed did not come to remove. */
int ingot_publish_remove_left(const struct ingot_publish_folder *f, ingot_error *reterr);
