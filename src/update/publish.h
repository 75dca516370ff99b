/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Publishing: a build's artifacts into a folder that any web server can serve (docs/deploy.md).
 *
 * Files of a release have names that are never used for another content. Only the release file of
 * each channel, SHA256SUMS and its signatures are replaced, in this order: artifacts, the sums'
 * signatures, the sums, the release file by one rename; then what no release file names any more
 * is removed. Killed at any moment, what a client fetches is whole (docs/decisions/110).
 *
 * What signers sign is a request (image/sign-request.h) beside the release file,
 * NAME.CHANNEL.release.sign.json: with keys it is answered and attached at once.
 */
#pragma once

#include "image/sign-request.h"
#include "trust/verdict.h"
#include "update/release.h"

#define INGOT_PUBLISH_REQUEST_SUFFIX ".release.sign.json"

struct ingot_publish_options {
        const char *folder;  /* made when it is not there */
        const char *build;   /* of artifacts; NULL: what is offered changes, and nothing is added */
        const char *channel; /* "stable" */
        uint64_t keep;       /* so many versions stay; 0: all */
        /* NULL and false: as it was. Notes and roll-out are those of the newest version. */
        const char *minimum, *notes;
        bool set_expires, set_rollout;
        uint64_t expires;
        unsigned rollout;
        const struct ingot_strings *extensions; /* files NAME.raw or NAME_VERSION.raw; or NULL */
        const struct ingot_signers *signers;    /* NULL or none: only the request is made */
        /* Who may have signed the release files that are there: what they name is signed again.
         * Beside the build's own signers, and those given. */
        const struct ingot_key_files *trusted;
        uint64_t now; /* seconds since 1970: for signatures that say no time */
        bool dry_run; /* write nothing */
        unsigned threads;
        const struct ingot_log *log;
};

struct ingot_publish_result {
        struct ingot_channel channel; /* what is offered, or would be */
        char *request;                /* the signing request; NULL: nothing was to be signed */
        bool changed;                 /* false: all of it is there already */
        bool published;               /* false: signatures are missing */
        bool openpgp;                 /* an OpenPGP key signed the sums */
        struct ingot_strings added, removed; /* files */
        uint64_t added_size;                 /* bytes */
};

void ingot_publish_result_done(struct ingot_publish_result *r);
#define _cleanup_publish_result_ __attribute__((cleanup(ingot_publish_result_done)))

/*
 * REFUSED: the build does not hold together, or a release file that is there is not signed by
 * those who may; CONFLICT: another content under a name that is there, another product's folder, a
 * version that was published with other content; NOTFOUND: no build, nothing to change.
 */
int ingot_publish(const struct ingot_publish_options *options, struct ingot_publish_result *ret,
                  ingot_error *reterr);

/* Finishes what REQUEST, a path in the folder, was made for. REFUSED: an answer is missing or
 * wrong; CONFLICT: the folder has changed since. */
int ingot_publish_attach(const char *request, const struct ingot_log *log,
                         struct ingot_publish_result *ret, ingot_error *reterr);
