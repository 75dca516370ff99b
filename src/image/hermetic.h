/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tree of installed packages made into one that works as a read-only root with an empty /var
 * (UAPI.9): whatever /var needs, the first boot can make from /usr.
 *
 *     /var/...          goes to usr/share/factory/var; tmpfiles.d/ingot-factory-var.conf makes it again
 *     /var/lib/dpkg     goes to usr/lib/sysimage/dpkg; the first boot makes the link
 *     /home, /srv       links to var/home, var/srv; their content goes to the factory too
 *     /root, /usr/local links to var/roothome, ../var/usrlocal; likewise
 *     users, groups     of packages are repeated in usr/lib/sysusers.d/ingot-packages.conf
 *     mount points      are there and empty
 *     presets           keep the first boot from enabling units (image/unit.h)
 *     os-release        gets IMAGE_ID= and IMAGE_VERSION=
 */
#pragma once

#include "base/text.h"
#include "format/tree.h"

struct ingot_hermetic_options {
        const char *image_id, *image_version; /* NULL: os-release stays as it is */
        int64_t mtime;
};

/* To be called once, last but for ingot_kernel_empty_boot. FORMAT for an account file or an
 * os-release that cannot be read. */
int ingot_hermetic_apply(struct ingot_tree *tree, const struct ingot_hermetic_options *options,
                         ingot_error *reterr);

/*
 * Takes PATHS (without a leading '/') out of dpkg's lists of files and digests, so that
 * `dpkg --verify` compares a machine with the image as it was built. A tree without dpkg is fine.
 */
int ingot_dpkg_forget(struct ingot_tree *tree, const struct ingot_strings *paths, int64_t mtime,
                      ingot_error *reterr);

/* Only the digests: the files are there, but were changed on purpose. */
int ingot_dpkg_forget_digests(struct ingot_tree *tree, const struct ingot_strings *paths,
                              int64_t mtime, ingot_error *reterr);
