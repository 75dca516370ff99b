/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures about a tree of files. */
#pragma once

#include "format/tree.h"

#define INGOT_LARGEST_DIRECTORIES 10

struct ingot_directory_size {
        char *path;    /* without a leading '/' */
        uint64_t size; /* bytes of the files in it and below; a hard link counts where it is first */
};

struct ingot_tree_statistics {
        uint64_t files, directories, symlinks, devices, others; /* inodes; the root counts too */
        uint64_t hard_links;                                    /* further names of files */
        uint64_t content_size;                                  /* bytes of all files */
        struct ingot_directory_size largest[INGOT_LARGEST_DIRECTORIES]; /* the root is not in it */
        size_t largest_count;
};

int ingot_tree_statistics_of(const struct ingot_tree *tree, struct ingot_tree_statistics *ret,
                             ingot_error *reterr);
void ingot_tree_statistics_done(struct ingot_tree_statistics *s);
#define _cleanup_statistics_ __attribute__((cleanup(ingot_tree_statistics_done)))
