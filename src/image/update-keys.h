/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of releases in an image: where `ingot update` looks for them, and where
 * systemd-sysupdate does.
 *
 *     usr/share/voa/OS/image/default/TECHNOLOGY/...  verifiers by UAPI.11; OS is ID= of os-release
 *     usr/share/voa/OS/trust-anchor-image/default/x509/...
 *                                                    X.509 certificates that sign themselves
 *     usr/lib/systemd/import-pubring.gpg, .pgp       the OpenPGP certificates, and no others: the
 *                                                    distribution's keys sign no release of this
 *                                                    image (systemd to 257 reads .gpg, later .pgp)
 */
#pragma once

#include "base/text.h"
#include "format/tree.h"

struct ingot_update_keys {
        const struct ingot_strings *files; /* absolute paths; FORMAT for one that holds no key */
        uint64_t threshold;                /* CONFLICT when there are fewer keys */
        int64_t mtime;
};

/* What was replaced is added to *changed, for dpkg's digests. */
int ingot_update_keys_install(struct ingot_tree *tree, const struct ingot_update_keys *keys,
                              struct ingot_strings *changed, ingot_error *reterr);
