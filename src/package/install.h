/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From verified packages to a tree: what dpkg would make of them, without root.
 *
 * Packages that run nothing before they are unpacked are unpacked by ingot, in parallel; the rest,
 * and every configuration, is the work of the target's own dpkg in a sandbox (os/sandbox.h).
 * Owners, devices and access-control lists that one user id cannot hold stand in a ledger
 * (os/ledger.h) and are given back in the tree. What differs from one installation to the next is
 * fixed or removed (package/tidy.h), so the same packages always give the same tree.
 */
#pragma once

#include "base/log.h"
#include "base/sha256.h"
#include "format/tree.h"

struct ingot_install_package {
        const char *path; /* of the .deb; its bytes are verified already */
        uint8_t sha256[INGOT_SHA256_SIZE];
};

struct ingot_install {
        const struct ingot_install_package *packages; /* in the order of the lock */
        size_t count;
        /* Packages that dependencies may name although they are not in the set: NULL, or names
         * with a NULL behind the last ("linux-initramfs-tool"). */
        const char *const *assumed;
        const char *cache;   /* folder for decompressed packages, by SHA-256; made when absent */
        const char *workdir; /* folder on disk, made by the caller; set to mode 0700, because
                                set-user-id programs of the target lie below it */
        unsigned threads;    /* 0: one for each CPU */
        int64_t timestamp;   /* seconds; nothing in the tree is newer */
        const char *const *environment; /* added to that of scripts: NULL, or "NAME=VALUE"s and
                                           a NULL */
        const struct ingot_log *log;
};

/*
 * Makes workdir/root, which must not exist, and *ret, whose file contents are read from there: the
 * folder stays as long as the tree. The caller removes it with ingot_install_clean, also after a
 * failure. Errors: FORMAT for a malformed package, CONFLICT for files or packages that exclude each
 * other, SYSTEM also for a maintainer script that failed (its package, its name, the end of what
 * it wrote).
 */
int ingot_install_run(const struct ingot_install *install, struct ingot_tree **ret,
                      ingot_error *reterr);

/* Removes workdir/root with whatever modes scripts left there. */
int ingot_install_clean(const char *workdir, ingot_error *reterr);
