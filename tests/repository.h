/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tiny Debian archive, made and signed by a test. */
#pragma once

#include "signer.h"

struct repository_package {
        const char *name, *version;
        const char *fields; /* more lines of its paragraph, each with a newline; or NULL */
        size_t size;        /* of its file, which holds no real package; 0: 1000 */
};

struct repository_options {
        const char *suite;
        const struct repository_package *packages; /* ends with a name of NULL */
        const char *valid_until;                   /* a date, or NULL */
        const char *hash;                          /* of the signature; NULL: SHA256 */
        bool by_hash;                              /* only by-hash names, no Packages.xz */
        bool plain;                                /* Packages only, uncompressed */
        bool detached;                             /* Release and Release.gpg */
        bool tampered; /* the text of the release is changed after signing */
        bool wrong_package; /* the first package's file has another content than its digest says */
};

/* Writes FOLDER/dists/SUITE and FOLDER/pool. */
bool repository_write(const char *folder, struct signer *signer,
                      const struct repository_options *options);
