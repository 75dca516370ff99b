/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a UKI is made of, found in the tree of an installed system: the kernel, the stub, and the
 * versions that predictions depend on.
 */
#pragma once

#include "base/text.h"
#include "format/loader-info.h"
#include "format/tree.h"

struct ingot_kernel {
        char *version;             /* as `uname -r` says it, and the folder below lib/modules */
        char *path;                /* in the tree, without a leading '/' */
        struct ingot_inode *image; /* the tree's */
};
void ingot_kernel_done(struct ingot_kernel *k);
#define _cleanup_kernel_ __attribute__((cleanup(ingot_kernel_done)))

/*
 * The kernel WANTED, or the newest by version when WANTED is NULL: usr/lib/modules/VERSION/vmlinuz,
 * else boot/vmlinuz-VERSION. Only versions that have a folder of modules count. NOTFOUND names the
 * versions that are there.
 */
int ingot_kernel_find(const struct ingot_tree *tree, const char *wanted, struct ingot_kernel *ret,
                      ingot_error *reterr);

/* systemd-stub for UKIs of ARCHITECTURE ("x64", "aa64"), out of the tree. */
int ingot_stub_find(const struct ingot_tree *tree, const char *architecture,
                    struct ingot_inode **ret, ingot_error *reterr);

/* Who made a stub or loader (format/loader-info.h). FORMAT when nothing says so. The caller frees. */
int ingot_loader_info(const struct ingot_inode *program, char **ret, ingot_error *reterr);

/* What stands in /boot goes once it is in the UKI. The paths of removed files (without a leading
 * '/') are added to REMOVED, which may be NULL; the folder stays as a mount point. */
int ingot_kernel_empty_boot(struct ingot_tree *tree, struct ingot_strings *removed,
                            ingot_error *reterr);
